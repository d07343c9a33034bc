/* Stored answers judged by a model, into run.db: later than any answer, so no joule of it is in a run's figures. */
#ifndef IPW_RUN_JUDGE_H
#define IPW_RUN_JUDGE_H

#include "run/judging.h"
#include "store/store.h"
#include "table/rows.h"

struct run_judge {
    struct store *store; /* open to write */
    struct store *other; /* pairwise: the run whose answers are compared with; NULL: the records' own */
    const char *other_name;
    struct judging_cfg asking; /* of a model that is open */
    void (*progress)(void *ud, size_t done); /* NULL: nobody wants to know */
    void *ud;
};

/* The questions that `scorer` counts for, if the run has any; else all that have an answer. */
struct run_judge_sum {
    int64_t version;       /* of the scores that were written */
    size_t n, unscored;    /* answers; of them without a verdict */
    size_t unasked;        /* of n: failed answers, wrong without a question to the judge */
    double right;          /* sum of the verdicts: 1 right or win, 0.5 tie */
    size_t not_attempted;
    size_t wins, ties, losses, flips; /* of a comparison; flips: the other order had another outcome */
    const char *why;       /* static: the first reason of those without a verdict; NULL */
    struct judging_counts counts;
};

/* The scorer whose rows a form's verdicts are: "judge" or "pairwise". */
const char *run_judge_scorer(const struct judge_form *form);

/* The run has questions whose answers are scored by comparison. */
bool run_judge_compares(struct store *store);

/* Writes score and judged rows, a transaction each: what was judged stays after IPW_E_INTERRUPTED. */
int run_judge(const struct run_judge *c, struct run_judge_sum *sum, struct ipw_err *err);

/* How far the judge agrees with people. Each line of `text` is an object with `label` and either `query_id` (and `sample`), an
 * answer of the run that was judged as `version`, or `question`, `answer` (gold) and `response`, which is judged now; of a
 * comparison `question`, `response` and `other`. label: correct, incorrect (true, false, 1, 0, yes, no, not_attempted); of a
 * comparison win, tie, loss. IPW_E_INPUT names the line. */
struct run_judge_labels {
    size_t n, unjudged; /* labels with a verdict; without one, which are not in n */
    double agreement, kappa;
    size_t right, judged_right; /* labelled correct; of them so judged */
    size_t wrong, judged_wrong; /* the same of incorrect */
};
int run_judge_labels(const struct run_judge *c, int64_t version, const char *name, const char *text, size_t len,
                     struct run_judge_labels *out, struct ipw_err *err);

/* Appends to meta `judges`, inside the caller's transaction. */
int run_judge_put(struct store *store, const struct table_judge *j, struct ipw_err *err);
/* The last one of them, for run_load. */
int run_judge_load(struct table_run *t, struct store *store, struct ipw_err *err);

#endif
