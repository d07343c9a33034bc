/* accuracy: the figures of one run. A pure function of its rows: no I/O, no clock. Definitions: decisions.md
 * (Accuracy, IPJ, Two intervals), metrics 1.4 and 2.1-2.3; docs/method.md says them in words. */
#ifndef IPW_ANALYSIS_ACCURACY_H
#define IPW_ANALYSIS_ACCURACY_H

#include "table/figures.h"

/* allow_missing: give IPJ and IPW even when more than a tenth of S has no joules. */
void accuracy_of(const struct table_run *run, bool allow_missing, struct accuracy_result *out);

#endif
