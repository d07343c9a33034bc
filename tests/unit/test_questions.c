/* Several answers to each question, and subjects: what accuracy_of and compare_of make of rows. */
#include "check.h"

#include "analysis/accuracy.h"
#include "analysis/compare.h"

enum { MOST = 64 };

struct bed {
    struct table_run run;
    struct table_row row[MOST];
    char id[MOST][8];
};

static void bed_init(struct bed *b, double samples)
{
    *b = (struct bed){.run = {.v = b->row, .run_id = b->id[0], .dir = "r", .gain_u = 0.1, .energy_source = "measured", .gap_j = NAN,
                              .signature = "component(cpu_package)", .energy_reason = NULL}};
    b->run.settings[TABLE_SETTING_SAMPLES] = (struct table_setting){samples > 1 ? "n" : NULL, samples > 1 ? samples : NAN};
}

static struct table_row *add(struct bed *b, int question, int64_t sample, double c, double j)
{
    size_t i = b->run.n++;
    snprintf(b->id[i], sizeof b->id[i], "q%d", question);
    b->row[i] = (struct table_row){.query_id = b->id[i], .sample = sample, .attempt = 1, .status = QUERY_OK, .correct = c,
                                   .score = c > 0 ? SCORE_CORRECT : SCORE_INCORRECT, .votes = true, .extracted = c > 0 ? "A" : "B",
                                   .energy_j = j, .energy_s = j / 10 + 1, .latency_s = j / 10 + 1, .ttft_s = 0.1, .decode_s = j / 10,
                                   .n_in = 5, .n_cached = NAN, .n_out = 10, .n_reason = NAN, .net_j = NAN, .prefill_j = NAN,
                                   .decode_j = NAN, .nll = NAN, .nll_tokens = NAN, .nll_bytes = NAN, .delay_s = NAN, .ttfa_s = NAN,
                                   .think_j = NAN, .other_j = {NAN, NAN}, .u_j = NAN, .idle_u_j = NAN,
                                   .energy_status = ENERGY_MEASURED};
    return &b->row[i];
}

static void same(const struct estimate *a, const struct estimate *b)
{
    const double x[] = {a->est, a->lo, a->hi, a->meter_lo, a->meter_hi}, y[] = {b->est, b->lo, b->hi, b->meter_lo, b->meter_hi};
    for (int i = 0; i < 5; i++)
        if (isnan(x[i]) || isnan(y[i]))
            assert_true(isnan(x[i]) && isnan(y[i]));
        else
            check_near(x[i], y[i], 1e-9);
    assert_int_equal(a->n, b->n);
}

static const double right[] = {1, 0, 1, 1, 0, 0, 1, 0}, joules[] = {50, 120, 30, 200, 90, 60, 75, 33};

/* Every answer given k times says no more than once (metrics 7.4). */
static void test_copies(void **state)
{
    (void)state;
    struct bed one, three;
    struct accuracy_result a, b;
    bed_init(&one, 1);
    bed_init(&three, 3);
    for (int i = 0; i < 8; i++)
        add(&one, i, 0, right[i], joules[i]);
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < 8; i++)
            add(&three, i, s, right[i], joules[i]);
    accuracy_of(&one.run, false, &a);
    accuracy_of(&three.run, false, &b);
    same(&a.accuracy, &b.accuracy);
    same(&a.per_query_j, &b.per_query_j);
    same(&a.power_w, &b.power_w);
    same(&a.ipj, &b.ipj);
    same(&a.ipw, &b.ipw);
    same(&a.ipw_tw, &b.ipw_tw);
    same(&a.ipw_slo, &b.ipw_slo);
    assert_true(a.samples.k == 1 && a.samples.n_at == 0 && isnan(a.samples.majority.est));
    assert_true(b.samples.k == 3 && b.samples.n_at == 3 && b.n_questions == 8 && b.n_rows == 24 && b.n_scored == 24);
    same(&b.samples.at[0].pass, &a.accuracy);
    same(&b.samples.at[0].ipj, &a.ipj);
    same(&b.samples.majority, &a.accuracy);
    check_near(b.samples.at[2].ipj.est, a.ipj.est / 3, 1e-12); /* three tries, nothing gained */
    check_near(b.samples.round_sd, 0, 1e-15);
    check_near(b.total_j, 3 * a.total_j, 1e-12);
}

/* TV5 with its clusters {1,2}{3,4}{5,6} as two samples of three questions. */
static void test_tv5(void **state)
{
    (void)state;
    static const double c[] = {1, .5, 1, .75, .25, .5}, e[] = {50, 120, 30, 200, 90, 60};
    struct bed b;
    struct accuracy_result r;
    bed_init(&b, 2);
    for (int i = 0; i < 6; i++)
        add(&b, i / 2, i % 2, c[i], e[i]);
    accuracy_of(&b.run, false, &r);
    check_near(r.ipj.est, 7.272727e-3, 1e-6);
    assert_string_equal(r.accuracy.method, "t by question");
    /* Fieller of three sums: (c_g) = 1.5 1.75 .75, (e_g) = 170 230 150, t2 = 4.3027; by Python */
    check_near(r.ipj.lo, 0.00042091554795855413, 1e-9);
    check_near(r.ipj.hi, 0.011039839633502047, 1e-9);
    assert_int_equal(r.ipj.n, 3);
}

static void vote(struct table_row *r, const char *text, bool is_right)
{
    r->extracted = text;
    r->correct = is_right;
    r->score = !text ? SCORE_UNPARSED : is_right ? SCORE_CORRECT : SCORE_INCORRECT;
}

static void test_majority(void **state)
{
    (void)state;
    static const struct {
        const char *said[4]; /* "A" and "a" are right; NULL: unreadable */
        double majority;
    } v[] = {{{"A", "a", "B", "C"}, 1},   {{"B", "A", "C", "B"}, 0},      {{"A", "B", "B", "A"}, .5}, {{"A", "B", "C", "D"}, .25},
             {{NULL, NULL, NULL, "A"}, 1}, {{NULL, NULL, NULL, NULL}, 0}, {{"B", NULL, NULL, "B"}, 0}};
    enum { N = sizeof v / sizeof v[0] };
    for (size_t i = 0; i < N; i++) {
        struct bed b;
        struct accuracy_result r;
        bed_init(&b, 4);
        for (int s = 0; s < 4; s++)
            vote(add(&b, 0, s, 0, 10), v[i].said[s], v[i].said[s] && (*v[i].said[s] | 32) == 'a');
        accuracy_of(&b.run, false, &r);
        check_near(r.samples.majority.est, v[i].majority, 1e-15);
    }
    struct bed b; /* a failed answer has no vote; a scorer whose verdicts are no answers leaves the question out */
    struct accuracy_result r;
    bed_init(&b, 3);
    for (int s = 0; s < 3; s++) {
        struct table_row *failed = add(&b, 0, s, 1, 10), *code = add(&b, 1, s, 1, 10);
        failed->status = s ? QUERY_ERROR : QUERY_OK;
        code->votes = false;
    }
    accuracy_of(&b.run, false, &r);
    check_near(r.samples.majority.est, 1, 0);
    assert_int_equal(r.samples.majority.n, 1);
    check_near(r.samples.at[r.samples.n_at - 1].pass.est, 1, 0);
    check_near(r.accuracy.est, 4. / 6, 1e-15);
}

/* What was cut off counts what is there: of pass@k only the questions with k answers. */
static void test_unfinished(void **state)
{
    (void)state;
    struct bed b;
    struct accuracy_result r;
    bed_init(&b, 4);
    for (int i = 0; i < 6; i++)
        for (int s = 0; s < (i < 4 ? 2 : 1); s++)
            add(&b, i, s, right[i] == s, joules[i]);
    accuracy_of(&b.run, false, &r);
    check_near(r.accuracy.est, r.n_correct / 10, 1e-15); /* correct / S, as ever */
    check_near(r.ipj.est, r.n_correct / r.total_j, 1e-12);
    assert_int_equal(r.samples.at[0].pass.n, 6);
    assert_int_equal(r.samples.at[1].pass.n, 4);
    assert_true(r.samples.n_at == 3 && r.samples.at[2].k == 4 && isnan(r.samples.at[2].pass.est) && isnan(r.samples.majority.est));
}

static void test_domains(void **state)
{
    (void)state;
    static const char *const name[] = {"law", NULL, "art", "law", "law", "art", "art", "law"};
    struct bed b, law;
    struct accuracy_result r, alone;
    bed_init(&b, 1);
    bed_init(&law, 1);
    for (int i = 0; i < 8; i++) {
        add(&b, i, 0, right[i], joules[i])->domain = name[i];
        if (name[i] && !strcmp(name[i], "law"))
            add(&law, i, 0, right[i], joules[i])->domain = name[i];
    }
    accuracy_of(&b.run, false, &r);
    accuracy_of(&law.run, false, &alone);
    assert_int_equal(r.n_domains, 3);
    assert_int_equal(alone.n_domains, 0); /* one subject needs no table */
    assert_null(r.domain[0].name);
    assert_string_equal(r.domain[1].name, "art");
    assert_string_equal(r.domain[2].name, "law");
    same(&r.domain[2].accuracy, &alone.accuracy);
    same(&r.domain[2].per_query_j, &alone.per_query_j);
    same(&r.domain[2].ipj, &alone.ipj);
    size_t n = 0;
    double e = 0, macro = 0, micro = 0; /* the whole's IPJ is the mean of the subjects' weighted by joules (metrics 2.1) */
    for (size_t i = 0; i < 3; i++) {
        const struct domain_figures *d = &r.domain[i];
        double j = d->per_query_j.est * (double)d->n_scored;
        n += d->n_questions;
        e += j;
        micro += isnan(d->ipj.est) ? 0 : d->ipj.est * j;
        macro += d->accuracy.est / 3;
    }
    assert_int_equal(n, 8);
    check_near(micro / e, r.ipj.est, 1e-12);
    check_near(r.accuracy_macro.est, macro, 1e-15);
    assert_true(isnan(r.accuracy_macro.lo)); /* a subject of one question tells no spread */
    accuracy_release(&r);
    accuracy_release(&alone);
    assert_int_equal(r.n_domains, 0);
}

/* Mean of the subjects, and its interval by Satterthwaite by Python. */
static void test_macro(void **state)
{
    (void)state;
    static const double c[] = {1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1};
    struct bed b;
    struct accuracy_result r;
    bed_init(&b, 1);
    for (int i = 0; i < 14; i++)
        add(&b, i, 0, c[i], 10)->domain = i < 8 ? "art" : "law";
    accuracy_of(&b.run, false, &r);
    check_near(r.accuracy_macro.est, (5. / 8 + 1. / 3) / 2, 1e-15);
    check_near(r.accuracy_macro.lo, 0.17174566829016152, 1e-9);
    check_near(r.accuracy_macro.hi, 0.7865876650431718, 1e-9);
    accuracy_release(&r);
}

/* Paired by question, one value each; McNemar only where each has one answer. */
static void test_compare(void **state)
{
    (void)state;
    struct bed a, b;
    struct compare_result r;
    bed_init(&a, 1);
    bed_init(&b, 2);
    for (int i = 0; i < 8; i++) {
        add(&a, i, 0, right[i], joules[i])->domain = i < 5 ? "x" : "y";
        for (int s = 0; s < 2; s++)
            add(&b, i, s, right[(i + s) % 8], joules[i])->domain = i < 5 ? "x" : "y";
    }
    b.run.run_id = "b";
    const struct table_run *ra = &a.run, *rb = &b.run;
    const struct compare_side sa = {&ra, 1}, sb = {&rb, 1};
    compare_of(&sa, &sb, false, &r);
    assert_string_equal(r.refused, "");
    assert_true(!r.binary && isnan(r.mcnemar_mid) && r.n == 8);
    check_near(r.accuracy[1].est, 0.5, 1e-15);
    check_near(r.figure[COMPARE_J].ratio.est, 1, 1e-12);
    assert_int_equal(r.n_domains, 2);
    assert_string_equal(r.domain[1].name, "y");
    assert_int_equal(r.domain[1].n, 3);
    check_near(r.domain[1].a, 1. / 3, 1e-15);
    check_near(r.domain[1].b, .5, 1e-15);
    compare_release(&r);
    for (size_t i = 0; i < b.run.n; i++) /* all samples alike: still no McNemar */
        b.row[i].correct = right[i / 2];
    compare_of(&sa, &sb, false, &r);
    assert_true(!r.binary && isnan(r.mcnemar_mid) && r.difference.est == 0 && r.difference.hi > 0.2);
    compare_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),  cmocka_unit_test(test_tv5),   cmocka_unit_test(test_majority), cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_domains), cmocka_unit_test(test_macro), cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
