#include "net/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"

enum { BLOCK = 65536, MEMBERS = 100000 };

static int damaged(struct archive *a, const char *path, struct ipw_err *err)
{
    const char *why = archive_error_string(a);
    return ipw_err_set(err, IPW_E_INPUT, "'%s' is damaged or no archive: %.300s; take it again", path,
                       why ? why : "it cannot be read");
}

/* Opens the archive at the member's data. */
static int find(struct archive **out, const char *path, const char *pattern, struct ipw_err *err)
{
    struct archive *a = *out = archive_read_new();
    struct archive_entry *entry;
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* libarchive's own words for a missing file are poor */
    if (fd < 0)
        return ipw_err_set(err, IPW_E_INPUT, "cannot open '%s': %s; check the path", path, fs_reason(errno));
    close(fd);
    archive_read_support_format_zip(a);
    archive_read_support_format_tar(a);
    archive_read_support_filter_gzip(a);
    if (archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK)
        return damaged(a, path, err);
    for (int n = 0; n < MEMBERS; n++) {
        int r = archive_read_next_header(a, &entry);
        if (r == ARCHIVE_EOF)
            break;
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return damaged(a, path, err);
        const char *name = archive_entry_pathname(entry);
        if (name && !fnmatch(pattern, name, 0) && archive_entry_filetype(entry) == AE_IFREG)
            return 0;
    }
    return ipw_err_set(err, IPW_E_INPUT, "'%s' holds no '%s'; it is not the package that is meant", path, pattern);
}

int archive_member(const char *path, const char *pattern, size_t max, struct ipw_buf *out, struct ipw_err *err)
{
    struct archive *a;
    char block[BLOCK];
    int rc = find(&a, path, pattern, err);
    while (!rc) {
        la_ssize_t n = archive_read_data(a, block, sizeof block);
        if (n <= 0) {
            rc = n ? damaged(a, path, err) : 0;
            break;
        }
        if ((size_t)n > max - out->len)
            rc = ipw_err_set(err, IPW_E_INPUT, "'%s' in '%s' is larger than %zu MB; it is not the package that is meant",
                             pattern, path, max >> 20);
        else
            ipw_buf_add(out, block, (size_t)n);
    }
    archive_read_free(a);
    return rc;
}

static int no_room(const char *to, struct ipw_err *err)
{
    return ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s; make room, or choose another folder", to, fs_reason(errno));
}

static int copy(struct archive *a, const char *path, int fd, const char *to, struct fs_sha256 *h, struct ipw_err *err)
{
    char block[BLOCK];
    la_ssize_t n;
    while ((n = archive_read_data(a, block, sizeof block)) > 0) {
        fs_sha256_add(h, block, (size_t)n);
        for (la_ssize_t at = 0; at < n;) {
            ssize_t w = write(fd, block + at, (size_t)(n - at));
            if (w < 0 && errno != EINTR)
                return no_room(to, err);
            at += w > 0 ? w : 0;
        }
    }
    return n ? damaged(a, path, err) : 0;
}

int archive_extract(const char *path, const char *pattern, const char *to, char sha256[65], struct ipw_err *err)
{
    struct archive *a;
    int fd = -1, rc = find(&a, path, pattern, err);
    if (!rc && (fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0)
        rc = no_room(to, err);
    if (fd >= 0) {
        struct fs_sha256 *h = fs_sha256_new();
        rc = copy(a, path, fd, to, h, err);
        fs_sha256_end(h, sha256);
        if (!rc && fsync(fd) && errno != EINVAL)
            rc = no_room(to, err);
        if (close(fd) && !rc)
            rc = no_room(to, err);
        if (rc)
            unlink(to);
    }
    archive_read_free(a);
    return rc;
}
