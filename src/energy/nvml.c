/* NVIDIA GPUs through NVML (telemetry 3.4): the energy counter, explicit instantaneous and averaged power, gauges.
 * The library stays initialised for the whole run: where persistence mode is off, the driver unloads with its last
 * client, and the energy counter starts again. After GPU_IS_LOST a GPU stays lost until the driver is loaded anew, so
 * there is nothing to mend. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/collector.h"
#include "energy/nvml_call.h"

enum { MAX_GPUS = 64 };

#define MJ 1e6 /* nJ per mJ, nW per mW */
#define GAIN_U 0.06

/* ---- reading ---- */

struct energy_collector {
    struct nvml_api api;
    struct nvml_item *item; /* one per row, in the order of the rows */
    size_t n, cap;
    char driver[48]; /* "580.95.05"; "" unknown */
};

static int nvml_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    (void)env;
    const struct nvml_item *it = &c->item[local];
    return it->dev ? nvml_errno(it->call(&c->api, it, raw)) : -ENODEV;
}

/* ---- rows ---- */

struct source {
    const char *suffix;
    nvml_call *call;
    unsigned field, scope_id;
    enum energy_scope scope;
    enum energy_kind kind;
    double unit_nj;
};

static const struct source energy = {":energy", nvml_call_energy, 0, 0, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_COUNTER, MJ};
static const struct source instant = {
    ":power", nvml_call_field, NVML_FIELD_POWER_INSTANT, NVML_SCOPE_GPU, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_POWER_INST, MJ};
static const struct source usage = {":power", nvml_call_power, 0, 0, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_POWER_INST, MJ};
static const struct source average = {
    ":power_avg", nvml_call_field, NVML_FIELD_POWER_AVERAGE, NVML_SCOPE_GPU, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_POWER_AVG, MJ};
static const struct source module_energy = {
    ":module_energy", nvml_call_field, NVML_FIELD_ENERGY, NVML_SCOPE_MODULE, ENERGY_SCOPE_MODULE, ENERGY_KIND_COUNTER, MJ};
static const struct source module_power = {
    ":module_power", nvml_call_field, NVML_FIELD_POWER_INSTANT, NVML_SCOPE_MODULE, ENERGY_SCOPE_MODULE, ENERGY_KIND_POWER_INST, MJ};
static const struct source details[] = {
    {":memory_power", nvml_call_field, NVML_FIELD_POWER_INSTANT, NVML_SCOPE_MEMORY, ENERGY_SCOPE_GPU_MEMORY,
     ENERGY_KIND_POWER_INST, MJ},
    {":utilization", nvml_call_utilization, 0, 0, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_GAUGE, 1},
    {":memory", nvml_call_memory, 0, 0, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_GAUGE, 1},
    {":clock", nvml_call_clock, 0, 0, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_GAUGE, 1},
    {":temperature", nvml_call_temperature, 0, 0, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_GAUGE, 1},
    {":throttle", nvml_call_throttle, 0, 0, ENERGY_SCOPE_GPU_BOARD, ENERGY_KIND_GAUGE, 1},
};

struct gpu {
    nvml_dev dev;
    int rc; /* why there is no handle */
    unsigned index, arch;
    char device[64], name[96], uuid[64];
    double limit_w; /* enforced power limit; 0 unknown */
    bool mig, counter; /* split into instances; has an energy counter */
    int order;
};

/* How the sensor of instantaneous power looks (external power meter, data of arXiv 2312.02741); 0: not known. */
static const struct {
    unsigned arch;
    bool ga100;
    int window_ms, period_ms;
} sensors[] = {
    {NVML_ARCH_PASCAL, false, 10, 20}, {NVML_ARCH_VOLTA, false, 10, 20},   {NVML_ARCH_TURING, false, 100, 100},
    {NVML_ARCH_AMPERE, true, 25, 100}, {NVML_ARCH_AMPERE, false, 100, 100}, {NVML_ARCH_ADA, false, 100, 100},
    {NVML_ARCH_HOPPER, false, 25, 100},
};

/* "A100" as a word of the name; "A3000" is not an A30. */
static bool is_ga100(const struct gpu *g)
{
    static const char *const chips[] = {"A100", "A100X", "A30", "A30X", "A800"};
    for (const char *p = g->name; g->arch == NVML_ARCH_AMPERE && *p; p++) {
        size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++)
            if (n == strlen(chips[i]) && !strncmp(p, chips[i], n))
                return true;
        p += n ? n - 1 : 0;
    }
    return false;
}

/* nvmlDeviceGetPowerUsage is a 1 s average on Ampere (but GA100) and later. Where the architecture is not known it is
 * taken as one: an average used as such loses phases, the other way round they would be wrong. */
static bool usage_averages(const struct gpu *g)
{
    return g->arch == NVML_ARCH_UNKNOWN || (g->arch >= NVML_ARCH_AMPERE && !is_ga100(g));
}

static void remedy_set(struct energy_remedy *r, const char *id, const char *text)
{
    r->id = id;
    snprintf(r->text, sizeof r->text, "%s", text);
}

static void warn(struct energy_channel *row, const struct gpu *g, int window_ms, int period_ms)
{
    if (g->mig) {
        remedy_set(&row->remedy, "E_MIG_SHARED",
                   "this GPU is split into MIG instances, and its sensors see the whole board: the energy of other "
                   "instances is in these figures. Leave them idle while measuring.\n"
                   "Or switch MIG off:\n    sudo nvidia-smi -mig 0");
    } else if (row->part_time && !g->counter) {
        energy_remedy_set(&row->remedy, "W_PART_TIME",
                          "this GPU has no energy counter, and its power sensor looks at %d ms of every %d ms: single short "
                 "questions are uncertain, sums over many are not",
                 window_ms, period_ms);
    }
}

static void set_power(struct energy_channel *row, const struct source *s, const struct gpu *g)
{
    int window_ms = 0, period_ms = 0;
    if (s->call == nvml_call_power && usage_averages(g))
        row->kind = ENERGY_KIND_POWER_AVG;
    for (size_t i = 0; i < sizeof sensors / sizeof sensors[0] && !window_ms; i++)
        if (sensors[i].arch == g->arch && sensors[i].ga100 == is_ga100(g)) {
            window_ms = sensors[i].window_ms;
            period_ms = sensors[i].period_ms;
        }
    bool board = row->kind == ENERGY_KIND_POWER_INST && s->scope == ENERGY_SCOPE_GPU_BOARD;
    row->part_time = board && window_ms < period_ms;
    row->window_ns = row->kind == ENERGY_KIND_POWER_AVG ? 1000000000 : board ? window_ms * INT64_C(1000000) : 0;
    warn(row, g, window_ms, period_ms);
}

static struct energy_channel *add_row(struct energy_collector *c, struct energy_channels *list, const struct gpu *g,
                                      const char *suffix)
{
    struct energy_channel *row = energy_channels_add(list);
    snprintf(row->id, sizeof row->id, "nvml:%s%s", g->device, suffix);
    memcpy(row->device, g->device, sizeof row->device);
    memcpy(row->name, g->name, sizeof row->name);
    memcpy(row->uuid, g->uuid, sizeof row->uuid);
    memcpy(row->driver, c->driver, sizeof row->driver);
    row->limit_w = g->limit_w;
    row->gpu = g->order;
    row->scope = ENERGY_SCOPE_GPU_BOARD;
    row->kind = ENERGY_KIND_COUNTER;
    row->unit_nj = MJ;
    row->gain_u = GAIN_U;
    IPW_GROW(c->item, c->n, c->cap);
    c->item[c->n++] = (struct nvml_item){0};
    return row;
}

/* Tries a source and appends its row if it answers; else returns why not. */
static int add_source(struct energy_collector *c, struct energy_channels *list, const struct gpu *g,
                      const struct source *s)
{
    struct nvml_item it = {g->dev, s->call, s->field, s->scope_id};
    uint64_t raw;
    int rc = s->call(&c->api, &it, &raw);
    if (rc)
        return rc;
    struct energy_channel *row = add_row(c, list, g, s->suffix);
    c->item[c->n - 1] = it;
    row->scope = s->scope;
    row->kind = s->kind;
    row->unit_nj = s->unit_nj;
    if (s->kind == ENERGY_KIND_GAUGE)
        return NVML_OK;
    if (s->scope != ENERGY_SCOPE_MODULE) /* its limit is another one */
        row->pmax_w = 2 * g->limit_w;
    if (s->kind == ENERGY_KIND_COUNTER) {
        row->quantum_nj = (int64_t)MJ;
        warn(row, g, 0, 0);
    } else {
        set_power(row, s, g);
    }
    return NVML_OK;
}

static bool is_absent(int rc)
{
    return rc == NVML_NOT_SUPPORTED || rc == NVML_FUNCTION_NOT_FOUND;
}

/* A GPU that is there and has nothing to meter it with: what runs on it is not measured. */
static void add_unreadable(struct energy_collector *c, struct energy_channels *list, const struct gpu *g, int rc)
{
    struct energy_channel *row = add_row(c, list, g, "");
    struct energy_remedy *r = &row->remedy;
    row->status = g->rc                     ? ENERGY_CHANNEL_ABSENT /* nothing can run on it either */
                  : rc == NVML_NO_PERMISSION ? ENERGY_CHANNEL_DENIED
                                             : ENERGY_CHANNEL_ERROR;
    if (is_absent(rc)) {
        remedy_set(r, "E_NVML_NOSENSOR",
                   "this GPU/vGPU exposes no power sensor (NVML: energy and power not supported), so what runs on it is "
                   "not measured; on a virtual machine run on the host, else meter the whole machine at the wall");
    } else if (rc == NVML_GPU_IS_LOST) {
        remedy_set(r, "E_NVML_LOST",
                   "the GPU fell off the bus (NVML error 15), so what runs on it is not measured; look for Xid in "
                   "dmesg, then reset it or reboot.\n"
                   "Reset it:\n    sudo nvidia-smi --gpu-reset");
    } else if (rc == NVML_NO_PERMISSION || rc == NVML_OPERATING_SYSTEM) {
        remedy_set(r, "E_NVML_CGROUP",
                   "GPU blocked by cgroup (Slurm/container), so what runs on it is not measured; ask the scheduler for "
                   "it (--gres=gpu:1) or give it to the container (--gpus all)");
    } else {
        r->id = "E_NVML_READ";
        snprintf(r->text, sizeof r->text,
                 "NVML error %d when its energy and power are read, so what runs on this GPU is not measured; try "
                 "nvidia-smi -q -d POWER, then reload the driver", rc);
    }
}

static void add_gpu(struct energy_collector *c, struct energy_channels *list, struct gpu *g)
{
    if (g->rc) {
        add_unreadable(c, list, g, g->rc);
        return;
    }
    size_t first = list->n;
    int rc = add_source(c, list, g, &energy), power;
    g->counter = !rc;
    power = add_source(c, list, g, &instant);
    if (power)
        power = add_source(c, list, g, &usage);
    add_source(c, list, g, &average);
    if (power) { /* Grace Hopper: the sensor is the module's */
        add_source(c, list, g, &module_energy);
        add_source(c, list, g, &module_power);
    }
    if (list->n == first)
        add_unreadable(c, list, g, is_absent(rc) ? power : rc);
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++)
        add_source(c, list, g, &details[i]);
}

/* ---- opening ---- */

static void describe(struct gpu *g, const struct nvml_api *a, unsigned index)
{
    struct nvml_pci pci = {0};
    char text[96] = "";
    unsigned mw, current, pending;
    g->index = index;
    g->rc = a->handle(index, &g->dev);
    if (!g->rc && !g->dev)
        g->rc = NVML_NO_DATA;
    snprintf(g->device, sizeof g->device, "nvml-%u", index);
    if (g->rc)
        return;
    if (a->name && !a->name(g->dev, text, sizeof text - 1))
        snprintf(g->name, sizeof g->name, "%s", text);
    if (a->uuid && !a->uuid(g->dev, text, sizeof text - 1))
        snprintf(g->uuid, sizeof g->uuid, "%.63s", text);
    if (a->architecture && a->architecture(g->dev, &g->arch))
        g->arch = NVML_ARCH_UNKNOWN;
    if (a->pci && !a->pci(g->dev, &pci)) {
        snprintf(text, sizeof text, "%.*s", *pci.bus_id ? 31 : 15, *pci.bus_id ? pci.bus_id : pci.bus_id_legacy);
        char id[sizeof g->device];
        if (energy_pci_id(text, id, sizeof id))
            memcpy(g->device, id, sizeof id);
    }
    if (a->power_limit && !a->power_limit(g->dev, &mw))
        g->limit_w = mw * 1e-3;
    g->mig = a->mig_mode && !a->mig_mode(g->dev, &current, &pending) && current == 1;
}

static int by_device(const void *a, const void *b)
{
    const struct gpu *x = a, *y = b;
    unsigned dx = 0, dy = 0;
    if (sscanf(x->device, "%x:", &dx) == 1 && sscanf(y->device, "%x:", &dy) == 1 && dx != dy)
        return dx < dy ? -1 : 1; /* a domain may have more than four digits */
    int order = strcmp(x->device, y->device);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void on_pci(const char *name, void *ud)
{
    struct {
        const struct ipw_env *env;
        bool found;
    } *look = ud;
    char path[128], vendor[16], class[16];
    if (look->found || strlen(name) > 32)
        return;
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/vendor", name);
    if (ipw_env_read(look->env, path, vendor, sizeof vendor) <= 0 || strcmp(vendor, "0x10de") != 0)
        return;
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/class", name);
    look->found = ipw_env_read(look->env, path, class, sizeof class) > 0 && ipw_starts(class, "0x03");
}

/* Signs of an NVIDIA GPU without its library. */
static bool hardware(const struct ipw_env *env)
{
    struct {
        const struct ipw_env *env;
        bool found;
    } look = {env, false};
    char text[64];
    if (ipw_env_read(env, "/proc/driver/nvidia/version", text, sizeof text) > 0)
        return true;
    return !env->io->list(env, "/sys/bus/pci/devices", on_pci, &look) && look.found;
}

/* One row for all GPUs: what stands between NVML and them. */
static void add_obstacle(struct energy_channels *list, bool gpu_here, int rc, const char *why)
{
    static const struct {
        int rc;
        const char *id, *text;
    } known[] = {
        {NVML_DRIVER_NOT_LOADED, "E_NVML_DRIVER",
         "NVIDIA driver not loaded: run nvidia-smi; in a container use --gpus all (nvidia-container-toolkit)"},
        {NVML_MISMATCH, "E_NVML_MISMATCH",
         "NVIDIA user/kernel driver versions differ: reboot or reload the module.\n"
         "Reload it:\n    sudo rmmod nvidia_uvm nvidia; sudo modprobe nvidia"},
        {NVML_OPERATING_SYSTEM, "E_NVML_CGROUP",
         "GPU blocked by cgroup (Slurm/container): ask the scheduler for it (--gres=gpu:1) or give it to the container "
         "(--gpus all)"},
    };
    struct energy_channel *row = energy_channels_add(list);
    snprintf(row->id, sizeof row->id, "nvml");
    snprintf(row->device, sizeof row->device, "gpu");
    row->scope = ENERGY_SCOPE_GPU_BOARD;
    row->kind = ENERGY_KIND_COUNTER;
    row->unit_nj = MJ;
    row->status = gpu_here && rc ? ENERGY_CHANNEL_ERROR : ENERGY_CHANNEL_ABSENT;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].rc == rc) {
            remedy_set(&row->remedy, known[i].id, known[i].text);
            return;
        }
    row->remedy.id = rc ? "E_NVML_READ" : "E_NVML_NOLIB";
    if (rc)
        snprintf(row->remedy.text, sizeof row->remedy.text,
                 "NVML cannot be initialised (error %d): run nvidia-smi, then reload the driver", rc);
    else
        snprintf(row->remedy.text, sizeof row->remedy.text,
                 "libnvidia-ml.so.1 not found: install the driver's compute libraries (%.300s)", why);
}

static void add_gpus(struct energy_collector *c, struct energy_channels *list, const struct ipw_env *env)
{
    unsigned n = 0;
    int rc = c->api.count(&n);
    char driver[sizeof c->driver + 64] = ""; /* NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE is 80 */
    if (c->api.driver && !c->api.driver(driver, sizeof driver - 1))
        snprintf(c->driver, sizeof c->driver, "%.47s", driver);
    struct gpu *g = ipw_calloc(MAX_GPUS, sizeof *g);
    n = rc ? 0 : n > MAX_GPUS ? MAX_GPUS : n;
    for (unsigned i = 0; i < n; i++)
        describe(&g[i], &c->api, i);
    qsort(g, n, sizeof *g, by_device);
    for (unsigned i = 0; i < n; i++) {
        g[i].order = (int)i;
        add_gpu(c, list, &g[i]);
    }
    free(g);
    if (!n && hardware(env)) /* none is given to this process */
        add_obstacle(list, true, rc ? rc : NVML_OPERATING_SYSTEM, "");
}

static void nvml_close(struct energy_collector *c, const struct ipw_env *env)
{
    (void)env;
    if (c->api.shutdown)
        c->api.shutdown();
    nvml_unload(&c->api);
    free(c->item);
    free(c);
}

static void nvml_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    struct nvml_api api;
    char why[400];
    *out = NULL;
    if (!nvml_load(&api, env, why, sizeof why)) {
        bool named = env->at.nvml && *env->at.nvml; /* who names a library wants to know */
        if (named || hardware(env))
            add_obstacle(list, true, 0, why);
        return;
    }
    int rc = api.init();
    if (rc) {
        add_obstacle(list, hardware(env), rc, "");
        nvml_unload(&api);
        return;
    }
    struct energy_collector *c = ipw_calloc(1, sizeof *c);
    c->api = api;
    add_gpus(c, list, env);
    if (c->n)
        *out = c;
    else
        nvml_close(c, env);
}

extern const struct energy_collector_ops energy_nvml;
const struct energy_collector_ops energy_nvml = {
    .name = "nvml",
    .what = "NVIDIA GPUs: energy counter, power, and what they are doing, through the driver's NVML",
    .verified = "stub",
    .open = nvml_open,
    .read = nvml_read,
    .close = nvml_close,
};
