#include "score/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
    GRACE_MS = 200, /* for the second of a pair to end by itself, which tells how it did */
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

static bool write_all(int fd, const char *s, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, s + at, len - at);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static int file_of(const struct ipw_buf *text, int channel)
{
#ifdef __linux__
    char word[40];
    int fd = memfd_create("program", MFD_CLOEXEC), n = snprintf(word, sizeof word, "_channel = %d\n", channel);
    if (fd >= 0 && write_all(fd, prelude, sizeof prelude - 1) && write_all(fd, word, (size_t)n) &&
        write_all(fd, text->s, text->len) && !lseek(fd, 0, SEEK_SET))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
#else
    (void)text;
    (void)channel;
    (void)prelude;
    (void)write_all;
    return open("/dev/null", O_RDONLY | O_CLOEXEC); /* there is no bwrap to give it to */
#endif
}

/* One of the outputs as it comes in. */
struct stream {
    int fd; /* -1: closed */
    size_t keep, total;
    struct ipw_buf *out;
};

/* A program in its sandbox. */
struct side {
    struct proc p;
    struct stream s[2];
    struct sandbox_result *r;
};

/* Keeps the start of what was written and the end, where the error stands. */
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

static void close_stream(struct stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1; /* poll passes over it */
}

static void read_some(struct stream *s)
{
    char buf[16384];
    ssize_t n = read(s->fd, buf, sizeof buf);
    if (n > 0)
        keep(s, buf, (size_t)n);
    else if (n == 0 || errno != EINTR)
        close_stream(s);
}

/* Reads what comes within ms; waits for the first side where its outputs are at their end. */
static void listen_to(struct side *v, int n, int ms)
{
    struct pollfd f[4] = {{-1, 0, 0}, {-1, 0, 0}, {-1, 0, 0}, {-1, 0, 0}};
    for (int i = 0; i < 2 * n; i++)
        f[i] = (struct pollfd){v[i / 2].s[i % 2].fd, POLLIN, 0};
    if (f[0].fd < 0 && f[1].fd < 0)
        proc_wait(&v[0].p, ms);
    else if (poll(f, 4, ms) > 0)
        for (int i = 0; i < 2 * n; i++)
            if (f[i].revents)
                read_some(&v[i / 2].s[i % 2]);
}

static bool is_flood(const struct side *v)
{
    return v->s[0].total + v->s[1].total > FLOOD + v->s[0].keep;
}

/* Until the end of the first side, the deadline, a flood, or more memory than all processes may hold together. */
static enum sandbox_end attend(struct side *v, int n, double deadline)
{
    for (double look = now_s() + LOOK_S; v[0].s[0].fd >= 0 || v[0].s[1].fd >= 0 || !v[0].p.done;) {
        double now = now_s(), until = deadline < look ? deadline : look;
        int64_t held = 0;
        if (is_flood(&v[0]) || (n > 1 && is_flood(&v[1])))
            return SANDBOX_FLOOD;
        if (now >= deadline)
            return SANDBOX_TIMEOUT;
        for (int i = 0; now >= look && i < n; i++)
            held += proc_memory(v[i].p.pid, MEMORY - held);
        if (held > MEMORY)
            return SANDBOX_MEMORY;
        if (now >= look)
            look = now_s() + LOOK_S;
        listen_to(v, n, until > now ? (int)((until - now) * 1e3) + 1 : 0);
    }
    return SANDBOX_EXITED;
}

static void end_side(struct side *v, enum sandbox_end end, double begun)
{
    if (!v->p.done) {
        proc_signal_group(&v->p, SIGKILL);
        proc_wait(&v->p, 2000);
    }
    v->r->seconds = now_s() - begun;
    v->r->code = v->p.done ? proc_exit_code(&v->p) : -1;
    v->r->end = end == SANDBOX_EXITED && v->r->code > 128 ? SANDBOX_KILLED : end;
    v->r->whole = v->s[0].total <= v->s[0].keep;
    proc_release(&v->p);
    close_stream(&v->s[0]);
    close_stream(&v->s[1]);
}

/* There is no /proc in there: process 1 is bwrap's, whose environment and descriptors are ours, and could be read. */
static int start_bwrap(struct sandbox *s, const struct proc_files *files, int filter, struct side *v, struct ipw_err *err)
{
    char number[16];
    const char *argv[64] = {
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin",
        "--setenv", "HOME", "/tmp", "--setenv", "PYTHONDONTWRITEBYTECODE", "1", "--setenv", "OMP_NUM_THREADS", "1",
        "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64",
        "/lib64", "--dev", "/dev", "--dev-bind", "/dev/null", "/dev/zero", /* its maps are memory of nobody */
        "--size", "67108864", "--tmpfs", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--cap-drop",
        "ALL"};
    size_t n = 0;
    while (argv[n])
        n++;
    if (filter >= 0) {
        snprintf(number, sizeof number, "%d", filter);
        argv[n++] = "--seccomp";
        argv[n++] = number;
    }
    argv[n++] = "python3";
    argv[n++] = "-I";
    argv[n++] = "-";
    int rc = proc_start_limited(&v->p, (char *const *)(uintptr_t)argv, files, &s->limits, err);
    if (rc)
        s->lack = v->p.exec_errno == ENOENT ? SANDBOX_LACKS_BWRAP : SANDBOX_LACKS_LEAVE;
    return rc;
}

/* channel: of two sides, -1 of one alone. */
static bool start_side(struct sandbox *s, const struct ipw_buf *text, int channel, size_t more, struct side *v)
{
    struct ipw_err err = {0};
    int fd[2][2] = {{-1, -1}, {-1, -1}}, input = file_of(text, channel), filter = sandbox_filter();
    bool ok = input >= 0 && !pipe2(fd[0], O_CLOEXEC) && !pipe2(fd[1], O_CLOEXEC);
    if (!ok)
        ipw_err_set(&err, IPW_E_ENV, "no room for the program: %s", strerror(errno));
    struct proc_files files = {.input = input, .output = fd[0][1], .errors = fd[1][1]};
    if (channel >= 0)
        files.more[files.n_more++] = channel;
    if (filter >= 0)
        files.more[files.n_more++] = filter;
    ok = ok && !start_bwrap(s, &files, filter, v, &err);
    *v->r = (struct sandbox_result){.end = SANDBOX_KILLED, .code = -1, .out = IPW_BUF_INIT, .err = IPW_BUF_INIT, .whole = true};
    v->s[0] = (struct stream){fd[0][0], SANDBOX_OUTPUT + more, 0, &v->r->out};
    v->s[1] = (struct stream){fd[1][0], SANDBOX_OUTPUT, 0, &v->r->err};
    const int ours[] = {input, filter, fd[0][1], fd[1][1]};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (ours[i] >= 0)
            close(ours[i]);
    if (ok)
        return true;
    ipw_buf_adds(&v->r->err, err.text);
    close_stream(&v->s[0]);
    close_stream(&v->s[1]);
    return false;
}

void sandbox_result_release(struct sandbox_result *r)
{
    ipw_buf_release(&r->out);
    ipw_buf_release(&r->err);
}

void sandbox_python(struct sandbox *s, const struct ipw_buf *text, double timeout_s, size_t more, struct sandbox_result *r)
{
    struct side v = {.r = r};
    double begun = now_s();
    s->limits.cpu_s = (uint64_t)timeout_s + 2;
    if (start_side(s, text, -1, more, &v))
        end_side(&v, attend(&v, 1, begun + timeout_s), begun);
}

void sandbox_pair(struct sandbox *s, const struct ipw_buf *first, const struct ipw_buf *second, double timeout_s,
                  struct sandbox_result *r, struct sandbox_result *r2)
{
    struct side v[2] = {{.r = r}, {.r = r2}};
    double begun = now_s();
    int channel[2];
    s->limits.cpu_s = (uint64_t)timeout_s + 2;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
        channel[0] = channel[1] = -1;
    bool second_runs = start_side(s, second, channel[1], 0, &v[1]), first_runs = start_side(s, first, channel[0], 0, &v[0]);
    for (int i = 0; i < 2; i++)
        if (channel[i] >= 0)
            close(channel[i]);
    if (first_runs && second_runs) {
        enum sandbox_end end = attend(v, 2, begun + timeout_s);
        if (end == SANDBOX_EXITED)
            proc_wait(&v[1].p, GRACE_MS);
        end_side(&v[0], end, begun);
        end_side(&v[1], end, begun);
    } else if (first_runs || second_runs) {
        end_side(&v[first_runs ? 0 : 1], SANDBOX_KILLED, begun);
    }
}

/* Starts processes one by one, each idle, and says how many came to be: less than it tried, or there is no limit. */
static void probe(struct sandbox *s)
{
    static const char program[] = "import os, time\nn = 0\ntry:\n    while n < 100:\n        if os.fork() == 0:\n"
                                  "            time.sleep(20)\n            os._exit(0)\n        n += 1\nexcept OSError:\n    pass\n"
                                  "print('started', n)\n";
    struct ipw_buf text = IPW_BUF_INIT;
    struct sandbox_result r;
    long n = -1;
    ipw_buf_adds(&text, program);
    sandbox_python(s, &text, 10, 0, &r);
    ipw_buf_release(&text);
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
