#include "score/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "base/buf.h"
#include "base/mem.h"
#include "base/proc.h"

enum {
    FLOOD = 4 << 20, /* bytes of output after which a program is ended */
    TAIL = 1024,
    PROCESSES = 64,
    FIRST_UID = 1000000000, /* beyond those that systems give out: its processes are counted alone */
};

struct sandbox {
    char refusal[300];
    struct proc_limits limits;
};

/* Python lowers its own limit of processes before it reads a word of the answer; within its namespace it cannot be raised. */
static const char prelude[] = "import os as _o, resource as _r\n_r.setrlimit(_r.RLIMIT_NPROC, (64, 64))\n"
                              "_o.dup2(_o.open('/dev/null', _o.O_RDONLY), 0)\ndel _o, _r\n"; /* nor reads this text again */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int file_of(const char *text, size_t len)
{
#ifdef __linux__
    int fd = memfd_create("answer", MFD_CLOEXEC);
    bool ok = fd >= 0 && write(fd, prelude, sizeof prelude - 1) == (ssize_t)(sizeof prelude - 1);
    for (size_t at = 0; ok && at < len;) {
        ssize_t n = write(fd, text + at, len - at);
        ok = n > 0;
        at += ok ? (size_t)n : 0;
    }
    if (ok && !lseek(fd, 0, SEEK_SET))
        return fd;
    if (fd >= 0)
        close(fd);
#else
    (void)text;
    (void)len;
    (void)prelude;
#endif
    return -1;
}

/* Keeps the start of what was written and the end, where the sentinel and the error stand. */
static void keep(struct sandbox_result *r, const char *p, size_t n)
{
    size_t room = SANDBOX_OUTPUT - r->len, k = n < room ? n : room;
    memcpy(r->out + r->len, p, k);
    r->len += k;
    if (k == n)
        return;
    p += k;
    n -= k;
    if (n > TAIL) {
        p += n - TAIL;
        n = TAIL;
    }
    memmove(r->out + SANDBOX_OUTPUT - TAIL, r->out + SANDBOX_OUTPUT - TAIL + n, TAIL - n);
    memcpy(r->out + SANDBOX_OUTPUT - n, p, n);
}

/* Reads until the program's end, the deadline or a flood. */
static void attend(struct proc *p, int fd, double deadline, struct sandbox_result *r)
{
    char buf[16384];
    size_t total = 0;
    for (bool open = true; open || !p->done;) {
        double left = deadline - now_s();
        if (left <= 0 || total > FLOOD) {
            r->end = total > FLOOD ? SANDBOX_FLOOD : SANDBOX_TIMEOUT;
            break;
        }
        struct pollfd f = {fd, POLLIN, 0};
        int ms = (int)(left * 1e3) + 1;
        if (!open) {
            proc_wait(p, ms);
            continue;
        }
        if (poll(&f, 1, ms) <= 0)
            continue;
        ssize_t n = read(fd, buf, sizeof buf);
        if (n > 0) {
            keep(r, buf, (size_t)n);
            total += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            open = false;
        }
    }
    if (!p->done) {
        proc_signal_group(p, SIGKILL);
        proc_wait(p, 2000);
    }
    r->out[r->len] = '\0';
}

static void run(struct sandbox *s, char *const argv[], int input, double timeout_s, struct sandbox_result *r)
{
    struct proc p;
    struct ipw_err err;
    int out[2];
    double begun = now_s();
    r->end = SANDBOX_KILLED;
    r->len = 0;
    r->code = -1;
    r->out[0] = '\0';
    if (pipe2(out, O_CLOEXEC)) {
        snprintf(r->out, sizeof r->out, "no pipe: %s", strerror(errno));
        r->len = strlen(r->out);
        return;
    }
    int rc = proc_start_limited(&p, argv, input, out[1], &s->limits, &err);
    close(out[1]);
    if (rc) {
        snprintf(r->out, sizeof r->out, "%s", err.text);
        r->len = strlen(r->out);
        close(out[0]);
        return;
    }
    r->end = SANDBOX_EXITED;
    attend(&p, out[0], begun + timeout_s, r);
    close(out[0]);
    r->seconds = now_s() - begun;
    r->code = p.done ? proc_exit_code(&p) : -1;
    if (r->end == SANDBOX_EXITED && r->code > 128)
        r->end = SANDBOX_KILLED;
    proc_release(&p);
}

void sandbox_python(struct sandbox *s, const char *text, size_t len, double timeout_s, struct sandbox_result *r)
{
    static const char *const argv[] = {
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin", "--setenv",
        "HOME", "/tmp", "--setenv", "PYTHONDONTWRITEBYTECODE", "1", "--setenv", "OMP_NUM_THREADS", "1", "--ro-bind", "/usr",
        "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--proc",
        "/proc", "--dev", "/dev", "--size", "67108864", "--tmpfs", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--cap-drop", "ALL", "python3", "-I",
        "-", NULL};
    int input = file_of(text, len);
    s->limits.cpu_s = (uint64_t)timeout_s + 2;
    run(s, (char *const *)(uintptr_t)argv, input, timeout_s, r);
    if (input >= 0)
        close(input);
}

/* Starts processes one by one, each idle, and says how many came to be: less than it tried, or there is no limit. */
static void probe(struct sandbox *s)
{
    static const char program[] = "import os, time\nn = 0\ntry:\n    while n < 100:\n        if os.fork() == 0:\n"
                                  "            time.sleep(20)\n            os._exit(0)\n        n += 1\nexcept OSError:\n    pass\n"
                                  "print('started', n)\n";
    struct sandbox_result *r = ipw_malloc(sizeof *r);
    long n = -1;
    sandbox_python(s, program, sizeof program - 1, 10, r);
    const char *told = strstr(r->out, "started ");
    r->out[strcspn(r->out, "\n")] = '\0'; /* bwrap's own words */
    if (told)
        n = strtol(told + 8, NULL, 10);
    if (r->end != SANDBOX_EXITED || !told)
        snprintf(s->refusal, sizeof s->refusal, "no sandbox: %.200s; see ipw doctor", *r->out ? r->out : "bwrap did not answer");
    else if (n > PROCESSES)
        snprintf(s->refusal, sizeof s->refusal, "no sandbox: its limit of %d processes does not hold here; run ipw as an "
                 "ordinary user", PROCESSES);
    free(r);
}

struct sandbox *sandbox_open(void)
{
    struct sandbox *s = ipw_calloc(1, sizeof *s);
    s->limits = (struct proc_limits){.memory = (uint64_t)2 << 30, .file = (uint64_t)10 << 20, .files = 64};
    if (geteuid() == 0) /* root's processes are not counted */
        s->limits.uid = (uid_t)(FIRST_UID + getpid());
    probe(s);
    return s;
}

void sandbox_close(struct sandbox *s)
{
    free(s);
}

const char *sandbox_refusal(const struct sandbox *s)
{
    return *s->refusal ? s->refusal : NULL;
}
