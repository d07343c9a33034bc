/* Which question a row answers: several samples of one are drawn together, so intervals are over questions (metrics 2.3).
 * Inside src/analysis only. */
#ifndef IPW_ANALYSIS_QUESTIONS_H
#define IPW_ANALYSIS_QUESTIONS_H

#include "stats/stats.h"
#include "table/rows.h"

/* By row, its question: 0, 1, … in the order in which they come. */
struct questions {
    size_t *of, n;
    bool several; /* some question was asked more than once */
};
void questions_of(const struct table_run *run, struct questions *q);
void questions_release(struct questions *q);

/* n values in k columns, each of its question of[i]. Where some have several the columns become sums by question
 * (stats_clusters) and *weights the questions' weights (caller frees), else they stay and *weights is NULL. of is used up.
 * Returns how many there are now. */
size_t questions_sum(double *const *col, size_t k, size_t *of, size_t n, double **weights);

/* Of such a column: mean and accuracy (n_binary: how many values there were, 0 where some are fractions). */
struct stats_interval questions_mean(const double *x, const double *weights, size_t n);
struct stats_interval questions_accuracy(const double *c, const double *weights, size_t n, size_t n_binary);

#endif
