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

static int file_of(const char *before, const struct ipw_buf *text)
{
#ifdef __linux__
    int fd = memfd_create("text", MFD_CLOEXEC);
    if (fd >= 0 && write_all(fd, before, strlen(before)) && write_all(fd, text->s, text->len) && !lseek(fd, 0, SEEK_SET))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
#else
    (void)before;
    (void)text;
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

/* Reads what comes within ms, or waits for the end. */
static void listen_to(struct proc *p, struct stream s[2], int ms)
{
    struct pollfd f[2] = {{s[0].fd, POLLIN, 0}, {s[1].fd, POLLIN, 0}};
    if (s[0].fd < 0 && s[1].fd < 0)
        proc_wait(p, ms);
    else if (poll(f, 2, ms) > 0)
        for (int i = 0; i < 2; i++)
            if (f[i].revents)
                read_some(&s[i]);
}

/* Until the program's end, the deadline, a flood, or more memory than all its processes may hold together. */
static enum sandbox_end attend(struct proc *p, struct stream s[2], double deadline)
{
    for (double look = now_s() + LOOK_S; s[0].fd >= 0 || s[1].fd >= 0 || !p->done;) {
        double now = now_s(), until = deadline < look ? deadline : look;
        if (s[0].total + s[1].total > FLOOD + s[0].keep)
            return SANDBOX_FLOOD;
        if (now >= deadline)
            return SANDBOX_TIMEOUT;
        if (now >= look && proc_memory(p->pid, MEMORY) > MEMORY)
            return SANDBOX_MEMORY;
        if (now >= look)
            look = now_s() + LOOK_S;
        listen_to(p, s, until > now ? (int)((until - now) * 1e3) + 1 : 0);
    }
    return SANDBOX_EXITED;
}

/* There is no /proc in there: process 1 is bwrap's, whose environment and descriptors are ours, and could be read. */
static int start(struct sandbox *s, const struct proc_files *files, int filter, struct proc *p, struct ipw_err *err)
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
    int rc = proc_start_limited(p, (char *const *)(uintptr_t)argv, files, &s->limits, err);
    if (rc)
        s->lack = p->exec_errno == ENOENT ? SANDBOX_LACKS_BWRAP : SANDBOX_LACKS_LEAVE;
    return rc;
}

static void run(struct sandbox *s, const struct proc_files *files, int filter, struct stream streams[2], double timeout_s,
                struct sandbox_result *r)
{
    struct proc p;
    struct ipw_err err;
    double begun = now_s();
    int rc = start(s, files, filter, &p, &err);
    close(files->output);
    close(files->errors);
    if (rc) {
        ipw_buf_adds(&r->err, err.text);
        return;
    }
    r->end = attend(&p, streams, begun + timeout_s);
    if (!p.done) {
        proc_signal_group(&p, SIGKILL);
        proc_wait(&p, 2000);
    }
    r->seconds = now_s() - begun;
    r->code = p.done ? proc_exit_code(&p) : -1;
    r->end = r->end == SANDBOX_EXITED && r->code > 128 ? SANDBOX_KILLED : r->end;
    r->whole = streams[0].total <= streams[0].keep;
    proc_release(&p);
}

void sandbox_result_release(struct sandbox_result *r)
{
    ipw_buf_release(&r->out);
    ipw_buf_release(&r->err);
}

void sandbox_python(struct sandbox *s, const struct sandbox_job *job, struct sandbox_result *r)
{
    int out[2] = {-1, -1}, errors[2] = {-1, -1}, filter = sandbox_filter();
    struct proc_files files = {.input = -1};
    struct ipw_buf before = IPW_BUF_INIT;
    *r = (struct sandbox_result){.end = SANDBOX_KILLED, .code = -1, .out = IPW_BUF_INIT, .err = IPW_BUF_INIT, .whole = true};
    ipw_buf_addf(&before, "%s_files = [", prelude);
    bool ok = true;
    for (size_t i = 0; ok && i < job->n_files; i++) {
        int fd = file_of("", &job->files[i]);
        ok = fd >= 0;
        if (ok)
            files.more[files.n_more++] = fd;
        ipw_buf_addf(&before, "%d,", fd);
    }
    ipw_buf_adds(&before, "]\n");
    size_t n_ours = files.n_more;
    if (filter >= 0)
        files.more[files.n_more++] = filter;
    files.input = file_of(before.s, job->text);
    ok = ok && files.input >= 0 && !pipe2(out, O_CLOEXEC) && !pipe2(errors, O_CLOEXEC);
    s->limits.cpu_s = (uint64_t)job->timeout_s + 2;
    struct stream streams[2] = {{out[0], SANDBOX_OUTPUT + job->more, 0, &r->out}, {errors[0], SANDBOX_OUTPUT, 0, &r->err}};
    files.output = out[1];
    files.errors = errors[1];
    if (ok)
        run(s, &files, filter, streams, job->timeout_s, r);
    else
        ipw_buf_addf(&r->err, "no room for the program: %s", strerror(errno));
    close_stream(&streams[0]);
    close_stream(&streams[1]);
    for (size_t i = 0; i < n_ours; i++)
        close(files.more[i]);
    if (files.input >= 0)
        close(files.input);
    if (filter >= 0)
        close(filter);
    ipw_buf_release(&before);
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
    sandbox_python(s, &(struct sandbox_job){.text = &text, .timeout_s = 10}, &r);
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
