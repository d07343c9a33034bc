#include "cli/sources.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* What a channel's scope is a part of. Parts of a processor or a board that a larger scope holds have no line. */
static const struct part {
    const char *name;
    bool counts;
    unsigned scopes;
} parts[] = {
    {"GPU", true, 1u << ENERGY_SCOPE_GPU_BOARD | 1u << ENERGY_SCOPE_GPU_CHIP},
    {"CPU", true, 1u << ENERGY_SCOPE_CPU_PACKAGE},
    {"module", true, 1u << ENERGY_SCOPE_MODULE | 1u << ENERGY_SCOPE_SOC_IN},
    {"memory", false, 1u << ENERGY_SCOPE_DRAM},
    {"machine", false, 1u << ENERGY_SCOPE_PLATFORM | 1u << ENERGY_SCOPE_WALL},
    {"battery", false, 1u << ENERGY_SCOPE_BATTERY},
};
enum { N_PARTS = sizeof parts / sizeof parts[0] };

/* Why a source is not read, in a few words; the remedies say the rest. */
static const struct {
    const char *id, *words;
} reasons[] = {
    {"E_RAPL_EACCES", "RAPL is there, only root may read it"},
    {"E_PERF_PARANOID", "RAPL is there, only root may read it"},
    {"E_PERF_OPEN", "RAPL's perf events give no count"},
    {"E_RAPL_READ", "RAPL is there and gives no number"},
    {"E_RAPL_MASKED", "the container runtime hides RAPL"},
    {"E_RAPL_NONE", "no RAPL, or no driver for it"},
    {"E_RAPL_STILL", "its counter never moves"},
    {"E_VM_NOCOUNTER", "no counter in this virtual machine"},
    {"E_NVML_NOLIB", "there, NVIDIA's library is not"},
    {"E_NVML_DRIVER", "there, its driver is not loaded"},
    {"E_NVML_MISMATCH", "driver and library do not fit together"},
    {"E_NVML_CGROUP", "there, not given to this job"},
    {"E_NVML_NOSENSOR", "no power sensor in it"},
    {"E_NVML_LOST", "it fell off the bus"},
    {"E_AMD_SUSPENDED", "it sleeps, and is not woken"},
    {"E_AMD_COUNTER_BROKEN", "its counter does not count"},
    {"E_HWMON_EACCES", "there, only its group may read it"},
    {"E_JETSON_NOTOTAL", "no power rail that is the total"},
    {"E_BATT_PLUGGED", "on mains; it tells only unplugged"},
};

static const struct {
    const char *source, *words;
} names[] = {{"perf", "RAPL"}, {"powercap", "RAPL"}, {"nvml", "NVML"}, {"amdgpu", "amdgpu"}, {"ioreport", "IOReport"},
             {"battery", "battery"}};

static const struct part *part_of(const struct energy_channel *c)
{
    for (size_t i = 0; i < N_PARTS; i++)
        if (parts[i].scopes >> c->scope & 1)
            return &parts[i];
    return NULL;
}

/* "hwmon:xe@0000:03:00.0/energy1" is known by its chip. */
static void name_source(const struct energy_channel *c, char *out, size_t size)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ipw_streq(names[i].source, c->source)) {
            snprintf(out, size, "%s", names[i].words);
            return;
        }
    const char *chip = ipw_starts(c->id, "hwmon:") ? c->id + strlen("hwmon:") : c->source;
    snprintf(out, size, "%.*s", (int)strcspn(chip, "@/:"), chip);
}

static void describe(struct source_line *l)
{
    static const char *const otherwise[] = {
        [ENERGY_CHANNEL_DENIED] = "there, not readable for this user",
        [ENERGY_CHANNEL_ERROR] = "there, and gives no number",
        [ENERGY_CHANNEL_ABSENT] = "no counter",
    };
    const struct energy_channel *c = l->channel;
    char name[64];
    if (l->ready) {
        name_source(c, name, sizeof name);
        snprintf(l->text, sizeof l->text, "%s %s, ready%s", name,
                 c->kind == ENERGY_KIND_COUNTER ? "counter" : "power sensor", c->in_total || c->in_system ? "" : " (in no total)");
        return;
    }
    snprintf(l->text, sizeof l->text, "%s", otherwise[c->status]);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (ipw_streq(reasons[i].id, c->remedy.id))
            snprintf(l->text, sizeof l->text, "%s", reasons[i].words);
}

/* Read in a total, read, and then what can be helped soonest. */
static int rank(const struct energy_channel *c)
{
    if (c->status == ENERGY_CHANNEL_OK && !c->estimated)
        return c->in_total ? 5 : c->in_system ? 4 : 3;
    return c->status == ENERGY_CHANNEL_DENIED ? 2 : c->status == ENERGY_CHANNEL_ERROR ? 1 : 0;
}

/* A part that a larger source holds is not missed: the CPU of a module, the memory of a socket without a counter. */
static bool held(const struct meter *m, const struct part *p, const struct energy_channel *best)
{
    size_t n;
    const struct energy_channel *c = meter_channels(m, &n);
    if (rank(best) >= 3)
        return false;
    for (size_t i = 0; i < n; i++)
        if (c[i].in_total && (c[i].scope == ENERGY_SCOPE_MODULE || c[i].scope == ENERGY_SCOPE_SOC_IN))
            return p->counts;
    return false;
}

/* The best channel of the part that is on this device (NULL: on any), NULL if none. */
static const struct energy_channel *best_of(const struct energy_channel *c, size_t n, const struct part *p,
                                            const char *device)
{
    const struct energy_channel *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (c[i].kind != ENERGY_KIND_GAUGE && !c[i].estimated && part_of(&c[i]) == p &&
            (!device || ipw_streq(device, c[i].device)) && (!best || rank(&c[i]) > rank(best)))
            best = &c[i];
    return best;
}

/* A device that has been looked at under an earlier channel. */
static bool seen(const struct energy_channel *c, size_t i, const struct part *p)
{
    for (size_t k = 0; k < i; k++)
        if (c[k].kind != ENERGY_KIND_GAUGE && !c[k].estimated && part_of(&c[k]) == p && ipw_streq(c[k].device, c[i].device))
            return true;
    return false;
}

size_t sources_of(const struct meter *m, struct source_line *out, size_t cap)
{
    size_t n, lines = 0;
    const struct energy_channel *c = meter_channels(m, &n);
    for (const struct part *p = parts; p < parts + N_PARTS; p++) {
        bool each = p == parts; /* GPUs differ, sockets do not */
        size_t first = lines;
        for (size_t i = 0; i < n && lines < cap; i++) {
            if (c[i].kind == ENERGY_KIND_GAUGE || c[i].estimated || part_of(&c[i]) != p || (each && seen(c, i, p)))
                continue;
            const struct energy_channel *best = best_of(c, n, p, each ? c[i].device : NULL);
            if (held(m, p, best))
                continue;
            struct source_line l = {.part = p->name, .ready = rank(best) >= 3, .counts = p->counts, .channel = best};
            describe(&l);
            bool same = false;
            for (size_t k = first; k < lines && !same; k++)
                same = ipw_streq(out[k].text, l.text);
            if (!same)
                out[lines++] = l;
            if (!each)
                break;
        }
    }
    return lines;
}
