/* Baselines, throttling and clocks: what is chosen, what is made of the stored facts. */
#include "store_dir.h"

#include "energy/channel.h"
#include "run/baseline.h"
#include "run/conditions.h"
#include "run/joules.h"
#include "run/segment.h"
#include "store/pack.h"

#define SEC ((int64_t)1000000000)

static void test_choice(void **state)
{
    (void)state;
    static const struct {
        const char *word, *source;
        double seconds;
        const char *name; /* NULL: refused */
    } v[] = {
        {"auto", "measured", 30, "quick"}, {"auto", "measured", 601, "full"},
        {"auto", "estimated", 18000, "none"}, {"full", "none", 1, "none"},
        {"none", "measured", 18000, "none"}, {"quick", "partial", 18000, "quick"},
        {"long", "measured", 1, NULL},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct run_plan plan;
        struct run_baseline b;
        run_plan_init(&plan);
        free(plan.baseline);
        plan.baseline = strdup(v[i].word);
        int rc = run_baseline_of(&b, &plan, v[i].source, v[i].seconds, &err);
        assert_int_equal(rc, v[i].name ? 0 : IPW_E_USAGE);
        if (!rc)
            assert_string_equal(b.name, v[i].name);
        run_plan_release(&plan);
    }
}

static void test_warm(void **state)
{
    (void)state;
    double x[40];
    for (size_t i = 0; i < 40; i++)
        x[i] = i < 10 ? 100.0 - 6 * (double)i : 40 + (double)(i % 2);
    assert_false(run_is_warm(x, 6, 20, NAN)); /* seven are needed for three windows of five */
    assert_false(run_is_warm(x, 10, 20, NAN)); /* still slowing down */
    assert_false(run_is_warm(x, 15, 20, NAN)); /* the first of the three windows holds a 46 */
    assert_true(run_is_warm(x, 18, 20, NAN));
    assert_false(run_is_warm(x, 18, 9, NAN)); /* ten seconds at least */
    assert_false(run_is_warm(x, 18, 20, 1.2)); /* still getting hotter */
    assert_true(run_is_warm(x, 18, 20, 0.4));
    assert_true(run_is_warm(x, 3, 300, 5)); /* five minutes at most */
}

static void test_clocks(void **state)
{
    (void)state;
    struct ipw_clock_triple a = {100 * SEC, 200 * SEC, 300 * SEC};
    const struct {
        int64_t raw, boot, real, slept, stepped;
    } v[] = {
        {SEC, SEC, SEC, 0, 0},
        {SEC, SEC + 400000, SEC - 400000, 0, 0},          /* NTP steers by 500 ppm at most */
        {SEC, SEC + 30 * SEC, SEC + 30 * SEC, 30 * SEC, 30 * SEC},
        {SEC, SEC, SEC - 3600 * SEC, 0, -3600 * SEC},      /* somebody set the clock */
        {100 * SEC, 100 * SEC + 50000000, 100 * SEC, 0, 0}, /* a long silence is steered further */
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct ipw_clock_triple b = {a.raw + v[i].raw, a.boot + v[i].boot, a.real + v[i].real};
        assert_true(segment_jump_ns(&a, &b, false) == v[i].slept);
        assert_true(segment_jump_ns(&a, &b, true) == v[i].stepped);
    }
}

static void test_stored(void **state)
{
    struct store *s;
    struct run_conditions *c;
    double u;
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    struct store_segment seg = {.pid = 1, .env = "{}"};
    ok(store_add_segment(s, &seg, &err));
    ok(store_put_meta(s, "idle",
                      "[{\"segment\":1,\"kind\":\"cold\",\"w\":10,\"u_w\":0.1,\"t_ns\":0,\"seconds\":5},"
                      "{\"segment\":1,\"kind\":\"loaded\",\"w\":20,\"u_w\":0.3,\"t_ns\":10000000000,\"seconds\":5},"
                      "{\"segment\":1,\"kind\":\"after\",\"w\":30,\"u_w\":0.4,\"t_ns\":30000000000,\"seconds\":5},"
                      "{\"segment\":2,\"kind\":\"loaded\",\"w\":null,\"u_w\":null,\"t_ns\":1,\"seconds\":5}]", &err));
    ok(store_add_event(s, 1, 12 * SEC, "throttle", "heat  nvml:0000:01:00.0:throttle", &err));
    ok(store_add_event(s, 1, 13 * SEC, "throttle", "cap  nvml:0000:02:00.0:throttle", &err));
    ok(store_add_event(s, 1, 14 * SEC, "throttle_end", " nvml:0000:01:00.0:throttle", &err));
    ok(store_commit(s, &err));
    ok(run_conditions_load(&c, s, &err));
    check_near(run_idle_at(c, 1, 10 * SEC, &u), 20, 1e-12);
    check_near(run_idle_at(c, 1, 20 * SEC, &u), 25, 1e-12); /* half way to the one after */
    check_near(u, 0.25, 1e-12);
    check_near(run_idle_at(c, 1, 90 * SEC, &u), 30, 1e-12);
    assert_true(isnan(run_idle_at(c, 2, 0, &u)) && isnan(run_idle_at(c, 3, 0, &u)));
    check_near(run_idle_w(c, "cold"), 10, 1e-12);
    assert_true(run_idle_drifts(c) && run_idle_quick(c));
    assert_int_equal(run_throttle_in(c, 1, 0, 12 * SEC), 0);
    assert_int_equal(run_throttle_in(c, 1, 12 * SEC, 13 * SEC), ENERGY_THROTTLE_HEAT);
    assert_int_equal(run_throttle_in(c, 1, 13 * SEC, 20 * SEC), ENERGY_THROTTLE_HEAT | ENERGY_THROTTLE_CAP);
    assert_int_equal(run_throttle_in(c, 1, 14 * SEC, 20 * SEC), ENERGY_THROTTLE_CAP); /* the other one still holds */
    assert_int_equal(run_throttle_in(c, 2, 0, 20 * SEC), 0);
    run_conditions_free(c);
    store_close(s);
}

static int64_t put_channel(struct store *s, int64_t device, const char *name, const char *kind, bool in_total)
{
    struct store_channel c = {.device = device, .name = name, .scope = "gpu_board", .kind = kind, .unit_nj = 1e6,
                              .period_ns = STORE_NULL, .window_ns = STORE_NULL, .quantum_nj = 1000000,
                              .latency_ns = STORE_NULL, .gain_u = 0.06, .in_total = in_total, .why = "", .source = "nvml",
                              .verified = "stub"};
    ok(store_put_channel(s, &c, &err));
    return c.id;
}

/* Every 100 ms for 40 s: what the counter says of `counted_w`, or the power in mW. */
static void put_readings(struct store *s, int64_t channel, bool counter, double w)
{
    struct store_reading r[400];
    struct ipw_buf blob = IPW_BUF_INIT;
    for (int i = 0; i < 400; i++) {
        r[i] = (struct store_reading){.t_before = i * SEC / 10, .t_after = i * SEC / 10 + 1000};
        r[i].raw = (uint64_t)(counter ? w * 100 * i : w * 1000 + i % 2);
    }
    store_pack_readings(r, 400, 0, &blob);
    struct store_reading_block b = {.segment = 1, .channel = channel, .t0_ns = 0, .t1_ns = 40 * SEC, .n = 400, .fmt = 1,
                                    .data = blob.s, .size = blob.len};
    ok(store_add_readings(s, &b, &err));
    ipw_buf_release(&blob);
}

/* A counter that says a twentieth of what its own power sensor says is not believed; one that says nearly as much is. */
static void test_disagreement(void **state)
{
    struct store *s;
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    struct store_segment seg = {.pid = 1, .env = "{}"};
    ok(store_add_segment(s, &seg, &err));
    for (int k = 0; k < 2; k++) {
        struct store_device d = {.key = k ? "0000:02:00.0" : "0000:01:00.0", .name = "GPU", .kind = "gpu"};
        ok(store_put_device(s, &d, &err));
        put_readings(s, put_channel(s, d.id, k ? "b:energy" : "a:energy", "energy", true), true, k ? 95 : 5);
        put_readings(s, put_channel(s, d.id, k ? "b:power" : "a:power", "power_inst", false), false, 100);
    }
    for (int i = 0; i < 5; i++) {
        char id[8];
        snprintf(id, sizeof id, "q%d", i);
        struct store_query q = a_query(id, 1, QUERY_OK);
        q.t_send = (5 + 5 * i) * SEC;
        q.t_first = q.t_send + SEC;
        q.t_last = q.t_end = q.t_send + 3 * SEC;
        ok(put(s, &q, "x"));
    }
    ok(run_joules(s, &err));
    ok(store_commit(s, &err));
    check_rows(*state, "SELECT DISTINCT name, round(nj / 1e9), reason FROM energy JOIN channel ON id = channel"
                       " WHERE phase = 'total' AND query > 0 AND kind = 'energy' ORDER BY name",
               "a:energy|300.0|counter_disagrees\nb:energy|285.0|NULL\n");
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice), cmocka_unit_test(test_warm), cmocka_unit_test(test_clocks),
        cmocka_unit_test_setup_teardown(test_stored, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_disagreement, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
