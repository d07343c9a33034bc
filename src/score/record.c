/* From a record to its scorer. */
#include "score/score.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *scorer_name_for(const json_val *record)
{
    static const struct {
        const char *type, *scorer;
    } own[] = {
        {"mcq", "mcq"},     {"numeric", "numeric"},    {"exact", "exact"}, {"math", "math"},         {"short", "squad"},
        {"judge", "judge"}, {"instruction", "ifeval"}, {"none", "none"},   {"fixed_length", "none"},
    };
    const char *scorer = json_str(json_get(record, "scorer")), *type = json_str(json_get(record, "type"));
    if (scorer)
        return scorer;
    if (ipw_streq(type, "code"))
        return json_str(json_get(record, "entry_point")) ? "python_tests" : "python_asserts";
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (ipw_streq(type, own[i].type))
            return own[i].scorer;
    return type ? type : "exact";
}

/* The strings of an array; anything else in it is left out. */
static const char *const *strings(const json_val *arr, struct ipw_arena *arena, size_t *n)
{
    const char **v = ipw_arena_alloc(arena, (json_len(arr) + 1) * sizeof *v);
    *n = 0;
    if (json_type(arr) != JSON_ARR)
        return NULL;
    for (struct json_iter it = json_iter(arr); json_next(&it);)
        if (json_str(it.val))
            v[(*n)++] = json_str(it.val);
    return *n ? v : NULL;
}

void score_item_from(const json_val *record, struct ipw_arena *arena, struct score_item *item)
{
    *item = (struct score_item){.record = record};
    const char *answer = json_str(json_get(record, "answer"));
    item->answer = answer && *answer ? answer : NULL;
    item->aliases = strings(json_get(record, "aliases"), arena, &item->n_aliases);
    item->choices = strings(json_get(record, "choices"), arena, &item->n_choices);
}

void score_by(const char *name, const json_val *record, struct sandbox *sandbox, const char *text, size_t len,
              struct ipw_arena *arena, struct score_result *out)
{
    const struct scorer_ops *ops = scorer_find(name);
    if (ops) {
        struct score_item item;
        score_item_from(record, arena, &item);
        item.sandbox = sandbox;
        ops->score(&item, text, len, arena, out);
        return;
    }
    char reason[200];
    snprintf(reason, sizeof reason, !strcmp(name, "none") ? "the record asks for no score" : "scorer '%s' is not built",
             name);
    *out = (struct score_result){.status = SCORE_UNSCORED, .reason = ipw_arena_strdup(arena, reason)};
}

void score_record(const json_val *record, struct sandbox *sandbox, const char *text, size_t len,
                  struct ipw_arena *arena, struct score_result *out)
{
    score_by(scorer_name_for(record), record, sandbox, text, len, arena, out);
}
