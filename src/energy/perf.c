/* RAPL through the kernel's `power` performance events (Linux): the same registers as powercap, without its wrap and
 * its rounding. Rules: telemetry 3.2, from the kernel's arch/x86/events/rapl.c. Counts begin at 0 when opened. Events of
 * a whole CPU need a right that ipw has not: where the kernel refuses, ipw-meter is asked for the descriptors. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/helper.h"
#include "base/str.h"
#include "energy/live_fd.h"
#include "energy/rapl.h"

#define PMUS "/sys/bus/event_source/devices"
#define CPUS "/sys/devices/system/cpu"

enum {
    MAX_UNITS = 64,
    MAX_CPUS = 1024,
    MAX_MESSAGES = 1024,
    HELPER_NS = 2000000000,
    QUANTUM_NJ = 61035, /* the coarsest usual unit of the register behind the count, where powercap does not say */
};

enum pmu { POWER, POWER_CORE };
static const char *const pmus[] = {"power", "power_core"};

static const struct event {
    enum pmu pmu;
    const char *name;
    enum energy_scope scope;
} events[] = {
    {POWER, "energy-pkg", ENERGY_SCOPE_CPU_PACKAGE}, {POWER, "energy-ram", ENERGY_SCOPE_DRAM},
    {POWER, "energy-cores", ENERGY_SCOPE_CPU_CORE},  {POWER, "energy-gpu", ENERGY_SCOPE_IGPU},
    {POWER, "energy-psys", ENERGY_SCOPE_PLATFORM},
    /* AMD, one core: only that of the unit's own CPU, to look at, as powercap's "core" zone. */
    {POWER_CORE, "energy-core", ENERGY_SCOPE_CPU_CORE},
};

/* What one event counts: a package, or a die where the PMU tells them apart. */
struct unit {
    int cpu, package, die;
    char device[48];       /* as powercap names it */
};

struct source {
    const struct event *event;
    uint32_t type;
    uint64_t config;
    int cpu;
    char device[48];
    int rc; /* of opening, -errno */
    struct live_fd live;
};

struct energy_collector {
    size_t n;
    struct source *s; /* one per row, in the order of the rows */
    bool helper;      /* it gave descriptors, so it may again */
};

/* ---- reading ---- */

static int read_fd(const struct ipw_env *env, int fd, uint64_t *raw)
{
    uint64_t count;
    ssize_t n = env->io->read(env, fd, &count, sizeof count);
    if (n < 0)
        return -errno;
    if (n == 0) /* the kernel's word for an event whose CPU or PMU is gone */
        return -ENXIO;
    if (n != sizeof count)
        return -ENODATA;
    *raw = count;
    return 0;
}

static int perf_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    int rc = live_fd_read(&c->s[local].live, env, read_fd, raw);
    return rc == -ENXIO ? -ENODATA : rc;
}

/* ---- what there is ---- */

static int pmu_text(const struct ipw_env *env, enum pmu pmu, const char *file, char *out, size_t size)
{
    char path[160];
    snprintf(path, sizeof path, PMUS "/%s/%s", pmus[pmu], file);
    return ipw_env_read(env, path, out, size);
}

/* A small number of topology/, -1 when it is not known (the kernel writes -1 for that too). */
static int topology(const struct ipw_env *env, int cpu, const char *file)
{
    char path[128], text[32];
    int64_t v;
    snprintf(path, sizeof path, CPUS "/cpu%d/topology/%s", cpu, file);
    if (ipw_env_read(env, path, text, sizeof text) <= 0 || !ipw_parse_i64(text, &v) || v < 0 || v > 65535)
        return -1;
    return (int)v;
}

struct cpus {
    int v[MAX_CPUS];
    int n;
};

static void on_cpu(const char *name, void *ud)
{
    struct cpus *c = ud;
    int64_t i;
    if (ipw_starts(name, "cpu") && ipw_isdigit((unsigned char)name[3]) && ipw_parse_i64(name + 3, &i) &&
        i <= 65535 && c->n < MAX_CPUS)
        c->v[c->n++] = (int)i;
}

static int by_number(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The CPUs that stand for the units: the PMU's own list (true); without one all CPUs, of which the first of each unit is
 * kept. */
static bool find_cpus(const struct ipw_env *env, struct cpus *c)
{
    char text[4096];
    c->n = -1;
    if (pmu_text(env, POWER, "cpumask", text, sizeof text) > 0)
        c->n = energy_rapl_cpulist(text, c->v, MAX_CPUS);
    if (c->n > 0)
        return true;
    c->n = 0;
    env->io->list(env, CPUS, on_cpu, c);
    qsort(c->v, (size_t)c->n, sizeof c->v[0], by_number);
    return false;
}

static size_t find_units(const struct ipw_env *env, struct unit *u)
{
    struct cpus cpus;
    size_t n = 0;
    bool listed = find_cpus(env, &cpus);
    for (int i = 0; i < cpus.n && n < MAX_UNITS; i++) {
        int cpu = cpus.v[i], package = topology(env, cpu, "physical_package_id"), die = topology(env, cpu, "die_id");
        if (package < 0)
            package = listed ? i : 0; /* each CPU of the list is another unit */
        struct unit x = {cpu, package, die < 0 ? 0 : die, ""};
        size_t k = 0;
        while (k < n && (u[k].package != x.package || u[k].die != x.die))
            k++;
        if (k == n)
            u[n++] = x;
    }
    for (size_t i = 0; i < n; i++) {
        bool dies = false;
        for (size_t k = 0; k < n; k++)
            dies |= k != i && u[k].package == u[i].package;
        if (dies)
            snprintf(u[i].device, sizeof u[i].device, "package-%d-die-%d", u[i].package, u[i].die);
        else
            snprintf(u[i].device, sizeof u[i].device, "package-%d", u[i].package);
    }
    return n;
}

/* ---- opening ---- */

static bool refused(int rc)
{
    return rc == -EACCES || rc == -EPERM;
}

/* A descriptor that has given a count, or -errno. */
static int open_event(const struct source *s, const struct ipw_env *env)
{
    uint64_t raw;
    int fd = env->io->perf_event_open(env, s->type, s->config, s->cpu);
    int rc = fd < 0 ? -errno : read_fd(env, fd, &raw);
    if (!rc)
        return fd;
    if (fd >= 0)
        env->io->close(env, fd);
    return rc;
}

static const char *helper_path(const struct ipw_env *env)
{
    if (env->at.meter)
        return env->at.meter;
    return env->sys_root && *env->sys_root ? "" : energy_rapl_meter_path; /* it knows only the machine's own /sys */
}

/* Puts one descriptor where it is wanted; false when it is not. */
static bool place(struct energy_collector *c, const struct ipw_env *env, const char *message, int fd)
{
    char event[32];
    int cpu;
    uint64_t raw;
    if (!energy_rapl_message(message, event, &cpu) || read_fd(env, fd, &raw) != 0)
        return false;
    for (size_t i = 0; i < c->n; i++) {
        struct source *s = &c->s[i];
        if (s->event->pmu != POWER || s->cpu != cpu || !ipw_streq(s->event->name, event) || !refused(s->rc))
            continue;
        s->rc = 0;
        live_fd_replace(&s->live, env, fd);
        return true;
    }
    return false;
}

/* Asks ipw-meter for the events that are refused; 0 when it came to an end by itself. -ENOENT: no helper. */
static int ask_helper(struct energy_collector *c, const struct ipw_env *env)
{
    struct ipw_helper p;
    char text[64];
    ssize_t n = 1;
    const char *path = helper_path(env);
    int fd, rc = *path ? ipw_helper_start(&p, path) : -ENOENT;
    if (rc)
        return rc;
    int64_t deadline = ipw_now(env) + HELPER_NS;
    for (int i = 0; i < MAX_MESSAGES && (n = ipw_helper_receive(&p, env, deadline, text, sizeof text, &fd)) > 0; i++) {
        if (fd < 0)
            continue;
        if (place(c, env, text, fd))
            c->helper = true;
        else
            env->io->close(env, fd);
    }
    ipw_helper_end(&p);
    return n < 0 ? (int)n : 0;
}

/* ---- rows ---- */

static void fill_row(struct energy_channel *row, const struct source *s, const struct ipw_env *env,
                     const struct energy_rapl_zone *zones, size_t n_zones, const struct energy_cpuinfo *cpu)
{
    snprintf(row->id, sizeof row->id, "perf:%s:%s", s->event->name, s->device + strlen("package-"));
    row->scope = s->event->scope;
    snprintf(row->device, sizeof row->device, "%s", row->scope == ENERGY_SCOPE_PLATFORM ? "platform" : s->device);
    row->quantum_nj = QUANTUM_NJ;
    for (size_t i = 0; i < n_zones; i++)
        if (zones[i].scope == row->scope && ipw_streq(zones[i].device, row->device)) {
            uint64_t range_uj = energy_rapl_range_uj(env, &zones[i]);
            row->quantum_nj = range_uj ? energy_rapl_quantum_nj(range_uj) : QUANTUM_NJ;
            row->pmax_w = zones[i].pmax_w;
            break;
        }
    energy_rapl_fill(row, cpu);
}

/* The scale, 2^-32 J unless the kernel says otherwise; 0 when the unit is none that is known. */
static double unit_nj(const struct ipw_env *env, const struct event *e)
{
    char file[64], text[64];
    double scale;
    snprintf(file, sizeof file, "events/%s.unit", e->name);
    if (pmu_text(env, e->pmu, file, text, sizeof text) > 0 && !ipw_streq(text, "Joules"))
        return 0;
    snprintf(file, sizeof file, "events/%s.scale", e->name);
    if (pmu_text(env, e->pmu, file, text, sizeof text) <= 0)
        return 1e9 / 4294967296.0;
    return ipw_parse_f64(text, &scale) && scale > 0 && scale < 1e3 ? scale * 1e9 : 0;
}

static void set_unreadable(struct energy_channel *row, const struct ipw_env *env, const struct source *s, int helper_rc)
{
    char level[16] = "unknown", helper[200] = "";
    if (!refused(s->rc)) {
        row->status = ENERGY_CHANNEL_ERROR;
        energy_remedy_set(&row->remedy, "E_PERF_OPEN",
                           "the kernel's event '%s/%s/' gives no count on CPU %d (%s), so it is left out; powercap shows "
                           "the same energy where it can be read",
                           pmus[s->event->pmu], s->event->name, s->cpu, strerror(-s->rc));
        return;
    }
    row->status = ENERGY_CHANNEL_DENIED;
    if (ipw_env_read(env, "/proc/sys/kernel/perf_event_paranoid", level, sizeof level) <= 0)
        snprintf(level, sizeof level, "unknown");
    if (helper_rc == 0)
        snprintf(helper, sizeof helper, "; '%.80s' did not give this one", helper_path(env));
    else if (helper_rc != -ENOENT)
        snprintf(helper, sizeof helper, "; '%.80s' does not answer (%s)", helper_path(env), strerror(-helper_rc));
    const char *meter = env->at.meter && *env->at.meter ? env->at.meter : energy_rapl_meter_path;
    char install[sizeof row->remedy.text];
    snprintf(install, sizeof install, energy_rapl_install, meter, meter);
    energy_remedy_set(&row->remedy, "E_PERF_PARANOID",
                       "perf RAPL events are refused (kernel.perf_event_paranoid is %s, 0 is needed%s).\n"
                       "Give them to a group through ipw-meter (cmake --install puts it there), and log in again:\n%s"
                       "Or for this boot (in a container: --cap-add PERFMON):\n"
                       "    sudo sysctl kernel.perf_event_paranoid=0",
                       level, helper, install);
}

/* Appends the rows of one event, one per unit, and tries to open each. */
static void add_event(struct energy_collector *c, const struct ipw_env *env, const struct event *e,
                      const struct unit *units, size_t n_units)
{
    char file[64], text[64];
    struct source s = {.event = e, .live = LIVE_FD_INIT};
    uint64_t type;
    snprintf(file, sizeof file, "events/%s", e->name);
    if (pmu_text(env, e->pmu, file, text, sizeof text) <= 0)
        return;
    int rc = energy_rapl_event(text, &s.config) && unit_nj(env, e) > 0 ? 0 : -EINVAL;
    if (pmu_text(env, e->pmu, "type", text, sizeof text) <= 0 || !ipw_parse_u64(text, &type) || type > UINT32_MAX)
        rc = -EINVAL;
    else
        s.type = (uint32_t)type;
    for (size_t i = 0; i < n_units; i++) {
        s.cpu = units[i].cpu;
        memcpy(s.device, units[i].device, sizeof s.device);
        int fd = rc ? rc : open_event(&s, env);
        c->s[c->n] = s;
        c->s[c->n].rc = fd < 0 ? fd : 0;
        atomic_store(&c->s[c->n++].live.fd, fd < 0 ? -1 : fd);
    }
}

static void add_rows(struct energy_collector *c, const struct ipw_env *env, struct energy_channels *list, int helper_rc)
{
    struct energy_cpuinfo cpu;
    struct energy_rapl_zone *zones;
    int entries;
    size_t n_zones = energy_rapl_zones(env, &zones, &entries);
    energy_cpuinfo_read(&cpu, env);
    for (size_t i = 0; i < c->n; i++) {
        struct energy_channel *row = energy_channels_add(list);
        fill_row(row, &c->s[i], env, zones, n_zones, &cpu);
        row->unit_nj = unit_nj(env, c->s[i].event);
        if (c->s[i].rc)
            set_unreadable(row, env, &c->s[i], helper_rc);
    }
    free(zones);
}

static void perf_close(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++)
        live_fd_close(&c->s[i].live, env);
    free(c->s);
    free(c);
}

static void perf_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    enum { N_EVENTS = sizeof events / sizeof events[0] };
    struct unit units[MAX_UNITS];
    char text[32];
    *out = NULL;
    if (pmu_text(env, POWER, "type", text, sizeof text) <= 0)
        return; /* powercap says why a machine has no RAPL */
    size_t n_units = find_units(env, units), first = list->n;
    struct energy_collector *c = ipw_calloc(1, sizeof *c);
    c->s = ipw_calloc(n_units * N_EVENTS + 1, sizeof *c->s);
    bool ask = false, any = false;
    for (size_t i = 0; i < N_EVENTS; i++)
        add_event(c, env, &events[i], units, n_units);
    for (size_t i = 0; i < c->n; i++)
        ask |= refused(c->s[i].rc);
    int helper_rc = ask ? ask_helper(c, env) : 0;
    while (c->helper && c->s[c->n - 1].event->pmu == POWER_CORE && refused(c->s[c->n - 1].rc))
        c->n--; /* nothing is missed that a remedy should be about */
    add_rows(c, env, list, helper_rc);
    for (size_t i = 0; i < c->n; i++)
        any |= !c->s[i].rc;
    if (!any) {
        perf_close(c, env);
        return;
    }
    *out = c;
    energy_rapl_drop_still(list, first, env, c, perf_read);
}

/* ---- mending ---- */

/* A new event begins at 0 again: attribution takes that for the reset it is. */
static void perf_mend(struct energy_collector *c, const struct ipw_env *env)
{
    struct unit units[MAX_UNITS];
    size_t n_units = 0;
    bool ask = false;
    for (size_t i = 0; i < c->n; i++) {
        struct source *s = &c->s[i];
        if (!live_fd_wants(&s->live, env))
            continue;
        if (!n_units)
            n_units = find_units(env, units);
        for (size_t k = 0; k < n_units; k++)
            if (ipw_streq(units[k].device, s->device))
                s->cpu = units[k].cpu; /* another one stands for the package when the first went offline */
        int fd = open_event(s, env);
        s->rc = fd < 0 ? fd : 0;
        if (fd >= 0)
            live_fd_replace(&s->live, env, fd);
        ask |= refused(s->rc);
    }
    if (ask && c->helper)
        c->helper = !ask_helper(c, env);
}

extern const struct energy_collector_ops energy_perf;
const struct energy_collector_ops energy_perf = {
    .name = "perf",
    .what = "RAPL counters of Intel and AMD processors by performance events: packages, memory, platform",
    .verified = "fixture",
    .open = perf_open,
    .read = perf_read,
    .mend = perf_mend,
    .close = perf_close,
};
