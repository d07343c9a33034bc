/* attribute: readings x marks -> joules. Pure: no I/O, no clock, no global. The one code path for every joule
 * that ipw stores (end of a run, --resume, reattribute). */
#ifndef IPW_ENERGY_ATTRIBUTE_H
#define IPW_ENERGY_ATTRIBUTE_H

#include "base/status.h"
#include "energy/channel.h"

enum { ENERGY_ATTRIBUTION_VERSION = 2 };

/* One query's stamps, ns of ipw_now() (any origin, the same as the readings'). t_first < 0: no first token. */
struct energy_mark {
    int64_t t_send, t_first, t_end;
};

/* How a value was made, `method`:
 *   interpolate      readings of a fast counter, straight lines between them
 *   edges            updates of a slow counter, found between readings; straight lines, and what they lose at a step
 *   split            the same, shared by the powers of what ran between two updates
 *   edges_part_time  a counter that looks only a part of the time: straight lines between its looks
 *   trapezoid        samples of a power
 *   average          a power that is a mean over a window longer than its period: totals of long queries only
 *   shared           requests that overlap, by the work done in each interval (share.h); shared_time: by time in flight
 * energy_sum gives "mixed" for members of different methods. */
struct energy_value {
    int64_t nj;               /* valid when status is MEASURED, ESTIMATED or LOW_RESOLUTION; never negative */
    int64_t u_nj;             /* one sigma, without gain; -1 unknown */
    enum energy_status status;
    const char *method;       /* static, see above */
    const char *reason;       /* static: NULL, "low_resolution", "averaged_power", "counter_reset", "counter_gap",
                                 "counter_stalled", "counter_unreadable", "suspended", "above_pmax", ... */
};

struct energy_query_value {
    struct energy_value total, prefill, decode; /* prefill [send, first), decode [first, end] */
};

/* What is known about one channel in one segment. */
struct energy_facts {
    const struct energy_channel *ch;
    struct energy_reading *readings; /* of this channel, any order: sorted by time in place */
    size_t n;
    const struct energy_mark *marks; /* in order of t_send; windows must not overlap (share.h takes those that do) */
    size_t n_marks;
    const struct energy_span {
        int64_t t0, t1;
    } *suspended; /* the machine slept here: nothing is known across it */
    size_t n_suspended;
};

/* Attributes one channel of one segment. out: n_marks rows.
 * gap: energy between the first t_send and the last t_end outside every query, plus nothing else, so that
 * sum(out.total) + gap = the counter's delta over [first t_send, last t_end] within one quantum. */
void energy_attribute(const struct energy_facts *f, struct energy_query_value *out, struct energy_value *gap);

/* The same by straight lines only, without a model of what ran when: to see what the split is worth. */
void energy_attribute_plain(const struct energy_facts *f, struct energy_query_value *out, struct energy_value *gap);

/* Sum of the members of a total for one query. A member that is missing makes the sum missing with its reason
 * (never a smaller number); the worst status wins. u: gains excluded, members independent. */
struct energy_value energy_sum(const struct energy_value *v, size_t n);

#endif
