/* The checks of ipw doctor. A check looks at one thing and adds what it found; it never fails and never changes anything.
 * To add one: a function here and in its file, a row in the table of doctor.c. */
#ifndef IPW_CLI_DOCTOR_H
#define IPW_CLI_DOCTOR_H

#include "cli/cli.h"
#include "energy/meter.h"
#include "run/machine.h"

enum finding_status { FINDING_OK, FINDING_NOTE, FINDING_MISSING };

struct finding {
    const char *group, *name;
    enum finding_status status;
    char *text;   /* what there is */
    char *remedy; /* NULL, or sentences and commands as in struct energy_remedy */
};

struct doctor {
    const struct cli *cli;
    const struct meter *meter;
    const char *trouble; /* why the meter is not what a run would have; NULL: nothing */
    struct run_machine machine;
    const char *group, *name; /* of the check that runs */
    struct finding *v;
    size_t n, cap;
};

/* Adds a finding of the check that runs; remedy NULL: none. It takes text and copies remedy. */
struct finding *doctor_add(struct doctor *d, enum finding_status status, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* What the checks of a group (NULL: all) find, as "table" or "json". trouble: of cli_meter_look, NULL none. */
void doctor_report(const struct cli *cli, const struct meter *meter, const char *trouble, const char *group,
                   const char *format, int columns, struct ipw_buf *out);

/* doctor_machine.c */
void doctor_processor(struct doctor *d);
void doctor_virtual(struct doctor *d);
void doctor_power(struct doctor *d);
void doctor_governor(struct doctor *d);
void doctor_memory(struct doctor *d);
void doctor_load(struct doctor *d);
void doctor_clock(struct doctor *d);

/* doctor_tools.c */
void doctor_engine(struct doctor *d);
void doctor_gpu(struct doctor *d);
void doctor_models(struct doctor *d);
void doctor_sets(struct doctor *d);
void doctor_runs_folder(struct doctor *d);
void doctor_data_folder(struct doctor *d);
void doctor_path(struct doctor *d);
void doctor_sandbox(struct doctor *d);

#endif
