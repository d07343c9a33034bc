/* Inside the measure command: what was measured, its log, how it is shown. */
#ifndef IPW_CLI_MEASURE_H
#define IPW_CLI_MEASURE_H

#include <stdatomic.h>
#include <stdio.h>

#include "base/buf.h"
#include "energy/session.h"

struct measured {
    const struct meter *meter;
    const struct energy_result *result;
    const struct energy_result *idle; /* of --baseline quick; NULL: none */
    const char *const *command;       /* NULL-terminated; NULL: none was given */
    int exit_code;                    /* of the command */
    int64_t lost;
};

void measure_table(const struct measured *m, struct ipw_buf *out); /* at most 80 columns */
void measure_json(const struct measured *m, struct ipw_buf *out);

/* "12.0 s   63.1 W" of one interval, with marks; for stderr. */
void measure_line(const struct meter *meter, const struct energy_result *r, double at_s, struct ipw_buf *out);

/* ---- --log: docs/measure.md has the format ---- */

struct measure_log {
    FILE *f;
    const char *path;
    int64_t anchor_ns; /* times in the log are since this ipw_now() */
    _Atomic int error; /* errno of the first write that failed; 0 */
};
int measure_log_open(struct measure_log *l, const char *path, const struct ipw_env *env, const struct meter *m,
                     const char *version, const char *const *command, struct ipw_err *err);
void measure_log_batch(const struct energy_batch *b, void *log); /* an energy_tap */
/* kind: "idle", "command" or "machine". t1 < t0: it begins now. Any thread. */
void measure_log_window(struct measure_log *l, const char *kind, int64_t t0, int64_t t1);
int measure_log_close(struct measure_log *l, struct ipw_err *err); /* the first error of all writes */

#endif
