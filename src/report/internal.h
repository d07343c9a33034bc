/* Inside src/report only. */
#ifndef IPW_REPORT_INTERNAL_H
#define IPW_REPORT_INTERNAL_H

#include "report/report.h"

/* Text from models, files and users, safe for a terminal. */
void report_text(const char *s, struct ipw_buf *out);

/* "24 J", "1.2 kJ", "350 mJ". */
void report_joules(double j, char out[32]);

/* "~" before estimated figures, ">" (of joules and watts) or "<" (of IPW and IPJ) before partial ones, else "". */
const char *report_mark(const struct table_run *run, bool per_joule);

/* The block of figures with its two columns of doubt, as on the closing screen. */
void report_figures(const struct table_run *run, const struct accuracy_result *r, bool color, struct ipw_buf *out);

void report_accuracy_table(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n,
                           const char *format, struct ipw_buf *out);

/* {est, lo, hi, meter_lo, meter_hi, n, method} under key. */
void report_put_estimate(struct json_out *o, json_node *to, const char *key, const struct estimate *e);
/* The same for the only scope there is: {"component": {...}}. */
void report_put_scoped(struct json_out *o, json_node *to, const char *key, const struct estimate *e);

#endif
