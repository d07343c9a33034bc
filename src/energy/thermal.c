/* Heat of the CPU, as gauges: how often a package slowed itself down (Linux, Intel:
 * /sys/devices/system/cpu/cpuN/thermal_throttle) and its temperature (/sys/class/thermal). Never in a total. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/collector.h"
#include "energy/sysfs.h"

#define CPUS "/sys/devices/system/cpu"
#define ZONES "/sys/class/thermal"

struct energy_collector {
    struct sysfs_file *file; /* by row */
    size_t n, cap;
};

struct finding {
    const struct ipw_env *env;
    struct energy_collector *c;
    struct energy_channels *list;
    char packages[64][16]; /* seen */
    size_t n_packages;
};

static int thermal_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    return sysfs_file_u64(&c->file[local], env, raw);
}

static void add_gauge(struct finding *f, const char *path, const char *device, const char *what)
{
    uint64_t raw;
    struct sysfs_file file;
    if (!sysfs_file_init(&file, "%s", path) || sysfs_file_open(&file, f->env) || sysfs_file_u64(&file, f->env, &raw)) {
        sysfs_file_close(&file, f->env);
        return;
    }
    IPW_GROW(f->c->file, f->c->n, f->c->cap);
    f->c->file[f->c->n++] = file;
    struct energy_channel *row = energy_channels_add(f->list);
    snprintf(row->id, sizeof row->id, "cpu:%s:%s", device, what);
    snprintf(row->device, sizeof row->device, "%s", device);
    row->scope = ENERGY_SCOPE_CPU_PACKAGE;
    row->kind = ENERGY_KIND_GAUGE;
    row->unit_nj = 1;
}

/* The count is the package's, so one of its CPUs is asked. */
static void on_cpu(const char *name, void *ud)
{
    struct finding *f = ud;
    char path[160], package[16], device[32];
    if (!ipw_starts(name, "cpu") || !ipw_isdigit((unsigned char)name[3]) || strlen(name) > 12)
        return;
    snprintf(path, sizeof path, CPUS "/%.12s/topology/physical_package_id", name);
    if (ipw_env_read(f->env, path, package, sizeof package) <= 0)
        return;
    for (size_t i = 0; i < f->n_packages; i++)
        if (!strcmp(f->packages[i], package))
            return;
    if (f->n_packages == sizeof f->packages / sizeof f->packages[0])
        return;
    memcpy(f->packages[f->n_packages++], package, sizeof package);
    snprintf(path, sizeof path, CPUS "/%.12s/thermal_throttle/package_throttle_count", name);
    snprintf(device, sizeof device, "package-%.15s", package);
    add_gauge(f, path, device, "throttled");
}

static void on_zone(const char *name, void *ud)
{
    static const char *const types[] = {"x86_pkg_temp", "cpu-thermal", "cpu_thermal", "cpu"};
    struct finding *f = ud;
    char path[160], type[32];
    snprintf(path, sizeof path, ZONES "/%.32s/type", name);
    if (!ipw_starts(name, "thermal_zone") || ipw_env_read(f->env, path, type, sizeof type) <= 0)
        return;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (!strcmp(type, types[i])) {
            snprintf(path, sizeof path, ZONES "/%.32s/temp", name);
            add_gauge(f, path, name, "temperature");
        }
}

static void thermal_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    struct finding f = {.env = env, .c = ipw_calloc(1, sizeof *f.c), .list = list};
    env->io->list(env, CPUS, on_cpu, &f);
    env->io->list(env, ZONES, on_zone, &f);
    *out = f.c->n ? f.c : NULL;
    if (!f.c->n)
        free(f.c);
}

static void thermal_close(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++)
        sysfs_file_close(&c->file[i], env);
    free(c->file);
    free(c);
}

extern const struct energy_collector_ops energy_thermal;
const struct energy_collector_ops energy_thermal = {
    .name = "thermal",
    .what = "how hot the CPU is and how often it slowed down for it; gauges only",
    .verified = "fixture",
    .open = thermal_open,
    .read = thermal_read,
    .close = thermal_close,
};
