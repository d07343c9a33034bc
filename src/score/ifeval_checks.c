/* The instructions of IFEval, as the published checkers decide them. */
#include "score/ifeval.h"

#include <string.h>

/* ---- parameters ---- */

int64_t ifeval_int(struct ifeval_ask *ask, const char *key)
{
    int64_t n = 0;
    if (!json_is_int(json_get(ask->kwargs, key), &n) || n == 0)
        ask->lacks = key;
    return n;
}

struct span ifeval_text(struct ifeval_ask *ask, const char *key)
{
    const json_val *v = json_get(ask->kwargs, key);
    if (!json_str(v) || !json_len(v)) {
        ask->lacks = key;
        return (struct span){"", 0};
    }
    return (struct span){json_str(v), json_len(v)};
}

bool ifeval_relation(struct ifeval_ask *ask, const char *relation, const char *key, int64_t n)
{
    const char *how = json_str(json_get(ask->kwargs, relation));
    int64_t limit = ifeval_int(ask, key);
    bool less = ipw_streq(how, "less than");
    if (!less && !ipw_streq(how, "at least"))
        ask->lacks = relation;
    return less ? n < limit : n >= limit;
}

struct span ifeval_lower(struct span t, struct ipw_arena *arena)
{
    char *s = ipw_arena_alloc(arena, t.n + 1);
    size_t len;
    for (size_t i = 0; i < t.n; i += len) {
        uint32_t c = scan_char(t.s + i, t.n - i, &len);
        if (c == 0xfffd && len == 1)
            s[i] = t.s[i];
        else
            scan_put(s + i, scan_lower(c), len);
    }
    return (struct span){s, t.n};
}

/* str.strip(): Unicode white space. */
static struct span strip(struct span t)
{
    size_t len;
    while (t.n && scan_uspace(scan_char(t.s, t.n, &len)))
        t = scan_sub(t, len, t.n);
    while (t.n) {
        size_t i = scan_back(t, t.n);
        if (!scan_uspace(scan_char(t.s + i, t.n - i, &len)))
            break;
        t.n = i;
    }
    return t;
}

static size_t find(struct span t, size_t i, struct span what)
{
    const char *at = i <= t.n && what.n ? memmem(t.s + i, t.n - i, what.s, what.n) : NULL;
    return at ? (size_t)(at - t.s) : t.n;
}

static bool same(struct span a, struct span b)
{
    return a.n == b.n && !memcmp(a.s, b.s, a.n);
}

static size_t line_start(struct span t, size_t i) /* the first at or after i */
{
    if (i == 0 || (i <= t.n && t.s[i - 1] == '\n'))
        return i;
    return scan_line(t, i) + 1;
}

/* ---- keywords ---- */

static int64_t count_of(struct span t, struct span what)
{
    int64_t n = 0;
    for (size_t i = find(t, 0, what); i < t.n; i = find(t, i + what.n, what))
        n++;
    return n;
}

static bool existence(struct span t, struct ifeval_ask *ask)
{
    const json_val *words = json_get(ask->kwargs, "keywords");
    t = ifeval_lower(t, ask->arena);
    if (json_type(words) != JSON_ARR || !json_len(words))
        ask->lacks = "keywords";
    for (struct json_iter it = json_iter(words); json_next(&it);) {
        struct span word = {json_str(it.val), json_len(it.val)};
        if (!word.s)
            ask->lacks = "keywords";
        else if (find(t, 0, ifeval_lower(word, ask->arena)) == t.n && word.n)
            return false;
    }
    return true;
}

static bool frequency(struct span t, struct ifeval_ask *ask)
{
    struct span word = strip(ifeval_text(ask, "keyword"));
    int64_t n = count_of(ifeval_lower(t, ask->arena), ifeval_lower(word, ask->arena));
    return ifeval_relation(ask, "relation", "frequency", n);
}

static bool whole_word(struct span t, struct span word)
{
    for (size_t i = find(t, 0, word); i < t.n; i = find(t, i + 1, word))
        if (scan_edge(t, i) && scan_edge(t, i + word.n))
            return true;
    return false;
}

static bool forbidden(struct span t, struct ifeval_ask *ask)
{
    const json_val *words = json_get(ask->kwargs, "forbidden_words");
    t = ifeval_lower(t, ask->arena);
    if (json_type(words) != JSON_ARR || !json_len(words))
        ask->lacks = "forbidden_words";
    for (struct json_iter it = json_iter(words); json_next(&it);) {
        struct span word = {json_str(it.val), json_len(it.val)};
        if (!word.s)
            ask->lacks = "forbidden_words";
        else if (whole_word(t, ifeval_lower(word, ask->arena)))
            return false;
    }
    return true;
}

static bool letter_frequency(struct span t, struct ifeval_ask *ask)
{
    struct span letter = ifeval_lower(strip(ifeval_text(ask, "letter")), ask->arena);
    return ifeval_relation(ask, "let_relation", "let_frequency", count_of(ifeval_lower(t, ask->arena), letter));
}

/* ---- lengths ---- */

static bool number_sentences(struct span t, struct ifeval_ask *ask)
{
    return ifeval_relation(ask, "relation", "num_sentences", ifeval_sentences(t));
}

/* The next separator "***", with one white space on either side: its start, its end in *end. */
static size_t stars(struct span t, size_t i, size_t *end)
{
    size_t at = scan_find(t, i, "***");
    *end = at < t.n ? at + 3 : t.n;
    if (at == t.n)
        return at;
    *end += *end < t.n && scan_space(t.s[*end]);
    return at - (at > i && scan_space(t.s[at - 1]));
}

static bool number_paragraphs(struct span t, struct ifeval_ask *ask)
{
    int64_t n = 0, want = ifeval_int(ask, "num_paragraphs");
    size_t from = 0, end;
    for (bool first = true, last = false; !last; first = false) {
        size_t at = stars(t, from, &end);
        last = at == t.n;
        bool blank = !strip(scan_sub(t, from, at)).n;
        if (blank && !first && !last)
            return false;
        n += !blank;
        from = end;
    }
    return n == want;
}

static bool number_words(struct span t, struct ifeval_ask *ask)
{
    int64_t n = 0;
    size_t len;
    bool inside = false;
    for (size_t i = 0; i < t.n; i += len) {
        bool word = scan_word_at(t, i);
        scan_char(t.s + i, t.n - i, &len);
        n += word && !inside;
        inside = word;
    }
    return ifeval_relation(ask, "relation", "num_words", n);
}

static bool nth_first_word(struct span t, struct ifeval_ask *ask)
{
    int64_t want = ifeval_int(ask, "num_paragraphs"), nth = ifeval_int(ask, "nth_paragraph"), n = 0, at = 0;
    struct span first = ifeval_lower(ifeval_text(ask, "first_word"), ask->arena), chosen = {0};
    for (size_t from = 0; from <= t.n;) {
        size_t to = scan_find(t, from, "\n\n");
        struct span p = strip(scan_sub(t, from, to));
        n += p.n > 0;
        if (++at == nth)
            chosen = p;
        from = to < t.n ? to + 2 : t.n + 1;
    }
    if (!chosen.n || nth > n)
        return false;
    size_t end = 0, len;
    while (end < chosen.n && !scan_uspace(scan_char(chosen.s + end, chosen.n - end, &len)))
        end += len;
    struct span word = scan_sub(chosen, 0, end);
    while (word.n && word.s[0] == '\'')
        word = scan_sub(word, 1, word.n);
    while (word.n && word.s[0] == '"')
        word = scan_sub(word, 1, word.n);
    for (end = 0; end < word.n && !strchr(".,?!'\"", word.s[end]);)
        end++;
    return n == want && same(ifeval_lower(scan_sub(word, 0, end), ask->arena), first);
}

/* ---- content and format ---- */

static bool placeholders(struct span t, struct ifeval_ask *ask)
{
    int64_t n = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (t.s[i] != '[')
            continue;
        size_t line = scan_line(t, i), close = find(scan_sub(t, 0, line), i + 1, (struct span){"]", 1});
        n += close < line;
        i = close < line ? close : line; /* without one no later bracket of this line has one */
    }
    return n >= ifeval_int(ask, "num_placeholders");
}

/* "p." and "s." of a marker with at most one white space between. */
static bool spaced(struct span t, const char *const *steps)
{
    for (size_t i = scan_find(t, 0, steps[0]); i < t.n; i = scan_find(t, i + 1, steps[0])) {
        size_t at = i, k = 0;
        for (; steps[k] && scan_is(t, at, steps[k]); k++) {
            at += strlen(steps[k]);
            at += steps[k + 1] && at < t.n && scan_space(t.s[at]);
        }
        if (!steps[k])
            return true;
    }
    return false;
}

static bool postscript(struct span t, struct ifeval_ask *ask)
{
    static const char *const ps[] = {"p.", "s.", NULL}, *const pps[] = {"p.", "p.", "s", NULL};
    struct span marker = ifeval_text(ask, "postscript_marker");
    t = ifeval_lower(t, ask->arena);
    if (same(marker, (struct span){"P.P.S", 5}))
        return spaced(t, pps);
    if (same(marker, (struct span){"P.S.", 4}))
        return spaced(t, ps);
    return find(t, 0, ifeval_lower(strip(marker), ask->arena)) < t.n;
}

/* Lines that begin with the mark; alone: which no second one follows. White space before it may span lines; what
 * follows "*" may be the line's end, and then the next line belongs to it too. */
static int64_t bullets(struct span t, char mark, bool alone)
{
    int64_t n = 0;
    for (size_t i = 0; i < t.n;) {
        size_t j = scan_ws(t, i);
        if (j == t.n)
            break;
        bool hit = t.s[j] == mark && (!alone || (j + 1 < t.n && t.s[j + 1] != mark));
        n += hit;
        i = line_start(t, hit && alone ? scan_line(t, j + 2 < t.n ? j + 2 : t.n) : j + 1);
    }
    return n;
}

static bool bullet_lists(struct span t, struct ifeval_ask *ask)
{
    return bullets(t, '*', true) + bullets(t, '-', false) == ifeval_int(ask, "num_bullets");
}

static bool constrained(struct span t, struct ifeval_ask *ask)
{
    (void)ask;
    return scan_find(t, 0, "My answer is yes.") < t.n || scan_find(t, 0, "My answer is no.") < t.n ||
           scan_find(t, 0, "My answer is maybe.") < t.n;
}

/* Texts between two marks of so many stars, on one line and with something in them. */
static int64_t highlights(struct span t, size_t stars_wide)
{
    const char *mark = stars_wide == 2 ? "**" : "*";
    int64_t n = 0;
    for (size_t i = 0; i < t.n;) {
        if (!scan_is(t, i, mark)) {
            i++;
            continue;
        }
        size_t from = i + stars_wide, to = from;
        while (to < t.n && t.s[to] != '\n' && t.s[to] != '*')
            to++;
        if (!scan_is(t, to, mark)) {
            i++;
            continue;
        }
        n += strip(scan_sub(t, from, to)).n > 0;
        i = to + stars_wide;
    }
    return n;
}

static bool highlighted(struct span t, struct ifeval_ask *ask)
{
    return highlights(t, 1) + highlights(t, 2) >= ifeval_int(ask, "num_highlights");
}

static bool sections(struct span t, struct ifeval_ask *ask)
{
    struct span mark = strip(ifeval_text(ask, "section_spliter"));
    int64_t n = 0;
    for (size_t i = find(t, 0, mark); i < t.n;) {
        size_t j = i + mark.n;
        j += j < t.n && scan_space(t.s[j]);
        bool hit = ipw_isdigit((unsigned char)scan_at(t, j));
        n += hit;
        i = find(t, hit ? j : i + 1, mark);
    }
    return n >= ifeval_int(ask, "num_sections");
}

static struct span without(struct span t, const char *head)
{
    return scan_is(t, 0, head) ? scan_sub(t, strlen(head), t.n) : t;
}

static bool json_format(struct span t, struct ifeval_ask *ask)
{
    static const char *const fences[] = {"```json", "```Json", "```JSON", "```"};
    struct json_doc *doc;
    struct ipw_err ignored;
    (void)ask;
    t = strip(t);
    for (size_t i = 0; i < sizeof fences / sizeof fences[0]; i++)
        t = without(t, fences[i]);
    if (t.n >= 3 && scan_is(t, t.n - 3, "```"))
        t.n -= 3;
    t = strip(t);
    if (json_read(&doc, t.s, t.n, JSON_NAN, &ignored))
        return false;
    json_doc_free(doc);
    return true;
}

static bool title(struct span t, struct ifeval_ask *ask)
{
    (void)ask;
    for (size_t i = 0; i < t.n; i = scan_line(t, i) + 1) {
        struct span line = scan_sub(t, i, scan_line(t, i));
        size_t from = scan_find(line, 0, "<<"), to = line.n;
        while (to > from + 4 && !scan_is(line, to - 2, ">>"))
            to--;
        if (from == line.n || to <= from + 4 || !scan_is(line, to - 2, ">>"))
            continue;
        struct span in = scan_sub(line, from, to);
        while (in.n && in.s[0] == '<')
            in = scan_sub(in, 1, in.n);
        while (in.n && in.s[in.n - 1] == '>')
            in.n--;
        if (strip(in).n)
            return true;
    }
    return false;
}

/* ---- combination, start and end, case, marks ---- */

static bool two_responses(struct span t, struct ifeval_ask *ask)
{
    struct span part[2];
    size_t n = 0;
    (void)ask;
    for (size_t from = 0; from <= t.n;) {
        size_t to = scan_find(t, from, "******");
        struct span p = strip(scan_sub(t, from, to));
        if (p.n && n < 2)
            part[n] = p;
        if (!p.n && from && to < t.n)
            return false;
        n += p.n > 0;
        from = to < t.n ? to + 6 : t.n + 1;
    }
    return n == 2 && !same(part[0], part[1]);
}

static bool repeat_prompt(struct span t, struct ifeval_ask *ask)
{
    struct span prompt = ifeval_lower(strip(ifeval_text(ask, "prompt_to_repeat")), ask->arena);
    t = ifeval_lower(strip(t), ask->arena);
    return t.n >= prompt.n && !memcmp(t.s, prompt.s, prompt.n);
}

static bool end_checker(struct span t, struct ifeval_ask *ask)
{
    struct span end = ifeval_lower(strip(ifeval_text(ask, "end_phrase")), ask->arena);
    t = strip(t);
    while (t.n && t.s[0] == '"')
        t = scan_sub(t, 1, t.n);
    while (t.n && t.s[t.n - 1] == '"')
        t.n--;
    t = ifeval_lower(t, ask->arena);
    return t.n >= end.n && !memcmp(t.s + t.n - end.n, end.s, end.n);
}

static bool quotation(struct span t, struct ifeval_ask *ask)
{
    (void)ask;
    t = strip(t);
    return t.n > 1 && t.s[0] == '"' && t.s[t.n - 1] == '"';
}

static bool capital_words(struct span t, struct ifeval_ask *ask)
{
    return ifeval_relation(ask, "capital_relation", "capital_frequency", ifeval_capital_words(t));
}

/* A language that cannot be told passes, as with the reference. */
static bool in_language(struct span t, const char *code, struct ipw_arena *arena)
{
    const char *found = ifeval_language(t, arena);
    return !found || !strcmp(found, code);
}

static bool english_capital(struct span t, struct ifeval_ask *ask)
{
    return ifeval_upper(t) && in_language(t, "en", ask->arena);
}

static bool english_lowercase(struct span t, struct ifeval_ask *ask)
{
    return ifeval_small(t) && in_language(t, "en", ask->arena);
}

static bool response_language(struct span t, struct ifeval_ask *ask)
{
    struct span code = ifeval_text(ask, "language");
    return in_language(t, ipw_arena_strndup(ask->arena, code.s, code.n), ask->arena);
}

static bool no_comma(struct span t, struct ifeval_ask *ask)
{
    (void)ask;
    return !memchr(t.s, ',', t.n);
}

const struct ifeval_instruction ifeval_instructions[] = {
    {"keywords:existence", existence, false},
    {"keywords:frequency", frequency, false},
    {"keywords:forbidden_words", forbidden, false},
    {"keywords:letter_frequency", letter_frequency, false},
    {"language:response_language", response_language, true},
    {"length_constraints:number_sentences", number_sentences, true},
    {"length_constraints:number_paragraphs", number_paragraphs, false},
    {"length_constraints:number_words", number_words, false},
    {"length_constraints:nth_paragraph_first_word", nth_first_word, false},
    {"detectable_content:number_placeholders", placeholders, false},
    {"detectable_content:postscript", postscript, false},
    {"detectable_format:number_bullet_lists", bullet_lists, false},
    {"detectable_format:constrained_response", constrained, false},
    {"detectable_format:number_highlighted_sections", highlighted, false},
    {"detectable_format:multiple_sections", sections, false},
    {"detectable_format:json_format", json_format, false},
    {"detectable_format:title", title, false},
    {"combination:two_responses", two_responses, false},
    {"combination:repeat_prompt", repeat_prompt, false},
    {"startend:end_checker", end_checker, false},
    {"startend:quotation", quotation, false},
    {"change_case:capital_word_frequency", capital_words, true},
    {"change_case:english_capital", english_capital, true},
    {"change_case:english_lowercase", english_lowercase, true},
    {"punctuation:no_comma", no_comma, false},
    {NULL, NULL, false},
};

const struct ifeval_instruction *ifeval_find(const char *id)
{
    for (const struct ifeval_instruction *i = ifeval_instructions; i->id; i++)
        if (ipw_streq(i->id, id))
            return i;
    return NULL;
}
