/* What people and programs see of a run: the closing screen, tables, JSON, JSONL. Text goes into a buffer; only
 * src/cli prints. Plain ASCII, at most 80 columns; colour only repeats what the words say. */
#ifndef IPW_REPORT_REPORT_H
#define IPW_REPORT_REPORT_H

#include "base/buf.h"
#include "base/json.h"
#include "table/compare.h"
#include "table/figures.h"

/* summary.json, as contract/summary.example.json. */
char *report_summary_json(const struct table_run *run, const struct accuracy_result *r);

/* analysis/accuracy.json: the reference's keys (metrics 1.2) and ours beside them. */
char *report_accuracy_json(const struct table_run *run, const struct accuracy_result *r);

/* One line per query x sample; keys as docs/schema.md. */
void report_queries_jsonl(const struct table_run *run, struct ipw_buf *out);

/* The closing screen (screens.md). color: ANSI amber for estimated and partial. why: why joules are estimated ("this
 * virtual machine shows no energy counter"), NULL: not known. next: NULL-terminated lines of commands that work when
 * pasted. */
struct report_screen {
    bool color;
    const char *why;
    const char *const *next;
};
void report_screen(const struct table_run *run, const struct accuracy_result *r, const struct report_screen *opt,
                   struct ipw_buf *out);

/* `ipw analyze accuracy`: format "table", "json", "csv" or "md"; many runs give one row each (json: an array unless
 * there is one). */
void report_accuracy(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n,
                     const char *format, struct ipw_buf *out);

/* Of a sweep over --concurrency: one row per run, format "table", "csv" or "md". Joules and watts of everything that was
 * asked, gross. */
void report_sweep(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n, const char *format,
                  struct ipw_buf *out);

/* `ipw compare`: a sentence that answers, both runs side by side with both intervals, what else differs. r->refused must be
 * "". format "table", "json" or "md"; columns: of the terminal, for "table". */
void report_compare(const struct compare_result *r, const char *format, int columns, struct ipw_buf *out);

/* Who judged, its verdicts, agreement and cost: lines of a screen. */
void report_judge(const struct table_judge *j, struct ipw_buf *out);

/* A figure for reading: two significant digits below 100, whole above ("0.0097", "7.7", "14", "212"), "-" for NAN. The
 * one number formatter of every table. */
void report_num(double x, char out[24]);

/* Text from models, files and users, made safe for a terminal: control characters, what turns or hides text, and broken
 * UTF-8 become '?'. report_cut: at most width columns, cut texts end in "..". NULL adds nothing. */
void report_text(const char *s, struct ipw_buf *out);
void report_cut(const char *s, int width, struct ipw_buf *out);
int report_width(const char *s); /* columns */

/* Text for a terminal of so many columns, the last one left free: the first line after `first` spaces, the others after
 * `rest`. A line of the text that begins with four spaces is a command and stays whole, however long; a 'quoted path', "ipw
 * COMMAND" and "--flag VALUE" are not broken either. Control characters become '?'. */
void report_fold(const char *text, int columns, int first, int rest, struct ipw_buf *out);

/* Text table: columns padded, right-aligned where numeric; cells are UTF-8, cut to fit `width` columns. format
 * "table", "csv" (RFC 4180) or "md". */
struct report_table {
    const char *const *head;
    size_t n_cols, n_rows;
    const char *const *cells; /* row by row */
    unsigned right;           /* bit i: column i is right-aligned; columns from 32 on are not */
};
void report_table(const struct report_table *t, const char *format, int width, struct ipw_buf *out);

#endif
