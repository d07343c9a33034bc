#include "run/estimate.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/str.h"

/* Reading all weights once a token at 20 GB/s, 150 tokens an answer: a laptop within a factor of three. */
static const double tokens = 150, bytes_s = 20e9;

void run_estimate_of(struct run_estimate *out, size_t questions, int64_t model_bytes, const struct run_brief *earlier)
{
    double n = (double)questions;
    if (earlier && earlier->seconds > 0)
        *out = (struct run_estimate){n * earlier->seconds, n * earlier->per_query_j, "an earlier run here"};
    else
        *out = (struct run_estimate){n * tokens * (double)model_bytes / bytes_s, NAN, "model size"};
}

const struct run_brief *run_estimate_earlier(const struct run_briefs *list, const char *model_path, int64_t model_bytes,
                                             const char *host, const char *dataset)
{
    const struct run_brief *found = NULL;
    for (size_t i = 0; i < list->n; i++) {
        const struct run_brief *b = &list->v[i];
        if (b->problem || !(b->seconds > 0) || b->model_bytes != model_bytes || !ipw_streq(b->host, host) ||
            !ipw_streq(b->model_file, fs_basename(model_path)))
            continue;
        if (ipw_streq(b->dataset_name, dataset))
            return b;
        found = found ? found : b;
    }
    return found;
}

const char *run_estimate_words(double seconds, char out[32])
{
    static const struct {
        double unit, up_to; /* in seconds */
        const char *one, *many;
    } words[] = {{1, 90, "second", "seconds"}, {60, 5400, "minute", "minutes"}, {3600, 48 * 3600, "hour", "hours"},
                 {86400, INFINITY, "day", "days"}};
    size_t k = 0;
    while (k < 3 && seconds >= words[k].up_to)
        k++;
    double n = seconds / words[k].unit;
    bool half = k >= 2 && n < 9.75;
    n = half ? round(n * 2) / 2 : k == 0 && n > 20 ? round(n / 10) * 10 : fmax(round(n), 1);
    snprintf(out, 32, "about %.*f %s", half && n != floor(n), n, n == 1 ? words[k].one : words[k].many);
    return out;
}
