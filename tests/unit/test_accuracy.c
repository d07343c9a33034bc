#include "check.h"

#include "analysis/accuracy.h"

static struct table_row row(enum query_status status, enum score_status score, double c, double j, double s)
{
    return (struct table_row){.query_id = "q", .status = status, .score = score, .correct = c, .energy_j = j,
                              .latency_s = s, .ttft_s = 0.2, .decode_s = s - 0.2, .n_in = 10, .n_cached = 0,
                              .n_out = 100, .n_reason = NAN, .prefill_j = j / 4, .decode_j = j * 3 / 4, .u_j = 0.1,
                              .energy_status = isnan(j) ? ENERGY_MISSING : ENERGY_MEASURED};
}

/* TV2 of the metrics specification: five scored, one without joules, one timeout, one that cannot be scored. */
static struct table_row tv2[8];

static struct table_run tv2_run(size_t n)
{
    const double c[] = {1, 0, 1, 1, 0}, e[] = {50, 120, 30, 200, 90}, t[] = {1, 2, .5, 4, 1.5};
    for (int i = 0; i < 5; i++)
        tv2[i] = row(QUERY_OK, c[i] > 0 ? SCORE_CORRECT : SCORE_INCORRECT, c[i], e[i], t[i]);
    tv2[5] = row(QUERY_OK, SCORE_CORRECT, 1, NAN, 1);
    tv2[6] = row(QUERY_TIMEOUT, SCORE_INCORRECT, 0, 300, 6);
    tv2[7] = row(QUERY_OK, SCORE_UNSCORED, NAN, 10, 1);
    return (struct table_run){.v = tv2, .n = n, .gain_u = 0.5, .gap_j = 7, .energy_source = "estimated"};
}

static void test_tv2_matched(void **state)
{
    (void)state;
    struct table_run run = tv2_run(5);
    struct accuracy_result r;
    accuracy_of(&run, false, &r);
    check_near(r.accuracy.est, .6, 1e-12);
    check_near(r.ipj.est, 6.12245e-3, 1e-6);
    check_near(r.ipw.est, 1.0714286e-2, 1e-7);
    check_near(r.ipw_tw.est, 1.1020408e-2, 1e-7);
    check_near(r.energy.avg, 98, 1e-12);
    check_near(r.energy.median, 90, 1e-12);
    assert_string_equal(r.ipj.method, "fieller");
    check_near(r.ipj.meter_lo, r.ipj.est / 2, 1e-12);
    check_near(r.per_query_j.meter_hi, 98 * 2, 1e-12);
    assert_true(isnan(r.accuracy.meter_lo));
    check_near(r.prefill.j_per_token, 490.0 / 4 / 50, 1e-12);
    check_near(r.decode.j_per_token, 490.0 * 3 / 4 / 500, 1e-12);
}

static void test_tv2_itt(void **state)
{
    (void)state;
    struct table_run run = tv2_run(8);
    struct accuracy_result r;
    accuracy_of(&run, false, &r);
    assert_int_equal(r.n_rows, 8);
    assert_int_equal(r.n_scored, 7);
    assert_int_equal(r.n_energy, 6);
    assert_int_equal(r.n_unscored, 1);
    assert_int_equal(r.n_failed, 1);
    check_near(r.accuracy.est, 4. / 7, 1e-12);
    check_near(r.accuracy_scored.est, 4. / 6, 1e-12); /* the reference's .66667 */
    check_near(r.all_wrong, 4. / 8, 1e-12);
    check_near(r.all_right, 5. / 8, 1e-12);
    /* 6 of 7 have joules: fewer than nine in ten */
    assert_true(isnan(r.ipj.est) && r.energy_reason);
    accuracy_of(&run, true, &r);
    check_near(r.efficiency_accuracy, .5, 1e-12);
    check_near(r.ipj.est, 3.797468e-3, 1e-6);
    check_near(1 / r.ipj.est, 263.333, 1e-5);
    check_near(r.ipw.est, 9.090909e-3, 1e-6);
    check_near(r.ipw_tw.est, 9.493671e-3, 1e-6);
    check_near(r.gap_j, 7, 0);
    check_near(r.total_j, 800, 1e-12); /* all joules count, the unscored question's too */
}

static void test_slo(void **state)
{
    (void)state;
    struct table_run run = tv2_run(5);
    struct accuracy_result fast, slow;
    accuracy_of(&run, false, &fast);
    tv2[0].ttft_s = 3;     /* a first token that comes too late */
    tv2[3].decode_s = 100; /* a trickle */
    accuracy_of(&run, false, &slow);
    check_near(slow.ipw.est, fast.ipw.est, 1e-12);
    check_near(slow.ipw_slo.est * 3, fast.ipw_slo.est, 1e-12);
    assert_true(fast.interactive && !slow.interactive);
}

static void test_nothing(void **state)
{
    (void)state;
    struct table_run run = tv2_run(0);
    struct accuracy_result r;
    accuracy_of(&run, false, &r);
    assert_true(isnan(r.accuracy.est) && isnan(r.ipj.est) && isnan(r.total_j) && isnan(r.ttft_s.p50));
    run = tv2_run(5);
    for (int i = 0; i < 5; i++) {
        tv2[i].correct = 0;
        tv2[i].score = SCORE_INCORRECT;
    }
    accuracy_of(&run, false, &r); /* nothing right: IPJ is 0, not missing */
    check_near(r.ipj.est, 0, 0);
    check_near(r.ipw_tw.est, 0, 0);
    assert_true(r.ipj.hi > 0 && r.ipj.lo == 0);
    for (int i = 0; i < 5; i++)
        tv2[i].energy_j = NAN;
    run.energy_reason = "no energy counter was read";
    accuracy_of(&run, true, &r);
    assert_string_equal(r.energy_reason, "no energy counter was read");
    assert_true(isnan(r.per_query_j.est));
}

/* All joules times k: IPJ and IPW over k, the same order, the same interval in relative terms. */
static void test_scaling(void **state)
{
    (void)state;
    struct table_run run = tv2_run(5);
    struct accuracy_result a, b;
    accuracy_of(&run, false, &a);
    for (int i = 0; i < 5; i++)
        tv2[i].energy_j *= 10;
    accuracy_of(&run, false, &b);
    check_near(b.ipj.est * 10, a.ipj.est, 1e-12);
    check_near(b.ipw.hi * 10, a.ipw.hi, 1e-9);
    check_near(b.accuracy.est, a.accuracy.est, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tv2_matched), cmocka_unit_test(test_tv2_itt), cmocka_unit_test(test_slo),
        cmocka_unit_test(test_nothing),     cmocka_unit_test(test_scaling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
