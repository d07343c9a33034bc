/* Seconds of requests in flight, each moment shared equally by those that are: what idle power of that time is each one's. */
#ifndef IPW_RUN_OVERLAP_H
#define IPW_RUN_OVERLAP_H

#include <stddef.h>
#include <stdint.h>

struct run_flight {
    int64_t segment, t0, t1;
    double seconds; /* set by run_share_seconds; the whole time where nothing overlaps */
};

/* Any order; flights that end where they begin, or before, get 0. */
void run_share_seconds(struct run_flight *v, size_t n);

#endif
