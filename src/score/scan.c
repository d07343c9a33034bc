#include "score/scan.h"

#include <string.h>

uint32_t scan_char(const char *s, size_t n, size_t *len)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t k = u[0] < 0x80 ? 1 : (u[0] >> 5) == 6 ? 2 : (u[0] >> 4) == 14 ? 3 : (u[0] >> 3) == 30 ? 4 : 0;
    *len = 1;
    if (k == 1)
        return u[0];
    if (k == 0 || k > n || !ipw_utf8_valid(s, k))
        return 0xfffd;
    uint32_t c = u[0] & (0xffu >> (k + 1));
    for (size_t i = 1; i < k; i++)
        c = c << 6 | (u[i] & 0x3f);
    *len = k;
    return c;
}

size_t scan_back(struct span t, size_t i)
{
    for (size_t k = 2; k <= 4 && k <= i; k++) {
        size_t len;
        if ((t.s[i - k + 1] & 0xc0) != 0x80)
            break;
        scan_char(t.s + i - k, k, &len);
        if (len == k)
            return i - k;
    }
    return i - 1;
}

void scan_put(char *s, uint32_t c, size_t len)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; c >>= 6)
        s[i] = (char)(0x80 | (c & 0x3f));
    s[0] = (char)(lead[len] | c);
}

bool scan_uspace(uint32_t c)
{
    return c < 0x80 ? scan_space((char)c)
                    : c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
                          c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Punctuation, symbols and marks that occur in answers; every other character beyond ASCII is taken for a letter.
 * Marks of Indic scripts are left out: no rule meets them next to a Latin letter or a digit. */
static const struct {
    uint32_t lo, hi;
} not_word[] = {
    {0x80, 0xa9},     {0xab, 0xb1},     {0xb4, 0xb4},       {0xb6, 0xb8},       {0xbb, 0xbb},        {0xbf, 0xbf},
    {0xd7, 0xd7},     {0xf7, 0xf7},     {0x2c2, 0x2c5},     {0x2d2, 0x2df},     {0x2e5, 0x2eb},      {0x2ed, 0x2ed},
    {0x2ef, 0x36f},   {0x375, 0x375},   {0x37e, 0x37e},     {0x384, 0x385},     {0x387, 0x387},      {0x3f6, 0x3f6},
    {0x482, 0x489},   {0x55a, 0x55f},   {0x589, 0x5c7},     {0x5f3, 0x61f},     {0x64b, 0x65f},      {0x66a, 0x66d},
    {0x6d4, 0x6d4},   {0x964, 0x965},   {0xe3f, 0xe3f},     {0x2000, 0x206f},   {0x207a, 0x207e},    {0x208a, 0x208e},
    {0x20a0, 0x2101}, {0x2103, 0x2106}, {0x2108, 0x2109},   {0x2114, 0x2114},   {0x2116, 0x2118},    {0x211e, 0x2123},
    {0x2125, 0x2125}, {0x2127, 0x2127}, {0x2129, 0x2129},   {0x212e, 0x212e},   {0x213a, 0x213b},    {0x2140, 0x2144},
    {0x214a, 0x214d}, {0x214f, 0x214f}, {0x218a, 0x244a},   {0x2500, 0x2775},   {0x2794, 0x2bff},    {0x2e00, 0x2e2e},
    {0x2e30, 0x3004}, {0x3008, 0x3020}, {0x302a, 0x3030},   {0x3036, 0x3037},   {0x303d, 0x303f},    {0x3099, 0x309c},
    {0x30a0, 0x30a0}, {0x30fb, 0x30fb}, {0xe000, 0xf8ff},   {0xfd3e, 0xfd4f},   {0xfe00, 0xfe6b},    {0xfeff, 0xff00},
    {0xff5f, 0xff65}, {0xffe0, 0xfffd}, {0x1f000, 0x1f0f5}, {0x1f10d, 0x1fbca}, {0xe0001, 0x10ffff},
};

static bool is_word(uint32_t c)
{
    if (c < 0x80)
        return ipw_isalnum((unsigned char)c) || c == '_';
    size_t lo = 0, hi = sizeof not_word / sizeof not_word[0];
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (c > not_word[mid].hi)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo == sizeof not_word / sizeof not_word[0] || c < not_word[lo].lo;
}

uint32_t scan_lower(uint32_t c)
{
    static const struct {
        uint32_t lo, hi, add, step; /* step 2: capitals are lo, lo+2, ... */
    } rows[] = {
        {'A', 'Z', 32, 1},     {0xc0, 0xd6, 32, 1},   {0xd8, 0xde, 32, 1},    {0x100, 0x12e, 1, 2},
        {0x132, 0x136, 1, 2},  {0x139, 0x147, 1, 2},  {0x14a, 0x176, 1, 2},   {0x179, 0x17d, 1, 2},
        {0x386, 0x386, 38, 1}, {0x388, 0x38a, 37, 1}, {0x38c, 0x38c, 64, 1},  {0x38e, 0x38f, 63, 1},
        {0x391, 0x3a1, 32, 1}, {0x3a3, 0x3ab, 32, 1}, {0x400, 0x40f, 80, 1},  {0x410, 0x42f, 32, 1},
        {0x460, 0x480, 1, 2},  {0x48a, 0x4be, 1, 2},  {0x1e00, 0x1e94, 1, 2}, {0x1ea0, 0x1efe, 1, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && c >= rows[i].lo; i++)
        if (c <= rows[i].hi)
            return (c - rows[i].lo) % rows[i].step ? c : c + rows[i].add;
    return c;
}

bool scan_word_at(struct span t, size_t i)
{
    size_t len;
    return i < t.n && is_word(scan_char(t.s + i, t.n - i, &len));
}

bool scan_word_before(struct span t, size_t i)
{
    return i > 0 && scan_word_at(scan_sub(t, 0, i), scan_back(t, i));
}

bool scan_edge(struct span t, size_t i)
{
    return scan_word_before(t, i) != scan_word_at(t, i);
}

size_t scan_ws(struct span t, size_t i)
{
    while (i < t.n && scan_space(t.s[i]))
        i++;
    return i;
}

size_t scan_line(struct span t, size_t i)
{
    const char *p = i < t.n ? memchr(t.s + i, '\n', t.n - i) : NULL;
    return p ? (size_t)(p - t.s) : t.n;
}

size_t scan_find(struct span t, size_t i, const char *needle)
{
    const char *p = i < t.n ? memmem(t.s + i, t.n - i, needle, strlen(needle)) : NULL;
    return p ? (size_t)(p - t.s) : t.n;
}

size_t scan_find_nocase(struct span t, size_t i, const char *needle)
{
    for (; i < t.n; i++)
        if (scan_is_nocase(t, i, needle))
            return i;
    return t.n;
}

bool scan_is(struct span t, size_t i, const char *word)
{
    for (; *word; word++, i++)
        if (i >= t.n || t.s[i] != *word)
            return false;
    return true;
}

bool scan_is_nocase(struct span t, size_t i, const char *word)
{
    for (; *word; word++, i++)
        if (i >= t.n || ipw_tolower(t.s[i]) != *word)
            return false;
    return true;
}

size_t scan_any(struct span t, size_t i, const char *const *words)
{
    char first = scan_at(t, i);
    for (; *words; words++)
        if (**words == first && scan_is(t, i, *words))
            return strlen(*words);
    return 0;
}

size_t scan_any_nocase(struct span t, size_t i, const char *const *words)
{
    char first = ipw_tolower(scan_at(t, i));
    for (; *words; words++)
        if (**words == first && scan_is_nocase(t, i, *words))
            return strlen(*words);
    return 0;
}

struct span scan_sub(struct span t, size_t from, size_t to)
{
    return (struct span){t.s + from, to - from};
}

struct span scan_trim(struct span t)
{
    while (t.n && scan_space(t.s[t.n - 1]))
        t.n--;
    size_t i = scan_ws(t, 0);
    return scan_sub(t, i, t.n);
}

size_t scan_replace(char *s, size_t n, const char *needle, const char *with)
{
    struct span t = {s, n};
    size_t m = strlen(needle), w = strlen(with), out = 0;
    for (size_t i = 0; i < n;) {
        size_t at = scan_find(t, i, needle);
        memmove(s + out, s + i, at - i);
        out += at - i;
        i = at;
        if (at < n) {
            memcpy(s + out, with, w);
            out += w;
            i += m;
        }
    }
    return out;
}
