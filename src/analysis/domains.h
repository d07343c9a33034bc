/* The figures of each subject. Inside src/analysis only. */
#ifndef IPW_ANALYSIS_DOMAINS_H
#define IPW_ANALYSIS_DOMAINS_H

#include "table/figures.h"

/* Fills out->domain, n_domains and accuracy_macro; nothing where all questions are of one subject, or of none. */
void analysis_domains(const struct table_run *run, bool allow_missing, struct accuracy_result *out);

#endif
