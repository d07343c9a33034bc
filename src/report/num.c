#include <math.h>
#include <stdio.h>
#include <string.h>

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

void report_joules(double j, char out[32])
{
    char n[24];
    const char *unit = "J";
    if (j >= 9950) {
        j *= 1e-3;
        unit = "kJ";
    } else if (j < 0.095) {
        j *= 1e3;
        unit = "mJ";
    }
    report_num(j, n);
    snprintf(out, 32, "%s %s", n, unit);
}

const char *report_mark(const struct table_run *run, bool per_joule)
{
    if (!strcmp(run->energy_source, "estimated"))
        return "~";
    return strcmp(run->energy_source, "partial") ? "" : per_joule ? "<" : ">";
}

/* Control bytes could move the cursor or end a line: names and answers come from outside. */
void report_text(const char *s, struct ipw_buf *out)
{
    for (; s && *s; s++)
        ipw_buf_addc(out, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}
