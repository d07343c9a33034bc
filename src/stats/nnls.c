/* Least squares without negative coefficients, for a handful of columns, from the normal equations. */
#include <math.h>
#include <string.h>

#include "stats/stats.h"

enum { ROUNDS = 60 };
#define SINGULAR 1e-12 /* of columns of length one */
#define N STATS_NNLS_MAX

/* L L' = the rows and columns of a that are in use; false when these are not independent. */
static bool factor(const double *a, size_t n, const bool *in, double l[N][N])
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double s = in[i] && in[j] ? a[i * n + j] : i == j;
            for (size_t k = 0; k < j; k++)
                s -= l[i][k] * l[j][k];
            if (i == j && !(s > SINGULAR))
                return false;
            l[i][j] = i == j ? sqrt(s) : s / l[j][j];
        }
    return true;
}

static void substitute(double l[N][N], size_t n, const bool *in, const double *b, double *x)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = in[i] ? b[i] : 0;
        for (size_t k = 0; k < i; k++)
            x[i] -= l[i][k] * x[k];
        x[i] /= l[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            x[i] -= l[k][i] * x[k];
        x[i] /= l[i][i];
    }
}

/* Columns of length one: what counts as small does not depend on units. */
static void scale(const double *a, size_t n, double *out, double *length)
{
    for (size_t i = 0; i < n; i++)
        length[i] = a[i * n + i] > 0 ? sqrt(a[i * n + i]) : 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            out[i * n + j] = length[i] > 0 && length[j] > 0 ? a[i * n + j] / length[i] / length[j] : 0;
}

/* Steps from x, which is feasible, towards z as far as it stays so, and takes out what became 0. */
static bool step_to(double *x, const double *z, size_t n, bool *in)
{
    double part = 1;
    size_t out = n;
    for (size_t i = 0; i < n; i++)
        if (in[i] && z[i] <= 0 && x[i] - z[i] > 0 && x[i] / (x[i] - z[i]) < part) {
            part = x[i] / (x[i] - z[i]);
            out = i;
        }
    for (size_t i = 0; i < n; i++)
        x[i] += part * (z[i] - x[i]);
    if (out < n) {
        in[out] = false;
        x[out] = 0;
    }
    return out == n;
}

bool stats_nnls(const double *ata, const double *atb, size_t n, double *x)
{
    double a[N * N], length[N], b[N], z[N], l[N][N];
    bool in[N] = {false}, tried[N] = {false};
    if (n == 0 || n > N)
        return false;
    memset(x, 0, n * sizeof *x);
    scale(ata, n, a, length);
    for (size_t i = 0; i < n; i++)
        b[i] = length[i] > 0 ? atb[i] / length[i] : 0;
    for (int round = 0; round < ROUNDS; round++) {
        double most = 0, norm = 0;
        size_t next = n;
        for (size_t i = 0; i < n; i++) {
            double g = b[i];
            for (size_t k = 0; k < n; k++)
                g -= a[i * n + k] * x[k];
            norm = fmax(norm, fabs(b[i]));
            if (!in[i] && !tried[i] && length[i] > 0 && g > most) {
                most = g;
                next = i;
            }
        }
        if (next == n || most <= 1e-10 * norm)
            break;
        in[next] = true;
        if (!factor(a, n, in, l)) { /* says nothing that the others do not */
            in[next] = false;
            tried[next] = true;
            continue;
        }
        do {
            if (!factor(a, n, in, l))
                return false;
            substitute(l, n, in, b, z);
        } while (!step_to(x, z, n, in));
        memset(tried, 0, sizeof tried);
    }
    for (size_t i = 0; i < n; i++)
        x[i] = length[i] > 0 ? x[i] / length[i] : 0;
    return true;
}

bool stats_inverse(const double *a, size_t n, double *out)
{
    double s[N * N], length[N], l[N][N], e[N];
    bool in[N];
    if (n == 0 || n > N)
        return false;
    scale(a, n, s, length);
    memset(in, true, sizeof in);
    if (!factor(s, n, in, l))
        return false;
    for (size_t j = 0; j < n; j++) {
        double column[N];
        for (size_t i = 0; i < n; i++)
            e[i] = i == j;
        substitute(l, n, in, e, column);
        for (size_t i = 0; i < n; i++)
            out[i * n + j] = column[i] / length[i] / length[j];
    }
    return true;
}

/* Eigenvalues by Jacobi's rotations. */
static void eigen(double *a, size_t n)
{
    for (int sweep = 0; sweep < ROUNDS; sweep++)
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++) {
                double off = a[p * n + q];
                if (fabs(off) < 1e-300)
                    continue;
                double t = (a[q * n + q] - a[p * n + p]) / (2 * off);
                t = (t >= 0 ? 1 : -1) / (fabs(t) + sqrt(t * t + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (size_t k = 0; k < n; k++) {
                    double x = a[k * n + p], y = a[k * n + q];
                    a[k * n + p] = c * x - s * y;
                    a[k * n + q] = s * x + c * y;
                }
                for (size_t k = 0; k < n; k++) {
                    double x = a[p * n + k], y = a[q * n + k];
                    a[p * n + k] = c * x - s * y;
                    a[q * n + k] = s * x + c * y;
                }
            }
}

double stats_condition(const double *ata, size_t n)
{
    double a[N * N], length[N], least = INFINITY, most = 0;
    if (n == 0 || n > N)
        return (double)NAN;
    scale(ata, n, a, length);
    eigen(a, n);
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, a[i * n + i]);
        most = fmax(most, a[i * n + i]);
    }
    return least > 1e-15 * most ? sqrt(most / least) : INFINITY;
}
