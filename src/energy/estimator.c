/* The CPU estimator: watts = idle of the whole machine + watts per busy core x cores that this process keeps busy.
 * It stores facts (CPU time, wall time); the coefficients are the channels' units, so joules can be computed again.
 * A model, never mixed with counters. One thread on each physical core is full power, two are hardly more (telemetry
 * 3.16), so CPU time is divided among cores, not hardware threads. The limit min(1, busy/cores) is no fact that a reading
 * could hold: it depends on the moments of reading. A process with more threads than cores is therefore overestimated,
 * by two at most; gain_u says as much. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/collector.h"
#include "energy/cpuinfo.h"

/* Watts per hardware thread, idle and fully busy. Rows: cloud-carbon-footprint b7a049c7 (SPECpower averages per
 * generation), taken 2026-11 from telemetry 3.16. The last row is codecarbon b05965e4's rule for a processor
 * it does not know: 4 W a thread, with 10 % of it idle. A row fits if all it states fits. */
static const struct coefficients {
    const char *vendor, *name; /* name: part of "model name" */
    int family, model_lo, model_hi, step_lo, step_hi;
    double idle_w, max_w;
} table[] = {
    {NULL, "Graviton2", -1, 0, 0, 0, 0, 0.47, 1.69},
    {"arm:0x41", NULL, -1, 0xd0c, 0xd0c, 0, 0, 0.47, 1.69}, /* Neoverse N1: Graviton2 */
    {"AuthenticAMD", NULL, 23, 0x00, 0x2f, 0, 0, 0.82, 2.55}, /* Zen: EPYC 7001 */
    {"AuthenticAMD", NULL, 23, 0x30, 0xff, 0, 0, 0.47, 1.69}, /* Zen 2: EPYC 7002 */
    {"AuthenticAMD", NULL, 25, 0x00, 0x0f, 0, 0, 0.45, 2.02}, /* Zen 3: EPYC 7003 */
    /* Zen 4 and 5 have no row there; their TDP is 1.9 to 2.0 W a thread (9654: 360 W, 192 threads). */
    {"AuthenticAMD", "EPYC", 25, 0x10, 0xff, 0, 0, 0.45, 2.02},
    {"AuthenticAMD", "EPYC", 26, 0x00, 0xff, 0, 0, 0.45, 2.02},
    {"GenuineIntel", "Xeon", 6, 85, 85, 5, 15, 0.64, 3.97}, /* Cascade Lake */
    {"GenuineIntel", "Xeon", 6, 85, 85, 0, 4, 0.65, 4.26},  /* Skylake */
    {"GenuineIntel", "Xeon", 6, 79, 79, 0, 0, 0.71, 3.69},  /* Broadwell */
    {"GenuineIntel", "Xeon", 6, 86, 86, 0, 0, 0.71, 3.69},
    {"GenuineIntel", "Xeon", 6, 63, 63, 0, 0, 1.00, 4.74}, /* Haswell */
    {"GenuineIntel", "Xeon", 6, 45, 45, 0, 0, 2.17, 8.58}, /* Sandy Bridge */
    {NULL, NULL, -1, 0, 0, 0, 0, 0.40, 4.00},
};

static bool fits(const struct coefficients *k, const struct energy_cpuinfo *c)
{
    return (!k->vendor || ipw_streq(k->vendor, c->vendor)) &&
           (!k->name || strstr(c->name, k->name)) && (k->family < 0 || k->family == c->family) &&
           (!k->model_hi || (c->model >= k->model_lo && c->model <= k->model_hi)) &&
           (!k->step_hi || (c->stepping >= k->step_lo && c->stepping <= k->step_hi));
}

static const struct coefficients *coefficients_of(const struct energy_cpuinfo *c)
{
    const struct coefficients *k = table;
    while (!fits(k, c))
        k++; /* the last row fits everything */
    return k;
}

enum row { LOAD, IDLE, OTHERS };

#define TABLE_GAIN 0.5 /* known to a factor of two: telemetry 3.16 */

struct energy_collector {
    int stat_fd; /* /proc/stat, -1 when it cannot be read */
    int n_cores;
};

/* Busy CPU time of the whole machine: the first line of /proc/stat, in ticks of 1/100 s (USER_HZ is part of the
 * kernel's interface). Idle, I/O wait and what other machines stole are not busy; guests are inside user. */
int energy_cpu_busy(const struct ipw_env *env, int fd, uint64_t *raw)
{
    static const bool busy[] = {true, true, true, false, false, true, true};
    char text[256];
    ssize_t n = fd < 0 ? 0 : env->io->pread(env, fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return n < 0 ? -errno : -ENODATA;
    text[n] = '\0';
    if (!ipw_starts(text, "cpu "))
        return -EINVAL;
    const char *p = text + 4;
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof busy; i++) {
        uint64_t v = 0;
        p += strspn(p, " ");
        if (!ipw_isdigit((unsigned char)*p))
            return -EINVAL;
        for (; ipw_isdigit((unsigned char)*p); p++)
            v = v * 10 + (uint64_t)(*p - '0');
        sum += busy[i] ? v : 0;
    }
    *raw = sum * 10000000;
    return 0;
}

static int estimator_read(struct energy_collector *c, const struct ipw_env *env, size_t local,
                          uint64_t *raw)
{
    switch ((enum row)local) {
    case LOAD:
        *raw = (uint64_t)env->clock->cpu(env);
        return 0;
    case IDLE:
        *raw = (uint64_t)ipw_now(env);
        return 0;
    case OTHERS:
        return energy_cpu_busy(env, c->stat_fd, raw);
    }
    return -EINVAL;
}

static struct energy_channel *add_row(struct energy_channels *list, const char *id)
{
    struct energy_channel *row = energy_channels_add(list);
    snprintf(row->id, sizeof row->id, "%s", id);
    snprintf(row->device, sizeof row->device, "cpu");
    row->scope = ENERGY_SCOPE_CPU_PACKAGE;
    row->estimated = true;
    row->gain_u = TABLE_GAIN;
    return row;
}

static void set_watts(struct energy_channel *rows, size_t n, int n_cores, const struct energy_calibration *k, double gain_u)
{
    for (size_t i = 0; i < n && i <= IDLE; i++) {
        rows[i].unit_nj = i == IDLE ? k->idle_w : (k->max_w - k->idle_w) / n_cores; /* a watt is a nJ per ns */
        rows[i].gain_u = gain_u;
    }
}

static void estimator_calibrate(struct energy_collector *c, const struct energy_calibration *k, struct energy_channel *rows,
                                size_t n)
{
    set_watts(rows, n, c->n_cores, k, 0.25); /* the line through two known points: telemetry 3.16 */
}

static void estimator_open(struct energy_collector **out, const struct ipw_env *env,
                           struct energy_channels *list)
{
    *out = NULL;
    struct energy_cpuinfo cpu;
    energy_cpuinfo_read(&cpu, env);
    if (!cpu.n_cpus) {
        struct energy_channel *row = add_row(list, "estimate:cpu");
        row->status = ENERGY_CHANNEL_ABSENT;
        energy_remedy_set(&row->remedy, "E_ESTIMATE_NOCPU",
                          "'/proc/cpuinfo' names no processor, so there is nothing to estimate from");
        return;
    }
    const struct coefficients *k = coefficients_of(&cpu);
    struct energy_channel *row = add_row(list, "estimate:cpu:load");
    row->kind = ENERGY_KIND_COUNTER;
    row->period_ns = 1000; /* the clock answers for the moment of the read */
    row = add_row(list, "estimate:cpu:idle");
    row->kind = ENERGY_KIND_COUNTER;
    row->period_ns = 1000;
    struct energy_calibration all = {k->idle_w * cpu.n_cpus, k->max_w * cpu.n_cpus};
    set_watts(list->v + list->n - 2, 2, cpu.n_cores, &all, TABLE_GAIN);
    *out = ipw_malloc(sizeof **out);
    (*out)->n_cores = cpu.n_cores;
    (*out)->stat_fd = env->io->open(env, "/proc/stat");
    if ((*out)->stat_fd < 0)
        return;
    row = add_row(list, "estimate:cpu:others");
    row->kind = ENERGY_KIND_GAUGE;
    row->unit_nj = 1;
    row->period_ns = 10000000;
}

static void estimator_close(struct energy_collector *c, const struct ipw_env *env)
{
    if (c->stat_fd >= 0)
        env->io->close(env, c->stat_fd);
    free(c);
}

extern const struct energy_collector_ops energy_estimator;
const struct energy_collector_ops energy_estimator = {
    .name = "estimator",
    .what = "a model of CPU power from CPU time; used when there is no counter, marked ~",
    .verified = "fixture",
    .estimated = true,
    .open = estimator_open,
    .read = estimator_read,
    .close = estimator_close,
    .calibrate = estimator_calibrate,
};
