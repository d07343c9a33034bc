#include "base/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int host_open(const struct ipw_env *env, const char *path)
{
    char real[512];
    ipw_env_path(env, path, real, sizeof real);
    return open(real, O_RDONLY | O_CLOEXEC);
}

static ssize_t host_pread(const struct ipw_env *env, int fd, void *buf, size_t n, off_t off)
{
    (void)env;
    return pread(fd, buf, n, off);
}

static int host_close(const struct ipw_env *env, int fd)
{
    (void)env;
    return close(fd);
}

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

#ifdef __APPLE__
#define CLOCK_BOOTTIME CLOCK_MONOTONIC /* continues during sleep there */
#endif

static int64_t host_now(const struct ipw_env *env)
{
    (void)env;
    return read_clock(CLOCK_MONOTONIC_RAW);
}

static int64_t host_boot(const struct ipw_env *env)
{
    (void)env;
    return read_clock(CLOCK_BOOTTIME);
}

static int64_t host_real(const struct ipw_env *env)
{
    (void)env;
    return read_clock(CLOCK_REALTIME);
}

static int64_t host_cpu(const struct ipw_env *env)
{
    (void)env;
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* RAW cannot be slept on; the difference to MONOTONIC over one sleep is below a microsecond. */
static void host_sleep_until(const struct ipw_env *env, int64_t t_ns)
{
    int64_t dt = t_ns - host_now(env);
    if (dt <= 0)
        return;
    struct timespec ts = {dt / 1000000000, dt % 1000000000};
    nanosleep(&ts, NULL);
}

static const struct ipw_io host_io = {host_open, host_pread, host_close};
static const struct ipw_clock host_clock = {host_now, host_boot, host_real, host_cpu,
                                            host_sleep_until};

const struct ipw_env ipw_env_host = {
    .sys_root = "", .proc_root = "", .io = &host_io, .clock = &host_clock};

void ipw_env_log(const struct ipw_env *env, const char *fmt, ...)
{
    if (!env->log)
        return;
    char text[1200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    env->log(env, text);
}

void ipw_env_path(const struct ipw_env *env, const char *path, char *out, size_t size)
{
    const char *root = NULL, *rest = path;
    if (!strncmp(path, "/sys/", 5)) {
        root = env->sys_root;
        rest = path + 4;
    } else if (!strncmp(path, "/proc/", 6)) {
        root = env->proc_root;
        rest = path + 5;
    }
    if (root && *root)
        snprintf(out, size, "%s%s", root, rest);
    else
        snprintf(out, size, "%s", path);
}

int ipw_env_read(const struct ipw_env *env, const char *path, char *out, size_t size)
{
    int fd = env->io->open(env, path);
    if (fd < 0)
        return -errno;
    ssize_t n = env->io->pread(env, fd, out, size - 1, 0);
    int e = errno;
    env->io->close(env, fd);
    if (n < 0)
        return -e;
    while (n > 0 && strchr(" \t\r\n", out[n - 1]))
        n--;
    out[n] = '\0';
    return n ? (int)n : -ENODATA;
}
