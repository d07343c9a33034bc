#include "score/judge.h"

#include <stdio.h>
#include <string.h>

#include "table/judge.h"

static const struct {
    const char *word, *verdict;
} words[] = {{"yes", "correct"},    {"true", "correct"}, {"not_attempted", "not_attempted"},
             {"no", "incorrect"},   {"false", "incorrect"}};

/* One of the words at i, whole. */
static const char *word_at(struct span t, size_t i)
{
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (scan_is_nocase(t, i, words[k].word) && !scan_word_at(t, i + strlen(words[k].word)))
            return words[k].verdict;
    return NULL;
}

/* The last object "{..}" that parses. Only the last few closing braces are tried. */
static const char *from_json(struct span t)
{
    enum { TRIES = 4 };
    size_t end = t.n;
    for (int k = 0; k < TRIES; k++) {
        while (end && t.s[end - 1] != '}')
            end--;
        size_t from = end;
        for (int64_t depth = 0; from > 0; ) {
            from--;
            depth += (t.s[from] == '}') - (t.s[from] == '{');
            if (depth == 0)
                break;
        }
        struct json_doc *doc;
        struct ipw_err ignored;
        if (!end)
            return NULL;
        if (t.s[from] == '{' && !json_read(&doc, t.s + from, end - from, 0, &ignored)) {
            const json_val *v = json_get(json_root(doc), "correct");
            const char *text = json_str(v), *found = NULL;
            if (text)
                found = word_at(scan_trim((struct span){text, strlen(text)}), 0);
            else if (json_type(v) == JSON_BOOL)
                found = json_true(v) ? "correct" : "incorrect";
            json_doc_free(doc);
            if (found)
                return found;
        }
        end--;
    }
    return NULL;
}

const char *judge_verdict(struct span t, struct ipw_arena *arena)
{
    const char *found = from_json(t);
    if (found)
        return found;
    char *s = ipw_arena_alloc(arena, t.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++)
        if (t.s[i] != '*' && t.s[i] != '`')
            s[n++] = t.s[i];
    struct span plain = {s, n};
    for (size_t i = 0; i < n; i = scan_line(plain, i) + 1) {
        struct span line = scan_trim(scan_sub(plain, i, scan_line(plain, i)));
        size_t j = scan_is_nocase(line, 0, "correct") ? scan_ws(line, strlen("correct")) : line.n;
        if (scan_at(line, j) != ':' && scan_at(line, j) != '=')
            continue;
        const char *verdict = word_at(line, scan_ws(line, j + 1));
        found = verdict ? verdict : found;
    }
    return found;
}

static const char *const names[] = {"A<<B", "A<B", "A=B", "A>B", "A>>B"};

const char *judge_preference_name(int preference)
{
    return names[preference + 2];
}

/* The last run of A, B, <, > and = between two marks; empty: none. */
static struct span last_marked(struct span t, const char *open, const char *close)
{
    struct span found = {0};
    size_t n = strlen(open);
    for (size_t i = scan_find(t, 0, open); i < t.n; i = scan_find(t, i + 1, open)) {
        size_t to = i + n;
        while (to < t.n && strchr("ABab<>=", t.s[to]))
            to++;
        if (to > i + n && scan_is(t, to, close))
            found = scan_sub(t, i + n, to);
    }
    return found;
}

bool judge_preference(struct span t, int *out)
{
    struct span m = last_marked(t, "[[", "]]");
    m = m.n ? m : last_marked(t, "[", "]");
    if (m.n < 3 || m.n > 4)
        return false;
    char first = m.s[0] & ~0x20, last = m.s[m.n - 1] & ~0x20;
    bool swapped = first == 'B' && last == 'A';
    if (!swapped && (first != 'A' || last != 'B'))
        return false;
    for (int k = 0; k < 5; k++)
        if (strlen(names[k]) == m.n && !memcmp(names[k] + 1, m.s + 1, m.n - 2)) {
            *out = swapped ? 2 - k : k - 2;
            return true;
        }
    return false;
}

double judge_battles(int as_a, int as_b, int weight)
{
    int own[2] = {as_a, -as_b};
    double sum = 0, n = 0;
    for (int i = 0; i < 2; i++) {
        int battles = own[i] == 2 || own[i] == -2 ? weight : 1;
        sum += battles * (own[i] > 0 ? 1 : own[i] == 0 ? 0.5 : 0);
        n += battles;
    }
    return sum / n;
}

static int winner(int preference)
{
    return (preference > 0) - (preference < 0);
}

double judge_outcome(int as_a, int as_b, bool *flipped)
{
    int first = winner(as_a), second = winner(-as_b);
    *flipped = first != second;
    return *flipped ? 0.5 : (first + 1) / 2.0;
}

void judge_games_write(int as_a, int as_b, char out[24])
{
    static const char *const outcomes[] = {"loss", "tie", "win"};
    bool flipped;
    double value = judge_outcome(as_a, as_b, &flipped);
    snprintf(out, 24, "%s %s %s", outcomes[(int)(2 * value)], judge_preference_name(as_a), judge_preference_name(as_b));
}

bool judge_games_read(const char *text, int *as_a, int *as_b)
{
    char first[5], second[5];
    if (!text || sscanf(text, "%*5s %4s %4s", first, second) != 2)
        return false;
    int found = 0;
    for (int k = 0; k < 5; k++) {
        if (!strcmp(names[k], first))
            *as_a = k - 2, found |= 1;
        if (!strcmp(names[k], second))
            *as_b = k - 2, found |= 2;
    }
    return found == 3;
}

/* Verdicts come from `ipw judge`, later than any answer; until then there is none. */
static void not_judged(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                       struct score_result *out)
{
    (void)item, (void)text, (void)len, (void)arena;
    *out = (struct score_result){.status = SCORE_UNSCORED, .reason = TABLE_JUDGE_NOT_ASKED};
}

const struct scorer_ops scorer_judge = {
    .name = "judge",
    .version = 0,
    .what = "a judging model finds the answer right by the reference answer (ipw judge)",
    .score = not_judged,
};

const struct scorer_ops scorer_pairwise = {
    .name = "pairwise",
    .version = 0,
    .what = "a judging model prefers the answer to another one, in both orders: win 1, tie 0.5 (ipw judge)",
    .score = not_judged,
};
