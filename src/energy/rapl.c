#include "energy/rapl.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#ifndef IPW_METER_PATH
#define IPW_METER_PATH "/usr/local/libexec/ipw-meter"
#endif

const char energy_rapl_meter_path[] = IPW_METER_PATH;
const char energy_rapl_install[] = "    sudo groupadd -rf ipw-meter && sudo usermod -aG ipw-meter \"$USER\"\n"
                                   "    sudo chgrp ipw-meter '%s' && sudo setcap cap_perfmon=ep '%s'\n";

enum { STILL_LOOKS = 20, STILL_LOOK_NS = 1000000, STILL_ROWS = 32, MAX_CPU = 1 << 20 };

/* ---- powercap ---- */

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

static bool parse_zone(const char *name, struct energy_rapl_zone *z)
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
    const struct energy_rapl_zone *x = a, *y = b;
    if (x->mmio != y->mmio)
        return x->mmio ? 1 : -1;
    if (x->top != y->top)
        return x->top < y->top ? -1 : 1;
    return (x->sub > y->sub) - (x->sub < y->sub);
}

int energy_rapl_zone_text(const struct ipw_env *env, const struct energy_rapl_zone *z, const char *file, char *out,
                          size_t size)
{
    char path[128];
    snprintf(path, sizeof path, ENERGY_RAPL_POWERCAP "/%s/%s", z->name, file);
    return ipw_env_read(env, path, out, size);
}

static uint64_t zone_number(const struct ipw_env *env, const struct energy_rapl_zone *z, const char *file)
{
    char text[32];
    uint64_t v;
    return energy_rapl_zone_text(env, z, file, text, sizeof text) > 0 && ipw_parse_u64(text, &v) ? v : 0;
}

uint64_t energy_rapl_range_uj(const struct ipw_env *env, const struct energy_rapl_zone *z)
{
    return zone_number(env, z, "max_energy_range_uj");
}

/* The register has 32 bits: max_energy_range_uj = (2^32 - 1) units in whole uJ. */
double energy_rapl_unit_uj(uint64_t range_uj)
{
    return (double)range_uj / 4294967295.0;
}

int64_t energy_rapl_quantum_nj(uint64_t range_uj)
{
    double unit_uj = energy_rapl_unit_uj(range_uj);
    return unit_uj < 1 ? 1000 : llround(unit_uj * 1000);
}

/* The largest power any of the zone's limits allows, W; 0 unknown. A laptop's short-term limit is several times its
 * long-term one, so one of them alone would make boosts look impossible. */
static double limit_w(const struct ipw_env *env, const struct energy_rapl_zone *z)
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

static const struct energy_rapl_zone *parent_of(const struct energy_rapl_zone *v, size_t i)
{
    for (size_t j = i; j-- > 0 && v[j].mmio == v[i].mmio && v[j].top == v[i].top;)
        if (v[j].sub < 0)
            return &v[j];
    return &v[i];
}

static void describe(const struct ipw_env *env, struct energy_rapl_zone *v, size_t i)
{
    struct energy_rapl_zone *z = &v[i];
    if (energy_rapl_zone_text(env, z, "name", z->label, sizeof z->label) <= 0)
        memcpy(z->label, z->name, sizeof z->label);
    z->scope = scope_of(z->label);
    bool platform = z->scope == ENERGY_SCOPE_PLATFORM;
    const struct energy_rapl_zone *parent = parent_of(v, i);
    snprintf(z->device, sizeof z->device, "%s", platform ? "platform" : parent->label);
    z->pmax_w = platform || parent == z ? 2 * limit_w(env, z) : parent->pmax_w;
}

struct listing {
    struct energy_rapl_zone *v;
    size_t n, cap;
    int entries;
};

static void on_entry(const char *name, void *ud)
{
    struct listing *l = ud;
    struct energy_rapl_zone z = {0};
    l->entries++;
    if (!parse_zone(name, &z))
        return;
    IPW_GROW(l->v, l->n, l->cap);
    l->v[l->n++] = z;
}

size_t energy_rapl_zones(const struct ipw_env *env, struct energy_rapl_zone **v, int *entries)
{
    struct listing l = {0};
    bool there = !env->io->list(env, ENERGY_RAPL_POWERCAP, on_entry, &l);
    if (l.n)
        qsort(l.v, l.n, sizeof *l.v, by_zone);
    for (size_t i = 0; i < l.n; i++)
        describe(env, l.v, i);
    *v = l.v;
    *entries = there ? l.entries : -1;
    return l.n;
}

/* ---- rows ---- */

void energy_rapl_fill(struct energy_channel *row, const struct energy_cpuinfo *cpu)
{
    row->kind = ENERGY_KIND_COUNTER;
    row->period_ns = ENERGY_RAPL_PERIOD_NS;
    /* Intel measures, AMD models: telemetry 3.1. */
    row->gain_u = ipw_streq(cpu->vendor, "GenuineIntel") ? 0.03 : 0.10;
    if (cpu->sgx) {
        row->gain_u = 0.25;
        energy_remedy_set(&row->remedy, "W_SGX_FILTER",
                           "this processor has SGX: its RAPL filter makes readings over less than a second wrong "
                           "by up to half; compare whole runs, or switch SGX off in the firmware");
    }
}

struct pair {
    size_t dram, package; /* rows */
    uint64_t dram_raw, package_raw;
    int package_moves;
    bool lives;
};

static size_t find_pairs(const struct energy_channels *list, size_t first, struct pair *out)
{
    size_t n = 0;
    for (size_t i = first; i < list->n && n < STILL_ROWS; i++) {
        const struct energy_channel *d = &list->v[i];
        if (d->scope != ENERGY_SCOPE_DRAM || d->status != ENERGY_CHANNEL_OK)
            continue;
        for (size_t k = first; k < list->n; k++) {
            const struct energy_channel *p = &list->v[k];
            if (p->scope == ENERGY_SCOPE_CPU_PACKAGE && p->status == ENERGY_CHANNEL_OK &&
                ipw_streq(p->device, d->device)) {
                out[n++] = (struct pair){.dram = i, .package = k};
                break;
            }
        }
    }
    return n;
}

void energy_rapl_drop_still(struct energy_channels *list, size_t first, const struct ipw_env *env,
                            struct energy_collector *c,
                            int (*read)(struct energy_collector *c, const struct ipw_env *env, size_t local,
                                        uint64_t *raw))
{
    struct pair pairs[STILL_ROWS];
    size_t n = find_pairs(list, first, pairs), waiting = n;
    for (int look = 0; look <= STILL_LOOKS && waiting; look++) {
        if (look)
            env->clock->sleep_until(env, ipw_now(env) + STILL_LOOK_NS);
        for (size_t i = 0; i < n; i++) {
            struct pair *p = &pairs[i];
            uint64_t dram, package;
            if (p->lives || read(c, env, p->dram - first, &dram) || read(c, env, p->package - first, &package))
                continue;
            if (look && dram != p->dram_raw) {
                p->lives = true;
                waiting--;
            }
            p->package_moves += look && package != p->package_raw;
            p->dram_raw = dram;
            p->package_raw = package;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (!pairs[i].lives && pairs[i].package_moves > STILL_LOOKS / 2) {
            struct energy_channel *row = &list->v[pairs[i].dram];
            row->status = ENERGY_CHANNEL_ERROR;
            energy_remedy_set(&row->remedy, "E_RAPL_STILL",
                               "the memory counter '%.90s' never moves while its package's does: this board does not "
                               "fill it, so memory is not in the total; nothing to do but a meter at the wall",
                               row->id);
        }
}

/* ---- texts of sysfs ---- */

static const char *parse_cpu(const char *s, int *out)
{
    int v = 0;
    const char *p = s;
    for (; ipw_isdigit((unsigned char)*p); p++)
        if ((v = v * 10 + (*p - '0')) > MAX_CPU)
            return NULL;
    *out = v;
    return p == s ? NULL : p;
}

int energy_rapl_cpulist(const char *text, int *out, int cap)
{
    int n = 0, a, b;
    for (const char *p = text;; p++) {
        if (!(p = parse_cpu(p, &a)))
            return -1;
        b = a;
        if (*p == '-' && !(p = parse_cpu(p + 1, &b)))
            return -1;
        if (b < a || b - a >= cap - n)
            return -1;
        while (a <= b)
            out[n++] = a++;
        if (!*p)
            return n;
        if (*p != ',')
            return -1;
    }
}

bool energy_rapl_event(const char *text, uint64_t *config)
{
    uint32_t v;
    const char *p = text + strlen("event=0x");
    if (!ipw_starts(text, "event=0x") || !(p = parse_hex(p, &v)) || *p || v > 0xff) /* format/event: config:0-7 */
        return false;
    *config = v;
    return true;
}

bool energy_rapl_message(const char *text, char *event, int *cpu)
{
    const char *space = strchr(text, ' '), *end;
    if (!space || space - text >= 32 || !(end = parse_cpu(space + 1, cpu)) || *end)
        return false;
    memcpy(event, text, (size_t)(space - text));
    event[space - text] = '\0';
    return true;
}
