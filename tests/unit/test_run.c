/* The runner, its three threads, the store and the finish, with a scripted engine: what the thread sanitizer can see
 * whole, and situations a real model does not produce on demand. */
#include "check.h"

#include <unistd.h>

#include "analysis/accuracy.h"
#include "base/fs.h"
#include "base/str.h"
#include "fakes/fake_io.h"
#include "fakes/nvml_stub.h"
#include "run/finish.h"
#include "run/load.h"
#include "run/runner.h"

enum { QUESTIONS = 25, TOKENS = 12 };

/* ---- an engine that answers "42" to everything, in TOKENS steps of 2 ms ---- */

struct engine {
    const struct ipw_env *env;
    uint32_t id;
    int step; /* 0: idle */
    int asked;
    bool on_gpu;
    _Atomic bool abort;
    struct engine_model model;
};

static struct engine scripted;

static int fake_submit(struct engine *e, const struct engine_req *req, struct ipw_err *err)
{
    (void)err;
    e->id = req->id;
    e->step = 1;
    e->asked++;
    return 0;
}

static int end(struct engine *e, struct engine_event *ev, enum query_status status, const char *reason)
{
    *ev = (struct engine_event){.kind = ENGINE_END, .id = e->id, .t_ns = ipw_now(e->env), .status = status,
                                .reason = reason, .stop = "eos", .n_in = 7, .n_out = TOKENS, .prompt = "p",
                                .prompt_len = 1};
    e->step = 0;
    return 1;
}

static int fake_poll(struct engine *e, int64_t deadline, struct engine_event *ev, int cap, struct ipw_err *err)
{
    (void)deadline;
    (void)cap;
    (void)err;
    if (!e->step)
        return 0;
    if (atomic_exchange(&e->abort, false))
        return end(e, ev, QUERY_ERROR, "interrupted");
    int s = e->step++;
    if (s == 1) {
        *ev = (struct engine_event){.kind = ENGINE_SENT, .id = e->id, .t_ns = ipw_now(e->env)};
        return 1;
    }
    usleep(2000);
    if (s == TOKENS + 2)
        return end(e, ev, QUERY_OK, NULL);
    int n = 0;
    if (s == 2)
        ev[n++] = (struct engine_event){.kind = ENGINE_FIRST, .id = e->id, .t_ns = ipw_now(e->env)};
    ev[n++] = (struct engine_event){.kind = ENGINE_TOKEN, .id = e->id, .t_ns = ipw_now(e->env),
                                    .text = s == 2 ? "42" : " ", .len = s == 2 ? 2 : 1};
    return n;
}

static void fake_abort(struct engine *e)
{
    atomic_store(&e->abort, true);
}

static int fake_devices(struct engine *e, struct engine_device *out, int cap)
{
    (void)cap;
    out[0] = (struct engine_device){.key = "cpu", .name = "cpu", .kind = "cpu", .computes = !e->on_gpu};
    out[1] = (struct engine_device){.key = "0000:01:00.0", .name = "Stub GPU", .kind = "gpu", .computes = e->on_gpu};
    return 2;
}

static const char *fake_text(struct engine *e)
{
    (void)e;
    return "scripted";
}

static const struct engine_ops ops = {.name = "scripted", .submit = fake_submit, .poll = fake_poll,
                                      .abort = fake_abort, .devices = fake_devices, .build = fake_text,
                                      .cpu_variant = fake_text};

/* ---- one run in a temporary folder, under a simulated RAPL tree ---- */

struct bed {
    char dir[64];
    struct fake_io io;
    struct rapl_model rapl;
    struct dataset data;
    struct run_plan plan;
    struct meter *meter;
    struct store *store;
    struct run_todo todo;
    struct run_segment segment;
    struct recorder recorder;
    _Atomic int signals;
};

static struct ipw_err err;

static void must(int rc)
{
    if (rc)
        fail_msg("%s", err.text);
}

static void questions(struct bed *b)
{
    struct ipw_buf text = IPW_BUF_INIT;
    for (int i = 0; i < QUESTIONS; i++)
        ipw_buf_addf(&text, "{\"id\":\"q%d\",\"type\":\"numeric\",\"question\":\"?\",\"answer\":\"%d\",\"subject\":\"s\"}\n", i,
                     i % 5 ? 42 : 7);
    must(dataset_read_jsonl(&b->data, "test", text.s, text.len, &err));
    snprintf(b->data.name, sizeof b->data.name, "test");
    ipw_buf_release(&text);
}

static void bed_open(struct bed *b)
{
    *b = (struct bed){.dir = "/tmp/ipw-run-XXXXXX", .rapl = RAPL_MODEL_DEFAULT};
    assert_non_null(mkdtemp(b->dir));
    fake_io_init(&b->io, "xeon2");
    b->io.model = &b->rapl;
    b->io.real_clock = true;
    scripted = (struct engine){.env = &b->io.env};
    questions(b);
    run_plan_init(&b->plan);
    b->plan.warmup = 2;
    must(store_create(&b->store, b->dir, &err));
    must(store_begin(b->store, &err));
    must(store_put_meta(b->store, "dataset", "{\"name\":\"test\",\"sha256\":\"x\",\"n\":25}", &err));
    must(store_commit(b->store, &err));
}

static int put_engine(struct store *store, void *ud, struct ipw_err *e)
{
    struct bed *b = ud;
    struct run_machine machine;
    run_machine_read(&machine, &b->io.env);
    run_segment_computing(b->meter, &ops, &scripted);
    return run_segment_engine(&b->segment, store, &machine, b->meter, &ops, &scripted, e);
}

static int execute(struct bed *b, void (*progress)(const struct run_progress *, void *))
{
    struct run_machine machine;
    run_machine_read(&machine, &b->io.env);
    must(meter_open(&b->meter, &b->io.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err));
    must(run_todo_make(&b->todo, &b->data, &b->plan, b->store, false, &err));
    must(store_begin(b->store, &err));
    must(run_segment_begin(&b->segment, b->store, &b->io.env, &machine, b->meter, &ops, "test", &err));
    must(store_commit(b->store, &err));
    must(recorder_start(&b->recorder, &b->io.env, b->store, b->meter, &b->segment, b->todo.total - b->todo.n,
                        b->todo.total, &err));
    must(writer_call(&b->recorder.writer, put_engine, b, &err));
    struct run_ctx ctx = {.env = &b->io.env, .plan = &b->plan, .data = &b->data, .todo = &b->todo,
                          .recorder = &b->recorder, .segment = &b->segment, .ops = &ops, .engine = &scripted,
                          .signals = &b->signals, .progress = progress, .ud = b};
    struct run_load load;
    int rc = run_execute(&ctx, &load, &err), stopped = recorder_stop(&b->recorder, &err);
    rc = stopped ? stopped : rc;
    run_todo_release(&b->todo);
    run_segment_release(&b->segment);
    meter_close(b->meter);
    return rc;
}

static void bed_close(struct bed *b)
{
    char command[128];
    store_close(b->store);
    run_plan_release(&b->plan);
    free(b->data.v);
    ipw_arena_release(&b->data.arena);
    fake_io_release(&b->io);
    snprintf(command, sizeof command, "rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
}

static void test_whole_run(void **state)
{
    (void)state;
    struct bed b;
    struct table_run t;
    struct accuracy_result r;
    bed_open(&b);
    must(execute(&b, NULL));
    assert_int_equal(scripted.asked, QUESTIONS + 2); /* and two for warming up, which leave no row */
    must(run_finish(b.store, &err));
    must(run_load(&t, b.store, b.dir, &err));
    accuracy_of(&t, false, &r);
    assert_true(t.complete);
    assert_int_equal(t.n, QUESTIONS);
    check_near(r.accuracy.est, 0.8, 1e-12);
    assert_string_equal(t.energy_source, "measured");
    assert_string_equal(t.signature, "component(cpu_package+dram)");
    assert_int_equal(r.n_energy, QUESTIONS);
    for (size_t i = 0; i < t.n; i++) {
        /* two packages of 20 to 64 W and memory: between the bounds of the curve */
        double w = t.v[i].energy_j / t.v[i].latency_s;
        assert_true(w > 30 && w < 160);
        check_near(t.v[i].prefill_j + t.v[i].decode_j, t.v[i].energy_j, 1e-9);
        assert_int_equal(t.v[i].n_out, TOKENS);
    }
    assert_true(t.gap_j > 0 && t.gap_j < 10);
    accuracy_release(&r);
    table_run_release(&t);
    bed_close(&b);
}

/* Finishing twice gives the same rows; what is stored is enough to do it. */
static void test_finish_is_idempotent(void **state)
{
    (void)state;
    struct bed b;
    struct table_run one, two;
    bed_open(&b);
    must(execute(&b, NULL));
    must(run_finish(b.store, &err));
    must(run_load(&one, b.store, b.dir, &err));
    must(run_finish(b.store, &err));
    must(run_load(&two, b.store, b.dir, &err));
    assert_int_equal(one.n, two.n);
    for (size_t i = 0; i < one.n; i++) {
        assert_true(one.v[i].energy_j == two.v[i].energy_j);
        assert_true(one.v[i].score == two.v[i].score);
    }
    assert_int_equal(store_meta_int(b.store, "generation", 0), 2);
    table_run_release(&one);
    table_run_release(&two);
    bed_close(&b);
}

/* Raises the signal flag from the writer's thread after a few answers. */
static void interrupt(const struct run_progress *p, void *ud)
{
    if (p->done >= 5)
        atomic_store(&((struct bed *)ud)->signals, 1);
}

static void test_interrupt_and_resume(void **state)
{
    (void)state;
    struct bed b;
    struct table_run t;
    bed_open(&b);
    assert_int_equal(execute(&b, interrupt), IPW_E_INTERRUPTED);
    must(run_finish(b.store, &err));
    must(run_load(&t, b.store, b.dir, &err));
    assert_true(!t.complete && t.n >= 5 && t.n < QUESTIONS);
    table_run_release(&t);

    atomic_store(&b.signals, 0);
    must(execute(&b, NULL));
    must(run_finish(b.store, &err));
    must(run_load(&t, b.store, b.dir, &err));
    assert_true(t.complete);
    assert_int_equal(t.n, QUESTIONS);
    for (size_t i = 0; i < t.n; i++)
        assert_true(isfinite(t.v[i].energy_j)); /* each from its own segment's readings */
    table_run_release(&t);
    bed_close(&b);
}

/* Half a second of sleep in mid-run: what lies across it has no joules, what does not keeps them. */
static void sleep_once(const struct run_progress *p, void *ud)
{
    if (p->done >= 5)
        atomic_store(&((struct bed *)ud)->io.slept, 500000000);
}

static void test_suspend(void **state)
{
    (void)state;
    struct bed b;
    struct table_run t;
    bed_open(&b);
    must(execute(&b, sleep_once));
    must(run_finish(b.store, &err));
    must(run_load(&t, b.store, b.dir, &err));
    size_t suspended = 0;
    for (size_t i = 0; i < t.n; i++) {
        suspended += ipw_streq(t.v[i].energy_reason, "suspended");
        assert_true(isfinite(t.v[i].energy_j) || ipw_streq(t.v[i].energy_reason, "suspended"));
    }
    assert_true(t.n == QUESTIONS && suspended > 0);
    table_run_release(&t);
    bed_close(&b);
}

/* The metered set must contain the computing set. */
static void test_metered_set(void **state)
{
    (void)state;
    static const char good[] = "\"devices\":[{\"name\":\"Stub GPU\",\"bus\":\"0000:01:00.0\"}]";
    static const char mute[] = "\"devices\":[{\"name\":\"Stub GPU\",\"bus\":\"0000:01:00.0\"}],\"faults\":["
                               "{\"at_s\":0,\"call\":\"nvmlDeviceGetTotalEnergyConsumption\",\"ret\":3},"
                               "{\"at_s\":0,\"call\":\"nvmlDeviceGetPowerUsage\",\"ret\":3},"
                               "{\"at_s\":0,\"call\":\"nvmlDeviceGetFieldValues\",\"ret\":3}]";
    const struct {
        const char *scenario;
        bool on_gpu;
        const char *source, *signature;
    } v[] = {{mute, true, "partial", "component(cpu_package+dram)"},
             {mute, false, "measured", "component(cpu_package+dram)"},
             {good, true, "measured", "component(cpu_package+dram+gpu_board)"},
             {good, false, "measured", "component(cpu_package+dram)"}};
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct bed b;
        struct nvml_stub stub;
        struct table_run t;
        bed_open(&b);
        nvml_stub_use(&stub, &b.io, false, v[i].scenario);
        scripted.on_gpu = v[i].on_gpu;
        must(execute(&b, NULL));
        must(run_finish(b.store, &err));
        must(run_load(&t, b.store, b.dir, &err));
        if (!ipw_streq(t.energy_source, v[i].source) || !ipw_streq(t.signature, v[i].signature))
            fail_msg("case %zu: %s, %s", i, t.energy_source, t.signature);
        assert_int_equal(t.n_unmetered, i == 0);
        if (i == 0)
            assert_string_equal(t.unmetered[0], "Stub GPU");
        table_run_release(&t);
        nvml_stub_release(&stub, &b.io);
        bed_close(&b);
    }
}

/* Two machines in one run: each query's total is of what its own segment metered. */
static void test_two_machines(void **state)
{
    (void)state;
    struct bed b;
    struct fake_io other;
    struct table_run t;
    bed_open(&b);
    assert_int_equal(execute(&b, interrupt), IPW_E_INTERRUPTED);
    atomic_store(&b.signals, 0);
    fake_io_init(&other, "client"); /* one package, no memory counter */
    other.model = &b.rapl;
    other.real_clock = true;
    struct fake_io first = b.io;
    b.io = other;
    b.io.env.ud = &b.io;
    b.io.env.sys_root = b.io.root;
    b.io.env.proc_root = b.io.proc;
    must(execute(&b, NULL));
    must(run_finish(b.store, &err));
    must(run_load(&t, b.store, b.dir, &err));
    assert_int_equal(t.n, QUESTIONS);
    size_t large = 0;
    for (size_t i = 0; i < t.n; i++) {
        assert_true(isfinite(t.v[i].energy_j));
        large += t.v[i].energy_j / t.v[i].latency_s > 70; /* two packages take 80 to 128 W, one 20 to 64 W */
    }
    assert_true(large < QUESTIONS);
    double members_w = 0;
    for (size_t i = 0; i < t.n_members; i++)
        members_w += t.v[0].energy_j > 0 ? t.members[i].w : 0;
    assert_true(members_w > 20 && members_w < 200);
    table_run_release(&t);
    fake_io_release(&other);
    b.io = first;
    bed_close(&b);
}

/* A GPU beside the answering CPU is hot: that is nothing to the answers. */
static void test_heat_of_others(void **state)
{
    (void)state;
    for (int on_gpu = 0; on_gpu < 2; on_gpu++) {
        struct bed b;
        struct nvml_stub stub;
        struct table_run t;
        bed_open(&b);
        nvml_stub_use(&stub, &b.io, false,
                      "\"devices\":[{\"name\":\"Stub GPU\",\"bus\":\"0000:01:00.0\",\"reasons\":"
                      "[{\"from_s\":0,\"to_s\":1000,\"mask\":\"0x20\"}]}]");
        scripted.on_gpu = on_gpu;
        must(execute(&b, NULL));
        must(run_finish(b.store, &err));
        must(run_load(&t, b.store, b.dir, &err));
        size_t slowed = 0;
        for (size_t i = 0; i < t.n; i++)
            slowed += t.v[i].slowed;
        assert_true(on_gpu ? slowed > 0 : slowed == 0);
        table_run_release(&t);
        nvml_stub_release(&stub, &b.io);
        bed_close(&b);
    }
}

static void test_order_and_shards(void **state)
{
    (void)state;
    struct bed b;
    struct run_todo t;
    int seen[QUESTIONS] = {0};
    bed_open(&b);
    b.plan.shards = 3;
    for (b.plan.shard = 0; b.plan.shard < 3; b.plan.shard++) {
        must(run_todo_make(&t, &b.data, &b.plan, NULL, false, &err));
        for (size_t i = 0; i < t.n; i++)
            seen[t.v[i].question]++;
        run_todo_release(&t);
    }
    for (int i = 0; i < QUESTIONS; i++)
        assert_int_equal(seen[i], 1);
    b.plan.shards = 1;
    b.plan.shard = 0;
    b.plan.max_queries = 10; /* the first ten, shuffled */
    must(run_todo_make(&t, &b.data, &b.plan, NULL, false, &err));
    assert_int_equal(t.n, 10);
    bool moved = false;
    for (size_t i = 0; i < t.n; i++) {
        assert_true(t.v[i].question < 10);
        moved |= t.v[i].question != i;
    }
    assert_true(moved);
    run_todo_release(&t);
    bed_close(&b);
}

/* Every question once, then every one again in the same order; what is there is left out. */
static void test_samples(void **state)
{
    (void)state;
    struct bed b;
    struct run_todo t;
    bed_open(&b);
    b.plan.samples = 3;
    b.plan.max_queries = 7;
    must(run_todo_make(&t, &b.data, &b.plan, NULL, false, &err));
    assert_true(t.n == 21 && t.total == 21);
    for (size_t i = 0; i < t.n; i++) {
        assert_int_equal(t.v[i].question, t.v[i % 7].question);
        assert_int_equal(t.v[i].sample, i / 7);
        assert_int_equal(t.v[i].at, i);
        assert_int_equal(t.v[i].attempt, 1);
    }
    run_todo_release(&t);
    b.plan.shards = 2; /* both shards together are the run */
    size_t n = 0;
    for (b.plan.shard = 0; b.plan.shard < 2; b.plan.shard++) {
        must(run_todo_make(&t, &b.data, &b.plan, NULL, false, &err));
        n += t.n;
        run_todo_release(&t);
    }
    assert_int_equal(n, 21);
    bed_close(&b);
}

static void test_plan_round_trip(void **state)
{
    (void)state;
    struct run_plan p, q;
    run_plan_init(&p);
    p.model = strdup("/a \"b\".gguf");
    p.temperature = 0.7;
    p.ignore_eos = true;
    p.max_tokens = 64;
    char *a = run_plan_json(&p), *b;
    run_plan_init(&q);
    must(run_plan_from_json(&q, a, &err));
    b = run_plan_json(&q);
    assert_string_equal(a, b);
    assert_int_equal(run_plan_from_json(&q, "{\"seed\":\"x\"}", &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "'seed'"));
    must(run_plan_from_json(&q, "{\"seed\":1}", &err)); /* of before there were samples */
    assert_int_equal(q.samples, 1);
    assert_int_equal(run_plan_from_json(&q, "{\"samples\":1000000000}", &err), IPW_E_INPUT);
    free(a);
    free(b);
    run_plan_release(&p);
    run_plan_release(&q);
}

static void test_words(void **state)
{
    (void)state;
    const struct {
        const char *path, *word;
    } models[] = {{"/m/SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m"},
                  {"Qwen2.5-7B-Instruct-q4_k_m.gguf", "qwen2.5-7b"},
                  {"gemma-3-270m-it-IQ2_XS.gguf", "gemma-3-270m"},
                  {"q.gguf", "q"},
                  {"model-f16.gguf", "model"},
                  {"sha256-0123456789abcdef0123456789abcdef", "sha256-0123456789abcdef0123456789abcdef"},
                  {".gguf", "model"}};
    char out[64];
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        run_model_word(models[i].path, out, sizeof out);
        assert_string_equal(out, models[i].word);
    }
    run_machine_word("Intel(R) Core(TM) i7-13700H CPU @ 2.40GHz", out, sizeof out);
    assert_string_equal(out, "i7-13700h");
    run_machine_word("AMD EPYC", out, sizeof out);
    assert_string_equal(out, "epyc");
    run_machine_word("", out, sizeof out);
    assert_string_equal(out, "machine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_run),          cmocka_unit_test(test_finish_is_idempotent),
        cmocka_unit_test(test_interrupt_and_resume), cmocka_unit_test(test_suspend), cmocka_unit_test(test_metered_set), cmocka_unit_test(test_two_machines), cmocka_unit_test(test_heat_of_others), cmocka_unit_test(test_order_and_shards),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_plan_round_trip),    cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
