/* A libnvidia-ml.so.1 whose GPUs are a scenario: IPW_STUB_NVML=FILE names it (keys: add_device, add_fault, take_scenario). Power is
 * the square wave of curve.h, so that E(b) - E(a) is known; with STUB_OLD the library of an old driver: no _v2 and _v3
 * names, no field values, no architecture. Time: CLOCK_MONOTONIC_RAW, or the int64 in the file IPW_FAKE_CLOCK. */
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "energy/nvml_api.h"
#include "fakes/curve.h"

/* The library's own prototypes stand in no header here. */
#define EXPORT(name, ...)                                                                                              \
    int name(__VA_ARGS__);                                                                                             \
    __attribute__((visibility("default"))) int name(__VA_ARGS__)
#ifdef STUB_OLD
#define NEWEST(name, suffix) name
#else
#define NEWEST(name, suffix) name##suffix
#endif

enum { MAX_DEVICES = 64, MAX_FAULTS = 32, MAX_REASONS = 8, UNINITIALIZED = 1, INVALID = 2, NEVER = 1000000000 };
#define MODULE_FACTOR 1.5 /* CPU, memory and GPU beside the GPU alone */
#define MEMORY_FACTOR 0.2

struct device {
    char name[160], uuid[160], bus[32];
    unsigned arch, limit_mw;
    int64_t period_ns, phase_ns, window_ns, instant_ns;
    uint64_t start_mj;
    double gain, reset_s;
    int value_type; /* of the power fields */
    int scopes[3]; /* nvmlReturn_t of the power sensor of each scope */
    bool mig;
    unsigned user; /* a process that holds memory; 0: none */
    struct curve curve;
    struct {
        double from_s, to_s;
        unsigned long long mask;
    } reasons[MAX_REASONS];
    size_t n_reasons;
};

struct fault {
    double at_s, to_s;
    int dev, ret, field; /* -1: every one */
    char call[64];       /* "": every one */
};

static struct {
    int refs;
    int64_t epoch_ns, latency_ns, stall_ns;
    double stall_s;
    _Atomic bool stalled;
    void *map;
    _Atomic int64_t *clock; /* = map; NULL: the machine's */
    struct device dev[MAX_DEVICES];
    size_t n;
    struct fault fault[MAX_FAULTS];
    size_t n_faults;
} stub;

/* ---- the scenario ---- */

static double num(const json_val *v, const char *key, double otherwise)
{
    double x = json_num(json_get(v, key));
    return isnan(x) ? otherwise : x;
}

static int64_t ms(const json_val *v, const char *key, double otherwise)
{
    return (int64_t)(num(v, key, otherwise) * 1e6);
}

static void text(const json_val *v, const char *key, const char *otherwise, char *out, size_t size)
{
    const char *s = json_str(json_get(v, key));
    snprintf(out, size, "%.*s", (int)size - 1, s ? s : otherwise);
}

static void add_device(const json_val *v)
{
    struct device *d = &stub.dev[stub.n];
    const json_val *scopes = json_get(v, "scopes"), *watts = json_get(v, "power_w");
    static const char *const scope_names[] = {"gpu", "module", "memory"};
    char otherwise[64];
    memset(d, 0, sizeof *d);
    text(v, "name", "NVIDIA H100 Stub", d->name, sizeof d->name);
    snprintf(otherwise, sizeof otherwise, "GPU-00000000-0000-0000-0000-%012zu", stub.n + 1);
    text(v, "uuid", otherwise, d->uuid, sizeof d->uuid);
    snprintf(otherwise, sizeof otherwise, "00000000:%02zx:00.0", stub.n + 1);
    text(v, "bus", otherwise, d->bus, sizeof d->bus);
    d->arch = (unsigned)num(v, "arch", 9);
    d->limit_mw = (unsigned)(num(v, "limit_w", 700) * 1000);
    d->period_ns = ms(v, "energy_period_ms", 100);
    d->phase_ns = ms(v, "phase_ms", 0);
    d->window_ns = ms(v, "power_window_ms", 1000);
    d->instant_ns = ms(v, "instant_window_ms", 25);
    d->start_mj = (uint64_t)num(v, "energy_start_mj", 123456789);
    d->gain = num(v, "gain", 1);
    d->reset_s = NEVER;
    d->value_type = (int)num(v, "value_type", NVML_UINT);
    for (int i = 0; i < 3; i++)
        d->scopes[i] = (int)num(scopes, scope_names[i], i ? NVML_NOT_SUPPORTED : NVML_OK);
    d->user = (unsigned)num(v, "user", 0);
    d->mig = num(v, "mig", 0) > 0 || json_true(json_get(v, "mig"));
    d->curve = (struct curve){num(watts, "low", 60), num(watts, "high", 400),
                              (int64_t)(num(watts, "period_s", 1.7) * 1e9), 0};
    for (struct json_iter it = json_iter(json_get(v, "reasons")); json_next(&it) && d->n_reasons < MAX_REASONS;) {
        const char *mask = json_str(json_get(it.val, "mask"));
        d->reasons[d->n_reasons].from_s = num(it.val, "from_s", 0);
        d->reasons[d->n_reasons].to_s = num(it.val, "to_s", NEVER);
        d->reasons[d->n_reasons++].mask = mask ? strtoull(mask, NULL, 0) : 0;
    }
    stub.n++;
}

static void add_fault(const json_val *v)
{
    int64_t reset;
    double at_s = num(v, "at_s", 0);
    if (json_is_int(json_get(v, "reset_energy"), &reset) && reset >= 0 && reset < (int64_t)stub.n) {
        stub.dev[reset].reset_s = at_s;
        return;
    }
    struct fault *f = &stub.fault[stub.n_faults++];
    *f = (struct fault){at_s, num(v, "to_s", NEVER), (int)num(v, "dev", -1), (int)num(v, "ret", NVML_NOT_SUPPORTED),
                        (int)num(v, "field", -1), ""};
    text(v, "call", "", f->call, sizeof f->call);
}

static int64_t clock_ns(void)
{
    struct timespec ts;
    if (stub.clock)
        return atomic_load(stub.clock);
    clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void map_clock(void)
{
    const char *path = getenv("IPW_FAKE_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *stub.clock, PROT_READ, MAP_SHARED, fd, 0);
    stub.clock = stub.map = p == MAP_FAILED ? NULL : p;
    if (fd >= 0)
        close(fd);
}

static void take_scenario(const json_val *root)
{
    const json_val *latency = json_get(root, "latency_us"), *stall = json_get(latency, "stall");
    const char *epoch_file = json_str(json_get(root, "epoch_file"));
    if (!json_is_int(json_get(root, "epoch_ns"), &stub.epoch_ns))
        stub.epoch_ns = stub.clock ? 0 : clock_ns();
    stub.latency_ns = (int64_t)(num(latency, "default", 0) * 1e3);
    stub.stall_s = num(stall, "at_s", NEVER);
    stub.stall_ns = ms(stall, "ms", 0);
    for (struct json_iter it = json_iter(json_get(root, "devices")); json_next(&it) && stub.n < MAX_DEVICES;)
        add_device(it.val);
    for (struct json_iter it = json_iter(json_get(root, "faults")); json_next(&it) && stub.n_faults < MAX_FAULTS;)
        add_fault(it.val);
    FILE *f = epoch_file ? fopen(epoch_file, "w") : NULL;
    if (f) {
        fprintf(f, "%lld\n", (long long)stub.epoch_ns);
        fclose(f);
    }
}

static bool read_scenario(void)
{
    const char *path = getenv("IPW_STUB_NVML");
    char *s = malloc(1 << 20);
    FILE *f = path && s ? fopen(path, "r") : NULL;
    size_t n = f ? fread(s, 1, 1 << 20, f) : 0;
    struct json_doc *doc = NULL;
    struct ipw_err err = {0};
    if (f)
        fclose(f);
    if (f && !json_read(&doc, s, n, 0, &err))
        take_scenario(json_root(doc));
    else
        fprintf(stderr, "stub_nvml: IPW_STUB_NVML '%s': %s\n", path ? path : "", f ? err.text : "cannot be read");
    json_doc_free(doc);
    free(s);
    return f && !err.code;
}

/* ---- time, energy and trouble ---- */

static int64_t now_ns(void)
{
    int64_t t = clock_ns() - stub.epoch_ns;
    return t > 0 ? t : 0;
}

static double seconds(void)
{
    return (double)now_ns() * 1e-9;
}

static int64_t tick_ns(const struct device *d)
{
    int64_t t = now_ns() - d->phase_ns;
    t = t < 0 ? 0 : t / d->period_ns * d->period_ns + d->phase_ns;
    return t;
}

static unsigned long long energy_mj(const struct device *d, double factor)
{
    int64_t t = tick_ns(d), reset = (int64_t)(d->reset_s * 1e9);
    double j = curve_package_j(&d->curve, t);
    bool anew = now_ns() >= reset;
    if (anew)
        j = t > reset ? j - curve_package_j(&d->curve, reset) : 0;
    return (anew ? 0 : d->start_mj) + (unsigned long long)floor(1000 * d->gain * factor * j);
}

static unsigned mean_mw(const struct device *d, int64_t window_ns, double factor)
{
    int64_t b = tick_ns(d), a = b > window_ns ? b - window_ns : 0;
    double w = b > a ? (curve_package_j(&d->curve, b) - curve_package_j(&d->curve, a)) / ((double)(b - a) * 1e-9)
                     : d->curve.low_w;
    return (unsigned)(1000 * d->gain * factor * w);
}

static void wait_ns(int64_t ns)
{
    struct timespec ts = {ns / 1000000000, ns % 1000000000};
    if (ns > 0 && !stub.clock)
        nanosleep(&ts, NULL);
}

static int trouble(const struct device *d, const char *call, int field)
{
    double t = seconds();
    for (size_t i = 0; i < stub.n_faults; i++) {
        const struct fault *f = &stub.fault[i];
        if (t >= f->at_s && t < f->to_s && (f->dev < 0 || (d && d == &stub.dev[f->dev % MAX_DEVICES])) &&
            (!*f->call || !strcmp(f->call, call)) && f->field == field)
            return f->ret;
    }
    return NVML_OK;
}

static int enter(const struct device *d, const char *call)
{
    if (!stub.refs)
        return UNINITIALIZED;
    if (d < stub.dev || d >= stub.dev + stub.n)
        return INVALID;
    wait_ns(stub.latency_ns);
    if (seconds() >= stub.stall_s && !atomic_exchange(&stub.stalled, true))
        wait_ns(stub.stall_ns);
    return trouble(d, call, -1);
}

#define ENTER(d, dev)                                                                                                  \
    const struct device *d = (const struct device *)(const void *)(dev);                                               \
    int rc_ = enter(d, __func__);                                                                                      \
    if (rc_)                                                                                                           \
        return rc_

static int copy(char *out, unsigned size, const char *s)
{
    if (strlen(s) + 1 > size)
        return 7; /* INSUFFICIENT_SIZE */
    memcpy(out, s, strlen(s) + 1);
    return NVML_OK;
}

/* ---- the library ---- */

EXPORT(NEWEST(nvmlInit, _v2), void)
{
    if (stub.refs++)
        return NVML_OK;
    memset(&stub, 0, sizeof stub);
    map_clock();
    int rc = read_scenario() ? trouble(NULL, "nvmlInit", -1) : 999;
    stub.refs = rc ? 0 : 1;
    return rc;
}

EXPORT(nvmlShutdown, void)
{
    if (!stub.refs)
        return UNINITIALIZED;
    if (!--stub.refs && stub.clock)
        munmap(stub.map, sizeof *stub.clock);
    return NVML_OK;
}

EXPORT(nvmlSystemGetDriverVersion, char *out, unsigned size)
{
    return stub.refs ? copy(out, size, "580.95.05") : UNINITIALIZED;
}

EXPORT(NEWEST(nvmlDeviceGetCount, _v2), unsigned *n)
{
    *n = (unsigned)stub.n;
    return stub.refs ? NVML_OK : UNINITIALIZED;
}

EXPORT(NEWEST(nvmlDeviceGetHandleByIndex, _v2), unsigned index, nvml_dev *dev)
{
    if (!stub.refs || index >= stub.n)
        return INVALID;
    int rc = trouble(&stub.dev[index], "nvmlDeviceGetHandleByIndex", -1);
    *dev = rc ? NULL : (nvml_dev)(void *)&stub.dev[index];
    return rc;
}

EXPORT(nvmlDeviceGetName, nvml_dev dev, char *out, unsigned size)
{
    ENTER(d, dev);
    return copy(out, size, d->name);
}

EXPORT(nvmlDeviceGetUUID, nvml_dev dev, char *out, unsigned size)
{
    ENTER(d, dev);
    return copy(out, size, d->uuid);
}

EXPORT(NEWEST(nvmlDeviceGetPciInfo, _v3), nvml_dev dev, struct nvml_pci *out)
{
    ENTER(d, dev);
    /* As the driver: "00000000:01:00.0", and "0000:01:00.0" in the first field. */
    snprintf(out->bus_id_legacy, sizeof out->bus_id_legacy, "%.15s", strlen(d->bus) > 12 ? d->bus + 4 : d->bus);
#ifndef STUB_OLD
    memcpy(out->bus_id, d->bus, sizeof out->bus_id);
#endif
    return NVML_OK;
}

EXPORT(nvmlDeviceGetTotalEnergyConsumption, nvml_dev dev, unsigned long long *mj)
{
    ENTER(d, dev);
    *mj = energy_mj(d, 1);
    return NVML_OK;
}

EXPORT(nvmlDeviceGetPowerUsage, nvml_dev dev, unsigned *mw)
{
    ENTER(d, dev);
    *mw = mean_mw(d, d->arch >= NVML_ARCH_AMPERE ? d->window_ns : d->instant_ns, 1);
    return d->scopes[0];
}

EXPORT(nvmlDeviceGetEnforcedPowerLimit, nvml_dev dev, unsigned *mw)
{
    ENTER(d, dev);
    *mw = d->limit_mw;
    return d->limit_mw ? NVML_OK : NVML_NOT_SUPPORTED;
}

EXPORT(nvmlDeviceGetUtilizationRates, nvml_dev dev, struct nvml_utilization *out)
{
    ENTER(d, dev);
    *out = (struct nvml_utilization){97, 40};
    return d->mig ? NVML_NOT_SUPPORTED : NVML_OK;
}

EXPORT(nvmlDeviceGetMemoryInfo, nvml_dev dev, struct nvml_memory *out)
{
    ENTER(d, dev);
    *out = (struct nvml_memory){80000000000, 62000000000, 18000000000};
    return NVML_OK;
}

EXPORT(nvmlDeviceGetComputeRunningProcesses_v3, nvml_dev dev, unsigned *n, struct nvml_process *v)
{
    ENTER(d, dev);
    if (!d->user)
        return *n = 0, NVML_OK;
    v[0] = (struct nvml_process){d->user, 1 << 30, ~0u, ~0u};
    *n = 1;
    return NVML_OK;
}

EXPORT(nvmlDeviceGetClockInfo, nvml_dev dev, int which, unsigned *mhz)
{
    ENTER(d, dev);
    *mhz = which == 1 ? 1980 : 1;
    return NVML_OK;
}

EXPORT(nvmlDeviceGetTemperature, nvml_dev dev, int which, unsigned *celsius)
{
    ENTER(d, dev);
    *celsius = 61;
    return which ? INVALID : NVML_OK;
}

static int reasons(const struct device *d, unsigned long long *mask)
{
    double t = seconds();
    *mask = 0;
    for (size_t i = 0; i < d->n_reasons; i++)
        *mask |= t >= d->reasons[i].from_s && t < d->reasons[i].to_s ? d->reasons[i].mask : 0;
    return NVML_OK;
}

#ifdef STUB_OLD
EXPORT(nvmlDeviceGetCurrentClocksThrottleReasons, nvml_dev dev, unsigned long long *mask)
{
    ENTER(d, dev);
    return reasons(d, mask);
}
#else
EXPORT(nvmlDeviceGetCurrentClocksEventReasons, nvml_dev dev, unsigned long long *mask)
{
    ENTER(d, dev);
    return reasons(d, mask);
}

EXPORT(nvmlDeviceGetArchitecture, nvml_dev dev, unsigned *arch)
{
    ENTER(d, dev);
    *arch = d->arch;
    return NVML_OK;
}

EXPORT(nvmlDeviceGetMigMode, nvml_dev dev, unsigned *current, unsigned *pending)
{
    ENTER(d, dev);
    *current = *pending = d->mig;
    return d->arch < NVML_ARCH_AMPERE ? NVML_NOT_SUPPORTED : NVML_OK;
}

static void put(struct nvml_field *f, int type, unsigned mw)
{
    f->value_type = type;
    switch ((enum nvml_value_type)type) {
    case NVML_DOUBLE:
        f->value.d = mw;
        break;
    case NVML_UINT:
        f->value.ui = mw;
        break;
    case NVML_ULONG:
        f->value.ul = mw;
        break;
    case NVML_ULL:
        f->value.ull = mw;
        break;
    case NVML_SLL:
        f->value.sll = mw;
        break;
    case NVML_INT:
        f->value.si = (int)mw;
        break;
    case NVML_USHORT:
        f->value.us = (unsigned short)mw;
        break;
    }
}

static void fill(const struct device *d, struct nvml_field *f)
{
    static const double factors[] = {1, MODULE_FACTOR, MEMORY_FACTOR};
    f->timestamp = now_ns() / 1000;
    f->latency_us = 0;
    f->result = f->scope > 2 ? INVALID : trouble(d, "nvmlDeviceGetFieldValues", (int)f->field);
    if (!f->result)
        f->result = d->scopes[f->scope];
    if (f->result)
        return;
    memset(&f->value, 0xff, sizeof f->value); /* what the type does not name is noise */
    if (f->field == NVML_FIELD_POWER_INSTANT) {
        put(f, d->value_type, mean_mw(d, d->instant_ns, factors[f->scope]));
    } else if (f->field == NVML_FIELD_POWER_AVERAGE && d->arch >= NVML_ARCH_AMPERE) {
        put(f, d->value_type, mean_mw(d, d->window_ns, factors[f->scope]));
    } else if (f->field == NVML_FIELD_ENERGY) {
        f->value_type = NVML_ULL;
        f->value.ull = energy_mj(d, factors[f->scope]);
    } else {
        f->result = NVML_NOT_SUPPORTED;
    }
}

EXPORT(nvmlDeviceGetFieldValues, nvml_dev dev, int n, struct nvml_field *v)
{
    ENTER(d, dev);
    for (int i = 0; i < n; i++)
        fill(d, &v[i]);
    return NVML_OK;
}
#endif
