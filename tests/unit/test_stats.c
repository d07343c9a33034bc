/* Vectors: metrics.md TV4 to TV8; references of the quantiles by mpmath and scipy. */
#include "check.h"

#include "base/rng.h"
#include "stats/stats.h"

#define N(v) (sizeof(v) / sizeof(v)[0])

static double uniform(uint64_t seed, uint64_t i)
{
    return (double)(ipw_rng_at(seed, i) >> 11) * 0x1p-53;
}

static void test_moments(void **state)
{
    (void)state;
    const double nasty[] = {1, 1e100, 1, -1e100};
    struct stats_sum k = {0};
    for (size_t i = 0; i < N(nasty); i++)
        stats_sum_add(&k, nasty[i]);
    check_near(stats_sum_value(&k), 2, 0);
    struct stats_sum tenths = {0};
    for (int i = 0; i < 10000000; i++)
        stats_sum_add(&tenths, 0.1);
    check_near(stats_sum_value(&tenths), 1e6, 1e-15);
    struct stats_sum inf = {0};
    stats_sum_add(&inf, (double)INFINITY);
    stats_sum_add(&inf, 1);
    assert_true(isinf(stats_sum_value(&inf)));

    const double far[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
    check_near(stats_mean(far, 4), 1e9 + 10, 0);
    check_near(stats_var(far, 4), 30, 1e-14);
    const double y[] = {1, 2, 3, 5};
    check_near(stats_cov(far, y, 4), 9, 1e-14);
    const double hole[] = {1, (double)NAN, 3};
    assert_true(isnan(stats_mean(far, 0)) && isnan(stats_var(far, 1)) && isnan(stats_mean(hole, 3)));
}

static void test_quantile(void **state)
{
    (void)state;
    const double tv4[] = {10, 12, 11, 50, 13};
    check_near(stats_quantile(tv4, 5, 0.5), 12, 0);
    check_near(stats_quantile(tv4, 5, 0.9), 35.2, 1e-14);
    check_near(stats_quantile(tv4, 5, 0.95), 42.6, 1e-14);
    check_near(stats_quantile(tv4, 5, 0.99), 48.52, 1e-14);
    check_near(stats_quantile(tv4, 5, 0), 10, 0);
    check_near(stats_quantile(tv4, 5, 1), 50, 0);
    check_near(stats_quantile(tv4, 1, 0.7), 10, 0);
    check_near(tv4[0], 10, 0); /* a copy was sorted */
    const double hole[] = {1, (double)NAN, 3};
    assert_true(isnan(stats_quantile(tv4, 0, 0.5)) && isnan(stats_quantile(hole, 3, 0.5)) &&
                isnan(stats_quantile(tv4, 5, 1.1)) && isnan(stats_quantile(tv4, 5, (double)NAN)));
}

static void test_normal(void **state)
{
    (void)state;
    static const double v[][2] = {
        {0.975, 1.9599639845400542},   {0.9, 1.2815515655446005},     {0.925, 1.4395314709384559},
        {0.0249, -1.961677869063786},  {1e-6, -4.7534243088228989},   {1e-12, -7.0344838253011319},
        {1e-20, -9.2623400897984076},  {1e-100, -21.273453560965324}, {1e-300, -37.047096299361199}};
    for (size_t i = 0; i < N(v); i++)
        check_near(stats_normal_quantile(v[i][0]), v[i][1], 2e-15);
    check_near(stats_normal_quantile(0.5), 0, 0);
    assert_true(isinf(stats_normal_quantile(0)) && isnan(stats_normal_quantile(-0.1)) &&
                isnan(stats_normal_quantile((double)NAN)));
}

static void test_student(void **state)
{
    (void)state;
    static const double v[][3] = {/* upper tail, df, t */
        {0.025, 1, 12.706204736174705},     {0.025, 2, 4.3026527297494639},    {0.025, 5, 2.5705818356363155},
        {0.025, 29, 2.0452296421327043},    {0.025, 99, 1.9842169515864175},   {0.025, 1000, 1.9623390808264085},
        {0.025, 1e6, 1.959966356814107},    {0.025, 2.5, 3.5746548420036832},  {0.1, 7, 1.4149239276505085},
        {0.4, 3, 0.27667066233268991},      {1e-10, 4, 416.17514032960413},    {1e-10, 50, 7.9482437476462225},
        {0.005, 1, 63.656741162871581},     {1e-30, 10, 2564.5239317426153},   {0.0005, 0.5, 411396.46252617139},
        {0.499, 12, 0.0025593392850968671}};
    for (size_t i = 0; i < N(v); i++) {
        double rel = v[i][1] > 1e5 ? 1e-9 : 1e-12;
        check_near(stats_t_quantile(v[i][0], v[i][1]), -v[i][2], rel);
        if (v[i][0] > 1e-9) /* 1 - p keeps its digits */
            check_near(stats_t_quantile(1 - v[i][0], v[i][1]), v[i][2], fmax(rel, 1e-7 * (v[i][0] < 1e-3)));
    }
    check_near(stats_t_quantile(0.5, 3), 0, 0);
    check_near(stats_t_quantile(0.975, (double)INFINITY), 1.9599639845400542, 1e-15);
    assert_true(isnan(stats_t_quantile(0.9, 0)) && isnan(stats_t_quantile(2, 5)));
}

static void test_beta(void **state)
{
    (void)state;
    static const double cdf[][4] = {/* x, a, b, I */
        {0.3, 2, 3, 0.3483},           {0.01, 0.5, 0.5, 0.063768560858519848},
        {0.999, 50, 2, 0.99876590960688292}, {0.5, 100, 100, 0.5},
        {0.42, 42, 59, 0.53817810993746323}, {1e-5, 0.5, 1000, 0.1124492317459027},
        {0.3, 5000, 12000, 0.95343387858837535}, {0.5005, 500000, 500000, 0.84134474606855691},
        {1e-10, 3, 4, 1.9999999995500004e-29}};
    for (size_t i = 0; i < N(cdf); i++)
        check_near(stats_beta_cdf(cdf[i][0], cdf[i][1], cdf[i][2]), cdf[i][3],
                   cdf[i][1] + cdf[i][2] >= 1e3 ? 1e-9 : 1e-12);
    static const double q[][4] = {/* p, a, b, x */
        {0.025, 42, 59, 0.3219855393547969},        {0.975, 43, 58, 0.52288080427608619},
        {0.975, 1, 30, 0.11570330822202778},        {0.025, 30, 1, 0.88429669177797221},
        {0.5, 0.5, 0.5, 0.5},                       {1e-6, 2, 3, 0.00040835946020425731},
        {0.025, 0.1, 5, 1.27039038866952e-17},      {0.999, 3, 0.2, 0.99999999999999978},
        {0.975, 10001, 90000, 0.10187600221698392}, {0.025, 1, 1e6, 2.5317807663794178e-08}};
    for (size_t i = 0; i < N(q); i++)
        check_near(stats_beta_quantile(q[i][0], q[i][1], q[i][2]), q[i][3], q[i][1] + q[i][2] > 1e4 ? 1e-9 : 1e-12);
    check_near(stats_beta_cdf(0, 2, 3), 0, 0);
    check_near(stats_beta_cdf(1, 2, 3), 1, 0);
    assert_true(isnan(stats_beta_cdf(0.5, 0, 1)) && isnan(stats_beta_quantile((double)NAN, 1, 1)));
}

static void test_accuracy(void **state)
{
    (void)state;
    struct stats_interval w = stats_wilson(42, 100), c = stats_clopper_pearson(42, 100);
    check_near(w.est, 0.42, 1e-15);
    check_near(w.lo, 0.3279838, 2e-7);
    check_near(w.hi, 0.5179351, 2e-7);
    check_near(c.lo, 0.3219855, 2e-7);
    check_near(c.hi, 0.5228808, 2e-7);
    w = stats_wilson(0, 30);
    c = stats_clopper_pearson(0, 30);
    assert_true(w.lo == 0 && c.lo == 0);
    check_near(w.hi, 0.1135134, 5e-7);
    check_near(c.hi, 0.1157033, 5e-7);
    for (size_t n = 1; n <= 60; n++)
        for (size_t k = 0; k <= n; k++) {
            w = stats_wilson((double)k, n);
            c = stats_clopper_pearson(k, n);
            assert_true(w.lo >= 0 && w.lo <= w.est && w.est <= w.hi && w.hi <= 1);
            assert_true(c.lo >= 0 && c.lo <= c.est && c.est <= c.hi && c.hi <= 1);
            assert_true((w.lo == 0) == (k == 0) && (w.hi == 1) == (k == n)); /* not off by a rounding */
            struct stats_interval mirror = stats_wilson((double)(n - k), n);
            assert_true(fabs(mirror.hi - (1 - w.lo)) < 1e-14);
        }
    assert_true(isnan(stats_wilson(0, 0).est) && isnan(stats_wilson(3, 2).est) &&
                isnan(stats_clopper_pearson(0, 0).lo) && isnan(stats_wilson((double)NAN, 3).est));

    const double whole[] = {1, 0, 1, 1}, part[] = {.5, 1, .75, .25, .5}, high[] = {1, .9, 1};
    w = stats_accuracy(whole, 4);
    assert_string_equal(w.method, "wilson");
    check_near(w.hi, stats_wilson(3, 4).hi, 0);
    w = stats_accuracy(part, 5);
    assert_string_equal(w.method, "t");
    check_near(w.lo, 0.24607130575443192, 1e-12);
    check_near(w.hi, 0.953928694245568, 1e-12);
    w = stats_accuracy(high, 3);
    assert_true(w.hi == 1 && w.lo > 0.8 && w.est < 1);
    w = stats_accuracy(part, 1);
    assert_true(w.est == 0.5 && isnan(w.lo) && isnan(w.hi));
    assert_true(isnan(stats_accuracy(whole, 0).est) && !stats_accuracy(whole, 0).method);
}

static const double tv5_c[] = {1, .5, 1, .75, .25, .5}, tv5_e[] = {50, 120, 30, 200, 90, 60};

static void test_ratio_vectors(void **state)
{
    (void)state;
    check_near(stats_var(tv5_c, 6), 0.0916667, 5e-7);
    check_near(stats_var(tv5_e, 6), 3816.6667, 1e-8);
    check_near(stats_cov(tv5_c, tv5_e, 6), -4.8333333, 1e-8);
    double theta = stats_ratio(tv5_c, tv5_e, 6).est, se = stats_ratio_se(tv5_c, tv5_e, 6), t = stats_t_quantile(.975, 5);
    check_near(theta, 7.272727e-3, 5e-8);
    check_near(se, 2.686395e-3, 2e-7);
    check_near(theta - t * se, 3.67128e-4, 2e-6);
    check_near(theta + t * se, 1.4178326e-2, 1e-7);
    struct stats_interval r = stats_ratio_logdelta(tv5_c, tv5_e, 6);
    check_near(r.lo, 2.814013e-3, 2e-7);
    check_near(r.hi, 1.8796134e-2, 5e-8);
    assert_string_equal(r.method, "log-delta");
    r = stats_ratio(tv5_c, tv5_e, 6);
    check_near(r.lo, 2.840143e-3, 2e-7);
    check_near(r.hi, 2.8799492e-2, 2e-8);
    assert_string_equal(r.method, "fieller");
    assert_false(r.unbounded);

    /* a lower root below 0 (-0.01899) is cut: neither number can be negative */
    const double c[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0}, e[] = {5, 6, 5, 7, 5, 6, 5, 6, 5, 4};
    r = stats_ratio_fieller(c, e, 10);
    assert_true(r.lo == 0 && !r.unbounded);
    check_near(r.hi, 0.09321165, 1e-7);

    const double tau[] = {1, 2, .5, 4, 1.5, 1}, *col[] = {tv5_c, tau, tv5_e};
    r = stats_product_logdelta(col, (const int[]){1, 1, -1}, 3, 6);
    check_near(r.est, 0.01212121212, 1e-9);
    check_near(r.lo, 0.006997965379, 1e-9);
    check_near(r.hi, 0.02099521437, 1e-9);
}

/* g >= 1: the joules vary so much that their mean is not told from 0, so nothing is known upward. */
static void test_unbounded(void **state)
{
    (void)state;
    const double e[] = {1, 2, 30}, sure[] = {1, 1, .9}, unsure[] = {1, 0, 0};
    struct stats_interval r = stats_ratio(sure, e, 3);
    assert_true(r.unbounded && isinf(r.hi));
    check_near(r.lo, 0.01586499, 5e-7);
    r = stats_ratio(unsure, e, 3); /* neither mean is told from 0: every ratio is possible */
    assert_true(r.unbounded && isinf(r.hi) && r.lo == 0);
    check_near(r.est, 1.0 / 33, 1e-14);
}

static void test_small(void **state)
{
    (void)state;
    const double zero[5] = {0}, e[] = {5, 6, 7, 8, 9}, bad[] = {1, 1, (double)NAN, 1, 1};
    struct stats_interval r = stats_ratio(zero, e, 5);
    assert_true(r.est == 0 && r.lo == 0 && !r.unbounded);
    check_near(r.hi, stats_wilson(0, 5).hi / 7, 1e-15);
    assert_string_equal(r.method, "wilson/mean");
    r = stats_ratio(e, e, 5); /* no spread at all */
    assert_true(r.lo == 1 && r.hi == 1);
    r = stats_ratio(e + 1, e, 1);
    assert_true(r.est == 1.2 && isnan(r.lo) && isnan(r.hi));
    assert_true(isnan(stats_ratio(zero, e, 1).lo));
    assert_true(isnan(stats_ratio(e, e, 0).est) && isnan(stats_ratio(bad, e, 5).est) &&
                isnan(stats_ratio(e, zero, 5).est) && isnan(stats_ratio(e, bad, 5).hi));
    assert_true(isnan(stats_mean_t(e, 0).est) && stats_mean_t(e, 1).est == 5 && isnan(stats_mean_t(e, 1).lo));
    const double *up[] = {zero, e}, *down[] = {e, zero};
    r = stats_product_logdelta(up, (const int[]){1, -1}, 2, 5);
    assert_true(r.est == 0 && isnan(r.lo) && isnan(r.hi));
    assert_true(isnan(stats_product_logdelta(down, (const int[]){1, -1}, 2, 5).est));
    assert_true(isnan(stats_product_logdelta(down, (const int[]){1, -1}, 2, 0).est));
}

static void test_properties(void **state)
{
    (void)state;
    double c[400], e[400], k[400];
    size_t bounded = 0;
    for (uint64_t round = 0; round < 2000; round++) {
        size_t n = 2 + (size_t)(uniform(round, 0) * (round % 10 ? 40 : 390));
        double p = uniform(round, 1), cv = uniform(round, 2) * 2;
        for (size_t i = 0; i < n; i++) {
            c[i] = uniform(round, 3 + 2 * i) < p;
            e[i] = exp(cv * stats_normal_quantile(uniform(round, 4 + 2 * i) * 0.98 + 0.01));
            k[i] = e[i] * 1000;
        }
        struct stats_interval r = stats_ratio(c, e, n), s = stats_ratio(c, k, n);
        assert_true(r.lo >= 0 && r.lo <= r.est && r.est <= r.hi && isinf(r.hi) == r.unbounded);
        assert_true(r.n == n && r.method && r.unbounded == s.unbounded);
        check_near(s.est * 1000, r.est, 1e-12);
        if (r.unbounded)
            continue;
        bounded++;
        assert_true(fabs(s.lo * 1000 - r.lo) <= 1e-9 * r.est && fabs(s.hi * 1000 - r.hi) <= 1e-6 * r.hi);
        if (r.est > 0) { /* the product's influence function is the ratio's */
            const double *col[] = {c, e};
            struct stats_interval d = stats_ratio_logdelta(c, e, n);
            struct stats_interval f = stats_product_logdelta(col, (const int[]){1, -1}, 2, n);
            check_near(f.lo, d.lo, 1e-9);
            check_near(f.hi, d.hi, 1e-9);
        }
    }
    assert_true(bounded > 1000);
}

/* 95 % must mean it: how often the interval of a known ratio (0.6 right, exponential joules of mean 2) holds it. */
static void test_coverage(void **state)
{
    (void)state;
    static double c[200], e[200];
    const size_t sizes[] = {40, 200};
    for (size_t j = 0; j < 2; j++) {
        int held = 0;
        for (uint64_t round = 0; round < 4000; round++) {
            for (size_t i = 0; i < sizes[j]; i++) {
                c[i] = uniform(round + 7777, 2 * i) < 0.6;
                e[i] = -2 * log(1 - uniform(round + 7777, 2 * i + 1));
            }
            struct stats_interval r = stats_ratio(c, e, sizes[j]);
            held += r.lo <= 0.3 && 0.3 <= r.hi;
        }
        assert_in_range(held, 4000 * 93 / 100, 4000 * 97 / 100);
    }
}

static void test_mcnemar(void **state)
{
    (void)state;
    struct stats_mcnemar tv7 = stats_mcnemar(12, 4), swapped = stats_mcnemar(4, 12);
    check_near(tv7.exact, 0.0768127, 1e-6);
    check_near(tv7.mid, 0.0490417, 1e-6);
    check_near(swapped.mid, tv7.mid, 1e-12);
    static const struct {
        size_t b, c;
        double exact, mid;
    } v[] = {{0, 0, 1, 1}, {3, 3, 1, 1}, {3, 0, 0.25, 0.125}, {1, 0, 1, 0.5}, {0, 20, 0x1p-19, 0x1p-20},
             {3000, 3000, 1, 1}, {3100, 2900, 0.010191041523, 0.009823614371}}; /* the last: exact fractions */
    for (size_t i = 0; i < N(v); i++) {
        struct stats_mcnemar m = stats_mcnemar(v[i].b, v[i].c);
        check_near(m.exact, v[i].exact, 1e-8);
        check_near(m.mid, v[i].mid, 1e-8);
    }
}

static void test_paired(void **state)
{
    (void)state;
    double a[100] = {0}, b[100] = {0};
    for (int i = 0; i < 100; i++) { /* b gains 12, loses 4 */
        a[i] = i >= 12 && i < 50;
        b[i] = i < 12 || (i >= 16 && i < 50);
    }
    struct stats_paired r = stats_paired(a, b, 100);
    assert_true(r.binary && r.gained == 12 && r.lost == 4 && r.diff.n == 100);
    check_near(r.diff.est, 0.08, 1e-12);
    check_near(r.diff.lo, 0.0031854, 1e-4);
    check_near(r.diff.hi, 0.1568146, 1e-6);
    check_near(r.p, 0.0490417, 1e-6);
    r = stats_paired(b, b, 100); /* no pair differs: chance is not ruled out up to Wilson's limit */
    assert_true(r.diff.est == 0 && r.p == 1 && !strcmp(r.diff.method, "wilson/0"));
    check_near(r.diff.hi, stats_wilson(0, 100).hi, 1e-12);
    check_near(r.diff.lo, -r.diff.hi, 1e-12);
    const double half[] = {0.5, 0, 1, 0.5}, most[] = {1, 0.5, 1, 0.5};
    r = stats_paired(half, most, 4); /* differences .5 .5 0 0: t = 1.7321 with 3 degrees */
    assert_true(!r.binary && isnan(r.mcnemar.mid) && r.gained == 2 && r.lost == 0);
    check_near(r.diff.est, 0.25, 1e-12);
    check_near(r.p, 0.1816901, 1e-6);
    r = stats_paired_means(b, b, 100);
    assert_true(!r.binary && isnan(r.mcnemar.mid) && r.diff.hi == stats_wilson(0, 100).hi && r.p == 1);
    r = stats_paired(half, most, 1);
    assert_true(r.diff.est == 0.5 && isnan(r.diff.lo) && isnan(r.p));
    r = stats_paired(a, b, 0);
    assert_true(isnan(r.diff.est) && isnan(r.p));
}

static void test_paired_ratio(void **state)
{
    (void)state;
    const double ca[] = {1, 0.5, 1, 0.75, 0.25, 0.5}, ea[] = {50, 120, 30, 200, 90, 60};
    const double cb[] = {0.5, 0.5, 1, 0.5, 0, 0.25}, eb[] = {40, 60, 30, 90, 50, 30}, none[6] = {0};
    struct stats_interval r = stats_paired_ratio(ca, ea, cb, eb, 6);
    check_near(r.est, 0.7933884, 1e-6);
    check_near(log(r.est), -0.2314424, 1e-6);
    check_near(r.lo, 0.4840732, 1e-6);
    check_near(r.hi, 1.3003514, 1e-6);
    check_near(log(r.hi / r.est) / stats_t_quantile(0.975, 5), 0.1922043, 1e-6);
    check_near(stats_paired_ratio_p(ca, ea, cb, eb, 6, 1), 24 / 64.0, 1e-12);
    check_near(stats_paired_ratio_p(ca, ea, ca, ea, 6, 1), 1, 1e-12);
    r = stats_paired_ratio(none, ea, cb, eb, 6);
    assert_true(r.est == 0 && isnan(r.lo));
    assert_true(isnan(stats_paired_ratio(ca, ea, none, eb, 6).est) && isnan(stats_paired_ratio_p(none, ea, cb, eb, 6, 1)));

    /* Drawn swaps agree with all of them: 20 pairs, the last 14 of which are alike. */
    double c[2][20], e[2][20];
    for (size_t i = 0; i < 20; i++) {
        c[0][i] = i < 6 ? ca[i] : 0.5;
        c[1][i] = i < 6 ? cb[i] : 0.5;
        e[0][i] = i < 6 ? ea[i] : 70;
        e[1][i] = i < 6 ? eb[i] : 70;
    }
    double all = stats_paired_ratio_p(c[0], e[0], c[1], e[1], 16, 1);
    assert_true(all > 0.2 && all < 0.6);
    assert_true(fabs(stats_paired_ratio_p(c[0], e[0], c[1], e[1], 20, 7) - all) < 0.1);
}

/* scipy.optimize.nnls and numpy.linalg.cond on the same numbers. */
static void test_nnls(void **state)
{
    (void)state;
    const double a[5][3] = {{1, 2, 0}, {3, 1, 4}, {2, 2, 1}, {0, 5, 2}, {1, 0, 3}};
    const struct {
        double b[5], x[3];
    } v[] = {
        {{1, 2, 3, 4, 5}, {0, 0.4659685863874344, 0.8848167539267016}},
        {{5, 1, 4, -2, 0}, {1.0666666666666667, 0, 0}},
        {{1, 9, 4, 7, 8}, {0, 0.4869109947643979, 2.340314136125654}},
        {{-1, -2, -3, -1, -1}, {0, 0, 0}},
    };
    double ata[9] = {0}, inverse[9], x[3];
    for (int r = 0; r < 5; r++)
        for (int i = 0; i < 9; i++)
            ata[i] += a[r][i / 3] * a[r][i % 3];
    check_near(stats_condition(ata, 3), 3.373064477593753, 1e-9);
    for (size_t k = 0; k < sizeof v / sizeof v[0]; k++) {
        double atb[3] = {0};
        for (int r = 0; r < 5; r++)
            for (int i = 0; i < 3; i++)
                atb[i] += a[r][i] * v[k].b[r];
        assert_true(stats_nnls(ata, atb, 3, x));
        for (int i = 0; i < 3; i++)
            assert_true(fabs(x[i] - v[k].x[i]) < 1e-9);
    }
    assert_true(stats_inverse(ata, 3, inverse));
    for (int i = 0; i < 9; i++) {
        double s = 0;
        for (int k = 0; k < 3; k++)
            s += ata[i / 3 * 3 + k] * inverse[k * 3 + i % 3];
        assert_true(fabs(s - (i / 3 == i % 3)) < 1e-12);
    }
    /* Units do not matter; a column twice, or of zeros, tells nothing. */
    const double twice[9] = {1e-12, 1e-12, 0, 1e-12, 1e-12, 0, 0, 0, 0}, to[3] = {2e-12, 2e-12, 0};
    assert_true(stats_nnls(twice, to, 3, x));
    check_near(x[0] + x[1], 2, 1e-9);
    assert_true(x[2] == 0 && isinf(stats_condition(twice, 3)) && !stats_inverse(twice, 3, inverse));
    assert_false(stats_nnls(ata, to, STATS_NNLS_MAX + 1, x));
}

/* TV9, and by going through all draws of k in Python. */
static void test_pass_at_k(void **state)
{
    (void)state;
    static const struct {
        size_t n, c, k;
        double p;
    } v[] = {{5, 2, 1, .4}, {5, 2, 2, .7}, {5, 2, 3, .9}, {10, 1, 5, .5}, {12, 4, 6, 0.9696969696969697},
             {7, 0, 3, 0},  {7, 7, 1, 1},  {8, 3, 8, 1},  {1, 0, 1, 0},   {1, 1, 1, 1}};
    for (size_t i = 0; i < N(v); i++)
        check_near(stats_pass_at_k(v[i].n, v[i].c, v[i].k), v[i].p, 1e-14);
    for (size_t c = 0; c <= 1000; c++) /* pass@1 is the share that is right */
        check_near(stats_pass_at_k(1000, c, 1), (double)c / 1000, 1e-12);
}

static void test_clusters(void **state)
{
    (void)state;
    static const size_t of[] = {0, 0, 1, 1, 2, 2};
    static const double one[6] = {1, 1, 1, 1, 1, 1};
    double c[6], e[6], w[6];
    stats_clusters(tv5_c, of, 6, 3, c);
    stats_clusters(tv5_e, of, 6, 3, e);
    check_near(stats_ratio(c, e, 3).est, stats_ratio(tv5_c, tv5_e, 6).est, 1e-14);
    check_near(stats_ratio_se(c, e, 3), 9.749614e-4, 1e-6); /* TV5 */

    /* clusters of several sizes: metrics 2.3 as written, over the answers, in Python */
    static const double x[] = {1, 0, 1, .5, 1, 1, 0, 0, 0, 1, 1};
    static const size_t g[] = {0, 0, 0, 1, 2, 2, 2, 2, 3, 4, 4};
    double ones[11], y[5], v[5];
    for (size_t i = 0; i < 11; i++)
        ones[i] = 1;
    stats_clusters(x, g, 11, 5, y);
    stats_clusters(ones, g, 11, 5, v);
    struct stats_interval r = stats_clusters_mean(y, v, 5);
    check_near(r.est, 0.590909090909091, 1e-13);
    check_near((r.hi - r.est) / stats_t_quantile(.975, 4), 0.11183775704730874, 1e-12);

    /* of one size: Student's t of their means; all alike: Wilson's of the questions, not of the answers */
    static const double half[] = {1, 0, 1, 1, 0, 0}, same[] = {1, 1, 0, 0, 1, 1}, means[] = {.5, 1, 0};
    stats_clusters(one, of, 6, 3, w);
    stats_clusters(half, of, 6, 3, c);
    struct stats_interval a = stats_clusters_mean(c, w, 3), b = stats_mean_t(means, 3);
    assert_true(fabs(a.lo - b.lo) < 1e-14 && fabs(a.hi - b.hi) < 1e-14 && a.n == 3);
    a = stats_clusters_accuracy(c, w, 3, 6);
    assert_true(a.lo == 0 && a.hi == 1 && !strcmp(a.method, "t by question"));
    stats_clusters(same, of, 6, 3, c);
    a = stats_clusters_accuracy(c, w, 3, 6);
    b = stats_wilson(2, 3);
    assert_true(fabs(a.lo - b.lo) < 1e-12 && fabs(a.hi - b.hi) < 1e-12);
    /* each question 1 of 2: equal by chance, no certainty */
    static const double level[] = {1, 0, 1, 0, 0, 1};
    stats_clusters(level, of, 6, 3, c);
    a = stats_clusters_accuracy(c, w, 3, 6);
    b = stats_wilson(3, 6);
    assert_true(a.lo == b.lo && a.hi == b.hi && stats_clusters_accuracy(c, w, 3, 0).lo == .5);
    assert_true(isnan(stats_clusters_accuracy(c, w, 0, 0).est) && isnan(stats_clusters_accuracy(c, w, 1, 2).lo));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments),       cmocka_unit_test(test_quantile),   cmocka_unit_test(test_normal),
        cmocka_unit_test(test_student),       cmocka_unit_test(test_beta),       cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_ratio_vectors), cmocka_unit_test(test_unbounded),  cmocka_unit_test(test_small),
        cmocka_unit_test(test_properties),    cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_mcnemar),       cmocka_unit_test(test_paired),     cmocka_unit_test(test_paired_ratio),
        cmocka_unit_test(test_nnls),          cmocka_unit_test(test_pass_at_k),  cmocka_unit_test(test_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
