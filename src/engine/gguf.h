/* GGUF headers: keys, values and the tensor table of a model's file, in one pass that stops where its caller has seen
 * enough. Long arrays (a vocabulary) are stepped over, never copied. docs/adr/0007 tells why this is ours. */
#ifndef IPW_ENGINE_GGUF_H
#define IPW_ENGINE_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gguf_kind { GGUF_INT, GGUF_REAL, GGUF_BOOL, GGUF_STR, GGUF_ARR };

enum { GGUF_ITEMS_MAX = 1024 }; /* longest array whose numbers are handed over: one for each layer */

struct gguf_value {
    enum gguf_kind kind;
    int64_t i; /* GGUF_INT (above INT64_MAX: that), GGUF_BOOL: 0, 1 */
    double f;  /* GGUF_REAL */
    const char *s; /* GGUF_STR, NUL-terminated, "" when longer than 256 KiB; until the function returns */
    size_t len;    /* as the file tells it */
    enum gguf_kind of; /* GGUF_ARR: what its elements are */
    uint64_t n;
    const int64_t *items; /* of a GGUF_INT or GGUF_BOOL array of at most GGUF_ITEMS_MAX, else NULL */
};

struct gguf_tensor {
    char name[128]; /* cut when longer */
    int64_t elements;
    uint32_t type;
    uint64_t offset; /* from the begin of the data */
    int64_t bytes;   /* -1: a type that is not known here */
};

/* Called in the file's order; false: enough, nothing more is read. An array is handed over before it is stepped over.
 * Either may be NULL. */
struct gguf_visitor {
    bool (*value)(void *ud, const char *key, const struct gguf_value *v);
    bool (*tensor)(void *ud, const struct gguf_tensor *t);
};

struct gguf_header {
    const char *fault;   /* what follows "it is": "not a GGUF file", ...; NULL: none */
    uint64_t n_tensors;
    bool whole;          /* read to its end; what follows is set then */
    int64_t data_offset; /* where the weights begin */
    int64_t end;         /* the file must have at least so many bytes */
};

/* Reads the header of the file open as fd, which has `size` bytes. Returns 0, IPW_E_INPUT (h->fault tells) or IPW_E_IO
 * (errno). Memory is bounded (below 1 MiB) whatever the file says, and so is the time: headers end at 512 MiB. */
int gguf_scan(struct gguf_header *h, int fd, int64_t size, const struct gguf_visitor *v, void *ud);

int64_t gguf_type_bytes(uint32_t type, int64_t elements); /* -1: not known, or no whole blocks */
const char *gguf_file_type(int64_t general_file_type);    /* "Q4_K_M"; NULL: not known */

#endif
