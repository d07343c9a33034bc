#include "fakes/fake_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "fakes/fakefs.h"

enum { FIRST_FD = 1000 };

static struct fake_io *of(const struct ipw_env *env)
{
    return env->ud;
}

static int64_t fake_now(const struct ipw_env *env)
{
    struct fake_io *f = of(env);
    if (f->real_clock)
        return ipw_now(&ipw_env_host) - f->real_epoch;
    return atomic_fetch_add(&f->now, f->step_ns);
}

static int64_t fake_boot(const struct ipw_env *env)
{
    return fake_now(env) + atomic_load(&of(env)->slept);
}

static int64_t fake_cpu(const struct ipw_env *env)
{
    return atomic_load(&of(env)->cpu);
}

static void fake_sleep_until(const struct ipw_env *env, int64_t t)
{
    struct fake_io *f = of(env);
    if (f->real_clock)
        ipw_env_host.clock->sleep_until(&ipw_env_host, t + f->real_epoch);
    else if (t > atomic_load(&f->now))
        atomic_store(&f->now, t);
}

static int zone_of(const struct fake_io *f, const char *path)
{
    static const struct {
        const char *label;
        enum rapl_zone zone;
    } zones[] = {
        {"package", RAPL_PACKAGE}, {"dram", RAPL_DRAM}, {"psys", RAPL_PSYS}, {"core", RAPL_CORE}};
    if (!f->model || !ipw_ends(path, "/energy_uj"))
        return -1;
    char name[256], real[512], label[32] = "";
    snprintf(name, sizeof name, "%.*s/name", (int)(strrchr(path, '/') - path), path);
    ipw_env_path(&f->env, name, real, sizeof real);
    FILE *file = fopen(real, "r");
    if (file) {
        if (!fgets(label, sizeof label, file))
            label[0] = '\0';
        fclose(file);
    }
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        if (ipw_starts(label, zones[i].label))
            return (int)zones[i].zone;
    return -1;
}

static const struct fake_rule *rule_for(const struct fake_io *f, const char *path)
{
    for (int i = 0; i < FAKE_RULES; i++)
        if (f->rules[i].part && strstr(path, f->rules[i].part))
            return &f->rules[i];
    return NULL;
}

static int give(struct fake_io *f, int fd, const char *path, int zone, int event, int64_t t)
{
    for (int i = 0; i < FAKE_FDS; i++) {
        int none = 0;
        if (!atomic_compare_exchange_strong(&f->fd[i].real, &none, fd + 1))
            continue;
        f->fd[i].opened = t;
        f->fd[i].zone = zone;
        f->fd[i].event = event;
        snprintf(f->fd[i].path, sizeof f->fd[i].path, "%s", path);
        atomic_fetch_add(&f->open_fds, 1);
        return FIRST_FD + i;
    }
    close(fd);
    errno = EMFILE;
    return -1;
}

static int fake_open(const struct ipw_env *env, const char *path)
{
    struct fake_io *f = of(env);
    const struct fake_rule *rule = rule_for(f, path);
    int zone = zone_of(f, path), rc = rule ? rule->open_rc : 0;
    int64_t t = fake_now(env);
    if (!rc && f->model && strstr(path, "intel-rapl:"))
        rc = rapl_open(f->model, t);
    char real[512];
    ipw_env_path(env, path, real, sizeof real);
    int fd = rc ? -1 : open(real, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        errno = rc ? rc : errno;
        return -1;
    }
    return give(f, fd, path, zone, 0, t);
}

static ssize_t fake_pread(const struct ipw_env *env, int fd, void *buf, size_t n, off_t off)
{
    struct fake_io *f = of(env);
    int i = fd - FIRST_FD;
    if (i < 0 || i >= FAKE_FDS || !atomic_load(&f->fd[i].real)) {
        errno = EBADF;
        return -1;
    }
    const struct fake_rule *rule = rule_for(f, f->fd[i].path);
    if (rule && rule->pread_rc) {
        errno = rule->pread_rc;
        return -1;
    }
    if (f->fd[i].zone < 0)
        return pread(atomic_load(&f->fd[i].real) - 1, buf, n, off);
    uint64_t uj;
    int64_t t = fake_now(env);
    int rc = rapl_read(f->model, (enum rapl_zone)f->fd[i].zone, f->fd[i].opened, t, &uj);
    if (f->model->slow_ns)
        fake_sleep_until(env, t + f->model->slow_ns);
    if (rc) {
        errno = rc;
        return -1;
    }
    char text[32];
    size_t len = (size_t)snprintf(text, sizeof text, "%llu\n", (unsigned long long)uj);
    len = len < n ? len : n;
    memcpy(buf, text, len);
    return (ssize_t)len;
}

/* Plain files from their beginning; perf events count. */
static ssize_t fake_read(const struct ipw_env *env, int fd, void *buf, size_t n)
{
    struct fake_io *f = of(env);
    int i = fd - FIRST_FD;
    if (i < 0 || i >= FAKE_FDS || !atomic_load(&f->fd[i].real) || !f->fd[i].event)
        return fake_pread(env, fd, buf, n, 0);
    const struct fake_rule *rule = rule_for(f, f->fd[i].path);
    int64_t t = fake_now(env), opened = f->fd[i].opened;
    int rc = rule ? rule->pread_rc : 0;
    uint64_t count = atomic_load(&f->perf_count[f->fd[i].event & 7]), uj;
    if (!rc && f->model) {
        rc = rapl_read(f->model, (enum rapl_zone)f->fd[i].zone, opened, t, &uj);
        count = rapl_count(f->model, (enum rapl_zone)f->fd[i].zone, opened, t);
    }
    if (rc == ENODEV || n < sizeof count) /* the kernel's word for an event that lost its CPU */
        return 0;
    if (rc) {
        errno = rc;
        return -1;
    }
    memcpy(buf, &count, sizeof count);
    return sizeof count;
}

static int fake_list(const struct ipw_env *env, const char *path, void (*fn)(const char *name, void *ud), void *ud)
{
    const struct fake_rule *rule = rule_for(of(env), path);
    if (rule && rule->open_rc) {
        errno = rule->open_rc;
        return -1;
    }
    return ipw_env_host.io->list(env, path, fn, ud);
}

static int fake_perf_event_open(const struct ipw_env *env, uint32_t type, uint64_t config, int cpu)
{
    static const enum rapl_zone zones[8] = {[1] = RAPL_CORE, [3] = RAPL_DRAM, [5] = RAPL_PSYS}; /* others: package */
    struct fake_io *f = of(env);
    int64_t t = fake_now(env);
    char path[64];
    snprintf(path, sizeof path, "perf:%u:%u:%d", (unsigned)type, (unsigned)config, cpu);
    const struct fake_rule *rule = rule_for(f, path);
    int rc = rule ? rule->open_rc : config == 0 || config > 5 ? EINVAL : f->model && rapl_in(&f->model->vanish, t) ? ENODEV : 0;
    int fd = rc ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (rc)
        errno = rc;
    return fd < 0 ? -1 : give(f, fd, path, (int)zones[config & 7], (int)config, t);
}

static int fake_close(const struct ipw_env *env, int fd)
{
    struct fake_io *f = of(env);
    int i = fd - FIRST_FD, real = i >= 0 && i < FAKE_FDS ? atomic_exchange(&f->fd[i].real, 0) : 0;
    if (!real) {
        errno = EBADF;
        return -1;
    }
    atomic_fetch_sub(&f->open_fds, 1);
    return close(real - 1);
}

static const struct ipw_io io = {fake_open, fake_pread, fake_read, fake_close, fake_list, fake_perf_event_open};
static const struct ipw_clock fake_clock = {fake_now, fake_boot, fake_boot, fake_cpu, fake_sleep_until, fake_cpu};

void fake_io_init(struct fake_io *f, const char *fixture)
{
    memset(f, 0, sizeof *f);
    fakefs_make(fixture, f->root, sizeof f->root);
    snprintf(f->proc, sizeof f->proc, "%s/proc", f->root);
    f->real_epoch = ipw_now(&ipw_env_host);
    f->env = (struct ipw_env){
        .sys_root = f->root, .proc_root = f->proc, .dev_root = "", .io = &io, .clock = &fake_clock, .ud = f};
    f->env.at.meter = f->env.at.nvml = ""; /* not this machine's helper, nor its GPUs */
}

void fake_io_release(struct fake_io *f)
{
    fakefs_remove(f->root);
}
