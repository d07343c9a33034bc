/* Any name and text of a captured file: no crash, shape and lines are kept, a bare host name never is. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/scrub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct scrub s = {.salt = "0011", .host = "toaster"};
    char name[32] = "";
    size_t n = size && data[0] < sizeof name ? data[0] : 0;
    if (size <= n)
        return 0;
    memcpy(name, data + 1, n);
    const char *text = (const char *)data + 1 + n;
    struct ipw_buf out = IPW_BUF_INIT;
    scrub_text(&s, name, text, size - 1 - n, &out);
    if (out.len != size - 1 - n)
        abort();
    bool binary = memchr(text, '\0', out.len);
    for (size_t i = 0; !binary && i < out.len; i++)
        if (text[i] == '\n' && out.s[i] != '\n')
            abort();
    char *whole = !binary && out.len == 7 ? memmem(out.s, out.len, "toaster", 7) : NULL;
    if (whole)
        abort();
    ipw_buf_release(&out);
    return 0;
}
