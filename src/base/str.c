#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

bool ipw_streq(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

bool ipw_starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

bool ipw_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && !strcmp(s + n - m, suffix);
}

bool ipw_parse_i64(const char *s, int64_t *out)
{
    char *end;
    if (!ipw_isdigit((unsigned char)*s) && *s != '-' && *s != '+')
        return false;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || end == s || *end)
        return false;
    *out = v;
    return true;
}

bool ipw_parse_u64(const char *s, uint64_t *out)
{
    char *end;
    if (!ipw_isdigit((unsigned char)*s))
        return false;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (errno || *end)
        return false;
    *out = v;
    return true;
}

bool ipw_parse_f64(const char *s, double *out)
{
    char *end;
    if (!*s || ipw_isspace((unsigned char)*s))
        return false;
    double v = strtod(s, &end);
    if (end == s || *end || !isfinite(v))
        return false;
    *out = v;
    return true;
}

/* Optimal string alignment distance, capped at words of 63 bytes. */
static int distance(const char *a, const char *b)
{
    int n = (int)strlen(a), m = (int)strlen(b);
    int d[64][64];
    if (n > 63 || m > 63)
        return 99;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            int cost = a[i - 1] != b[j - 1];
            int best = d[i - 1][j - 1] + cost;
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *ipw_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    int limit = (int)(strlen(word) + 2) / 3, best_d = limit + 1;
    for (size_t i = 0; i < n; i++) {
        int d = distance(word, candidates[i]);
        if (d < best_d) {
            best_d = d;
            best = candidates[i];
        }
    }
    return best;
}

/* Length of the well-formed sequence at s (n bytes left), 0 if ill-formed, -k if k more bytes are needed. */
static int utf8_step(const unsigned char *s, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int len = s[0] < 0x80 ? 1 : (s[0] >> 5) == 6 ? 2 : (s[0] >> 4) == 14 ? 3 : (s[0] >> 3) == 30 ? 4 : 0;
    if (len <= 1)
        return len;
    uint32_t cp = s[0] & (0xffu >> (len + 1));
    for (int i = 1; i < len; i++) {
        if ((size_t)i >= n)
            return -(len - i);
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (s[i] & 0x3f);
    }
    if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return 0;
    return len;
}

bool ipw_utf8_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        int k = utf8_step((const unsigned char *)s + i, n - i);
        if (k <= 0)
            return false;
        i += (size_t)k;
    }
    return true;
}

char *ipw_utf8_repair(const char *s, size_t n, size_t *out_n)
{
    struct ipw_buf b = IPW_BUF_INIT;
    for (size_t i = 0; i < n;) {
        int k = utf8_step((const unsigned char *)s + i, n - i);
        if (k > 0)
            ipw_buf_add(&b, s + i, (size_t)k);
        else
            ipw_buf_adds(&b, "\xef\xbf\xbd");
        i += k > 0 ? (size_t)k : 1;
    }
    *out_n = b.len;
    return ipw_buf_take(&b);
}

size_t ipw_utf8_tail(const char *s, size_t n)
{
    for (size_t k = 1; k <= 3 && k <= n; k++) {
        unsigned char c = (unsigned char)s[n - k];
        if ((c & 0xc0) == 0x80)
            continue;
        return utf8_step((const unsigned char *)s + n - k, k) < 0 ? k : 0;
    }
    return 0;
}

void ipw_slug(const char *s, char *out, size_t size)
{
    size_t n = 0;
    for (; *s && n + 1 < size; s++) {
        char c = ipw_tolower(*s);
        if (ipw_isalnum((unsigned char)c) || c == '.')
            out[n++] = c;
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && (out[n - 1] == '-' || out[n - 1] == '.'))
        n--;
    out[n] = '\0';
}

uint64_t ipw_hash64(const void *p, size_t n)
{
    const unsigned char *s = p;
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ s[i]) * 1099511628211u;
    return h;
}
