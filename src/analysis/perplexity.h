/* Perplexity of a text and what it cost: PPW and PPJ of the paper. */
#ifndef IPW_ANALYSIS_PERPLEXITY_H
#define IPW_ANALYSIS_PERPLEXITY_H

#include "table/figures.h"

void analysis_perplexity(const struct table_run *run, struct perplexity_figures *out);

#endif
