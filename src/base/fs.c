#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { TMP_TRIES = 100 };

const char *fs_reason(int e)
{
    return e == ENOSPC ? "the disk is full" : e == EDQUOT ? "the disk quota is used up" : strerror(e);
}

int fs_map(const char *path, const char **text, size_t *len, struct ipw_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *p = fd >= 0 && !fstat(fd, &st) ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    int e = errno;
    if (fd >= 0)
        close(fd);
    *text = NULL;
    if (p == MAP_FAILED)
        return ipw_err_set(err, IPW_E_INPUT, "cannot read '%s': %s", path, fs_reason(e));
    *text = p;
    *len = (size_t)st.st_size;
    return 0;
}

void fs_unmap(const char *text, size_t len)
{
    if (text)
        munmap((void *)(uintptr_t)text, len);
}

void fs_map_pass(const char *text, size_t done)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    madvise((void *)(uintptr_t)text, done / page * page, MADV_DONTNEED);
}

int fs_read(const char *path, size_t max, struct ipw_buf *out, struct ipw_err *err)
{
    struct stat st;
    int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "cannot read '%s': %s", path, strerror(errno));
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "'%s' is a folder, a file is needed", path);
        goto out;
    }
    for (;;) {
        ipw_buf_reserve(out, 65536);
        ssize_t n = read(fd, out->s + out->len, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = ipw_err_set(err, IPW_E_IO, "cannot read '%s': %s", path, strerror(errno));
            goto out;
        }
        if (n == 0)
            break;
        out->len += (size_t)n;
        out->s[out->len] = '\0';
        if (out->len > max) {
            rc = ipw_err_set(err, IPW_E_INPUT, "'%s' is larger than %zu MiB, the limit for this kind of file",
                             path, max >> 20);
            goto out;
        }
    }
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* A new file beside the target, with a name that nobody else has: "dir/.name.XXXXXX". Its mode is the old file's, or what
 * a new one gets: the kernel's business, as umask() would be every thread's. */
static int open_beside(const char *path, const struct stat *old, char *tmp, size_t size)
{
    const char *name = fs_basename(path);
    for (int i = 0; i < TMP_TRIES; i++) {
        unsigned char r[3];
        if (getentropy(r, sizeof r))
            break;
        if ((size_t)snprintf(tmp, size, "%.*s.%.200s.%02x%02x%02x", (int)(name - path), path, name, r[0], r[1], r[2]) >=
            size) {
            errno = ENAMETOOLONG;
            break;
        }
        int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0 && old)
            fchmod(fd, old->st_mode & 0777); /* some file systems have no modes */
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            break;
    }
    *tmp = '\0'; /* nothing to remove */
    return -1;
}

int fs_write_atomic(const char *path, const char *text, size_t len, struct ipw_err *err)
{
    char tmp[PATH_MAX] = "";
    struct stat st;
    bool there = !stat(path, &st), direct = there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode); /* a pipe, a device */
    int fd = direct ? open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC) : open_beside(path, there ? &st : NULL, tmp, sizeof tmp);
    if (fd >= 0 && !write_all(fd, text, len) && (direct || !fsync(fd))) {
        int closed = close(fd);
        fd = -1;
        if (!closed && (direct || !rename(tmp, path)))
            return 0;
    }
    int e = errno;
    if (fd >= 0)
        close(fd);
    if (*tmp)
        unlink(tmp);
    return ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", path, fs_reason(e));
}

int fs_mkdirs(const char *path, struct ipw_err *err)
{
    char p[PATH_MAX];
    if ((size_t)snprintf(p, sizeof p, "%s", path) >= sizeof p)
        return ipw_err_set(err, IPW_E_INPUT, "path '%s' is too long", path);
    for (char *s = p + 1;; s++) {
        if (*s != '/' && *s)
            continue;
        char c = *s;
        *s = '\0';
        struct stat st;
        if (mkdir(p, 0777) && (errno != EEXIST || (stat(p, &st) == 0 && !S_ISDIR(st.st_mode))))
            return ipw_err_set(err, IPW_E_ENV, "cannot make folder '%s': %s; choose another: --output-dir for runs, "
                               "IPW_DATA for question sets and models",
                               p, errno == EEXIST ? "a file of that name is there" : fs_reason(errno));
        *s = c;
        if (!c)
            return 0;
    }
}

bool fs_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

void fs_join(char *out, size_t size, const char *dir, const char *name)
{
    size_t n = strlen(dir);
    const char *sep = n && dir[n - 1] == '/' ? "" : "/";
    if ((size_t)snprintf(out, size, "%s%s%s", dir, sep, name) >= size)
        IPW_BUG("path '%s/%s' does not fit", dir, name);
}

const char *fs_basename(const char *path)
{
    const char *s = strrchr(path, '/');
    return s ? s + 1 : path;
}

struct fs_sha256 *fs_sha256_new(void)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!c || !EVP_DigestInit_ex(c, EVP_sha256(), NULL))
        IPW_BUG("cannot start SHA-256");
    return (struct fs_sha256 *)c;
}

void fs_sha256_add(struct fs_sha256 *h, const void *p, size_t n)
{
    EVP_DigestUpdate((EVP_MD_CTX *)h, p, n);
}

void fs_sha256_end(struct fs_sha256 *h, char hex[65])
{
    unsigned char d[32];
    EVP_DigestFinal_ex((EVP_MD_CTX *)h, d, NULL);
    EVP_MD_CTX_free((EVP_MD_CTX *)h);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", d[i]);
}

int fs_sha256_file(const char *path, const _Atomic int *stop, void (*progress)(void *ud, int64_t done, int64_t total),
                   void *ud, char hex[65], struct ipw_err *err)
{
    enum { CHUNK = 1 << 20 };
    struct stat st;
    int64_t done = 0;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        int e = errno;
        if (fd >= 0)
            close(fd);
        return ipw_err_set(err, IPW_E_INPUT, "cannot read '%s': %s", path, strerror(e));
    }
    struct fs_sha256 *h = fs_sha256_new();
    char *buf = ipw_malloc(CHUNK);
    while (!(stop && atomic_load(stop)) && ((n = read(fd, buf, CHUNK)) > 0 || (n < 0 && errno == EINTR))) {
        if (n < 0)
            continue;
        fs_sha256_add(h, buf, (size_t)n);
        done += n;
        if (progress)
            progress(ud, done, (int64_t)st.st_size);
    }
    int e = errno;
    fs_sha256_end(h, hex);
    free(buf);
    close(fd);
    if (stop && atomic_load(stop))
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted while '%s' was read", path);
    return n < 0 ? ipw_err_set(err, IPW_E_IO, "cannot read '%s': %s", path, strerror(e)) : 0;
}
