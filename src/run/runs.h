/* The runs of a folder in brief: what `ipw list` shows, what "the newest run" means, what an earlier run cost. A finished run
 * is read from its summary.json alone; any other from run.db, read-only, also while it is being written. */
#ifndef IPW_RUN_RUNS_H
#define IPW_RUN_RUNS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

/* Unknown: NULL, NAN, and 0 for the start. Strings belong to the list. */
struct run_brief {
    char dir[PATH_MAX];
    const char *problem;     /* why this folder cannot be read as a run; NULL: it can */
    int64_t started_real_ns; /* ns since 1970 */
    bool complete;
    bool running;            /* a process is writing it */
    const char *host, *device;
    const char *model_name, *model_fingerprint, *quant;
    const char *model_file;  /* base name of the file that was given */
    int64_t model_bytes;     /* 0: unknown */
    const char *dataset_name, *dataset_sha256;
    int64_t n_asked, n_total; /* questions with an answer; that were to be asked */
    const char *energy_source, *signature; /* as struct table_run */
    size_t n_scored;
    double accuracy, accuracy_lo, accuracy_hi;
    double per_query_j, ipj, seconds; /* seconds: mean of a question, send to end */
    const char *labels;      /* JSON object, one line; "{}": none */
};

struct run_briefs {
    struct run_brief *v;
    size_t n, cap;
    struct ipw_arena arena;
};

/* Every run folder directly in output_dir or in a study's folder there, newest first. An absent folder is an empty list; a
 * folder that looks like a run and cannot be read is an entry with a problem, after the others. IPW_E_IO when output_dir
 * cannot be read. */
int runs_list(struct run_briefs *out, const char *output_dir, struct ipw_err *err);

/* Appends the one run in dir to a list that is zeroed or made by runs_list; its place in the order is not looked for. */
void runs_add(struct run_briefs *list, const char *dir);
void runs_sort(struct run_briefs *list);
void runs_release(struct run_briefs *list);

#endif
