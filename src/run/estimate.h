/* How long a run will take and what it will cost, before anything is asked: from an earlier run of the same model file on
 * this machine, else from the model's bytes. */
#ifndef IPW_RUN_ESTIMATE_H
#define IPW_RUN_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

struct run_brief; /* run/runs.h */

struct run_estimate {
    double seconds;
    double joules;     /* NAN when unknown */
    const char *basis; /* static: "an earlier run here", "model size" */
};

/* earlier: a run of the same model file on this machine, NULL: none. */
void run_estimate_of(struct run_estimate *out, size_t questions, int64_t model_bytes, const struct run_brief *earlier);

/* "about 40 seconds", "about 7 minutes", "about 2.5 hours", "about 17 days". Returns out. */
const char *run_estimate_words(double seconds, char out[32]);

#endif
