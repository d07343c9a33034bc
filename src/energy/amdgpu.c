/* AMD GPUs through gpu_metrics: the energy accumulator of the firmware, and what the card says about its load. Rules:
 * telemetry 3.5. Power comes from hwmon.c with the same device, so that a card is counted once, by its counter. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/amdgpu_metrics.h"
#include "energy/gpu_sysfs.h"
#include "energy/sysfs.h"

enum what { ENERGY, POWER, NUMBER };

/* A row that is a text file with a number. */
static const struct gauge {
    const char *suffix;
    const char *file, *otherwise; /* under the PCI device or under its hwmon folder */
    bool hwmon;
    unsigned scale; /* raw = number x scale, in the units of channel.h */
} gauges[] = {
    {"utilization", "gpu_busy_percent", NULL, false, 10},
    {"memory", "mem_info_vram_used", NULL, false, 1},
    {"temperature", "temp2_input", "temp1_input", true, 1}, /* junction, else edge */
    {"clock", "freq1_input", NULL, true, 1},
};

struct source {
    struct sysfs_file file;
    enum what what;
    unsigned scale;
    char pci[64];
    char folder[96]; /* the PCI device's */
};

struct energy_collector {
    size_t n;
    struct source *v; /* one per row */
};

struct opening {
    const struct ipw_env *env;
    struct energy_channels *list;
    struct source *v;
    size_t n, cap;
};

/* ---- reading ---- */

static int read_metrics(struct source *s, const struct ipw_env *env, struct gpu_metrics *m)
{
    uint8_t buf[GPU_METRICS_MAX];
    ssize_t n = sysfs_file_read(&s->file, env, buf, sizeof buf);
    *m = (struct gpu_metrics){0};
    return n < 0 ? (int)n : gpu_metrics_parse(buf, (size_t)n, m);
}

static int read_source(struct source *s, const struct ipw_env *env, uint64_t *raw)
{
    struct gpu_metrics m;
    uint64_t v = 0;
    int rc = s->what == NUMBER ? sysfs_file_u64(&s->file, env, &v) : read_metrics(s, env, &m);
    if (!rc && s->what == ENERGY)
        rc = m.has_energy ? 0 : -ENODATA;
    if (!rc && s->what == POWER)
        rc = m.has_power ? 0 : -ENODATA;
    if (!rc)
        *raw = s->what == ENERGY ? m.energy : s->what == POWER ? m.power_mw : v * s->scale;
    return rc;
}

static int amdgpu_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    return read_source(&c->v[local], env, raw);
}

/* Card numbers are given anew when a driver is loaded again: it must still be the same card. */
static void amdgpu_mend(struct energy_collector *c, const struct ipw_env *env)
{
    struct gpu_sysfs g;
    for (size_t i = 0; i < c->n; i++)
        if (sysfs_file_gone(&c->v[i].file) && gpu_sysfs_read(&g, env, c->v[i].folder) && !g.asleep &&
            ipw_streq(g.pci, c->v[i].pci))
            sysfs_file_reopen(&c->v[i].file, env);
}

/* ---- opening ---- */

static struct energy_channel *add_row(struct opening *o, const struct gpu_sysfs *g, const char *folder,
                                      const char *suffix)
{
    struct energy_channel *row = energy_channels_add(o->list);
    snprintf(row->id, sizeof row->id, "amdgpu:%s:%s", g->pci, suffix);
    gpu_sysfs_fill(row, g);
    row->scope = ENERGY_SCOPE_GPU_CHIP;
    row->kind = ENERGY_KIND_GAUGE;
    row->unit_nj = 1;
    row->gain_u = 0.07;
    IPW_GROW(o->v, o->n, o->cap);
    struct source *s = &o->v[o->n++];
    *s = (struct source){.file = {.live = LIVE_FD_INIT}, .what = NUMBER, .scale = 1};
    snprintf(s->pci, sizeof s->pci, "%s", g->pci);
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    return row;
}

static struct source *last_source(struct opening *o)
{
    return &o->v[o->n - 1];
}

static void set_counter(struct energy_channel *row, const struct gpu_metrics *m, const char *folder)
{
    row->kind = ENERGY_KIND_COUNTER;
    row->unit_nj = 1e9 / 65536;
    row->quantum_nj = 15259;
    /* A value past 32 bits shows that this firmware counts further. */
    row->modulus = m->energy_u32 && m->energy <= UINT32_MAX ? UINT64_C(1) << 32 : 0;
    if (m->has_energy)
        return;
    row->status = ENERGY_CHANNEL_ERROR;
    energy_remedy_set(&row->remedy, "E_AMD_COUNTER_BROKEN",
                      "the energy counter in '%s/gpu_metrics' stands at %s, so it does not count; the card's power sensor "
             "(hwmon:amdgpu) is used instead, which resolves phases less well. A newer amdgpu driver or firmware, or "
             "a reboot, may bring it back",
             folder, m->energy ? "all ones" : "0");
}

/* One 16-bit number of whole watts, so only where there is no counter; hwmon's finer one comes before it (scope.c). */
static void set_power(struct energy_channel *row, const struct gpu_metrics *m)
{
    row->kind = m->power_average ? ENERGY_KIND_POWER_AVG : ENERGY_KIND_POWER_INST;
    row->window_ns = m->power_average ? 100000000 : 0; /* not documented: the order of the firmware's filters */
    row->unit_nj = 1e6;
    if (m->apu) { /* the socket: the same energy as the processor's package */
        row->scope = ENERGY_SCOPE_CPU_PACKAGE;
        snprintf(row->device, sizeof row->device, "package-0");
    }
}

static int64_t cap_uw(const struct ipw_env *env, const char *hwmon)
{
    return *hwmon ? sysfs_number(env, 0, "%s/power1_cap", hwmon) : 0;
}

/* Returns whether the card is a processor with graphics. */
static bool add_metrics(struct opening *o, const struct gpu_sysfs *g, const char *folder, const char *hwmon)
{
    struct source probe = {.what = ENERGY};
    struct gpu_metrics m;
    if (!sysfs_file_init(&probe.file, "%s/gpu_metrics", folder) || sysfs_file_open(&probe.file, o->env))
        return false; /* a kernel before 5.9, or a card without it: hwmon has its power */
    int rc = read_metrics(&probe, o->env, &m);
    struct energy_channel *row = NULL;
    if (!rc && !m.apu && !g->second_die) {
        row = add_row(o, g, folder, "energy");
        set_counter(row, &m, folder);
        last_source(o)->what = ENERGY;
    }
    if (!rc && !m.has_energy && m.has_power && !g->second_die) {
        row = add_row(o, g, folder, "power");
        set_power(row, &m);
        last_source(o)->what = POWER;
    }
    if (row && row->status == ENERGY_CHANNEL_OK) {
        row->pmax_w = 2e-6 * (double)cap_uw(o->env, hwmon);
        last_source(o)->file = probe.file;
    } else {
        sysfs_file_close(&probe.file, o->env);
    }
    return m.apu;
}

static void add_gauges(struct opening *o, const struct gpu_sysfs *g, const char *folder, const char *hwmon,
                       enum energy_scope scope)
{
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        const struct gauge *k = &gauges[i];
        const char *names[] = {k->file, k->otherwise}, *at = k->hwmon ? hwmon : folder;
        for (int j = 0; *at && j < 2 && names[j]; j++) {
            struct source s = {.scale = k->scale, .what = NUMBER};
            uint64_t raw;
            if (!sysfs_file_init(&s.file, "%s/%s", at, names[j]) || sysfs_file_open(&s.file, o->env))
                continue;
            if (read_source(&s, o->env, &raw)) {
                sysfs_file_close(&s.file, o->env);
                continue;
            }
            add_row(o, g, folder, k->suffix)->scope = scope;
            last_source(o)->file = s.file;
            last_source(o)->scale = k->scale;
            break;
        }
    }
}

static void find_hwmon(const struct ipw_env *env, const char *folder, char *out, size_t size)
{
    char at[128];
    struct sysfs_names names;
    snprintf(at, sizeof at, "%s/hwmon", folder);
    sysfs_list(env, at, "hwmon", &names);
    *out = '\0';
    if (names.n)
        snprintf(out, size, "%.100s/%.40s", at, names.v[0]);
    sysfs_names_release(&names);
}

static void add_card(struct opening *o, const char *card)
{
    char folder[96], hwmon[160];
    struct gpu_sysfs g;
    snprintf(folder, sizeof folder, "/sys/class/drm/%.60s/device", card);
    if (strchr(card, '-') || sysfs_number(o->env, 0, "%s/vendor", folder) != 0x1002 ||
        !gpu_sysfs_read(&g, o->env, folder))
        return;
    if (g.asleep) {
        gpu_sysfs_set_asleep(add_row(o, &g, folder, "energy"), &g);
        return;
    }
    find_hwmon(o->env, folder, hwmon, sizeof hwmon);
    size_t first = o->list->n;
    bool apu = add_metrics(o, &g, folder, hwmon);
    add_gauges(o, &g, folder, hwmon, apu ? ENERGY_SCOPE_IGPU : ENERGY_SCOPE_GPU_CHIP);
    for (size_t i = first; i < o->list->n; i++)
        o->list->v[i].limit_w = 1e-6 * (double)cap_uw(o->env, hwmon);
}

static void amdgpu_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    struct opening o = {.env = env, .list = list};
    struct sysfs_names cards;
    sysfs_list(env, "/sys/class/drm", "card", &cards);
    for (size_t i = 0; i < cards.n; i++)
        add_card(&o, cards.v[i]);
    sysfs_names_release(&cards);
    *out = NULL;
    if (!o.n)
        return;
    *out = ipw_malloc(sizeof **out);
    **out = (struct energy_collector){o.n, o.v};
}

static void amdgpu_close(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++)
        sysfs_file_close(&c->v[i].file, env);
    free(c->v);
    free(c);
}

extern const struct energy_collector_ops energy_amdgpu;
const struct energy_collector_ops energy_amdgpu = {
    .name = "amdgpu",
    .what = "AMD GPUs: the energy counter in gpu_metrics; use, memory, temperature, clock",
    .verified = "fixture",
    .open = amdgpu_open,
    .read = amdgpu_read,
    .mend = amdgpu_mend,
    .close = amdgpu_close,
};
