/* Files of /sys for collectors: numbers and texts by path, and descriptors that outlive what is behind them. */
#ifndef IPW_ENERGY_SYSFS_H
#define IPW_ENERGY_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "energy/live_fd.h"

/* ---- by path, while opening ---- */

/* The text of one read: digits (signed: with or without '-'), with or without white space around them. 0; -ENODATA when
 * there is nothing, -EINVAL for anything else and for what does not fit. */
int sysfs_parse_u64(const char *s, ssize_t n, uint64_t *out);
int sysfs_parse_i64(const char *s, ssize_t n, int64_t *out);

/* As ipw_env_read, the path by printf. */
int sysfs_text(const struct ipw_env *env, char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The number there, `none` when there is none. Decimal, or hex with 0x. */
int64_t sysfs_number(const struct ipw_env *env, int64_t none, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The names in a folder that begin with prefix, in the order of their numbers (hwmon9 before hwmon10). */
struct sysfs_names {
    char (*v)[64];
    size_t n, cap;
};
void sysfs_list(const struct ipw_env *env, const char *folder, const char *prefix, struct sysfs_names *out);
void sysfs_names_release(struct sysfs_names *names);

/* Makes a text fit for an id: no white space, and no commas (they part the items of --include). */
void sysfs_word(char *s);

/* ---- by descriptor, while measuring ---- */

struct sysfs_file {
    char path[192];
    struct live_fd live;
};

/* Opens nothing yet. False: the path is too long. */
bool sysfs_file_init(struct sysfs_file *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int sysfs_file_open(struct sysfs_file *f, const struct ipw_env *env); /* 0 or -errno */
void sysfs_file_close(struct sysfs_file *f, const struct ipw_env *env);

/* One read from the beginning: bytes or -errno. Any thread; no allocation. */
ssize_t sysfs_file_read(struct sysfs_file *f, const struct ipw_env *env, void *buf, size_t size);
int sysfs_file_u64(struct sysfs_file *f, const struct ipw_env *env, uint64_t *out);
int sysfs_file_i64(struct sysfs_file *f, const struct ipw_env *env, int64_t *out);

/* Did a read find its device gone? Then the caller checks that the path means the same device still, and reopens. One
 * thread only, beside readers. */
bool sysfs_file_gone(struct sysfs_file *f);
void sysfs_file_reopen(struct sysfs_file *f, const struct ipw_env *env);

#endif
