/* The kind `ifeval` of `ipw score --try`: one instruction, strictly. */
#include "score/ifeval.h"
#include "score/vector.h"

const char *check_ifeval(struct trial *t)
{
    return ifeval_find(json_str(json_get(t->vec, "id"))) ? NULL : "'id' names no instruction";
}

void try_ifeval(struct trial *t)
{
    struct ifeval_ask ask = {.kwargs = json_get(t->vec, "kwargs"), .arena = &t->arena};
    struct span text = {t->text, t->len};
    bool holds = scan_trim(text).n && ifeval_find(json_str(json_get(t->vec, "id")))->holds(text, &ask);
    if (ask.lacks)
        trial_str(t, "lacks", ask.lacks);
    trial_bool(t, "expected", holds);
}
