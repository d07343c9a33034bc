/* The seam to the world. Nothing below src/cli reads the environment, the real clock or /sys by itself: it
 * takes a const struct ipw_env *, so that a test can give it another root, another clock, failing calls. */
#ifndef IPW_BASE_ENV_H
#define IPW_BASE_ENV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct ipw_env;

/* What collectors ask of the kernel. The functions behave like their namesakes: -1 and errno on failure. */
struct ipw_io {
    int (*open)(const struct ipw_env *env, const char *path); /* read-only, close-on-exec */
    ssize_t (*pread)(const struct ipw_env *env, int fd, void *buf, size_t n, off_t off);
    ssize_t (*read)(const struct ipw_env *env, int fd, void *buf, size_t n); /* perf events have no offset */
    int (*close)(const struct ipw_env *env, int fd);
    /* Calls fn with every name in a folder but "." and "..", in no order; 0 or -1. */
    int (*list)(const struct ipw_env *env, const char *path, void (*fn)(const char *name, void *ud), void *ud);
    /* A counting event of one CPU, all processes: perf_event_open(2) with pid -1, no group, close-on-exec. */
    int (*perf_event_open)(const struct ipw_env *env, uint32_t type, uint64_t config, int cpu);
};

/* All times are ns. now: CLOCK_MONOTONIC_RAW; boot: CLOCK_BOOTTIME; real: CLOCK_REALTIME; cpu: CPU time of
 * this process. sleep_until takes a `now` time and may wake early. */
struct ipw_clock {
    int64_t (*now)(const struct ipw_env *env);
    int64_t (*boot)(const struct ipw_env *env);
    int64_t (*real)(const struct ipw_env *env);
    int64_t (*cpu)(const struct ipw_env *env);
    void (*sleep_until)(const struct ipw_env *env, int64_t t_ns);
    int64_t (*thread_cpu)(const struct ipw_env *env); /* of the calling thread; NULL: not known */
};

struct ipw_env {
    /* "" for /sys, /proc, /dev; "/x" makes /sys/A be opened as /x/A */
    const char *sys_root, *proc_root, *dev_root;
    struct {
        const char *nvml, *ioreport; /* libraries to load instead of the usual names; NULL: the usual ones */
        const char *const *duckdb;   /* where DuckDB's library may be, in this order, NULL at the end; NULL: the system's */
        const char *meter;           /* the ipw-meter program; NULL: where it was installed */
    } at;
    const struct ipw_io *io;
    const struct ipw_clock *clock;
    void (*log)(const struct ipw_env *env, const char *text); /* talk for the user; NULL is silent */
    void *ud;                                                 /* for the functions above */
};

extern const struct ipw_env ipw_env_host; /* this machine, no overrides, silent */

#define ipw_now(env) ((env)->clock->now(env))

/* The three clocks at one moment: boot and real are read between two looks at `now`, again when those lie apart (the
 * thread was held up), so that raw is right to some microseconds. */
struct ipw_clock_triple {
    int64_t raw, boot, real;
};
struct ipw_clock_triple ipw_clock_triple(const struct ipw_env *env);

void ipw_env_log(const struct ipw_env *env, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes the path under which `path` ("/sys/...", "/proc/..." or "/dev/...") is opened in this env. */
void ipw_env_path(const struct ipw_env *env, const char *path, char *out, size_t size);

/* Reads a small file through the seam into out, NUL-terminated, trailing white space cut. Returns its length
 * or -errno (-ENODATA for an empty file). */
int ipw_env_read(const struct ipw_env *env, const char *path, char *out, size_t size);

#endif
