/* IFEval: does the answer do what the prompt's instructions say? `ifeval` reads it as it is (strict), `ifeval_loose` also
 * without its first line, its last line, its asterisks. Right is a prompt all of whose instructions hold; `extracted` is how
 * many did, "2/3", for the figure over instructions. */
#include "score/ifeval.h"

#include <stdio.h>
#include <string.h>

static struct span without_stars(struct span t, struct ipw_arena *arena)
{
    char *s = ipw_arena_alloc(arena, t.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++)
        if (t.s[i] != '*')
            s[n++] = t.s[i];
    return (struct span){s, n};
}

static struct span without_lines(struct span t, bool first, bool last)
{
    if (first) {
        size_t end = scan_line(t, 0);
        t = end < t.n ? scan_sub(t, end + 1, t.n) : (struct span){t.s, 0};
    }
    if (last) {
        size_t from = t.n;
        while (from && t.s[from - 1] != '\n')
            from--;
        t = scan_sub(t, 0, from ? from - 1 : 0);
    }
    return first || last ? scan_trim(t) : t;
}

static bool holds(const struct ifeval_instruction *in, struct span t, struct ifeval_ask *ask)
{
    return scan_trim(t).n && in->holds(t, ask);
}

static bool holds_loosely(const struct ifeval_instruction *in, struct span t, struct ifeval_ask *ask)
{
    for (int k = 0; k < 4; k++) {
        struct span part = without_lines(t, k & 1, k & 2);
        if (holds(in, part, ask) || holds(in, without_stars(part, ask->arena), ask))
            return true;
    }
    return false;
}

static void refuse(struct score_result *out, struct ipw_arena *arena, const char *what, const char *name)
{
    char reason[160];
    snprintf(reason, sizeof reason, "%s '%.80s'", what, name);
    *out = (struct score_result){.status = SCORE_UNSCORED, .reason = ipw_arena_strdup(arena, reason)};
}

static void score(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                  struct score_result *out, bool loose)
{
    const json_val *ids = json_get(item->record, "instruction_id_list"), *kwargs = json_get(item->record, "kwargs");
    struct json_iter kw = json_iter(kwargs);
    size_t n = 0, held = 0;
    struct span t;
    *out = (struct score_result){.status = SCORE_UNSCORED, .reason = "the record has no instruction_id_list"};
    if (json_type(ids) != JSON_ARR || !json_len(ids))
        return;
    score_strip_think(text, len, &t.s, &t.n);
    const char *failed = NULL;
    for (struct json_iter it = json_iter(ids); json_next(&it); n++) {
        const struct ifeval_instruction *in = ifeval_find(json_str(it.val));
        struct ifeval_ask ask = {.kwargs = json_next(&kw) ? kw.val : NULL, .arena = arena};
        if (!in) {
            refuse(out, arena, "there is no instruction", json_str(it.val) ? json_str(it.val) : "?");
            return;
        }
        bool ok = loose ? holds_loosely(in, t, &ask) : holds(in, t, &ask);
        if (ask.lacks) {
            refuse(out, arena, "an instruction's kwargs lack", ask.lacks);
            return;
        }
        held += ok;
        failed = ok || failed ? failed : in->id;
    }
    char of[48];
    snprintf(of, sizeof of, "%zu/%zu", held, n);
    *out = (struct score_result){.status = held == n ? SCORE_CORRECT : SCORE_INCORRECT,
                                 .value = held == n,
                                 .extracted = ipw_arena_strdup(arena, of),
                                 .method = failed};
}

static void score_strict(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                         struct score_result *out)
{
    score(item, text, len, arena, out, false);
}

static void score_loose(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                        struct score_result *out)
{
    score(item, text, len, arena, out, true);
}

const struct scorer_ops scorer_ifeval = {
    .name = "ifeval",
    .version = 1,
    .what = "IFEval, strict: every instruction of the prompt holds",
    .beside = (const char *const[]){"ifeval_loose", NULL},
    .score = score_strict,
};

const struct scorer_ops scorer_ifeval_loose = {
    .name = "ifeval_loose",
    .version = 1,
    .what = "IFEval, loose: also without first line, last line or asterisks",
    .beside = (const char *const[]){"ifeval", NULL},
    .score = score_loose,
};
