/* Screens against tests/data/screen/NAME.txt; IPW_GOLDEN=write keeps the new ones. */
#ifndef IPW_TESTS_GOLDEN_H
#define IPW_TESTS_GOLDEN_H

#include "base/fs.h"
#include "base/str.h"

static inline void golden(const char *name, const char *text)
{
    char path[512];
    struct ipw_buf want = IPW_BUF_INIT;
    struct ipw_err err;
    const char *root = getenv("IPW_SOURCE"), *mode = getenv("IPW_GOLDEN");
    snprintf(path, sizeof path, "%s/tests/data/screen/%s.txt", root ? root : ".", name);
    if (ipw_streq(mode, "write"))
        assert_int_equal(fs_write_atomic(path, text, strlen(text), &err), 0);
    if (fs_read(path, 1 << 16, &want, &err))
        fail_msg("%s", err.text);
    if (strcmp(text, want.s) != 0) {
        print_error("%s: the screen is\n%s", path, text);
        fail_msg("it differs from tests/data/screen/%s.txt; read it, then IPW_GOLDEN=write keeps it", name);
    }
    ipw_buf_release(&want);
}

#endif
