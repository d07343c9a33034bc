/* Screens of runs with many subjects and several answers to each question: whole, at 80 columns. */
#include "check.h"

#include "analysis/accuracy.h"
#include "analysis/compare.h"
#include "base/rng.h"
#include "golden.h"
#include "report/report.h"

enum { SUBJECTS = 57, EACH = 6, MOST = SUBJECTS * EACH * 4 };

static const char *subject(size_t i, char out[64])
{
    static const char *const real[] = {"high_school_government_and_politics", "high_school_european_history", "law", "art",
                                       "virology", "moral_scenarios", "a\033[2Jb\n\xe2\x80\xaex", "\xc3\xa9thique, \"A|B\""};
    snprintf(out, 64, "subject_%02zu", i);
    return i < sizeof real / sizeof real[0] ? real[i] : i == 8 ? NULL : out;
}

struct bed {
    struct table_run run;
    struct table_row row[MOST];
    char id[SUBJECTS * EACH][16], name[SUBJECTS][64];
    struct table_member member;
};

/* Some subjects are hard, two are never right, one is never scored. */
static void invent(struct bed *b, const char *dir, int64_t samples, uint64_t seed)
{
    memset(b, 0, sizeof *b);
    b->member = (struct table_member){"gpu_board", "nvml", 60};
    b->run = (struct table_run){.v = b->row, .dir = dir, .run_id = dir, .complete = true, .model_name = "Qwen3-4B", .quant = "Q4_K_M",
                                .device = "RTX 4070 Laptop, all 37 layers on the GPU", .dataset_name = "mmlu", .dataset_sha256 = "11",
                                .energy_source = "measured", .signature = "component(gpu_board)", .gain_u = 0.05, .gap_j = 3,
                                .idle_cold_w = NAN, .idle_w = NAN, .idle_after_w = NAN, .members = &b->member, .n_members = 1};
    b->run.settings[TABLE_SETTING_SAMPLES] = (struct table_setting){samples > 1 ? "4" : NULL, samples > 1 ? (double)samples : NAN};
    for (size_t q = 0; q < SUBJECTS * EACH; q++)
        snprintf(b->id[q], sizeof b->id[q], "mmlu/%zu", q);
    for (int64_t s = 0; s < samples; s++)
        for (size_t q = 0; q < SUBJECTS * EACH; q++) {
            size_t d = q % SUBJECTS;
            double u = (double)(ipw_rng_at(seed, q * 7 + (uint64_t)s) % 1000) / 1000, j = 20 + (double)(q * 37 % 80);
            bool unscored = d == 4, right = !unscored && d % 19 != 2 && u < 0.3 + 0.6 * (double)(q % 5) / 5;
            b->row[b->run.n++] = (struct table_row){
                .query_id = b->id[q], .domain = subject(d, b->name[d]), .sample = s, .attempt = 1, .status = QUERY_OK, .votes = true,
                .score = unscored ? SCORE_UNSCORED : right ? SCORE_CORRECT : SCORE_INCORRECT, .score_reason = "no_gold",
                .correct = unscored ? (double)NAN : right, .extracted = right ? "A" : u < 0.9 ? "B" : "C", .n_in = 90, .n_cached = 0, .n_out = 40,
                .n_reason = NAN, .latency_s = j / 60, .energy_s = j / 60, .ttft_s = 0.1, .decode_s = j / 60 - 0.1, .energy_j = j,
                .u_j = 0.1, .prefill_j = j / 4, .decode_j = j * 3 / 4, .net_j = NAN, .think_j = NAN, .ttfa_s = NAN, .delay_s = NAN,
                .nll = NAN, .nll_tokens = NAN, .nll_bytes = NAN, .other_j = {NAN, NAN}, .energy_status = ENERGY_MEASURED};
        }
    b->run.dataset_n = (int64_t)b->run.n;
}

static void check(const char *name, const char *text)
{
    for (const char *p = text, *end; *p; p = end + 1) {
        char *line = strndup(p, (size_t)((end = strchr(p, '\n')) - p));
        if (report_width(line) > 80)
            fail_msg("%s: '%s' is wider than a terminal", name, line);
        for (const char *c = line; *c; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
        free(line);
    }
    golden(name, text);
}

static void test_analyze(void **state)
{
    (void)state;
    enum { RUNS = 4 };
    static struct bed b[RUNS];
    struct accuracy_result r[RUNS];
    const struct table_run *runs[RUNS];
    const struct accuracy_result *results[RUNS];
    struct ipw_buf out = IPW_BUF_INIT;
    static const char *const dir[RUNS] = {"runs/a", "runs/b", "runs/c", "runs/d"};
    for (size_t i = 0; i < RUNS; i++) {
        invent(&b[i], dir[i], i ? 1 : 4, 7 + i);
        accuracy_of(&b[i].run, false, &r[i]);
        runs[i] = &b[i].run;
        results[i] = &r[i];
    }
    assert_int_equal(r[0].n_domains, SUBJECTS);
    report_accuracy(runs, results, 1, "table", &out);
    check("subjects", out.s);
    ipw_buf_clear(&out);
    report_accuracy(runs, results, RUNS, "table", &out);
    check("subjects_runs", out.s);
    ipw_buf_clear(&out);
    report_accuracy(runs, results, RUNS, "csv", &out);
    assert_null(strstr(out.s, "nan"));
    assert_non_null(strstr(out.s, "pass_at_k_pct,majority_pct"));
    ipw_buf_clear(&out);
    report_accuracy(runs, results, 1, "md", &out);
    assert_non_null(strstr(out.s, "| subject | n | right % |"));
    ipw_buf_clear(&out);
    const struct report_screen opt = {.next = (const char *const[]){"ipw analyze runs/a", NULL}};
    report_screen(&b[0].run, &r[0], &opt, &out);
    check("samples", out.s);
    ipw_buf_clear(&out);
    report_screen(&b[1].run, &r[1], &opt, &out);
    check("subjects_line", out.s);
    for (size_t i = 0; i < RUNS; i++)
        accuracy_release(&r[i]);
    ipw_buf_release(&out);
}

static void test_compare(void **state)
{
    (void)state;
    static struct bed a, b;
    struct compare_result r;
    struct ipw_buf out = IPW_BUF_INIT;
    invent(&a, "runs/a", 1, 3);
    invent(&b, "runs/b", 4, 5);
    const struct table_run *ra = &a.run, *rb = &b.run;
    compare_of(&(struct compare_side){&ra, 1}, &(struct compare_side){&rb, 1}, false, &r);
    assert_string_equal(r.refused, "");
    report_compare(&r, "table", 80, &out);
    check("compare_subjects", out.s);
    ipw_buf_clear(&out);
    report_compare(&r, "json", 80, &out);
    assert_null(strstr(out.s, "nan"));
    compare_release(&r);
    ipw_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_analyze), cmocka_unit_test(test_compare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
