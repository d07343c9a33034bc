/* Equality of mathematical answers on two arbitrary texts: it ends, and a text that is not blank equals itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "score/math.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipw_arena arena;
    const uint8_t *cut = memchr(data, '\n', size);
    size_t first = cut ? (size_t)(cut - data) : size / 2, second = first + (cut != NULL);
    struct span a = {(const char *)data, first}, b = {(const char *)data + second, size - second};
    ipw_arena_init(&arena);
    math_equal(a, b, &arena);
    struct span plain = math_plain(a, a, &arena);
    if (plain.n && a.n <= MATH_MAX && !math_equal(a, a, &arena))
        abort();
    math_hendrycks(a, &arena);
    math_minerva(b, &arena);
    ipw_arena_release(&arena);
    return 0;
}
