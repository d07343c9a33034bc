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
#include "score/sandbox_filter.h"

enum {
    FLOOD = 4 << 20, /* bytes of output after which a program is ended */
    TAIL = 1024,
    PROCESSES = 64,
    FIRST_UID = 1000000000, /* beyond those that systems give out: its processes are counted alone */
};

#define MEMORY ((int64_t)2 << 30) /* of one process' addresses, and of what all of them hold */
static const double LOOK_S = 0.03; /* between looks at that: what a machine allocates meanwhile is little beside it */

struct sandbox {
    enum sandbox_lack lack;
    char what[200], refusal[300];
    struct proc_limits limits;
};

/* Python lowers its own limit of processes before it reads a word of the answer; within its namespace it cannot be raised. */
static const char prelude[] = "import os as _o, resource as _r\n_r.setrlimit(_r.RLIMIT_NPROC, (64, 64))\n"
                              "_o.close(0)\n_o.open('/dev/null', _o.O_RDONLY)\ndel _o, _r\n"; /* nor reads this text again */

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
    return -1;
#else
    (void)text;
    (void)len;
    (void)prelude;
    return open("/dev/null", O_RDONLY | O_CLOEXEC); /* there is no bwrap to give it to */
#endif
}

/* One of the outputs as it comes in. */
struct stream {
    int fd; /* -1: closed */
    size_t keep, total;
    struct ipw_buf *out;
};

/* Keeps the start of what was written and the end, where the sentinel and the error stand. */
static void keep(struct stream *s, const char *p, size_t n)
{
    size_t room = s->keep - s->out->len, k = n < room ? n : room;
    ipw_buf_add(s->out, p, k);
    s->total += n;
    if (k == n)
        return;
    p += k;
    n -= k;
    if (n > TAIL) {
        p += n - TAIL;
        n = TAIL;
    }
    char *end = s->out->s + s->keep;
    memmove(end - TAIL, end - TAIL + n, TAIL - n);
    memcpy(end - n, p, n);
}

static void read_some(struct stream *s)
{
    char buf[16384];
    ssize_t n = read(s->fd, buf, sizeof buf);
    if (n > 0)
        keep(s, buf, (size_t)n);
    else if (n == 0 || errno != EINTR)
        s->fd = -1; /* poll passes over it */
}

/* Reads until the program's end, the deadline, a flood, or more memory than all its processes may hold together. */
static void attend(struct proc *p, struct stream s[2], double deadline, struct sandbox_result *r)
{
    size_t flood = FLOOD + s[0].keep;
    for (double look = now_s() + LOOK_S; s[0].fd >= 0 || s[1].fd >= 0 || !p->done;) {
        double now = now_s(), until = deadline < look ? deadline : look;
        int ms = until > now ? (int)((until - now) * 1e3) + 1 : 0;
        r->end = s[0].total + s[1].total > flood ? SANDBOX_FLOOD : now >= deadline ? SANDBOX_TIMEOUT : SANDBOX_EXITED;
        if (r->end == SANDBOX_EXITED && now >= look) {
            r->end = proc_memory(p->pid, MEMORY) > MEMORY ? SANDBOX_MEMORY : SANDBOX_EXITED;
            look = now_s() + LOOK_S;
        }
        if (r->end != SANDBOX_EXITED)
            break;
        struct pollfd f[2] = {{s[0].fd, POLLIN, 0}, {s[1].fd, POLLIN, 0}};
        if (s[0].fd < 0 && s[1].fd < 0)
            proc_wait(p, ms);
        else if (poll(f, 2, ms) > 0)
            for (int i = 0; i < 2; i++)
                if (f[i].revents)
                    read_some(&s[i]);
    }
    if (!p->done) {
        proc_signal_group(p, SIGKILL);
        proc_wait(p, 2000);
    }
    r->whole = s[0].total <= s[0].keep;
}

static void run(struct sandbox *s, char *const argv[], int input, int filter, double timeout_s, size_t more,
                struct sandbox_result *r)
{
    struct proc p;
    struct ipw_err err;
    int fd[2][2] = {{-1, -1}, {-1, -1}};
    double begun = now_s();
    *r = (struct sandbox_result){.end = SANDBOX_KILLED, .code = -1, .out = IPW_BUF_INIT, .err = IPW_BUF_INIT, .whole = true};
    if (input < 0 || pipe2(fd[0], O_CLOEXEC) || pipe2(fd[1], O_CLOEXEC)) {
        ipw_buf_addf(&r->err, "no room for the program: %s", strerror(errno));
        goto out;
    }
    struct proc_files files = {.input = input, .output = fd[0][1], .errors = fd[1][1], .more = {filter}, .n_more = filter >= 0};
    int rc = proc_start_limited(&p, argv, &files, &s->limits, &err);
    for (int i = 0; i < 2; i++) {
        close(fd[i][1]);
        fd[i][1] = -1;
    }
    if (rc) {
        s->lack = p.exec_errno == ENOENT ? SANDBOX_LACKS_BWRAP : SANDBOX_LACKS_LEAVE;
        ipw_buf_adds(&r->err, err.text);
        goto out;
    }
    struct stream streams[2] = {{fd[0][0], SANDBOX_OUTPUT + more, 0, &r->out}, {fd[1][0], SANDBOX_OUTPUT, 0, &r->err}};
    attend(&p, streams, begun + timeout_s, r);
    r->seconds = now_s() - begun;
    r->code = p.done ? proc_exit_code(&p) : -1;
    if (r->end == SANDBOX_EXITED && r->code > 128)
        r->end = SANDBOX_KILLED;
    proc_release(&p);
out:
    for (int i = 0; i < 4; i++)
        if (fd[i / 2][i % 2] >= 0)
            close(fd[i / 2][i % 2]);
}

void sandbox_result_release(struct sandbox_result *r)
{
    ipw_buf_release(&r->out);
    ipw_buf_release(&r->err);
}

void sandbox_python(struct sandbox *s, const char *text, size_t len, double timeout_s, size_t keep_more, struct sandbox_result *r)
{ /* no /proc: process 1 is bwrap's, whose environment and descriptors are ours, and could be read there */
    char number[16];
    int input = file_of(text, len), filter = sandbox_filter();
    const char *const argv[] = {
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin",
        "--setenv", "HOME", "/tmp", "--setenv", "PYTHONDONTWRITEBYTECODE", "1", "--setenv", "OMP_NUM_THREADS", "1",
        "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64",
        "/lib64", "--dev", "/dev", "--dev-bind", "/dev/null", "/dev/zero", /* its maps are memory of nobody */
        "--size", "67108864", "--tmpfs", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--cap-drop",
        "ALL", filter >= 0 ? "--seccomp" : "--", filter >= 0 ? number : "python3", filter >= 0 ? "python3" : "-I",
        filter >= 0 ? "-I" : "-", filter >= 0 ? "-" : NULL, NULL};
    snprintf(number, sizeof number, "%d", filter);
    s->limits.cpu_s = (uint64_t)timeout_s + 2;
    run(s, (char *const *)(uintptr_t)argv, input, filter, timeout_s, keep_more, r);
    if (input >= 0)
        close(input);
    if (filter >= 0)
        close(filter);
}

/* Starts processes one by one, each idle, and says how many came to be: less than it tried, or there is no limit. */
static void probe(struct sandbox *s)
{
    static const char program[] = "import os, time\nn = 0\ntry:\n    while n < 100:\n        if os.fork() == 0:\n"
                                  "            time.sleep(20)\n            os._exit(0)\n        n += 1\nexcept OSError:\n    pass\n"
                                  "print('started', n)\n";
    struct sandbox_result r;
    long n = -1;
    sandbox_python(s, program, sizeof program - 1, 10, 0, &r);
    const char *told = strstr(r.out.s, "started "), *why = *r.err.s ? r.err.s : "bwrap did not answer";
    if (told)
        n = strtol(told + 8, NULL, 10);
    if (r.end == SANDBOX_EXITED && told && n <= PROCESSES) {
        sandbox_result_release(&r);
        return;
    }
    bool runs = r.end == SANDBOX_EXITED && told;
    if (runs)
        s->lack = SANDBOX_LACKS_LIMIT;
    else if (!s->lack)
        s->lack = strstr(why, "execvp python3") ? SANDBOX_LACKS_PYTHON : SANDBOX_LACKS_LEAVE;
    if (runs)
        snprintf(s->what, sizeof s->what, "its limit of %d processes does not hold here", PROCESSES);
    else
        snprintf(s->what, sizeof s->what, "%.*s", (int)strcspn(why, "\n"), why);
    snprintf(s->refusal, sizeof s->refusal, "no sandbox: %s; see ipw doctor", s->what);
    sandbox_result_release(&r);
}

struct sandbox *sandbox_open(void)
{
    struct sandbox *s = ipw_calloc(1, sizeof *s);
    s->limits = (struct proc_limits){.memory = (uint64_t)MEMORY, .file = (uint64_t)10 << 20, .files = 64};
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

enum sandbox_lack sandbox_lack(const struct sandbox *s, const char **what)
{
    *what = s->what;
    return s->lack;
}
