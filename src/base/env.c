#include "base/env.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/syscall.h>
#endif

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

static ssize_t host_read(const struct ipw_env *env, int fd, void *buf, size_t n)
{
    (void)env;
    return read(fd, buf, n);
}

static int host_close(const struct ipw_env *env, int fd)
{
    (void)env;
    return close(fd);
}

static int host_list(const struct ipw_env *env, const char *path, void (*fn)(const char *name, void *ud), void *ud)
{
    char real[512];
    ipw_env_path(env, path, real, sizeof real);
    DIR *dir = opendir(real);
    if (!dir)
        return -1;
    for (struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            fn(e->d_name, ud);
    return closedir(dir);
}

static int host_perf_event_open(const struct ipw_env *env, uint32_t type, uint64_t config, int cpu)
{
#ifdef __linux__
    if (env->sys_root && *env->sys_root) { /* another machine's tree: its numbers mean other things to this kernel */
        errno = ENODEV;
        return -1;
    }
    struct perf_event_attr attr = {.size = sizeof attr, .type = type, .config = config};
    return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
#else
    (void)env, (void)type, (void)config, (void)cpu;
    errno = ENOSYS;
    return -1;
#endif
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

static int64_t host_thread_cpu(const struct ipw_env *env)
{
    (void)env;
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
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

static const struct ipw_io host_io = {host_open, host_pread, host_read, host_close, host_list, host_perf_event_open};
static const struct ipw_clock host_clock = {host_now, host_boot, host_real, host_cpu,
                                            host_sleep_until, host_thread_cpu};

const struct ipw_env ipw_env_host = {
    .sys_root = "", .proc_root = "", .dev_root = "", .io = &host_io, .clock = &host_clock};

struct ipw_clock_triple ipw_clock_triple(const struct ipw_env *env)
{
    struct ipw_clock_triple t = {0};
    for (int i = 0; i < 5; i++) {
        int64_t before = ipw_now(env);
        t.boot = env->clock->boot(env);
        t.real = env->clock->real(env);
        int64_t after = ipw_now(env);
        t.raw = before + (after - before) / 2;
        if (after - before < 100000)
            break;
    }
    return t;
}

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
    const struct {
        const char *at, *root;
    } roots[] = {{"/sys", env->sys_root}, {"/proc", env->proc_root}, {"/dev", env->dev_root}};
    const char *root = "", *rest = path;
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        size_t n = strlen(roots[i].at);
        if (roots[i].root && *roots[i].root && !strncmp(path, roots[i].at, n) && path[n] == '/') {
            root = roots[i].root;
            rest = path + n;
        }
    }
    snprintf(out, size, "%s%s", root, rest);
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
