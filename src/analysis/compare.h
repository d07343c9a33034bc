/* compare: two configurations on the same questions, paired by question. A pure function of their rows; metrics 2.4,
 * docs/compare.md says it in words. */
#ifndef IPW_ANALYSIS_COMPARE_H
#define IPW_ANALYSIS_COMPARE_H

#include "table/compare.h"

/* Each side is one run or repeats of one configuration; a question counts once, by its mean over repeats and samples. Sets
 * out->refused where a comparison would mislead: other questions, too few in common, another energy signature without
 * allow_scope. The runs and both lists of them outlive out,
 * which the caller releases. */
void compare_of(const struct compare_side *a, const struct compare_side *b, bool allow_scope, struct compare_result *out);

/* Sorts n runs into configurations that are alike in everything chosen but the label `repeat` and the seed; group[i] is the
 * number of run i's configuration, in order of first appearance. Returns how many there are. */
size_t compare_groups(const struct table_run *const *runs, size_t n, size_t *group);

#endif
