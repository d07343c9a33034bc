/* What people and programs see. Screens are compared with tests/data/screen/NAME.txt; IPW_GOLDEN=write writes them, to
 * be read by a person before they are kept. */
#include "check.h"
#include "golden.h"

#include <ctype.h>

#include "analysis/accuracy.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/internal.h"

/* A run to invent: the first `right` of n questions are right, then come the others in this order. */
struct spec {
    const char *name;
    size_t n, right, unparsed, failed, unscored, missing;
    double mean_j, mean_w, ttft_s;
    const char *source, *signature, *unmetered, *reason, *why;
    double gain_u;
    const char *model, *quant, *device, *dir;
    bool color, unfinished, slow_counter;
    double idle_w;
};

#define SMOL .model = "SmolLM2-135M-Instruct", .quant = "Q4_1", .device = "AMD EPYC, 2 threads, no GPU"
#define QWEN .model = "Qwen3-4B", .quant = "Q4_K_M", .device = "RTX 4070 Laptop, all 37 layers on the GPU"
#define ESTIMATED .source = "estimated", .signature = "component(cpu_package)", .gain_u = 0.5
#define VM .why = "this virtual machine shows no energy counter"
#define DIR_40 .dir = "runs/profile_epyc_smollm2-135m_starter_1"

static const struct spec specs[] = {
    {"estimated", 40, 13, 1, 0, 0, 0, 7.7, 14, 0.2, ESTIMATED, VM, SMOL, DIR_40},
    {"measured", 120, 71, 2, 0, 0, 0, 212, 61, 0.29, .source = "measured", .gain_u = 0.06,
     .signature = "component(cpu_package+dram+gpu_board)", QWEN, .dir = "runs/a", .slow_counter = true, .idle_w = 19},
    {"measured_cpu", 100, 41, 0, 0, 0, 0, 31, 28, 0.4, .source = "measured", .signature = "component(cpu_package+dram)",
     .gain_u = 0.03, SMOL, DIR_40},
    {"no_package", 60, 30, 0, 0, 0, 0, 180, 150, 0.4, .source = "measured", .signature = "component(gpu_board)",
     .gain_u = 0.06, QWEN, .dir = "runs/a"},
    {"partial", 120, 71, 2, 0, 0, 0, 14.5, 11, 0.29, .source = "partial", .signature = "component(cpu_package+dram)",
     .gain_u = 0.03, .unmetered = "NVIDIA GeForce RTX 4070 Laptop GPU", QWEN, .dir = "runs/a"},
    {"none", 40, 13, 1, 0, 0, 40, 7.7, 14, 0.2, .source = "none", .signature = "component()", .gain_u = NAN,
     .reason = "no energy counter was read", SMOL, DIR_40},
    {"all_failed", 6, 0, 0, 6, 0, 6, 7.7, 14, NAN, ESTIMATED, VM, SMOL, DIR_40},
    {"zero_right", 40, 0, 3, 0, 0, 0, 7.7, 14, 0.2, ESTIMATED, VM, SMOL, DIR_40},
    {"unscored", 40, 13, 1, 2, 6, 0, 7.7, 14, 0.2, ESTIMATED, VM, SMOL, DIR_40},
    {"none_scored", 8, 0, 0, 0, 8, 0, 7.7, 14, 0.2, ESTIMATED, VM, SMOL, DIR_40},
    {"one_question", 1, 1, 0, 0, 0, 0, 7.7, 14, 0.2, ESTIMATED, VM, SMOL, DIR_40},
    {"missing_few", 40, 13, 1, 0, 0, 2, 31, 28, 0.4, .source = "measured", .signature = "component(cpu_package)",
     .gain_u = 0.03, SMOL, DIR_40},
    {"missing_many", 40, 13, 1, 0, 0, 20, 31, 28, 0.4, .source = "measured", .signature = "component(cpu_package)",
     .gain_u = 0.03, SMOL, DIR_40, .unfinished = true},
    {"tiny", 40, 13, 0, 0, 0, 0, 0.004, 0.6, 0.002, .source = "measured", .signature = "component(soc_in)",
     .gain_u = 0.1, SMOL, DIR_40},
    {"huge", 12000, 9000, 0, 0, 0, 0, 2.3e6, 12345, 900, .source = "measured", .gain_u = 0.06,
     .signature = "component(cpu_package+dram+gpu_board)",
     .model = "an-organisation/a-model-whose-name-does-not-end-before-the-line-does-and-goes-on-Instruct",
     .quant = "IQ2_XXS", .device = "8 x NVIDIA H200 141GB HBM3e SXM, 2 x Intel Xeon Platinum 8592+ with 64 cores each",
     .dir = "/data/a-long-way-down/where-runs-are-kept/profile_h200_a-model-whose-name-does-not-end_mmlu-pro_12"},
    {"hostile", 40, 13, 1, 0, 0, 0, 7.7, 14, 0.2, ESTIMATED, .why = "a\nb\033[2Jc",
     .model = "\033[31mred\033[0m\r\nsecond \xc2\x9b""2J line \xe2\x80\xae\xff",
     .quant = "\"Q\",4", .device = "\177\t|", .dir = "runs/\033]0;x\007"},
};
enum { N_SPECS = sizeof specs / sizeof specs[0] };

static const char *const next_lines[] = {"ipw analyze accuracy runs/a",
                                         "ipw sensors             what could be measured",
                                         "ipw profile -m MODEL.gguf     the same questions to another model", NULL};

static void invent_row(struct table_row *r, const struct spec *s, size_t i)
{
    double u = (double)(i * 37 % s->n) / (double)s->n, v = (double)(i * 53 % 100) / 100;
    double j = s->mean_j * (s->n == 1 ? 1 : 0.1 + 1.8 * u), w = s->mean_w * (0.9 + 0.2 * v);
    size_t failed = s->right + s->unparsed, unscored = failed + s->failed, wrong = unscored + s->unscored;
    bool answered = i < failed || i >= unscored;
    *r = (struct table_row){.query_id = "starter/1", .dataset = "starter", .domain = "arithmetic", .attempt = 1};
    r->status = answered ? QUERY_OK : QUERY_ERROR;
    r->reason = answered ? NULL : "decode_failed";
    r->score = i < s->right                    ? SCORE_CORRECT
               : i < failed                    ? SCORE_UNPARSED
               : i >= unscored && i < wrong    ? SCORE_UNSCORED
                                               : SCORE_INCORRECT;
    r->score_reason = r->score == SCORE_UNSCORED ? "not_built" : NULL;
    r->correct = r->score == SCORE_UNSCORED ? (double)NAN : i < s->right;
    r->extracted = "42";
    r->n_in = 100;
    r->n_cached = 0;
    r->n_out = answered ? 47 : 0;
    r->n_reason = NAN;
    r->latency_s = r->energy_s = j / w;
    r->ttft_s = answered ? fmin(s->ttft_s, r->latency_s / 2) : (double)NAN;
    r->decode_s = answered ? (r->latency_s - r->ttft_s) * 0.98 : (double)NAN;
    bool missing = i >= s->n - s->missing;
    r->energy_j = missing ? (double)NAN : j;
    r->u_j = missing ? (double)NAN : j / 100;
    r->prefill_j = missing || !answered || s->slow_counter ? (double)NAN : j * r->ttft_s / r->latency_s;
    r->decode_j = missing || !answered ? (double)NAN : j * (1 - r->ttft_s / r->latency_s);
    bool estimated = ipw_streq(s->source, "estimated");
    r->energy_status = missing ? ENERGY_MISSING : estimated ? ENERGY_ESTIMATED : ENERGY_MEASURED;
    r->energy_reason = missing ? "counter_gap" : NULL;
    r->other_j[TABLE_ACCEL] = r->other_j[TABLE_SYSTEM] = NAN;
    r->net_j = s->idle_w > 0 ? r->energy_j - s->idle_w * r->latency_s : (double)NAN;
    r->slowed = s->idle_w > 0 && i % 10 == 0;
}

/* In the order of the signature's words, each with its share of the watts. */
static size_t invent_members(const struct spec *s, struct table_member m[3])
{
    static const struct table_member known[] = {{"gpu_board", "nvml", 0.8}, {"cpu_package", "powercap", 0.17},
                                                {"dram", "perf", 0.03},     {"soc_in", "hwmon", 1}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(s->signature, known[i].scope)) {
            m[n] = known[i];
            m[n++].w *= s->mean_w;
        }
    return n;
}

static struct table_run invent(const struct spec *s)
{
    static struct table_member members[3];
    struct table_run t = {.dir = s->dir,
                          .run_id = "0192-a",
                          .complete = !s->unfinished,
                          .model_name = s->model,
                          .model_fingerprint = "sha256:00",
                          .quant = s->quant,
                          .device = s->device,
                          .dataset_name = "starter",
                          .dataset_sha256 = "11",
                          .dataset_n = (int64_t)s->n * (s->unfinished ? 2 : 1),
                          .energy_source = s->source,
                          .energy_reason = s->reason,
                          .signature = s->signature,
                          .gain_u = s->gain_u,
                          .gap_j = ipw_streq(s->source, "none") ? (double)NAN : 11,
                          .members = members,
                          .n_members = invent_members(s, members),
                          .idle_cold_w = NAN,
                          .idle_w = s->idle_w > 0 ? s->idle_w : (double)NAN,
                          .idle_after_w = 23,
                          .idle_drifts = s->idle_w > 0,
                          .unmetered = &s->unmetered,
                          .n_unmetered = s->unmetered != NULL,
                          .v = ipw_calloc(s->n, sizeof *t.v),
                          .n = s->n};
    for (size_t i = 0; i < s->n; i++)
        invent_row(&t.v[i], s, i);
    return t;
}

static char *screen_of(const struct spec *s, bool color)
{
    struct ipw_buf out = IPW_BUF_INIT;
    struct accuracy_result r;
    struct table_run run = invent(s);
    const struct report_screen opt = {.color = color, .why = s->why, .next = next_lines};
    accuracy_of(&run, false, &r);
    report_screen(&run, &r, &opt, &out);
    table_run_release(&run);
    return ipw_buf_take(&out);
}

/* ---- screens ---- */

/* Fits a terminal, has no byte that could steer one, and no number that is none. */
static void check_plain(const char *name, const char *text, size_t lines)
{
    size_t n = 0, column = 0;
    const char *line = text;
    for (const char *p = text; *p; p++) {
        if (*p != '\n' && (*p < 0x20 || *p > 0x7e))
            fail_msg("%s: byte %d in line %zu", name, (unsigned char)*p, n + 1);
        if (*p != '\n') {
            column++;
            continue;
        }
        if (column > 80 && !ipw_starts(line, " Saved"))
            fail_msg("%s: line %zu has %zu columns", name, n + 1, column);
        if (column && p[-1] == ' ')
            fail_msg("%s: line %zu ends in spaces", name, n + 1);
        n++;
        column = 0;
        line = p + 1;
    }
    if (lines && n > lines)
        fail_msg("%s: %zu lines", name, n);
    static const char *const never[] = {"nan", "-nan", "inf ", "(null)"};
    for (const char *p = text; *p; p++)
        for (size_t i = 0; i < 4 && (p == text || !isalnum((unsigned char)p[-1])); i++)
            if (ipw_starts(p, never[i]))
                fail_msg("%s: '%.20s' is no number", name, p);
}

static void test_screens(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SPECS; i++) {
        char *text = screen_of(&specs[i], false);
        check_plain(specs[i].name, text, 24);
        golden(specs[i].name, text);
        free(text);
    }
}

/* Colour repeats what the words say: without its codes the text is the same; a measured run has none. */
static void test_color(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char *plain = screen_of(&specs[i], false), *tinted = screen_of(&specs[i], true), *to = tinted;
        size_t codes = 0;
        for (char *p = tinted; *p; p++) {
            if (*p == '\033') {
                codes++;
                p = strchr(p, 'm');
                continue;
            }
            *to++ = *p;
        }
        *to = '\0';
        assert_string_equal(tinted, plain);
        assert_true(ipw_streq(specs[i].source, "measured") == (codes == 0));
        free(plain);
        free(tinted);
    }
}

/* ---- JSON ---- */

/* Every key of want is in got, with a value of its type where want has one. */
static void same_keys(const json_val *want, const json_val *got, const char *path)
{
    char sub[256];
    for (struct json_iter it = json_iter(want); json_next(&it);) {
        if (!it.key) /* an array */
            return;
        const json_val *v = json_get(got, it.key);
        snprintf(sub, sizeof sub, "%s.%s", path, it.key);
        if (json_type(v) == JSON_ABSENT && !ipw_starts(path, ".status_counts"))
            fail_msg("summary.json has no %s", sub);
        if (json_type(v) > JSON_NULL && json_type(it.val) > JSON_NULL && json_type(v) != json_type(it.val))
            fail_msg("%s is %s, not %s", sub, json_type_name(json_type(v)), json_type_name(json_type(it.val)));
        if (json_type(it.val) == JSON_OBJ)
            same_keys(it.val, v, sub);
    }
}

static struct json_doc *parse(const char *text)
{
    struct json_doc *doc;
    struct ipw_err err;
    if (json_read(&doc, text, strlen(text), 0, &err))
        fail_msg("%s in %s", err.text, text);
    return doc;
}

static const json_val *at(const json_val *v, const char *path)
{
    char key[64];
    for (const char *p = path; *p && v; p += strcspn(p, ".") + (p[strcspn(p, ".")] == '.')) {
        snprintf(key, sizeof key, "%.*s", (int)strcspn(p, "."), p);
        v = json_get(v, key);
    }
    return v;
}

static void test_summary_json(void **state)
{
    (void)state;
    static const char *const estimates[] = {"accuracy",      "accuracy_scored",   "energy.per_query_j.component",
                                            "ipj.component", "ipw.component",     "ipw_tw.component",
                                            "ipw_slo.component", "power_w.mean.component", "ipj_net.component",
                                            "energy.net_per_query_j.component"};
    char path[256];
    struct ipw_buf text = IPW_BUF_INIT;
    struct ipw_err err;
    struct json_doc *example = NULL;
    const json_val *keys = NULL;
    if (!check_shared("design/contract/summary.example.json", path, sizeof path))
        print_message("skipped: no %s to compare the keys with\n", path);
    else if (!fs_read(path, 1 << 16, &text, &err))
        example = parse(text.s);
    for (size_t i = 0; i < N_SPECS; i++) {
        struct table_run run = invent(&specs[i]);
        struct accuracy_result r;
        accuracy_of(&run, false, &r);
        char *json = report_summary_json(&run, &r);
        struct json_doc *doc = parse(json);
        const json_val *root = json_root(doc);
        if (example)
            same_keys(json_root(example), root, "");
        keys = json_get(example ? json_root(example) : root, "accuracy");
        for (size_t k = 0; k < sizeof estimates / sizeof estimates[0]; k++)
            for (struct json_iter it = json_iter(keys); json_next(&it);)
                if (json_type(json_get(at(root, estimates[k]), it.key)) == JSON_ABSENT)
                    fail_msg("%s: %s has no %s", specs[i].name, estimates[k], it.key);
        assert_int_equal(json_type(at(root, "energy.idle_w.component")), specs[i].idle_w > 0 ? JSON_NUM : JSON_NULL);
        assert_int_equal(json_type(at(root, "ipj_net.component.est")), specs[i].idle_w > 0 ? JSON_NUM : JSON_NULL);
        bool no_j = json_type(at(root, "phases.decode.j.component")) == JSON_NULL;
        assert_int_equal(no_j, json_type(at(root, "phases.decode.reason")) == JSON_STR);
        assert_null(strstr(json, ": nan"));
        json_doc_free(doc);
        free(json);
        table_run_release(&run);
    }
    json_doc_free(example);
    ipw_buf_release(&text);
}

static double num_at(const struct json_doc *doc, const char *path)
{
    const json_val *v = at(json_root(doc), path);
    if (json_type(v) != JSON_NUM)
        fail_msg("no number at %s", path);
    return json_num(v);
}

/* The keys a program of the reference reads, in the run with failed and unscored questions. */
static void test_accuracy_json(void **state)
{
    (void)state;
    struct table_run run = invent(&specs[8]);
    struct accuracy_result r;
    assert_string_equal(specs[8].name, "unscored");
    accuracy_of(&run, false, &r);
    char *json = report_accuracy_json(&run, &r);
    struct json_doc *doc = parse(json);
    check_near(num_at(doc, "summary.correct"), 13, 0);
    check_near(num_at(doc, "summary.incorrect"), 18, 0);
    check_near(num_at(doc, "summary.unevaluated"), 7, 0);
    check_near(num_at(doc, "summary.failed"), 2, 0);
    check_near(num_at(doc, "summary.total_scored"), 34, 0);
    check_near(num_at(doc, "summary.accuracy"), 13. / 34, 1e-12);
    check_near(num_at(doc, "summary.accuracy_scored"), 13. / 31, 1e-12);
    check_near(num_at(doc, "summary.intelligence_per_joule"), r.ipj.est, 1e-12);
    check_near(num_at(doc, "summary.intelligence_per_watt"), r.ipw.est, 1e-12);
    check_near(num_at(doc, "summary.avg_per_query_energy_joules"), r.per_query_j.est, 1e-12);
    check_near(num_at(doc, "summary.avg_per_query_power_watts"), r.power_w.est, 1e-12);
    check_near(num_at(doc, "summary.energy_sample_count"), 34, 0);
    check_near(num_at(doc, "summary.power_sample_count"), 34, 0);
    check_near(num_at(doc, "data.efficiency.energy.total"), r.energy.total, 1e-12);
    check_near(num_at(doc, "data.efficiency.energy.accuracy"), 13. / 34, 1e-12);
    check_near(num_at(doc, "data.efficiency.energy.imputed_count"), 0, 0);
    check_near(num_at(doc, "data.efficiency.power.derived_power_samples"), 34, 0);
    check_near(num_at(doc, "bounds.all_right"), 19. / 40, 1e-12);
    json_doc_free(doc);
    free(json);
    table_run_release(&run);
}

static void test_queries_jsonl(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SPECS; i++) {
        struct table_run run = invent(&specs[i]);
        struct ipw_buf out = IPW_BUF_INIT;
        size_t n = 0;
        report_queries_jsonl(&run, &out);
        for (char *line = out.s, *end; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            struct json_doc *doc = parse(line);
            if (run.v[n].energy_status == ENERGY_MISSING)
                assert_int_equal(json_type(at(json_root(doc), "energy_j")), JSON_NULL);
            else
                check_near(num_at(doc, "energy_j"), run.v[n].energy_j, 1e-12);
            assert_int_equal(json_len(json_root(doc)), 28);
            json_doc_free(doc);
            n++;
        }
        assert_int_equal(n, run.n);
        ipw_buf_release(&out);
        table_run_release(&run);
    }
}

/* ---- tables ---- */

static void test_accuracy_table(void **state)
{
    (void)state;
    struct table_run run[N_SPECS];
    struct accuracy_result r[N_SPECS];
    const struct table_run *runs[N_SPECS];
    const struct accuracy_result *results[N_SPECS];
    struct ipw_buf out = IPW_BUF_INIT;
    for (size_t i = 0; i < N_SPECS; i++) {
        run[i] = invent(&specs[i]);
        accuracy_of(&run[i], false, &r[i]);
        runs[i] = &run[i];
        results[i] = &r[i];
    }
    report_accuracy(runs, results, N_SPECS, "table", &out);
    check_plain("table", out.s, 0);
    golden("table", out.s);
    ipw_buf_clear(&out);
    report_accuracy(runs, results, 1, "table", &out);
    check_plain("block", out.s, 0);
    golden("block", out.s);
    ipw_buf_clear(&out);
    report_accuracy(runs, results, N_SPECS, "csv", &out);
    assert_non_null(strstr(out.s, "\r\n\"?[31mred?[0m\r\nsecond ?2J line ??\","));
    assert_null(strstr(out.s, "nan"));
    ipw_buf_clear(&out);
    report_accuracy(runs, results, N_SPECS, "json", &out);
    struct json_doc *doc = parse(out.s);
    assert_int_equal(json_len(json_root(doc)), N_SPECS);
    json_doc_free(doc);
    for (size_t i = 0; i < N_SPECS; i++)
        table_run_release(&run[i]);
    ipw_buf_release(&out);
}

static void test_table(void **state)
{
    (void)state;
    static const char *const head[] = {"name", "x", "note"};
    static const char *const cells[] = {"a,b", "-", "say \"hi\"", "\xc3\xa9t\xc3\xa9", "12", "one|two three four five"};
    const struct report_table t = {head, 3, 2, cells, 1u << 1};
    struct ipw_buf out = IPW_BUF_INIT;
    report_table(&t, "csv", 80, &out);
    assert_string_equal(out.s, "name,x,note\r\n"
                               "\"a,b\",,\"say \"\"hi\"\"\"\r\n\xc3\xa9t\xc3\xa9,12,one|two three four five\r\n");
    ipw_buf_clear(&out);
    report_table(&t, "md", 80, &out);
    assert_string_equal(out.s, "| name | x | note |\n|---|---:|---|\n| a,b | - | say \"hi\" |\n"
                               "| \xc3\xa9t\xc3\xa9 | 12 | one\\|two three four five |\n");
    ipw_buf_clear(&out);
    report_table(&t, "table", 24, &out);
    assert_string_equal(out.s, "name   x  note\n"
                               "a,b    -  say \"hi\"\n"
                               "\xc3\xa9t\xc3\xa9   12  one|two three\n"
                               "          four five\n");
    ipw_buf_release(&out);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *num, *joules;
    } cases[] = {{0.0097, "0.0097", "9.7 mJ"}, {7.7, "7.7", "7.7 J"},       {14.2, "14", "14 J"},
                 {212, "212", "212 J"},        {0.0997, "0.10", "0.10 J"},  {0.99951, "1.0", "1.0 J"},
                 {9.96, "10", "10 J"},         {1234, "1234", "1.2 kJ"},    {999.4, "999", "999 J"},
                 {999.7, "1000", "1.0 kJ"},    {2.34e6, "2340000", "2.3 MJ"}, {0, "0", "0 J"},
                 {NAN, "-", "- J"},            {INFINITY, "-", "- J"},      {4.2e-6, "4.2e-06", "0.0042 mJ"},
                 {3e9, "3.0e+09", "3000 MJ"},  {0.027, "0.027", "0.027 J"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char num[24], joules[32];
        report_num(cases[i].x, num);
        report_joules(cases[i].x, joules);
        assert_string_equal(num, cases[i].num);
        assert_string_equal(joules, cases[i].joules);
    }
}

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *in, *safe;
    } cases[] = {{"plain ~|", "plain ~|"},
                 {"\033[2J\r\n\t\177", "?[2J????"},
                 {"na\xc3\xafve \xe6\x97\xa5 \xf0\x9f\x94\x8b", "na\xc3\xafve \xe6\x97\xa5 \xf0\x9f\x94\x8b"},
                 {"\xc2\x9b" "31m", "?31m"},             /* C1 CSI */
                 {"\xe2\x80\xae" "gpj", "?gpj"},         /* right-to-left override */
                 {"\xff\xc3:\xe2\x82", "??:??"},         /* broken */
                 {NULL, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ipw_buf out = IPW_BUF_INIT;
        report_text(cases[i].in, &out);
        assert_string_equal(out.s, cases[i].safe);
        ipw_buf_release(&out);
    }
    struct ipw_buf out = IPW_BUF_INIT;
    report_cut("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 4, &out);
    assert_string_equal(out.s, "\xc3\xa9\xc3\xa9..");
    ipw_buf_release(&out);
}

/* What is pasted is never broken, and nothing else is wider than the terminal. */
static void test_fold(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        int columns;
    } cases[] = {
        {"one two three four", "one two\n  three\n  four\n", 9},
        {"the driver's file '/a b/c d' is not there", "the driver's\n  file\n  '/a b/c d'\n  is not there\n", 15},
        {"look: ipw doctor energy, then go", "look:\n  ipw doctor energy,\n  then go\n", 14},
        {"use --energy estimated or none; it's 'open", "use\n  --energy estimated\n  or none;\n  it's 'open\n", 14},
        {"Do this:\n    sudo a very long command line\nthen that", "Do this:\n      sudo a very long command line\n  then\n  that\n", 10},
        {"a\033[2Jb c", "a?[2Jb\n  c\n", 8},
        {"\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9", "\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9\n", 7},
        {"", "", 80},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ipw_buf out = IPW_BUF_INIT;
        report_fold(cases[i].in, cases[i].columns, 0, 2, &out);
        assert_string_equal(out.s, cases[i].out);
        ipw_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screens),       cmocka_unit_test(test_color),
        cmocka_unit_test(test_summary_json),  cmocka_unit_test(test_accuracy_json),
        cmocka_unit_test(test_queries_jsonl), cmocka_unit_test(test_accuracy_table),
        cmocka_unit_test(test_table),         cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_text),          cmocka_unit_test(test_fold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
