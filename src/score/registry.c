#include "score/score.h"

#include "base/str.h"

extern const struct scorer_ops scorer_mcq, scorer_numeric, scorer_exact, scorer_contains;

const struct scorer_ops *const scorers[] = {
    &scorer_mcq, &scorer_numeric, &scorer_exact, &scorer_contains, NULL,
};

const struct scorer_ops *scorer_find(const char *name)
{
    for (size_t i = 0; scorers[i]; i++)
        if (ipw_streq(scorers[i]->name, name))
            return scorers[i];
    return NULL;
}
