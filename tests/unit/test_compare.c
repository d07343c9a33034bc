/* Two configurations side by side: which figures come out, what is refused, and the screens (tests/data/screen/compare_*,
 * IPW_GOLDEN=write writes them). */
#include "check.h"
#include "golden.h"

#include "analysis/compare.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "report/report.h"

enum { MAX = 200 };

static double uniform(uint64_t seed, uint64_t i)
{
    return (double)(ipw_rng_at(seed, i) >> 11) * 0x1p-53;
}

/* A run of n questions: question i is right where the draw is below `right`, its joules `j` times a cost of the question
 * that every run shares. */
struct spec {
    size_t from, n;
    double right, j, noise;
    uint64_t seed;
    const char *source, *signature, *host, *meters;
    double gain_u;
};

static const char *id_of(size_t i)
{
    static char ids[MAX][16];
    snprintf(ids[i], sizeof ids[i], "q/%zu", i);
    return ids[i];
}

static struct table_run invent(const struct spec *s, const char *dir)
{
    struct table_run t = {.dir = dir,
                          .run_id = dir,
                          .complete = true,
                          .model_name = "Qwen3-4B",
                          .quant = "Q4_K_M",
                          .model_fingerprint = "f",
                          .dataset_name = "starter",
                          .dataset_sha256 = "11",
                          .energy_source = s->source ? s->source : "measured",
                          .signature = s->signature ? s->signature : "component(cpu_package+gpu_board)",
                          .meters = s->meters ? s->meters : "nvml:0000:01:00.0:energy,rapl:intel-rapl:0",
                          .gain_u = s->gain_u > 0 ? s->gain_u : 0.05,
                          .v = ipw_calloc(s->n, sizeof *t.v),
                          .n = s->n};
    t.settings[TABLE_SETTING_HOST] = (struct table_setting){s->host ? s->host : "laptop", NAN};
    t.settings[TABLE_SETTING_THREADS] = (struct table_setting){"8", 8};
    for (size_t k = 0; k < s->n; k++) {
        size_t i = s->from + k;
        double cost = exp(2 * uniform(99, i)), j = s->j * cost * (1 + s->noise * (uniform(s->seed, 1000 + i) - 0.5));
        bool right = uniform(s->seed, i) < s->right;
        bool none = ipw_streq(s->source, "none");
        t.v[k] = (struct table_row){.query_id = id_of(i), .question = 7 + i, .attempt = 1, .status = QUERY_OK,
                                    .score = right ? SCORE_CORRECT : SCORE_INCORRECT, .correct = right, .n_out = 20,
                                    .ttft_s = 0.1, .latency_s = cost, .decode_s = 0.8 * cost,
                                    .energy_j = none ? (double)NAN : j, .energy_s = cost, .energy_status = ENERGY_MEASURED};
    }
    return t;
}

static void set(struct table_run *t, enum table_setting_id id, const char *text, double number)
{
    t->settings[id] = (struct table_setting){text, number};
}

static void refused(struct table_run *a, struct table_run *b, const char *words)
{
    struct compare_result r;
    const struct table_run *sa[] = {a}, *sb[] = {b};
    compare_of(&(struct compare_side){sa, 1}, &(struct compare_side){sb, 1}, false, &r);
    if (!strstr(r.refused, words))
        fail_msg("'%s' does not say '%s'", r.refused, words);
    compare_release(&r);
}

#define PAIR(sa, sb)                                                                                                   \
    struct table_run a = invent(&(const struct spec)sa, "runs/a"), b = invent(&(const struct spec)sb, "runs/b");       \
    const struct table_run *side_a[] = {&a}, *side_b[] = {&b};                                                         \
    const struct compare_side A = {side_a, 1}, B = {side_b, 1};                                                        \
    struct compare_result r
#define END                                                                                                            \
    compare_release(&r);                                                                                               \
    table_run_release(&a);                                                                                             \
    table_run_release(&b)
#define SPEC(...) {__VA_ARGS__}

/* The pairing takes out what the questions differ by: the ratio of joules is known far better than either mean. */
static void test_pairing(void **state)
{
    (void)state;
    PAIR(SPEC(.n = 100, .right = 0.5, .j = 100, .noise = 0.1, .seed = 1), SPEC(.n = 100, .right = 0.6, .j = 130, .noise = 0.1, .seed = 2));
    for (size_t i = 0; i < 50; i++) { /* in another order */
        struct table_row row = b.v[i];
        b.v[i] = b.v[99 - i];
        b.v[99 - i] = row;
    }
    compare_of(&A, &B, false, &r);
    assert_string_equal(r.refused, "");
    assert_true(r.n == 100 && r.binary && r.both + r.only_a + r.only_b + r.neither == 100);
    check_near(r.difference.est, (double)((long)r.only_b - (long)r.only_a) / 100, 1e-12);
    check_near(r.accuracy[1].est - r.accuracy[0].est, r.difference.est, 1e-12);
    const struct estimate *j = &r.figure[COMPARE_J].ratio, *ipj = &r.figure[COMPARE_IPJ].ratio;
    assert_true(j->lo < 1.3 && 1.3 < j->hi && j->hi / j->lo < 1.05);
    check_near(ipj->est, r.figure[COMPARE_IPJ].b / r.figure[COMPARE_IPJ].a, 1e-12);
    check_near(ipj->est, r.accuracy[1].est / r.accuracy[0].est / j->est, 1e-12);
    assert_true(r.same_meter && isnan(j->meter_lo) && r.ipj_p > 0 && r.ipj_p <= 1);
    check_near(r.figure[COMPARE_S].ratio.est, 1, 1e-12);
    check_near(r.figure[COMPARE_RATE].a, 19 / (0.8 * r.figure[COMPARE_S].a), 1e-9);
    assert_int_equal(r.n_differs, 0);
    END;
}

/* Two meters: each may be wrong by its own gain. */
static void test_meters(void **state)
{
    (void)state;
    PAIR(SPEC(.n = 50, .right = 0.5, .j = 100, .seed = 1, .gain_u = 0.03), SPEC(.n = 50, .right = 0.5, .j = 100, .seed = 2, .host = "desk", .gain_u = 0.04));
    compare_of(&A, &B, false, &r);
    assert_false(r.same_meter);
    check_near(r.figure[COMPARE_J].ratio.meter_hi, r.figure[COMPARE_J].ratio.est * 1.1, 1e-9);
    check_near(r.figure[COMPARE_IPJ].ratio.meter_lo, r.figure[COMPARE_IPJ].ratio.est / 1.1, 1e-9);
    assert_true(isnan(r.figure[COMPARE_S].ratio.meter_lo));
    assert_int_equal(r.n_differs, 1);
    assert_string_equal(r.differs[0].key, "host");
    END;
}

static void test_refused(void **state)
{
    (void)state;
    PAIR(SPEC(.n = 50, .right = 0.5, .j = 100, .seed = 1), SPEC(.n = 50, .right = 0.5, .j = 100, .seed = 2));
    compare_of(&A, &B, false, &r);
    compare_release(&r);
    b.run_id = a.run_id;
    refused(&a, &b, "both sides");
    b.run_id = "b";
    b.v[7].question++;
    refused(&a, &b, "question 'q/7' is another one");
    b.v[7].question--;
    b.signature = "component(gpu_board)";
    refused(&a, &b, "--allow-scope-mismatch");
    compare_of(&A, &B, true, &r);
    assert_true(!*r.refused && r.scope_mismatch && isfinite(r.figure[COMPARE_J].ratio.est));
    assert_string_equal(r.differs[0].key, "signature");
    compare_release(&r);
    size_t n = b.n;
    b.n = 0;
    refused(&a, &b, "'b' has no answers");
    b.n = n;
    struct table_run c = invent(&(struct spec){.from = 40, .n = 50, .right = 0.5, .j = 100}, "runs/c");
    refused(&a, &c, "only 10 questions are in both runs (of 50 and 50)");
    table_run_release(&c);
    compare_of(&A, &B, true, &r);
    END;
}

/* A longer run beside a shorter one of the same set: what both were asked is compared. */
static void test_part(void **state)
{
    (void)state;
    PAIR(SPEC(.n = 100, .right = 0.5, .j = 100, .seed = 1), SPEC(.n = 30, .right = 0.5, .j = 100, .seed = 2));
    b.v[29].score = SCORE_UNSCORED; /* outside on both sides */
    b.v[28].status = QUERY_NOT_SENT;
    b.v[27].status = QUERY_ERROR; /* wrong, whatever its score says */
    b.v[27].score = SCORE_PENDING;
    compare_of(&A, &B, false, &r);
    assert_true(r.n == 28 && r.n_unscored == 1 && r.n_asked[0] == 100 && r.n_asked[1] == 29);
    assert_int_equal(r.figure[COMPARE_J].ratio.n, 28);
    END;
}

/* Other kinds of joules are never ranked; accuracy is compared all the same. */
static void test_sources(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *reason;
    } v[] = {{"measured", "estimated", "A's are measured and B's estimated"},
             {"partial", "measured", "never ranked"},
             {"partial", "partial", "lower bounds"},
             {"none", "none", "neither run has joules"},
             {"measured", "none", "B has no joules"}};
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        PAIR(SPEC(.n = 40, .right = 0.5, .j = 100, .seed = 1, .source = v[i].a), SPEC(.n = 40, .right = 0.5, .j = 100, .seed = 2, .source = v[i].b));
        b.signature = i == 0 ? "component(cpu_package)" : b.signature;
        compare_of(&A, &B, false, &r);
        assert_string_equal(r.refused, "");
        if (!r.joules_reason || !strstr(r.joules_reason, v[i].reason))
            fail_msg("'%s' does not say '%s'", r.joules_reason ? r.joules_reason : "", v[i].reason);
        assert_true(r.n == 40 && isfinite(r.difference.est) && isnan(r.figure[COMPARE_IPJ].ratio.est));
        assert_true(isnan(r.figure[COMPARE_J].a) && isfinite(r.figure[COMPARE_S].ratio.est));
        END;
    }
}

/* No NAN without a reason, whatever there is too little of. */
static void test_little(void **state)
{
    (void)state;
    static const struct spec v[][2] = {
        {{.n = 40, .right = 0, .j = 100, .seed = 1}, {.n = 40, .right = 0.5, .j = 100, .seed = 2}}, /* A none right */
        {{.n = 40, .right = 0, .j = 100, .seed = 1}, {.n = 40, .right = 0, .j = 100, .seed = 2}},
        {{.n = 40, .right = 1, .j = 100, .seed = 1}, {.n = 40, .right = 1, .j = 100, .seed = 2}},   /* nothing discordant */
        {{.n = 1, .right = 1, .j = 100, .seed = 1}, {.n = 1, .right = 0, .j = 100, .seed = 2}},
        {{.n = 2, .right = 0.5, .j = 100, .seed = 1}, {.n = 2, .right = 0.5, .j = 100, .seed = 2}},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct table_run a = invent(&v[i][0], "runs/a"), b = invent(&v[i][1], "runs/b");
        struct compare_result r;
        const struct table_run *sa[] = {&a}, *sb[] = {&b};
        compare_of(&(struct compare_side){sa, 1}, &(struct compare_side){sb, 1}, false, &r);
        assert_string_equal(r.refused, "");
        for (int k = 0; k < COMPARE_N; k++)
            assert_true(isnan(r.figure[k].ratio.est) == (r.figure[k].reason != NULL));
        for (int k = 0; k < 3; k++) {
            static const char *const formats[] = {"table", "json", "md"};
            struct ipw_buf out = IPW_BUF_INIT;
            report_compare(&r, formats[k], 80, &out);
            assert_true(out.len > 100 && !strstr(out.s, "nan") && !strstr(out.s, "inf "));
            ipw_buf_release(&out);
        }
        if (i == 2)
            assert_true(r.p == 1 && r.difference.lo < 0 && r.difference.hi > 0);
        compare_release(&r);
        table_run_release(&a);
        table_run_release(&b);
    }
}

/* Repeats count a question once, by its mean; the label `repeat` and the seed do not make another configuration. */
static void test_repeats(void **state)
{
    (void)state;
    enum { RUNS = 4 };
    static const struct table_label labels[RUNS][2] = {{{"cap", "60"}, {"repeat", "1"}}, {{"cap", "80"}, {"repeat", "1"}},
                                                       {{"cap", "60"}, {"repeat", "2"}}, {{"repeat", "2"}, {"cap", "80"}}};
    static const char *const dirs[RUNS] = {"runs/1", "runs/2", "runs/3", "runs/4"};
    struct table_run run[RUNS];
    const struct table_run *runs[RUNS];
    size_t group[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        run[i] = invent(&(struct spec){.n = 60, .right = 0.5, .j = i % 2 ? 80 : 100, .noise = 0.2, .seed = i}, dirs[i]);
        run[i].labels = labels[i];
        run[i].n_labels = 2;
        set(&run[i], TABLE_SETTING_SEED, i ? "1" : "0", (double)(i > 0));
        runs[i] = &run[i];
    }
    assert_int_equal(compare_groups(runs, RUNS, group), 2);
    assert_true(group[0] == 0 && group[1] == 1 && group[2] == 0 && group[3] == 1);
    set(&run[3], TABLE_SETTING_THREADS, "4", 4);
    assert_int_equal(compare_groups(runs, RUNS, group), 3);
    set(&run[3], TABLE_SETTING_THREADS, "8", 8);
    set(&run[1], TABLE_SETTING_SEED, "0", 0); /* both sides have the seeds 0 and 1 */

    const struct table_run *a[] = {runs[0], runs[2]}, *b[] = {runs[1], runs[3]};
    struct compare_result r;
    compare_of(&(struct compare_side){a, 2}, &(struct compare_side){b, 2}, false, &r);
    assert_true(!*r.refused && r.n == 60 && !r.binary && isnan(r.mcnemar_mid) && isfinite(r.p));
    check_near(r.figure[COMPARE_J].ratio.est, 0.8, 0.05);
    assert_true(ipw_streq(r.differs[0].key, "cap") && ipw_streq(r.differs[0].a, "60") && ipw_streq(r.differs[0].b, "80"));
    assert_true(r.n_differs >= 1);
    for (size_t i = 0; i < r.n_differs; i++)
        assert_true(!ipw_streq(r.differs[i].key, "repeat") && !ipw_streq(r.differs[i].key, table_settings[TABLE_SETTING_SEED].key));
    compare_release(&r);
    for (size_t i = 0; i < RUNS; i++)
        table_run_release(&run[i]);
}

static void test_settings(void **state)
{
    (void)state;
    PAIR(SPEC(.n = 10, .right = 0.5, .j = 100, .seed = 1), SPEC(.n = 10, .right = 0.5, .j = 100, .seed = 2));
    set(&a, TABLE_SETTING_CPU_TEMP_START, "41", 41);
    set(&b, TABLE_SETTING_CPU_TEMP_START, "44", 44);           /* as warm */
    set(&b, TABLE_SETTING_GOVERNOR, "powersave", NAN);         /* unknown in A: tells nothing */
    set(&b, TABLE_SETTING_SYSTEM, "Be brief.", NAN);           /* not set in A: chosen */
    set(&a, TABLE_SETTING_GPU_LIMIT, "80", 80);
    set(&b, TABLE_SETTING_GPU_LIMIT, "60", 60);
    compare_of(&A, &B, false, &r);
    assert_int_equal(r.n_differs, 2);
    assert_string_equal(r.differs[0].key, "system_prompt");
    assert_string_equal(r.differs[0].a, "-");
    assert_string_equal(r.differs[1].key, "gpu_power_limit_w");
    END;
}

/* ---- screens ---- */

static void screen(const char *name, const struct table_run *a, const struct table_run *b, int columns)
{
    struct compare_result r;
    struct ipw_buf out = IPW_BUF_INIT;
    size_t column = 0;
    const struct table_run *sa[] = {a}, *sb[] = {b};
    compare_of(&(struct compare_side){sa, 1}, &(struct compare_side){sb, 1}, true, &r);
    assert_string_equal(r.refused, "");
    report_compare(&r, "table", columns, &out);
    for (const char *p = out.s; *p; p++) {
        if (*p != '\n' && (*p < 0x20 || *p > 0x7e))
            fail_msg("%s: byte %d", name, (unsigned char)*p);
        column = *p == '\n' ? 0 : column + 1;
        if (column > 80)
            fail_msg("%s: a line of more than 80 columns", name);
    }
    golden(name, out.s);
    ipw_buf_release(&out);
    compare_release(&r);
}

static void test_screens(void **state)
{
    (void)state;
    PAIR(SPEC(.n = 120, .right = 0.55, .j = 200, .noise = 0.2, .seed = 5), SPEC(.n = 120, .right = 0.62, .j = 262, .noise = 0.2, .seed = 6));
    a.quant = "Q4_K_M";
    b.quant = "Q8_0";
    set(&a, TABLE_SETTING_GPU_LIMIT, "80", 80);
    set(&b, TABLE_SETTING_GPU_LIMIT, "60", 60);
    set(&a, TABLE_SETTING_POWER_SOURCE, "mains", NAN);
    set(&b, TABLE_SETTING_POWER_SOURCE, "mains, then battery", NAN);
    set(&b, TABLE_SETTING_SYSTEM, "\033[31mThink step by step, then give the answer on a line of its own, and nothing after it.", NAN);
    b.complete = false;
    compare_of(&A, &B, false, &r);
    screen("compare", &a, &b, 80);
    a.energy_source = b.energy_source = "estimated";
    a.gain_u = b.gain_u = 0.5;
    screen("compare_estimated", &a, &b, 80);
    b.energy_source = "measured";
    screen("compare_sources", &a, &b, 80);
    a.energy_source = "measured";
    b.settings[TABLE_SETTING_HOST].text = "desk";
    b.signature = "component(gpu_board)";
    screen("compare_meters", &a, &b, 80);
    screen("compare_narrow", &a, &b, 40);
    for (size_t i = 0; i < 120; i++) {
        a.v[i].correct = 0;
        a.v[i].score = SCORE_UNSCORED;
    }
    screen("compare_unscored", &a, &b, 80);
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairing), cmocka_unit_test(test_meters),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_part),    cmocka_unit_test(test_sources), cmocka_unit_test(test_little),
        cmocka_unit_test(test_repeats), cmocka_unit_test(test_settings), cmocka_unit_test(test_screens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
