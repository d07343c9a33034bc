#include <stdlib.h>

#include "base/str.h"
#include "report/internal.h"

static int by_count(const void *a, const void *b)
{
    const struct report_failure *x = a, *y = b;
    return x->n > y->n ? -1 : x->n < y->n;
}

size_t report_failures(const struct table_run *run, struct report_failure out[REPORT_FAILURES])
{
    size_t n = 0;
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        const char *reason = r->reason ? r->reason : "error";
        size_t k = 0;
        if (r->status != QUERY_ERROR && r->status != QUERY_TIMEOUT)
            continue;
        while (k < n && !ipw_streq(out[k].reason, reason))
            k++;
        if (k == n && n < REPORT_FAILURES)
            out[n++] = (struct report_failure){reason, 0};
        out[k < n ? k : n - 1].n++;
    }
    qsort(out, n, sizeof *out, by_count);
    return n;
}
