#include "energy/cpuinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { CPUINFO_MAX = 16 << 20 }; /* 1.5 KB a thread: room for ten thousand */

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

struct package {
    int siblings, cores; /* of the first processor's package; 0 unknown */
};

static void take(struct energy_cpuinfo *c, struct package *pkg, const char *key, const char *v)
{
    const struct {
        const char *key;
        int *to;
    } numbers[] = {{"cpu family", &c->family},
                   {"model", &c->model},
                   {"stepping", &c->stepping},
                   {"CPU part", &c->model},
                   {"siblings", &pkg->siblings},
                   {"cpu cores", &pkg->cores}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (ipw_streq(key, numbers[i].key))
            *numbers[i].to = (int)strtol(v, NULL, 0);
    if (ipw_streq(key, "vendor_id"))
        snprintf(c->vendor, sizeof c->vendor, "%s", v);
    else if (ipw_streq(key, "CPU implementer"))
        snprintf(c->vendor, sizeof c->vendor, "arm:%s", v);
    else if (ipw_streq(key, "model name"))
        snprintf(c->name, sizeof c->name, "%s", v);
    else if (ipw_streq(key, "flags")) {
        c->hypervisor = has_word(v, "hypervisor");
        c->sgx = has_word(v, "sgx");
    }
}

static void trim(char *s)
{
    size_t n = strlen(s);
    while (n && ipw_isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
}

void energy_cpuinfo_parse(struct energy_cpuinfo *out, const char *text)
{
    *out = (struct energy_cpuinfo){.family = -1, .model = -1, .stepping = -1};
    struct package pkg = {0, 0};
    char line[8192];
    while (*text) {
        size_t len = strcspn(text, "\n"), n = len < sizeof line - 1 ? len : sizeof line - 1;
        memcpy(line, text, n);
        line[n] = '\0';
        text += len + (text[len] == '\n');
        char *v = strchr(line, ':');
        if (!v)
            continue;
        *v++ = '\0';
        v += strspn(v, " \t");
        trim(line);
        trim(v);
        if (ipw_streq(line, "processor"))
            out->n_cpus++;
        if (out->n_cpus <= 1) /* the first one speaks for all */
            take(out, &pkg, line, v);
    }
    /* A ratio: it holds over several packages, and where some cores have two threads and others one. */
    bool told = pkg.cores > 0 && pkg.siblings > pkg.cores;
    out->n_cores = told ? (int)((int64_t)out->n_cpus * pkg.cores / pkg.siblings) : out->n_cpus;
    if (out->n_cpus && out->n_cores < 1)
        out->n_cores = 1;
}

void energy_cpuinfo_read(struct energy_cpuinfo *out, const struct ipw_env *env)
{
    struct ipw_buf b = IPW_BUF_INIT;
    int fd = env->io->open(env, "/proc/cpuinfo");
    if (fd >= 0) {
        char part[16384];
        ssize_t n;
        while (b.len < CPUINFO_MAX &&
               (n = env->io->pread(env, fd, part, sizeof part, (off_t)b.len)) > 0)
            ipw_buf_add(&b, part, (size_t)n);
        env->io->close(env, fd);
    }
    energy_cpuinfo_parse(out, b.s);
    ipw_buf_release(&b);
}
