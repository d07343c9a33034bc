#include "run/overlap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

struct change {
    int64_t segment, t;
    size_t i;
    bool start;
};

static int by_time(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->t != y->t ? (x->t > y->t) - (x->t < y->t) : (int)x->start - (int)y->start;
}

void run_share_seconds(struct run_flight *v, size_t n)
{
    struct change *c = ipw_calloc(2 * n + 1, sizeof *c);
    size_t changes = 0, flying = 0;
    double each = 0; /* seconds that one who was there all the time would have */
    for (size_t i = 0; i < n; i++) {
        v[i].seconds = 0;
        if (v[i].t1 <= v[i].t0)
            continue;
        c[changes++] = (struct change){v[i].segment, v[i].t0, i, true};
        c[changes++] = (struct change){v[i].segment, v[i].t1, i, false};
    }
    if (changes)
        qsort(c, changes, sizeof *c, by_time);
    for (size_t k = 0; k < changes; k++) {
        if (flying)
            each += (double)(c[k].t - c[k - 1].t) * 1e-9 / (double)flying;
        v[c[k].i].seconds += c[k].start ? -each : each;
        flying += c[k].start ? 1 : -1;
    }
    free(c);
}
