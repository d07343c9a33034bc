/* The packed blobs of run.db (docs/schema.md): raw readings and token stamps as variable-length differences. */
#ifndef IPW_STORE_PACK_H
#define IPW_STORE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct store_reading { /* times are ns since the segment's anchor */
    int64_t t_before, t_after;
    uint64_t raw;
    int32_t status; /* 0 or -errno */
};

/* reading.data, fmt 1. t0 is the block's t0_ns. */
void store_pack_readings(const struct store_reading *v, size_t n, int64_t t0, struct ipw_buf *out);

/* Unpacks exactly n readings into out; -1 when the bytes do not hold them. */
int store_unpack_readings(const void *data, size_t size, size_t n, int64_t t0, struct store_reading *out);

/* text.stamps: token times, differences from t_send on. */
void store_pack_stamps(const int64_t *t, size_t n, int64_t t_send, struct ipw_buf *out);

/* Unpacks up to cap stamps; returns how many there are, -1 for damaged bytes. */
int64_t store_unpack_stamps(const void *data, size_t size, int64_t t_send, int64_t *out, size_t cap);

#endif
