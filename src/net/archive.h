/* Members of zip and tar archives (wheels, source packages), by libarchive. Nothing is ever written under a name that
 * stands in an archive. */
#ifndef IPW_NET_ARCHIVE_H
#define IPW_NET_ARCHIVE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* The first member whose name matches the pattern (fnmatch) into memory. IPW_E_INPUT: no archive, a damaged one, no such
 * member, or more than max bytes. */
int archive_member(const char *archive, const char *pattern, size_t max, struct ipw_buf *out, struct ipw_err *err);

/* The same into a new file; an unfinished one is deleted. sha256: of what was written. IPW_E_IO names the disk's trouble. */
int archive_extract(const char *archive, const char *pattern, const char *to, char sha256[65], struct ipw_err *err);

#endif
