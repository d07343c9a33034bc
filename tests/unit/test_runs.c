/* The runs of a folder in brief, and how a run was made: from summary.json, from run.db, from neither. */
#include "store_dir.h"

#include <math.h>

#include "fakes/fake_io.h"
#include "fakes/fakefs.h"
#include "run/load.h"
#include "run/machine.h"
#include "run/runs.h"
#include "store/pack.h"

static void make_run(const char *dir, const char *name, char path[PATH_MAX])
{
    fs_join(path, PATH_MAX, dir, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

static void remove_run(const char *path)
{
    static const char *const files[] = {"run.db", "run.db-wal", "run.db-shm", "lock", "summary.json"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(in(path, files[i]));
    rmdir(path);
}

static void put_text(const char *dir, const char *name, const char *text)
{
    ok(fs_write_atomic(in(dir, name), text, strlen(text), &err));
}

/* Two of three questions answered, then cut off. */
static void put_unfinished(const char *path, int64_t started, struct store **keep_open)
{
    struct store *s;
    struct store_segment seg = {.pid = 7, .started_real_ns = started, .anchor_raw_ns = 1, .host = "h"};
    struct store_query a = a_query("q/1", 1, QUERY_OK), b = a_query("q/2", 1, QUERY_ERROR), c = a_query("q/3", 1, QUERY_NOT_SENT);
    ok(store_create(&s, path, &err));
    ok(store_begin(s, &err));
    ok(store_put_meta(s, "model", "{\"name\":\"M\",\"quant\":\"Q4\",\"bytes\":123}", &err));
    ok(store_put_meta(s, "dataset", "{\"name\":\"set\",\"sha256\":\"5\",\"n\":3}", &err));
    ok(store_put_meta(s, "plan", "{\"model\":\"/models/m.gguf\"}", &err));
    ok(store_put_meta(s, "labels", "{\"cap\":\"60\"}", &err));
    ok(store_add_segment(s, &seg, &err));
    ok(put(s, &a, "x"));
    ok(put(s, &b, NULL));
    ok(put(s, &c, NULL));
    ok(store_commit(s, &err));
    if (keep_open)
        *keep_open = s;
    else
        store_close(s);
}

static const char summary[] =
    "{\"complete\":true,\"started_real_ns\":2000,\"host\":\"h\",\"model\":{\"name\":\"N\",\"file\":\"n.gguf\",\"bytes\":5},"
    "\"dataset\":{\"name\":\"set\",\"sha256\":\"5\",\"n\":40},\"labels\":{\"repeat\":\"1\"},\"accuracy\":{\"est\":0.325,\"n\":40},"
    "\"energy\":{\"source\":\"estimated\",\"signature\":\"component(cpu_package)\",\"per_query_j\":{\"component\":{\"est\":7.7}}},"
    "\"latency\":{\"e2e_s\":{\"mean\":0.5}}}";

static void test_list(void **state)
{
    const char *dir = *state;
    char done[PATH_MAX], cut[PATH_MAX], empty[PATH_MAX], other[PATH_MAX], garbage[PATH_MAX], now[PATH_MAX];
    struct run_briefs list;
    struct store *writing;
    make_run(dir, "profile_a", done);
    put_text(done, "run.db", "not looked at: the summary says it is finished");
    put_text(done, "summary.json", summary);
    make_run(dir, "renamed", cut);
    put_unfinished(cut, 1000, NULL);
    put_text(cut, "summary.json", "{\"complete\":false,\"accuracy\":{\"est\":0.5,\"n\":2}"); /* cut off too */
    make_run(dir, "profile_now", now);
    put_unfinished(now, 3000, &writing);
    make_run(dir, "profile_b", empty);
    make_run(dir, "notes", other);
    make_run(dir, "profile_c", garbage);
    put_text(garbage, "run.db", "garbage, and more of it than a header has bytes: 0123456789012345678901234567890123456789 0123456789");

    ok(runs_list(&list, dir, &err));
    assert_int_equal(list.n, 5);
    assert_string_equal(fs_basename(list.v[0].dir), "profile_now"); /* newest first, what cannot be read last */
    assert_true(list.v[0].running && !list.v[0].complete);
    assert_string_equal(fs_basename(list.v[1].dir), "profile_a");
    assert_true(list.v[1].complete && !list.v[1].running && list.v[1].n_total == 40 && list.v[1].n_scored == 40);
    check_near(list.v[1].accuracy, 0.325, 0);
    check_near(list.v[1].per_query_j, 7.7, 0);
    check_near(list.v[1].seconds, 0.5, 0);
    assert_true(isnan(list.v[1].ipj) && list.v[1].model_bytes == 5);
    assert_string_equal(list.v[1].labels, "{\"repeat\":\"1\"}");
    const struct run_brief *b = &list.v[2];
    assert_string_equal(fs_basename(b->dir), "renamed");
    assert_true(!b->complete && !b->running && !b->problem && b->n_asked == 2 && b->n_total == 3);
    assert_string_equal(b->model_name, "M");
    assert_string_equal(b->model_file, "m.gguf");
    assert_string_equal(b->labels, "{\"cap\":\"60\"}");
    assert_true(b->started_real_ns == 1000 && b->model_bytes == 123 && isnan(b->accuracy));
    assert_non_null(strstr(list.v[3].problem, "no run.db"));
    assert_non_null(strstr(list.v[4].problem, "is not a run"));
    runs_release(&list);

    char absent[PATH_MAX];
    fs_join(absent, sizeof absent, dir, "absent");
    ok(runs_list(&list, absent, &err));
    assert_int_equal(list.n, 0);
    runs_release(&list);
    assert_int_equal(runs_list(&list, in(done, "summary.json"), &err), IPW_E_IO);
    says("cannot read folder");
    store_close(writing);
    const char *const all[] = {done, cut, empty, other, garbage, now};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        remove_run(all[i]);
}

/* A resumed run had its limits changed on the way; the GPU's temperature comes from its gauge. */
static void test_settings(void **state)
{
    const char *dir = *state;
    struct store *s;
    struct table_run t;
    static const char *const env[] = {
        "{\"cpu\":\"i7\",\"governor\":\"performance\",\"turbo\":\"on\",\"cpu_power_limits_w\":{\"package-0\":{\"long\":45,\"short\":115}},"
        "\"gpus\":{\"0000:01:00.0\":{\"name\":\"RTX\",\"driver\":\"580.95\",\"power_limit_w\":80},\"0000:02:00.0\":{\"power_limit_w\":300}},"
        "\"total\":[]}",
        "{\"cpu\":\"i7\",\"governor\":\"performance\",\"turbo\":\"on\",\"cpu_power_limits_w\":{\"package-0\":{\"long\":45,\"short\":115}},"
        "\"gpus\":{\"0000:01:00.0\":{\"name\":\"RTX\",\"driver\":\"580.95\",\"power_limit_w\":60}},\"total\":[]}"};
    struct store_device gpu = {.key = "0000:01:00.0", .name = "RTX", .kind = "gpu", .computes = true},
                        idle = {.key = "0000:02:00.0", .name = "Other", .kind = "meter"};
    ok(store_create(&s, dir, &err));
    ok(store_begin(s, &err));
    ok(store_put_meta(s, "model", "{\"name\":\"M\",\"threads\":8,\"n_ctx\":4096,\"chat_template\":\"jinja\",\"bytes\":9}", &err));
    ok(store_put_meta(s, "plan", "{\"model\":\"/m/a.gguf\",\"max_tokens\":-1,\"temperature\":0.5,\"seed\":3,\"system\":null,\"gpu_layers\":-1}", &err));
    ok(store_put_meta(s, "labels", "{\"cap\":\"60\",\"n\":2}", &err));
    ok(store_put_device(s, &gpu, &err));
    ok(store_put_device(s, &idle, &err));
    struct store_channel heat = {.device = gpu.id, .name = "nvml:0000:01:00.0:temperature", .scope = "gpu_board", .kind = "gauge",
                                 .unit_nj = 1, .period_ns = STORE_NULL, .window_ns = STORE_NULL, .latency_ns = STORE_NULL},
                         cold = heat;
    cold.device = idle.id;
    cold.name = "nvml:0000:02:00.0:temperature";
    ok(store_put_channel(s, &heat, &err));
    ok(store_put_channel(s, &cold, &err));
    for (int k = 0; k < 2; k++) {
        struct store_segment seg = {.pid = 7, .started_real_ns = 100 + k, .anchor_raw_ns = 1, .host = "h", .engine = "llama",
                                    .engine_build = "b1", .power_source = k ? "battery" : "mains", .env = env[k]};
        ok(store_add_segment(s, &seg, &err));
        ok(store_set_segment_engine(s, &seg, &err));
        const struct store_reading in[] = {{10, 11, 0, -5}, {20, 21, (uint64_t)(41 + 20 * k) * 1000, 0}, {30, 31, (uint64_t)(66 + k) * 1000, 0}};
        struct ipw_buf data = IPW_BUF_INIT;
        store_pack_readings(in, 3, 10, &data);
        struct store_reading_block b = {.segment = seg.id, .channel = heat.id, .t0_ns = 10, .t1_ns = 31, .n = 3, .fmt = 1,
                                        .data = data.s, .size = data.len};
        ok(store_add_readings(s, &b, &err));
        ipw_buf_release(&data);
    }
    struct store_query q = a_query("q/1", 1, QUERY_OK);
    q.in_flight = 1;
    struct store_question u = {.query_id = "q/1", .record = "{\"id\":\"q/1\"}", .tmpl = "mcq/1"};
    ok(store_put_query(s, &q, &(struct store_text){.answer = "x"}, &u, &err));
    ok(store_commit(s, &err));
    ok(run_load(&t, s, dir, &err));
    static const struct {
        enum table_setting_id id;
        const char *text;
    } want[] = {{TABLE_SETTING_THREADS, "8"}, {TABLE_SETTING_MAX_TOKENS, NULL}, {TABLE_SETTING_GPU_LAYERS, NULL},
                {TABLE_SETTING_TEMPERATURE, "0.5"}, {TABLE_SETTING_SEED, "3"}, {TABLE_SETTING_SYSTEM, NULL},
                {TABLE_SETTING_TEMPLATE, "mcq/1"}, {TABLE_SETTING_IN_FLIGHT, "1"}, {TABLE_SETTING_CPU, "i7"},
                {TABLE_SETTING_GPU, "RTX"}, {TABLE_SETTING_GPU_DRIVER, "580.95"}, {TABLE_SETTING_GPU_LIMIT, "80, then 60"},
                {TABLE_SETTING_CPU_LIMIT, "45 (short 115)"}, {TABLE_SETTING_POWER_SOURCE, "mains, then battery"},
                {TABLE_SETTING_GOVERNOR, "performance"}, {TABLE_SETTING_TURBO, "on"}, {TABLE_SETTING_EPP, NULL},
                {TABLE_SETTING_GPU_TEMP_START, "41"}, {TABLE_SETTING_GPU_TEMP_END, "67"}, {TABLE_SETTING_CPU_TEMP_END, NULL}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const char *text = t.settings[want[i].id].text;
        if (!want[i].text != !text || (text && strcmp(text, want[i].text) != 0))
            fail_msg("%s is '%s', not '%s'", table_settings[want[i].id].key, text ? text : "NULL", want[i].text ? want[i].text : "NULL");
    }
    assert_true(t.started_real_ns == 100 && t.model_bytes == 9 && t.n_labels == 2);
    assert_string_equal(table_label_of(&t, "n"), "2");
    assert_null(table_label_of(&t, "repeat"));
    assert_string_equal(t.model_file, "a.gguf");
    assert_true(t.v[0].question != 0);
    table_run_release(&t);
    store_close(s);
}

/* What holds the machine back, from its files. */
static void test_machine(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text;
    } files[] = {{"devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n"},
                 {"devices/system/cpu/cpu0/cpufreq/energy_performance_preference", "balance_power\n"},
                 {"devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "4200000\n"},
                 {"devices/system/cpu/intel_pstate/no_turbo", "1\n"},
                 {"firmware/acpi/platform_profile", "low-power\n"},
                 {"class/powercap/intel-rapl:0/constraint_0_power_limit_uw", "125000000\n"},
                 {"class/powercap/intel-rapl:0/constraint_1_power_limit_uw", "253000000\n"},
                 {"class/powercap/intel-rapl-mmio:0/constraint_0_power_limit_uw", "45000000\n"}, /* the lower one acts */
                 {"class/powercap/intel-rapl:1/constraint_0_power_limit_uw", "0\n"}};
    struct fake_io io;
    struct run_machine m;
    fake_io_init(&io, "xeon2");
    run_machine_read(&m, &io.env);
    assert_true(!*m.governor && !*m.epp && !m.turbo && m.cpu_max_mhz == 0 && m.n_limits == 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        fakefs_write(io.root, files[i].path, files[i].text);
    run_machine_read(&m, &io.env);
    assert_string_equal(m.governor, "powersave");
    assert_string_equal(m.epp, "balance_power");
    assert_string_equal(m.platform_profile, "low-power");
    assert_string_equal(m.turbo, "off");
    check_near(m.cpu_max_mhz, 4200, 1e-12);
    assert_int_equal(m.n_limits, 1);
    assert_string_equal(m.limits[0].package, "package-1");
    check_near(m.limits[0].long_w, 45, 1e-12);
    check_near(m.limits[0].short_w, 253, 1e-12);
    fake_io_release(&io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {with_dir(test_list), with_dir(test_settings), cmocka_unit_test(test_machine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
