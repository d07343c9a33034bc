/* One row per kind of sensor. A new chip that is named and labelled like its neighbours needs a row here and no code. */
#include <string.h>

#include "base/str.h"
#include "energy/hwmon.h"

#define S(x) ENERGY_SCOPE_##x
#define POWERS (HWMON_POWER | HWMON_AVERAGE)
#define MS INT64_C(1000000)

/* The first row that fits is taken. */
static const struct hwmon_rule rules[] = {
    /* amdgpu: W of the average is not documented, 100 ms is the order of the firmware's filters (telemetry 3.5) */
    {"amdgpu", POWERS, 1, NULL, S(GPU_CHIP), 0.07, HWMON_BY_SOCKET, NULL, 0, 100 * MS, 0},
    /* Intel: energy1 is the card and holds energy2, the package; a tile lies inside its device (3.6) */
    {"xe", HWMON_ENERGY, 1, NULL, S(GPU_BOARD), 0.05, HWMON_BY_PCI, NULL, 0, 0, HWMON_LATE | HWMON_NONZERO},
    {"xe", HWMON_ENERGY, 2, NULL, S(GPU_CHIP), 0.05, HWMON_BY_PCI, NULL, 0, 0, HWMON_LATE},
    {"i915", HWMON_ENERGY, 1, NULL, S(GPU_BOARD), 0.05, HWMON_BY_PCI, NULL, 0, 0, HWMON_LATE},
    {"i915_gt*", HWMON_ENERGY, 0, NULL, S(RAIL), 0.05, HWMON_BY_PCI, NULL, 0, 0, HWMON_LATE},
    /* ACPI meters: Grace names what they measure, others mean what the power supply gives (3.11) */
    {"power_meter", POWERS, 0, "Module Power Socket *", S(MODULE), 0.05, HWMON_BY_NUMBER, "module", 0, 1000 * MS, 0},
    {"power_meter", POWERS, 0, "Grace Power Socket *", S(CPU_PACKAGE), 0.05, HWMON_BY_NUMBER, "package", 0, 1000 * MS,
     0},
    {"power_meter", POWERS, 0, "CPU Power Socket *", S(CPU_CORE), 0.05, HWMON_BY_NUMBER, "package", 0, 1000 * MS, 0},
    {"power_meter", POWERS, 0, "SysIO Power Socket *", S(RAIL), 0.05, HWMON_BY_NUMBER, "package", 0, 1000 * MS, 0},
    {"power_meter", POWERS, 0, NULL, S(WALL), 0.05, HWMON_BY_CHIP, "wall", 0, 1000 * MS, 0},
    /* amd_energy: a register per core besides, up to hundreds; they lie inside their socket (3.3) */
    {"amd_energy", HWMON_ENERGY, 0, "Esocket*", S(CPU_PACKAGE), 0.10, HWMON_BY_NODE, "package", MS, 0, 0},
    {"amd_energy", HWMON_ENERGY, 0, NULL, S(CPU_CORE), 0.10, HWMON_BY_LABEL, NULL, MS, 0, HWMON_SKIP},
    /* Ampere Altra, a chip per socket */
    {"apm_xgene", HWMON_POWER, 1, NULL, S(CPU_PACKAGE), 0.05, HWMON_BY_CHIP, "package", 0, 0, 0},
    {"apm_xgene", HWMON_POWER, 2, NULL, S(RAIL), 0.05, HWMON_BY_CHIP, "package", 0, 0, 0},
    /* Apple silicon under Linux */
    {"macsmc_hwmon", HWMON_POWER, 0, "Total System Power", S(PLATFORM), 0.05, HWMON_BY_WORD, "platform", 0, 0, 0},
    /* Jetson: hwmon_jetson_total makes some of the rails the total (3.7) */
    {"ina3221*", HWMON_PRODUCT | HWMON_IIO, 0, NULL, S(RAIL), 0.03, HWMON_BY_LABEL, NULL, 0, 0, 0},
    {"ina238", HWMON_POWER, 1, NULL, S(RAIL), 0.03, HWMON_BY_LABEL, NULL, 0, 0, 0},
    /* everything else */
    {"*", ~0u, 0, NULL, S(RAIL), 0.05, HWMON_BY_LABEL, NULL, 0, 1000 * MS, 0},
};

/* From the drivers: index equality is not promised by the ABI (in0 of some is a shunt, as are in4..in6 of ina3221). */
static const struct hwmon_pair pairs[] = {
    {"ina3221", 1, 1}, {"ina3221", 2, 2},  {"ina3221", 3, 3}, {"ina219", 1, 1},
    {"ina226", 1, 1},  {"max20730", 2, 1}, {"ltc2992", 0, 1}, {"ltc2992", 2, 2},
};

/* Labels that together are all that flows into the module, the most certain set first. VDDQ_VDD2_1V8AO of AGX Orin is
 * fed from VIN_SYS_5V0, so it is in no set. */
static const char *const totals[][6] = {
    {"VDD_IN"},
    {"POM_5V_IN"},
    {"VIN"},
    {"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"},
    {"GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"},
};

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

bool hwmon_fits(const char *pattern, const char *text)
{
    size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*')
        return !strncmp(pattern, text, n - 1);
    return ipw_streq(pattern, text);
}

const struct hwmon_rule *hwmon_rule_find(const char *chip, enum hwmon_attr attr, int index, const char *label)
{
    const struct hwmon_rule *r = rules;
    while (!(hwmon_fits(r->chip, chip) && (r->attrs & attr) && (!r->index || r->index == index) &&
             (!r->label || hwmon_fits(r->label, label))))
        r++; /* the last row fits everything */
    return r;
}

const struct hwmon_pair *hwmon_pair_find(const char *chip, size_t k)
{
    for (size_t i = 0; i < N_OF(pairs); i++)
        if (ipw_streq(pairs[i].chip, chip) && !k--)
            return &pairs[i];
    return NULL;
}

static bool member(const char *const *set, const char *label)
{
    for (size_t i = 0; i < N_OF(totals[0]) && set[i]; i++)
        if (ipw_streq(set[i], label))
            return true;
    return false;
}

static bool complete(const char *const *set, const char *const *labels, size_t n)
{
    for (size_t i = 0; i < N_OF(totals[0]) && set[i]; i++) {
        bool found = false;
        for (size_t k = 0; k < n && !found; k++)
            found = ipw_streq(set[i], labels[k]);
        if (!found)
            return false;
    }
    return true;
}

bool hwmon_jetson_total(const char *const *labels, size_t n, bool *marks)
{
    const char *const *set = NULL;
    for (size_t i = 0; i < N_OF(totals) && !set; i++)
        set = complete(totals[i], labels, n) ? totals[i] : NULL;
    for (size_t i = 0; i < n; i++)
        marks[i] = set && member(set, labels[i]);
    return set;
}
