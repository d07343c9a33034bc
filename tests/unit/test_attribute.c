/* Unwrapping, the curve of a counter, and joules of queries against a truth in closed form. */
#include "check.h"

#include "base/rng.h"
#include "energy/attribute.h"
#include "energy/series.h"
#include "fakes/rapl_model.h"

#define MS ((int64_t)1000000)
#define SEC ((int64_t)1000000000)

/* ---- telemetry 2.1 ---- */

static void test_unwrap_vectors(void **state)
{
    (void)state;
    const struct {
        double unit_nj, pmax_w;
        uint64_t modulus, from, to;
        double dt_s;
        enum unwrap_verdict verdict;
        double joules;
    } v[] = {
        {1000, 0, 262143328911u, 262143000000u, 1000, 0.1, UNWRAP_OK, 0.329911},
        {1000, 0, 262143328911u, 5, 4, 0.001, UNWRAP_RESET, 0},
        {1e6, 0, 0, 1000000000, 200, 0.1, UNWRAP_RESET, 0},
        {15258.7890625, 0, 4294967296u, 4294967000u, 500, 0.1, UNWRAP_OK, 0.012145996},
        {1000, 500, 65532611002u, 1000, 2000, 1200, UNWRAP_GAP, 0},
        {1000, 0, 0, 7, 7, 1e6, UNWRAP_OK, 0},
        {1000, 100, 0, 0, 100000000000u, 0.05, UNWRAP_RESET, 0}, /* 100 kJ in 50 ms */
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct energy_channel ch = {
            .unit_nj = v[i].unit_nj, .pmax_w = v[i].pmax_w, .modulus = v[i].modulus};
        struct series_unwrap u;
        series_unwrap_init(&u, &ch);
        assert_int_equal(series_unwrap_next(&u, v[i].from, 0), UNWRAP_OK);
        assert_int_equal(series_unwrap_next(&u, v[i].to, llround(v[i].dt_s * 1e9)), v[i].verdict);
        assert_true(fabs((double)u.acc * v[i].unit_nj * 1e-9 - v[i].joules) <= 5e-10);
    }
}

/* ---- a simulated counter ---- */

enum { MAX_READINGS = 40000, MAX_MARKS = 2000 };

static struct energy_reading r[MAX_READINGS];
static struct energy_query_value out[MAX_MARKS];
static struct energy_mark marks[MAX_MARKS];
static size_t n, n_marks;
static struct rapl_model model;
static struct energy_channel ch;
static uint64_t seed, draws;

static double uniform(void)
{
    return (double)(ipw_rng_at(seed, draws++) >> 11) / 9007199254740992.0;
}

static void read_at(int64_t t)
{
    uint64_t uj = 0;
    /* what was opened anew a second after the zone came back works again */
    int64_t opened = model.vanish.at >= 0 && t >= model.vanish.at + model.vanish.len + SEC ? t : 0;
    int rc = rapl_read(&model, RAPL_PACKAGE, opened, t, &uj);
    assert_true(n < MAX_READINGS);
    r[n++] = (struct energy_reading){t - 5000, t + 5000, uj, 0, -rc};
}

static void setup(uint64_t s)
{
    model = (struct rapl_model)RAPL_MODEL_DEFAULT;
    ch = (struct energy_channel){.unit_nj = 1000,
                                 .modulus = rapl_modulus(&model),
                                 .period_ns = MS,
                                 .quantum_nj = 61035,
                                 .gain_u = 0.03,
                                 .pmax_w = 200};
    seed = s;
    n = n_marks = 0;
    draws = 0;
}

/* Queries of about `prefill` + `decode` s with pauses, until end; boundary reads at each stamp. */
static void queries(double prefill, double decode, double pause, int64_t end, bool boundary)
{
    for (int64_t t = SEC; n_marks < MAX_MARKS;) {
        struct energy_mark m = {.t_send = t};
        m.t_first = t + (int64_t)(prefill * (0.5 + uniform()) * 1e9);
        m.t_end = m.t_first + (int64_t)(decode * (0.5 + uniform()) * 1e9);
        if (m.t_end > end - SEC)
            return;
        marks[n_marks++] = m;
        t = m.t_end + (int64_t)(pause * (0.3 + uniform()) * 1e9);
        const int64_t at[] = {m.t_send, m.t_first, m.t_end};
        for (int k = 0; boundary && k < 3; k++)
            read_at(at[k] + 20000);
    }
}

/* The sampler's ticks, none in [hole, hole + len). */
static void ticks(int64_t end, int64_t hole, int64_t len)
{
    for (int64_t t = 0; t < end; t += 50 * MS)
        if (t < hole || t >= hole + len)
            read_at(t + (int64_t)(uniform() * 2e6));
}

static double truth(int64_t a, int64_t b)
{
    return curve_package_j(&model.curve, b) - curve_package_j(&model.curve, a);
}

static struct energy_value gap;

static void attribute(void)
{
    energy_attribute(&(struct energy_facts){&ch, r, n, marks, n_marks, NULL, 0}, out, &gap);
}

/* Relative errors of totals and prefills over the measured queries. */
static void errors(double *mean, double *worst, double *prefill, double *sum)
{
    double s = 0, w = 0, p = 0, got = 0, want = 0;
    for (size_t i = 0; i < n_marks; i++) {
        assert_int_equal(out[i].total.status, ENERGY_MEASURED);
        double t = truth(marks[i].t_send, marks[i].t_end), e = (double)out[i].total.nj * 1e-9;
        double tp = truth(marks[i].t_send, marks[i].t_first);
        s += fabs(e - t) / t;
        w = fmax(w, fabs(e - t) / t);
        p += fabs((double)out[i].prefill.nj * 1e-9 - tp) / tp;
        got += e;
        want += t;
    }
    assert_true(n_marks > 0);
    *mean = s / (double)n_marks;
    *prefill = p / (double)n_marks;
    *worst = w;
    *sum = fabs(got - want) / want;
}

#define check_below(x, limit)                                                                      \
    do {                                                                                           \
        if (!((x) <= (limit)))                                                                     \
            fail_msg("%s is %g, more than %g", #x, (double)(x), (double)(limit));                  \
    } while (0)

/* Telemetry 6.3, first two rows. */
static void test_accuracy(void **state)
{
    (void)state;
    double mean, worst, prefill, sum;
    setup(1);
    queries(0.3, 3.5, 0.4, 400 * SEC, true);
    ticks(400 * SEC, -1, 0);
    attribute();
    errors(&mean, &worst, &prefill, &sum);
    print_message("3 s queries: mean %.4f %%, worst %.4f %%, sum %.4f %%\n", 100 * mean, 100 * worst,
                  100 * sum);
    check_below(mean, 0.0005);
    check_below(worst, 0.002);
    check_below(sum, 0.0005);
    setup(2);
    queries(0.05, 0.25, 0.15, 400 * SEC, true);
    ticks(400 * SEC, -1, 0);
    attribute();
    errors(&mean, &worst, &prefill, &sum);
    print_message("0.3 s queries: mean %.3f %%, worst %.3f %%, 50 ms prefill %.3f %%\n", 100 * mean,
                  100 * worst, 100 * prefill);
    check_below(mean, 0.003);
    check_below(prefill, 0.02);
}

/* Truth lies inside +- 2 u. */
static void test_coverage(void **state)
{
    (void)state;
    for (int boundary = 0; boundary < 2; boundary++) {
        setup(3);
        queries(0.2, 1, 0.2, 1000 * SEC, boundary);
        ticks(1000 * SEC, -1, 0);
        attribute();
        size_t in = 0;
        double u = 0;
        for (size_t i = 0; i < n_marks; i++) {
            double e = (double)out[i].total.nj * 1e-9 - truth(marks[i].t_send, marks[i].t_end);
            in += fabs(e) <= 2e-9 * (double)out[i].total.u_nj;
            u += 1e-9 * (double)out[i].total.u_nj / (double)n_marks;
        }
        print_message("truth inside 2 u: %.1f %% of %zu, mean u %.4f J, boundary reads %d\n",
                      100.0 * (double)in / (double)n_marks, n_marks, u, boundary);
        check_below(0.93 * (double)n_marks, (double)in);
    }
}

/* Registers of 500 J that start again many times give the joules of one that never does. */
static void test_wraps(void **state)
{
    (void)state;
    static struct energy_query_value plain[MAX_MARKS];
    const struct {
        int64_t hole_at, hole_len;
        const char *reason; /* of the queries in the hole */
    } v[] = {{-1, 0, NULL}, {100 * SEC, SEC, NULL}, {100 * SEC, 3 * SEC, "counter_gap"}};
    for (size_t k = 0; k < 3; k++) {
        int64_t hole_end = v[k].hole_at + v[k].hole_len;
        for (int wrapping = 0; wrapping < 2; wrapping++) {
            setup(4);
            model.range_uj = wrapping ? 500000000 : model.range_uj;
            ch.modulus = rapl_modulus(&model);
            queries(1, 20, 1, 200 * SEC, true);
            size_t kept = 0;
            for (size_t i = 0; i < n; i++) /* the whole program stood still: no boundary reads either */
                if (r[i].t_before < v[k].hole_at || r[i].t_before >= hole_end)
                    r[kept++] = r[i];
            n = kept;
            ticks(200 * SEC, v[k].hole_at, v[k].hole_len);
            attribute();
            if (!wrapping)
                memcpy(plain, out, sizeof plain);
        }
        size_t hit = 0;
        for (size_t i = 0; i < n_marks; i++) {
            bool in_hole = marks[i].t_send < hole_end && marks[i].t_end > v[k].hole_at;
            if (v[k].reason && in_hole) {
                assert_int_equal(out[i].total.status, ENERGY_MISSING);
                assert_string_equal(out[i].total.reason, v[k].reason);
                hit++;
            } else {
                assert_int_equal(out[i].total.status, ENERGY_MEASURED);
                assert_true(llabs(out[i].total.nj - plain[i].total.nj) <= 4 * 61035);
            }
        }
        assert_int_equal(hit > 0, v[k].reason != NULL);
    }
}

/* One fault at 30 s of a run; the queries that it touches say why, all others are right. */
static void test_faults(void **state)
{
    (void)state;
    const struct {
        const char *name, *reason;
        int64_t reset_at;
        struct fault stall, vanish, eacces;
        int64_t back_by_one_at;
        int64_t from, to; /* what the fault touches */
    } v[] = {
        {"reset", "counter_reset", 30 * SEC, {-1, 0}, {-1, 0}, {-1, 0}, -1, 30 * SEC, 30 * SEC},
        {"back by one", "counter_reset", -1, {-1, 0}, {-1, 0}, {-1, 0}, 30 * SEC, 30 * SEC, 30 * SEC},
        {"frozen", "counter_stalled", -1, {30 * SEC, 2 * SEC}, {-1, 0}, {-1, 0}, -1, 30 * SEC, 32 * SEC},
        {"vanished", "counter_unreadable", -1, {-1, 0}, {30 * SEC, 2 * SEC}, {-1, 0}, -1, 30 * SEC, 33 * SEC},
        {"denied", "counter_unreadable", -1, {-1, 0}, {-1, 0}, {30 * SEC, 2 * SEC}, -1, 30 * SEC, 32 * SEC},
    };
    for (size_t k = 0; k < sizeof v / sizeof v[0]; k++) {
        setup(10 + k);
        model.reset_at = v[k].reset_at;
        model.stall = v[k].stall;
        model.vanish = v[k].vanish;
        model.eacces = v[k].eacces;
        queries(0.2, 1.2, 0.1, 80 * SEC, true);
        ticks(80 * SEC, -1, 0);
        size_t at = n;
        for (size_t i = 0; i < n; i++) /* the first tick after: one less than its predecessor */
            if (v[k].back_by_one_at >= 0 && r[i].t_before >= v[k].back_by_one_at &&
                (at == n || r[i].t_before < r[at].t_before))
                at = i;
        size_t before = n;
        for (size_t i = 0; at < n && i < n; i++)
            if (r[i].t_before < r[at].t_before &&
                (before == n || r[i].t_before > r[before].t_before))
                before = i;
        if (at < n)
            r[at].raw = r[before].raw - 1;
        attribute();
        size_t hit = 0;
        for (size_t i = 0; i < n_marks; i++) {
            const struct energy_value *e = &out[i].total;
            bool far = marks[i].t_end < v[k].from - 100 * MS || marks[i].t_send > v[k].to + 100 * MS;
            if (e->status == ENERGY_MISSING) {
                if (far)
                    fail_msg("%s: query %zu misses its joules: %s", v[k].name, i, e->reason);
                assert_string_equal(e->reason, v[k].reason);
                hit++;
            } else {
                assert_int_equal(e->status, ENERGY_MEASURED);
                check_near((double)e->nj * 1e-9, truth(marks[i].t_send, marks[i].t_end), 0.004);
            }
        }
        if (!hit)
            fail_msg("%s: nothing was noticed", v[k].name);
    }
}

/* A zone that is away only inside a query costs nothing: the counter went on counting. */
static void test_hole_inside(void **state)
{
    (void)state;
    setup(20);
    model.vanish = (struct fault){10 * SEC, 2 * SEC};
    marks[0] = (struct energy_mark){2 * SEC, 3 * SEC, 30 * SEC};
    n_marks = 1;
    ticks(40 * SEC, -1, 0);
    attribute();
    assert_int_equal(out[0].total.status, ENERGY_MEASURED);
    check_near((double)out[0].total.nj * 1e-9, truth(2 * SEC, 30 * SEC), 0.002);
}

/* Two threads read at once: values in the other order than the middles of the reads. */
static void test_races(void **state)
{
    (void)state;
    for (int wrapping = 0; wrapping < 2; wrapping++) {
        setup(21);
        if (wrapping) {
            model.range_uj = 60000000; /* 60 J */
            ch.modulus = rapl_modulus(&model);
            ch.pmax_w = 100;
        }
        queries(0.2, 2, 0.2, 100 * SEC, true);
        ticks(100 * SEC, -1, 0);
        size_t plain = n;
        for (size_t i = 0; i < plain; i++) { /* a neighbour that began earlier and got a later value, or not */
            int64_t t = r[i].t_before;
            int64_t len = (int64_t)(uniform() * 3e6);
            r[n] = r[i];
            r[n].t_before = t - len;
            r[n].t_after = t + (int64_t)(uniform() * 3e6);
            uint64_t uj = 0;
            rapl_read(&model, RAPL_PACKAGE, 0, uniform() < 0.5 ? r[n].t_before : r[n].t_after, &uj);
            r[n++].raw = uj;
        }
        attribute();
        for (size_t i = 0; i < n_marks; i++) {
            assert_int_equal(out[i].total.status, ENERGY_MEASURED);
            check_near((double)out[i].total.nj * 1e-9, truth(marks[i].t_send, marks[i].t_end), 0.005);
        }
    }
}

static void test_slow_reads(void **state)
{
    (void)state;
    setup(22); /* the sampler hangs for 300 ms in a read that brings the value of its start */
    model.curve.low_w = model.curve.high_w = 40;
    marks[n_marks++] = (struct energy_mark){5160 * MS, 6 * SEC, 8 * SEC};
    ticks(10 * SEC, 5001 * MS, 320 * MS);
    read_at(5010 * MS);
    r[n - 1].t_after += 300 * MS;
    attribute();
    assert_int_equal(out[0].total.status, ENERGY_MEASURED);
    check_near((double)out[0].total.nj * 1e-9, truth(5160 * MS, 8 * SEC), 0.001);
    /* when all reads are slow they are all there is */
    setup(23);
    marks[n_marks++] = (struct energy_mark){5 * SEC, 6 * SEC, 15 * SEC};
    ticks(20 * SEC, -1, 0);
    for (size_t i = 0; i < n; i++)
        r[i].t_after += 60 * MS, r[i].t_before += 30 * MS;
    attribute();
    assert_int_equal(out[0].total.status, ENERGY_MEASURED);
}

/* sum(total) + gap = the counter's delta, and prefill + decode = total, to the last nJ; any order of readings. */
static void test_conservation(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 60; k++) {
        setup(100 + k);
        model.curve.low_w = 5 + 50 * uniform();
        model.curve.high_w = model.curve.low_w + 100 * uniform();
        model.curve.period_ns = (int64_t)(1e8 + 2e9 * uniform());
        model.range_uj = k % 2 ? 400000000 : model.range_uj;
        ch.modulus = rapl_modulus(&model);
        queries(0.4 * uniform(), 0.1 + 2 * uniform(), 0.3 * uniform(), 60 * SEC, k % 3);
        ticks(60 * SEC, -1, 0);
        for (size_t i = n; i-- > 1;) {
            size_t j = (size_t)(uniform() * (double)(i + 1));
            struct energy_reading x = r[i];
            r[i] = r[j];
            r[j] = x;
        }
        attribute();
        int64_t sum = 0;
        for (size_t i = 0; i < n_marks; i++) {
            assert_true(out[i].total.status != ENERGY_MISSING);
            if (out[i].prefill.status != ENERGY_MISSING && out[i].decode.status != ENERGY_MISSING)
                assert_true(out[i].prefill.nj + out[i].decode.nj == out[i].total.nj);
            sum += out[i].total.nj;
        }
        struct energy_mark all = {marks[0].t_send, -1, marks[n_marks - 1].t_end};
        struct energy_query_value whole;
        struct energy_value rest;
        assert_int_equal(gap.status, ENERGY_MEASURED);
        energy_attribute(&(struct energy_facts){&ch, r, n, &all, 1, NULL, 0}, &whole, &rest);
        assert_true(sum + gap.nj == whole.total.nj);
        assert_true(rest.nj == 0);
        assert_string_equal(whole.prefill.reason, "no_first_token");
    }
}

static void test_reasons(void **state)
{
    (void)state;
    setup(30);
    marks[n_marks++] = (struct energy_mark){5 * SEC, 6 * SEC, 10 * SEC};
    attribute();
    assert_string_equal(out[0].total.reason, "no_readings");
    ticks(9 * SEC, -1, 0); /* the last query's end was never read */
    attribute();
    assert_string_equal(out[0].total.reason, "no_readings");
    assert_int_equal(out[0].prefill.status, ENERGY_MEASURED);
    ticks(20 * SEC, -1, 0);
    marks[0] = (struct energy_mark){5025 * MS, 5040 * MS, 5125 * MS};
    attribute();
    assert_int_equal(out[0].total.status, ENERGY_LOW_RESOLUTION);
    assert_string_equal(out[0].total.reason, "low_resolution");
    marks[0] = (struct energy_mark){5 * SEC, 6 * SEC, 10 * SEC};
    ch.pmax_w = 30;
    attribute();
    assert_int_equal(out[0].total.status, ENERGY_IMPLAUSIBLE);
    ch.pmax_w = 0;
    ch.estimated = true;
    attribute();
    assert_int_equal(out[0].total.status, ENERGY_ESTIMATED);
    marks[0].t_end = marks[0].t_send;
    attribute();
    assert_string_equal(out[0].total.reason, "empty_window");
    ch.kind = ENERGY_KIND_GAUGE;
    attribute();
    assert_int_equal(out[0].total.status, ENERGY_MISSING);
    /* the last read comes just before the counter's update: the curve is continued for a moment */
    setup(31);
    ticks(10 * SEC + 1, -1, 0);
    marks[n_marks++] = (struct energy_mark){5 * SEC, 6 * SEC, 10 * SEC + 2 * MS};
    attribute();
    assert_int_equal(out[0].total.status, ENERGY_MEASURED);
    check_near((double)out[0].total.nj * 1e-9, truth(5 * SEC, 10 * SEC + 2 * MS), 0.003);
}

/* metrics.md TV1. */
static void test_tv1(void **state)
{
    (void)state;
    const double w[] = {100, 200, 200, 300, 100};
    struct energy_channel c = {.kind = ENERGY_KIND_POWER_INST, .unit_nj = 1e6, .period_ns = 50 * MS};
    struct energy_reading p[5];
    for (int i = 0; i < 5; i++)
        p[i] = (struct energy_reading){i * 50 * MS, i * 50 * MS, (uint64_t)(w[i] * 1000), 0, 0};
    struct energy_mark m = {20 * MS, 80 * MS, 170 * MS};
    struct energy_query_value q;
    struct series s;
    series_build(&s, &c, p, 5);
    double e[3];
    const int64_t at[] = {m.t_send, m.t_first, m.t_end};
    for (int i = 0; i < 3; i++)
        e[i] = (double)series_at(&s, series_after(&s, at[i]), at[i]) * 1e-18;
    series_release(&s);
    check_near(e[2] - e[0], 32.8, 1e-12);
    check_near(e[1] - e[0], 11.1, 1e-12);
    check_near(e[2] - e[1], 21.7, 1e-12);
    /* that is the curve; three samples say too little of a query for its phases, and the total is marked */
    energy_attribute(&(struct energy_facts){&c, p, 5, &m, 1, NULL, 0}, &q, &gap);
    assert_int_equal(q.total.status, ENERGY_LOW_RESOLUTION);
    assert_string_equal(q.prefill.reason, "low_resolution");
    assert_string_equal(q.total.method, "trapezoid");
    c.kind = ENERGY_KIND_POWER_AVG;
    c.window_ns = 0;
    energy_attribute(&(struct energy_facts){&c, p, 5, &m, 1, NULL, 0}, &q, &gap);
    assert_string_equal(q.total.method, "average");
    assert_int_equal(q.prefill.status, ENERGY_MISSING);
    assert_string_equal(q.prefill.reason, "averaged_power");
}

/* A sensor that says 0 W while something runs measures nothing; it is not 0 J. */
static void test_reads_zero(void **state)
{
    (void)state;
    struct energy_channel c = {.kind = ENERGY_KIND_POWER_INST, .unit_nj = 1e6, .gain_u = 0.06};
    struct energy_reading zero[300];
    struct energy_mark m[] = {{5000 * MS, 5500 * MS, 8000 * MS}, {12000 * MS, 12500 * MS, 15000 * MS}};
    struct energy_query_value q[2];
    struct energy_value rest;
    for (int i = 0; i < 300; i++)
        zero[i] = (struct energy_reading){.t_before = i * 100 * MS, .t_after = i * 100 * MS + 1000};
    energy_attribute(&(struct energy_facts){&c, zero, 300, m, 2, NULL, 0}, q, &rest);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(q[i].total.status, ENERGY_MISSING);
        assert_string_equal(q[i].total.reason, "reads_zero");
    }
}

static void test_sum(void **state)
{
    (void)state;
    struct energy_value v[] = {
        {.nj = 5, .u_nj = 3, .status = ENERGY_MEASURED, .method = "interpolate"},
        {.nj = 7, .u_nj = 4, .status = ENERGY_LOW_RESOLUTION, .method = "interpolate", .reason = "x"},
    };
    struct energy_value s = energy_sum(v, 2);
    assert_true(s.nj == 12 && s.u_nj == 5);
    assert_int_equal(s.status, ENERGY_LOW_RESOLUTION);
    assert_string_equal(s.reason, "x");
    v[0] = (struct energy_value){.nj = 0, .u_nj = -1, .status = ENERGY_MISSING, .reason = "counter_gap"};
    s = energy_sum(v, 2);
    assert_int_equal(s.status, ENERGY_MISSING);
    assert_string_equal(s.reason, "counter_gap");
    assert_true(s.nj == 0 && s.u_nj == -1);
    assert_int_equal(energy_sum(v, 0).status, ENERGY_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unwrap_vectors), cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_coverage),       cmocka_unit_test(test_wraps),
        cmocka_unit_test(test_faults),         cmocka_unit_test(test_hole_inside),
        cmocka_unit_test(test_races),          cmocka_unit_test(test_slow_reads),
        cmocka_unit_test(test_conservation),   cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_tv1),            cmocka_unit_test(test_sum), cmocka_unit_test(test_reads_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
