/* Headers of GGUF files and the hub's list of files: never a crash, never much memory, never a figure out of bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/gguf.h"
#include "engine/gguf_info.h"
#include "net/hub.h"

static bool on_value(void *ud, const char *key, const struct gguf_value *v)
{
    uint64_t *sum = ud;
    *sum += strlen(key) + strlen(v->s) + (uint64_t)v->i;
    for (uint64_t i = 0; v->items && i < v->n; i++)
        *sum += (uint64_t)v->items[i];
    return true;
}

static bool on_tensor(void *ud, const struct gguf_tensor *t)
{
    *(uint64_t *)ud += strlen(t->name);
    if (t->elements < 0 || t->bytes < -1)
        abort();
    return true;
}

static void header(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    struct gguf_header h;
    struct gguf_info info;
    const char *problem;
    uint64_t sum = 0;
    if (fd < 0) {
        fd = memfd_create("gguf", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    int rc = gguf_scan(&h, fd, (int64_t)size, &(struct gguf_visitor){on_value, on_tensor}, &sum);
    if (!rc != !h.fault || (h.whole && (h.data_offset < 24 || h.end < h.data_offset)))
        abort();
    for (int whole = 0; whole < 2; whole++) {
        gguf_info_peek(&info, path, whole, &problem);
        int64_t n = gguf_info_context_in(&info, 1 << 30);
        if (n > 0 && n != info.n_ctx_train && gguf_info_context_bytes(&info, n) > 1 << 30)
            abort();
    }
}

static void list(const uint8_t *data, size_t size)
{
    struct hub_files f = {0};
    struct hub_spec s = {"o/r", ""};
    struct ipw_err err;
    size_t first, n;
    if (!hub_list_parse(&f, (const char *)data, size, &err) && !hub_choose(&f, &s, &first, &n, &err) && first + n > f.n)
        abort();
    hub_files_release(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t head[] = {'G', 'G', 'U', 'F', 3, 0, 0, 0};
    if (size && data[0] == '[') {
        list(data, size);
        return 0;
    }
    uint8_t *p = malloc(size + sizeof head); /* the magic is given, so that what follows it is fuzzed */
    memcpy(p, head, sizeof head);
    if (size)
        memcpy(p + sizeof head, data, size);
    header(p, size + sizeof head);
    free(p);
    return 0;
}
