/* Text steps shared by the scorers; the rules are those of datasets 2.0, 2.1 and 2.6. */
#include "score/scan.h"

#include <string.h>

enum {
    VISIBLE_MAX = 1 << 20,
    UNWRAP_MAX = 64, /* nesting of \text{..} beyond this is not language, and would cost quadratic time */
};

/* ---- thinking ---- */

static const char *const openers[] = {"<think>",
                                      "<thinking>",
                                      "<thought>",
                                      "<reasoning>",
                                      "[think]",
                                      "<|begin_of_thought|>",
                                      "\xe2\x97\x81think\xe2\x96\xb7",
                                      NULL};
static const char *const closers[] = {"</think>",
                                      "</thinking>",
                                      "</thought>",
                                      "</reasoning>",
                                      "[/think]",
                                      "<|end_of_thought|>",
                                      "\xe2\x97\x81/think\xe2\x96\xb7",
                                      NULL};

const char *think_status_name(enum think_status s)
{
    static const char *const names[] = {"none", "stripped", "unclosed"};
    return names[s];
}

/* Trims Unicode white space: this text is as the model wrote it. */
static struct span trim_raw(struct span t)
{
    size_t len;
    while (t.n) {
        size_t i = scan_back(t, t.n);
        if (!scan_uspace(scan_char(t.s + i, t.n - i, &len)))
            break;
        t.n = i;
    }
    while (t.n && scan_uspace(scan_char(t.s, t.n, &len)))
        t = scan_sub(t, len, t.n);
    return t;
}

/* gpt-oss: the text of the last final channel. */
static bool harmony(struct span t, struct span *out)
{
    static const char head[] = "<|channel|>final<|message|>";
    static const char *const ends[] = {"<|end|>", "<|return|>", "<|start|>", NULL};
    size_t from = 0;
    for (size_t at = scan_find(t, 0, head); at < t.n; at = scan_find(t, from, head))
        from = at + strlen(head);
    size_t to = from;
    while (to < t.n && !scan_any(t, to, ends))
        to++;
    *out = scan_sub(t, from, to);
    return from > 0;
}

enum think_status score_strip_think(const char *text, size_t len, const char **visible, size_t *n)
{
    struct span t = {text, len}, out = t;
    size_t first_open = len, last_open = 0, after_close = 0;
    bool opened = false, closed = false;
    enum think_status status = THINK_NONE;
    for (size_t i = 0; i < len; i++) {
        size_t k;
        if (text[i] != '<' && text[i] != '[' && text[i] != '\xe2')
            continue;
        if (scan_any_nocase(t, i, openers)) {
            first_open = opened ? first_open : i;
            last_open = i;
            opened = true;
        } else if ((k = scan_any_nocase(t, i, closers)) > 0) {
            after_close = i + k;
            closed = true;
        }
    }
    if (closed && (!opened || last_open < after_close)) {
        status = THINK_STRIPPED;
        out = scan_sub(t, after_close, len);
    } else if (opened) {
        status = THINK_UNCLOSED;
        out = scan_sub(t, 0, closed ? 0 : first_open);
    } else if (harmony(t, &out)) {
        status = THINK_STRIPPED;
    } else {
        out = t;
    }
    out = trim_raw(out);
    *visible = out.n ? out.s : "";
    *n = out.n;
    return status;
}

/* ---- canonical form ---- */

/* The NFKC subset that matters for answers. Superscripts and vulgar fractions stay: NFKC reads 5² as 52. */
static uint32_t canon_char(uint32_t c)
{
    static const struct {
        uint32_t lo, hi, to, cycle; /* cycle n: the range repeats n characters from `to` on */
    } rows[] = {
        {0xff01, 0xff5e, '!', 94}, {0x2212, 0x2212, '-', 1},    {0x24b6, 0x24cf, 'A', 26},
        {0x24d0, 0x24e9, 'a', 26}, {0x1d7ce, 0x1d7ff, '0', 10},
    };
    if (scan_uspace(c)) /* the rest is white space too, but neither ' ' nor the end of a line */
        return c == 0x85 || c == 0x1680 || c == 0x2028 || c == 0x2029 ? '\v' : ' ';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (c >= rows[i].lo && c <= rows[i].hi)
            return rows[i].to + (c - rows[i].lo) % rows[i].cycle;
    if (c >= 0x1d400 && c <= 0x1d6a3) { /* mathematical alphabets: A..Z then a..z, thirteen times */
        uint32_t k = (c - 0x1d400) % 52;
        return k < 26 ? 'A' + k : 'a' + k - 26;
    }
    return c;
}

char *score_canon(const char *text, size_t len, struct ipw_arena *arena, size_t *n)
{
    char *out = ipw_arena_alloc(arena, len + 1);
    size_t o = 0, k;
    for (size_t i = 0; i < len; i += k) {
        unsigned char b = (unsigned char)text[i];
        k = 1;
        if (b == '\r') {
            out[o++] = '\n';
            k += i + 1 < len && text[i + 1] == '\n';
            continue;
        }
        if (b < 0x80) {
            out[o++] = text[i];
            continue;
        }
        uint32_t c = scan_char(text + i, len - i, &k), to = canon_char(c);
        if (c == 0x2026) { /* NFKC makes an ellipsis three dots, as long as itself in UTF-8 */
            memcpy(out + o, "...", 3);
            o += 3;
        } else if (to < 0x80) {
            out[o++] = (char)to;
        } else {
            memcpy(out + o, text + i, k);
            o += k;
        }
    }
    *n = o;
    return out;
}

struct span scan_visible(const char *text, size_t len, struct ipw_arena *arena, enum think_status *status)
{
    const char *s;
    size_t n;
    *status = score_strip_think(text, len, &s, &n);
    if (n > VISIBLE_MAX) {
        s += n - VISIBLE_MAX;
        n = VISIBLE_MAX;
    }
    struct span t;
    t.s = score_canon(s, n, arena, &t.n);
    return t;
}

/* ---- SQuAD ---- */

static bool squad_drops(uint32_t c)
{
    if (c < 0x80)
        return c > ' ' && c < 0x7f && !ipw_isalnum((unsigned char)c);
    return c == 0xab || c == 0xbb || (c >= 0x2018 && c <= 0x201f) || c == 0x2039 || c == 0x203a;
}

/* Length of the article that stands alone at i. */
static size_t article(struct span t, size_t i)
{
    static const char *const articles[] = {"the", "an", "a", NULL};
    size_t k = scan_any(t, i, articles);
    return k && !scan_word_before(t, i) && !scan_word_at(t, i + k) ? k : 0;
}

char *score_squad_norm(const char *text, size_t len, struct ipw_arena *arena)
{
    char *plain = ipw_arena_alloc(arena, len + 1), *out = ipw_arena_alloc(arena, len + 1);
    size_t n = 0, o = 0, k;
    for (size_t i = 0; i < len; i += k) {
        uint32_t c = scan_char(text + i, len - i, &k);
        if (squad_drops(c))
            continue;
        if (c == 0xfffd && k == 1)
            plain[n] = text[i];
        else
            scan_put(plain + n, scan_lower(c), k);
        n += k;
    }
    struct span t = {plain, n};
    bool gap = false;
    for (size_t i = 0; i < n;) {
        k = article(t, i);
        if (k || scan_space(plain[i])) {
            gap = true;
            i += k ? k : 1;
            continue;
        }
        if (gap && o)
            out[o++] = ' ';
        gap = false;
        out[o++] = plain[i++];
    }
    out[o] = '\0';
    return out;
}

/* ---- marked answers ---- */

bool score_last_boxed(const char *text, size_t len, const char **in, size_t *n)
{
    static const char *const heads[] = {"\\boxed", "\\fbox", NULL};
    struct span t = {text, len};
    size_t limit = len; /* what lies behind an unbalanced brace can balance no earlier one */
    for (size_t i = len; i-- > 0;) {
        size_t k = text[i] == '\\' ? scan_any(t, i, heads) : 0;
        if (!k)
            continue;
        size_t j = scan_ws(t, i + k), e = j;
        if (scan_at(t, j) == '{') {
            int64_t depth = 0;
            for (; e < limit; e++) {
                depth += (text[e] == '{') - (text[e] == '}');
                if (depth == 0)
                    break;
            }
            if (e < limit) {
                *in = text + j + 1;
                *n = e - j - 1;
                return true;
            }
            limit = j;
            continue;
        }
        while (e < len && !scan_space(text[e]) && !(text[e] && strchr("$.,;", text[e])))
            e++;
        if (e > j) {
            *in = text + j;
            *n = e - j;
            return true;
        }
    }
    return false;
}

bool scan_tag(struct span t, struct span *in)
{
    bool found = false;
    for (size_t i = scan_find_nocase(t, 0, "<answer>"); i < t.n; i = scan_find_nocase(t, i, "<answer>")) {
        size_t from = i + strlen("<answer>"), to = scan_find_nocase(t, from, "</answer>");
        if (to == t.n)
            break;
        *in = scan_trim(scan_sub(t, from, to));
        found = true;
        i = to;
    }
    return found;
}

/* Length of \name{content} at i where content holds no brace; its content in *in. */
static size_t wrapped(struct span t, size_t i, struct span *in)
{
    static const char *const names[] = {"\\text", "\\textbf", "\\mathrm",     "\\mathbf",       "\\mathsf", "\\mbox",
                                        "\\rm",   "\\bf",     "\\boldsymbol", "\\operatorname", NULL};
    for (size_t w = 0; names[w]; w++) {
        if (!scan_is(t, i, names[w]))
            continue;
        size_t from = scan_ws(t, i + strlen(names[w]));
        if (scan_at(t, from++) != '{')
            continue;
        size_t to = from;
        while (to < t.n && t.s[to] != '{' && t.s[to] != '}')
            to++;
        if (scan_at(t, to) != '}')
            return 0;
        *in = scan_sub(t, from, to);
        return to + 1 - i;
    }
    return 0;
}

struct span scan_unwrap(struct span t, struct ipw_arena *arena)
{
    char *s = ipw_arena_strndup(arena, t.s, t.n);
    t.s = s;
    for (int pass = 0, changed = 1; changed && pass < UNWRAP_MAX; pass++) {
        size_t o = 0;
        changed = 0;
        for (size_t i = 0; i < t.n;) {
            struct span in;
            size_t k = wrapped(t, i, &in);
            if (k)
                changed = 1;
            else
                in = scan_sub(t, i, scan_find(t, i + 1, "\\"));
            memmove(s + o, in.s, in.n);
            o += in.n;
            i += k ? k : in.n;
        }
        t.n = o;
    }
    return t;
}
