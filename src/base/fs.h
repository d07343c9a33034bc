/* Files: whole-file reads with a cap, atomic writes, paths, hashes. Plain paths: the env seam is for counters. */
#ifndef IPW_BASE_FS_H
#define IPW_BASE_FS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Reads a file of at most max bytes; IPW_E_INPUT when it is absent, a folder, or larger. */
int fs_read(const char *path, size_t max, struct ipw_buf *out, struct ipw_err *err);

/* A large file as memory that is not copied: *text stays valid until fs_unmap, as long as nobody cuts the file short. */
int fs_map(const char *path, const char **text, size_t *len, struct ipw_err *err);
void fs_unmap(const char *text, size_t len); /* NULL is fine */
void fs_map_pass(const char *text, size_t done); /* what was read so far need not stay in memory */

/* Writes a new file beside it, fsyncs, renames: readers see the old text or the new, of several writers the last wins. A
 * pipe or a device is written as it is. IPW_E_IO names path and reason. */
int fs_write_atomic(const char *path, const char *text, size_t len, struct ipw_err *err);

int fs_mkdirs(const char *path, struct ipw_err *err); /* like mkdir -p */
bool fs_exists(const char *path);
void fs_join(char *out, size_t size, const char *dir, const char *name); /* IPW_BUG when it does not fit */
const char *fs_basename(const char *path);

/* Why the folder cannot take another byte ("the disk is full", "permission denied", ...): text for errno e. */
const char *fs_reason(int e);

/* SHA-256 as 64 hex digits (FIPS 180-4, by libcrypto). */
struct fs_sha256;
struct fs_sha256 *fs_sha256_new(void);
void fs_sha256_add(struct fs_sha256 *h, const void *p, size_t n);
void fs_sha256_end(struct fs_sha256 *h, char hex[65]); /* frees h */

/* Of a whole file. Large ones take seconds: IPW_E_INTERRUPTED once *stop is not 0 (NULL: never), progress (or NULL) is
 * told the bytes that were read. */
int fs_sha256_file(const char *path, const _Atomic int *stop, void (*progress)(void *ud, int64_t done, int64_t total),
                   void *ud, char hex[65], struct ipw_err *err);

#endif
