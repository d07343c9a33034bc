/* The table of a sweep: what one more request in flight buys. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "report/internal.h"

static const char *const head[] = {"at once", "requests/s", "tokens/s", "J/token", "J/query", "W", "TTFT p50", "TPOT p50", "p99 late"};
enum { COLUMNS = sizeof head / sizeof head[0], CELL = 24 };

static void seconds(double s, char out[CELL])
{
    char n[24];
    double scale = s < 0.0995 ? 1e3 : 1;
    report_num(s * scale, n);
    snprintf(out, CELL, isnan(s) ? "-" : "%.14s %s", n, scale > 1 ? "ms" : "s");
}

static void figure(const struct table_run *run, double x, char out[CELL])
{
    char n[24];
    report_num(x, n);
    snprintf(out, CELL, "%s%.20s", isnan(x) ? "" : report_mark(run, false), n);
}

void report_sweep(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n, const char *format,
                  struct ipw_buf *out)
{
    char(*text)[CELL] = ipw_calloc(n * COLUMNS, sizeof *text);
    const char **cells = ipw_calloc(n * COLUMNS, sizeof *cells);
    for (size_t i = 0; i < n; i++) {
        const struct load_figures *f = &r[i]->load;
        char(*row)[CELL] = text + i * COLUMNS;
        snprintf(row[0], CELL, "%zu", f->in_flight);
        report_num(f->requests_s, row[1]);
        report_num(f->tokens_s, row[2]);
        figure(runs[i], r[i]->n_out > 0 ? r[i]->total_j / r[i]->n_out : (double)NAN, row[3]);
        figure(runs[i], r[i]->per_query_j.est, row[4]);
        figure(runs[i], r[i]->power_w.est, row[5]);
        seconds(r[i]->ttft_s.p50, row[6]);
        seconds(r[i]->tpot_s.p50, row[7]);
        seconds(f->delay_s.p99, row[8]);
        for (size_t k = 0; k < COLUMNS; k++)
            cells[i * COLUMNS + k] = row[k];
    }
    struct report_table t = {head, COLUMNS, n, cells, (1u << COLUMNS) - 1};
    report_table(&t, format, 79, out);
    free(cells);
    free(text);
}
