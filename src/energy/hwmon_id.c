#include "energy/hwmon_id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "energy/amdgpu_metrics.h"
#include "energy/sysfs.h"

/* What tells this chip from others of its name, whatever number it has got at this start. */
static void read_key(struct hwmon_chip *c, const struct ipw_env *env, const char *device)
{
    char text[1024];
    c->is_gpu = gpu_sysfs_read(&c->gpu, env, device);
    if (c->is_gpu) {
        snprintf(c->key, sizeof c->key, "%s", c->gpu.pci);
        return;
    }
    sysfs_text(env, text, sizeof text, "%s/uevent", device);
    const char *at = strstr(text, "OF_FULLNAME=");
    if (at)
        snprintf(c->key, sizeof c->key, "%.*s", (int)strcspn(at + 12, "\n"), at + 12);
    else if (sysfs_text(env, text, sizeof text, "%s/path", device) > 0) /* "\_SB_.PMI0" */
        snprintf(c->key, sizeof c->key, "%.63s", text);
}

/* Drivers of the older interface keep name and attributes in the device's folder. */
bool hwmon_chip_read(struct hwmon_chip *c, const struct ipw_env *env, const char *hwmon)
{
    char device[128];
    *c = (struct hwmon_chip){0};
    snprintf(device, sizeof device, "/sys/class/hwmon/%.64s/device", hwmon);
    snprintf(c->folder, sizeof c->folder, "/sys/class/hwmon/%.64s", hwmon);
    if (sysfs_text(env, c->name, sizeof c->name, "%s/name", c->folder) <= 0) {
        memcpy(c->folder, device, sizeof device);
        if (sysfs_text(env, c->name, sizeof c->name, "%s/name", c->folder) <= 0)
            return false;
    }
    read_key(c, env, device);
    return true;
}

/* Numbers are given anew when drivers come and go. */
bool hwmon_chip_is_same(const struct hwmon_chip *c, const struct ipw_env *env)
{
    struct hwmon_chip now = {0};
    char device[160];
    bool inside = ipw_ends(c->folder, "/device");
    snprintf(device, sizeof device, "%s%s", c->folder, inside ? "" : "/device");
    if (sysfs_text(env, now.name, sizeof now.name, "%s/name", c->folder) <= 0)
        return false;
    read_key(&now, env, device);
    return ipw_streq(now.name, c->name) && ipw_streq(now.key, c->key) && !(now.is_gpu && now.gpu.asleep);
}

bool hwmon_chip_is_apu(const struct hwmon_chip *c, const struct ipw_env *env)
{
    uint8_t buf[GPU_METRICS_MAX];
    struct gpu_metrics m;
    struct sysfs_file f;
    ssize_t n = -ENOENT;
    /* a read of it wakes a card that sleeps */
    if (!c->gpu.asleep && sysfs_file_init(&f, "%s/device/gpu_metrics", c->folder) && !sysfs_file_open(&f, env)) {
        n = sysfs_file_read(&f, env, buf, sizeof buf);
        sysfs_file_close(&f, env);
    }
    char label[16];
    if (n < 4) /* not to be had: only an APU has the voltage of a northbridge */
        return sysfs_text(env, label, sizeof label, "%s/in1_label", c->folder) > 0 && ipw_streq(label, "vddnb");
    gpu_metrics_parse(buf, (size_t)n, &m); /* an unknown revision still tells its format */
    return m.apu;
}

static int64_t package_of_node(const struct ipw_env *env, int64_t node)
{
    char cpus[64];
    if (sysfs_text(env, cpus, sizeof cpus, "/sys/devices/system/node/node%d/cpulist", (int)node) <= 0)
        return -1;
    cpus[strspn(cpus, "0123456789")] = '\0';
    return sysfs_number(env, -1, "/sys/devices/system/cpu/cpu%.8s/topology/physical_package_id", cpus);
}

/* amd_energy of the kernel numbers "sockets" by NUMA node, so that several are one package; its successor outside the
 * kernel counts sockets. As many as there are nodes: they are nodes. */
int64_t hwmon_chip_package(const struct hwmon_chip *c, const struct ipw_env *env, int64_t number)
{
    struct sysfs_names nodes, entries;
    size_t sockets = 0;
    int64_t package = -1;
    char label[16];
    sysfs_list(env, "/sys/devices/system/node", "node", &nodes);
    sysfs_list(env, c->folder, "energy", &entries);
    for (size_t i = 0; i < entries.n; i++)
        sockets += ipw_ends(entries.v[i], "_label") &&
                   sysfs_text(env, label, sizeof label, "%s/%s", c->folder, entries.v[i]) > 0 &&
                   ipw_starts(label, "Esocket");
    if (sockets == nodes.n)
        package = package_of_node(env, number);
    sysfs_names_release(&nodes);
    sysfs_names_release(&entries);
    return package < 0 ? number : package;
}
