/* Who judged a run's answers: a row of its meta `judges`, and `judge` of summary.json. */
#ifndef IPW_TABLE_JUDGE_H
#define IPW_TABLE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/mem.h"

/* A model that judged the run's answers. Numbers NAN, texts NULL: unknown, or there is none. */
struct table_judge {
    const char *model, *engine, *form, *scorer, *against; /* against: the run that was compared with */
    const char *reason;                  /* of the first answer without a verdict */
    int64_t version;                     /* of its scores */
    double n, unscored, asked, cached;   /* answers; without a verdict; replies it wrote; replies that were kept from before */
    double right;                        /* sum of its verdicts: 1 right or win, 0.5 tie */
    double not_attempted;                /* answers that gave no result */
    double wins, ties, losses, flips;    /* of a comparison; flips: the other order had another outcome */
    double n_in, n_out;                  /* tokens */
    double energy_j, seconds;            /* its own, in no figure of the run */
    const char *energy_source;
    bool same_family;                    /* as the model that answered */
    double labels, agreement, kappa;     /* people's labels, and how far it agrees with them */
    double sensitivity, specificity;
    double corrected, corrected_lo, corrected_hi; /* accuracy by Rogan and Gladen; NAN: kappa is too low, or no labels */
};
#define TABLE_JUDGE_UNSCORED 0.02 /* a run of which more has no verdict has no accuracy */
#define TABLE_JUDGE_NOT_ASKED "no judge was asked" /* why an answer is unscored until then */
#define TABLE_JUDGE_KAPPA 0.6     /* a judge that agrees less corrects nothing */

void table_judge_put(struct json_out *o, json_node *to, const struct table_judge *j); /* its members */
void table_judge_read(struct table_judge *out, const json_val *v, struct ipw_arena *arena); /* texts in the arena */

/* Too many answers have no verdict for an accuracy. */
bool table_judge_invalid(const struct table_judge *j);

#endif
