#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "store/internal.h"

/* -1: it has the lock and is about to write its number. */
static int64_t holder(int fd)
{
    char text[24] = "";
    int64_t pid;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return ipw_parse_i64(text, &pid) ? pid : -1;
}

static int held(const char *dir, int fd, struct ipw_err *err)
{
    int64_t pid = holder(fd);
    if (pid < 0)
        return ipw_err_set(err, IPW_E_LOCKED, "run '%s' is being written by another process; wait for it or stop it",
                           dir);
    return ipw_err_set(err, IPW_E_LOCKED, "run '%s' is being written by process %lld; wait for it or stop it", dir,
                       (long long)pid);
}

/* flock, not a pid file: the kernel drops it with the process, however that ends. */
int store_lock(const char *dir, struct ipw_err *err)
{
    char path[PATH_MAX], text[24];
    fs_join(path, sizeof path, dir, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        ipw_err_set(err, IPW_E_IO, "cannot write in run folder '%s': %s; check the folder and its permissions", dir,
                    fs_reason(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK)
            held(dir, fd, err);
        else
            ipw_err_set(err, IPW_E_IO, "cannot lock '%s': %s; put the run on a file system that has locks", path,
                        strerror(errno));
        close(fd);
        return -1;
    }
    int n = snprintf(text, sizeof text, "%lld\n", (long long)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n) {
        ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s; free space, then try again", path, fs_reason(errno));
        close(fd);
        return -1;
    }
    return fd;
}

int64_t store_writer(const char *dir)
{
    char path[PATH_MAX];
    fs_join(path, sizeof path, dir, "lock");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    int64_t pid = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK ? holder(fd) : 0;
    close(fd); /* a shared lock goes with it */
    return pid;
}
