#include <float.h>
#include <math.h>

#include "stats/stats.h"

/* Inverse normal: Newton's method on erfc from a logistic start; quadratic, so a few steps reach double precision. */
double stats_normal_quantile(double p)
{
    if (isnan(p) || p < 0 || p > 1)
        return NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    double q = p < 0.5 ? p : 1 - p; /* the lower tail keeps its digits */
    double x = q > 0.02 ? -0.5513 * log((1 - q) / q) : -sqrt(-2 * log(q));
    for (int i = 0; i < 60; i++) {
        double f = 0.5 * erfc(-x / M_SQRT2) - q;
        double density = exp(-0.5 * x * x) / sqrt(2 * M_PI);
        double u = f / density, step = u / (1 + 0.5 * x * u); /* Halley */
        x -= step;
        if (fabs(step) <= 1e-15 * fabs(x))
            break;
    }
    return p < 0.5 ? x : p > 0.5 ? -x : 0;
}

/* Continued fraction of the incomplete beta function by Lentz's method (DLMF 8.17.22). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m < 100000; m++) {
        double k = m, even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        f *= d * c;
        double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        f *= d * c;
        if (fabs(d * c - 1) < 4 * DBL_EPSILON)
            break;
    }
    return f;
}

/* lgamma writes signgam, which two threads may do at once; its sign is known here. */
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

double stats_beta_cdf(double x, double a, double b)
{
    if (isnan(x) || !(a > 0) || !(b > 0))
        return NAN;
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double stats_beta_quantile(double p, double a, double b)
{
    if (isnan(p) || p < 0 || p > 1)
        return NAN;
    double lo = 0, hi = 1;
    for (int i = 0; i < 1100 && hi - lo > 1e-16 * hi; i++) { /* bisection: small quantiles need many halvings */
        double mid = 0.5 * (lo + hi);
        if (mid <= lo || mid >= hi)
            break;
        *(stats_beta_cdf(mid, a, b) < p ? &lo : &hi) = mid;
    }
    return 0.5 * (lo + hi);
}

double stats_t_quantile(double p, double df)
{
    if (isnan(p) || !(df > 0) || p < 0 || p > 1)
        return NAN;
    if (p == 0.5)
        return 0;
    double q = p < 0.5 ? p : 1 - p;
    /* P(T < -t) = I_x(df/2, 1/2) / 2 with x = df / (df + t^2); near x = 1 solve for 1 - x, which keeps its digits */
    double x = stats_beta_quantile(2 * q, 0.5 * df, 0.5), y = 1 - x;
    if (x > 0.5) {
        y = stats_beta_quantile(1 - 2 * q, 0.5, 0.5 * df);
        x = 1 - y;
    }
    double t = sqrt(df * y / x);
    return p < 0.5 ? -t : t;
}
