/* Several runs in turns: what `ipw study run` and `ipw profile` with several models, sets or repeats share. A study becomes a
 * plan (study_make.c), and the plan is carried out block by block (study_run.c). */
#ifndef IPW_CLI_STUDY_H
#define IPW_CLI_STUDY_H

#include "cli/profile.h"
#include "run/study.h"
#include "run/study_plan.h"

/* A plan and what is known about it here. */
struct study_job {
    struct study_plan plan;        /* without the runs that something is missing for */
    struct run_estimate *estimate; /* by run */
    double seconds, joules;        /* of all; joules NAN when one is not known */
    struct option_list missing;    /* what the study names and this machine has not: "model 'x.gguf'" */
    struct ipw_err first_missing;  /* the whole reason of the first */
    size_t cells;                  /* runs with those that something is missing for */
    bool warned;                   /* of samples that would all be the same */
};
void study_job_release(struct study_job *j);

/* base: what the flags say; a study's own models, sets, engines and options go before it. Checks every run as if it were
 * begun. A wrong option is an error; a model, set, engine or judge that is not here is missing. */
int study_make(struct study_job *j, const struct study *s, const struct profile *base, struct ipw_err *err);

/* Lines about the plan for stderr: runs, blocks, time, joules, command lines it will run. */
void study_say(const struct study_job *j);

void study_say_commands(const struct study_plan *plan);

/* More than an hour, and command lines out of a file, are asked for: *yes is the answer. */
int study_confirm(const struct cli *cli, const struct study_plan *plan, double seconds, bool *yes, struct ipw_err *err);

char *study_run_labels(const struct study_run *r); /* "threads=2, repeat=1", the caller frees */

/* {"threads": 2, "system": "x"} as "threads=2, system=x" with between "=". The caller frees. */
char *study_words(const json_val *obj, const char *between);

/* Carries the plan out in dir, which holds its study.json; what is done already is left alone. flags: --allow-failures,
 * --allow-missing, --retry-errors, --allow-other-machine, -o. The exit code. */
int study_execute(struct study_plan *plan, const char *dir, const struct profile *flags);

/* Makes the folder study_<name>_<n> in output_dir, or finds the one in which the same plan was cut off. */
int study_folder_make(struct study_plan *plan, const char *output_dir, char dir[PATH_MAX], struct ipw_err *err);

bool study_folder(const char *path); /* whether it holds a study.json */
int study_resume(const struct profile *flags, const char *dir, bool yes); /* yes: its commands need no asking */
int study_of_flags(const struct profile *flags);

#endif
