/* Variable-length integers for packed blobs (LEB128; signed ones zigzag-coded), as in docs/schema.md. */
#ifndef IPW_BASE_VARINT_H
#define IPW_BASE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IPW_VARINT_MAX = 10 };
size_t ipw_varint_put(uint8_t *p, uint64_t v); /* bytes written, at most IPW_VARINT_MAX */
size_t ipw_varint_puts(uint8_t *p, int64_t v);

struct ipw_varint_in {
    const uint8_t *p, *end;
    bool bad; /* set when the bytes ended inside a number; reads then give 0 */
};
uint64_t ipw_varint_get(struct ipw_varint_in *in);
int64_t ipw_varint_gets(struct ipw_varint_in *in);

#endif
