/* What sysfs and ipw-meter say in text, and the perf collector over a tree of such texts: no crash, no two rows of one
 * name, every CPU in range. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/rapl.h"

extern const struct energy_collector_ops energy_perf;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The files that exist, by the end of their path; their contents are the input, cut at NUL. */
static const char *const names[] = {"/power/type", "/power/cpumask", "energy-pkg", "energy-ram", "energy-ram.unit",
                                    "energy-pkg.scale", "physical_package_id", "die_id", "perf_event_paranoid"};
enum { FILES = sizeof names / sizeof names[0], EVENT = 100 };
static const char *text[FILES];

static int fuzz_open(const struct ipw_env *env, const char *path)
{
    (void)env;
    for (int i = 0; i < FILES; i++)
        if (text[i] && ipw_ends(path, names[i]))
            return i;
    errno = ENOENT;
    return -1;
}

static ssize_t fuzz_pread(const struct ipw_env *env, int fd, void *buf, size_t n, off_t off)
{
    (void)env, (void)off;
    size_t len = strlen(text[fd]);
    len = len < n ? len : n;
    memcpy(buf, text[fd], len);
    return (ssize_t)len;
}

static ssize_t fuzz_read(const struct ipw_env *env, int fd, void *buf, size_t n)
{
    (void)env, (void)fd;
    memset(buf, 1, n);
    return (ssize_t)n;
}

static int fuzz_close(const struct ipw_env *env, int fd)
{
    (void)env, (void)fd;
    return 0;
}

static int fuzz_list(const struct ipw_env *env, const char *path, void (*fn)(const char *name, void *ud), void *ud)
{
    (void)env;
    if (!ipw_ends(path, "/cpu"))
        return -1;
    for (const char *p = text[FILES - 1]; p && *p; p += strcspn(p, " ") ? strcspn(p, " ") : 1)
        fn(p, ud);
    return 0;
}

static int fuzz_event(const struct ipw_env *env, uint32_t type, uint64_t config, int cpu)
{
    (void)env, (void)type;
    if (config > 0xff || cpu < 0 || cpu > 1 << 20)
        abort();
    errno = EACCES;
    return cpu & 1 ? -1 : EVENT;
}

static void collector(void)
{
    static const struct ipw_io io = {fuzz_open, fuzz_pread, fuzz_read, fuzz_close, fuzz_list, fuzz_event};
    struct ipw_env env = ipw_env_host;
    struct energy_channels list = {0};
    struct energy_collector *c;
    env.io = &io;
    env.at.meter = "";
    energy_perf.open(&c, &env, &list);
    for (size_t i = 0; i < list.n; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(list.v[i].id, list.v[k].id))
                abort();
    if (c)
        energy_perf.close(c, &env);
    free(list.v);
}

static void parsers(const char *s)
{
    int v[64], cpu;
    uint64_t config;
    char event[32];
    int n = energy_rapl_cpulist(s, v, 64);
    for (int i = 0; i < n; i++)
        if (v[i] < 0 || v[i] > 1 << 20)
            abort();
    if (n > 64 || (energy_rapl_event(s, &config) && config > 0xff))
        abort();
    if (energy_rapl_message(s, event, &cpu) && strlen(event) >= sizeof event)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *s = ipw_malloc(size + 1), *p = s;
    memcpy(s, data, size);
    s[size] = '\0';
    parsers(s);
    for (int i = 0; i < FILES; i++) {
        text[i] = p <= s + size ? p : NULL;
        p += p <= s + size ? strlen(p) + 1 : 0;
    }
    if (size && text[0])
        collector();
    free(s);
    return 0;
}
