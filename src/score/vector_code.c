/* Kinds of `ipw score --try` for code: a line holds `response` and what the question has (`entry_point`, `test`, `tests`,
 * `question`). */
#include <math.h>

#include "score/sandbox.h"
#include "score/vector.h"
#include "stats/stats.h"

void try_code(struct trial *t)
{
    struct score_result r;
    if (t->sandbox && !*t->sandbox)
        *t->sandbox = sandbox_open();
    t->item.sandbox = t->sandbox ? *t->sandbox : NULL;
    scorer_find(t->kind)->score(&t->item, t->text, t->len, &t->arena, &r);
    trial_bool(t, "expected", r.status == SCORE_CORRECT);
    trial_str(t, "method", r.method);
    trial_str(t, "reason", r.reason ? r.reason : r.extracted);
}

const char *check_counts(struct trial *t)
{
    double n = json_num(json_get(t->vec, "n")), c = json_num(json_get(t->vec, "c")), k = json_num(json_get(t->vec, "k"));
    return n >= 1 && n <= 1e6 && c >= 0 && c <= n && k >= 1 && k <= n ? NULL : "'n', 'c' and 'k' are not counts with c, k <= n";
}

void try_pass_at_k(struct trial *t)
{
    trial_real(t, "expected", stats_pass_at_k((size_t)json_num(json_get(t->vec, "n")), (size_t)json_num(json_get(t->vec, "c")),
                                              (size_t)json_num(json_get(t->vec, "k"))));
}
