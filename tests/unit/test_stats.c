#include "check.h"

#include "stats/stats.h"

/* The TV numbers are the test vectors of the metrics specification. */
static const double tv5_c[] = {1, .5, 1, .75, .25, .5}, tv5_e[] = {50, 120, 30, 200, 90, 60};

static void test_tv4_quantiles(void **state)
{
    (void)state;
    const double x[] = {10, 12, 11, 50, 13};
    check_near(stats_quantile(x, 5, .5), 12, 1e-12);
    check_near(stats_quantile(x, 5, .9), 35.2, 1e-12);
    check_near(stats_quantile(x, 5, .95), 42.6, 1e-12);
    check_near(stats_quantile(x, 5, .99), 48.52, 1e-12);
    assert_true(isnan(stats_quantile(x, 0, .5)));
    check_near(stats_quantile(x, 1, .9), 10, 0);
}

static void test_tv5_ratio(void **state)
{
    (void)state;
    check_near(stats_var(tv5_c, 6), .0916667, 1e-6);
    check_near(stats_var(tv5_e, 6), 3816.6667, 1e-7);
    check_near(stats_cov(tv5_c, tv5_e, 6), -4.8333333, 1e-7);
    check_near(stats_ratio_se(tv5_c, tv5_e, 6), 2.686395e-3, 1e-6);
    check_near(stats_t_quantile(.975, 5), 2.5705818, 1e-7);
    struct stats_interval d = stats_ratio_logdelta(tv5_c, tv5_e, 6), f = stats_ratio(tv5_c, tv5_e, 6);
    check_near(d.est, 7.272727e-3, 1e-6);
    check_near(d.lo, 2.814013e-3, 1e-6);
    check_near(d.hi, 1.8796134e-2, 1e-6);
    assert_string_equal(f.method, "fieller");
    check_near(f.lo, 2.840143e-3, 1e-6);
    check_near(f.hi, 2.8799492e-2, 1e-6);
    assert_false(f.unbounded);
}

static void test_tv6_proportion(void **state)
{
    (void)state;
    struct stats_interval w = stats_wilson(42, 100), c = stats_clopper_pearson(42, 100);
    check_near(w.lo, .3279838, 1e-6);
    check_near(w.hi, .5179351, 1e-6);
    check_near(c.lo, .3219855, 1e-6);
    check_near(c.hi, .5228808, 1e-6);
    check_near(stats_wilson(0, 30).hi, .1135134, 1e-6);
    check_near(stats_clopper_pearson(0, 30).hi, .1157033, 1e-6);
    assert_true(stats_wilson(0, 30).lo == 0 && stats_wilson(30, 30).hi == 1);
    for (size_t n = 1; n < 50; n++)
        for (size_t k = 0; k <= n; k++) {
            w = stats_wilson((double)k, n);
            assert_true(w.lo >= 0 && w.hi <= 1 && w.lo <= w.est && w.est <= w.hi);
        }
}

/* Values of R's qnorm, qt and qbeta. */
static void test_distributions(void **state)
{
    (void)state;
    check_near(stats_normal_quantile(.975), 1.959963984540054, 1e-13);
    check_near(stats_normal_quantile(1e-10), -6.361340902404056, 1e-12);
    check_near(stats_normal_quantile(.3), -.5244005127080409, 1e-12);
    check_near(stats_normal_quantile(1e-300), -37.0471, 1e-5);
    check_near(stats_t_quantile(.975, 1), 12.706204736174698, 1e-10);
    check_near(stats_t_quantile(.975, 2), 4.302652729749464, 1e-10);
    check_near(stats_t_quantile(.995, 30), 2.749995653567226, 1e-10);
    check_near(stats_t_quantile(.6, 5), .2671808657041437, 1e-9);
    check_near(stats_t_quantile(.025, 99), -1.984216951564377, 1e-9);
    check_near(stats_t_quantile(.975, 1e6), 1.959966356, 1e-8);
    check_near(stats_beta_quantile(.5, 2, 3), .3857275681323, 1e-10);
    check_near(stats_beta_cdf(.3, 2, 5), .579825, 1e-9);
    assert_true(isnan(stats_t_quantile(NAN, 3)));
}

static void test_edges(void **state)
{
    (void)state;
    const double zero[] = {0, 0, 0, 0}, e[] = {1, 2, 3, 4}, one[] = {1};
    struct stats_interval r = stats_ratio(zero, e, 4);
    check_near(r.est, 0, 0);
    check_near(r.hi, stats_wilson(0, 4).hi / 2.5, 1e-12);
    assert_string_equal(r.method, "wilson/mean");
    r = stats_ratio(one, one, 1);
    check_near(r.est, 1, 0);
    assert_true(isnan(r.lo) && isnan(r.hi));
    assert_true(isnan(stats_ratio(NULL, NULL, 0).est));
    assert_true(isnan(stats_mean_t(NULL, 0).est));
    const double c[] = {1, 0, 1}, wild[] = {1, 0.01, 100};
    r = stats_ratio_fieller(c, wild, 3);
    assert_true(r.unbounded && isinf(r.hi) && r.lo <= r.est);
    const double half[] = {.5, 1, 0};
    r = stats_accuracy(half, 3);
    assert_string_equal(r.method, "t");
    assert_true(r.lo >= 0 && r.hi <= 1);
}

/* Scaling joules by k scales the ratio and its interval by 1/k, in every method. */
static void test_scaling(void **state)
{
    (void)state;
    double c[200], e[200], k[200];
    for (int i = 0; i < 200; i++) {
        c[i] = i * 7919 % 10 < 4;
        e[i] = 5 + i * 104729 % 17;
        k[i] = 1000 * e[i];
    }
    for (size_t n = 20; n <= 200; n += 90) {
        struct stats_interval a = stats_ratio(c, e, n), b = stats_ratio(c, k, n);
        check_near(b.est * 1000, a.est, 1e-12);
        check_near(b.lo * 1000, a.lo, 1e-9);
        check_near(b.hi * 1000, a.hi, 1e-9);
        assert_true(a.lo < a.est && a.est < a.hi);
        const double *col[] = {c, e};
        const int power[] = {1, -1};
        struct stats_interval p = stats_product_logdelta(col, power, 2, n), d = stats_ratio_logdelta(c, e, n);
        check_near(p.est, d.est, 1e-12);
        check_near(p.lo, d.lo, 1e-9);
    }
}

static void test_sum(void **state)
{
    (void)state;
    struct stats_sum k = {0};
    const double x[] = {1, 1e100, 1, -1e100};
    for (int i = 0; i < 4; i++)
        stats_sum_add(&k, x[i]);
    check_near(stats_sum_value(&k), 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tv4_quantiles), cmocka_unit_test(test_tv5_ratio), cmocka_unit_test(test_tv6_proportion),
        cmocka_unit_test(test_distributions), cmocka_unit_test(test_edges),     cmocka_unit_test(test_scaling),
        cmocka_unit_test(test_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
