#include "energy/sysfs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* ---- numbers ---- */

static void trim(const char **s, ssize_t *n)
{
    while (*n > 0 && ipw_isspace((unsigned char)(*s)[*n - 1]))
        --*n;
    while (*n > 0 && ipw_isspace((unsigned char)**s)) {
        ++*s;
        --*n;
    }
}

int sysfs_parse_u64(const char *s, ssize_t n, uint64_t *out)
{
    uint64_t v = 0;
    trim(&s, &n);
    if (n <= 0)
        return -ENODATA;
    for (ssize_t i = 0; i < n; i++)
        if (!ipw_isdigit((unsigned char)s[i]) || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
            return -EINVAL;
    *out = v;
    return 0;
}

int sysfs_parse_i64(const char *s, ssize_t n, int64_t *out)
{
    uint64_t v;
    trim(&s, &n);
    bool minus = n > 1 && *s == '-' && ipw_isdigit((unsigned char)s[1]);
    int rc = sysfs_parse_u64(s + minus, n - minus, &v);
    if (rc || v > INT64_MAX)
        return rc ? rc : -EINVAL;
    *out = minus ? -(int64_t)v : (int64_t)v;
    return 0;
}

static int vtext(const struct ipw_env *env, char *out, size_t size, const char *fmt, va_list ap)
{
    char path[256];
    *out = '\0';
    int n = vsnprintf(path, sizeof path, fmt, ap);
    if (n < 0 || n >= (int)sizeof path)
        return -ENAMETOOLONG;
    int rc = ipw_env_read(env, path, out, size);
    if (rc < 0)
        *out = '\0';
    return rc;
}

int sysfs_text(const struct ipw_env *env, char *out, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = vtext(env, out, size, fmt, ap);
    va_end(ap);
    return rc;
}

int64_t sysfs_number(const struct ipw_env *env, int64_t none, const char *fmt, ...)
{
    char text[40], *end;
    int64_t v;
    va_list ap;
    va_start(ap, fmt);
    int n = vtext(env, text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 2 && ipw_starts(text, "0x")) {
        unsigned long x = strtoul(text + 2, &end, 16);
        return *end || x > INT32_MAX ? none : (int64_t)x;
    }
    return n > 0 && !sysfs_parse_i64(text, n, &v) ? v : none;
}

/* ---- folders ---- */

struct listing {
    const char *prefix;
    struct sysfs_names *names;
};

static void on_name(const char *name, void *ud)
{
    struct listing *l = ud;
    if (!ipw_starts(name, l->prefix) || strlen(name) >= sizeof l->names->v[0])
        return;
    IPW_GROW(l->names->v, l->names->n, l->names->cap);
    memcpy(l->names->v[l->names->n++], name, strlen(name) + 1);
}

static int by_number(const void *a, const void *b)
{
    size_t x = strlen(a), y = strlen(b);
    return x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

void sysfs_list(const struct ipw_env *env, const char *folder, const char *prefix, struct sysfs_names *out)
{
    *out = (struct sysfs_names){0};
    env->io->list(env, folder, on_name, &(struct listing){prefix, out});
    if (out->n)
        qsort(out->v, out->n, sizeof out->v[0], by_number);
}

void sysfs_names_release(struct sysfs_names *names)
{
    free(names->v);
    *names = (struct sysfs_names){0};
}

void sysfs_word(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == ',' || (unsigned char)*s > '~')
            *s = '_';
}

/* ---- descriptors ---- */

bool sysfs_file_init(struct sysfs_file *f, const char *fmt, ...)
{
    va_list ap;
    *f = (struct sysfs_file){.live = LIVE_FD_INIT};
    va_start(ap, fmt);
    int n = vsnprintf(f->path, sizeof f->path, fmt, ap);
    va_end(ap);
    return n > 0 && n < (int)sizeof f->path;
}

int sysfs_file_open(struct sysfs_file *f, const struct ipw_env *env)
{
    int fd = env->io->open(env, f->path);
    if (fd < 0)
        return -errno;
    atomic_store(&f->live.fd, fd);
    return 0;
}

void sysfs_file_close(struct sysfs_file *f, const struct ipw_env *env)
{
    live_fd_close(&f->live, env);
}

ssize_t sysfs_file_read(struct sysfs_file *f, const struct ipw_env *env, void *buf, size_t size)
{
    int fd = live_fd_hold(&f->live);
    ssize_t n = fd < 0 ? -ENODEV : env->io->pread(env, fd, buf, size, 0); /* offset 0 runs show() again */
    if (fd >= 0 && n < 0)
        n = -errno;
    live_fd_let_go(&f->live, fd, n < 0 ? (int)n : 0);
    return n;
}

int sysfs_file_u64(struct sysfs_file *f, const struct ipw_env *env, uint64_t *out)
{
    char text[32];
    ssize_t n = sysfs_file_read(f, env, text, sizeof text);
    return n < 0 ? (int)n : sysfs_parse_u64(text, n, out);
}

int sysfs_file_i64(struct sysfs_file *f, const struct ipw_env *env, int64_t *out)
{
    char text[32];
    ssize_t n = sysfs_file_read(f, env, text, sizeof text);
    return n < 0 ? (int)n : sysfs_parse_i64(text, n, out);
}

bool sysfs_file_gone(struct sysfs_file *f)
{
    return atomic_load(&f->live.gone);
}

void sysfs_file_reopen(struct sysfs_file *f, const struct ipw_env *env)
{
    int fd = live_fd_wants(&f->live, env) ? env->io->open(env, f->path) : -1;
    if (fd >= 0)
        live_fd_replace(&f->live, env, fd);
}
