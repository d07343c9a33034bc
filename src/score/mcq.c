/* The letter of a multiple-choice answer (datasets 2.2): eight rules, the first that finds a valid letter wins,
 * and inside a rule the last match does. Each matcher below is one of its patterns, written as a linear scanner. */
#include "score/letter.h"

#include <string.h>

struct mcq {
    size_t n; /* letters A.. */
    const char *const *options;
    size_t n_options;
    struct ipw_arena *arena;
};

/* The letter as a capital when it names an option, else 0. */
static char valid(const struct mcq *q, char c)
{
    c = ipw_toupper(c);
    return c >= 'A' && (size_t)(c - 'A') < q->n ? c : '\0';
}

/* ---- marked answers ---- */

static char boxed(const struct mcq *q, struct span t)
{
    struct span in;
    if (!score_last_boxed(t.s, t.n, &in.s, &in.n))
        return '\0';
    in = scan_trim(scan_unwrap(in, q->arena));
    while (in.n && in.s[0] == '$')
        in = scan_sub(in, 1, in.n);
    while (in.n && in.s[in.n - 1] == '$')
        in.n--;
    in = scan_trim(in);
    size_t i = scan_ws(in, letter_opens(scan_at(in, 0)));
    char c = scan_at(in, i);
    size_t j = scan_ws(in, i + 1);
    if (!ipw_isalpha((unsigned char)c))
        return '\0';
    char close = scan_at(in, j);
    bool label = j == in.n || close == '.' || close == ')' || close == ':';
    if (close == ']') {
        char next = scan_at(in, j + 1);
        label = j + 1 == in.n || next == '.' || next == ')' || next == ':';
    }
    return label ? valid(q, c) : '\0';
}

static char tagged(const struct mcq *q, struct span t)
{
    struct span in;
    if (!scan_tag(t, &in))
        return '\0';
    size_t i = letter_opens(scan_at(in, 0));
    char c = scan_at(in, i);
    return ipw_isalpha((unsigned char)c) && !ipw_isalnum((unsigned char)scan_at(in, i + 1)) ? valid(q, c) : '\0';
}

/* ---- text made plain: marks of emphasis gone, rejected letters and echoed labels blanked ---- */

static struct span plain(struct span t, struct ipw_arena *arena)
{
    static const char *const marks[] = {"**", "__", "`", "$", NULL};
    t = scan_unwrap(t, arena);
    char *s = ipw_arena_alloc(arena, t.n + 1);
    size_t n = 0, k;
    for (size_t i = 0; i < t.n; i += k ? k : 1) {
        k = scan_any(t, i, marks);
        if (!k)
            s[n++] = t.s[i];
    }
    n = scan_replace(s, n, "\\(", "");
    n = scan_replace(s, n, "\\)", "");
    return (struct span){s, n};
}

/* Every match of `match` becomes one space. */
static struct span blank(struct span t, size_t (*match)(struct span t, size_t i), struct ipw_arena *arena)
{
    char *s = ipw_arena_alloc(arena, t.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t.n;) {
        size_t k = match(t, i);
        s[n++] = k ? ' ' : t.s[i];
        i += k ? k : 1;
    }
    return (struct span){s, n};
}

/* "not B", "rule out option (B)" */
static size_t rejected_before(struct span t, size_t i)
{
    static const char *const words[] = {"not", "n't", "cannot be", "rule out", "eliminate", NULL};
    static const char *const nouns[] = {"the answer", "option", "choice", NULL};
    size_t k = scan_any_nocase(t, i, words);
    if (!k || scan_word_before(t, i))
        return 0;
    size_t j = scan_ws(t, i + k);
    if (j == i + k)
        return 0;
    if ((k = scan_any_nocase(t, j, nouns)) && scan_ws(t, j + k) > j + k)
        j = scan_ws(t, j + k);
    j += letter_opens(scan_at(t, j));
    if (!letter_upper(scan_at(t, j++)))
        return 0;
    if (letter_closes(scan_at(t, j)) && letter_alone(t, j + 1))
        return j + 1 - i;
    return letter_alone(t, j) ? j - i : 0;
}

/* "B is wrong", "[A]: also incorrect" */
static size_t rejected_after(struct span t, size_t i)
{
    static const char *const links[] = {":", "-", "is", "was", "are", NULL};
    static const char *const words[] = {"wrong",      "incorrect", "false",   "not",
                                        "eliminated", "ruled out", "invalid", NULL};
    size_t k, j = i + letter_opens(t.s[i]);
    if (!letter_upper(scan_at(t, j)) || (i && ipw_isalnum((unsigned char)t.s[i - 1])))
        return 0;
    j++;
    j = scan_ws(t, j + letter_closes(scan_at(t, j)));
    if (!(k = scan_any(t, j, links)))
        return 0;
    j = scan_ws(t, j + k);
    if (scan_is(t, j, "also") && scan_ws(t, j + 4) > j + 4)
        j = scan_ws(t, j + 4);
    k = scan_any(t, j, words);
    return k && !scan_word_at(t, j + k) ? j + k - i : 0;
}

/* A label "(A)", "[A]" or "A." that white space or the end follows: its length at i, the letter in *c. */
static size_t label(struct span t, size_t i, char *c)
{
    char open = scan_at(t, i), want = open == '(' ? ')' : open == '[' ? ']' : '\0';
    size_t j = i + (want != '\0');
    *c = scan_at(t, j);
    char close = scan_at(t, j + 1);
    bool ok = letter_upper(*c) && (want ? close == want : close == '.' || close == ')' || close == ':');
    return ok && (j + 2 == t.n || scan_space(t.s[j + 2])) ? j + 2 - i : 0;
}

static size_t blanks(struct span t, size_t i)
{
    while (scan_at(t, i) == ' ' || scan_at(t, i) == '\t')
        i++;
    return i;
}

static size_t echoed(struct span t, size_t i)
{
    char c;
    if (i && t.s[i - 1] != '\n')
        return 0;
    size_t j = blanks(t, i), k = label(t, j, &c);
    return k ? j + k - i : 0;
}

/* Two or more lines that begin with a label are the options said again: none of them is an answer. */
static struct span without_echo(struct span t, struct ipw_arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < t.n; i = scan_line(t, i) + 1)
        n += echoed(t, i) > 0;
    return n >= 2 ? blank(t, echoed, arena) : t;
}

/* ---- statements ---- */

/* Another letter named in the same breath: "A, B", "A or (B)". */
static char another(const struct mcq *q, struct span t, size_t end)
{
    static const char *const joints[] = {",", "/", "&", "or", "and", NULL};
    size_t i = scan_ws(t, end), k = scan_any(t, i, joints);
    if (!k || (ipw_isalpha((unsigned char)t.s[i]) && scan_word_at(t, i + k)))
        return '\0';
    i = scan_ws(t, i + k);
    i += letter_opens(scan_at(t, i));
    char c = scan_at(t, i);
    return letter_upper(c) && letter_alone(t, i + 1) ? valid(q, c) : '\0';
}

static char stated(const struct mcq *q, struct span t, bool *multiple)
{
    char hit = '\0';
    for (size_t i = 0; i < t.n;) {
        struct statement st;
        if (!statement_at(t, i, &st)) {
            i++;
            continue;
        }
        i = st.end;
        char c = valid(q, t.s[st.letter]);
        if (!c || !statement_holds(t, &st))
            continue;
        char more = another(q, t, st.end);
        *multiple = more && more != c;
        hit = c;
    }
    return hit;
}

/* ---- weaker signs ---- */

static char own_line(const struct mcq *q, struct span t)
{
    char hit = '\0';
    for (size_t i = 0; i <= t.n; i = scan_line(t, i) + 1) {
        struct span line = scan_sub(t, i, scan_line(t, i));
        size_t j = blanks(line, 0);
        j += letter_opens(scan_at(line, j));
        char c = scan_at(line, j++);
        j += letter_closes(scan_at(line, j));
        j += scan_at(line, j) == '.' || scan_at(line, j) == ':';
        if (ipw_isalpha((unsigned char)c) && blanks(line, j) == line.n && valid(q, c))
            hit = valid(q, c);
    }
    return hit;
}

static char leading(const struct mcq *q, struct span t)
{
    char c;
    return label(t, scan_ws(t, 0), &c) ? valid(q, c) : '\0';
}

/* Small letters and digits, each run of anything else one space, a space at both ends. */
static struct span tokens(const char *s, size_t n, struct ipw_arena *arena)
{
    char *out = ipw_arena_alloc(arena, n + 3);
    size_t o = 0;
    out[o++] = ' ';
    for (size_t i = 0; i < n; i++) {
        char c = ipw_tolower(s[i]);
        if (ipw_isalnum((unsigned char)c))
            out[o++] = c;
        else if (out[o - 1] != ' ')
            out[o++] = ' ';
    }
    if (out[o - 1] != ' ')
        out[o++] = ' ';
    return (struct span){out, o};
}

static bool holds(struct span hay, struct span needle)
{
    return memmem(hay.s, hay.n, needle.s, needle.n) != NULL;
}

/* The one option whose text occurs; an option inside a longer one that occurs too does not count. */
static char option_text(const struct mcq *q, struct span t)
{
    struct span found[26];
    size_t which[26], n = 0, kept = 0;
    char hit = '\0';
    struct span text = tokens(t.s, t.n, q->arena);
    for (size_t i = 0; i < q->n_options && i < 26; i++) {
        struct span o = tokens(q->options[i], strlen(q->options[i]), q->arena);
        if (o.n > 1 && holds(text, o)) {
            found[n] = scan_sub(o, 1, o.n - 1);
            which[n++] = i;
        }
    }
    for (size_t i = 0; i < n; i++) {
        bool inside = false;
        for (size_t j = 0; j < n && !inside; j++)
            inside = j != i && holds(found[j], found[i]);
        if (!inside) {
            kept++;
            hit = valid(q, (char)('A' + which[i]));
        }
    }
    return kept == 1 ? hit : '\0';
}

static char bracketed(const struct mcq *q, struct span t)
{
    char hit = '\0';
    for (size_t i = 0; i + 2 < t.n; i++)
        if (letter_opens(t.s[i]) && letter_upper(t.s[i + 1]) && letter_closes(t.s[i + 2]) && valid(q, t.s[i + 1]))
            hit = t.s[i + 1];
    return hit;
}

static char last_letter(const struct mcq *q, struct span t)
{
    char hit = '\0';
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        if (!letter_upper(c) || !valid(q, c) || (i && ipw_isalnum((unsigned char)t.s[i - 1])) ||
            !letter_alone(t, i + 1))
            continue;
        if ((c != 'A' && c != 'I') || !letter_prose(t, i + 1))
            hit = c;
    }
    return hit;
}

static const struct {
    const char *name;
    char (*read)(const struct mcq *q, struct span t);
} marked[] = {{"boxed", boxed}, {"tag", tagged}}, weak[] = {{"own_line", own_line},
                                                            {"leading", leading},
                                                            {"option_text", option_text},
                                                            {"bracketed", bracketed},
                                                            {"last_letter", last_letter}};

static char extract(const struct mcq *q, const char *text, size_t len, const char **method)
{
    enum think_status think;
    bool multiple = false;
    char c;
    struct span t = scan_visible(text, len, q->arena, &think);
    *method = think == THINK_UNCLOSED && !t.n ? "unclosed_think" : "none";
    for (size_t i = 0; i < sizeof marked / sizeof marked[0]; i++)
        if ((c = marked[i].read(q, t))) {
            *method = marked[i].name;
            return c;
        }
    t = plain(t, q->arena);
    t = blank(t, rejected_before, q->arena);
    t = blank(t, rejected_after, q->arena);
    if ((c = stated(q, t, &multiple))) {
        *method = multiple ? "multiple" : "statement";
        return multiple ? '\0' : c;
    }
    t = without_echo(t, q->arena);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++)
        if ((c = weak[i].read(q, t))) {
            *method = weak[i].name;
            return c;
        }
    return '\0';
}

static void score(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                  struct score_result *out)
{
    struct mcq q = {item->n_choices, item->choices, item->choices ? item->n_choices : 0, arena};
    *out = (struct score_result){.status = SCORE_UNPARSED};
    if (q.n < 1 || q.n > 26) {
        out->status = SCORE_UNSCORED;
        out->reason = "the record does not have 1 to 26 choices";
        return;
    }
    char c = extract(&q, text, len, &out->method);
    if (c)
        out->extracted = ipw_arena_strndup(arena, &c, 1);
    const char *gold = item->answer;
    if (!gold || strlen(gold) != 1 || !valid(&q, gold[0])) {
        out->status = SCORE_UNSCORED;
        out->reason = gold ? "the record's answer is not the letter of a choice" : "the record has no answer";
    } else if (c) {
        out->status = valid(&q, gold[0]) == c ? SCORE_CORRECT : SCORE_INCORRECT;
        out->value = out->status == SCORE_CORRECT;
    }
}

const struct scorer_ops scorer_mcq = {
    .name = "mcq",
    .version = 1,
    .what = "the letter of a multiple-choice answer",
    .votes = true,
    .score = score,
};
