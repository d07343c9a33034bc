#include "engine/gguf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

enum {
    FIRST = 16 << 10, /* most of what a list needs; what comes after it comes in larger steps */
    CHUNK = 256 << 10,
    KEYS_MAX = 1 << 16,
    TENSORS_MAX = 1 << 18,
    KEY_MAX = 255,
};
static const int64_t header_max = 512 << 20;

static const char *const cut_off = "truncated: it ends inside its header", *const damaged = "damaged: its header makes no sense";

/* The types of values in the file, by their number; size 0: not of a fixed size. */
enum { TYPE_STR = 8, TYPE_ARR = 9 };
static const struct {
    unsigned char size;
    enum gguf_kind kind;
    bool is_signed;
} types[] = {{1, GGUF_INT, false},  {1, GGUF_INT, true}, {2, GGUF_INT, false}, {2, GGUF_INT, true}, {4, GGUF_INT, false},
             {4, GGUF_INT, true},   {4, GGUF_REAL, true}, {1, GGUF_BOOL, false}, {0, GGUF_STR, false},
             {0, GGUF_ARR, false},  {8, GGUF_INT, false}, {8, GGUF_INT, true}, {8, GGUF_REAL, true}};
enum { N_TYPES = sizeof types / sizeof types[0] };

/* Tensor types: elements of a block and its bytes, by ggml's number. */
static const struct {
    uint16_t elements, bytes;
} blocks[] = {[0] = {1, 4},      [1] = {1, 2},     [2] = {32, 18},    [3] = {32, 20},    [6] = {32, 22},
              [7] = {32, 24},    [8] = {32, 34},   [9] = {32, 36},    [10] = {256, 84},  [11] = {256, 110},
              [12] = {256, 144}, [13] = {256, 176}, [14] = {256, 210}, [15] = {256, 292}, [16] = {256, 66},
              [17] = {256, 74},  [18] = {256, 98}, [19] = {256, 50},  [20] = {32, 18},   [21] = {256, 110},
              [22] = {256, 82},  [23] = {256, 136}, [24] = {1, 1},    [25] = {1, 2},     [26] = {1, 4},
              [27] = {1, 8},     [28] = {1, 8},    [29] = {256, 56},  [30] = {1, 2},     [34] = {256, 54},
              [35] = {256, 66},  [39] = {32, 17},  [40] = {64, 36}, [41] = {128, 18}, [42] = {64, 18}};

int64_t gguf_type_bytes(uint32_t type, int64_t elements)
{
    if (type >= sizeof blocks / sizeof blocks[0] || !blocks[type].elements || elements < 0 ||
        elements % blocks[type].elements)
        return -1;
    int64_t n = elements / blocks[type].elements;
    return n > INT64_MAX / blocks[type].bytes ? -1 : n * blocks[type].bytes;
}

const char *gguf_file_type(int64_t general_file_type)
{
    static const char *const names[] = {
        [0] = "F32",      [1] = "F16",      [2] = "Q4_0",    [3] = "Q4_1",     [7] = "Q8_0",    [8] = "Q5_0",
        [9] = "Q5_1",     [10] = "Q2_K",    [11] = "Q3_K_S", [12] = "Q3_K_M",  [13] = "Q3_K_L", [14] = "Q4_K_S",
        [15] = "Q4_K_M",  [16] = "Q5_K_S",  [17] = "Q5_K_M", [18] = "Q6_K",    [19] = "IQ2_XXS", [20] = "IQ2_XS",
        [21] = "Q2_K_S",  [22] = "IQ3_XS",  [23] = "IQ3_XXS", [24] = "IQ1_S",  [25] = "IQ4_NL", [26] = "IQ3_S",
        [27] = "IQ3_M",   [28] = "IQ2_S",   [29] = "IQ2_M",  [30] = "IQ4_XS",  [31] = "IQ1_M",  [32] = "BF16",
        [36] = "TQ1_0",   [37] = "TQ2_0",   [38] = "MXFP4",  [39] = "NVFP4",
        [40] = "Q1_0",    [41] = "Q2_0"};
    return general_file_type >= 0 && general_file_type < (int64_t)(sizeof names / sizeof names[0])
               ? names[general_file_type]
               : NULL;
}

/* ---- bytes: a window over the file that only moves forward ---- */

struct in {
    int fd;
    int64_t size, at;    /* at: where buf[0] lies in the file */
    size_t pos, len;     /* the next byte, the bytes there are */
    unsigned char *buf;  /* CHUNK bytes, of which `step` are asked for at a time */
    size_t step;
    char *text;          /* a string value, CHUNK + 1 bytes; made when first needed */
    const char *fault;   /* set once, ends the reading */
    bool io;             /* it was the disk */
    int64_t items[GGUF_ITEMS_MAX];
};

static bool fail(struct in *in, const char *why)
{
    if (!in->fault)
        in->fault = why;
    return false;
}

static int64_t offset(const struct in *in)
{
    return in->at + (int64_t)in->pos;
}

static int64_t left(const struct in *in)
{
    return in->size - offset(in);
}

/* Makes n bytes (at most CHUNK) lie at buf + pos. */
static bool need(struct in *in, size_t n)
{
    if (in->len - in->pos >= n)
        return true;
    if ((uint64_t)left(in) < n)
        return fail(in, cut_off);
    in->len -= in->pos;
    memmove(in->buf, in->buf + in->pos, in->len);
    in->at += (int64_t)in->pos;
    in->pos = 0;
    if (in->at > header_max)
        return fail(in, damaged);
    size_t want = n > in->step ? n : in->step;
    in->step = CHUNK;
    while (in->len < n) {
        ssize_t k = pread(in->fd, in->buf + in->len, want - in->len, in->at + (int64_t)in->len);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            in->io = true;
        if (k <= 0)
            return fail(in, cut_off); /* 0: it shrank */
        in->len += (size_t)k;
    }
    return true;
}

static bool skip(struct in *in, uint64_t n)
{
    if (n > (uint64_t)left(in))
        return fail(in, cut_off);
    if (n <= in->len - in->pos) {
        in->pos += (size_t)n;
        return true;
    }
    in->at = offset(in) + (int64_t)n;
    in->pos = in->len = 0;
    return in->at <= header_max || fail(in, damaged);
}

static uint64_t little(const unsigned char *p, int size)
{
    uint64_t v = 0;
    for (int i = size; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static bool number(struct in *in, int size, uint64_t *v)
{
    if (!need(in, (size_t)size))
        return false;
    *v = little(in->buf + in->pos, size);
    in->pos += (size_t)size;
    return true;
}

/* The length of a string: hundreds of thousands of these make a vocabulary, so that one load matters. */
static uint64_t little8(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* A string of at most max bytes into out, NUL-terminated; a longer one is stepped over and gives "". */
static bool string(struct in *in, char *out, size_t max, uint64_t *len)
{
    *out = '\0';
    if (!number(in, 8, len))
        return false;
    if (*len > max)
        return skip(in, *len);
    if (!need(in, (size_t)*len))
        return false;
    memcpy(out, in->buf + in->pos, (size_t)*len);
    out[*len] = '\0';
    in->pos += (size_t)*len;
    return true;
}

/* ---- values ---- */

static int64_t as_int(uint64_t raw, unsigned type)
{
    int bits = 8 * types[type].size;
    if (types[type].is_signed)
        return bits < 64 && raw >> (bits - 1) ? (int64_t)(raw | ~UINT64_C(0) << bits) : (int64_t)raw;
    return raw > INT64_MAX ? INT64_MAX : (int64_t)raw;
}

static double as_real(uint64_t raw, int size)
{
    double d;
    float f;
    uint32_t r = (uint32_t)raw;
    if (size == 8) {
        memcpy(&d, &raw, sizeof d);
        return d;
    }
    memcpy(&f, &r, sizeof f);
    return (double)f;
}

static bool skip_strings(struct in *in, uint64_t n)
{
    while (n) {
        /* the usual case: the next string lies in the window */
        while (n && in->len - in->pos >= 8) {
            uint64_t len = little8(in->buf + in->pos);
            if (len > in->len - in->pos - 8)
                break;
            in->pos += 8 + (size_t)len;
            n--;
        }
        uint64_t len;
        if (n && (!number(in, 8, &len) || !skip(in, len)))
            return false;
        n -= n > 0;
    }
    return true;
}

/* Reads the head of an array, and its numbers when they are few; *rest and *strings tell what is left to step over. */
static bool array(struct in *in, struct gguf_value *v, uint64_t *rest, uint64_t *strings)
{
    uint64_t of;
    if (!number(in, 4, &of) || !number(in, 8, &v->n))
        return false;
    if (of >= N_TYPES || of == TYPE_ARR)
        return fail(in, damaged);
    unsigned size = types[of].size;
    v->of = types[of].kind;
    if (v->n > (uint64_t)left(in) / (size ? size : 8)) /* a string has 8 bytes at least */
        return fail(in, cut_off);
    if (of == TYPE_STR) {
        *strings = v->n;
        return true;
    }
    *rest = v->n * size;
    if (v->of == GGUF_REAL || v->n > GGUF_ITEMS_MAX)
        return true;
    if (!need(in, (size_t)*rest))
        return false;
    for (size_t i = 0; i < v->n; i++)
        in->items[i] = as_int(little(in->buf + in->pos + i * size, (int)size), (unsigned)of);
    v->items = in->items;
    return true;
}

/* One key with its value; *more: the visitor wants to go on. */
static bool pair(struct in *in, const struct gguf_visitor *visit, void *ud, uint64_t *alignment, bool *more)
{
    char key[KEY_MAX + 1];
    struct gguf_value v = {.s = ""};
    uint64_t len, type, raw, rest = 0, strings = 0;
    if (!string(in, key, KEY_MAX, &len) || !number(in, 4, &type))
        return false;
    if (type >= N_TYPES)
        return fail(in, damaged);
    v.kind = types[type].kind;
    if (type == TYPE_STR) {
        if (!in->text)
            in->text = ipw_malloc(CHUNK + 1);
        if (!string(in, in->text, CHUNK, &len))
            return false;
        v.s = in->text;
        v.len = (size_t)len;
    } else if (type == TYPE_ARR) {
        if (!array(in, &v, &rest, &strings))
            return false;
    } else {
        if (!number(in, types[type].size, &raw))
            return false;
        if (v.kind == GGUF_REAL)
            v.f = as_real(raw, types[type].size);
        else
            v.i = as_int(raw, (unsigned)type);
        if (!strcmp(key, "general.alignment") && v.kind == GGUF_INT)
            *alignment = raw;
    }
    *more = !visit->value || visit->value(ud, key, &v);
    return !*more || (skip(in, rest) && skip_strings(in, strings));
}

static bool tensor(struct in *in, struct gguf_tensor *t)
{
    uint64_t len, dims, ne, type;
    *t = (struct gguf_tensor){.elements = 1};
    if (!string(in, t->name, sizeof t->name - 1, &len) || !number(in, 4, &dims))
        return false;
    if (dims > 4)
        return fail(in, damaged);
    for (uint64_t i = 0; i < dims; i++) {
        if (!number(in, 8, &ne))
            return false;
        if (ne > INT64_MAX || (ne && t->elements > INT64_MAX / (int64_t)ne))
            return fail(in, damaged);
        t->elements *= (int64_t)ne;
    }
    if (!number(in, 4, &type) || !number(in, 8, &t->offset))
        return false;
    if (t->offset > INT64_MAX / 4)
        return fail(in, damaged);
    t->type = (uint32_t)type;
    t->bytes = gguf_type_bytes(t->type, t->elements);
    return true;
}

static bool begin(struct in *in, uint64_t *n_tensors, uint64_t *n_keys)
{
    uint64_t version = 0;
    if (in->size < 8 || !need(in, 8) || memcmp(in->buf, "GGUF", 4) != 0)
        return fail(in, "not a GGUF file");
    in->pos = 4;
    if (!number(in, 4, &version))
        return false;
    if (version && !(version & 0xffff))
        return fail(in, "a GGUF file for processors of another byte order");
    if (version < 2 || version > 3)
        return fail(in, version < 2 ? "a GGUF file of version 1, which nothing reads any more"
                                    : "a GGUF file of a version newer than this program");
    if (!number(in, 8, n_tensors) || !number(in, 8, n_keys))
        return false;
    return (*n_tensors <= TENSORS_MAX && *n_keys <= KEYS_MAX) || fail(in, damaged);
}

static bool scan(struct gguf_header *h, struct in *in, const struct gguf_visitor *visit, void *ud)
{
    uint64_t n_keys, alignment = 32;
    int64_t end = 0;
    bool more = true;
    if (!begin(in, &h->n_tensors, &n_keys))
        return false;
    for (uint64_t i = 0; i < n_keys && more; i++)
        if (!pair(in, visit, ud, &alignment, &more))
            return false;
    for (uint64_t i = 0; i < h->n_tensors && more; i++) {
        struct gguf_tensor t;
        if (!tensor(in, &t))
            return false;
        int64_t bytes = t.bytes > 0 ? t.bytes : 0;
        if (bytes > INT64_MAX / 4)
            return fail(in, damaged);
        end = (int64_t)t.offset + bytes > end ? (int64_t)t.offset + bytes : end;
        more = !visit->tensor || visit->tensor(ud, &t);
    }
    if (!more)
        return true;
    if (!alignment || alignment > 1 << 20 || (alignment & (alignment - 1)))
        return fail(in, damaged);
    h->whole = true;
    h->data_offset = (offset(in) + (int64_t)alignment - 1) & -(int64_t)alignment;
    h->end = h->data_offset + end;
    return true;
}

int gguf_scan(struct gguf_header *h, int fd, int64_t size, const struct gguf_visitor *v, void *ud)
{
    struct in in = {.fd = fd, .size = size, .buf = ipw_malloc(CHUNK), .step = FIRST};
    *h = (struct gguf_header){0};
    bool ok = scan(h, &in, v, ud);
    int e = errno;
    free(in.buf);
    free(in.text);
    errno = e;
    h->fault = in.fault;
    return ok ? 0 : in.io ? IPW_E_IO : IPW_E_INPUT;
}
