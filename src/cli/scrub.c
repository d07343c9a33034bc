#include "cli/scrub.h"

#include <string.h>

#include "base/fs.h"
#include "base/str.h"

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

static void add_line(const struct scrub *s, const char *p, size_t n, struct ipw_buf *out)
{
    size_t key = 0;
    while (key < n && p[key] != '=' && p[key] != ':')
        key++;
    if (key == n || !is_secret(p, key)) {
        add_searched(s, p, n, out);
        return;
    }
    size_t value = key + 1;
    while (value < n && ipw_isspace((unsigned char)p[value]))
        value++;
    ipw_buf_add(out, p, value);
    add_hashed(s, p + value, n - value, out);
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
        if (secret)
            add_hashed(s, text + i, len, out);
        else
            (json ? add_searched : add_line)(s, text + i, len, out);
        if (end)
            ipw_buf_addc(out, '\n');
        i += len + 1;
    }
}
