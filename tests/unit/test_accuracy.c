#include "check.h"

#include "analysis/accuracy.h"

static struct table_row row(enum query_status status, enum score_status score, double c, double j, double s)
{
    return (struct table_row){.query_id = "q", .status = status, .score = score, .correct = c, .energy_j = j,
                              .latency_s = s, .energy_s = s, .ttft_s = 0.2, .decode_s = s - 0.2, .n_in = 10, .n_cached = 0,
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

/* The reference leaves the timeout out: 4 of 6 right over the mean joules of those that have any. */
static void test_tv2_reference(void **state)
{
    (void)state;
    struct table_run run = tv2_run(6);
    struct accuracy_result r;
    accuracy_of(&run, true, &r);
    check_near(r.accuracy_scored.est, .66667, 1e-5);
    check_near(r.accuracy_scored.est / r.energy.avg, 6.80272e-3, 1e-6);
    check_near(r.accuracy_scored.est / r.power.avg, 1.190476e-2, 1e-6);
    check_near(r.efficiency_accuracy / r.energy.total, 1.22449e-3, 1e-5);
}

/* Who belongs to S, and what stays outside it. */
static void test_population(void **state)
{
    (void)state;
    struct table_run run = tv2_run(8);
    struct accuracy_result r;
    tv2[0].status = QUERY_TRUNCATED; /* scored as it stands */
    tv2[1].status = QUERY_NOT_SENT;  /* no attempt, though it has stamps */
    tv2[1].ttft_s = tv2[1].latency_s = 1e6;
    tv2[2].score = SCORE_PENDING; /* never wrong for want of a score */
    tv2[2].correct = NAN;
    tv2[3].correct = 0.5;
    tv2[6].score = SCORE_PENDING; /* failed: wrong whether scored or not */
    tv2[6].correct = NAN;
    accuracy_of(&run, true, &r);
    assert_int_equal(r.n_rows, 7);
    assert_int_equal(r.n_scored, 5); /* 0, 3, 4, 5, 6 */
    assert_int_equal(r.n_failed, 1);
    assert_int_equal(r.n_unscored, 1);
    assert_int_equal(r.by_query[QUERY_NOT_SENT], 1);
    check_near(r.accuracy.est, 2.5 / 5, 1e-12);
    assert_string_equal(r.accuracy.method, "t");
    check_near(r.accuracy_scored.est, 2.5 / 4, 1e-12);
    assert_true(r.e2e_s.n == 7 && r.e2e_s.p99 < 10);
    check_near(r.ipj.est, 1.5 / (50 + 200 + 90 + 300), 1e-12);
    run.v[7].energy_j = 40; run.v[7].energy_s = 2; /* nothing but what cannot be scored: joules were spent, there is no IPJ */
    run.v = &tv2[7];
    run.n = 1;
    accuracy_of(&run, true, &r);
    assert_true(isnan(r.accuracy.est) && isnan(r.ipj.est) && r.per_query_j.est == 40);
    check_near(r.total_j, 40, 0);
    assert_string_equal(r.energy_reason, "no question could be scored");
}

/* A better meter of a partial run would meter the rest too: no upper end of joules, no lower end of IPJ. */
static void test_partial(void **state)
{
    (void)state;
    struct table_run run = tv2_run(5);
    struct accuracy_result r;
    run.energy_source = "partial";
    run.gain_u = 0.05;
    accuracy_of(&run, false, &r);
    check_near(r.per_query_j.meter_lo, 98 / 1.1, 1e-12);
    check_near(r.ipj.meter_hi, r.ipj.est * 1.1, 1e-12);
    check_near(r.ipw_slo.meter_hi, r.ipw_slo.est * 1.1, 1e-12);
    assert_true(isnan(r.per_query_j.meter_hi) && isnan(r.power_w.meter_hi));
    assert_true(isnan(r.ipj.meter_lo) && isnan(r.ipw.meter_lo) && isnan(r.ipw_tw.meter_lo));
}

/* Seconds, joules and tokens of a phase are of the same queries; a phase without joules says why. */
static void test_phases(void **state)
{
    (void)state;
    struct table_run run = tv2_run(5);
    struct accuracy_result r;
    tv2[0].prefill_j = NAN; /* too short for the counter */
    tv2[1].n_in = NAN;      /* a server that does not count */
    tv2[4].n_cached = 4;
    accuracy_of(&run, false, &r);
    check_near(r.prefill.s, 4 * 0.2, 1e-12);
    check_near(r.prefill.j, (490.0 - 50) / 4, 1e-12);
    check_near(r.prefill.w, r.prefill.j / r.prefill.s, 1e-12);
    check_near(r.prefill.j_per_token, (490.0 - 50 - 120) / 4 / 26, 1e-12);
    check_near(r.decode.s, 9 - 5 * 0.2, 1e-12);
    assert_true(!r.prefill.reason && !r.decode.reason);
    check_near(r.decode_tok_s, 99 * 5 / (9 - 5 * 0.2), 1e-12);
    check_near(r.prefill_tok_s, 36 / (4 * 0.2), 1e-12);
    check_near(r.tpot_s.p50, (1.5 - 0.2) / 99, 1e-12);
    for (int i = 0; i < 5; i++)
        tv2[i].prefill_j = NAN;
    accuracy_of(&run, false, &r);
    assert_string_equal(r.prefill.reason, "counter too slow");
    check_near(r.prefill.s, 5 * 0.2, 1e-12);
    assert_true(isnan(r.prefill.j) && isnan(r.prefill.j_per_token));
    for (int i = 0; i < 5; i++)
        tv2[i].energy_j = NAN;
    run.energy_reason = "no energy counter was read";
    accuracy_of(&run, false, &r);
    assert_string_equal(r.decode.reason, "no energy counter was read");
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
    tv2[2].n_out = NAN; /* not seen to be fast */
    accuracy_of(&run, false, &slow);
    check_near(slow.ipw_slo.est, 0, 0);
    tv2[2].n_out = 1; /* one word has no rate */
    tv2[2].decode_s = NAN;
    accuracy_of(&run, false, &slow);
    check_near(slow.ipw_slo.est * 3, fast.ipw_slo.est, 1e-12);
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

/* A run that only measures: nothing can be scored, the joules are told all the same. */
static void test_unscored_run(void **state)
{
    (void)state;
    struct table_run run = tv2_run(5);
    struct accuracy_result r;
    for (int i = 0; i < 5; i++) {
        tv2[i].score = SCORE_UNSCORED;
        tv2[i].correct = NAN;
    }
    accuracy_of(&run, false, &r);
    assert_true(isnan(r.accuracy.est) && isnan(r.ipj.est) && r.energy_reason);
    check_near(r.per_query_j.est, 98, 1e-12);
    assert_true(r.power_w.est > 0 && r.decode.j_per_token > 0 && r.prefill.j_per_token > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tv2_matched), cmocka_unit_test(test_tv2_itt), cmocka_unit_test(test_tv2_reference),
        cmocka_unit_test(test_population),  cmocka_unit_test(test_partial), cmocka_unit_test(test_phases),
        cmocka_unit_test(test_slo),         cmocka_unit_test(test_nothing), cmocka_unit_test(test_scaling),
        cmocka_unit_test(test_unscored_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
