/* The packed blobs of run.db: reading.data (fmt 1) and text.stamps. Byte layout: docs/schema.md. */
#ifndef IPW_STORE_PACK_H
#define IPW_STORE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Times are ns since the segment's anchor; raw is what the counter said; status 0 or -errno. */
struct store_reading {
    int64_t t_before, t_after;
    uint64_t raw;
    int32_t status;
};

/* Appends n readings to *out; any order, any values. t0: the block's t0_ns. */
void store_pack_readings(const struct store_reading *r, size_t n, int64_t t0, struct ipw_buf *out);

/* 0, or -1 when the bytes are not exactly n readings (out is then undefined). out has room for n. */
int store_unpack_readings(const void *data, size_t size, size_t n, int64_t t0, struct store_reading *out);

/* Token times, first to last. Unpacking: out has room for `size` times (a stamp has a byte or more); gives their
 * number, or -1 when the bytes are damaged. */
void store_pack_stamps(const int64_t *t, size_t n, int64_t t_send, struct ipw_buf *out);
ptrdiff_t store_unpack_stamps(const void *data, size_t size, int64_t t_send, int64_t *out);

#endif
