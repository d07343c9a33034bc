/* One table of (driver, fixture) through the same cases, then what each fixture must show. */
#include "check.h"

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/cpuinfo.h"
#include "energy/meter.h"
#include "fakes/fake_io.h"
#include "fakes/fakefs.h"
#include "fakes/nvml_stub.h"

static const struct {
    const char *driver, *fixture;
} conformance[] = {
    {"powercap", "xeon2"},    {"powercap", "client"}, {"powercap", "amd"},     {"powercap", "dies"},
    {"powercap", "many"},     {"powercap", "psys_twice"}, {"powercap", "psys_split"},
    {"perf", "perf_xeon2"},   {"perf", "perf_client"}, {"perf", "perf_amd"},   {"perf", "perf_dies"},
    {"perf", "perf_nomask"},  {"perf", "perf_notopo"}, {"perf", "perf_odd"},
    {"powercap", "sgx"},      {"powercap", "empty"},  {"powercap", "garbage"}, {"powercap", "masked"},
    {"powercap", "dangling"}, {"powercap", "none"},   {"powercap", "vm"},      {"powercap", "nothing"},
    {"amdgpu", "amd_rdna"},   {"amdgpu", "amd_mi300"}, {"amdgpu", "amd_apu22"}, {"amdgpu", "amd_apu30"},
    {"amdgpu", "amd_broken"}, {"amdgpu", "amd_mi250"}, {"amdgpu", "amd_cut"},   {"amdgpu", "amd_asleep"},
    {"hwmon", "amd_plain"},   {"hwmon", "amd_apu22"},  {"hwmon", "amd_asleep"}, {"hwmon", "amd_energy"},
    {"hwmon", "xe"},          {"hwmon", "xe_zero"},    {"hwmon", "xe_pkg"},     {"hwmon", "i915"},
    {"hwmon", "orin_nano"},   {"hwmon", "orin_agx"},   {"hwmon", "xavier_agx"}, {"hwmon", "jp4"},
    {"hwmon", "thor"},        {"hwmon", "jetson_odd"}, {"hwmon", "jetson_bare"}, {"hwmon", "ina_other"},
    {"hwmon", "grace"},       {"hwmon", "grace_cpu"},  {"hwmon", "acpi"},       {"hwmon", "altra"},
    {"hwmon", "macsmc"},      {"hwmon", "unknown"},    {"battery", "battery"},  {"battery", "battery_ac"},
    {"thermal", "hot"},       {"estimator", "none"},  {"estimator", "vm"},     {"estimator", "masked"}, {"estimator", "nothing"},
    {"ioreport", NULL}, /* not files but a library: test_ioreport.c */
};

/* Drivers of a library, which stands beside the tree "nothing". Ten seconds on, all it is asked fails. */
#define BREAKS "\"faults\":[{\"at_s\":10,\"ret\":999}"
struct library {
    const char *driver, *scenario;
    bool old;
};
static const struct library libraries[] = {
    {"nvml", BREAKS "],\"devices\":[{},{\"scopes\":{\"memory\":0},\"mig\":true}]", false},
    {"nvml", BREAKS "],\"devices\":[{}]", true},
    {"nvml", BREAKS ",{\"call\":\"nvmlInit\",\"ret\":9}],\"devices\":[{}]", false},
    {"nvml", BREAKS "],\"devices\":[{\"scopes\":{\"gpu\":3,\"module\":0}}]", false},
};

static const struct energy_collector_ops *ops_of(const char *name)
{
    for (size_t i = 0; energy_collectors[i]; i++)
        if (ipw_streq(energy_collectors[i]->name, name))
            return energy_collectors[i];
    fail_msg("no collector '%s'", name);
    return NULL;
}

/* The line that p is in begins with four spaces: a command. */
static bool is_command(const char *text, const char *p)
{
    while (p > text && p[-1] != '\n')
        p--;
    return p > text && !strncmp(p, "    ", 4);
}

/* Every channel is complete, whatever its status. */
static void check_row(const struct energy_channel *c)
{
    assert_true(c->id[0] && c->device[0]);
    assert_non_null(energy_scope_name(c->scope));
    assert_non_null(energy_kind_name(c->kind));
    assert_true(c->latency_ns == 0 && !c->in_total && !c->in_system);
    if (c->status != ENERGY_CHANNEL_OK) {
        assert_true(c->remedy.id && strlen(c->remedy.text) > 20);
        assert_true(strlen(c->remedy.text) < sizeof c->remedy.text - 1);
        assert_null(strstr(c->remedy.text, "--energy")); /* a flag of some commands; all print remedies */
        for (const char *l = c->remedy.text; (l = strstr(l, "sudo ")); l++) /* what is pasted stands on lines of its own */
            assert_true(is_command(c->remedy.text, l));
        return;
    }
    assert_true(c->unit_nj > 0 && (c->kind == ENERGY_KIND_GAUGE || c->gain_u > 0));
    assert_true(c->period_ns >= 0 && c->window_ns >= 0); /* 0: the sampler finds out */
}

/* From here on every source of the row fails. */
static void break_sources(const struct library *lib, struct fake_io *f, struct nvml_stub *stub)
{
    f->rules[0] = (struct fake_rule){"", 0, EIO};
    if (lib)
        nvml_stub_at(stub, f, INT64_C(11000000000));
}

static void run_case(const struct energy_collector_ops *ops, const char *fixture, const struct library *lib)
{
    struct fake_io f;
    struct nvml_stub stub;
    fake_io_init(&f, fixture);
    if (lib)
        nvml_stub_use(&stub, &f, lib->old, lib->scenario);
    f.step_ns = 100;
    struct energy_channels list = {0};
    struct energy_collector *c;
    assert_true(ops->what[0] && ops->verified[0]);
    ops->open(&c, &f.env, &list);
    assert_true(list.n >= 1);
    size_t readable = 0;
    for (size_t i = 0; i < list.n; i++) {
        const struct energy_channel *ch = &list.v[i];
        check_row(ch);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ch->id, list.v[j].id);
        if (!c || ch->status != ENERGY_CHANNEL_OK)
            continue;
        uint64_t a = 1, b = 0;
        assert_int_equal(ops->read(c, &f.env, i, &a), 0);
        assert_int_equal(ops->read(c, &f.env, i, &b), 0);
        assert_true(b >= a);
        readable++;
    }
    if (!readable)
        assert_int_equal(atomic_load(&f.open_fds), 0);
    break_sources(lib, &f, &stub); /* a status, never a value */
    for (size_t i = 0; c && i < list.n; i++) {
        uint64_t raw = 77;
        int rc = ops->read(c, &f.env, i, &raw);
        bool file = !list.v[i].estimated || list.v[i].kind == ENERGY_KIND_GAUGE;
        if (file && list.v[i].status == ENERGY_CHANNEL_OK)
            assert_int_equal(rc, -EIO);
        assert_true(rc == 0 || raw == 77);
    }
    if (c && ops->mend)
        ops->mend(c, &f.env);
    if (c)
        ops->close(c, &f.env);
    assert_int_equal(atomic_load(&f.open_fds), 0);
    free(list.v);
    if (lib)
        nvml_stub_release(&stub, &f);
    fake_io_release(&f);
}

/* One count for each package, the temperature of the CPU's zone alone. */
static void test_thermal(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        uint64_t raw;
    } want[] = {{"cpu:package-0:throttled", 7}, {"cpu:package-1:throttled", 0}, {"cpu:thermal_zone1:temperature", 61000}};
    struct fake_io f;
    struct energy_channels list = {0};
    struct energy_collector *c;
    const struct energy_collector_ops *ops = ops_of("thermal");
    fake_io_init(&f, "hot");
    ops->open(&c, &f.env, &list);
    assert_int_equal(list.n, 3);
    unsigned seen = 0;
    for (size_t i = 0; i < 3; i++)
        for (unsigned k = 0; k < 3; k++) {
            uint64_t raw;
            if (!ipw_streq(list.v[i].id, want[k].id))
                continue;
            assert_int_equal(ops->read(c, &f.env, i, &raw), 0);
            assert_true(raw == want[k].raw);
            seen |= 1u << k;
        }
    assert_int_equal(seen, 7);
    ops->close(c, &f.env);
    free(list.v);
    fake_io_release(&f);
}

static void test_conformance(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conformance / sizeof conformance[0]; i++)
        if (conformance[i].fixture)
            run_case(ops_of(conformance[i].driver), conformance[i].fixture, NULL);
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        run_case(ops_of(libraries[i].driver), "nothing", &libraries[i]);
    for (size_t i = 0; energy_collectors[i]; i++) { /* every driver is in the table */
        bool tested = false;
        for (size_t k = 0; k < sizeof conformance / sizeof conformance[0]; k++)
            tested |= ipw_streq(conformance[k].driver, energy_collectors[i]->name);
        for (size_t k = 0; k < sizeof libraries / sizeof libraries[0]; k++)
            tested |= ipw_streq(libraries[k].driver, energy_collectors[i]->name);
        assert_true(tested);
    }
}

/* ---- what powercap makes of a fixture ---- */

struct expected {
    const char *id, *device;
    enum energy_scope scope;
    bool total, system;
    uint64_t modulus;
    int64_t quantum_nj;
    double pmax_w;
};

static void check_meter(const char *fixture, const struct expected *want, size_t n_want,
                        const char *signature)
{
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    fake_io_init(&f, fixture);
    f.step_ns = 100;
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), 0);
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    assert_int_equal(n, n_want);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(ch[i].id, want[i].id);
        assert_string_equal(ch[i].device, want[i].device);
        assert_int_equal(ch[i].scope, want[i].scope);
        assert_int_equal(ch[i].in_total, want[i].total);
        assert_int_equal(ch[i].in_system, want[i].system);
        assert_true(ch[i].modulus == want[i].modulus);
        assert_int_equal(ch[i].quantum_nj, want[i].quantum_nj);
        check_near(ch[i].pmax_w, want[i].pmax_w, 1e-12);
        assert_string_equal(ch[i].source, "powercap");
        assert_true(meter_boundary(m, i));
    }
    assert_string_equal(meter_signature(m), signature);
    assert_string_equal(meter_source(m), "measured");
    meter_close(m);
    assert_int_equal(atomic_load(&f.open_fds), 0);
    fake_io_release(&f);
}

#define PKG ENERGY_SCOPE_CPU_PACKAGE
#define MOD61 262143328911u
#define MOD15 65532611002u

static void test_fixtures(void **state)
{
    (void)state;
    const struct expected xeon2[] = {
        {"rapl:intel-rapl:0", "package-1", PKG, 1, 0, MOD61, 61035, 250},
        {"rapl:intel-rapl:0:0", "package-1", ENERGY_SCOPE_DRAM, 1, 0, 65712999628u, 15300, 250},
        {"rapl:intel-rapl:1", "package-0", PKG, 1, 0, MOD61, 61035, 250},
        {"rapl:intel-rapl:1:0", "package-0", ENERGY_SCOPE_DRAM, 1, 0, 65712999628u, 15300, 250},
        {"rapl:intel-rapl:a", "platform", ENERGY_SCOPE_PLATFORM, 0, 1, 4294967296000000u, 1000000000,
         0},
        {"rapl:intel-rapl-mmio:0", "package-1", PKG, 0, 0, MOD61, 61035, 0},
    };
    check_meter("xeon2", xeon2, 6, "component(cpu_package+dram)");
    const struct expected client[] = {
        {"rapl:intel-rapl:0", "package-0", PKG, 1, 0, MOD61, 61035, 30},
        {"rapl:intel-rapl:0:0", "package-0", ENERGY_SCOPE_CPU_CORE, 0, 0, MOD61, 61035, 30},
        {"rapl:intel-rapl:0:1", "package-0", ENERGY_SCOPE_IGPU, 0, 0, MOD61, 61035, 30},
        {"rapl:intel-rapl:1", "platform", ENERGY_SCOPE_PLATFORM, 0, 1, MOD61, 61035, 0},
    };
    check_meter("client", client, 4, "component(cpu_package)");
    const struct expected amd[] = {
        {"rapl:intel-rapl:0", "package-0", PKG, 1, 0, MOD15, 15258, 0},
        {"rapl:intel-rapl:0:0", "package-0", ENERGY_SCOPE_CPU_CORE, 0, 0, MOD15, 15258, 0},
    };
    check_meter("amd", amd, 2, "component(cpu_package)");
    const struct expected many[] = {
        {"rapl:intel-rapl:a", "package-10", PKG, 1, 0, MOD61, 61035, 0},
        {"rapl:intel-rapl:a:0", "package-10", ENERGY_SCOPE_DRAM, 1, 0, MOD61, 61035, 0},
        {"rapl:intel-rapl:10", "package-16", PKG, 1, 0, MOD61, 61035, 0},
        {"rapl:intel-rapl:10:0", "package-16", ENERGY_SCOPE_DRAM, 1, 0, MOD61, 61035, 0},
    };
    check_meter("many", many, 4, "component(cpu_package+dram)");
    const struct expected dies[] = {
        {"rapl:intel-rapl:0", "package-0-die-0", PKG, 1, 0, MOD61, 61035, 0},
        {"rapl:intel-rapl:1", "package-0-die-1", PKG, 1, 0, MOD61, 61035, 0},
    };
    check_meter("dies", dies, 2, "component(cpu_package)");
}

static void test_gain(void **state)
{
    (void)state;
    const struct {
        const char *fixture;
        double gain_u;
        const char *remedy;
    } v[] = {{"xeon2", 0.03, NULL}, {"amd", 0.10, NULL}, {"sgx", 0.25, "W_SGX_FILTER"}};
    for (size_t i = 0; i < 3; i++) {
        struct fake_io f;
        struct ipw_err err;
        struct meter *m;
        fake_io_init(&f, v[i].fixture);
        assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), 0);
        size_t n;
        const struct energy_channel *ch = meter_channels(m, &n);
        check_near(ch[0].gain_u, v[i].gain_u, 0);
        assert_true(ipw_streq(ch[0].remedy.id, v[i].remedy));
        assert_null(meter_remedy(m)); /* a warning is not a channel that cannot be read */
        meter_close(m);
        fake_io_release(&f);
    }
}

/* Trees written by hand or by another program may pad the number or leave out the newline. */
static void test_bare_number(void **state)
{
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    struct energy_reading r;
    fake_io_init(&f, "bare");
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), 0);
    meter_read(m, 0, &r);
    assert_int_equal(r.status, 0);
    assert_int_equal(r.raw, 2619);
    meter_close(m);
    fake_io_release(&f);
}

/* Why nothing can be measured, and what to do about it. */
static void test_remedies(void **state)
{
    (void)state;
    const struct {
        const char *fixture;
        int open_rc, pread_rc;
        const char *id, *text, *source; /* source: what METER_AUTO gives */
        enum energy_channel_status status;
    } v[] = {
        {"xeon2", EACCES, 0, "E_RAPL_EACCES", "chmod a+r", "estimated", ENERGY_CHANNEL_DENIED},
        {"xeon2", 0, EPERM, "E_RAPL_EACCES", "/class/powercap/intel-rapl:0/energy_uj", "estimated",
         ENERGY_CHANNEL_DENIED},
        {"xeon2", EIO, 0, "E_RAPL_READ", "Input/output error", "estimated", ENERGY_CHANNEL_ERROR},
        {"empty", 0, 0, "E_RAPL_READ", "No data available", "none", ENERGY_CHANNEL_ERROR},
        {"newline", 0, 0, "E_RAPL_READ", "No data available", "none", ENERGY_CHANNEL_ERROR},
        {"garbage", 0, 0, "E_RAPL_READ", "Invalid argument", "none", ENERGY_CHANNEL_ERROR},
        {"negative", 0, 0, "E_RAPL_READ", "Invalid argument", "none", ENERGY_CHANNEL_ERROR},
        {"huge", 0, 0, "E_RAPL_READ", "Invalid argument", "none", ENERGY_CHANNEL_ERROR},
        {"masked", 0, 0, "E_RAPL_MASKED", "-v /sys/devices", "estimated", ENERGY_CHANNEL_ABSENT},
        {"dangling", 0, 0, "E_RAPL_MASKED", "-v /sys/devices", "estimated", ENERGY_CHANNEL_ABSENT},
        {"none", 0, 0, "E_RAPL_NONE", "modprobe intel_rapl_msr", "estimated", ENERGY_CHANNEL_ABSENT},
        {"vm", 0, 0, "E_VM_NOCOUNTER", "virtual machine", "estimated", ENERGY_CHANNEL_ABSENT},
        {"nothing", 0, 0, "E_RAPL_NONE", "modprobe", "none", ENERGY_CHANNEL_ABSENT},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct fake_io f;
        struct ipw_err err;
        struct meter *m;
        fake_io_init(&f, v[i].fixture);
        if (v[i].open_rc || v[i].pread_rc)
            f.rules[0] = (struct fake_rule){"energy_uj", v[i].open_rc, v[i].pread_rc};
        assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), IPW_E_ENV);
        assert_null(m);
        assert_null(strstr(err.text, "sudo")); /* commands do not stand in a sentence */
        assert_non_null(strstr(err.text, "'rapl"));
        assert_true(ipw_ends(err.text, "; or --energy estimated"));
        char said[sizeof err.text];
        snprintf(said, sizeof said, "%s", err.text);
        assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
        assert_string_equal(meter_remedy(m)->id, v[i].id);
        assert_non_null(strstr(meter_remedy(m)->text, v[i].text));
        char sentence[sizeof err.text];
        snprintf(sentence, sizeof sentence, "%.*s", energy_remedy_sentence(meter_remedy(m)), meter_remedy(m)->text);
        assert_non_null(strstr(said, sentence));
        assert_string_equal(meter_source(m), v[i].source);
        size_t n;
        assert_int_equal(meter_channels(m, &n)[0].status, v[i].status);
        struct energy_reading r;
        meter_read(m, 0, &r);
        assert_true(r.status < 0);
        assert_false(meter_boundary(m, 0));
        meter_close(m);
        assert_int_equal(atomic_load(&f.open_fds), 0);
        fake_io_release(&f);
    }
}

static void test_partial(void **state)
{
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    fake_io_init(&f, "xeon2"); /* one of two sockets cannot be read */
    f.rules[0] = (struct fake_rule){"intel-rapl:1/energy_uj", EACCES, 0};
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    assert_string_equal(meter_source(m), "partial");
    meter_close(m);
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), IPW_E_ENV);
    /* the MSR zone fails, its MMIO copy is the same energy */
    f.rules[0] = (struct fake_rule){"intel-rapl:0/energy_uj", EIO, 0};
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    assert_string_equal(meter_source(m), "measured");
    meter_close(m);
    fake_io_release(&f);
}

/* What the user includes stands for its own device only. */
static void test_include(void **state)
{
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    const char *name;
    const struct meter_device gpu = {"0000:01:00.0", "a GPU"};
    fake_io_init(&f, "xeon2");
    f.step_ns = 100;
    assert_int_equal(
        meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO, .include = "rapl:intel-rapl:0:0"}, &err), 0);
    meter_computing(m, &gpu, 1);
    assert_string_equal(meter_source(m), "partial");
    assert_int_equal(meter_unmetered(m, &name, 1), 1);
    assert_string_equal(name, "a GPU");
    meter_close(m);
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO, .include = "rapl:9"}, &err), IPW_E_INPUT);
    fake_io_release(&f);
}

static void test_modes(void **state)
{
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    size_t n;
    fake_io_init(&f, "xeon2");
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_ESTIMATED}, &err), 0);
    assert_string_equal(meter_source(m), "estimated");
    assert_string_equal(meter_signature(m), "component(cpu_package)");
    const struct energy_channel *ch = meter_channels(m, &n);
    assert_int_equal(n, 2); /* no /proc/stat in this tree, so no gauge */
    check_near(ch[0].unit_nj, 3.97 - 0.64, 1e-12); /* Cascade Lake */
    check_near(ch[1].unit_nj, 2 * 0.64, 1e-12);    /* two threads */
    meter_close(m);
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_NONE}, &err), 0);
    meter_channels(m, &n);
    assert_int_equal(n, 0);
    assert_string_equal(meter_source(m), "none");
    assert_string_equal(meter_signature(m), "component()");
    assert_null(meter_remedy(m));
    meter_close(m);
    fake_io_release(&f);
    fake_io_init(&f, "nothing");
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_ESTIMATED}, &err), IPW_E_ENV);
    assert_non_null(strstr(err.text, "--energy none"));
    fake_io_release(&f);
    assert_int_equal(meter_mode_of("estimated"), METER_ESTIMATED);
    assert_int_equal(meter_mode_of("guess"), -1);
}

/* ---- zones that go and come back ---- */

static int status_of(const struct meter *m)
{
    struct energy_reading r;
    meter_read(m, 0, &r);
    return r.status;
}

static void test_vanish(void **state)
{
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    struct rapl_model model = RAPL_MODEL_DEFAULT;
    model.vanish = (struct fault){1000000000, 500000000};
    fake_io_init(&f, "client");
    f.model = &model;
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), 0);
    int fds = atomic_load(&f.open_fds);
    assert_int_equal(status_of(m), 0);
    atomic_store(&f.now, 1200000000); /* away: mending finds nothing */
    assert_int_equal(status_of(m), -ENODEV);
    meter_mend(m);
    assert_int_equal(status_of(m), -ENODEV);
    atomic_store(&f.now, 2000000000); /* back: what was open stays dead until mended */
    assert_int_equal(status_of(m), -ENODEV);
    fakefs_write(f.root, "class/powercap/intel-rapl:0/name", "package-1\n");
    meter_mend(m); /* another package took the number */
    assert_int_equal(status_of(m), -ENODEV);
    fakefs_write(f.root, "class/powercap/intel-rapl:0/name", "package-0\n");
    meter_mend(m);
    assert_int_equal(status_of(m), 0);
    assert_int_equal(atomic_load(&f.open_fds), fds);
    meter_close(m);
    assert_int_equal(atomic_load(&f.open_fds), 0);
    fake_io_release(&f);
}

/* ---- the estimator ---- */

static void test_estimator(void **state)
{
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    struct energy_reading r;
    size_t n;
    fake_io_init(&f, "vm");
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    const struct energy_channel *ch = meter_channels(m, &n);
    assert_int_equal(n, 4); /* one row says why there is no counter */
    atomic_store(&f.cpu, 123456);
    atomic_store(&f.now, 999);
    meter_read(m, 1, &r);
    assert_true(r.status == 0 && r.raw == 123456);
    meter_read(m, 2, &r);
    assert_true(r.status == 0 && r.raw == 999);
    meter_read(m, 3, &r);
    assert_true(r.status == 0 && r.raw == (100 + 20 + 30 + 6 + 7) * UINT64_C(10000000));
    assert_true(ch[1].in_total && ch[2].in_total && !ch[3].in_total);
    check_near(ch[1].unit_nj, 2.02 - 0.45, 1e-12);
    check_near(ch[2].unit_nj, 2 * 0.45, 1e-12);
    assert_true(meter_boundary(m, 1) && !meter_boundary(m, 3));
    meter_close(m);
    fake_io_release(&f);
}

/* Watts are divided among physical cores; what ipw calibrate found replaces the table. */
static void test_coefficients(void **state)
{
    (void)state;
    const struct {
        const struct energy_calibration *calibration;
        double idle_w, core_w, gain_u;
    } v[] = {
        {NULL, 8 * 0.64, 8 * (3.97 - 0.64) / 4, 0.5},
        {&(struct energy_calibration){40, 200}, 40, 40, 0.25},
    };
    for (size_t i = 0; i < 2; i++) {
        struct fake_io f;
        struct ipw_err err;
        struct meter *m;
        size_t n;
        fake_io_init(&f, "smt");
        struct meter_cfg cfg = {.mode = METER_ESTIMATED, .calibration = v[i].calibration};
        assert_int_equal(meter_open(&m, &f.env, &cfg, &err), 0);
        const struct energy_channel *ch = meter_channels(m, &n);
        assert_int_equal(n, 2);
        check_near(ch[0].unit_nj, v[i].core_w, 1e-12);
        check_near(ch[1].unit_nj, v[i].idle_w, 1e-12);
        check_near(ch[0].gain_u, v[i].gain_u, 0);
        check_near(ch[1].gain_u, v[i].gain_u, 0);
        meter_close(m);
        fake_io_release(&f);
    }
}

static void test_cpuinfo(void **state)
{
    (void)state;
    struct energy_cpuinfo c;
    energy_cpuinfo_parse(&c, "");
    assert_true(c.n_cpus == 0 && c.family == -1 && !c.hypervisor);
    energy_cpuinfo_parse(&c, "processor\t: 0\nBogoMIPS\t: 243\nCPU implementer\t: 0x41\n"
                             "CPU part\t: 0xd0c\nprocessor : 1\nCPU part\t: 0xd03\nno colon");
    assert_int_equal(c.n_cpus, 2);
    assert_string_equal(c.vendor, "arm:0x41");
    assert_int_equal(c.model, 0xd0c);
    assert_int_equal(c.n_cores, 2); /* not told: every thread counts */
    energy_cpuinfo_parse(&c, "processor: 0\nsiblings: 20\ncpu cores: 14\nprocessor: 1\nprocessor: 2\n");
    assert_int_equal(c.n_cores, 2);
    energy_cpuinfo_parse(&c, "processor: 0\nsiblings: -3\ncpu cores: 99999999999\n");
    assert_int_equal(c.n_cores, 1);
    energy_cpuinfo_parse(&c, "processor: 0\nflags : sgx_lc myhypervisor sgx1");
    assert_true(!c.sgx && !c.hypervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conformance), cmocka_unit_test(test_thermal), cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_gain),        cmocka_unit_test(test_remedies), cmocka_unit_test(test_bare_number),
        cmocka_unit_test(test_partial),     cmocka_unit_test(test_modes), cmocka_unit_test(test_include),
        cmocka_unit_test(test_vanish),      cmocka_unit_test(test_estimator),
        cmocka_unit_test(test_coefficients), cmocka_unit_test(test_cpuinfo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
