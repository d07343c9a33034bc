/* The scope lattice (telemetry 2.2): what lies inside what, and so what may be added. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "energy/channel.h"

#define BIT(scope) (1u << ENERGY_SCOPE_##scope)

enum role {
    PART,   /* a member of the component total unless something that holds it is one */
    DETAIL, /* inside its parent even when that cannot be read: one AMD "core" zone is a single core */
    WHOLE,  /* the machine or more: never added to its parts */
};

static const struct {
    enum role role;
    unsigned inside;   /* scopes that hold this one on the same device */
    unsigned anywhere; /* scopes that hold it on whatever device */
} lattice[ENERGY_SCOPE_N] = {
    [ENERGY_SCOPE_SOC_IN] = {PART, 0, 0},
    [ENERGY_SCOPE_MODULE] = {PART, 0, BIT(SOC_IN)},
    [ENERGY_SCOPE_CPU_PACKAGE] = {PART, 0, BIT(SOC_IN) | BIT(MODULE)},
    [ENERGY_SCOPE_DRAM] = {PART, 0, BIT(SOC_IN) | BIT(MODULE)},
    [ENERGY_SCOPE_ANE] = {PART, 0, BIT(SOC_IN) | BIT(MODULE)},
    [ENERGY_SCOPE_GPU_BOARD] = {PART, 0, BIT(SOC_IN) | BIT(MODULE)},
    [ENERGY_SCOPE_GPU_CHIP] = {PART, BIT(GPU_BOARD), BIT(SOC_IN) | BIT(MODULE)},
    [ENERGY_SCOPE_CPU_CORE] = {DETAIL, BIT(CPU_PACKAGE), 0},
    [ENERGY_SCOPE_IGPU] = {DETAIL, BIT(CPU_PACKAGE), 0},
    [ENERGY_SCOPE_GPU_MEMORY] = {DETAIL, BIT(GPU_BOARD), 0},
    [ENERGY_SCOPE_RAIL] = {DETAIL, 0, 0},
    [ENERGY_SCOPE_PLATFORM] = {WHOLE, 0, 0},
    [ENERGY_SCOPE_WALL] = {WHOLE, 0, 0},
    [ENERGY_SCOPE_BATTERY] = {WHOLE, 0, 0},
};

/* Holders come before what they hold, so that one pass decides. */
static const enum energy_scope part_order[] = {
    ENERGY_SCOPE_SOC_IN,    ENERGY_SCOPE_MODULE,   ENERGY_SCOPE_CPU_PACKAGE, ENERGY_SCOPE_DRAM,
    ENERGY_SCOPE_GPU_BOARD, ENERGY_SCOPE_GPU_CHIP, ENERGY_SCOPE_ANE,
};
static const enum energy_scope system_order[] = {ENERGY_SCOPE_WALL, ENERGY_SCOPE_PLATFORM,
                                                 ENERGY_SCOPE_SOC_IN, ENERGY_SCOPE_BATTERY};

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

bool energy_scope_adds(enum energy_scope s)
{
    return lattice[s].role == PART;
}

static bool usable(const struct energy_channel *c)
{
    return c->status == ENERGY_CHANNEL_OK && c->kind != ENERGY_KIND_GAUGE;
}

/* Sources that repeat another of their kind, worse: powercap's zones the events of perf, with wrap and rounding, its MMIO
 * zones the MSR's, amd_energy the same registers by way of a kernel thread, amdgpu's binary file the watts of hwmon
 * without their decimals. */
static const char *const repeats[] = {"rapl:intel-rapl:", "rapl:intel-rapl-mmio:", "hwmon:amd_energy/", "amdgpu:"};

/* Smaller is better: a counter loses nothing in a stall. */
static int rank(const struct energy_channel *c)
{
    int worse = 0;
    for (int i = 0; i < (int)N_OF(repeats); i++)
        if (ipw_starts(c->id, repeats[i]))
            worse = 1 + i;
    return (int)c->kind * 8 + worse;
}

/* The same device, or a package and one of its dies: kernels differ in which of the two a counter is said to be of. */
static bool overlap(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), common = n < m ? n : m;
    const char *rest = n > m ? a + common : b + common;
    return !strncmp(a, b, common) && (!*rest || ipw_starts(rest, "-die-"));
}

/* The channel that stands for (scope, device of c), NULL if none can be read. The first of equals. */
static const struct energy_channel *best(const struct energy_channel *ch, size_t n,
                                         const struct energy_channel *c)
{
    const struct energy_channel *b = NULL;
    for (size_t i = 0; i < n; i++)
        if (usable(&ch[i]) && !ch[i].unused && ch[i].scope == c->scope && ch[i].estimated == c->estimated &&
            overlap(ch[i].device, c->device) && (!b || rank(&ch[i]) < rank(b)))
            b = &ch[i];
    return b;
}

static bool is_gpu(const struct energy_channel *c)
{
    return BIT(GPU_BOARD) >> c->scope & 1 || BIT(GPU_CHIP) >> c->scope & 1;
}

/* A GPU with a PCI address that is no part of a SoC: NVML names those after it. */
static bool is_discrete(const struct energy_channel *c)
{
    static const char *const integrated[] = {"Thor", "Orin", "Xavier", "Tegra", "nvgpu"};
    char pci[64];
    for (size_t i = 0; i < N_OF(integrated); i++)
        if (strstr(c->name, integrated[i]))
            return false;
    return is_gpu(c) && energy_pci_id(c->device, pci, sizeof pci);
}

/* Where scopes hold each other whatever the device: a SoC's input its own parts, a module its own socket and GPU. Which
 * package belongs to a module that is only known by its GPU, and which GPU to one that is only numbered, nobody says. */
static bool holds_elsewhere(const struct energy_channel *h, const struct energy_channel *c)
{
    char pci[64];
    if (!(lattice[c->scope].anywhere >> h->scope & 1))
        return false;
    if (h->scope == ENERGY_SCOPE_SOC_IN)
        return !is_discrete(c);
    if (is_gpu(c) && energy_pci_id(h->device, pci, sizeof pci))
        return ipw_streq(h->device, c->device);
    if (ipw_starts(h->device, "module-") && ipw_starts(c->device, "package-"))
        return ipw_streq(h->device + strlen("module-"), c->device + strlen("package-"));
    return true;
}

static const struct energy_channel *holder(const struct energy_channel *ch, size_t n,
                                           const struct energy_channel *c)
{
    for (size_t i = 0; i < n; i++)
        if (ch[i].in_total && (holds_elsewhere(&ch[i], c) || (lattice[c->scope].inside >> ch[i].scope & 1 &&
                                                              ipw_streq(ch[i].device, c->device))))
            return &ch[i];
    return NULL;
}

/* Two collectors that each know modules know the same ones, under other names. */
static const struct energy_channel *other_modules(const struct energy_channel *ch, size_t n,
                                                  const struct energy_channel *c)
{
    for (size_t i = 0; i < n && c->scope == ENERGY_SCOPE_MODULE; i++)
        if (ch[i].in_total && ch[i].scope == ENERGY_SCOPE_MODULE && !ipw_streq(ch[i].source, c->source))
            return &ch[i];
    return NULL;
}

#define WHY(c, ...) snprintf((c)->why, sizeof(c)->why, __VA_ARGS__)

static void decide_part(struct energy_channel *ch, size_t n, struct energy_channel *c)
{
    const struct energy_channel *h = holder(ch, n, c), *b = best(ch, n, c), *o = other_modules(ch, n, c);
    if (c->unused) {
        WHY(c, "%.48s takes no part", *c->name ? c->name : c->device);
    } else if (h) {
        WHY(c, "inside %s of %.48s", energy_scope_name(h->scope), h->device);
    } else if (b != c || o) {
        WHY(c, "same energy as %.78s", b != c ? b->id : o->id);
    } else {
        c->in_total = true;
        WHY(c, "computes");
    }
}

static enum energy_scope lowest_bit(unsigned set)
{
    return (enum energy_scope)__builtin_ctz(set);
}

/* What is said of a channel unless decide_part says more. */
static void decide_other(struct energy_channel *c)
{
    const char *word = energy_scope_name(c->scope);
    if (c->status == ENERGY_CHANNEL_ABSENT)
        WHY(c, "not on this machine");
    else if (c->status != ENERGY_CHANNEL_OK)
        WHY(c, "cannot be read");
    else if (c->kind == ENERGY_KIND_GAUGE)
        WHY(c, "a gauge: never in a total");
    else if (lattice[c->scope].role == WHOLE)
        WHY(c, "%s: not added to its parts", word);
    else if (lattice[c->scope].inside)
        WHY(c, "inside %s of %.48s", energy_scope_name(lowest_bit(lattice[c->scope].inside)),
            c->device);
    else
        WHY(c, "%s: detail only", word);
}

static void resolve_system(struct energy_channel *ch, size_t n)
{
    for (size_t k = 0; k < N_OF(system_order); k++) {
        bool any = false;
        for (size_t i = 0; i < n; i++)
            if (ch[i].scope == system_order[k] && !ch[i].estimated && best(ch, n, &ch[i]) == &ch[i]) {
                any = ch[i].in_system = true;
                if (!ch[i].in_total)
                    WHY(&ch[i], "the system total");
            }
        if (any)
            return;
    }
}

void energy_scope_resolve(struct energy_channel *ch, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ch[i].in_total = ch[i].in_system = false;
        decide_other(&ch[i]);
    }
    bool counters = false;
    for (size_t k = 0; k < N_OF(part_order); k++)
        for (size_t i = 0; i < n; i++)
            if (ch[i].scope == part_order[k] && usable(&ch[i]) && !ch[i].estimated) {
                decide_part(ch, n, &ch[i]);
                counters |= ch[i].in_total;
            }
    /* The rows of a model are terms of one sum, so they are not compared with each other. */
    for (size_t i = 0; i < n; i++)
        if (ch[i].estimated && usable(&ch[i])) {
            ch[i].in_total = !counters;
            WHY(&ch[i], counters ? "a model: there are counters" : "a model of what computes");
        }
    for (size_t i = 0; i < n; i++)
        if (ch[i].included && usable(&ch[i]) && !ch[i].in_total) {
            ch[i].in_total = true;
            WHY(&ch[i], "asked for by --include");
        }
    resolve_system(ch, n);
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

void energy_signature(const struct energy_channel *ch, size_t n, char *out, size_t size)
{
    unsigned seen = 0;
    const char *words[ENERGY_SCOPE_N];
    size_t n_words = 0;
    for (size_t i = 0; i < n; i++)
        if (ch[i].in_total && !(seen >> ch[i].scope & 1)) {
            seen |= 1u << ch[i].scope;
            words[n_words++] = energy_scope_name(ch[i].scope);
        }
    qsort(words, n_words, sizeof words[0], by_text);
    char text[256] = "component(";
    size_t len = strlen(text);
    for (size_t i = 0; i < n_words; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? "+" : "", words[i]);
    snprintf(out, size, "%s)", text);
}
