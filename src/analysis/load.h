/* How a server was asked: load, throughput, delays, and whether the client kept up. Pure. */
#ifndef IPW_ANALYSIS_LOAD_H
#define IPW_ANALYSIS_LOAD_H

#include "table/figures.h"

void analysis_load(const struct table_run *run, struct load_figures *out);

/* Of a number over the attempted queries that have it (accuracy.c). */
struct quantiles analysis_quantiles(const struct table_run *run, double (*get)(const struct table_row *));

#endif
