#include "score/score.h"

#include "base/str.h"

extern const struct scorer_ops scorer_mcq, scorer_numeric, scorer_exact, scorer_contains, scorer_exact_tag, scorer_squad,
    scorer_squad_f1, scorer_gaia_exact, scorer_math, scorer_math_hendrycks, scorer_math_minerva, scorer_ifeval,
    scorer_ifeval_loose, scorer_python_tests, scorer_python_asserts, scorer_python_stdio, scorer_loglik,
    scorer_loglik_norm_char, scorer_loglik_norm_byte, scorer_perplexity, scorer_judge, scorer_pairwise;

const struct scorer_ops *const scorers[] = {
    &scorer_mcq, &scorer_numeric, &scorer_exact, &scorer_contains, &scorer_exact_tag, &scorer_squad, &scorer_squad_f1,
    &scorer_gaia_exact, &scorer_math, &scorer_math_hendrycks, &scorer_math_minerva,
    &scorer_ifeval, &scorer_ifeval_loose, &scorer_python_tests, &scorer_python_asserts, &scorer_python_stdio,
    &scorer_loglik, &scorer_loglik_norm_char, &scorer_loglik_norm_byte, &scorer_perplexity,
    &scorer_judge, &scorer_pairwise, NULL,
};

const struct scorer_ops *scorer_find(const char *name)
{
    for (size_t i = 0; scorers[i]; i++)
        if (ipw_streq(scorers[i]->name, name))
            return scorers[i];
    return NULL;
}
