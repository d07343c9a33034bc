#include "table/judge.h"

#include <stddef.h>

static const struct {
    const char *key;
    size_t at;
} texts[] = {{"model", offsetof(struct table_judge, model)},     {"engine", offsetof(struct table_judge, engine)},
             {"form", offsetof(struct table_judge, form)},       {"scorer", offsetof(struct table_judge, scorer)},
             {"against", offsetof(struct table_judge, against)}, {"energy_source", offsetof(struct table_judge, energy_source)},
             {"reason", offsetof(struct table_judge, reason)}},
  numbers[] = {{"n", offsetof(struct table_judge, n)},
               {"unscored", offsetof(struct table_judge, unscored)},
               {"right", offsetof(struct table_judge, right)},
               {"not_attempted", offsetof(struct table_judge, not_attempted)},
               {"wins", offsetof(struct table_judge, wins)},
               {"ties", offsetof(struct table_judge, ties)},
               {"losses", offsetof(struct table_judge, losses)},
               {"order_flips", offsetof(struct table_judge, flips)},
               {"asked", offsetof(struct table_judge, asked)},
               {"cached", offsetof(struct table_judge, cached)},
               {"n_in", offsetof(struct table_judge, n_in)},
               {"n_out", offsetof(struct table_judge, n_out)},
               {"energy_j", offsetof(struct table_judge, energy_j)},
               {"seconds", offsetof(struct table_judge, seconds)},
               {"labels", offsetof(struct table_judge, labels)},
               {"agreement", offsetof(struct table_judge, agreement)},
               {"kappa", offsetof(struct table_judge, kappa)},
               {"sensitivity", offsetof(struct table_judge, sensitivity)},
               {"specificity", offsetof(struct table_judge, specificity)},
               {"corrected", offsetof(struct table_judge, corrected)},
               {"corrected_lo", offsetof(struct table_judge, corrected_lo)},
               {"corrected_hi", offsetof(struct table_judge, corrected_hi)}};

enum { TEXTS = sizeof texts / sizeof texts[0], NUMBERS = sizeof numbers / sizeof numbers[0] };

void table_judge_put(struct json_out *o, json_node *to, const struct table_judge *j)
{
    json_put_int(o, to, "version", j->version);
    for (size_t i = 0; i < TEXTS; i++)
        json_put_str(o, to, texts[i].key, *(const char *const *)((const char *)j + texts[i].at));
    for (size_t i = 0; i < NUMBERS; i++)
        json_put_num(o, to, numbers[i].key, *(const double *)((const char *)j + numbers[i].at));
    json_put_bool(o, to, "same_family", j->same_family);
    json_put_bool(o, to, "valid", !table_judge_invalid(j));
}

void table_judge_read(struct table_judge *out, const json_val *v, struct ipw_arena *arena)
{
    *out = (struct table_judge){.same_family = json_true(json_get(v, "same_family"))};
    for (size_t i = 0; i < TEXTS; i++)
        *(const char **)((char *)out + texts[i].at) = ipw_arena_strdup(arena, json_str(json_get(v, texts[i].key)));
    for (size_t i = 0; i < NUMBERS; i++)
        *(double *)((char *)out + numbers[i].at) = json_num(json_get(v, numbers[i].key));
    json_is_int(json_get(v, "version"), &out->version);
}

bool table_judge_invalid(const struct table_judge *j)
{
    return j->unscored > TABLE_JUDGE_UNSCORED * j->n;
}
