/* Records of public sets out of arbitrary bytes: what is converted must be readable as a set's records. The first byte
 * chooses the set. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/catalogue.h"
#include "dataset/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalogue *c;
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err = {0};
    size_t n;
    if (!c)
        c = catalogue_open();
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    if (!size)
        return 0;
    int rc = catalogue_convert(&sets[data[0] % n], (const char *)data + 1, size - 1, &out, &err);
    if (rc && (rc != IPW_E_INPUT || !*err.text))
        abort();
    struct dataset d = {0};
    ipw_arena_init(&d.arena);
    if (!rc && out.len && dataset_read_jsonl(&d, "fuzz", out.s, out.len, &err) && !strstr(err.text, "is that of line") &&
        !strstr(err.text, "is empty"))
        abort();
    free(d.v);
    ipw_arena_release(&d.arena);
    ipw_buf_release(&out);
    return 0;
}
