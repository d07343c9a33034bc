/* The acceptance figures of attribution (telemetry 6.3) on fewer queries than bench/fidelity, and every way in which a
 * value is refused: the real sampler and the real attribution on simulated meters. */
#include "check.h"

#include "base/mem.h"
#include "fakes/sim.h"

enum { QUERIES = 250 };

static void below(const char *name, const char *what, double got, double limit)
{
    if (!(got <= limit))
        fail_msg("%s: %s is %g, more than %g", name, what, got, limit);
}

static void test_figures(void **state)
{
    (void)state;
    const struct {
        const char *name, *method;
        struct sim_scenario sc;
        double query, worst, prefill, straight; /* limits; straight: without the split, 0 not checked */
    } v[] = {
        {"rapl 3 s", "interpolate", {1, {SIM_CPU, SIM_MEDIUM(QUERIES)}, {{SIM_RAPL}}, {{0}}}, 0.0005, 0.002, 0.01, 0},
        {"rapl 0.3 s", "interpolate", {2, {SIM_CPU, SIM_SHORT(QUERIES)}, {{SIM_RAPL}}, {{0}}}, 0.003, 0.02, 0.02, 0},
        {"nvml 3 s", "split", {3, {SIM_GPU, SIM_MEDIUM(QUERIES)}, {{SIM_NVML}}, {{0}}}, 0.004, 0.02, 0.025, 0.012},
        {"nvml 0.3 s", "split", {4, {SIM_GPU, SIM_SHORT(QUERIES)}, {{SIM_NVML}}, {{0}}}, 0.03, 0.2, 0.09, 0.06},
        {"20 ms 3 s", "edges", {5, {SIM_GPU, SIM_MEDIUM(QUERIES)}, {{SIM_NVML_20}}, {{0}}}, 0.004, 0.02, 0.05, 0},
        {"part-time 3 s", "edges_part_time", {6, {SIM_GPU, SIM_MEDIUM(QUERIES)}, {{SIM_PART_TIME}}, {{0}}}, 0.012, 0.06, 1, 0},
        {"power 100/100", "split", {7, {SIM_GPU, SIM_MEDIUM(QUERIES)}, {{SIM_POWER(ENERGY_KIND_POWER_INST, 100)}}, {{0}}},
         0.004, 0.02, 0.025, 0.012},
        {"power 25/100", "trapezoid", {8, {SIM_GPU, SIM_MEDIUM(QUERIES)}, {{SIM_POWER(ENERGY_KIND_POWER_INST, 25)}}, {{0}}},
         0.012, 0.06, 1, 0},
        {"average", "average", {9, {SIM_GPU, SIM_LONG(QUERIES)}, {{SIM_POWER(ENERGY_KIND_POWER_AVG, 1000)}}, {{0}}}, 0.015,
         0.04, 1, 0},
    };
    double inside = 0, n = 0;
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct sim_score got, straight;
        struct sim *s = sim_play(&v[i].sc);
        sim_attribute(s, 0, energy_attribute, &got, NULL);
        sim_attribute(s, 0, energy_attribute_plain, &straight, NULL);
        print_message("%-14s %-15s mean %.3f %% worst %.2f %% prefill %.2f %% inside 2u %.1f %% width %.2f\n", v[i].name,
                      got.method, 100 * got.total.mean, 100 * got.total.worst, 100 * got.prefill.mean,
                      100 * got.total.inside, got.total.width);
        assert_string_equal(got.method, v[i].method);
        assert_false(got.negative);
        assert_int_equal(got.total.missing, 0);
        below(v[i].name, "mean", got.total.mean, v[i].query);
        below(v[i].name, "worst", got.total.worst, v[i].worst);
        if (got.prefill.n)
            below(v[i].name, "prefill", got.prefill.mean, v[i].prefill);
        if (v[i].straight > 0)
            below(v[i].name, "without split", straight.total.mean, v[i].straight);
        below(v[i].name, "outside 2u", 1 - got.total.inside, 0.09); /* of 250; the bench asks 0.07 of 1000 */
        inside += got.total.inside * (double)got.total.n;
        n += (double)got.total.n;
        if (!strcmp(v[i].name, "nvml 0.3 s")) { /* without the split too short for the meter */
            assert_int_equal(straight.total.low + straight.total.missing, QUERIES);
            assert_int_equal(straight.prefill.n + straight.decode.n, 0);
        }
        if (!strcmp(v[i].name, "average") || !strcmp(v[i].name, "part-time 3 s"))
            assert_int_equal(got.prefill.n, 0);
        if (sim_channel(s, 0)->kind == ENERGY_KIND_COUNTER && strcmp(v[i].method, "edges_part_time") != 0)
            assert_true(llabs(sim_unconserved_nj(s, 0)) <= (int64_t)sim_channel(s, 0)->unit_nj);
        sim_free(s);
    }
    below("all", "outside 2u", 1 - inside / n, 0.07);
}

/* One fault in 30 s of queries: those that it touches are null and say why, all others are right. */
static void test_faults(void **state)
{
    (void)state;
    const int64_t at = 20 * SIM_SEC;
    const struct {
        const char *name, *reason;
        struct sim_meter meter;
        struct sim_fault stall;
        int64_t len;
    } v[] = {
        {"reset", "counter_reset", {SIM_NVML, .start = 5000000, .reset_at = 20 * SIM_SEC}, {0}, 200 * SIM_MS},
        {"back by one", "counter_reset", {SIM_RAPL, .back_at = 500}, {0}, 0},
        {"slow, back by one", "counter_reset", {SIM_NVML, .back_at = 900}, {0}, 0},
        {"frozen", "counter_stalled", {SIM_RAPL, .frozen = {20 * SIM_SEC, 3 * SIM_SEC}}, {0}, 3 * SIM_SEC},
        {"slow, frozen", "counter_stalled", {SIM_NVML, .frozen = {20 * SIM_SEC, 3 * SIM_SEC}}, {0}, 3500 * SIM_MS},
        {"unreadable", "counter_unreadable", {SIM_RAPL, .failing = {20 * SIM_SEC, 2 * SIM_SEC}}, {0}, 2 * SIM_SEC},
        {"slow, unreadable", "counter_unreadable", {SIM_NVML, .failing = {20 * SIM_SEC, 3 * SIM_SEC}}, {0}, 4 * SIM_SEC},
        {"standing still", "counter_gap", {SIM_RAPL, .modulus = 8192000}, {20 * SIM_SEC, 3 * SIM_SEC}, 3 * SIM_SEC},
    };
    for (size_t k = 0; k < sizeof v / sizeof v[0]; k++) {
        struct sim_scenario sc = {.seed = 40 + k, .load = {SIM_GPU, SIM_SHORT(60)}, .meter = {v[k].meter}, .stall = {v[k].stall}};
        if (!strcmp(v[k].meter.id, "rapl"))
            sc.load = (struct sim_load){SIM_CPU, SIM_SHORT(60)};
        struct sim_score score;
        struct energy_query_value *out = ipw_calloc(60, sizeof *out);
        struct sim *s = sim_play(&sc);
        size_t n, hit = 0, wrong = 0;
        const struct energy_mark *m = sim_marks(s, &n);
        sim_attribute(s, 0, energy_attribute, &score, out);
        for (size_t i = 0; i < n; i++) {
            const struct energy_value *e = &out[i].total;
            bool far = v[k].len && (m[i].t_end < at - SIM_SEC / 2 || m[i].t_send > at + v[k].len + SIM_SEC / 2);
            double truth = sim_truth_j(s, m[i].t_send, m[i].t_end);
            if (e->status == ENERGY_MISSING) {
                hit += !strcmp(e->reason, v[k].reason);
                if (far)
                    fail_msg("%s: query %zu misses its joules: %s", v[k].name, i, e->reason);
            } else {
                assert_true(e->nj >= 0);
                wrong += fabs((double)e->nj * 1e-9 - truth) > fmax(4e-9 * (double)e->u_nj, 0.3 * truth);
            }
        }
        if (!hit)
            fail_msg("%s: nobody says '%s'", v[k].name, v[k].reason);
        if (wrong)
            fail_msg("%s: %zu values are wrong", v[k].name, wrong);
        sim_free(s);
        free(out);
    }
}

/* A register of 500 J that wraps often, the program standing still for a second now and then: the same joules. */
static void test_wraps(void **state)
{
    (void)state;
    static struct energy_query_value v[2][60];
    struct sim_scenario sc = {.seed = 60, .load = {SIM_CPU, SIM_MEDIUM(60)}, .meter = {{SIM_RAPL}}};
    for (int i = 0; i < 8; i++)
        sc.stall[i] = (struct sim_fault){(15 + 23 * i) * SIM_SEC, SIM_SEC};
    for (int k = 0; k < 2; k++) {
        struct sim_score score;
        sc.meter[0].modulus = k ? 8192000 : 0;
        struct sim *s = sim_play(&sc);
        sim_attribute(s, 0, energy_attribute, &score, v[k]);
        sim_free(s);
    }
    for (int i = 0; i < 60; i++) {
        assert_int_equal(v[1][i].total.status, v[0][i].total.status);
        assert_true(llabs(v[1][i].total.nj - v[0][i].total.nj) <= 61036);
    }
}

static void test_suspended(void **state)
{
    (void)state;
    struct sim_scenario sc = {.seed = 70, .load = {SIM_GPU, SIM_MEDIUM(20)}, .meter = {{SIM_NVML}}};
    struct sim *s = sim_play(&sc);
    size_t n, n_r;
    const struct energy_mark *m = sim_marks(s, &n);
    struct energy_reading *r = sim_readings(s, 0, &n_r);
    struct energy_query_value out[20];
    struct energy_value gap;
    const struct energy_span asleep[] = {{m[9].t_first, m[9].t_first}, {m[3].t_end - SIM_MS, m[4].t_send + SIM_MS}};
    energy_attribute(&(struct energy_facts){sim_channel(s, 0), r, n_r, m, n, asleep, 2}, out, &gap);
    for (size_t i = 0; i < n; i++) {
        bool hit = i == 3 || i == 4 || i == 9;
        assert_int_equal(out[i].total.status == ENERGY_MISSING, hit);
        if (hit)
            assert_string_equal(out[i].total.reason, "suspended");
    }
    assert_string_equal(gap.reason, "suspended");
    sim_free(s);
}

/* A reading above what the source can take is none; the query that it lies in says so. */
static void test_above_pmax(void **state)
{
    (void)state;
    struct sim_scenario sc = {.seed = 80, .load = {SIM_GPU, SIM_MEDIUM(20)}, .meter = {{SIM_POWER(ENERGY_KIND_POWER_INST, 100)}}};
    struct sim *s = sim_play(&sc);
    size_t n, n_r, hit = 0;
    const struct energy_mark *m = sim_marks(s, &n);
    struct energy_reading *r = sim_readings(s, 0, &n_r);
    struct energy_query_value out[20];
    struct energy_value gap;
    for (size_t i = 0; i < n_r; i++)
        if (r[i].t_before > m[7].t_first + SIM_SEC / 2 && !hit) {
            r[i].raw = 900000; /* W 900 of 800 */
            hit = 1;
        }
    energy_attribute(&(struct energy_facts){sim_channel(s, 0), r, n_r, m, n, NULL, 0}, out, &gap);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i].total.status, i == 7 ? ENERGY_IMPLAUSIBLE : ENERGY_MEASURED);
    assert_string_equal(out[7].total.reason, "above_pmax");
    sim_free(s);
}

/* Eight slow channels share one schedule. */
static void test_wakes(void **state)
{
    (void)state;
    static const char *const ids[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    struct sim_scenario sc = {.seed = 90, .load = {SIM_GPU, SIM_MEDIUM(60)}};
    for (int i = 0; i < 8; i++) {
        sc.meter[i] = (struct sim_meter){SIM_NVML};
        sc.meter[i].id = ids[i];
    }
    sc.meter[8] = (struct sim_meter){SIM_RAPL};
    struct sim *s = sim_play(&sc);
    print_message("%.1f wakes/s\n", sim_wakes(s));
    below("8 slow channels", "wakes/s", sim_wakes(s), 60);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),   cmocka_unit_test(test_faults),     cmocka_unit_test(test_wraps),
        cmocka_unit_test(test_suspended), cmocka_unit_test(test_above_pmax), cmocka_unit_test(test_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
