#include "energy/gpu_sysfs.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "energy/sysfs.h"

enum { AMD = 0x1002, INTEL = 0x8086, MI250X = 0x7408, MI250 = 0x740c };

static bool read_pci(const struct ipw_env *env, const char *folder, char *out, size_t size)
{
    char text[1024], word[32] = "";
    sysfs_text(env, text, sizeof text, "%s/uevent", folder);
    const char *at = strstr(text, "PCI_SLOT_NAME=");
    if (at)
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at + 14, "\n"), at + 14);
    return energy_pci_id(word, out, size);
}

/* How many GPUs of the vendor come before this address. */
static int index_of(const struct ipw_env *env, int vendor, const char *pci)
{
    struct sysfs_names cards;
    char folder[128], other[64];
    int n = 0;
    sysfs_list(env, "/sys/class/drm", "card", &cards);
    for (size_t i = 0; i < cards.n; i++) {
        snprintf(folder, sizeof folder, "/sys/class/drm/%s/device", cards.v[i]);
        n += !strchr(cards.v[i], '-') && /* card0-DP-1 is a socket for a screen */
             sysfs_number(env, 0, "%s/vendor", folder) == vendor && read_pci(env, folder, other, sizeof other) &&
             strcmp(other, pci) < 0;
    }
    sysfs_names_release(&cards);
    return n;
}

bool gpu_sysfs_read(struct gpu_sysfs *g, const struct ipw_env *env, const char *folder)
{
    char word[32];
    *g = (struct gpu_sysfs){0};
    if (!read_pci(env, folder, g->pci, sizeof g->pci))
        return false;
    g->vendor = (int)sysfs_number(env, 0, "%s/vendor", folder);
    g->device = (int)sysfs_number(env, 0, "%s/device", folder);
    g->index = index_of(env, g->vendor, g->pci);
    g->second_die = g->vendor == AMD && (g->device == MI250X || g->device == MI250) && g->index % 2;
    g->asleep =
        sysfs_text(env, word, sizeof word, "%s/power/runtime_status", folder) > 0 && ipw_streq(word, "suspended");
    if (sysfs_text(env, g->name, sizeof g->name, "%s/product_name", folder) <= 0)
        snprintf(g->name, sizeof g->name, "%s [%04x:%04x]",
                 g->vendor == AMD     ? "AMD Radeon"
                 : g->vendor == INTEL ? "Intel GPU"
                                      : "GPU",
                 (unsigned)g->vendor, (unsigned)g->device);
    return true;
}

void gpu_sysfs_fill(struct energy_channel *row, const struct gpu_sysfs *g)
{
    snprintf(row->device, sizeof row->device, "%s", g->pci);
    snprintf(row->name, sizeof row->name, "%s", g->name);
    row->gpu = g->index;
}

void gpu_sysfs_set_asleep(struct energy_channel *row, const struct gpu_sysfs *g)
{
    row->status = ENERGY_CHANNEL_ERROR;
    energy_remedy_set(&row->remedy, "E_AMD_SUSPENDED",
                      "GPU '%s' sleeps ('power/runtime_status' is suspended) and is not read, because a read would wake it; its "
             "energy is left out.\nTo meter it, keep it awake:\n    echo on | sudo tee "
             "/sys/bus/pci/devices/%s/power/control",
             g->pci, g->pci);
}
