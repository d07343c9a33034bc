/* libIOReport.dylib and the part of CoreFoundation that ipw uses, as one library for any system. The channels come from
 * the file that the environment variable STUB_IOREPORT_TSV names: lines of name, unit, value, growth per sample, or
 * "!group", "!subscribe" (these fail) and "!samples N" (the library gives N samples, then none). */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHANNELS = 64 };

enum kind { STRING, DICTIONARY, ARRAY, CHANNEL, SUBSCRIPTION };
struct object {
    enum kind kind;
    char text[64];       /* a string; a channel's name */
    struct object *unit; /* of a channel */
    struct object *name;
    int64_t value, growth;
    struct object *v[MAX_CHANNELS]; /* of an array; [0] of a dictionary */
    long n;
};

static _Atomic long live, samples, sample_limit = -1, inside, overlaps;

long stub_ioreport_live(void);
long stub_ioreport_samples(void);
long stub_ioreport_overlaps(void);
void *IOReportCopyChannelsInGroup(const struct object *group, const void *sub, uint64_t a, uint64_t b, uint64_t c);
void *IOReportCreateSubscription(void *a, struct object *channels, struct object **subscribed, uint64_t b, const void *c);
void *IOReportCreateSamples(struct object *subscription, struct object *channels, const void *a);
const void *IOReportChannelGetChannelName(const struct object *channel);
const void *IOReportChannelGetUnitLabel(const struct object *channel);
int64_t IOReportSimpleGetIntegerValue(const struct object *channel, int a);
const void *CFDictionaryGetValue(const struct object *dictionary, const struct object *key);
void *CFDictionaryCreateMutableCopy(const void *a, long capacity, const struct object *dictionary);
long CFArrayGetCount(const struct object *array);
const void *CFArrayGetValueAtIndex(const struct object *array, long i);
void *CFStringCreateWithCString(const void *a, const char *text, uint32_t encoding);
unsigned char CFStringGetCString(const struct object *string, char *out, long size, uint32_t encoding);
void CFRelease(struct object *o);

static struct object *new_object(enum kind kind, const char *text)
{
    struct object *o = calloc(1, sizeof *o);
    if (!o)
        abort();
    o->kind = kind;
    snprintf(o->text, sizeof o->text, "%s", text);
    atomic_fetch_add(&live, 1);
    return o;
}

static struct object *new_channel(const char *name, const char *unit, int64_t value, int64_t growth)
{
    struct object *o = new_object(CHANNEL, "");
    o->name = new_object(STRING, name);
    o->unit = new_object(STRING, unit);
    o->value = value;
    o->growth = growth;
    return o;
}

static void expect(const struct object *o, enum kind kind)
{
    if (!o || o->kind != kind)
        abort(); /* the real library would crash as well */
}

/* A dictionary with the one key "IOReportChannels", whose values stand at sample k. */
static struct object *copy_of(const struct object *from, int64_t k)
{
    struct object *d = new_object(DICTIONARY, ""), *a = new_object(ARRAY, "");
    d->v[0] = a;
    for (a->n = 0; from && a->n < from->v[0]->n; a->n++) {
        const struct object *c = from->v[0]->v[a->n];
        a->v[a->n] = new_channel(c->name->text, c->unit->text, c->value + k * c->growth, c->growth);
    }
    return d;
}

long stub_ioreport_live(void)
{
    return live;
}

long stub_ioreport_samples(void)
{
    return samples;
}

long stub_ioreport_overlaps(void)
{
    return overlaps;
}

void *IOReportCopyChannelsInGroup(const struct object *group, const void *sub, uint64_t a, uint64_t b, uint64_t c)
{
    const char *path = getenv("STUB_IOREPORT_TSV");
    FILE *f = path ? fopen(path, "r") : NULL;
    char line[256];
    expect(group, STRING);
    if (sub || a || b || c || !f || strcmp(group->text, "Energy Model") != 0)
        abort();
    struct object *d = copy_of(NULL, 0), *list = d->v[0];
    sample_limit = -1;
    samples = 0;
    while (fgets(line, sizeof line, f)) {
        char name[64], unit[32];
        long long value, growth;
        if (!strncmp(line, "!group", 6)) {
            CFRelease(d);
            d = NULL;
            break;
        }
        if (!strncmp(line, "!samples ", 9))
            sample_limit = strtol(line + 9, NULL, 10);
        if (!strncmp(line, "!subscribe", 10))
            snprintf(d->text, sizeof d->text, "refused");
        if (*line != '!' && sscanf(line, "%63[^\t]\t%31[^\t]\t%lld\t%lld", name, unit, &value, &growth) == 4 &&
            list->n < MAX_CHANNELS)
            list->v[list->n++] = new_channel(name, unit, value, growth);
    }
    fclose(f);
    return d;
}

void *IOReportCreateSubscription(void *a, struct object *channels, struct object **subscribed, uint64_t b, const void *c)
{
    expect(channels, DICTIONARY);
    if (a || b || c || !subscribed)
        abort();
    return strcmp(channels->text, "refused") ? new_object(SUBSCRIPTION, "") : NULL;
}

void *IOReportCreateSamples(struct object *subscription, struct object *channels, const void *a)
{
    expect(subscription, SUBSCRIPTION);
    expect(channels, DICTIONARY);
    if (atomic_fetch_add(&inside, 1))
        atomic_fetch_add(&overlaps, 1);
    long k = atomic_fetch_add(&samples, 1);
    struct object *d = a || (sample_limit >= 0 && k >= sample_limit) ? NULL : copy_of(channels, k);
    atomic_fetch_sub(&inside, 1);
    return d;
}

const void *IOReportChannelGetChannelName(const struct object *channel)
{
    expect(channel, CHANNEL);
    return channel->name;
}

#ifndef STUB_OLD
const void *IOReportChannelGetUnitLabel(const struct object *channel)
{
    expect(channel, CHANNEL);
    return channel->unit;
}
#endif

int64_t IOReportSimpleGetIntegerValue(const struct object *channel, int a)
{
    expect(channel, CHANNEL);
    return a ? -1 : channel->value;
}

const void *CFDictionaryGetValue(const struct object *dictionary, const struct object *key)
{
    expect(dictionary, DICTIONARY);
    expect(key, STRING);
    return strcmp(key->text, "IOReportChannels") ? NULL : dictionary->v[0];
}

void *CFDictionaryCreateMutableCopy(const void *a, long capacity, const struct object *dictionary)
{
    (void)a, (void)capacity;
    expect(dictionary, DICTIONARY);
    struct object *d = copy_of(dictionary, 0);
    memcpy(d->text, dictionary->text, sizeof d->text);
    return d;
}

long CFArrayGetCount(const struct object *array)
{
    expect(array, ARRAY);
    return array->n;
}

const void *CFArrayGetValueAtIndex(const struct object *array, long i)
{
    expect(array, ARRAY);
    return i >= 0 && i < array->n ? array->v[i] : NULL;
}

void *CFStringCreateWithCString(const void *a, const char *text, uint32_t encoding)
{
    return a || encoding != 0x08000100 ? NULL : new_object(STRING, text);
}

unsigned char CFStringGetCString(const struct object *string, char *out, long size, uint32_t encoding)
{
    expect(string, STRING);
    long n = (long)strlen(string->text) + 1;
    if (n > size || encoding != 0x08000100)
        return 0;
    memcpy(out, string->text, (size_t)n);
    return 1;
}

void CFRelease(struct object *o)
{
    if (!o)
        abort();
    if (o->kind == DICTIONARY)
        CFRelease(o->v[0]);
    for (long i = 0; o->kind == ARRAY && i < o->n; i++)
        CFRelease(o->v[i]);
    if (o->kind == CHANNEL) {
        CFRelease(o->name);
        CFRelease(o->unit);
    }
    free(o);
    atomic_fetch_sub(&live, 1);
}
