/* A ring of readings with one producer and one consumer. Never blocks: a full ring counts `lost`. */
#ifndef IPW_ENERGY_RING_H
#define IPW_ENERGY_RING_H

#include <stdatomic.h>

#include "energy/channel.h"

enum { ENERGY_RING_CAP = 8192 }; /* a power of two: 8192 readings are 20 s of 20 channels at 20 Hz */

struct energy_ring {
    _Atomic uint32_t head, tail; /* produced, consumed */
    _Atomic uint32_t lost;
    struct energy_reading v[ENERGY_RING_CAP];
};

void energy_ring_put(struct energy_ring *r, const struct energy_reading *x);
size_t energy_ring_take(struct energy_ring *r, struct energy_reading *out, size_t cap);
uint32_t energy_ring_lost(struct energy_ring *r); /* and resets it */

#endif
