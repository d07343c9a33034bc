#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/internal.h"

void report_num(double x, char out[24])
{
    double a = fabs(x);
    if (!isfinite(x))
        snprintf(out, 24, "-");
    else if (a == 0)
        snprintf(out, 24, "0");
    else if (a >= 1e7 || a < 1e-5)
        snprintf(out, 24, "%.1e", x);
    else if (a >= 9.95)
        snprintf(out, 24, "%.0f", x);
    else {
        int digits = 1 - (int)floor(log10(a));
        if (a >= 9.95 * pow(10, 1 - digits)) /* 0.0997 is 0.10, not 0.100 */
            digits--;
        snprintf(out, 24, "%.*f", digits, x);
    }
}

/* The bounds are where two digits would round up into the next unit. */
struct report_unit report_unit_of(double x)
{
    static const struct {
        double from;
        struct report_unit unit;
    } units[] = {{999.5e3, {1e-6, "M"}}, {999.5, {1e-3, "k"}}, {0.00995, {1, ""}}, {0, {1e3, "m"}}};
    size_t i = 0;
    while (i < 3 && fabs(x) < units[i].from)
        i++;
    return x == 0 || !isfinite(x) ? units[2].unit : units[i].unit;
}

void report_joules(double j, char out[32])
{
    char n[24];
    struct report_unit u = report_unit_of(j);
    report_num(j * u.scale, n);
    snprintf(out, 32, "%s %sJ", n, u.prefix);
}

const char *report_mark(const struct table_run *run, bool per_joule)
{
    if (ipw_streq(run->energy_source, "estimated"))
        return "~";
    return !ipw_streq(run->energy_source, "partial") ? "" : per_joule ? "<" : ">";
}

/* Names come from the engine's backends ("NVIDIA GeForce RTX 4070", "CPU"): one that does not say what it is, is a
 * GPU. */
const char *report_unmetered(const struct table_run *run)
{
    static const char *const kinds[] = {"CPU", "NPU", "ANE"};
    for (size_t i = 0; run->n_unmetered && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strstr(run->unmetered[0], kinds[i]))
            return kinds[i];
    return "GPU";
}

struct report_verdicts report_verdicts_of(const struct table_run *run)
{
    struct report_verdicts v = {0};
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        bool answered = r->status == QUERY_OK || r->status == QUERY_TRUNCATED;
        if (r->status == QUERY_NOT_SENT)
            continue;
        if (r->score == SCORE_UNSCORED) /* as in accuracy_of: what nothing could have scored is outside S */
            v.unscored++;
        else if (!answered)
            v.failed++;
        else if (r->score == SCORE_PENDING)
            v.pending++;
        else if (r->score == SCORE_UNPARSED)
            v.unparsed++;
        else if (r->score == SCORE_CORRECT)
            v.correct++;
        else
            v.incorrect++;
    }
    return v;
}
