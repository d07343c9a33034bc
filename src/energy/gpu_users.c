#include "energy/gpu_users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "energy/channel.h"
#include "energy/nvml_api.h"

enum { PROCESSES = 256 };

struct look {
    const struct ipw_env *env;
    const pid_t *pid;
    size_t n_pids;
    struct energy_gpu *out;
    size_t n, cap;
    pid_t at; /* fdinfo: whose */
};

static void add(struct look *l, const char *pci, const char *name)
{
    struct energy_gpu g = {0};
    if (!energy_pci_id(pci, g.key, sizeof g.key))
        return;
    snprintf(g.name, sizeof g.name, "%s", *name ? name : g.key);
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->out[i].key, g.key))
            return;
    if (l->n < l->cap)
        l->out[l->n++] = g;
}

/* ---- NVML ---- */

static bool uses(const struct look *l, int (*list)(nvml_dev, unsigned *, struct nvml_process *), nvml_dev dev)
{
    struct nvml_process v[PROCESSES];
    unsigned n = PROCESSES;
    if (!list || list(dev, &n, v)) /* more than fit: an error, and then it cannot be told */
        return false;
    for (unsigned i = 0; i < n && i < PROCESSES; i++)
        for (size_t k = 0; k < l->n_pids; k++)
            if (v[i].pid == (unsigned)l->pid[k])
                return true;
    return false;
}

static void look_nvml(struct look *l)
{
    struct nvml_api a;
    char why[200];
    unsigned n = 0;
    if (!nvml_load(&a, l->env, why, sizeof why))
        return;
    if (!a.init() && !a.count(&n))
        for (unsigned i = 0; i < n; i++) {
            nvml_dev dev = NULL;
            struct nvml_pci pci = {0};
            char name[96] = "", id[40];
            if (a.handle(i, &dev) || !dev || !a.pci || (!uses(l, a.compute, dev) && !uses(l, a.graphics, dev)) ||
                a.pci(dev, &pci))
                continue;
            if (a.name && a.name(dev, name, sizeof name - 1))
                *name = '\0';
            snprintf(id, sizeof id, "%.*s", *pci.bus_id ? 31 : 15, *pci.bus_id ? pci.bus_id : pci.bus_id_legacy);
            add(l, id, name);
        }
    if (a.shutdown)
        a.shutdown();
    nvml_unload(&a);
}

/* ---- /proc/PID/fdinfo ---- */

/* "drm-pdev:\t0000:c3:00.0" and, of memory there, "drm-memory-vram:\t1024 KiB" or "drm-resident-vram0:" */
static void on_fd(const char *name, void *ud)
{
    struct look *l = ud;
    char path[80], text[4096], pci[64] = "";
    bool holds = false;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%.20s", (int)l->at, name);
    if (ipw_env_read(l->env, path, text, sizeof text) < 0)
        return;
    for (char *line = text, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        if (ipw_starts(line, "drm-pdev:"))
            snprintf(pci, sizeof pci, "%.60s", line + 9 + strspn(line + 9, " \t"));
        else if (ipw_starts(line, "drm-memory-") || ipw_starts(line, "drm-resident-"))
            holds |= strtoull(line + strcspn(line, ":") + 1, NULL, 10) > 0;
    }
    if (*pci && holds)
        add(l, pci, "");
}

size_t energy_gpus_of(const struct ipw_env *env, const pid_t *pid, size_t n, struct energy_gpu *out, size_t cap)
{
    struct look l = {.env = env, .pid = pid, .n_pids = n, .out = out, .cap = cap};
    look_nvml(&l);
    for (size_t i = 0; i < n; i++) {
        char path[64];
        l.at = pid[i];
        snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pid[i]);
        env->io->list(env, path, on_fd, &l);
    }
    return l.n;
}
