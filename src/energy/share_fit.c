#include "energy/share_fit.h"

#include <math.h>
#include <string.h>

#include "stats/stats.h"

enum { LEAST_BLOCKS = 20, LAGS = 3 };
#define TELLS_APART 40 /* condition up to which the columns do */
#define W SHARE_WORKS

/* From the richest to the plainest: the first one that the run's mix can tell apart is used. */
static const struct model {
    size_t n;
    int work[W];
} models[] = {
    {4, {SHARE_PREFILL, SHARE_DECODE, SHARE_STEP, SHARE_CONTEXT}},
    {3, {SHARE_PREFILL, SHARE_DECODE, SHARE_STEP}},
    {2, {SHARE_PREFILL, SHARE_DECODE}},
};

static void normal_equations(const struct share_block *v, size_t n, const struct model *m, double *ata, double *atb)
{
    memset(ata, 0, m->n * m->n * sizeof *ata);
    memset(atb, 0, m->n * sizeof *atb);
    for (size_t b = 0; b < n; b++)
        for (size_t i = 0; i < m->n; i++) {
            atb[i] += v[b].work[m->work[i]] * v[b].j;
            for (size_t k = 0; k < m->n; k++)
                ata[i * m->n + k] += v[b].work[m->work[i]] * v[b].work[m->work[k]];
        }
}

static double residual(const struct share_block *b, const double coef[W])
{
    double r = b->j;
    for (int i = 0; i < W; i++)
        r -= isnan(coef[i]) ? 0 : coef[i] * b->work[i];
    return r;
}

/* Covariance of the coefficients that are above 0, by the residuals themselves: of uneven size, and alike in blocks that
 * follow each other (Newey and West 1987). */
static void covariance(struct share_result *r, const struct share_block *v, size_t n, double cov[W * W])
{
    struct model m = {0};
    double ata[W * W], atb[W], inverse[W * W], meat[W * W] = {0};
    for (int i = 0; i < W; i++)
        if (r->coef[i] > 0)
            m.work[m.n++] = i;
    normal_equations(v, n, &m, ata, atb);
    if (!stats_inverse(ata, m.n, inverse))
        return;
    for (size_t lag = 0; lag <= LAGS; lag++)
        for (size_t b = lag; b < n; b++) {
            double rr = residual(&v[b], r->coef) * residual(&v[b - lag], r->coef) * (1 - (double)lag / (LAGS + 1));
            for (size_t i = 0; i < m.n; i++)
                for (size_t k = 0; k < m.n; k++) {
                    double x = v[b].work[m.work[i]] * v[b - lag].work[m.work[k]];
                    meat[i * m.n + k] += rr * x;
                    meat[k * m.n + i] += lag ? rr * x : 0;
                }
        }
    for (size_t i = 0; i < m.n; i++)
        for (size_t k = 0; k < m.n; k++) {
            double s = 0;
            for (size_t p = 0; p < m.n; p++)
                for (size_t q = 0; q < m.n; q++)
                    s += inverse[i * m.n + p] * meat[p * m.n + q] * inverse[q * m.n + k];
            cov[m.work[i] * W + m.work[k]] = s * (double)n / (double)(n - m.n);
        }
    for (int i = 0; i < W; i++)
        if (r->coef[i] > 0)
            r->u_coef[i] = sqrt(fmax(cov[i * W + i], 0));
}

void share_fit(struct share_result *r, const struct share_block *v, size_t n, double cov[W * W])
{
    memset(cov, 0, W * W * sizeof *cov);
    r->blocks = n;
    r->by_time = true;
    r->why = "few_blocks";
    r->condition = r->residual = NAN;
    for (int i = 0; i < W; i++)
        r->coef[i] = r->u_coef[i] = NAN;
    if (n < LEAST_BLOCKS)
        return;
    r->why = "one_mix";
    double ata[W * W], atb[W], x[W];
    for (size_t k = 0; k < sizeof models / sizeof models[0] && r->by_time; k++) {
        const struct model *m = &models[k];
        normal_equations(v, n, m, ata, atb);
        r->condition = stats_condition(ata, m->n);
        if (!(r->condition <= TELLS_APART) || !stats_nnls(ata, atb, m->n, x))
            continue;
        for (size_t i = 0; i < m->n; i++)
            r->coef[m->work[i]] = x[i];
        r->by_time = false;
        r->why = NULL;
    }
    if (r->by_time)
        return;
    covariance(r, v, n, cov);
    double rr = 0, j = 0;
    for (size_t b = 0; b < n; b++) {
        rr += pow(residual(&v[b], r->coef), 2);
        j += v[b].j;
    }
    r->residual = j > 0 ? sqrt(rr / (double)n) / (j / (double)n) : (double)NAN;
}
