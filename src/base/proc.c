#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <grp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

enum { POLL_MS = 5 }; /* without a pidfd */

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
#else
    (void)pid;
    return -1;
#endif
}

/* What the parent catches, the new program gets by default; what was ignored before the parent began stays ignored. */
static void reset_signals(void)
{
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction a;
        bool ours = sig == SIGPIPE || sig == SIGXFSZ;
        if (!sigaction(sig, NULL, &a) && (ours || a.sa_handler != SIG_IGN) && a.sa_handler != SIG_DFL) {
            a = (struct sigaction){.sa_handler = SIG_DFL};
            sigaction(sig, &a, NULL);
        }
    }
}

enum place { OUR_GROUP, OWN_GROUP, OWN_SESSION };

struct birth { /* how a program begins */
    const struct proc_files *files; /* NULL: ours */
    enum place place;
    const struct proc_limits *limits; /* NULL: none */
};

static bool limit(int what, uint64_t n)
{
    struct rlimit r = {n, n};
    return n == 0 || !setrlimit(what, &r);
}

static bool confine(const struct proc_limits *l)
{
    struct rlimit none = {0, 0};
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "1000", 4);
        close(fd);
    }
    return limit(RLIMIT_CPU, l->cpu_s) && limit(RLIMIT_AS, l->memory) && limit(RLIMIT_FSIZE, l->file) &&
           limit(RLIMIT_NOFILE, l->files) && !setrlimit(RLIMIT_CORE, &none) &&
           (!l->uid || (!setgroups(0, NULL) && !setgid(l->uid) && !setuid(l->uid)));
}

/* Whoever started us may have left files open without close-on-exec, a folder among them. */
static void keep_only(const struct proc_files *f)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC, of newer headers */))
#endif
    {
        struct rlimit r;
        int most = !getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur < 65536 ? (int)r.rlim_cur : 65536;
        for (int fd = 3; fd < most; fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    for (size_t i = 0; i < f->n_more; i++)
        fcntl(f->more[i], F_SETFD, 0);
}

/* Between fork and exec of a process with threads only async-signal-safe calls are allowed. */
static _Noreturn void become(char *const argv[], const struct birth *b, int report, const sigset_t *mask)
{
    enum place place = b->place;
    const struct proc_files *f = b->files;
    reset_signals();
    if (place == OWN_GROUP)
        setpgid(0, 0);
    else if (place == OWN_SESSION)
        setsid();
    if (f) {
        dup2(f->input >= 0 ? f->input : open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        dup2(f->output, STDOUT_FILENO);
        dup2(f->errors, STDERR_FILENO);
    }
    if (b->limits)
        keep_only(f);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (!b->limits || confine(b->limits))
        execvp(argv[0], argv);
    int e = errno;
    ssize_t n = write(report, &e, sizeof e);
    _exit(n == sizeof e ? 127 : 126);
}

static int start(struct proc *p, char *const argv[], const struct birth *b, struct ipw_err *err)
{
    int fd[2], e = 0;
    sigset_t all, old;
    struct sigaction chld;
    *p = (struct proc){.fd = -1};
    if (pipe2(fd, O_CLOEXEC))
        return ipw_err_set(err, IPW_E_ENV, "cannot start '%s': %s; close some files", argv[0], strerror(errno));
    if (!sigaction(SIGCHLD, NULL, &chld) && chld.sa_handler == SIG_IGN) /* else its exit code would be lost */
        signal(SIGCHLD, SIG_DFL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* no handler of ours in the child */
    pid_t pid = fork();
    if (pid == 0)
        become(argv, b, fd[1], &old);
    int fork_errno = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    close(fd[1]);
    ssize_t n = 0;
    while (pid > 0 && (n = read(fd[0], &e, sizeof e)) < 0 && errno == EINTR)
        ;
    close(fd[0]);
    if (pid < 0)
        return ipw_err_set(err, IPW_E_ENV, "cannot start '%s': %s; raise the limit (ulimit -u)", argv[0],
                           strerror(fork_errno));
    if (n > 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        p->exec_errno = e;
        return ipw_err_set(err, IPW_E_INPUT,
                           e == ENOENT ? "command '%s' was not found%s; check its name and PATH"
                                       : "command '%s' cannot be executed: %s; check its permissions (chmod +x)",
                           argv[0], e == ENOENT ? "" : strerror(e));
    }
    p->pid = pid;
    p->fd = open_pidfd(pid);
    return 0;
}

int proc_start(struct proc *p, char *const argv[], struct ipw_err *err)
{
    return start(p, argv, &(struct birth){NULL, OUR_GROUP, NULL}, err);
}

static int start_into(struct proc *p, char *const argv[], int output, enum place place, struct ipw_err *err)
{
    struct proc_files files = {.input = -1, .output = output, .errors = output};
    return start(p, argv, &(struct birth){output >= 0 ? &files : NULL, place, NULL}, err);
}

int proc_start_into(struct proc *p, char *const argv[], int output, struct ipw_err *err)
{
    return start_into(p, argv, output, OUR_GROUP, err);
}

int proc_start_group(struct proc *p, char *const argv[], int output, bool session, struct ipw_err *err)
{
    return start_into(p, argv, output, session ? OWN_SESSION : OWN_GROUP, err);
}

int proc_start_limited(struct proc *p, char *const argv[], const struct proc_files *files, const struct proc_limits *limits,
                       struct ipw_err *err)
{
    return start(p, argv, &(struct birth){files, OWN_GROUP, limits}, err);
}

/* Only async-signal-safe calls: it is the child of a process that may have threads. */
static _Noreturn void keeper(int fd, pid_t leader)
{
    char word;
    ssize_t n;
    for (int other = 0; other < 1024; other++)
        if (other != fd)
            close(other);
    setpgid(0, 0);
    while ((n = read(fd, &word, 1)) < 0 && errno == EINTR)
        ;
    if (n > 0) /* told to go */
        _exit(0);
    kill(-leader, SIGTERM);
    for (int i = 0; i < 100 && !kill(-leader, 0); i++)
        poll(NULL, 0, 100);
    kill(-leader, SIGKILL);
    _exit(0);
}

int proc_keep(pid_t leader)
{
    int fd[2];
    sigset_t all, old;
    if (pipe2(fd, O_CLOEXEC))
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* the keeper is deaf to what stops us */
    pid_t first = fork(), pid = first;
    if (first == 0) { /* it has no parent that would have to wait for it */
        close(fd[1]);
        if (fork() == 0)
            keeper(fd[0], leader);
        _exit(0);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(fd[0]);
    if (pid > 0)
        return fd[1];
    close(fd[1]);
    return -1;
}

void proc_keep_end(int fd)
{
    if (fd < 0)
        return;
    (void)!write(fd, "q", 1);
    close(fd);
}

void proc_signal_group(const struct proc *p, int sig)
{
    if (p->pid > 0 && !p->done)
        kill(-p->pid, sig);
}

bool proc_wait(struct proc *p, int timeout_ms)
{
    for (int left = timeout_ms;; left = timeout_ms < 0 ? -1 : left - POLL_MS) {
        pid_t pid = p->done ? p->pid : waitpid(p->pid, &p->status, WNOHANG);
        p->done = p->done || pid == p->pid || (pid < 0 && errno == ECHILD);
        if (p->done || (timeout_ms >= 0 && left <= 0))
            return p->done;
        struct pollfd f = {p->fd, POLLIN, 0}; /* a negative descriptor is a plain sleep */
        int slice = p->fd >= 0 ? left : left >= 0 && left < POLL_MS ? left : POLL_MS;
        if (poll(&f, 1, slice) < 0 && errno == EINTR)
            timeout_ms = left = 0; /* look once more, then let the caller see to the signal */
        else if (p->fd >= 0)
            left = timeout_ms = timeout_ms < 0 ? -1 : 0;
    }
}

void proc_signal(const struct proc *p, int sig)
{
    if (p->pid > 0 && !p->done)
        kill(p->pid, sig); /* not waited for yet, so the number is still its own */
}

int proc_exit_code(const struct proc *p)
{
    return WIFSIGNALED(p->status) ? 128 + WTERMSIG(p->status) : WEXITSTATUS(p->status);
}

void proc_release(struct proc *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}
