#include <float.h>
#include <math.h>
#include <stddef.h>

#include "stats/stats.h"

static double ratio(const double *num, const double *den, size_t n, double r)
{
    double p = num[n - 1], q = den[n - 1];
    for (size_t i = n - 1; i-- > 0;) {
        p = p * r + num[i];
        q = q * r + den[i];
    }
    return p / q;
}

/* Wichura 1988, algorithm AS 241 (PPND16): about 1 part in 1e16. */
double stats_normal_quantile(double p)
{
    static const double a[] = {3.3871328727963666080,  1.3314166789178437745e2, 1.9715909503065514427e3,
                               1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                               3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[] = {1.0,                     4.2313330701600911252e1, 6.8718700749205790830e2,
                               5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
                               2.8729085735721942674e4, 5.2264952788528545610e3};
    static const double c[] = {1.42343711074968357734,    4.63033784615654529590,    5.76949722146069140550,
                               3.64784832476320460504,    1.27045825245236838258,    2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,                       2.05319162663775882187,    1.67638483018380384940,
                               6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
                               5.47593808499534494600e-4, 1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720,    5.46378491116411436990,    1.78482653991729133580,
                               2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,                       5.99832206555887937690e-1, 1.36929880922735805310e-1,
                               1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
                               1.42151175831644588870e-7, 2.04426310338993978564e-15};
    if (!(p >= 0 && p <= 1))
        return (double)NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -(double)INFINITY : (double)INFINITY;
    double q = p - 0.5;
    if (fabs(q) <= 0.425)
        return q * ratio(a, b, 8, 0.180625 - q * q);
    double r = sqrt(-log(q < 0 ? p : 1 - p));
    double z = r <= 5 ? ratio(c, d, 8, r - 1.6) : ratio(e, f, 8, r - 5);
    return q < 0 ? -z : z;
}

/* The continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method. It converges in about
 * sqrt(max(a, b)) terms where x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (double m = 1; m < 1e6; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        f *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        f *= d * c;
        if (fabs(d * c - 1) < 2 * DBL_EPSILON)
            break;
    }
    return f;
}

static double log_gamma(double x)
{
    int sign; /* lgamma would write a global */
    return lgamma_r(x, &sign);
}

/* I_x(a, b) with y = 1 - x given, so that neither end loses digits. */
static double beta_lower(double x, double y, double a, double b)
{
    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    double lx = x > 0.5 ? log1p(-y) : log(x), ly = y > 0.5 ? log1p(-x) : log(y);
    double front = exp(a * lx + b * ly + log_gamma(a + b) - log_gamma(a) - log_gamma(b));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(y, b, a) / b;
}

double stats_beta_cdf(double x, double a, double b)
{
    if (!(a > 0 && b > 0) || isnan(x))
        return (double)NAN;
    return beta_lower(x, 1 - x, a, b);
}

/* Bisection to the last bit: few calls per run, and nothing to go wrong. */
double stats_beta_quantile(double p, double a, double b)
{
    if (!(a > 0 && b > 0) || !(p >= 0 && p <= 1))
        return (double)NAN;
    if (p == 0 || p == 1)
        return p;
    double lo = 0, hi = 1;
    while (hi - lo > DBL_EPSILON * hi && hi > DBL_MIN) {
        double mid = lo + (hi - lo) / 2;
        if (beta_lower(mid, 1 - mid, a, b) < p)
            lo = mid;
        else
            hi = mid;
    }
    return lo + (hi - lo) / 2;
}

double stats_t_tail(double t, double df)
{
    if (!(df > 0) || !(t >= 0))
        return (double)NAN;
    double s = t / df * t;
    return 0.5 * beta_lower(1 / (1 + s), s / (1 + s), df / 2, 0.5);
}

double stats_t_quantile(double p, double df)
{
    if (!(df > 0) || !(p >= 0 && p <= 1))
        return (double)NAN;
    if (p == 0 || p == 1 || isinf(df))
        return stats_normal_quantile(p);
    double tail = p < 0.5 ? p : 1 - p, lo = 0, hi = 1;
    if (p == 0.5)
        return 0;
    while (stats_t_tail(hi, df) > tail && hi < DBL_MAX / 4) {
        lo = hi;
        hi *= 2;
    }
    while (hi - lo > DBL_EPSILON * hi && hi > DBL_MIN) {
        double mid = lo + (hi - lo) / 2;
        if (stats_t_tail(mid, df) > tail)
            lo = mid;
        else
            hi = mid;
    }
    return p < 0.5 ? -hi : hi;
}
