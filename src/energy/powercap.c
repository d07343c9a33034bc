/* RAPL through /sys/class/powercap (Linux): Intel MSR, TPMI and MMIO, AMD. Rules: telemetry 3.1, from the kernel's
 * drivers/powercap/{powercap_sys,intel_rapl_common}.c. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/live_fd.h"
#include "energy/rapl.h"
#include "energy/sysfs.h"

enum { TRIES = 3 };

struct source {
    struct energy_rapl_zone zone;
    struct live_fd live;
};

struct energy_collector {
    size_t n;
    struct source *s; /* one per row, in the order of the rows */
};

/* ---- reading ---- */

static int read_fd(const struct ipw_env *env, int fd, uint64_t *raw)
{
    char text[32];
    ssize_t n = env->io->pread(env, fd, text, sizeof text, 0); /* offset 0 runs show() again */
    return n < 0 ? -errno : sysfs_parse_u64(text, n, raw);
}

static int powercap_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    return live_fd_read(&c->s[local].live, env, read_fd, raw);
}

static void counter_path(const struct energy_rapl_zone *z, char *out, size_t size)
{
    snprintf(out, size, ENERGY_RAPL_POWERCAP "/%s/energy_uj", z->name);
}

static void powercap_mend(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++) {
        struct source *s = &c->s[i];
        char label[sizeof s->zone.label], path[128];
        if (!live_fd_wants(&s->live, env))
            continue;
        /* Numbers are given anew when packages come and go: the zone must still be the same package. */
        if (energy_rapl_zone_text(env, &s->zone, "name", label, sizeof label) < 0 ||
            strcmp(label, s->zone.label) != 0)
            continue;
        counter_path(&s->zone, path, sizeof path);
        int fd = env->io->open(env, path);
        if (fd >= 0)
            live_fd_replace(&s->live, env, fd);
    }
}

/* ---- opening ---- */

static void set_unreadable(struct energy_channel *row, const struct ipw_env *env, const struct energy_rapl_zone *z,
                           int rc)
{
    char path[128], real[512];
    counter_path(z, path, sizeof path);
    ipw_env_path(env, path, real, sizeof real);
    if (rc == -EACCES || rc == -EPERM) {
        row->status = ENERGY_CHANNEL_DENIED;
        energy_remedy_set(&row->remedy, "E_RAPL_EACCES",
                           "RAPL found, but '%.120s' is readable by root only (kernel fix for CVE-2020-8694: readable "
                           "counters are a side channel on shared machines).\n"
                           "For this boot:\n"
                           "    sudo chmod a+r " ENERGY_RAPL_POWERCAP "/intel-rapl*/energy_uj\n"
                           "For good, for one group; then log in again:\n"
                           "    sudo groupadd -rf ipw-meter && sudo usermod -aG ipw-meter \"$USER\"\n"
                           "    echo 'SUBSYSTEM==\"powercap\", ACTION==\"add\", TEST==\"energy_uj\", RUN+=\"/bin/chgrp "
                           "ipw-meter /sys%%p/energy_uj\", RUN+=\"/bin/chmod g+r /sys%%p/energy_uj\"' | sudo tee "
                           "/etc/udev/rules.d/70-ipw-rapl.rules\n"
                           "    sudo udevadm trigger -c add -s powercap",
                           real);
        return;
    }
    row->status = ENERGY_CHANNEL_ERROR;
    energy_remedy_set(&row->remedy, "E_RAPL_READ",
                       "'%.200s' gives no number (%s), so its energy is left out; look for rapl in dmesg", real,
                       strerror(-rc));
}

/* Opens the counter and tries it; -ENOENT when the zone has none. */
static int source_open(struct source *s, const struct ipw_env *env)
{
    char path[128];
    counter_path(&s->zone, path, sizeof path);
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
        atomic_store(&s->live.fd, fd);
    return rc == -ENOENT ? -ENODEV : rc;
}

/* A register starts again one unit after its largest value. 61.035 uJ: 262143328850 -> 262143328911. */
static void set_scale(struct energy_channel *row, uint64_t range_uj)
{
    double unit_uj = energy_rapl_unit_uj(range_uj);
    uint64_t step = unit_uj < 1 ? 1 : (uint64_t)llround(unit_uj);
    row->unit_nj = 1000;
    row->quantum_nj = energy_rapl_quantum_nj(range_uj);
    row->modulus = range_uj && range_uj <= UINT64_MAX - step ? range_uj + step : 0;
}

static void fill_row(struct energy_channel *row, const struct energy_rapl_zone *z, const struct ipw_env *env,
                     const struct energy_cpuinfo *cpu)
{
    snprintf(row->id, sizeof row->id, "rapl:%s", z->name);
    snprintf(row->device, sizeof row->device, "%s", z->device);
    row->scope = z->scope;
    row->pmax_w = z->pmax_w;
    set_scale(row, energy_rapl_range_uj(env, z));
    energy_rapl_fill(row, cpu);
}

static void set_absent(struct energy_channels *list, const struct ipw_env *env,
                       const struct energy_cpuinfo *cpu, int entries, bool zones)
{
    struct energy_channel *row = energy_channels_add(list);
    char real[512];
    ipw_env_path(env, ENERGY_RAPL_POWERCAP, real, sizeof real);
    snprintf(row->id, sizeof row->id, "rapl");
    snprintf(row->device, sizeof row->device, "cpu");
    row->scope = ENERGY_SCOPE_CPU_PACKAGE;
    row->kind = ENERGY_KIND_COUNTER;
    row->unit_nj = 1000;
    row->status = ENERGY_CHANNEL_ABSENT;
    if (cpu->hypervisor)
        energy_remedy_set(&row->remedy, "E_VM_NOCOUNTER",
                           "no RAPL zones in '%.200s': this is a virtual machine, and the counters are not passed "
                           "into it. Run on the host; here there is only an estimate (marked ~)",
                           real);
    else if (entries == 0 || zones)
        energy_remedy_set(&row->remedy, "E_RAPL_MASKED",
                           "'%.200s' is there but its zones are not: a container runtime hides them.\n"
                           "Start the container with:\n"
                           "    -v /sys/devices/virtual/powercap:/sys/devices/virtual/powercap:ro "
                           "--security-opt systempaths=unconfined",
                           real);
    else
        energy_remedy_set(&row->remedy, "E_RAPL_NONE",
                           "no RAPL zones in '%.200s': its driver is not loaded, or the kernel is too old (AMD: 5.8 or "
                           "later, 5.11 for family 19h).\n"
                           "Load the driver:\n"
                           "    sudo modprobe intel_rapl_msr",
                           real);
}

/* True when both files show one register: b's value lies between two of a's around it. */
static bool same_counter(const struct ipw_env *env, const struct source *a, const struct source *b)
{
    uint64_t before, between, after;
    return !read_fd(env, atomic_load(&a->live.fd), &before) && !read_fd(env, atomic_load(&b->live.fd), &between) &&
           !read_fd(env, atomic_load(&a->live.fd), &after) && before <= between && between <= after;
}

/* Each socket may have a psys zone. They all stand for the platform, so that one is counted, unless two can be read and
 * show different counters: then each covers a part. */
static void split_platforms(struct energy_channel *rows, struct source *s, size_t n, const struct ipw_env *env)
{
    const struct source *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (s[i].zone.scope != ENERGY_SCOPE_PLATFORM || rows[i].status != ENERGY_CHANNEL_OK)
            continue;
        if (!first)
            first = &s[i];
        else if (!s[i].zone.mmio && !same_counter(env, first, &s[i]))
            snprintf(rows[i].device, sizeof rows[i].device, "platform-%x", (unsigned)s[i].zone.top);
    }
}

static void powercap_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    *out = NULL;
    struct energy_cpuinfo cpu;
    energy_cpuinfo_read(&cpu, env);
    struct energy_rapl_zone *zones;
    int entries;
    size_t n = energy_rapl_zones(env, &zones, &entries), kept = 0, first_row = list->n;
    struct source *s = n ? ipw_calloc(n, sizeof *s) : NULL;
    for (size_t i = 0; i < n; i++) {
        s[kept] = (struct source){.zone = zones[i], .live = LIVE_FD_INIT};
        int rc = source_open(&s[kept], env);
        if (rc == -ENOENT)
            continue;
        struct energy_channel *row = energy_channels_add(list);
        fill_row(row, &zones[i], env, &cpu);
        if (rc)
            set_unreadable(row, env, &zones[i], rc);
        kept++;
    }
    free(zones);
    if (!kept) {
        free(s);
        set_absent(list, env, &cpu, entries, n > 0);
        return;
    }
    *out = ipw_malloc(sizeof **out);
    **out = (struct energy_collector){kept, s};
    split_platforms(list->v + first_row, s, kept, env);
    energy_rapl_drop_still(list, first_row, env, *out, powercap_read);
}

static void powercap_close(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++)
        live_fd_close(&c->s[i].live, env);
    free(c->s);
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
