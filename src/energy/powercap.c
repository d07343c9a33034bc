/* RAPL through /sys/class/powercap (Linux): Intel MSR, TPMI and MMIO, AMD. Rules: telemetry 3.1, from the kernel's
 * drivers/powercap/{powercap_sys,intel_rapl_common}.c. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/collector.h"
#include "energy/cpuinfo.h"
#include "energy/sysfs.h"

#define POWERCAP "/sys/class/powercap"

enum { PERIOD_NS = 1000000, TRIES = 3 };

struct zone {
    char name[48]; /* of the folder: "intel-rapl:0:1" */
    bool mmio;
    uint32_t top;
    int64_t sub; /* -1: a top-level zone */
    char label[48]; /* content of `name`: "package-1" */
    _Atomic int fd; /* -1: never opened */
    _Atomic unsigned readers;
    _Atomic bool gone;
    int retired; /* what fd was before; closed when no reader can hold it */
};

struct energy_collector {
    size_t n;
    struct zone *z; /* one per row, in the order of the rows */
};

/* ---- names ---- */

/* Hex, as the kernel prints it ("%s:%x"): zone 10 is "intel-rapl:a". */
static const char *parse_hex(const char *s, uint32_t *out)
{
    uint32_t v = 0;
    const char *p = s;
    for (; p - s < 7; p++) {
        char c = ipw_tolower(*p);
        if (ipw_isdigit((unsigned char)c))
            v = v * 16 + (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (uint32_t)(c - 'a' + 10);
        else
            break;
    }
    *out = v;
    return p == s ? NULL : p;
}

static bool parse_zone(const char *name, struct zone *z)
{
    static const char *const prefix[] = {"intel-rapl:", "intel-rapl-mmio:"};
    const char *p = NULL;
    for (int i = 0; i < 2; i++)
        if (ipw_starts(name, prefix[i])) {
            z->mmio = i;
            p = name + strlen(prefix[i]);
        }
    uint32_t sub;
    if (!p || strlen(name) >= sizeof z->name || !(p = parse_hex(p, &z->top)))
        return false;
    z->sub = -1;
    if (*p == ':') {
        if (!(p = parse_hex(p + 1, &sub)))
            return false;
        z->sub = sub;
    }
    memcpy(z->name, name, strlen(name) + 1);
    return !*p;
}

/* Parents before children, MSR before MMIO. */
static int by_zone(const void *a, const void *b)
{
    const struct zone *x = a, *y = b;
    if (x->mmio != y->mmio)
        return x->mmio ? 1 : -1;
    if (x->top != y->top)
        return x->top < y->top ? -1 : 1;
    return (x->sub > y->sub) - (x->sub < y->sub);
}

/* ---- reading ---- */

static int read_fd(const struct ipw_env *env, int fd, uint64_t *raw)
{
    char text[32];
    ssize_t n = env->io->pread(env, fd, text, sizeof text, 0); /* offset 0 runs show() again */
    return n < 0 ? -errno : sysfs_parse_u64(text, n, raw);
}

static bool vanished(int rc)
{
    return rc == -ENODEV || rc == -ENOENT || rc == -ENXIO;
}

static int powercap_read(struct energy_collector *c, const struct ipw_env *env, size_t local,
                         uint64_t *raw)
{
    struct zone *z = &c->z[local];
    atomic_fetch_add(&z->readers, 1); /* before fd is looked at: see reopen */
    int fd = atomic_load(&z->fd);
    int rc = fd < 0 ? -ENODEV : read_fd(env, fd, raw);
    atomic_fetch_sub(&z->readers, 1);
    if (vanished(rc) && fd >= 0)
        atomic_store(&z->gone, true);
    return rc;
}

static void zone_path(const struct zone *z, const char *file, char *out, size_t size)
{
    snprintf(out, size, POWERCAP "/%s/%s", z->name, file);
}

static int zone_text(const struct ipw_env *env, const struct zone *z, const char *file, char *out,
                     size_t size)
{
    char path[128];
    zone_path(z, file, path, sizeof path);
    return ipw_env_read(env, path, out, size);
}

static uint64_t zone_number(const struct ipw_env *env, const struct zone *z, const char *file)
{
    char text[32];
    uint64_t v;
    return zone_text(env, z, file, text, sizeof text) > 0 && ipw_parse_u64(text, &v) ? v : 0;
}

/* A reader counts itself before it loads fd; so once fd holds the new descriptor and no reader is counted,
 * nobody can use the old one. */
static void drop_retired(struct zone *z, const struct ipw_env *env)
{
    if (z->retired >= 0 && !atomic_load(&z->readers)) {
        env->io->close(env, z->retired);
        z->retired = -1;
    }
}

static void reopen(struct zone *z, const struct ipw_env *env)
{
    drop_retired(z, env);
    if (z->retired >= 0)
        return;
    char label[sizeof z->label], path[128];
    /* Numbers are given anew when packages come and go: the zone must still be the same package. */
    if (zone_text(env, z, "name", label, sizeof label) < 0 || strcmp(label, z->label) != 0)
        return;
    zone_path(z, "energy_uj", path, sizeof path);
    int fd = env->io->open(env, path);
    if (fd < 0)
        return;
    atomic_store(&z->gone, false);
    z->retired = atomic_exchange(&z->fd, fd);
    drop_retired(z, env);
}

static void powercap_mend(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++)
        if (atomic_load(&c->z[i].gone))
            reopen(&c->z[i], env);
}

/* ---- opening ---- */

static const struct {
    const char *label; /* a prefix */
    enum energy_scope scope;
} labels[] = {
    {"package-", ENERGY_SCOPE_CPU_PACKAGE},
    {"core", ENERGY_SCOPE_CPU_CORE},
    {"uncore", ENERGY_SCOPE_IGPU},
    {"dram", ENERGY_SCOPE_DRAM},
    {"psys", ENERGY_SCOPE_PLATFORM},
};

static enum energy_scope scope_of(const char *label)
{
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (ipw_starts(label, labels[i].label))
            return labels[i].scope;
    return ENERGY_SCOPE_RAIL; /* unknown: listed, never added */
}

__attribute__((format(printf, 3, 4))) static void remedy_set(struct energy_remedy *r, const char *id,
                                                              const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    r->id = id;
    vsnprintf(r->text, sizeof r->text, fmt, ap);
    va_end(ap);
}

static void set_unreadable(struct energy_channel *row, const struct ipw_env *env,
                           const struct zone *z, int rc)
{
    char path[128], real[512];
    zone_path(z, "energy_uj", path, sizeof path);
    ipw_env_path(env, path, real, sizeof real);
    if (rc == -EACCES || rc == -EPERM) {
        row->status = ENERGY_CHANNEL_DENIED;
        remedy_set(&row->remedy, "E_RAPL_EACCES",
                   "RAPL found, but '%.200s' is readable by root only (kernel fix for CVE-2020-8694). For "
                   "this boot: sudo chmod a+r " POWERCAP "/intel-rapl*/energy_uj; for good: echo "
                   "'SUBSYSTEM==\"powercap\", ACTION==\"add\", RUN+=\"/bin/chmod a+r /sys%%p/energy_uj\"'"
                   " | sudo tee /etc/udev/rules.d/70-ipw-rapl.rules && sudo udevadm trigger -c add -s "
                   "powercap. Note: readable counters are a known side channel on shared machines",
                   real);
        return;
    }
    row->status = ENERGY_CHANNEL_ERROR;
    remedy_set(&row->remedy, "E_RAPL_READ",
               "'%.200s' gives no number (%s), so its energy is left out; look for rapl in dmesg", real,
               strerror(-rc));
}

/* Opens the counter and tries it; -ENOENT when the zone has none. */
static int zone_open(struct zone *z, const struct ipw_env *env)
{
    char path[128];
    zone_path(z, "energy_uj", path, sizeof path);
    int fd = env->io->open(env, path);
    if (fd < 0)
        return -errno;
    uint64_t raw;
    int rc = 0;
    for (int i = 0; i < TRIES; i++)
        if (!(rc = read_fd(env, fd, &raw)))
            break;
    if (rc)
        env->io->close(env, fd);
    else
        atomic_store(&z->fd, fd);
    return rc == -ENOENT ? -ENODEV : rc;
}

/* The register has 32 bits: max_energy_range_uj = (2^32 - 1) units in whole uJ, and it starts again one unit
 * later. 61.035 uJ: 262143328850 -> 262143328911. */
static void set_scale(struct energy_channel *row, uint64_t range_uj)
{
    double unit_uj = (double)range_uj / 4294967295.0;
    uint64_t step = unit_uj < 1 ? 1 : (uint64_t)llround(unit_uj);
    row->unit_nj = 1000;
    row->quantum_nj = unit_uj < 1 ? 1000 : llround(unit_uj * 1000);
    row->modulus = range_uj && range_uj <= UINT64_MAX - step ? range_uj + step : 0;
}

/* The largest power any of the zone's limits allows, W; 0 unknown. A laptop's short-term limit is several times its
 * long-term one, so one of them alone would make boosts look impossible. */
static double limit_w(const struct ipw_env *env, const struct zone *z)
{
    static const char *const files[] = {"constraint_0_max_power_uw", "constraint_0_power_limit_uw",
                                        "constraint_1_max_power_uw", "constraint_1_power_limit_uw",
                                        "constraint_2_max_power_uw", "constraint_2_power_limit_uw"};
    uint64_t most = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        uint64_t uw = zone_number(env, z, files[i]);
        most = uw > most ? uw : most;
    }
    return 1e-6 * (double)most;
}

static void fill_row(struct energy_channel *row, const struct zone *z, const struct zone *parent,
                     const struct ipw_env *env, const struct energy_cpuinfo *cpu)
{
    enum energy_scope scope = scope_of(z->label);
    snprintf(row->id, sizeof row->id, "rapl:%s", z->name);
    snprintf(row->device, sizeof row->device, "%s",
             scope == ENERGY_SCOPE_PLATFORM ? "platform" : parent->label);
    row->scope = scope;
    row->kind = ENERGY_KIND_COUNTER;
    row->period_ns = PERIOD_NS;
    set_scale(row, zone_number(env, z, "max_energy_range_uj"));
    /* Intel measures, AMD models: telemetry 3.1. */
    row->gain_u = ipw_streq(cpu->vendor, "GenuineIntel") ? 0.03 : 0.10;
    const struct zone *cap = scope == ENERGY_SCOPE_PLATFORM ? z : parent;
    row->pmax_w = 2 * limit_w(env, cap);
    if (cpu->sgx) {
        row->gain_u = 0.25;
        remedy_set(&row->remedy, "W_SGX_FILTER",
                   "this processor has SGX: its RAPL filter makes readings over less than a second wrong "
                   "by up to half; compare whole runs, or switch SGX off in the firmware");
    }
}

static void set_absent(struct energy_channels *list, const struct ipw_env *env,
                       const struct energy_cpuinfo *cpu, int entries, bool zones)
{
    struct energy_channel *row = energy_channels_add(list);
    char real[512];
    ipw_env_path(env, POWERCAP, real, sizeof real);
    snprintf(row->id, sizeof row->id, "rapl");
    snprintf(row->device, sizeof row->device, "cpu");
    row->scope = ENERGY_SCOPE_CPU_PACKAGE;
    row->kind = ENERGY_KIND_COUNTER;
    row->unit_nj = 1000;
    row->status = ENERGY_CHANNEL_ABSENT;
    if (cpu->hypervisor)
        remedy_set(&row->remedy, "E_VM_NOCOUNTER",
                   "no RAPL zones in '%.200s': this is a virtual machine, and the counters are not passed "
                   "into it. Run on the host, or use the estimate (marked ~): --energy estimated",
                   real);
    else if (entries == 0 || zones)
        remedy_set(&row->remedy, "E_RAPL_MASKED",
                   "'%.200s' is there but its zones are not: a container runtime hides them. Start it with "
                   "-v /sys/devices/virtual/powercap:/sys/devices/virtual/powercap:ro "
                   "--security-opt systempaths=unconfined",
                   real);
    else
        remedy_set(&row->remedy, "E_RAPL_NONE",
                   "no RAPL zones in '%.200s'. Load the driver: sudo modprobe intel_rapl_msr (for AMD too: "
                   "kernel 5.8 or later, 5.11 for family 19h), or use the estimate (marked ~): "
                   "--energy estimated",
                   real);
}

struct listing {
    struct zone *v;
    size_t n, cap;
    int entries; /* all names there, -1 when the folder is absent */
};

static void on_entry(const char *name, void *ud)
{
    struct listing *l = ud;
    struct zone z = {.retired = -1, .fd = -1};
    l->entries++;
    if (!parse_zone(name, &z))
        return;
    IPW_GROW(l->v, l->n, l->cap);
    l->v[l->n++] = z;
}

static size_t list_zones(const struct ipw_env *env, struct zone **out, int *entries)
{
    struct listing l = {0};
    bool there = !env->io->list(env, POWERCAP, on_entry, &l);
    if (l.n)
        qsort(l.v, l.n, sizeof *l.v, by_zone);
    *out = l.v;
    *entries = there ? l.entries : -1;
    return l.n;
}

static const struct zone *parent_of(const struct zone *v, size_t i)
{
    for (size_t j = i; j-- > 0 && v[j].mmio == v[i].mmio && v[j].top == v[i].top;)
        if (v[j].sub < 0)
            return &v[j];
    return &v[i];
}

static void powercap_open(struct energy_collector **out, const struct ipw_env *env,
                          struct energy_channels *list)
{
    *out = NULL;
    struct energy_cpuinfo cpu;
    energy_cpuinfo_read(&cpu, env);
    struct zone *v;
    int entries;
    size_t n = list_zones(env, &v, &entries), kept = 0;
    for (size_t i = 0; i < n; i++)
        if (zone_text(env, &v[i], "name", v[i].label, sizeof v[i].label) <= 0)
            memcpy(v[i].label, v[i].name, sizeof v[i].label);
    struct zone *rows = n ? ipw_calloc(n, sizeof *rows) : NULL;
    for (size_t i = 0; i < n; i++) {
        int rc = zone_open(&v[i], env);
        if (rc == -ENOENT)
            continue;
        struct energy_channel *row = energy_channels_add(list);
        fill_row(row, &v[i], parent_of(v, i), env, &cpu);
        if (rc)
            set_unreadable(row, env, &v[i], rc);
        rows[kept++] = v[i];
    }
    free(v);
    if (!kept) {
        free(rows);
        set_absent(list, env, &cpu, entries, n > 0);
        return;
    }
    *out = ipw_malloc(sizeof **out);
    **out = (struct energy_collector){kept, rows};
}

static void powercap_close(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++) {
        int fd = atomic_load(&c->z[i].fd);
        if (fd >= 0)
            env->io->close(env, fd);
        if (c->z[i].retired >= 0)
            env->io->close(env, c->z[i].retired);
    }
    free(c->z);
    free(c);
}

extern const struct energy_collector_ops energy_powercap;
const struct energy_collector_ops energy_powercap = {
    .name = "powercap",
    .what = "RAPL counters of Intel and AMD processors: packages, memory, platform",
    .verified = "fixture",
    .open = powercap_open,
    .read = powercap_read,
    .mend = powercap_mend,
    .close = powercap_close,
};
