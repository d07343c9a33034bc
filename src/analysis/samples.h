/* Several answers to each question: pass@k and maj@k (metrics 2.4; docs/method.md). Inside src/analysis only. */
#ifndef IPW_ANALYSIS_SAMPLES_H
#define IPW_ANALYSIS_SAMPLES_H

#include "analysis/questions.h"
#include "table/figures.h"

/* Fills out->samples; after the joules of out. */
void analysis_samples(const struct table_run *run, const struct questions *q, struct accuracy_result *out);

#endif
