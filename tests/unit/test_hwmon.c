/* The sysfs collectors: what each fixture machine's total is, in whatever order its channels come; and the pure parts. */
#include "check.h"

#include <errno.h>
#include <pthread.h>

#include "base/str.h"
#include "energy/amdgpu_metrics.h"
#include "energy/hwmon.h"
#include "energy/meter.h"
#include "energy/sysfs.h"
#include "fakes/fake_io.h"
#include "fakes/fakefs.h"
#include "fakes/fixtures/gpu_metrics.h"

/* A socket of AMD or Intel that stands beside the fixture. */
static void add_rapl(const struct fake_io *f, int package)
{
    char path[96], text[32];
    snprintf(path, sizeof path, "class/powercap/intel-rapl:%d/name", package);
    snprintf(text, sizeof text, "package-%d\n", package);
    fakefs_write(f->root, path, text);
    snprintf(path, sizeof path, "class/powercap/intel-rapl:%d/energy_uj", package);
    fakefs_write(f->root, path, "11000000\n");
}

static const struct kase {
    const char *fixture;
    int rapl; /* packages beside it */
    const char *signature;
    double total;       /* joules where it counts, watts where it measures power: of the members */
    const char *system; /* an id of the system total, NULL: none */
    double system_total;
} cases[] = {
    {"xe", 0, "component(gpu_board)", 22000000, NULL, 0},
    {"xe", 1, "component(cpu_package+gpu_board)", 22000011, NULL, 0},
    {"xe_zero", 0, "component(gpu_chip)", 0.123456, NULL, 0},
    {"xe_pkg", 0, "component(gpu_chip)", 0.123456, NULL, 0},
    {"i915", 0, "component(gpu_board)", 900, NULL, 0},
    {"orin_nano", 0, "component(soc_in)", 5.032 * 1.480, "hwmon:ina3221/VDD_IN", 5.032 * 1.480},
    {"orin_agx", 0, "component(soc_in)", 5.7 + 1.9 + 4.5, "hwmon:ina3221/VIN_SYS_5V0", 12.1},
    {"xavier_agx", 0, "component(soc_in)", 19 * 0.320, "hwmon:ina3221/CV", 19 * 0.320},
    {"jp4", 0, "component(soc_in)", 4.1, "hwmon:ina3221x/POM_5V_IN", 4.1},
    {"thor", 0, "component(soc_in)", 23.426, "hwmon:ina238/VIN", 23.426},
    {"jetson_odd", 0, "component()", 0, NULL, 0},
    {"ina_other", 0, "component()", 0, NULL, 0},
    {"ina_stray", 1, "component(cpu_package)", 11, NULL, 0},
    {"grace", 0, "component(module)", 600, NULL, 0},
    {"grace_cpu", 0, "component(cpu_package)", 230, NULL, 0},
    {"acpi", 1, "component(cpu_package)", 11, "hwmon:power_meter/power1_average", 350},
    {"amd_energy", 0, "component(cpu_package)", 16, NULL, 0},
    {"amd_energy", 2, "component(cpu_package)", 22, NULL, 0}, /* the same registers by powercap */
    {"altra", 0, "component(cpu_package)", 160, NULL, 0},
    {"macsmc", 0, "component()", 0, "hwmon:macsmc_hwmon/Total_System_Power", 14},
    {"unknown", 0, "component()", 0, NULL, 0},
    {"amd_rdna", 0, "component(gpu_chip)", 4294967000 / 65536.0, NULL, 0},
    {"amd_mi300", 0, "component(gpu_chip)", 6e12 / 65536, NULL, 0},
    {"amd_apu22", 0, "component(cpu_package)", 17, NULL, 0},
    {"amd_apu22", 1, "component(cpu_package)", 11, NULL, 0}, /* its socket is the package of RAPL */
    {"amd_apu30", 0, "component(cpu_package)", 23, NULL, 0},
    {"amd_cut", 0, "component(gpu_chip)", 87, NULL, 0},
    {"amd_plain", 0, "component(gpu_chip)", 87, NULL, 0},
    {"amd_old_apu", 0, "component(cpu_package)", 87, NULL, 0},
    {"amd_old_apu", 1, "component(cpu_package)", 11, NULL, 0},
    {"amd_new", 0, "component(gpu_chip)", 87, NULL, 0},
    {"amd_broken", 0, "component(gpu_chip)", 87, NULL, 0},
    {"amd_mi250", 0, "component(gpu_chip)", 4294967000 / 65536.0, NULL, 0},
    {"amd_asleep", 1, "component(cpu_package)", 11, NULL, 0},
    {"battery", 1, "component(cpu_package)", 11, "battery:BAT0:energy",
     (2 * (double)(INT64_C(1) << 40) - 40000000 - 3000000) * 3.6e-3 +
         ((double)(INT64_C(1) << 40) - 3000000) * 3.6e-3 * 10},
    {"battery_ac", 1, "component(cpu_package)", 11, NULL, 0},
};

struct row {
    struct energy_channel ch;
    double value; /* J or W; NAN where it cannot be read */
};

static void sum_up(struct row *row, size_t n, const struct kase *k)
{
    struct energy_channel ch[64];
    char signature[128];
    double total = 0, system = 0;
    bool named = !k->system;
    for (size_t i = 0; i < n; i++)
        ch[i] = row[i].ch;
    energy_scope_resolve(ch, n);
    energy_signature(ch, n, signature, sizeof signature);
    assert_string_equal(signature, k->signature);
    for (size_t i = 0; i < n; i++) {
        total += ch[i].in_total ? row[i].value : 0;
        system += ch[i].in_system ? row[i].value : 0;
        named |= ch[i].in_system && ipw_streq(ch[i].id, k->system);
    }
    if (!named)
        fail_msg("%s: '%s' is not in the system total", k->fixture, k->system);
    if (fabs(total - k->total) > 1e-9 * k->total || fabs(system - k->system_total) > 1e-9 * k->system_total)
        fail_msg("%s (%d): component %.9g, system %.9g; expected %.9g, %.9g", k->fixture, k->rapl, total, system,
                 k->total, k->system_total);
}

/* One total per machine, though several sources tell of the same energy. */
static void test_totals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct kase *k = &cases[i];
        struct fake_io f;
        struct ipw_err err;
        struct meter *m;
        struct row row[64];
        size_t n;
        fake_io_init(&f, k->fixture);
        f.step_ns = 100;
        for (int p = 0; p < k->rapl; p++)
            add_rapl(&f, p);
        assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
        const struct energy_channel *ch = meter_channels(m, &n);
        assert_true(n <= 64);
        for (size_t j = 0; j < n; j++) {
            struct energy_reading r;
            meter_read(m, j, &r);
            row[j] = (struct row){ch[j], r.status ? NAN : (double)r.raw * ch[j].unit_nj * 1e-9};
        }
        assert_string_equal(meter_source(m), ipw_streq(k->signature, "component()") ? "none" : "measured");
        assert_true(n > 0);
        for (size_t turn = 0; turn < n; turn++) { /* every rotation, forwards and backwards */
            struct row first = row[0];
            sum_up(row, n, k);
            memmove(row, row + 1, (n - 1) * sizeof row[0]);
            row[n - 1] = first;
        }
        for (size_t a = 0, b = n - 1; a < b; a++, b--) {
            struct row swap = row[a];
            row[a] = row[b];
            row[b] = swap;
        }
        sum_up(row, n, k);
        meter_close(m);
        assert_int_equal(atomic_load(&f.open_fds), 0);
        fake_io_release(&f);
    }
}

/* ---- rows ---- */

static struct energy_channel find(const struct meter *m, const char *id)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    for (size_t i = 0; i < n; i++)
        if (ipw_streq(ch[i].id, id))
            return ch[i];
    for (size_t i = 0; i < n; i++)
        print_error("  there is '%s'\n", ch[i].id);
    fail_msg("no channel '%s'", id);
    return ch[0];
}

static struct meter *open_on(struct fake_io *f, const char *fixture)
{
    struct ipw_err err;
    struct meter *m;
    fake_io_init(f, fixture);
    f->step_ns = 100;
    assert_int_equal(meter_open(&m, &f->env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    return m;
}

static void close_all(struct fake_io *f, struct meter *m)
{
    meter_close(m);
    fake_io_release(f);
}

static uint64_t read_of(const struct meter *m, const char *id)
{
    size_t n, i = 0;
    struct energy_reading r;
    const struct energy_channel *ch = meter_channels(m, &n);
    while (i < n && !ipw_streq(ch[i].id, id))
        i++;
    assert_true(i < n);
    meter_read(m, i, &r);
    assert_int_equal(r.status, 0);
    return r.raw;
}

static void test_amd_rows(void **state)
{
    (void)state;
    struct fake_io f;
    struct meter *m = open_on(&f, "amd_rdna");
    struct energy_channel c = find(m, "amdgpu:0000:03:00.0:energy");
    assert_string_equal(c.device, "0000:03:00.0");
    assert_string_equal(c.name, "AMD Radeon [1002:744c]");
    assert_true(c.kind == ENERGY_KIND_COUNTER && c.modulus == UINT64_C(1) << 32 && c.period_ns == 0);
    check_near(c.unit_nj, 15258.7890625, 0);
    check_near(c.pmax_w, 654, 1e-12);
    c = find(m, "hwmon:amdgpu@0000:03:00.0/PPT");
    assert_true(c.kind == ENERGY_KIND_POWER_AVG && c.window_ns > 0 && !c.in_total);
    assert_string_equal(c.why, "same energy as amdgpu:0000:03:00.0:energy");
    assert_int_equal(read_of(m, "amdgpu:0000:03:00.0:utilization"), 370);
    assert_int_equal(read_of(m, "amdgpu:0000:03:00.0:memory"), 9000000000);
    assert_int_equal(read_of(m, "amdgpu:0000:03:00.0:temperature"), 61000);
    assert_int_equal(read_of(m, "amdgpu:0000:03:00.0:clock"), 2304000000);
    meter_close(m); /* MI200 has the same revision and counts past 32 bits */
    fakefs_write(f.root, "class/drm/card1/device/gpu_metrics", METRICS_1_3_PAST_32_BITS);
    struct ipw_err err;
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    assert_true(find(m, "amdgpu:0000:03:00.0:energy").modulus == 0);
    close_all(&f, m);
    m = open_on(&f, "amd_mi300");
    c = find(m, "amdgpu:0000:c3:00.0:energy");
    assert_true(c.modulus == 0);
    assert_string_equal(c.name, "AMD Instinct MI300X OAM");
    assert_int_equal(find(m, "hwmon:amdgpu@0000:c3:00.0/power1_input").kind, ENERGY_KIND_POWER_INST);
    close_all(&f, m);
    m = open_on(&f, "amd_mi250"); /* the second die has its gauges, but no energy of its own */
    assert_int_equal(find(m, "amdgpu:0000:2c:00.0:utilization").gpu, 1);
    size_t n;
    meter_channels(m, &n);
    assert_int_equal(n, 4); /* rapl (absent), energy and power of the first, use of the second */
    close_all(&f, m);
}

/* Graphics inside a processor are metered by its package, whoever reads that. */
static void test_integrated(void **state)
{
    (void)state;
    struct fake_io f;
    struct meter *m = open_on(&f, "amd_apu30");
    const char *names[4];
    const struct meter_device dev[] = {{"cpu", "the CPU"}, {"0000:c4:00.0", "Radeon 890M"}};
    meter_computing(m, dev, 2);
    assert_int_equal(meter_unmetered(m, names, 4), 0);
    assert_string_equal(meter_source(m), "measured");
    close_all(&f, m);
    m = open_on(&f, "amd_asleep"); /* a card of its own is not */
    add_rapl(&f, 0);
    meter_close(m);
    struct ipw_err err;
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    meter_computing(m, &(struct meter_device){"0000:03:00.0", "RX 7600S"}, 1);
    assert_int_equal(meter_unmetered(m, names, 4), 1);
    assert_string_equal(meter_source(m), "partial");
    meter_computing(m, dev, 1); /* it sleeps and computes nothing */
    assert_string_equal(meter_source(m), "measured");
    close_all(&f, m);
}

/* A GPU that cannot be read leaves a hole in the total only if it computes. */
static void test_hole(void **state)
{
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m = open_on(&f, "amd_rdna");
    meter_close(m);
    fakefs_write(f.root, "class/drm/card2/device/vendor", "0x1002\n");
    fakefs_write(f.root, "class/drm/card2/device/uevent", "PCI_SLOT_NAME=0000:09:00.0\n");
    fakefs_write(f.root, "class/drm/card2/device/power/runtime_status", "suspended\n");
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    assert_int_equal(find(m, "amdgpu:0000:09:00.0:energy").gpu, 1);
    assert_string_equal(meter_source(m), "partial");
    meter_computing(m, &(struct meter_device){"0000:03:00.0", "RX 7900"}, 1);
    assert_string_equal(meter_source(m), "measured");
    close_all(&f, m);
}

static void test_jetson_rows(void **state)
{
    (void)state;
    struct fake_io f;
    struct meter *m = open_on(&f, "orin_nano");
    struct energy_channel c = find(m, "hwmon:ina3221/VDD_IN");
    assert_true(c.scope == ENERGY_SCOPE_SOC_IN && c.in_total && c.in_system && c.period_ns == 8000000);
    assert_int_equal(read_of(m, "hwmon:ina3221/VDD_IN"), 5032 * 1480);
    assert_int_equal(find(m, "hwmon:ina3221/VDD_SOC").scope, ENERGY_SCOPE_RAIL);
    close_all(&f, m);
    m = open_on(&f, "orin_agx"); /* fed from VIN_SYS_5V0 */
    assert_false(find(m, "hwmon:ina3221/VDDQ_VDD2_1V8AO").in_total);
    close_all(&f, m);
    m = open_on(&f, "ina_other"); /* the label of a Jetson on a board that is none; -8 mA of offset, then -2 A */
    assert_int_equal(find(m, "hwmon:ina3221/VDD_IN").scope, ENERGY_SCOPE_RAIL);
    assert_int_equal(read_of(m, "hwmon:ina3221/C"), 0);
    meter_close(m);
    fakefs_write(f.root, "class/hwmon/hwmon1/curr3_input", "-2000\n");
    struct ipw_err err;
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    assert_int_equal(find(m, "hwmon:ina3221/C").status, ENERGY_CHANNEL_ERROR);
    close_all(&f, m);
}

static void test_other_rows(void **state)
{
    (void)state;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m = open_on(&f, "grace");
    struct energy_channel c = find(m, "hwmon:power_meter/Module_Power_Socket_0");
    assert_true(c.kind == ENERGY_KIND_POWER_AVG && c.window_ns == 50000000);
    assert_string_equal(c.device, "module-0");
    assert_string_equal(find(m, "hwmon:power_meter/Grace_Power_Socket_0").why, "inside module of module-0");
    assert_int_equal(find(m, "hwmon:power_meter/CPU_Power_Socket_0").scope, ENERGY_SCOPE_CPU_CORE);
    close_all(&f, m);
    m = open_on(&f, "acpi");
    check_near(find(m, "hwmon:power_meter/power1_average").gain_u, 0.04, 1e-12);
    close_all(&f, m);
    m = open_on(&f, "xe");
    c = find(m, "hwmon:xe@0000:03:00.0/energy1_input");
    check_near(c.pmax_w, 600, 1e-12);
    assert_string_equal(c.remedy.id, "E_INTELGPU_LATE");
    assert_int_equal(c.status, ENERGY_CHANNEL_OK);
    close_all(&f, m);
    m = open_on(&f, "unknown"); /* rails with ids of their own, in no total unless asked for */
    find(m, "hwmon:acme/Board__main:power1_average");
    assert_int_equal(find(m, "hwmon:acme/power2_input").status, ENERGY_CHANNEL_ERROR);
    find(m, "hwmon:acme/Board__main:power1_input");
    meter_close(m);
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.include = "hwmon:acme/energy1_input"}, &err), 0);
    assert_string_equal(meter_signature(m), "component(rail)");
    close_all(&f, m);
    m = open_on(&f, "altra");
    assert_string_equal(find(m, "hwmon:apm_xgene/CPU_power@\\_SB_.HM01").device, "package-1");
    close_all(&f, m);
}

/* ---- remedies ---- */

static void test_remedies(void **state)
{
    (void)state;
    const struct {
        const char *fixture, *channel, *id, *text, *part;
        int rc; /* of opening what has `part` in its path */
        enum energy_channel_status status;
    } v[] = {
        {"amd_asleep", "amdgpu:0000:03:00.0:energy", "E_AMD_SUSPENDED", "power/control", NULL, 0, ENERGY_CHANNEL_ERROR},
        {"amd_asleep", "hwmon:amdgpu@0000:03:00.0/power1_average", "E_AMD_SUSPENDED", "would wake it", NULL, 0,
         ENERGY_CHANNEL_ERROR},
        {"amd_broken", "amdgpu:0000:03:00.0:energy", "E_AMD_COUNTER_BROKEN", "stands at 0", NULL, 0,
         ENERGY_CHANNEL_ERROR},
        {"jetson_odd", "hwmon:jetson", "E_JETSON_NOTOTAL", "--include", NULL, 0, ENERGY_CHANNEL_ABSENT},
        {"jetson_bare", "hwmon:jetson", "E_JETSON_NOTOTAL", "modprobe ina3221", NULL, 0, ENERGY_CHANNEL_ABSENT},
        {"battery_ac", "battery:BAT0:energy", "E_BATT_PLUGGED", "'AC' is online", NULL, 0, ENERGY_CHANNEL_ERROR},
        {"amd_energy", "hwmon:amd_energy/Esocket2", "E_HWMON_EACCES", "sudo chgrp", "energy7_input", EACCES,
         ENERGY_CHANNEL_DENIED},
        {"orin_nano", "hwmon:ina3221/VDD_IN", "E_HWMON_READ", "in1_input", "in1_input", EIO, ENERGY_CHANNEL_ERROR},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct fake_io f;
        struct ipw_err err;
        struct meter *m;
        fake_io_init(&f, v[i].fixture);
        f.rules[0] = (struct fake_rule){v[i].part, v[i].rc, 0};
        assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
        struct energy_channel c = find(m, v[i].channel);
        assert_int_equal(c.status, v[i].status);
        assert_string_equal(c.remedy.id, v[i].id);
        assert_non_null(strstr(c.remedy.text, v[i].text));
        close_all(&f, m);
    }
    struct fake_io f; /* what helps most is what would add to the total */
    struct meter *m = open_on(&f, "battery_ac");
    assert_string_equal(meter_remedy(m)->id, "E_RAPL_NONE");
    close_all(&f, m);
}

/* Of a sleeping GPU not one sensor is opened. */
static void test_asleep(void **state)
{
    (void)state;
    struct fake_io f;
    fake_io_init(&f, "amd_asleep");
    f.rules[0] = (struct fake_rule){"power1_average", EIO, EIO};
    f.rules[1] = (struct fake_rule){"gpu_metrics", EIO, EIO};
    struct ipw_err err;
    struct meter *m;
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    assert_string_equal(find(m, "hwmon:amdgpu@0000:03:00.0/power1_average").remedy.id, "E_AMD_SUSPENDED");
    close_all(&f, m);
}

/* ---- live ---- */

/* A battery's raw value rises while it empties; with the charger in, it is not what the machine uses. */
static void test_battery_live(void **state)
{
    (void)state;
    struct fake_io f;
    struct meter *m = open_on(&f, "battery");
    uint64_t before = read_of(m, "battery:BAT0:energy");
    fakefs_write(f.root, "class/power_supply/BAT0/energy_now", "39990000\n");
    assert_int_equal(read_of(m, "battery:BAT0:energy") - before, 10000);
    struct energy_channel c = find(m, "battery:BAT1:energy");
    check_near(c.unit_nj, 3.6e6 * 11, 1e-12);
    assert_int_equal(read_of(m, "battery:BAT0:power"), 9000000);
    assert_int_equal(read_of(m, "battery:BAT1:power"), 5500000); /* -0.5 A x 11 V */
    fakefs_write(f.root, "class/power_supply/BAT0/status", "Charging\n");
    size_t n;
    struct energy_reading r;
    const struct energy_channel *ch = meter_channels(m, &n);
    for (size_t i = 0; i < n; i++)
        if (ch[i].status == ENERGY_CHANNEL_OK) {
            meter_read(m, i, &r);
            assert_int_equal(r.status, -EBUSY);
        }
    fakefs_write(f.root, "class/power_supply/BAT1/status", "Discharging\n"); /* one into the other */
    meter_read(m, 1, &r);
    assert_int_equal(r.status, -EBUSY);
    close_all(&f, m);
}

/* When the descriptor of a file was opened, -1: it is not open. */
static int64_t opened_at(const struct fake_io *f, const char *end)
{
    for (int i = 0; i < FAKE_FDS; i++)
        if (atomic_load(&f->fd[i].real) && ipw_ends(f->fd[i].path, end))
            return f->fd[i].opened;
    return -1;
}

/* A chip that goes and comes back is opened again, unless its number is another chip's now. */
static void test_mend(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        struct fake_io f;
        struct meter *m = open_on(&f, "orin_nano");
        struct energy_reading r;
        size_t n, vdd_in = 0;
        const struct energy_channel *ch = meter_channels(m, &n);
        while (!ipw_streq(ch[vdd_in].id, "hwmon:ina3221/VDD_IN"))
            vdd_in++;
        int64_t first = opened_at(&f, "/curr1_input");
        f.rules[0] = (struct fake_rule){"curr1_input", ENODEV, ENODEV};
        meter_read(m, vdd_in, &r);
        assert_int_equal(r.status, -ENODEV);
        meter_mend(m); /* not back yet */
        assert_true(opened_at(&f, "/curr1_input") == first);
        f.rules[0].part = NULL;
        if (other)
            fakefs_write(f.root, "class/hwmon/hwmon1/device/uevent", "OF_FULLNAME=/another\n");
        int fds = atomic_load(&f.open_fds);
        meter_mend(m);
        assert_int_equal(atomic_load(&f.open_fds), fds);
        assert_int_equal(opened_at(&f, "/curr1_input") > first, !other);
        close_all(&f, m);
        assert_int_equal(atomic_load(&f.open_fds), 0);
    }
}

struct reader {
    struct sysfs_file *file;
    const struct ipw_env *env;
    _Atomic bool stop;
    uint64_t reads, bad;
};

static void *read_on(void *ud)
{
    struct reader *r = ud;
    uint64_t v;
    for (; !atomic_load(&r->stop); r->reads++)
        r->bad += sysfs_file_u64(r->file, r->env, &v) != 0 || v != 17000000;
    return NULL;
}

/* A descriptor that is opened again is never closed under a reader. */
static void test_reopen_beside_reader(void **state)
{
    (void)state;
    struct fake_io f;
    struct sysfs_file file;
    pthread_t thread;
    fake_io_init(&f, "amd_apu22");
    assert_true(sysfs_file_init(&file, "/sys/class/hwmon/hwmon2/power1_average"));
    assert_int_equal(sysfs_file_open(&file, &f.env), 0);
    struct reader r = {.file = &file, .env = &f.env};
    assert_int_equal(pthread_create(&thread, NULL, read_on, &r), 0);
    for (int i = 0; i < 2000; i++)
        sysfs_file_reopen(&file, &f.env);
    atomic_store(&r.stop, true);
    pthread_join(thread, NULL);
    assert_true(r.bad == 0);
    sysfs_file_close(&file, &f.env);
    assert_int_equal(atomic_load(&f.open_fds), 0);
    fake_io_release(&f);
}

/* ---- pure parts ---- */

static size_t bytes_of(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;
    int len;
    for (const char *p = hex + 5; sscanf(p, "%2x%n", &byte, &len) == 1; p += len)
        out[n++] = (uint8_t)byte;
    return n;
}

static void test_gpu_metrics(void **state)
{
    (void)state;
    const struct {
        const char *hex;
        int rc;
        bool apu, energy, u32;
        uint64_t value, power_mw;
    } v[] = {
        {METRICS_1_3, 0, 0, 1, 1, 4294967000, 87000},
        {METRICS_1_3_ZERO, 0, 0, 0, 1, 0, 87000},
        {METRICS_1_5, 0, 0, 1, 0, 6000000000000, 140000},
        {METRICS_2_2, 0, 1, 0, 0, 0, 17000},
        {METRICS_3_0, 0, 1, 0, 0, 0, 23500},
        {METRICS_1_9, -ENOTSUP, 0, 0, 0, 0, 0},
        {METRICS_CUT, -EINVAL, 0, 0, 0, 0, 0},
    };
    uint8_t buf[512];
    struct gpu_metrics m;
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        size_t n = bytes_of(v[i].hex, buf);
        assert_int_equal(gpu_metrics_parse(buf, n, &m), v[i].rc);
        assert_int_equal(m.apu, v[i].apu);
        assert_int_equal(m.has_energy, v[i].energy);
        assert_int_equal(m.energy_u32, v[i].u32);
        assert_true(m.energy == v[i].value && m.power_mw == v[i].power_mw);
        for (size_t cut = 0; cut < n && !v[i].rc; cut++) { /* every shorter file is no file */
            assert_int_equal(gpu_metrics_parse(buf, cut, &m), -EINVAL);
            assert_false(m.has_energy || m.has_power);
        }
    }
    size_t n = bytes_of(METRICS_1_3, buf);
    memset(buf + 22, 0xff, 2);
    memset(buf + 24, 0xff, 4);
    memset(buf + 28, 0, 4); /* a 32-bit "not available" in the 64-bit field */
    assert_int_equal(gpu_metrics_parse(buf, n, &m), 0);
    assert_false(m.has_energy || m.has_power);
}

static void test_numbers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int rc_u, rc_i;
        int64_t value;
    } v[] = {
        {"42\n", 0, 0, 42},
        {" 7", 0, 0, 7},
        {"-5\n", -EINVAL, 0, -5},
        {"", -ENODATA, -ENODATA, 0},
        {"\n", -ENODATA, -ENODATA, 0},
        {"-", -EINVAL, -EINVAL, 0},
        {"--1", -EINVAL, -EINVAL, 0},
        {"- 1", -EINVAL, -EINVAL, 0},
        {"12x", -EINVAL, -EINVAL, 0},
        {"1 2", -EINVAL, -EINVAL, 0},
        {"18446744073709551616", -EINVAL, -EINVAL, 0},
        {"9223372036854775807", 0, 0, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        uint64_t u = 77;
        int64_t s = 77;
        ssize_t n = (ssize_t)strlen(v[i].text);
        assert_int_equal(sysfs_parse_u64(v[i].text, n, &u), v[i].rc_u);
        assert_int_equal(sysfs_parse_i64(v[i].text, n, &s), v[i].rc_i);
        assert_true(v[i].rc_u ? u == 77 : u == (uint64_t)v[i].value);
        assert_true(v[i].rc_i ? s == 77 : s == v[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_amd_rows),
        cmocka_unit_test(test_jetson_rows),
        cmocka_unit_test(test_other_rows),
        cmocka_unit_test(test_remedies),
        cmocka_unit_test(test_asleep),
        cmocka_unit_test(test_battery_live),
        cmocka_unit_test(test_mend),
        cmocka_unit_test(test_reopen_beside_reader),
        cmocka_unit_test(test_gpu_metrics),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_integrated),
        cmocka_unit_test(test_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
