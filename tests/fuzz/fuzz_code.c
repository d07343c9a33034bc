/* Blocks of code in answers made of what can begin and end them: what is found is no longer than the
 * answer, and all of it where there are no fences. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "score/code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const parts[] = {"```",    "````", "`",  "\n", "\n", "\"\"\"", "'''", "\"", "'",
                                        "python", "py",   "sh", " ",  "\t", "#",      "\\",  "x",  "x = 1\n"};
    struct ipw_buf text = IPW_BUF_INIT;
    struct ipw_arena arena;
    for (size_t i = 0; i < size; i++)
        ipw_buf_adds(&text, parts[data[i] % (sizeof parts / sizeof parts[0])]);
    ipw_arena_init(&arena);
    struct span t = {memcpy(ipw_arena_alloc(&arena, text.len + 1), text.s, text.len), text.len}, in = code_in(t, &arena);
    if (in.n > t.n || (!memchr(t.s, '`', t.n) && in.n != t.n))
        abort();
    ipw_arena_strndup(&arena, in.s, in.n);
    ipw_arena_release(&arena);
    ipw_buf_release(&text);
    return 0;
}
