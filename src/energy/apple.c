/* Apple silicon through IOReport (telemetry 3.8): a private library, open to every user, that gives the energy since boot
 * of the chip's parts. Its functions and those of CoreFoundation are declared here by hand and looked up by name, so this
 * file needs no Mac to be compiled, and runs on Linux against the library that env->at.ioreport names. */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "energy/collector.h"
#include "energy/ioreport.h"

/* One sample holds every channel: readers of the other parts may take theirs from it for so long. */
enum { SHARE_NS = 1000000, UTF8 = 0x08000100 };

#ifdef __APPLE__
static const char *const usual = "/usr/lib/libIOReport.dylib";
#else
static const char *const usual = NULL;
#endif
static const char core_foundation[] = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation";

/* CF objects are plain pointers; a CFIndex is a long. */
struct library {
    void *handle[2];
    void *(*copy_channels)(const void *group, const void *sub, uint64_t, uint64_t, uint64_t);
    void *(*subscribe)(void *, void *channels, void **subscribed, uint64_t, const void *);
    void *(*samples)(void *subscription, void *channels, const void *);
    const void *(*name)(const void *channel);
    const void *(*unit)(const void *channel);
    int64_t (*value)(const void *channel, int);
    const void *(*get)(const void *dictionary, const void *key);
    void *(*copy)(const void *allocator, long capacity, const void *dictionary);
    long (*count)(const void *array);
    const void *(*at)(const void *array, long i);
    void *(*string)(const void *allocator, const char *text, uint32_t encoding);
    unsigned char (*text)(const void *string, char *out, long size, uint32_t encoding);
    void (*release)(const void *object);
};

static const struct {
    const char *name;
    size_t at;
} symbols[] = {
    {"IOReportCopyChannelsInGroup", offsetof(struct library, copy_channels)},
    {"IOReportCreateSubscription", offsetof(struct library, subscribe)},
    {"IOReportCreateSamples", offsetof(struct library, samples)},
    {"IOReportChannelGetChannelName", offsetof(struct library, name)},
    {"IOReportChannelGetUnitLabel", offsetof(struct library, unit)},
    {"IOReportSimpleGetIntegerValue", offsetof(struct library, value)},
    {"CFDictionaryGetValue", offsetof(struct library, get)},
    {"CFDictionaryCreateMutableCopy", offsetof(struct library, copy)},
    {"CFArrayGetCount", offsetof(struct library, count)},
    {"CFArrayGetValueAtIndex", offsetof(struct library, at)},
    {"CFStringCreateWithCString", offsetof(struct library, string)},
    {"CFStringGetCString", offsetof(struct library, text)},
    {"CFRelease", offsetof(struct library, release)},
};

/* In the order of the rows. The SRAM is outside "GPU Energy", so it is a device of its own. */
static const struct {
    const char *id, *device;
    enum energy_scope scope;
    enum ioreport_part part;
} rows[IOREPORT_PARTS] = {
    {"ioreport:cpu", "soc", ENERGY_SCOPE_CPU_PACKAGE, IOREPORT_CPU},
    {"ioreport:gpu", "soc", ENERGY_SCOPE_GPU_CHIP, IOREPORT_GPU},
    {"ioreport:gpu_sram", "soc-gpu-sram", ENERGY_SCOPE_GPU_CHIP, IOREPORT_GPU_SRAM},
    {"ioreport:ane", "soc", ENERGY_SCOPE_ANE, IOREPORT_ANE},
    {"ioreport:dram", "soc", ENERGY_SCOPE_DRAM, IOREPORT_DRAM},
};

struct energy_collector {
    struct library lib;
    void *key, *channels, *subscription;
    enum ioreport_part part[IOREPORT_PARTS]; /* per row */
    atomic_flag busy;                        /* somebody takes a sample */
    _Atomic unsigned fresh;                  /* parts of the last sample that nobody has read yet */
    _Atomic int64_t t;                       /* end of the last sample */
    _Atomic uint64_t nj[IOREPORT_PARTS];
    _Atomic int status[IOREPORT_PARTS];
};

/* ---- reading ---- */

/* IOReport hands out a new object per sample, so the library allocates: there is no other way to read it. */
static int take_sample(const struct energy_collector *c, struct ioreport_sum *sum)
{
    const struct library *l = &c->lib;
    *sum = (struct ioreport_sum){0};
    void *sample = l->samples(c->subscription, c->channels, NULL);
    if (!sample)
        return -EIO;
    const void *list = l->get(sample, c->key);
    long n = list ? l->count(list) : 0;
    for (long i = 0; i < n; i++) {
        const void *channel = l->at(list, i), *name = l->name(channel), *unit = l->unit(channel);
        char text[128], label[16];
        if (!name || !l->text(name, text, sizeof text, UTF8))
            continue;
        if (!unit || !l->text(unit, label, sizeof label, UTF8))
            label[0] = '\0';
        ioreport_add(sum, text, label, l->value(channel, 0));
    }
    l->release(sample);
    return n ? 0 : -ENODATA;
}

static int answer(const struct ioreport_value *v, uint64_t *raw)
{
    if (v->have && !v->status)
        *raw = v->nj;
    return v->have ? v->status : -ENODATA;
}

/* A sample serves each part once, so that two reads of one channel are two samples. Values are single atomics: a reader
 * that is overtaken by the next sample gets the newer value, which is as true. Whoever comes while another thread takes
 * a sample gets -EAGAIN, a missed reading, rather than waiting: IOReport does not say that it is safe to use twice. */
static int apple_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    enum ioreport_part part = c->part[local];
    unsigned bit = 1u << part;
    if (atomic_fetch_and(&c->fresh, ~bit) & bit && ipw_now(env) - atomic_load(&c->t) <= SHARE_NS) {
        struct ioreport_value v = {true, atomic_load(&c->status[part]), atomic_load(&c->nj[part]), 0};
        return answer(&v, raw);
    }
    if (atomic_flag_test_and_set(&c->busy))
        return -EAGAIN;
    struct ioreport_sum sum;
    int rc = take_sample(c, &sum);
    atomic_store(&c->fresh, 0);
    for (int i = 0; !rc && i < IOREPORT_PARTS; i++) {
        struct ioreport_value v = ioreport_get(&sum, (enum ioreport_part)i);
        atomic_store(&c->nj[i], v.nj);
        atomic_store(&c->status[i], v.have ? v.status : -ENODATA);
    }
    atomic_store(&c->t, ipw_now(env));
    if (!rc)
        atomic_store(&c->fresh, ((1u << IOREPORT_PARTS) - 1) & ~bit);
    atomic_flag_clear(&c->busy);
    struct ioreport_value mine = ioreport_get(&sum, part);
    return rc ? rc : answer(&mine, raw);
}

/* ---- opening ---- */

static struct energy_channel *add_row(struct energy_channels *list, size_t i)
{
    struct energy_channel *row = energy_channels_add(list);
    snprintf(row->id, sizeof row->id, "%s", rows[i].id);
    snprintf(row->device, sizeof row->device, "%s", rows[i].device);
    row->scope = rows[i].scope;
    row->kind = ENERGY_KIND_COUNTER;
    row->unit_nj = 1;
    row->quantum_nj = 1;
    row->gain_u = 0.10; /* Apple's model of its own chip; nobody has compared it with a meter: telemetry 3.8 */
    return row;
}

__attribute__((format(printf, 4, 5))) static void add_trouble(struct energy_channels *list,
                                                              enum energy_channel_status status, const char *id,
                                                              const char *fmt, ...)
{
    struct energy_channel *row = energy_channels_add(list);
    snprintf(row->id, sizeof row->id, "ioreport");
    snprintf(row->device, sizeof row->device, "soc");
    row->scope = ENERGY_SCOPE_CPU_PACKAGE;
    row->kind = ENERGY_KIND_COUNTER;
    row->status = status;
    row->remedy.id = id;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(row->remedy.text, sizeof row->remedy.text, fmt, ap);
    va_end(ap);
}

static void unload(struct library *l)
{
    for (int i = 0; i < 2; i++)
        if (l->handle[i])
            dlclose(l->handle[i]);
}

static bool load(struct library *l, const char *path, struct energy_channels *list)
{
    memset(l, 0, sizeof *l);
    l->handle[0] = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!l->handle[0]) {
        const char *why = dlerror();
        add_trouble(list, ENERGY_CHANNEL_ERROR, "E_IOREPORT_LIB",
                    "'%.200s' cannot be loaded (%.300s), so the chip's counters cannot be read; there is only an "
                    "estimate (marked ~)",
                    path, why ? why : "no reason given");
        return false;
    }
    l->handle[1] = dlopen(core_foundation, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *f = dlsym(l->handle[0], symbols[i].name);
        if (!f && l->handle[1])
            f = dlsym(l->handle[1], symbols[i].name);
        if (!f) {
            add_trouble(list, ENERGY_CHANNEL_ERROR, "E_IOREPORT_SYMBOL",
                        "'%.200s' has no function '%s': this version of macOS reports energy in another way; there is "
                        "only an estimate (marked ~)",
                        path, symbols[i].name);
            return false;
        }
        memcpy((char *)l + symbols[i].at, &f, sizeof f);
    }
    return true;
}

static bool subscribe(struct energy_collector *c, struct energy_channels *list)
{
    const struct library *l = &c->lib;
    void *group = l->string(NULL, "Energy Model", UTF8), *subscribed = NULL;
    void *there = group ? l->copy_channels(group, NULL, 0, 0, 0) : NULL;
    c->key = l->string(NULL, "IOReportChannels", UTF8);
    if (there) {
        c->channels = l->copy(NULL, 0, there);
        l->release(there);
    }
    if (group)
        l->release(group);
    if (!c->channels || !c->key) {
        add_trouble(list, ENERGY_CHANNEL_ABSENT, "E_IOREPORT_NONE",
                    "IOReport has no group 'Energy Model': this Mac has no Apple silicon, or is a virtual machine; "
                    "there is only an estimate (marked ~)");
        return false;
    }
    c->subscription = l->subscribe(NULL, c->channels, &subscribed, 0, NULL);
    if (c->subscription)
        return true;
    add_trouble(list, ENERGY_CHANNEL_ERROR, "E_IOREPORT_SUBSCRIBE",
                "IOReport lists 'Energy Model' but does not let it be read; a sandbox may forbid it: start ipw from a "
                "plain terminal");
    return false;
}

/* A row per part that the chip lists; false when it lists none. */
static bool add_parts(struct energy_collector *c, struct energy_channels *list)
{
    struct ioreport_sum sum;
    int rc = take_sample(c, &sum);
    size_t n = 0;
    for (size_t i = 0; !rc && i < IOREPORT_PARTS; i++) {
        struct ioreport_value v = ioreport_get(&sum, rows[i].part);
        if (!v.have)
            continue;
        struct energy_channel *row = add_row(list, i);
        c->part[n++] = rows[i].part;
        row->quantum_nj = v.quantum_nj ? v.quantum_nj : 1;
        if (!v.status)
            continue;
        row->status = ENERGY_CHANNEL_ERROR;
        energy_remedy_set(&row->remedy, "E_IOREPORT_READ",
                          "IOReport gives no energy for '%s' (%s), so it is left out; please report the chip with ipw sensors -o json",
                 rows[i].id + strlen("ioreport:"), v.status == -EINVAL ? "an unknown unit or a negative value" : "too large");
    }
    if (!n)
        add_trouble(list, rc == -EIO ? ENERGY_CHANNEL_ERROR : ENERGY_CHANNEL_ABSENT, "E_IOREPORT_EMPTY",
                    "IOReport's group 'Energy Model' %s; there is only an estimate (marked ~)",
                    rc == -EIO ? "cannot be sampled" : "names no part that ipw knows");
    return n > 0;
}

static void apple_close(struct energy_collector *c, const struct ipw_env *env)
{
    (void)env;
    const void *const held[] = {c->subscription, c->channels, c->key};
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        if (held[i])
            c->lib.release(held[i]);
    unload(&c->lib);
    free(c);
}

static void apple_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    const char *path = env->at.ioreport ? env->at.ioreport : usual;
    *out = NULL;
    if (!path)
        return;
    struct energy_collector *c = ipw_calloc(1, sizeof *c);
    atomic_flag_clear(&c->busy);
    if (load(&c->lib, path, list) && subscribe(c, list) && add_parts(c, list))
        *out = c;
    else
        apple_close(c, env);
}

extern const struct energy_collector_ops energy_ioreport;
const struct energy_collector_ops energy_ioreport = {
    .name = "ioreport",
    .what = "IOReport counters of Apple silicon: CPU, GPU, neural engine, memory",
    .verified = "stub",
    .open = apple_open,
    .read = apple_read,
    .close = apple_close,
};
