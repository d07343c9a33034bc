#include "cli/scrub.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

enum { MANY = 64, LONGEST = 128 }; /* secrets to look for, and their bytes */

static bool is_hex(char c)
{
    return ipw_isdigit((unsigned char)c) || (ipw_tolower(c) >= 'a' && ipw_tolower(c) <= 'f');
}

static bool is_word(char c)
{
    return ipw_isalnum((unsigned char)c) || c == '-' || c == '_';
}

static bool has(const char *s, size_t n, const char *word)
{
    size_t k = strlen(word);
    for (size_t i = 0; i + k <= n; i++) {
        size_t j = 0;
        while (j < k && ipw_tolower(s[i + j]) == word[j])
            j++;
        if (j == k)
            return true;
    }
    return false;
}

static bool is_secret(const char *key, size_t n)
{
    return has(key, n, "serial") || has(key, n, "uuid") || has(key, n, "unique_id") || has(key, n, "hid_uniq") || has(key, n, "hid_phys");
}

/* Letters and digits become digits of the hash, the rest stays. */
static void add_hashed(const struct scrub *s, const char *p, size_t n, struct ipw_buf *out)
{
    char hex[65];
    struct fs_sha256 *h = fs_sha256_new();
    fs_sha256_add(h, s->salt, strlen(s->salt));
    fs_sha256_add(h, p, n);
    fs_sha256_end(h, hex);
    for (size_t i = 0, k = 0; i < n; i++)
        ipw_buf_addc(out, ipw_isalnum((unsigned char)p[i]) ? hex[k++ % 64] : p[i]);
}

/* The length of groups[0] hex digits, separator, groups[1] hex digits, ... at p; 0 if it is something else. */
static size_t hex_groups(const char *p, size_t n, const int *groups, char separator)
{
    size_t at = 0;
    for (int g = 0; groups[g]; g++) {
        if (g && (at >= n || p[at++] != separator))
            return 0;
        for (int i = 0; i < groups[g]; i++)
            if (at >= n || !is_hex(p[at++]))
                return 0;
    }
    return at < n && (is_hex(p[at]) || p[at] == separator) ? 0 : at;
}

/* A value that has been learnt, as a whole word. Digits alone might be a number: only where words are joined, as in a path. */
static size_t known(const struct scrub *s, const char *p, size_t i, size_t n)
{
    bool joined = i >= 2 && strchr("-_/", p[i - 1]) && ipw_isalnum((unsigned char)p[i - 2]);
    for (size_t k = 0; k < s->n_known; k++) {
        const char *v = s->known[k];
        size_t len = strlen(v);
        if (len <= n - i && !memcmp(p + i, v, len) && (len == n - i || !ipw_isalnum((unsigned char)p[i + len])) &&
            (joined || strspn(v, "0123456789") < len))
            return len;
    }
    return 0;
}

/* What begins at p[i] and gives somebody away: its length, or 0. */
static size_t pattern(const struct scrub *s, const char *p, size_t i, size_t n)
{
    static const int uuid[] = {8, 4, 4, 4, 12, 0}, mac[] = {2, 2, 2, 2, 2, 2, 0};
    char before = i ? p[i - 1] : ' ';
    size_t len = 0, host = strlen(s->host);
    if (ipw_isalnum((unsigned char)before))
        return 0;
    if (before != '-' || i < 2 || !is_hex(p[i - 2])) /* "GPU-<uuid>" is one, a longer chain of digits is none */
        len = hex_groups(p + i, n - i, uuid, '-');
    if (!len && before != ':')
        len = hex_groups(p + i, n - i, mac, ':');
    if (!len)
        len = known(s, p, i, n);
    if (!len && host >= 3 && host <= n - i && !is_word(before) && !memcmp(p + i, s->host, host) &&
        (host == n - i || !is_word(p[i + host])))
        len = host;
    return len;
}

static void add_searched(const struct scrub *s, const char *p, size_t n, struct ipw_buf *out)
{
    for (size_t i = 0; i < n;) {
        size_t len = pattern(s, p, i, n);
        if (len)
            add_hashed(s, p + i, len, out);
        else
            ipw_buf_addc(out, p[i]);
        i += len ? len : 1;
    }
}

/* Where the secret of a line begins; n: there is none. A whole line may be one. */
static size_t secret_at(const char *p, size_t n, bool whole)
{
    size_t at = 0;
    while (!whole && at < n && p[at] != '=' && p[at] != ':')
        at++;
    if (!whole && (at == n || !is_secret(p, at++)))
        return n;
    while (at < n && ipw_isspace((unsigned char)p[at]))
        at++;
    return at;
}

static size_t without_space(const char *p, size_t from, size_t n)
{
    while (n > from && ipw_isspace((unsigned char)p[n - 1]))
        n--;
    return n;
}

static void add_line(const struct scrub *s, const char *p, size_t n, bool whole, struct ipw_buf *out)
{
    size_t at = secret_at(p, n, whole), end = without_space(p, at, n);
    add_searched(s, p, at, out);
    if (end > at)
        add_hashed(s, p + at, end - at, out);
    ipw_buf_add(out, p + end, n - end);
}

/* At least 6 letters and digits, not all the same, a digit among them: no "unknown", no "00000000". */
static bool telling(const char *p, size_t n)
{
    size_t count = 0, digits = 0, others = 0;
    for (size_t i = 0; i < n; i++)
        if (ipw_isalnum((unsigned char)p[i])) {
            count++;
            digits += ipw_isdigit((unsigned char)p[i]);
            others += p[i] != p[0];
        }
    return count >= 6 && digits && others && n < LONGEST && ipw_isalnum((unsigned char)p[0]);
}

void scrub_learn(struct scrub *s, const char *name, const char *text, size_t n)
{
    bool whole = is_secret(name, strlen(name));
    for (size_t i = 0, len; i < n && !memchr(text, '\0', n); i += len + 1) {
        const char *line = text + i, *end = memchr(line, '\n', n - i);
        len = end ? (size_t)(end - line) : n - i;
        size_t at = secret_at(line, len, whole), value = without_space(line, at, len) - at, k = 0;
        while (k < s->n_known && (strlen(s->known[k]) != value || memcmp(s->known[k], line + at, value) != 0))
            k++;
        if (k < s->n_known || k == MANY || !telling(line + at, value))
            continue;
        IPW_GROW(s->known, s->n_known, s->cap_known);
        s->known[s->n_known++] = ipw_strndup(line + at, value);
    }
}

void scrub_release(struct scrub *s)
{
    for (size_t i = 0; i < s->n_known; i++)
        free(s->known[i]);
    free(s->known);
}

void scrub_path(const struct scrub *s, const char *path, struct ipw_buf *out)
{
    add_searched(s, path, strlen(path), out);
}

void scrub_text(const struct scrub *s, const char *name, const char *text, size_t n, struct ipw_buf *out)
{
    bool json = ipw_ends(name, ".json") || ipw_ends(name, ".jsonl"), secret = is_secret(name, strlen(name));
    if (memchr(text, '\0', n)) {
        ipw_buf_add(out, text, n);
        return;
    }
    for (size_t i = 0; i < n;) {
        const char *end = memchr(text + i, '\n', n - i);
        size_t len = end ? (size_t)(end - text) - i : n - i;
        if (json && !secret)
            add_searched(s, text + i, len, out);
        else
            add_line(s, text + i, len, secret, out);
        if (end)
            ipw_buf_addc(out, '\n');
        i += len + 1;
    }
}
