/* One ipw at a time takes a set, and what a killed one left goes away with the next. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "cli/sets.h"

/* The kernel drops a lock with its process. -1: another one has it; -2: no locks here. */
static int lock(const char *path, int flags)
{
    struct stat mine, there;
    for (;;) {
        int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd < 0)
            return -2;
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            int e = errno;
            close(fd);
            errno = e;
            return e == EWOULDBLOCK ? -1 : -2;
        }
        if (!fstat(fd, &mine) && !stat(path, &there) && mine.st_ino == there.st_ino)
            return fd;
        close(fd); /* the other one has just removed it */
    }
}

static int lock_path(const char *name, char out[PATH_MAX], struct ipw_err *err)
{
    char dir[PATH_MAX], base[300];
    int rc = sets_dir(dir, err);
    snprintf(base, sizeof base, ".%.250s.lock", name);
    if (!rc && !(rc = fs_mkdirs(dir, err)))
        fs_join(out, PATH_MAX, dir, base);
    return rc;
}

int set_lock(const char *name, int *fd, struct ipw_err *err)
{
    char path[PATH_MAX];
    *fd = -1;
    int rc = lock_path(name, path, err);
    if (rc)
        return rc;
    if ((*fd = lock(path, O_RDWR | O_CREAT)) >= 0)
        return 0;
    rc = *fd == -1 ? ipw_err_set(err, IPW_E_LOCKED, "'%s' is being taken by another ipw; wait for it", name)
                   : ipw_err_set(err, IPW_E_IO, "cannot lock '%s': %s; set IPW_DATA to a folder of yours", path, fs_reason(errno));
    *fd = -1;
    return rc;
}

void set_unlock(const char *name, int fd)
{
    char path[PATH_MAX];
    struct ipw_err ignored;
    if (fd < 0 || lock_path(name, path, &ignored))
        return;
    unlink(path);
    close(fd);
}

void sets_remove(const char *folder)
{
    char path[PATH_MAX];
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strlen(folder) + strlen(e->d_name) + 2 < sizeof path) {
            fs_join(path, sizeof path, folder, e->d_name);
            unlink(path);
        }
    if (d)
        closedir(d);
    rmdir(folder);
}

/* Folders of pulls that were killed: nobody holds them. */
static void remove_abandoned(const char *dir)
{
    char path[PATH_MAX];
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!ipw_starts(e->d_name, ".pull-") || strlen(dir) + strlen(e->d_name) + 2 >= sizeof path)
            continue;
        fs_join(path, sizeof path, dir, e->d_name);
        int fd = lock(path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
            continue;
        sets_remove(path);
        close(fd);
    }
    if (d)
        closedir(d);
}

int sets_temp(const char *dir, char out[PATH_MAX], int *fd, struct ipw_err *err)
{
    remove_abandoned(dir);
    *fd = -1;
    for (int i = 0; i < 3 && *fd < 0; i++) { /* one that is made is not held yet: another ipw may remove it */
        fs_join(out, PATH_MAX, dir, ".pull-XXXXXX");
        if (!mkdtemp(out))
            break;
        *fd = lock(out, O_RDONLY | O_DIRECTORY);
    }
    if (*fd >= 0)
        return 0;
    return ipw_err_set(err, IPW_E_IO, "cannot make a folder in '%s': %s; set IPW_DATA to a folder of yours", dir, fs_reason(errno));
}
