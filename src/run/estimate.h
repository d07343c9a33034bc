/* How long a run will take and what it will cost, before anything is asked: from an earlier run of the same model file on
 * this machine, else from the model's bytes. */
#ifndef IPW_RUN_ESTIMATE_H
#define IPW_RUN_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

#include "run/runs.h"

struct run_estimate {
    double seconds;
    double joules;     /* NAN when unknown */
    const char *basis; /* static: "an earlier run here", "model size" */
};

/* earlier: a run of the same model file on this machine, NULL: none. */
void run_estimate_of(struct run_estimate *out, size_t questions, int64_t model_bytes, const struct run_brief *earlier);

/* The newest run of this model file (base name, bytes) on this host, one of the same question set before any other; NULL:
 * none. list is sorted newest first, as runs_list gives it. */
const struct run_brief *run_estimate_earlier(const struct run_briefs *list, const char *model_path, int64_t model_bytes,
                                             const char *host, const char *dataset);

/* "about 40 seconds", "about 7 minutes", "about 2.5 hours", "about 17 days". Returns out. */
const char *run_estimate_words(double seconds, char out[32]);

#endif
