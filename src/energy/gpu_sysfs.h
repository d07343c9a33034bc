/* What /sys tells about a GPU: its address, its name, its number, and whether it sleeps. */
#ifndef IPW_ENERGY_GPU_SYSFS_H
#define IPW_ENERGY_GPU_SYSFS_H

#include "energy/collector.h"

struct gpu_sysfs {
    char pci[64];  /* as energy_pci_id writes it */
    char name[96]; /* "AMD Instinct MI210", "AMD Radeon [1002:744c]" */
    int vendor, device;
    int index;       /* among the GPUs of its vendor, in PCI order */
    bool asleep;     /* runtime-suspended: reading its sensors would wake it, or fails */
    bool second_die; /* of an MI250: the first die reports the energy of both, this one 0 */
};

/* folder: the PCI device's, "/sys/class/drm/card0/device". False when there is no PCI device behind it. */
bool gpu_sysfs_read(struct gpu_sysfs *g, const struct ipw_env *env, const char *folder);

void gpu_sysfs_fill(struct energy_channel *row, const struct gpu_sysfs *g);       /* device, name, gpu */
void gpu_sysfs_set_asleep(struct energy_channel *row, const struct gpu_sysfs *g); /* status and remedy */

#endif
