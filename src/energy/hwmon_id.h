/* Which hwmon chip this is, whatever number it has got at this start. */
#ifndef IPW_ENERGY_HWMON_ID_H
#define IPW_ENERGY_HWMON_ID_H

#include "energy/gpu_sysfs.h"

struct hwmon_chip {
    char name[32];
    char folder[128]; /* where the attributes are */
    char key[64];     /* which one of its name: a PCI, device tree or ACPI address; "" unknown */
    bool is_gpu;
    struct gpu_sysfs gpu;
    int nth; /* among the chips of this name */
};

/* name: "hwmon4", under /sys/class/hwmon. False: there is no chip. */
bool hwmon_chip_read(struct hwmon_chip *c, const struct ipw_env *env, const char *name);

/* Is the chip that was read earlier still behind its number, and awake? */
bool hwmon_chip_is_same(const struct hwmon_chip *c, const struct ipw_env *env);

bool hwmon_chip_is_apu(const struct hwmon_chip *c, const struct ipw_env *env); /* a processor with graphics */

/* The package that an amd_energy "socket" is. */
int64_t hwmon_chip_package(const struct hwmon_chip *c, const struct ipw_env *env, int64_t number);

#endif
