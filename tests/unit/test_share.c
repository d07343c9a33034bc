/* Joules of requests that overlap: what adds up whatever is put in, what is told when nothing can be told, how near a known
 * truth they come (bench/share.c asks more runs), and what stands in run.db. */
#include "store_dir.h"

#include "base/mem.h"
#include "base/rng.h"
#include "fakes/sim_batch.h"
#include "run/joules.h"
#include "run/overlap.h"
#include "store/pack.h"

#define SEC ((int64_t)1000000000)
#define MS ((int64_t)1000000)

static const struct energy_channel nvml = {.id = "gpu", .kind = ENERGY_KIND_COUNTER, .unit_nj = 1e6, .quantum_nj = 1000000,
                                           .period_ns = 100 * MS, .pmax_w = 2000};
static const struct energy_channel rapl = {.id = "rapl", .kind = ENERGY_KIND_COUNTER, .unit_nj = 61035.15625,
                                           .quantum_nj = 61035, .period_ns = MS, .pmax_w = 2000};

struct curve { /* watts by the 100 ms, until t1 */
    double w[1000];
    size_t n;
};

static double joules_at(const struct curve *c, double s)
{
    double j = 0;
    for (size_t i = 0; i < c->n && s > 0; i++, s -= 0.1)
        j += c->w[i] * fmin(s, 0.1);
    return j;
}

/* Readings every 50 ms; of a slow counter what it showed at its last update, each 100 ms. */
static size_t read_all(const struct curve *c, const struct energy_channel *ch, struct energy_reading *out)
{
    size_t n = 0;
    for (double t = 0; t < (double)c->n * 0.1; t += 0.05) {
        double shown = ch->period_ns > 5 * MS ? floor(t / 0.1 + 1e-9) * 0.1 : t;
        int64_t at = llround((t + 0.001) * 1e9);
        out[n++] = (struct energy_reading){.t_before = at, .t_after = at + 10000,
                                           .raw = (uint64_t)(joules_at(c, shown) * 1e9 / ch->unit_nj)};
    }
    return n;
}

static double uniform(uint64_t seed, uint64_t *i)
{
    return (double)(ipw_rng_at(seed, (*i)++) >> 11) / 9007199254740992.0;
}

static __int128 sum_of(const struct energy_query_value *v, size_t n)
{
    __int128 s = 0;
    for (size_t i = 0; i < n; i++)
        s += v[i].total.status == ENERGY_MISSING && v[i].total.reason && strcmp(v[i].total.reason, "low_resolution") != 0 &&
                     strcmp(v[i].total.reason, "reads_zero") != 0
                 ? 0
                 : v[i].total.nj;
    return s;
}

/* Any requests at all, with and without counts, stamps, first tokens and idle power, some of them nonsense: shares, gap and
 * rest are what the counter counted. */
static void test_adds_up(void **state)
{
    (void)state;
    enum { N = 60, STAMPS = 40 };
    struct energy_reading *r = ipw_calloc(4000, sizeof *r);
    int64_t(*stamps)[STAMPS] = ipw_calloc(N, sizeof *stamps);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t k = 0;
        struct curve c = {.n = 600};
        struct share_request q[N] = {{0}};
        struct energy_query_value out[N];
        struct share_result res;
        const struct energy_channel *ch = seed % 2 ? &nvml : &rapl;
        int64_t t0 = INT64_MAX, t1 = 0, t = SEC;
        for (size_t i = 0; i < c.n; i++)
            c.w[i] = 400 * uniform(seed, &k);
        for (size_t i = 0; i < N; i++) {
            t += (int64_t)(uniform(seed, &k) * (double)SEC * (seed % 3 ? 0.7 : 0.05));
            q[i] = (struct share_request){.t_send = t, .t_first = -1, .t_end = t + 1 + (int64_t)(uniform(seed, &k) * 5e9),
                                          .prompt_ns = -1, .n_eval = -1, .n_cached = -1, .n_out = -1};
            if (uniform(seed, &k) < 0.85)
                q[i].t_first = t + (int64_t)(uniform(seed, &k) * (double)(q[i].t_end - t));
            if (uniform(seed, &k) < 0.8)
                q[i].n_eval = (int64_t)(uniform(seed, &k) * 900);
            if (uniform(seed, &k) < 0.3)
                q[i].prompt_ns = (int64_t)(uniform(seed, &k) * 1e9);
            if (uniform(seed, &k) < 0.8)
                q[i].n_out = (int64_t)(uniform(seed, &k) * 300);
            if (q[i].t_first > 0 && uniform(seed, &k) < 0.8) {
                q[i].stamps = stamps[i];
                for (size_t s = 0; s < STAMPS; s++)
                    stamps[i][s] = q[i].t_first + (q[i].t_end - q[i].t_first) * (int64_t)s / STAMPS;
                q[i].n_stamps = 1 + (size_t)(uniform(seed, &k) * (STAMPS - 1));
                if (uniform(seed, &k) < 0.05)
                    stamps[i][0] = INT64_MIN; /* damaged */
            }
            if (uniform(seed, &k) < 0.03)
                q[i].t_end = q[i].t_send - 5;
            if (uniform(seed, &k) < 0.03)
                q[i].t_first = INT64_MAX;
            if (q[i].t_end > q[i].t_send) {
                t0 = t0 < q[i].t_send ? t0 : q[i].t_send;
                t1 = t1 > q[i].t_end ? t1 : q[i].t_end;
            }
        }
        struct share_facts f = {.ch = ch, .readings = r, .n = read_all(&c, ch, r), .req = q, .n_req = N,
                                .idle_w = seed % 5 ? 50 : (double)NAN, .u_idle_w = 1};
        struct energy_mark whole = {t0, -1, t1};
        struct energy_facts all = {ch, r, f.n, &whole, 1, NULL, 0};
        struct energy_query_value span;
        struct energy_value none;
        energy_share(&f, out, &res);
        energy_attribute_plain(&all, &span, &none);
        __int128 sum = sum_of(out, N) + res.gap.nj + res.rest.nj;
        double ends = 400e9 * (ch == &nvml ? 0.1 : 0.05); /* between readings the two rules for an end differ */
        if (fabs((double)(sum - span.total.nj)) > 2 * ends)
            fail_msg("seed %d: %.9f J given of %.9f", (int)seed, (double)sum * 1e-9, (double)span.total.nj * 1e-9);
        /* The same readings, everything in one: what the function itself says of its span. */
        struct share_request one = {.t_send = t0, .t_first = -1, .t_end = t1, .prompt_ns = -1, .n_eval = -1, .n_out = -1};
        struct share_facts g = f;
        struct energy_query_value single;
        struct share_result res1;
        g.req = &one;
        g.n_req = 1;
        energy_share(&g, &single, &res1);
        __int128 want = (__int128)single.total.nj + res1.gap.nj + res1.rest.nj;
        if (sum != want)
            fail_msg("seed %d: %.9f J given of %.9f", (int)seed, (double)sum * 1e-9, (double)want * 1e-9);
        for (size_t i = 0; i < N; i++)
            if (out[i].prefill.status != ENERGY_MISSING && out[i].decode.status != ENERGY_MISSING)
                assert_true(out[i].prefill.nj + out[i].decode.nj == out[i].total.nj);
    }
    free(r);
    free(stamps);
}

/* Against Shapley's shares of a server of another form: bars of issue 6, on fewer runs than bench/share.c. */
static void test_truth(void **state)
{
    (void)state;
    double inside = 0, runs = 0;
    for (size_t k = 0; k < SIM_BATCH_MODELS; k++) {
        struct sim_batch_load load = {.seed = 77 + k, .in_flight = k % 2 ? 8 : 32, .requests = 200, .vary = 0.2, .says_time = k % 3 == 0};
        struct sim_batch b;
        struct share_result r;
        sim_batch_play(&b, &sim_batch_models[k], &load);
        struct energy_query_value *out = ipw_calloc(b.n, sizeof *out);
        struct share_facts f = {.ch = &b.ch, .readings = b.readings, .n = b.n_readings, .req = b.req, .n_req = b.n,
                                .idle_w = b.idle_w, .u_idle_w = b.u_idle_w};
        double error = 0, in = 0;
        energy_share(&f, out, &r);
        assert_false(r.by_time);
        assert_true(r.condition < 40 && r.coef[SHARE_PREFILL] > 0);
        for (size_t i = 0; i < b.n; i++) {
            double j = (double)out[i].total.nj * 1e-9;
            assert_string_equal(out[i].total.method, "shared");
            error += fabs(j / b.truth_j[i] - 1) / (double)b.n;
            in += fabs(j - b.truth_j[i]) <= 2e-9 * (double)out[i].total.u_nj;
        }
        print_message("%-26s %2d in flight: requests %.1f %% inside 2u %.1f %%\n", sim_batch_models[k].name,
                      (int)load.in_flight, 100 * error, 100 * in / (double)b.n);
        assert_true(error < 0.12);
        inside += in / (double)b.n;
        runs++;
        sim_batch_free(&b);
        free(out);
    }
    assert_true(inside / runs > 0.93);
}

/* Ten seconds of the same mix: nothing tells a prompt from an answer, so time in flight shares, and the band is wide. */
static void test_one_mix(void **state)
{
    (void)state;
    enum { N = 40 };
    struct curve c = {.n = 400};
    struct energy_reading r[1000];
    struct share_request q[N];
    struct energy_query_value out[N];
    struct share_result res;
    for (size_t i = 0; i < c.n; i++)
        c.w[i] = 200;
    for (size_t i = 0; i < N; i++) /* two in flight all the time, prompts and answers spread over the whole of each */
        q[i] = (struct share_request){.t_send = SEC + (int64_t)(i / 2) * SEC, .t_first = -1, .t_end = 2 * SEC + (int64_t)(i / 2) * SEC,
                                      .prompt_ns = -1, .n_eval = 100, .n_cached = 0, .n_out = 100};
    struct share_facts f = {.ch = &nvml, .readings = r, .n = read_all(&c, &nvml, r), .req = q, .n_req = N, .idle_w = NAN, .u_idle_w = NAN};
    energy_share(&f, out, &res);
    assert_true(res.by_time);
    assert_string_equal(res.why, "one_mix");
    for (size_t i = 0; i < N; i++) {
        check_near((double)out[i].total.nj * 1e-9, 100, 0.01);
        assert_string_equal(out[i].total.method, "shared_time");
        assert_int_equal(out[i].total.status, ENERGY_LOW_RESOLUTION);
        assert_true(out[i].total.u_nj > 10 * SEC);
        assert_string_equal(out[i].prefill.reason, "no_first_token");
    }
}

/* One request that was refused after a second beside one that wrote: it has its part of the idle power, and may have more. */
static void test_died(void **state)
{
    (void)state;
    struct sim_batch b;
    struct sim_batch_load load = {.seed = 5, .in_flight = 8, .requests = 120};
    struct share_result r;
    sim_batch_play(&b, &sim_batch_models[0], &load);
    struct energy_query_value *out = ipw_calloc(b.n, sizeof *out);
    struct share_request *q = &b.req[60], full = *q, cut;
    struct share_facts f = {.ch = &b.ch, .readings = b.readings, .n = b.n_readings, .req = b.req, .n_req = b.n, .idle_w = b.idle_w,
                            .u_idle_w = b.u_idle_w};
    q->t_first = q->n_eval = q->n_cached = q->n_out = -1;
    q->n_stamps = 0;
    energy_share(&f, out, &r);
    assert_string_equal(out[60].total.reason, "no_work");
    assert_int_equal(out[60].total.status, ENERGY_LOW_RESOLUTION);
    assert_true(out[60].total.nj > 0 && (double)out[60].total.nj < 0.5e9 * b.truth_j[60]);
    assert_true((double)out[60].total.nj + 2 * (double)out[60].total.u_nj > 0.5e9 * b.truth_j[60]);
    assert_string_equal(out[60].prefill.reason, "no_first_token");
    *q = cut = full; /* the stream broke in its middle: chunks came, nobody counted tokens */
    q->n_eval = q->n_cached = q->n_out = -1;
    q->n_stamps /= 2;
    q->t_end = q->stamps[q->n_stamps - 1] + 1000;
    energy_share(&f, out, &r);
    assert_null(out[60].total.reason);
    assert_true((double)out[60].total.nj < 0.9e9 * b.truth_j[60]);
    for (size_t i = 0; i < b.n; i++) /* without any stamps: tokens are spread evenly */
        b.req[i].n_stamps = 0;
    *q = full;
    q->n_stamps = 0;
    energy_share(&f, out, &r);
    assert_false(r.by_time);
    double error = 0;
    for (size_t i = 0; i < b.n; i++)
        error += fabs((double)out[i].total.nj * 1e-9 / b.truth_j[i] - 1) / (double)b.n;
    assert_true(error < 0.12);
    sim_batch_free(&b);
    free(out);
}

/* A counter that begins again: who was in flight has no joules and says why, the others have theirs; what lies in between is
 * known to be unknown. */
static void test_reset(void **state)
{
    (void)state;
    struct sim_batch b;
    struct sim_batch_load load = {.seed = 6, .in_flight = 8, .requests = 120};
    struct share_result r;
    sim_batch_play(&b, &sim_batch_models[0], &load);
    struct energy_query_value *out = ipw_calloc(b.n, sizeof *out);
    struct share_facts f = {.ch = &b.ch, .readings = b.readings, .n = b.n_readings, .req = b.req, .n_req = b.n, .idle_w = b.idle_w,
                            .u_idle_w = b.u_idle_w};
    int64_t at = b.readings[b.n_readings / 2].t_before;
    uint64_t before = b.readings[b.n_readings / 2].raw;
    for (size_t i = b.n_readings / 2; i < b.n_readings; i++)
        b.readings[i].raw -= before;
    energy_share(&f, out, &r);
    size_t hit = 0;
    for (size_t i = 0; i < b.n; i++) {
        if (b.req[i].t_send < at - SEC / 5 && b.req[i].t_end > at + SEC / 5) {
            assert_int_equal(out[i].total.status, ENERGY_MISSING);
            assert_string_equal(out[i].total.reason, "counter_reset");
            hit++;
        } else if (b.req[i].t_end < at - SEC / 2 || b.req[i].t_send > at + SEC / 2) {
            check_near((double)out[i].total.nj * 1e-9, b.truth_j[i], 0.2);
        }
    }
    assert_true(hit >= 6);
    assert_int_equal(r.rest.status, ENERGY_MISSING);
    assert_string_equal(r.rest.reason, "counter_reset");
    /* Readings that failed for a second only make the intervals longer. */
    sim_batch_free(&b);
    sim_batch_play(&b, &sim_batch_models[0], &load);
    f = (struct share_facts){.ch = &b.ch, .readings = b.readings, .n = b.n_readings, .req = b.req, .n_req = b.n, .idle_w = b.idle_w,
                             .u_idle_w = b.u_idle_w};
    for (size_t i = 0; i < b.n_readings; i++)
        if (b.readings[i].t_before > at && b.readings[i].t_before < at + SEC)
            b.readings[i].status = -5;
    energy_share(&f, out, &r);
    for (size_t i = 0; i < b.n; i++)
        check_near((double)out[i].total.nj * 1e-9, b.truth_j[i], 0.2);
    sim_batch_free(&b);
    free(out);
}

/* ---- run.db ---- */

static void put_constant(struct store *s, double w, int seconds)
{
    struct store_device d = {.key = "0000:01:00.0", .name = "GPU", .kind = "gpu", .computes = true};
    ok(store_put_device(s, &d, &err));
    struct store_channel c = {.device = d.id, .name = "gpu:energy", .scope = "gpu_board", .kind = "energy", .unit_nj = 1e6,
                              .period_ns = STORE_NULL, .window_ns = STORE_NULL, .quantum_nj = 1000000,
                              .latency_ns = STORE_NULL, .gain_u = 0.06, .in_total = true, .why = "", .source = "nvml",
                              .verified = "stub"};
    ok(store_put_channel(s, &c, &err));
    size_t n = (size_t)seconds * 20;
    struct store_reading *r = ipw_calloc(n, sizeof *r);
    struct ipw_buf blob = IPW_BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        int64_t t = (int64_t)i * 50 * MS + MS;
        r[i] = (struct store_reading){.t_before = t, .t_after = t + 1000, .raw = (uint64_t)(w * 100 * (double)(i / 2))};
    }
    store_pack_readings(r, n, 0, &blob);
    struct store_reading_block b = {.segment = 1, .channel = c.id, .t0_ns = 0, .t1_ns = seconds * SEC, .n = (int64_t)n, .fmt = 1,
                                    .data = blob.s, .size = blob.len};
    ok(store_add_readings(s, &b, &err));
    ipw_buf_release(&blob);
    free(r);
}

static void put_asked(struct store *s, const char *id, int64_t send, int64_t end)
{
    struct store_query q = a_query(id, 1, QUERY_OK);
    q.t_send = send;
    q.t_first = q.t_first_answer = STORE_NULL;
    q.t_last = q.t_end = end;
    q.n_in = q.n_cached = q.n_out = STORE_NULL;
    ok(put(s, &q, "x"));
}

/* TV3 of metrics.md: 100 W, [0, 2] and [1, 3] s: 150 J each; and the same rows whenever they are made. */
static void test_two_overlap(void **state)
{
    struct store *s;
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    struct store_segment seg = {.pid = 1, .env = "{}"};
    ok(store_add_segment(s, &seg, &err));
    put_constant(s, 100, 10);
    put_asked(s, "q1", 3 * SEC, 5 * SEC);
    put_asked(s, "q2", 4 * SEC, 6 * SEC);
    ok(run_joules(s, &err));
    ok(store_commit(s, &err));
    check_rows(*state, "SELECT query, round(nj / 1e9, 1), method, status FROM energy WHERE phase = 'total' ORDER BY query",
               "-1|0.0|shared_time|measured\n0|0.0|shared_time|measured\n1|150.0|shared_time|measured\n"
               "2|150.0|shared_time|measured\n");
    check_rows(*state, "SELECT sum(nj) FROM energy WHERE phase = 'total'", "300000000000\n");
    check_rows(*state, "SELECT json_extract(value, '$[0].method'), json_extract(value, '$[0].reason'),"
                       " json_extract(value, '$[0].idle') FROM meta WHERE key = 'weights'",
               "shared_time|one_mix|none\n");
    char *first = rows(in(*state, "run.db"), "SELECT * FROM energy"), *weights = rows(in(*state, "run.db"), "SELECT * FROM meta");
    ok(store_begin(s, &err));
    ok(run_joules(s, &err));
    ok(store_commit(s, &err));
    check_rows(*state, "SELECT * FROM energy", first);
    check_rows(*state, "SELECT * FROM meta", weights);
    free(first);
    free(weights);
    store_close(s);
}

/* One after the other: as ever, and nothing of sharing. */
static void test_in_turn(void **state)
{
    struct store *s;
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    struct store_segment seg = {.pid = 1, .env = "{}"};
    ok(store_add_segment(s, &seg, &err));
    put_constant(s, 100, 10);
    put_asked(s, "q1", 3 * SEC, 5 * SEC);
    put_asked(s, "q2", 5 * SEC, 6 * SEC);
    ok(run_joules(s, &err));
    ok(store_commit(s, &err));
    check_rows(*state, "SELECT DISTINCT query, round(nj / 1e9), method FROM energy WHERE phase = 'total' ORDER BY query",
               "0|0.0|edges\n1|200.0|edges\n2|100.0|edges\n");
    check_rows(*state, "SELECT count(*) FROM meta WHERE key = 'weights'", "0\n");
    store_close(s);
}

/* Seconds of idle power: [0, 2] and [1, 3] have 1.5 each, another segment's none of theirs. */
static void test_seconds(void **state)
{
    (void)state;
    struct run_flight v[] = {{1, SEC, 3 * SEC, 0}, {1, 0, 2 * SEC, 0}, {2, 0, 5 * SEC, 0}, {1, 7 * SEC, 8 * SEC, 0}, {1, 9, 9, 0}};
    const double want[] = {1.5, 1.5, 5, 1, 0};
    run_share_seconds(v, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(fabs(v[i].seconds - want[i]) < 1e-9);
    run_share_seconds(v, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_up), cmocka_unit_test(test_truth), cmocka_unit_test(test_one_mix),
        cmocka_unit_test(test_died), cmocka_unit_test(test_reset), cmocka_unit_test(test_seconds),
        cmocka_unit_test_setup_teardown(test_two_overlap, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_in_turn, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
