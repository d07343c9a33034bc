/* Which rows belong to which figure: the one place that says so (decisions.md, Accuracy). Inside src/analysis only. */
#ifndef IPW_ANALYSIS_TOLD_H
#define IPW_ANALYSIS_TOLD_H

#include <math.h>

#include "table/rows.h"

static inline bool row_failed(const struct table_row *r)
{
    return r->status == QUERY_ERROR || r->status == QUERY_TIMEOUT || r->status == QUERY_EMPTY ||
           r->status == QUERY_REFUSED;
}

/* S. A failed question needs no scorer to be wrong; one that nothing could have scored is outside all the same. */
static inline bool row_in_s(const struct table_row *r)
{
    return r->status != QUERY_NOT_SENT && r->score != SCORE_UNSCORED && (r->score != SCORE_PENDING || row_failed(r));
}

static inline double row_correct(const struct table_row *r)
{
    return row_failed(r) || isnan(r->correct) ? 0 : r->correct;
}

static inline bool row_has_energy(const struct table_row *r)
{
    return isfinite(r->energy_j) && isfinite(r->energy_s) && r->energy_s > 0;
}

/* S_E must hold so much of S. */
static const double row_enough_energy = 0.9;

#endif
