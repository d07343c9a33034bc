/* What every unit test includes: cmocka in its required order, and helpers that print both operands. */
#ifndef IPW_TESTS_CHECK_H
#define IPW_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define check_near(got, want, rel)                                                                 \
    check_near_at((got), (want), (rel), #got, __FILE__, __LINE__)
static inline void check_near_at(double got, double want, double rel, const char *what,
                                 const char *file, int line)
{
    if (!(fabs(got - want) <= rel * fmax(fabs(want), 1e-300))) {
        print_error("%s is %.12g, expected %.12g\n", what, got, want);
        _fail(file, line);
    }
}

/* A path under ../shared, or NULL when this checkout has none. */
static inline const char *check_shared(const char *name, char *out, size_t size)
{
    const char *dir = getenv("IPW_SHARED");
    snprintf(out, size, "%s/%s", dir ? dir : "../shared", name);
    FILE *f = fopen(out, "r");
    if (!f)
        return NULL;
    fclose(f);
    return out;
}

#endif
