/* RAPL by perf events: rows, one total beside powercap, refusals, and the helper that hands descriptors to a user. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/str.h"
#include "energy/meter.h"
#include "energy/rapl.h"
#include "fakes/fake_io.h"
#include "fakes/fakefs.h"

extern const struct energy_collector_ops energy_perf;

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
    assert_non_null(strstr(r->text, energy_rapl_install));
    assert_non_null(strstr(r->text, "--cap-add PERFMON"));
    meter_close(m);
    /* one socket's event is refused and its zone too: a hole */
    f.rules[0] = (struct fake_rule){"perf:23:2:18", EPERM, 0};
    f.rules[1] = (struct fake_rule){"intel-rapl:0/energy_uj", EACCES, 0};
    m = open_meter(&f.env, METER_AUTO);
    assert_string_equal(meter_source(m), "partial");
    meter_close(m);
    fake_io_release(&f);
    /* nothing else: the way out stands in the refusal, whole */
    fake_io_init(&f, "perf_client");
    f.rules[0] = (struct fake_rule){"perf:", EACCES, 0};
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), IPW_E_ENV);
    assert_non_null(strstr(err.text, "perf_event_paranoid is 4"));
    assert_non_null(strstr(err.text, energy_rapl_install));
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
    assert_int_equal(lines, 1); /* two lines */
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

/* ---- the helper ---- */

static int fds_open(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int refuse(const struct ipw_env *env, uint32_t type, uint64_t config, int cpu)
{
    (void)env, (void)type, (void)config, (void)cpu;
    errno = EACCES;
    return -1;
}

static int really(const struct ipw_env *env, uint32_t type, uint64_t config, int cpu)
{
    (void)env;
    return ipw_env_host.io->perf_event_open(&ipw_env_host, type, config, cpu);
}

/* The machine's own files and descriptors under another root, with a perf_event_open of the test's. */
static struct ipw_env host_env(struct ipw_io *io, const char *root,
                               int (*open)(const struct ipw_env *, uint32_t, uint64_t, int), const char *meter)
{
    *io = *ipw_env_host.io;
    io->perf_event_open = open;
    struct ipw_env env = ipw_env_host;
    env.io = io;
    env.sys_root = root;
    env.at.meter = meter;
    return env;
}

/* A tree whose energy event is one that this kernel has: CPU time of CPU 0. */
static void make_meter_root(void)
{
    fakefs_write(TEST_METER_ROOT "/sys/bus/event_source/devices/power", "type", "1\n");
    fakefs_write(TEST_METER_ROOT "/sys/bus/event_source/devices/power", "cpumask", "0\n");
    fakefs_write(TEST_METER_ROOT "/sys/bus/event_source/devices/power", "events/energy-pkg", "event=0x00\n");
}

/* Opens the rows, reads the first twice; what happened as an exit status. */
enum { COUNTS = 40, STANDS, DENIED, NOT_REFUSED, OTHER };
static int use_collector(const struct ipw_env *env)
{
    struct energy_channels list = {0};
    struct energy_collector *c;
    uint64_t a = 0, b = 0;
    energy_perf.open(&c, env, &list);
    int result = OTHER;
    if (list.n == 1 && list.v[0].status == ENERGY_CHANNEL_DENIED)
        result = DENIED;
    if (list.n == 1 && list.v[0].status == OK && c && !energy_perf.read(c, env, 0, &a)) {
        usleep(20000);
        if (!energy_perf.read(c, env, 0, &b))
            result = b > a ? COUNTS : STANDS;
    }
    if (c)
        energy_perf.close(c, env);
    free(list.v);
    return result;
}

static void test_helper(void **state)
{
    (void)state;
    struct ipw_io io;
    make_meter_root();
    int before = fds_open();
    int can = really(NULL, 1, 0, 0);
    if (can < 0) {
        print_message("perf_event_open is refused here (%s): the helper hands over nothing\n", strerror(errno));
        skip();
    }
    close(can);
    struct ipw_env env = host_env(&io, TEST_METER_ROOT "/sys", refuse, TEST_METER_FIXTURE);
    assert_int_equal(use_collector(&env), COUNTS);
    env.at.meter = "/nowhere/ipw-meter";
    assert_int_equal(use_collector(&env), DENIED);
    env.at.meter = NULL; /* an installed helper knows only the real /sys: not asked */
    assert_int_equal(use_collector(&env), DENIED);
    assert_int_equal(fds_open(), before);
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* An ordinary user: refused by the kernel, served by a helper with cap_perfmon that their group may run. */
static int as_user(unsigned id, const char *meter)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct ipw_io io;
        if (setgroups(0, NULL) || setgid(id) || setuid(id))
            _exit(OTHER);
        struct ipw_env env = host_env(&io, TEST_METER_ROOT "/sys", really, meter);
        _exit(really(NULL, 1, 0, 0) >= 0 ? NOT_REFUSED : use_collector(&env));
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : OTHER;
}

static bool copy(const char *from, const char *to)
{
    char bytes[65536];
    ssize_t n;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)n) != n)
            return false;
    close(in);
    return close(out) == 0 && n == 0;
}

static void test_ordinary_user(void **state)
{
    (void)state;
    enum { USER = 65534, STRANGER = 65533, PERFMON = 38 };
    static const uint8_t cap[20] = {1, 0, 0, 2, [8] = 0, [12] = 1 << (PERFMON - 32)}; /* revision 2, effective */
    char dir[] = "/tmp/ipw-meter-XXXXXX", meter[64];
    struct statvfs fs;
    struct stat st;
    make_meter_root();
    if (geteuid() != 0 || prctl(PR_CAPBSET_READ, PERFMON) != 1 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0 ||
        statvfs("/tmp", &fs) || fs.f_flag & ST_NOSUID) {
        print_message("not root, or no file capabilities here\n");
        skip();
    }
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    snprintf(meter, sizeof meter, "%s/ipw-meter", dir);
    assert_true(copy(TEST_METER_FIXTURE, meter));
    assert_int_equal(chown(meter, 0, USER), 0);
    assert_int_equal(chmod(meter, 0750), 0);
    int without = as_user(USER, meter);
    int rc = setxattr(meter, "security.capability", cap, sizeof cap, 0), with = as_user(USER, meter);
    int stranger = as_user(STRANGER, meter);
    bool hidden = stat(TEST_METER_ROOT, &st) != 0;
    fakefs_remove(dir);
    if (rc || hidden || without == NOT_REFUSED || without == OTHER) { /* OTHER: the build is in a private folder */
        print_message("no file capabilities, no refusal to overcome, or a private build folder\n");
        skip();
    }
    assert_int_equal(without, DENIED);
    assert_int_equal(with, COUNTS);
    assert_int_equal(stranger, DENIED);
}

/* How the shipped program ends with `fd` as its descriptor 3. */
static int run_meter(int fd, char *const argv[], char *const envp[])
{
    pid_t pid = fork();
    if (pid == 0) {
        if (fd < 0)
            close(3);
        else if (fd != 3)
            dup2(fd, 3);
        else
            fcntl(3, F_SETFD, 0);
        execve(argv[0], argv, envp);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_meter_refuses(void **state)
{
    (void)state;
    char meter[] = TEST_METER, etc[] = "/etc/hostname", *argv[] = {meter, etc, NULL};
    char root[] = "IPW_SYSFS_ROOT=" TEST_METER_ROOT "/sys", *envp[] = {root, NULL};
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/ipw-meter-test.sock"};
    int pair[2], stream[2], pipes[2];
    bool power = access("/sys/bus/event_source/devices/power/type", R_OK) == 0;
    make_meter_root();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/ipw-meter-%d.sock", (int)getpid());
    int server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), file = open(meter, O_RDONLY | O_CLOEXEC);
    assert_int_equal(bind(server, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof name), 0);
    int lonely = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int accepted = accept(server, NULL, NULL);
    const int bad[] = {-1, pipes[0], file, udp, stream[0], client, accepted, server, lonely};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(run_meter(bad[i], argv, envp), 2);
    /* Neither the variable nor the argument makes it look elsewhere: on a machine without the PMU there is none. */
    assert_int_equal(run_meter(pair[0], argv, envp), power ? 0 : 1);
    unlink(name.sun_path);
    const int all[] = {pair[0], pair[1], stream[0], stream[1], pipes[0], pipes[1], server, client, accepted, udp, file, lonely};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        close(all[i]);
}

/* Under strace: every file that the program opens is one of the PMU's (libc asks for the name of its own program). */
static void test_meter_opens(void **state)
{
    (void)state;
    char log[] = "/tmp/ipw-strace-XXXXXX", strace[] = "/usr/bin/strace", quiet[] = "-qq", out[] = "-o", what[] = "-e", set[] = "-E",
         calls[] = "trace=%file,%process,%network,perf_event_open", meter[] = TEST_METER, arg[] = "/etc/hostname", line[512];
    char preload[] = "LD_PRELOAD=/tmp/evil.so", root[] = "METER_ROOT=/tmp", *envp[] = {root, NULL};
    char *argv[] = {strace, quiet, what, calls, set, preload, out, log, meter, arg, NULL};
    int pair[2], fd = mkstemp(log), opens = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    int rc = access(strace, X_OK) == 0 ? run_meter(pair[0], argv, envp) : 127;
    FILE *f = fdopen(fd, "r");
    while (fgets(line, sizeof line, f)) {
        bool start = ipw_starts(line, "execve(\"" TEST_METER), open = ipw_starts(line, "open");
        if (strchr(line, '"') && !start && !strstr(line, "\"/sys/bus/event_source/devices/power/") &&
            !ipw_starts(line, "sendmsg") && !ipw_starts(line, "readlink(\"/proc/self/exe\""))
            fail_msg("ipw-meter reaches for: %s", line);
        opens += open;
    }
    fclose(f);
    unlink(log);
    close(pair[0]);
    close(pair[1]);
    if (rc == 127 || !opens) {
        print_message("no strace here\n");
        skip();
    }
}

/* Helpers that are not ipw-meter: this very program, by the name it was started with. */
static void send_text(const char *text, int fd)
{
    int two[2] = {fd, fd};
    union {
        char bytes[CMSG_SPACE(sizeof two)];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {NULL, strlen(text)};
    memcpy(&part.iov_base, &text, sizeof text);
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof two);
        memcpy(CMSG_DATA(c), two, sizeof two);
    }
    sendmsg(IPW_PROC_FD, &msg, MSG_NOSIGNAL);
}

static int play(const char *part)
{
    if (ipw_streq(part, "hang")) { /* ends itself, leaves a child that holds the socket */
        pid_t pid = fork();
        char text[32];
        if (pid == 0) {
            sleep(60);
            _exit(0);
        }
        snprintf(text, sizeof text, "%d", (int)pid);
        send_text(text, -1);
        return 0;
    }
    if (ipw_streq(part, "babble")) {
        int null = open("/dev/null", O_RDONLY), zero = open("/dev/zero", O_RDONLY);
        char text[200];
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        send_text(text, null);
        send_text("energy-pkg 0", -1);
        send_text("energy-pkg 0", null); /* gives no count */
        send_text("energy-pkg 99", zero);
        send_text("energy-none 0", zero);
        send_text("energy-pkg 0 ", zero);
    }
    return part[0] == 's' ? 1 : 0; /* "silent" */
}

static void test_bad_helpers(void **state)
{
    (void)state;
    char dir[] = "/tmp/ipw-helper-XXXXXX", self[512], path[64], text[64];
    struct ipw_io io;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0 && mkdtemp(dir));
    self[n] = '\0';
    make_meter_root();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int before = fds_open(), fd, status;
    const char *const parts[] = {"silent", "babble", "hang"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, parts[i]);
        assert_int_equal(symlink(self, path), 0);
        struct ipw_env env = host_env(&io, TEST_METER_ROOT "/sys", refuse, path);
        int64_t t = ipw_now(&ipw_env_host);
        assert_int_equal(use_collector(&env), DENIED);
        t = ipw_now(&ipw_env_host) - t;
        assert_true(i < 2 ? t < 1500000000 : t > 1900000000 && t < 4000000000);
        assert_int_equal(fds_open(), before);
    }
    waitpid(-1, NULL, 0); /* the orphan of "hang" */
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    /* the whole group goes */
    struct ipw_proc p;
    assert_int_equal(ipw_proc_start(&p, path), 0);
    assert_true(ipw_proc_receive(&p, &ipw_env_host, ipw_now(&ipw_env_host) + 2000000000, text, sizeof text, &fd) > 0);
    assert_int_equal(ipw_proc_receive(&p, &ipw_env_host, ipw_now(&ipw_env_host) + 50000000, text, 4, &fd), -ETIMEDOUT);
    ipw_proc_end(&p);
    assert_int_equal(waitpid((pid_t)strtol(text, NULL, 10), &status, 0), (pid_t)strtol(text, NULL, 10));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(ipw_proc_start(&p, dir), -EACCES);
    assert_int_equal(ipw_proc_start(&p, "/nowhere"), -ENOENT);
    assert_int_equal(fds_open(), before);
    fakefs_remove(dir);
}

int main(int argc, char **argv)
{
    const char *part = argc ? strrchr(argv[0], '/') : NULL;
    if (part && (ipw_streq(part, "/silent") || ipw_streq(part, "/babble") || ipw_streq(part, "/hang")))
        _exit(play(part + 1));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machines),      cmocka_unit_test(test_counts),        cmocka_unit_test(test_still),
        cmocka_unit_test(test_vanish),        cmocka_unit_test(test_denied),        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_helper),        cmocka_unit_test(test_ordinary_user), cmocka_unit_test(test_meter_refuses),
        cmocka_unit_test(test_meter_opens),   cmocka_unit_test(test_bad_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
