#include "base/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn(pid_t *pid, const char *path, int sock)
{
    static const int streams[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    size_t len = strlen(path) + 1;
    char name[512], *argv[] = {name, NULL}, *no_env[] = {NULL};
    if (len > sizeof name)
        return -ENAMETOOLONG;
    memcpy(name, path, len);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, broken_pipe;
    sigemptyset(&none);
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    /* The socket first: it may itself be one of the standard streams. */
    int rc = posix_spawn_file_actions_adddup2(&files, sock, IPW_HELPER_FD);
    for (size_t i = 0; i < 3 && !rc; i++)
        rc = posix_spawn_file_actions_addopen(&files, streams[i], "/dev/null", O_RDWR, 0);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &broken_pipe);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!rc)
        rc = posix_spawn(pid, name, &files, &attr, argv, no_env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return -rc;
}

int ipw_helper_start(struct ipw_helper *p, const char *path)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
        return -errno;
    fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    fcntl(pair[1], F_SETFD, FD_CLOEXEC); /* the child's copy under its new number has no such flag */
    int rc = spawn(&p->pid, path, pair[1]);
    close(pair[1]);
    if (rc)
        close(pair[0]);
    p->sock = pair[0];
    return rc;
}

/* 0 when there is something to read. */
static int await(int sock, const struct ipw_env *env, int64_t deadline)
{
    struct pollfd wait = {.fd = sock, .events = POLLIN};
    for (;;) {
        int64_t left = deadline - ipw_now(env);
        if (left <= 0)
            return -ETIMEDOUT;
        int n = poll(&wait, 1, (int)(left / 1000000) + 1);
        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

/* The first descriptor of a message; room for one leaves, padded, room for two. */
static int take_fd(struct msghdr *msg)
{
    int fd = -1, got;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof got <= c->cmsg_len; at += sizeof got) {
            memcpy(&got, (char *)c + at, sizeof got);
            fcntl(got, F_SETFD, FD_CLOEXEC);
            if (fd < 0)
                fd = got;
            else
                close(got);
        }
    }
    return fd;
}

ssize_t ipw_helper_receive(struct ipw_helper *p, const struct ipw_env *env, int64_t deadline, char *text, size_t size,
                         int *fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {text, size - 1};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    *fd = -1;
    int rc = await(p->sock, env, deadline);
    if (rc)
        return rc;
    ssize_t n = recvmsg(p->sock, &msg, 0);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    *fd = take_fd(&msg);
    return n;
}

void ipw_helper_end(struct ipw_helper *p)
{
    close(p->sock);
    kill(-p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
