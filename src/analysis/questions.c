#include "analysis/questions.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void questions_of(const struct table_run *run, struct questions *q)
{
    *q = (struct questions){.of = ipw_malloc((run->n + 1) * sizeof *q->of), .n = run->n};
    for (size_t i = 0; i < run->n; i++) {
        q->of[i] = i;
        q->several = q->several || run->v[i].sample > 0;
    }
    if (!q->several) /* a question's sample has one row */
        return;
    size_t cap = 16, *slot, *first = ipw_malloc((run->n + 1) * sizeof *first);
    while (cap < 2 * run->n)
        cap *= 2;
    slot = ipw_calloc(cap, sizeof *slot); /* question + 1; 0: free */
    q->n = 0;
    for (size_t i = 0; i < run->n; i++) {
        const char *id = run->v[i].query_id;
        size_t at = ipw_hash64(id, strlen(id)) & (cap - 1);
        while (slot[at] && strcmp(run->v[first[slot[at] - 1]].query_id, id) != 0)
            at = (at + 1) & (cap - 1);
        if (!slot[at]) {
            first[q->n] = i;
            slot[at] = ++q->n;
        }
        q->of[i] = slot[at] - 1;
    }
    free(first);
    free(slot);
}

void questions_release(struct questions *q)
{
    free(q->of);
    *q = (struct questions){0};
}

/* Renumbers what is left of the questions without holes. */
static size_t close_up(size_t *of, size_t n)
{
    size_t most = 0, g = 0;
    for (size_t i = 0; i < n; i++)
        most = of[i] > most ? of[i] : most;
    size_t *now = ipw_calloc(most + 1, sizeof *now);
    for (size_t i = 0; i < n; i++) {
        if (!now[of[i]])
            now[of[i]] = ++g;
        of[i] = now[of[i]] - 1;
    }
    free(now);
    return g;
}

size_t questions_sum(double *const *col, size_t k, size_t *of, size_t n, double **weights)
{
    *weights = NULL;
    size_t g = close_up(of, n);
    if (g == n)
        return n;
    double *sum = ipw_malloc((g + 1) * sizeof *sum), *ones = ipw_malloc((n + 1) * sizeof *ones);
    for (size_t j = 0; j < k; j++) {
        stats_clusters(col[j], of, n, g, sum);
        memcpy(col[j], sum, g * sizeof *sum);
    }
    for (size_t i = 0; i < n; i++)
        ones[i] = 1;
    stats_clusters(ones, of, n, g, sum);
    free(ones);
    *weights = sum;
    return g;
}

struct stats_interval questions_mean(const double *x, const double *weights, size_t n)
{
    return weights ? stats_clusters_mean(x, weights, n) : stats_mean_t(x, n);
}

struct stats_interval questions_accuracy(const double *c, const double *weights, size_t n, size_t n_binary)
{
    return weights ? stats_clusters_accuracy(c, weights, n, n_binary) : stats_accuracy(c, n);
}
