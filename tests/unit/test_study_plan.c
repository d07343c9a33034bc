/* Studies without a model: files to cells, cells to blocks, options and settings out of files. */
#include "check.h"

#include <limits.h>

#include "base/str.h"
#include "cli/config.h"
#include "cli/profile.h"
#include "cli/shipped.h"
#include "run/estimate.h"
#include "run/study.h"
#include "run/study_plan.h"

static struct ipw_err err;

static int read_text(struct study *s, const char *text)
{
    study_init(s);
    return study_read(s, "s.json", text, strlen(text), &err);
}

static void test_cells(void **state)
{
    (void)state;
    struct study s;
    assert_int_equal(read_text(&s, "{ // two of each\n"
                                   "\"models\": [\"a\", \"b\"], \"datasets\": [\"x\"], \"repeats\": 2,\n"
                                   "\"settings\": [{\"label\": {\"threads\": 1}}, {\"before\": \"true\"},],\n}"), 0);
    assert_int_equal(study_cells(&s), 8);
    size_t seen[2][2][2] = {{{0}}};
    for (size_t i = 0; i < 8; i++) {
        struct study_cell c = study_cell_at(&s, i);
        assert_string_equal(c.dataset, "x");
        assert_null(c.engine);
        seen[c.model[0] - 'a'][c.setting - s.settings][c.repeat - 1]++;
    }
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(seen[i / 4][i / 2 % 2][i % 2], 1);
    study_release(&s);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } v[] = {
        {"{\"modles\": [\"a\"]}", "'s.json': unknown key 'modles': did you mean 'models'?"},
        {"{\n\n\"models\": [}", "'s.json' line 3: not JSON"},
        {"[]", "an object is needed"},
        {"{\"models\": [\"a\"], \"models\": [\"b\"]}", "'models' stands there twice"},
        {"{\"models\": []}", "'models' takes a list of GGUF files"},
        {"{\"models\": [1]}", "'models' takes a list of GGUF files"},
        {"{\"repeats\": 0}", "'repeats' takes a whole number from 1"},
        {"{\"repeats\": 1e300}", "'repeats' takes a whole number from 1"},
        {"{\"settings\": [{\"befor\": \"x\"}]}", "unknown key 'befor': did you mean 'before'?"},
        {"{\"settings\": []}", "'settings' takes a list"},
        {"{\"settings\": [3]}", "'settings' takes a list"},
        {"{\"settings\": [{\"label\": {\"Power W\": 1}}]}", "'label' takes an object of texts"},
        {"{\"settings\": [{\"label\": {\"a\": null}}]}", "'label' takes an object of texts"},
        {"{\"settings\": [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}], \"repeats\": 1000}", "makes 11000 runs"},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct study s;
        assert_int_equal(read_text(&s, v[i].text), IPW_E_INPUT);
        if (!strstr(err.text, v[i].says))
            fail_msg("%s\nsays: %s\nnot: %s", v[i].text, err.text, v[i].says);
        study_release(&s);
    }
}

static struct study_plan plan_of(const int64_t *blocks, size_t n)
{
    struct study_plan p = {.name = strdup("s")};
    for (size_t i = 0; i < n; i++) {
        struct study_run *r = study_plan_add(&p);
        r->blocks = blocks[i];
        r->questions = 10;
        r->dir = strdup(i ? "b" : "a");
        r->labels = strdup("{\"k\":\"v\"}");
        r->plan.model = strdup("m.gguf");
        r->plan.temperature = 0.6;
    }
    return p;
}

/* Every block once, in its run's order; and a drift that grows evenly falls on all runs alike. */
static void test_order(void **state)
{
    (void)state;
    const int64_t blocks[] = {4, 4, 4};
    struct study_plan p = plan_of(blocks, 3);
    struct study_block *b;
    size_t n = study_order(&p, &b), at[3] = {0};
    int64_t next[3] = {0};
    assert_int_equal(n, 12);
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(b[k].i, next[b[k].run]++);
        assert_int_equal(b[k].last, b[k].i == 3);
        at[b[k].run] += k;
        if (k % 3 == 2) /* each round has every run */
            assert_int_equal((1 << b[k].run | 1 << b[k - 1].run | 1 << b[k - 2].run), 7);
    }
    assert_int_equal(at[0], at[1]);
    assert_int_equal(at[1], at[2]);
    free(b);
    study_plan_release(&p);

    const int64_t uneven[] = {1, 3};
    p = plan_of(uneven, 2);
    n = study_order(&p, &b);
    const size_t want[] = {0, 1, 1, 1};
    assert_int_equal(n, 4);
    for (size_t k = 0; k < n; k++)
        assert_int_equal(b[k].run, want[k]);
    assert_true(b[0].last && b[3].last && !b[1].last);
    free(b);
    study_plan_release(&p);
}

static void test_blocks_of(void **state)
{
    (void)state;
    assert_int_equal(study_blocks_of(1000, 5, 100), 4);
    assert_int_equal(study_blocks_of(1000, 40, 100), 2); /* three would open the model for 12 % of the time */
    assert_int_equal(study_blocks_of(1000, 500, 100), 1);
    assert_int_equal(study_blocks_of(1000, 5, 3), 3);
}

/* study.json gives back the same plan; blocks, folders and progress are not what makes a study another one. */
static void test_plan_file(void **state)
{
    (void)state;
    const int64_t blocks[] = {2, 3};
    struct study_plan p = plan_of(blocks, 2), q;
    char a[65], b[65], *text = study_plan_json(&p), *again;
    p.v[1].before = NULL;
    assert_int_equal(study_plan_read(&q, "study.json", text, strlen(text), &err), 0);
    again = study_plan_json(&q);
    assert_string_equal(text, again);
    free(again);
    q.complete = true;
    q.v[0].blocks = 9;
    study_plan_hash(&p, a);
    study_plan_hash(&q, b);
    assert_string_equal(a, b);
    q.v[0].plan.threads = 3;
    study_plan_hash(&q, b);
    assert_string_not_equal(a, b);
    study_plan_release(&q);

    char *dir = strstr(text, "\"dir\": \"a\"");
    memcpy(dir, "\"dir\":\"..\"", 10); /* no way out of the folder */
    assert_int_equal(study_plan_read(&q, "study.json", text, strlen(text), &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "'study.json' is damaged"));
    memcpy(dir, "\"dir\": \"b\"", 10); /* that of the other run */
    assert_int_equal(study_plan_read(&q, "study.json", text, strlen(text), &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "two runs in it have the folder 'b'"));
    memcpy(dir, "\"dir\":\"\\n\"", 10); /* it is printed to be pasted */
    assert_int_equal(study_plan_read(&q, "study.json", text, strlen(text), &err), IPW_E_INPUT);
    assert_int_equal(study_plan_read(&q, "study.json", text, strlen(text) / 2, &err), IPW_E_INPUT);
    free(text);
    study_plan_release(&p);
}

/* Block after block is the run, in its order. */
static void test_todo(void **state)
{
    (void)state;
    enum { N = 23 };
    struct question v[N];
    char id[N][8];
    struct dataset data = {.v = v, .n = N};
    struct run_plan plan;
    struct run_todo all, part;
    run_plan_init(&plan);
    for (size_t i = 0; i < N; i++) {
        snprintf(id[i], sizeof id[i], "q%zu", i);
        v[i] = (struct question){.id = id[i]};
    }
    for (int64_t shards = 1; shards <= 3; shards++)
        for (int64_t of = 1; of <= 25; of++) {
            size_t k = 0;
            plan.shards = shards;
            assert_int_equal(run_todo_make(&all, &data, &plan, NULL, false, &err), 0);
            for (int64_t b = 0; b < of; b++) {
                assert_int_equal(run_todo_make(&part, &data, &plan, NULL, false, &err), 0);
                run_todo_block(&part, b, of);
                assert_int_equal(part.total, all.total);
                for (size_t i = 0; i < part.n; i++)
                    assert_int_equal(part.v[i].question, all.v[k++].question);
                run_todo_release(&part);
            }
            assert_int_equal(k, all.n);
            run_todo_release(&all);
        }
    run_plan_release(&plan);
}

/* ---- options out of files ---- */

static int set(struct profile *p, const char *text, const char *flag)
{
    struct option opt[PROFILE_MAX_OPTIONS];
    size_t resume, n = profile_options(p, opt, &resume);
    for (size_t i = 0; i < n; i++)
        opt[i].seen = flag && !strcmp(opt[i].name, flag);
    return config_apply_text("c.json", text, strlen(text), "profile", opt, n, &err);
}

static void test_config(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says; /* NULL: taken */
    } v[] = {
        {"{\"threads\": 3, // all\n\"profile\": {\"max-tokens\": 7, \"limit\": 9, \"ignore-eos\": true}}", NULL},
        {"{\"thread\": 3}", "'c.json': unknown key 'thread': did you mean 'threads'?"},
        {"{\"profil\": {}}", "'c.json': unknown key 'profil': did you mean 'profile'?"},
        {"{\"profile\": {\"max-token\": 3}}", "'c.json': unknown key 'max-token': did you mean 'max-tokens'?"},
        {"{\"profile\": {\"max-tokens\": 0}}", "'c.json': 'max-tokens' takes a whole number from 1 to 10000000"},
        {"{\"profile\": {\"max-tokens\": \"7\"}}", "'max-tokens' takes a whole number"},
        {"{\"profile\": {\"temperature\": null}}", "'temperature' takes a number from 0 to 100"},
        {"{\"profile\": {\"ignore-eos\": 1}}", "'ignore-eos' takes true or false"},
        {"{\"profile\": {\"model\": [1]}}", "'model' takes a text or a list of texts"},
        {"{\"profile\": 3}", "'profile' takes an object"},
        {"{\"measure\": {\"nonsense\": 3}, \"study run\": {}}", NULL}, /* of other commands: theirs to check */
        {"{\"study fly\": {}}", "unknown key 'study fly'"},
        {"{\"temperature\": 1}", "options of one command stand under its name"},
        {"{\"threads\": 3", "'c.json' line 1: not JSON"},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct profile p;
        profile_init(&p, NULL);
        assert_int_equal(set(&p, v[i].text, NULL), v[i].says ? IPW_E_INPUT : 0);
        if (v[i].says && !strstr(err.text, v[i].says))
            fail_msg("%s\nsays: %s\nnot: %s", v[i].text, err.text, v[i].says);
        if (!i)
            assert_true(p.plan.threads == 3 && p.plan.max_tokens == 7 && p.plan.max_queries == 9 && p.plan.ignore_eos);
        profile_release(&p);
    }
}

/* A command's own section before the top; a flag, and for devices the environment, before both. */
static void test_precedence(void **state)
{
    (void)state;
    struct profile p;
    profile_init(&p, NULL);
    assert_int_equal(set(&p, "{\"profile\": {\"threads\": 2, \"seed\": 5}, \"threads\": 9, \"model\": [\"a\", \"b\"]}", "seed"), 0);
    assert_int_equal(p.plan.threads, 2);
    assert_int_equal(p.plan.seed, 0);
    assert_int_equal(p.models.n, 2);
    setenv("CUDA_VISIBLE_DEVICES", "1", 1);
    assert_int_equal(set(&p, "{\"devices\": \"0\"}", NULL), 0);
    assert_null(p.plan.devices);
    unsetenv("CUDA_VISIBLE_DEVICES");
    assert_int_equal(set(&p, "{\"devices\": \"0\"}", NULL), 0);
    assert_string_equal(p.plan.devices, "0");
    profile_release(&p);
}

static void test_shipped(void **state)
{
    (void)state;
    for (const struct shipped *s = shipped_presets; s->name; s++) {
        struct profile p;
        struct option opt[PROFILE_MAX_OPTIONS];
        size_t resume;
        profile_init(&p, NULL);
        profile_options(&p, opt, &resume);
        if (shipped_preset(s->name, opt + PROFILE_FIRST_SET, resume - PROFILE_FIRST_SET, &err))
            fail_msg("%s", err.text);
        profile_release(&p);
    }
    for (const struct shipped *s = shipped_studies; s->name; s++) {
        struct study study;
        study_init(&study);
        if (study_read(&study, s->name, (const char *)s->text, *s->len, &err) || !study.about || !ipw_streq(study.name, s->name))
            fail_msg("%s: %s", s->name, err.text);
        study_release(&study);
    }
}

static void test_labels(void **state)
{
    (void)state;
    static const struct {
        const char *flag, *json; /* json NULL: refused */
    } v[] = {{"power_w=150", "{\"power_w\":\"150\",\"repeat\":\"2\"}"}, {"a=b=c", "{\"a\":\"b=c\",\"repeat\":\"2\"}"},
             {"a=", "{\"a\":\"\",\"repeat\":\"2\"}"}, {"a", NULL}, {"=x", NULL}, {"A=x", NULL}, {"1a=x", NULL},
             {"repeat=3", NULL}, {"a b=x", NULL}};
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct option_list l = {0};
        char *json = NULL;
        option_list_add(&l, v[i].flag);
        int rc = profile_labels(&l, NULL, 2, &json, &err);
        assert_int_equal(rc, v[i].json ? 0 : IPW_E_USAGE);
        if (v[i].json)
            assert_string_equal(json, v[i].json);
        free(json);
        option_list_release(&l);
    }
}

static void test_estimate(void **state)
{
    (void)state;
    struct run_brief v[] = {
        {.model_file = "m.gguf", .model_bytes = 100, .host = "here", .dataset_name = "a", .seconds = 2, .per_query_j = 30},
        {.model_file = "m.gguf", .model_bytes = 100, .host = "here", .dataset_name = "b", .seconds = 4, .per_query_j = NAN},
        {.model_file = "m.gguf", .model_bytes = 100, .host = "there", .dataset_name = "c", .seconds = 8},
        {.model_file = "m.gguf", .model_bytes = 100, .host = "here", .dataset_name = "c", .seconds = NAN},
    };
    struct run_briefs list = {.v = v, .n = 4};
    struct run_estimate e;
    assert_ptr_equal(run_estimate_earlier(&list, "x/m.gguf", 100, "here", "b"), &v[1]);
    assert_ptr_equal(run_estimate_earlier(&list, "x/m.gguf", 100, "here", "c"), &v[0]); /* another set rather than none */
    assert_null(run_estimate_earlier(&list, "x/m.gguf", 101, "here", "a"));
    assert_null(run_estimate_earlier(&list, "x/n.gguf", 100, "here", "a"));
    run_estimate_of(&e, 10, 100, &v[0]);
    check_near(e.seconds, 20, 1e-9);
    check_near(e.joules, 300, 1e-9);
    run_estimate_of(&e, 140, 2600000000, NULL);
    check_near(e.seconds, 140 * 150 * 2.6 / 20, 1e-9);
    assert_true(isnan(e.joules));
    static const struct {
        double s;
        const char *words;
    } w[] = {{0.2, "about 1 second"}, {44, "about 40 seconds"}, {420, "about 7 minutes"}, {3700, "about 62 minutes"},
             {9000, "about 2.5 hours"}, {36000, "about 10 hours"}, {400 * 3600.0, "about 17 days"}};
    assert_non_null(run_estimate_words(INFINITY, (char[32]){0})); /* past every row of its table */
    char words[32];
    for (size_t i = 0; i < sizeof w / sizeof w[0]; i++)
        assert_string_equal(run_estimate_words(w[i].s, words), w[i].words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),      cmocka_unit_test(test_bad_files), cmocka_unit_test(test_order),
        cmocka_unit_test(test_blocks_of),  cmocka_unit_test(test_plan_file), cmocka_unit_test(test_todo),
        cmocka_unit_test(test_config),     cmocka_unit_test(test_precedence), cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_labels),     cmocka_unit_test(test_estimate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
