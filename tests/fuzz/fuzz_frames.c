/* A streamed answer of arbitrary bytes: however it is cut into pieces, the same frames come out; and whatever they say, both
 * dialects read it without a crash and with text that lies in the frame's document. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool keep(void *ud, const char *data, size_t len)
{
    struct ipw_buf *b = ud;
    ipw_buf_add(b, &len, sizeof len);
    ipw_buf_add(b, data, len);
    return true;
}

static bool read_it(void *ud, const char *data, size_t len)
{
    static char pool[4096];
    const struct dialect *d = ud;
    struct json_doc *doc;
    struct ipw_err err;
    struct piece p;
    if (json_read_in(&doc, pool, sizeof pool, data, len, &err))
        return true;
    piece_init(&p);
    d->read(json_root(doc), &p);
    int64_t counts[] = {p.n_in, p.n_cached, p.n_out, p.n_reason, p.load_ns, p.prompt_ns, p.decode_ns};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i] < 0 && counts[i] != ENGINE_UNKNOWN)
            abort();
    if (p.text_len > len || p.thinking_len > len || (p.text_len && p.text[p.text_len]) ||
        (p.thinking_len && p.thinking[p.thinking_len]) || (p.error && strlen(p.error) > len + 100))
        abort();
    json_doc_free(doc);
    return true;
}

static void feed(enum frames_kind kind, const char *p, size_t n, size_t step, frames_fn *fn, void *ud)
{
    struct frames f;
    frames_init(&f);
    frames_reset(&f, kind);
    for (size_t i = 0; i < n; i += step) {
        size_t m = n - i < step ? n - i : step;
        char *piece = malloc(m); /* alone, so that a look beyond it is found */
        memcpy(piece, p + i, m);
        if (!frames_feed(&f, piece, m, fn, ud))
            abort();
        free(piece);
    }
    if (!frames_end(&f, fn, ud))
        abort();
    frames_release(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *p = (const char *)data + 1;
    size_t n = size - 1, step = 1 + data[0] % 16;
    for (int kind = FRAMES_SSE; kind <= FRAMES_WHOLE; kind++) {
        struct ipw_buf once = IPW_BUF_INIT, cut = IPW_BUF_INIT;
        feed((enum frames_kind)kind, p, n, n ? n : 1, keep, &once);
        feed((enum frames_kind)kind, p, n, step, keep, &cut);
        if (once.len != cut.len || memcmp(once.s, cut.s, cut.len) != 0)
            abort();
        ipw_buf_release(&once);
        ipw_buf_release(&cut);
        union {
            const void *in;
            void *out;
        } dialects[] = {{&dialect_openai}, {&dialect_ollama}};
        for (int d = 0; d < 2; d++)
            feed((enum frames_kind)kind, p, n, n ? n : 1, read_it, dialects[d].out);
    }
    return 0;
}
