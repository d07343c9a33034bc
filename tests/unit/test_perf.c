/* RAPL by perf events: rows, one total beside powercap, counts, what vanishes, what is refused. */
#include "check.h"

#include <errno.h>

#include "base/str.h"
#include "energy/meter.h"
#include "energy/rapl.h"
#include "fakes/fake_io.h"
#include "fakes/fakefs.h"

static struct meter *open_meter(const struct ipw_env *env, enum meter_mode mode)
{
    struct ipw_err err;
    struct meter *m;
    if (meter_open(&m, env, &(struct meter_cfg){.mode = mode}, &err))
        fail_msg("%s", err.text);
    return m;
}

static size_t index_of(const struct meter *m, const char *id)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    for (size_t i = 0; i < n; i++)
        if (ipw_streq(ch[i].id, id))
            return i;
    fail_msg("no channel '%s'", id);
    return 0;
}

static const struct energy_channel *row(const struct meter *m, const char *id)
{
    size_t n;
    return &meter_channels(m, &n)[index_of(m, id)];
}

static int read_raw(const struct meter *m, const char *id, uint64_t *raw)
{
    struct energy_reading r;
    meter_read(m, index_of(m, id), &r);
    *raw = r.raw;
    return r.status;
}

/* ---- what a machine's rows are ---- */

struct expected {
    const char *id, *device;
    enum energy_scope scope;
    enum energy_channel_status status;
    bool total, system;
    int64_t quantum_nj;
    double pmax_w;
    const char *why; /* NULL: any */
};

#define PKG ENERGY_SCOPE_CPU_PACKAGE
#define RAM ENERGY_SCOPE_DRAM
#define CORE ENERGY_SCOPE_CPU_CORE
#define PLATFORM ENERGY_SCOPE_PLATFORM
#define OK ENERGY_CHANNEL_OK
#define BAD ENERGY_CHANNEL_ERROR

static const struct {
    const char *fixture, *signature;
    struct expected row[10];
} machines[] = {
    {"perf_xeon2", "component(cpu_package+dram)",
     {{"perf:energy-pkg:0", "package-0", PKG, OK, 1, 0, 61035, 0, "computes"},
      {"perf:energy-pkg:1", "package-1", PKG, OK, 1, 0, 61035, 250, "computes"},
      {"perf:energy-ram:0", "package-0", RAM, OK, 1, 0, 15300, 0, NULL},
      {"perf:energy-ram:1", "package-1", RAM, OK, 1, 0, 15300, 250, NULL},
      {"rapl:intel-rapl:0", "package-1", PKG, OK, 0, 0, 61035, 250, "same energy as perf:energy-pkg:1"},
      {"rapl:intel-rapl:0:0", "package-1", RAM, OK, 0, 0, 15300, 250, NULL},
      {"rapl:intel-rapl:1", "package-0", PKG, OK, 0, 0, 61035, 0, "same energy as perf:energy-pkg:0"},
      {"rapl:intel-rapl:1:0", "package-0", RAM, OK, 0, 0, 15300, 0, NULL},
      {"rapl:intel-rapl-mmio:0", "package-0", PKG, OK, 0, 0, 61035, 0, "same energy as perf:energy-pkg:0"}}},
    {"perf_client", "component(cpu_package)",
     {{"perf:energy-pkg:0", "package-0", PKG, OK, 1, 0, 61035, 0, NULL},
      {"perf:energy-cores:0", "package-0", CORE, OK, 0, 0, 61035, 0, NULL},
      {"perf:energy-gpu:0", "package-0", ENERGY_SCOPE_IGPU, OK, 0, 0, 61035, 0, NULL},
      {"perf:energy-psys:0", "platform", PLATFORM, OK, 0, 1, 61035, 0, NULL},
      {"rapl", "cpu", PKG, ENERGY_CHANNEL_ABSENT, 0, 0, 0, 0, NULL}}},
    {"perf_amd", "component(cpu_package)",
     {{"perf:energy-pkg:0", "package-0", PKG, OK, 1, 0, 15258, 0, NULL},
      {"perf:energy-core:0", "package-0", CORE, OK, 0, 0, 15258, 0, "inside cpu_package of package-0"},
      {"rapl:intel-rapl:0", "package-0", PKG, OK, 0, 0, 15258, 0, NULL},
      {"rapl:intel-rapl:0:0", "package-0", CORE, OK, 0, 0, 15258, 0, NULL}}},
    {"perf_dies", "component(cpu_package)",
     {{"perf:energy-pkg:0-die-0", "package-0-die-0", PKG, OK, 1, 0, 61035, 0, NULL},
      {"perf:energy-pkg:0-die-1", "package-0-die-1", PKG, OK, 1, 0, 61035, 0, NULL},
      {"rapl:intel-rapl:0", "package-0", PKG, OK, 0, 0, 61035, 0, "same energy as perf:energy-pkg:0-die-0"}}},
    {"perf_nomask", "component(cpu_package)",
     {{"perf:energy-pkg:0", "package-0", PKG, OK, 1, 0, 61035, 0, NULL},
      {"perf:energy-pkg:1", "package-1", PKG, OK, 1, 0, 61035, 0, NULL},
      {"rapl", "cpu", PKG, ENERGY_CHANNEL_ABSENT, 0, 0, 0, 0, NULL}}},
    {"perf_notopo", "component(cpu_package)",
     {{"perf:energy-pkg:0", "package-0", PKG, OK, 1, 0, 61035, 0, NULL},
      {"perf:energy-pkg:1", "package-1", PKG, OK, 1, 0, 61035, 0, NULL},
      {"rapl", "cpu", PKG, ENERGY_CHANNEL_ABSENT, 0, 0, 0, 0, NULL}}},
    {"perf_odd", "component()",
     {{"perf:energy-pkg:0", "package-0", PKG, BAD, 0, 0, 61035, 0, NULL},
      {"perf:energy-ram:0", "package-0", RAM, BAD, 0, 0, 61035, 0, NULL},
      {"perf:energy-cores:0", "package-0", CORE, BAD, 0, 0, 61035, 0, NULL},
      {"perf:energy-gpu:0", "package-0", ENERGY_SCOPE_IGPU, OK, 0, 0, 61035, 0, NULL},
      {"rapl", "cpu", PKG, ENERGY_CHANNEL_ABSENT, 0, 0, 0, 0, NULL}}},
    {"psys_twice", "component(cpu_package)",
     {{"rapl:intel-rapl:0", "package-0", PKG, OK, 1, 0, 61035, 0, NULL},
      {"rapl:intel-rapl:2", "platform", PLATFORM, OK, 0, 1, 61035, 0, NULL},
      {"rapl:intel-rapl:3", "platform", PLATFORM, OK, 0, 0, 61035, 0, NULL}}},
    {"psys_split", "component(cpu_package)",
     {{"rapl:intel-rapl:0", "package-0", PKG, OK, 1, 0, 61035, 0, NULL},
      {"rapl:intel-rapl:2", "platform", PLATFORM, OK, 0, 1, 61035, 0, NULL},
      {"rapl:intel-rapl:3", "platform-3", PLATFORM, OK, 0, 1, 1000, 0, NULL}}},
};

static void test_machines(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof machines / sizeof machines[0]; k++) {
        struct fake_io f;
        fake_io_init(&f, machines[k].fixture);
        f.step_ns = 100;
        struct meter *m = open_meter(&f.env, METER_AUTO);
        size_t n;
        const struct energy_channel *ch = meter_channels(m, &n);
        for (size_t i = 0; i < n; i++) {
            const struct expected *w = &machines[k].row[i];
            if (!w->id) {
                assert_true(ch[i].estimated);
                continue;
            }
            if (!ipw_streq(ch[i].id, w->id) || ch[i].status != w->status || ch[i].in_total != w->total ||
                ch[i].in_system != w->system)
                fail_msg("%s: '%s' is status %d, total %d, system %d; expected '%s'", machines[k].fixture, ch[i].id,
                         (int)ch[i].status, ch[i].in_total, ch[i].in_system, w->id);
            assert_string_equal(ch[i].device, w->device);
            assert_int_equal(ch[i].scope, w->scope);
            assert_int_equal(ch[i].quantum_nj, w->quantum_nj);
            check_near(ch[i].pmax_w, w->pmax_w, 1e-12);
            if (w->why)
                assert_string_equal(ch[i].why, w->why);
            if (ipw_starts(ch[i].id, "perf:") && w->status == OK) {
                check_near(ch[i].unit_nj * 4294967296.0, 1e9, 1e-15);
                assert_true(ch[i].modulus == 0 && ch[i].period_ns == 1000000);
                check_near(ch[i].gain_u, ipw_starts(machines[k].fixture, "perf_xeon") || k == 1 ? 0.03 : 0.10, 0);
            }
        }
        assert_true(n == 10 || !machines[k].row[n].id);
        assert_string_equal(meter_signature(m), machines[k].signature);
        meter_close(m);
        assert_int_equal(atomic_load(&f.open_fds), 0);
        fake_io_release(&f);
    }
}

/* ---- counts ---- */

static double joules(const struct meter *m, const char *id)
{
    uint64_t raw;
    assert_int_equal(read_raw(m, id, &raw), 0);
    return (double)raw * row(m, id)->unit_nj * 1e-9;
}

/* Over a wrap of powercap's register the count goes on, and is the truth. */
static void test_counts(void **state)
{
    (void)state;
    struct fake_io f;
    struct rapl_model model = RAPL_MODEL_DEFAULT;
    model.start_j = 262143.328850 - 50;
    fake_io_init(&f, "perf_xeon2");
    f.model = &model;
    struct meter *m = open_meter(&f.env, METER_MEASURED);
    int64_t a = 1000000000, b = 11000000000;
    uint64_t before, after;
    atomic_store(&f.now, a);
    double e = joules(m, "perf:energy-pkg:1");
    assert_int_equal(read_raw(m, "rapl:intel-rapl:0", &before), 0);
    atomic_store(&f.now, b);
    e = joules(m, "perf:energy-pkg:1") - e;
    assert_int_equal(read_raw(m, "rapl:intel-rapl:0", &after), 0);
    check_near(e, curve_package_j(&model.curve, b) - curve_package_j(&model.curve, a), 1e-6);
    assert_true(after < before);
    check_near(e, 1e-6 * (double)(after + 262143328911u - before), 1e-5);
    meter_close(m);
    fake_io_release(&f);
}

/* A memory counter that is not connected is left out, and only that. */
static void test_still(void **state)
{
    (void)state;
    for (int dead = 0; dead < 2; dead++) {
        struct fake_io f;
        struct rapl_model model = RAPL_MODEL_DEFAULT;
        model.curve.dram_w = dead ? 0 : 0.05; /* an idle laptop's */
        fake_io_init(&f, "perf_xeon2");
        f.model = &model;
        struct meter *m = open_meter(&f.env, METER_MEASURED);
        assert_string_equal(meter_signature(m), dead ? "component(cpu_package)" : "component(cpu_package+dram)");
        assert_string_equal(meter_source(m), "measured");
        const char *const rows[] = {"perf:energy-ram:0", "perf:energy-ram:1", "rapl:intel-rapl:0:0"};
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(row(m, rows[i])->status, dead ? BAD : OK);
            assert_true(ipw_streq(row(m, rows[i])->remedy.id, dead ? "E_RAPL_STILL" : NULL));
        }
        assert_true(atomic_load(&f.now) < 100000000);
        meter_close(m);
        model.stall = (struct fault){0, 1000000000}; /* nothing moves: that proves nothing */
        atomic_store(&f.now, 0);
        m = open_meter(&f.env, METER_MEASURED);
        assert_string_equal(meter_signature(m), "component(cpu_package+dram)");
        meter_close(m);
        assert_int_equal(atomic_load(&f.open_fds), 0);
        fake_io_release(&f);
    }
}

static void test_vanish(void **state)
{
    (void)state;
    struct fake_io f;
    uint64_t raw;
    struct rapl_model model = RAPL_MODEL_DEFAULT;
    model.vanish = (struct fault){1000000000, 500000000};
    fake_io_init(&f, "perf_client");
    f.model = &model;
    struct meter *m = open_meter(&f.env, METER_MEASURED);
    int fds = atomic_load(&f.open_fds);
    assert_int_equal(read_raw(m, "perf:energy-pkg:0", &raw), 0);
    atomic_store(&f.now, 1200000000); /* away: 0 bytes */
    assert_int_equal(read_raw(m, "perf:energy-pkg:0", &raw), -ENODATA);
    meter_mend(m);
    assert_int_equal(read_raw(m, "perf:energy-pkg:0", &raw), -ENODATA);
    atomic_store(&f.now, 2000000000);
    assert_int_equal(read_raw(m, "perf:energy-pkg:0", &raw), -ENODATA);
    /* its CPU went: another one stands for the package */
    fakefs_write(f.root, "bus/event_source/devices/power/cpumask", "3\n");
    fakefs_write(f.root, "devices/system/cpu/cpu3/topology/physical_package_id", "0\n");
    meter_mend(m);
    assert_int_equal(read_raw(m, "perf:energy-pkg:0", &raw), 0);
    assert_true(raw == 0); /* an event begins anew */
    assert_int_equal(atomic_load(&f.open_fds), fds);
    f.rules[0] = (struct fake_rule){"perf:17:2:3", 0, EIO};
    assert_int_equal(read_raw(m, "perf:energy-pkg:0", &raw), -EIO);
    meter_close(m);
    assert_int_equal(atomic_load(&f.open_fds), 0);
    fake_io_release(&f);
}

/* ---- refusals ---- */

static void test_denied(void **state)
{
    char path[200], said[700];
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    /* powercap can be read: the run is measured and there is nothing to mend */
    fake_io_init(&f, "perf_xeon2");
    f.rules[0] = (struct fake_rule){"perf:", EACCES, 0};
    m = open_meter(&f.env, METER_MEASURED);
    assert_string_equal(meter_source(m), "measured");
    assert_string_equal(meter_signature(m), "component(cpu_package+dram)");
    assert_null(meter_remedy(m));
    assert_true(row(m, "rapl:intel-rapl:0")->in_total && !row(m, "rapl:intel-rapl-mmio:0")->in_total);
    const struct energy_remedy *r = &row(m, "perf:energy-pkg:0")->remedy;
    assert_int_equal(row(m, "perf:energy-pkg:0")->status, ENERGY_CHANNEL_DENIED);
    assert_string_equal(r->id, "E_PERF_PARANOID");
    assert_non_null(strstr(r->text, "perf_event_paranoid is 2"));
    snprintf(said, sizeof said, energy_rapl_install, energy_rapl_meter_path, energy_rapl_meter_path);
    assert_non_null(strstr(r->text, said));
    assert_non_null(strstr(r->text, "--cap-add PERFMON"));
    meter_close(m);
    /* the helper that would be asked, whole and quoted */
    memset(path, 'p', sizeof path - 1);
    memcpy(path, "/nowhere/a b/", 13);
    path[sizeof path - 1] = '\0';
    f.env.at.meter = path;
    m = open_meter(&f.env, METER_MEASURED);
    r = &row(m, "perf:energy-pkg:0")->remedy;
    snprintf(said, sizeof said, "    sudo chgrp ipw-meter '%s' && sudo setcap cap_perfmon=ep '%s'\n", path, path);
    assert_non_null(strstr(r->text, said));
    assert_non_null(strstr(r->text, "--cap-add PERFMON"));
    meter_close(m);
    f.env.at.meter = "";
    /* one socket's event is refused and its zone too: a hole */
    f.rules[0] = (struct fake_rule){"perf:23:2:18", EPERM, 0};
    f.rules[1] = (struct fake_rule){"intel-rapl:0/energy_uj", EACCES, 0};
    m = open_meter(&f.env, METER_AUTO);
    assert_string_equal(meter_source(m), "partial");
    meter_close(m);
    f.rules[0].part = "perf:"; /* the refusal names that socket and not the one that powercap reads */
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), IPW_E_ENV);
    assert_non_null(strstr(err.text, "'perf:energy-pkg:1' (denied)"));
    assert_null(strstr(err.text, "'perf:energy-pkg:0'"));
    fake_io_release(&f);
    /* nothing else: the refusal says why, and where the commands are */
    fake_io_init(&f, "perf_client");
    f.rules[0] = (struct fake_rule){"perf:", EACCES, 0};
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), IPW_E_ENV);
    assert_non_null(strstr(err.text, "perf_event_paranoid is 4"));
    assert_non_null(strstr(err.text, "The commands for it: ipw doctor energy"));
    assert_true(ipw_ends(err.text, "or --energy estimated"));
    /* what perf_event_open says otherwise */
    f.rules[0] = (struct fake_rule){"perf:", EINVAL, 0};
    m = open_meter(&f.env, METER_AUTO);
    assert_string_equal(row(m, "perf:energy-pkg:0")->remedy.id, "E_PERF_OPEN");
    assert_string_equal(meter_source(m), "estimated");
    meter_close(m);
    assert_int_equal(atomic_load(&f.open_fds), 0);
    fake_io_release(&f);
    /* another machine's tree behind the real kernel: its numbers are not asked for */
    struct ipw_env env = ipw_env_host;
    env.sys_root = "/nowhere";
    assert_int_equal(env.io->perf_event_open(&env, 1, 0, 0), -1);
    assert_int_equal(errno, ENODEV);
    size_t lines = 0;
    for (const char *p = energy_rapl_install; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 2);
}

static void test_texts(void **state)
{
    (void)state;
    int v[8];
    uint64_t config = 0;
    char event[32];
    int cpu;
    assert_int_equal(energy_rapl_cpulist("0,18", v, 8), 2);
    assert_true(v[0] == 0 && v[1] == 18);
    assert_int_equal(energy_rapl_cpulist("3-6,8,10-12", v, 8), 8);
    assert_true(v[3] == 6 && v[4] == 8 && v[7] == 12);
    const char *const bad[] = {"", ",", "1,", "-1", "1-", "2-1", "0-8", "1 2", "0x1", "99999999999", "0-4294967295"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(energy_rapl_cpulist(bad[i], v, 8), -1);
    assert_true(energy_rapl_event("event=0x02", &config) && config == 2);
    const char *const odd[] = {"", "event=", "event=0x", "event=0x100", "event=0x02,umask=1", "config=0x02", "event=0x2 "};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_false(energy_rapl_event(odd[i], &config));
    assert_true(energy_rapl_message("energy-pkg 18", event, &cpu) && cpu == 18);
    assert_string_equal(event, "energy-pkg");
    assert_false(energy_rapl_message("energy-pkg", event, &cpu));
    assert_false(energy_rapl_message("energy-pkg 1x", event, &cpu));
    assert_false(energy_rapl_message("12345678901234567890123456789012 1", event, &cpu));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machines), cmocka_unit_test(test_counts), cmocka_unit_test(test_still),
        cmocka_unit_test(test_vanish),   cmocka_unit_test(test_denied), cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
