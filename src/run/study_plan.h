/* What a study comes to: runs, each with its whole plan and its folder, cut into blocks, and the order of the blocks. The
 * same for `ipw profile -m A -m B` and `ipw study run FILE`. Stored as study.json in the study's folder. Pure. */
#ifndef IPW_RUN_STUDY_PLAN_H
#define IPW_RUN_STUDY_PLAN_H

#include <stddef.h>

#include "run/plan.h"

struct study_run { /* strings are owned */
    char *dir;     /* the name of its folder in the study's */
    char *labels;  /* JSON object of texts */
    char *before;  /* command line before each block; NULL: none */
    struct run_plan plan;
    int64_t questions, blocks;
    double seconds; /* how long it was thought to take when it was planned: what its baseline goes by */
};

struct study_plan {
    char *name, *after; /* after: command line at the end; NULL: none */
    struct study_run *v;
    size_t n, cap;
    bool complete; /* every run has ended */
};

void study_plan_release(struct study_plan *p);
struct study_run *study_plan_add(struct study_plan *p); /* a new last run, with the plan's defaults; valid until the next */

struct study_block {
    size_t run;
    int64_t i, of; /* block i, from 0, of this run's */
    bool last;     /* of this run */
};

/* Every round asks one block of every run, every second round backwards: what drifts evenly (heat, other load) falls on all
 * runs alike. Runs with fewer blocks leave out the last rounds. Returns how many; the caller frees *out. */
size_t study_order(const struct study_plan *p, struct study_block **out);

/* Into how many blocks runs of these seconds are cut: at most 4, fewer where opening a model once more (overhead_s) would
 * take more than a tenth of the time, never more than questions. */
int64_t study_blocks_of(double seconds, double overhead_s, int64_t questions);

char *study_plan_json(const struct study_plan *p); /* study.json; caller frees */
int study_plan_read(struct study_plan *p, const char *source, const char *text, size_t len, struct ipw_err *err);

/* Of what is asked and how, without folders and progress: the same for two plans of one study. */
void study_plan_hash(const struct study_plan *p, char hex[65]);

#endif
