/* Inside src/report only. */
#ifndef IPW_REPORT_INTERNAL_H
#define IPW_REPORT_INTERNAL_H

#include "report/report.h"

/* ---- text ---- */

/* Adds the character at s, made safe for a terminal: control characters (C0, DEL, C1), what turns or hides text, and
 * broken UTF-8 become '?'. Gives the bytes it took; each call adds one column (wide characters are not told apart). */
size_t report_char(const char *s, struct ipw_buf *out);

/* A paragraph: lines of at most 79 columns, the first after `first` spaces, the others after `rest`. The text is safe
 * already. */
void report_wrap(const char *text, int first, int rest, struct ipw_buf *out);

/* ---- numbers ---- */

/* A prefix that makes x readable: x * scale is written with `prefix` before the unit ("m", "", "k", "M"). */
struct report_unit {
    double scale;
    const char *prefix;
};
struct report_unit report_unit_of(double x);

/* "24 J", "1.2 kJ", "3.5 mJ". */
void report_joules(double j, char out[32]);

/* ---- a run ---- */

#define REPORT_MODE_NOTE "joules not comparable with generation"

/* "~" before estimated figures, ">" (of joules and watts) or "<" (of IPW and IPJ) before partial ones, else "". */
/* Failed requests (error, timeout) by reason, the most frequent first; at most REPORT_FAILURES of them. */
enum { REPORT_FAILURES = 16 };
struct report_failure {
    const char *reason;
    size_t n;
};
size_t report_failures(const struct table_run *run, struct report_failure out[REPORT_FAILURES]);

const char *report_mark(const struct table_run *run, bool per_joule);

/* "GPU", "CPU", ...: what kind of device a partial run left unmetered. */
const char *report_unmetered(const struct table_run *run);

/* Attempted rows by verdict; a failed one is in `failed` whatever its score says. */
struct report_verdicts {
    size_t correct, incorrect, unparsed, unscored, pending, failed;
};
struct report_verdicts report_verdicts_of(const struct table_run *run);

/* The block of figures with its two columns of doubt, as on the closing screen. */
void report_figures(const struct table_run *run, const struct accuracy_result *r, bool color, struct ipw_buf *out);

void report_accuracy_table(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n,
                           const char *format, struct ipw_buf *out);

/* ---- several answers to a question, subjects ---- */

/* "pass@4 55 % (40 to 69), maj@4 ...", a row of screens; nothing for runs that asked each question once. all: every k, else
 * the largest. */
void report_samples(const struct accuracy_result *r, bool all, struct ipw_buf *out);
void report_put_samples(struct json_out *o, json_node *to, const struct accuracy_result *r);

/* The line of the closing screen: the best subject and the worst. */
void report_domains_row(const struct accuracy_result *r, struct ipw_buf *out);

/* A table of subjects: with one run its figures, with several their accuracies side by side. Nothing without subjects.
 * format "table" or "md". */
void report_domains(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n, const char *format,
                    struct ipw_buf *out);
void report_put_domains(struct json_out *o, json_node *to, const struct accuracy_result *r);

/* ---- how runs were made ---- */

bool report_setting_differs(const struct table_run *const *runs, size_t n, enum table_setting_id id);

/* Columns beside the figures: every label that a run has, and the settings: all of them, or those that differ. */
struct report_extra {
    const char *head, *label; /* label NULL: a setting */
    int setting;
};
struct report_extras {
    struct report_extra *v;
    size_t n, cap;
    struct ipw_arena arena;
};
void report_extras(const struct table_run *const *runs, size_t n, bool all, struct report_extras *out);
const char *report_extra_cell(const struct report_extra *x, const struct table_run *run); /* "-": unknown, not set */
void report_extras_release(struct report_extras *x);

/* ---- JSON ---- */

/* "labels" and "settings", by key. */
void report_put_settings(struct json_out *o, json_node *to, const struct table_run *run);

/* {est, lo, hi, meter_lo, meter_hi, n, method} under key. */
void report_put_estimate(struct json_out *o, json_node *to, const char *key, const struct estimate *e);
/* By the name of its total: {"component": {...}, "accel": {...}, "system": {...}}; the last two NULL or with n 0: left
 * out. */
void report_put_scoped(struct json_out *o, json_node *to, const char *key, const struct estimate *component,
                       const struct estimate *accel, const struct estimate *system);
/* "labels": {"name": "value"}. */
void report_put_labels(struct json_out *o, json_node *to, const struct table_run *run);
/* A count: a whole number, null where it is not known. */
void report_put_count(struct json_out *o, json_node *to, const char *key, double n);

#endif
