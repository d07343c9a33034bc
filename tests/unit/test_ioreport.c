/* Apple's counters where there is no Mac: the sums of the parser, then the collector against a library that stands for
 * IOReport and CoreFoundation. */
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "energy/ioreport.h"
#include "energy/meter.h"
#include "fakes/fake_io.h"

extern const struct energy_collector_ops energy_ioreport;

/* ---- the parser ---- */

static void test_sums(void **state)
{
    (void)state;
    struct ioreport_sum s = {0};
    ioreport_add(&s, "DIE_0_CPU Energy", "mJ", 10);
    ioreport_add(&s, "DIE_1_CPU Energy", "mJ", 20);
    assert_int_equal(ioreport_get(&s, IOREPORT_CPU).nj, 30000000);
    ioreport_add(&s, "CPU Energy", "mJ", 31); /* the chip's own channel holds the dies */
    assert_int_equal(ioreport_get(&s, IOREPORT_CPU).nj, 31000000);
    static const char *const none[] = {
        "PCPU Energy",  "CPU EnergyX", "DIE_CPU Energy", "DIE__CPU Energy", "DIE_0CPU Energy", "ECPU",     "PACC0_CPM",
        "ANE0_SRAM",    "ANED",        "GPU",            "GPU0_0",          "DRAM0_",          "DRAM0_1x", "xANE",
        "CPU  Energy",  "cpu energy",  "",               "DIE_",            "DIE_1_",          "MCPU0_0",  "GPU SRAM_X",
    };
    struct ioreport_sum z = {0};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ioreport_add(&z, none[i], "mJ", 1);
    for (int p = 0; p < IOREPORT_PARTS; p++)
        assert_false(ioreport_get(&z, (enum ioreport_part)p).have);
}

static void test_units(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        int64_t value;
        int status;
        uint64_t nj;
    } v[] = {
        {"nJ", 7, 0, 7},         {" uJ  ", 7, 0, 7000},        {"\302\265J", 7, 0, 7000}, {"\316\274J", 7, 0, 7000},
        {"mJ\t", 7, 0, 7000000}, {"J", 7, 0, 7000000000u},     {"", 7, -EINVAL, 0},       {"mj", 7, -EINVAL, 0},
        {"kJ", 7, -EINVAL, 0},   {"m J", 7, -EINVAL, 0},       {"mJ", -1, -EINVAL, 0},    {"J", INT64_MAX, -ERANGE, 0},
        {"nJ", INT64_MAX, 0, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct ioreport_sum s = {0};
        ioreport_add(&s, "GPU Energy", v[i].unit, v[i].value);
        struct ioreport_value g = ioreport_get(&s, IOREPORT_GPU);
        assert_true(g.have);
        assert_int_equal(g.status, v[i].status);
        if (!g.status)
            assert_true(g.nj == v[i].nj);
    }
    struct ioreport_sum s = {0}; /* one bad die spoils the sum, later good ones do not mend it */
    ioreport_add(&s, "ANE0_0", "mJ", 1);
    ioreport_add(&s, "ANE0_1", "?", 1);
    ioreport_add(&s, "ANE0_2", "uJ", 1);
    assert_int_equal(ioreport_get(&s, IOREPORT_ANE).status, -EINVAL);
    struct ioreport_sum mixed = {0}; /* each channel in its own unit */
    ioreport_add(&mixed, "DRAM0", "mJ", 2);
    ioreport_add(&mixed, "DRAM1", "nJ", 3);
    assert_int_equal(ioreport_get(&mixed, IOREPORT_DRAM).nj, 2000003);
    assert_int_equal(ioreport_get(&mixed, IOREPORT_DRAM).quantum_nj, 1000000);
}

/* ---- the collector ---- */

static void *library;
static long (*live)(void), (*samples)(void), (*overlaps)(void);

static int load_stub(void **state)
{
    (void)state;
    library = dlopen(STUB_IOREPORT, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return -1;
    const struct {
        const char *name;
        long (**to)(void);
    } f[] = {
        {"stub_ioreport_live", &live}, {"stub_ioreport_samples", &samples}, {"stub_ioreport_overlaps", &overlaps}};
    for (size_t i = 0; i < 3; i++) {
        void *p = dlsym(library, f[i].name);
        memcpy(f[i].to, &p, sizeof p);
    }
    return 0;
}

static int unload_stub(void **state)
{
    (void)state;
    return dlclose(library);
}

static void begin(struct fake_io *f, const char *fixture)
{
    char tsv[300];
    fake_io_init(f, fixture);
    f->step_ns = 100;
    f->env.at.ioreport = STUB_IOREPORT;
    snprintf(tsv, sizeof tsv, "%s/ioreport.tsv", f->root);
    setenv("STUB_IOREPORT_TSV", tsv, 1);
}

static void end(struct fake_io *f)
{
    assert_int_equal(live(), 0); /* every CF object was released */
    assert_int_equal(atomic_load(&f->open_fds), 0);
    fake_io_release(f);
}

struct expected {
    const char *id, *device;
    enum energy_scope scope;
    int64_t quantum_nj;
    uint64_t first, growth; /* nJ at the first sample, and per sample */
};

static void check_chip(const char *fixture, const struct expected *want, size_t n_want, const char *signature)
{
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    size_t n;
    begin(&f, fixture);
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
    assert_string_equal(meter_source(m), "measured");
    assert_string_equal(meter_signature(m), signature);
    const struct energy_channel *ch = meter_channels(m, &n), *first = NULL;
    for (size_t i = 0; i < n && !first; i++)
        first = strcmp(ch[i].source, "ioreport") ? NULL : &ch[i];
    assert_non_null(first);
    size_t at = (size_t)(first - ch);
    assert_int_equal(n - at, n_want);
    for (size_t i = 0; i < n_want; i++) {
        const struct energy_channel *c = &first[i];
        assert_string_equal(c->id, want[i].id);
        assert_string_equal(c->device, want[i].device);
        assert_int_equal(c->scope, want[i].scope);
        assert_int_equal(c->kind, ENERGY_KIND_COUNTER);
        assert_int_equal(c->quantum_nj, want[i].quantum_nj);
        assert_true(c->in_total && !c->in_system && !c->modulus && !c->period_ns && c->unit_nj == 1);
        check_near(c->gain_u, 0.10, 0);
        assert_string_equal(c->verified, "stub");
        assert_true(c->latency_ns > 0);
        assert_false(meter_boundary(m, at + i)); /* not before its period is known */
        struct energy_reading r;
        atomic_fetch_add(&f.now, 5000000);
        long k = samples();
        meter_read(m, at + i, &r);
        assert_int_equal(r.status, 0);
        assert_int_equal(samples(), k + 1);
        assert_true(r.raw == want[i].first + (uint64_t)k * want[i].growth);
    }
    meter_close(m);
    end(&f);
}

#define CPU ENERGY_SCOPE_CPU_PACKAGE
#define GPU ENERGY_SCOPE_GPU_CHIP
#define MS 1000000

static void test_chips(void **state)
{
    (void)state;
    const struct expected m1max[] = {
        {"ioreport:cpu", "soc", CPU, MS, 62150ull * MS, 84 * MS},
        {"ioreport:gpu", "soc", GPU, 1, 9000123456, 30000001},
        {"ioreport:gpu_sram", "soc-gpu-sram", GPU, MS, 40 * MS, 2 * MS},
        {"ioreport:ane", "soc", ENERGY_SCOPE_ANE, MS, 500 * MS, 10 * MS},
        {"ioreport:dram", "soc", ENERGY_SCOPE_DRAM, MS, 8000ull * MS, 5 * MS},
    };
    check_chip("m1max", m1max, 5, "component(ane+cpu_package+dram+gpu_chip)");
    const struct expected m2ultra[] = {
        {"ioreport:cpu", "soc", CPU, MS, 1500 * MS, 60 * MS},
        {"ioreport:gpu", "soc", GPU, 1, 70000000, 1000001},
        {"ioreport:gpu_sram", "soc-gpu-sram", GPU, MS, 11 * MS, 2 * MS},
        {"ioreport:ane", "soc", ENERGY_SCOPE_ANE, MS, 7 * MS, 2 * MS},
        {"ioreport:dram", "soc", ENERGY_SCOPE_DRAM, MS, 1300 * MS, 5 * MS},
    };
    check_chip("m2ultra", m2ultra, 5, "component(ane+cpu_package+dram+gpu_chip)");
    const struct expected m5[] = {
        {"ioreport:cpu", "soc", CPU, MS, 230 * MS, 22 * MS},
        {"ioreport:gpu", "soc", GPU, 1, 123456789, 1000},
        {"ioreport:ane", "soc", ENERGY_SCOPE_ANE, 1000, 1500000, 500000},
        {"ioreport:dram", "soc", ENERGY_SCOPE_DRAM, 1000, 2500000, 100000},
    };
    check_chip("m5", m5, 4, "component(ane+cpu_package+dram+gpu_chip)");
}

static void test_trouble(void **state)
{
    (void)state;
    static const struct {
        const char *fixture, *library, *id, *text;
        enum energy_channel_status status;
    } v[] = {
        {"nogroup", STUB_IOREPORT, "E_IOREPORT_NONE", "virtual machine", ENERGY_CHANNEL_ABSENT},
        {"nosubscribe", STUB_IOREPORT, "E_IOREPORT_SUBSCRIBE", "plain terminal", ENERGY_CHANNEL_ERROR},
        {"nosamples", STUB_IOREPORT, "E_IOREPORT_EMPTY", "cannot be sampled", ENERGY_CHANNEL_ERROR},
        {"strange", STUB_IOREPORT, "E_IOREPORT_EMPTY", "no part that ipw knows", ENERGY_CHANNEL_ABSENT},
        {"m5", STUB_IOREPORT_OLD, "E_IOREPORT_SYMBOL", "'IOReportChannelGetUnitLabel'", ENERGY_CHANNEL_ERROR},
        {"m5", "/nowhere/lib.so", "E_IOREPORT_LIB", "'/nowhere/lib.so'", ENERGY_CHANNEL_ERROR},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct fake_io f;
        struct energy_channels list = {0};
        struct energy_collector *c;
        begin(&f, v[i].fixture);
        f.env.at.ioreport = v[i].library;
        energy_ioreport.open(&c, &f.env, &list);
        assert_null(c);
        assert_int_equal(list.n, 1);
        assert_string_equal(list.v[0].remedy.id, v[i].id);
        assert_non_null(strstr(list.v[0].remedy.text, v[i].text));
        assert_null(strstr(list.v[0].remedy.text, "--energy")); /* a flag of some commands */
        assert_int_equal(list.v[0].status, v[i].status);
        free(list.v);
        end(&f);
    }
    struct fake_io f; /* parts with a bad channel: a row with a reason, and no value */
    struct energy_channels list = {0};
    struct energy_collector *c;
    uint64_t raw = 77;
    begin(&f, "m1bad");
    energy_ioreport.open(&c, &f.env, &list);
    assert_int_equal(list.n, 3);
    assert_int_equal(list.v[0].status, ENERGY_CHANNEL_OK);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(list.v[i].status, ENERGY_CHANNEL_ERROR);
        assert_string_equal(list.v[i].remedy.id, "E_IOREPORT_READ");
        assert_int_equal(energy_ioreport.read(c, &f.env, i, &raw), -EINVAL);
        assert_int_equal(raw, 77);
    }
    free(list.v);
    energy_ioreport.close(c, &f.env);
    end(&f);
    begin(&f, "m5"); /* no library is named, and this is no Mac: no row */
    f.env.at.ioreport = NULL;
    list = (struct energy_channels){0};
#ifndef __APPLE__
    energy_ioreport.open(&c, &f.env, &list);
    assert_true(!c && !list.n);
#endif
    end(&f);
}

/* One sample serves the parts that are read right after it, each once. */
static void test_sharing(void **state)
{
    (void)state;
    struct fake_io f;
    struct energy_channels list = {0};
    struct energy_collector *c;
    uint64_t cpu, gpu, again;
    begin(&f, "m5");
    energy_ioreport.open(&c, &f.env, &list);
    long k = samples();
    assert_int_equal(energy_ioreport.read(c, &f.env, 0, &cpu), 0);
    assert_int_equal(energy_ioreport.read(c, &f.env, 1, &gpu), 0);
    assert_int_equal(samples(), k + 1);
    assert_int_equal(gpu, 123456789 + (uint64_t)k * 1000);
    assert_int_equal(energy_ioreport.read(c, &f.env, 0, &again), 0); /* the same channel: a new look */
    assert_int_equal(samples(), k + 2);
    assert_int_equal(again - cpu, 22000000);
    atomic_fetch_add(&f.now, 2000000); /* an old sample is no answer */
    assert_int_equal(energy_ioreport.read(c, &f.env, 1, &again), 0);
    assert_int_equal(samples(), k + 3);
    assert_int_equal(again - gpu, 2000);
    free(list.v);
    energy_ioreport.close(c, &f.env);
    end(&f);
    begin(&f, "lost"); /* the library stops answering: a status, and nothing of the last sample */
    list = (struct energy_channels){0};
    energy_ioreport.open(&c, &f.env, &list);
    assert_int_equal(energy_ioreport.read(c, &f.env, 0, &cpu), 0);
    assert_int_equal(energy_ioreport.read(c, &f.env, 0, &cpu), 0);
    cpu = 77;
    assert_int_equal(energy_ioreport.read(c, &f.env, 0, &cpu), -EIO);
    assert_int_equal(energy_ioreport.read(c, &f.env, 1, &cpu), -EIO);
    assert_int_equal(cpu, 77);
    free(list.v);
    energy_ioreport.close(c, &f.env);
    end(&f);
}

/* ---- several threads ---- */

enum { READERS = 4, READS = 2000 };

struct reader {
    struct energy_collector *c;
    const struct ipw_env *env;
    size_t local;
    int good, bad;
};

static void *reader_main(void *arg)
{
    struct reader *r = arg;
    uint64_t last = 0, raw;
    while (r->good < READS) {
        int rc = energy_ioreport.read(r->c, r->env, r->local, &raw);
        if (!rc && raw >= last) {
            r->good++;
            last = raw;
        } else if (rc == -EAGAIN) {
            sched_yield(); /* whoever samples may have lost its processor */
        } else {
            r->bad++;
            break;
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct fake_io f;
    struct energy_channels list = {0};
    struct energy_collector *c;
    pthread_t t[READERS];
    struct reader r[READERS];
    begin(&f, "m5");
    energy_ioreport.open(&c, &f.env, &list);
    for (size_t i = 0; i < READERS; i++) {
        r[i] = (struct reader){c, &f.env, i, 0, 0};
        assert_int_equal(pthread_create(&t[i], NULL, reader_main, &r[i]), 0);
    }
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(r[i].bad, 0);
    }
    assert_int_equal(overlaps(), 0); /* IOReport was never used twice at once */
    free(list.v);
    energy_ioreport.close(c, &f.env);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),    cmocka_unit_test(test_units),   cmocka_unit_test(test_chips),
        cmocka_unit_test(test_trouble), cmocka_unit_test(test_sharing), cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, load_stub, unload_stub);
}
