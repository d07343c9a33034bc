#include "energy/ring.h"

/* head and tail run freely and wrap; their difference is the fill. The producer publishes a slot by its release
 * of head, the consumer gives it back by its release of tail. */
void energy_ring_put(struct energy_ring *r, const struct energy_reading *x)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    if (head - tail == ENERGY_RING_CAP) {
        atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
        return;
    }
    r->v[head % ENERGY_RING_CAP] = *x;
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

size_t energy_ring_take(struct energy_ring *r, struct energy_reading *out, size_t cap)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    size_t n = 0;
    for (; n < cap && tail != head; tail++)
        out[n++] = r->v[tail % ENERGY_RING_CAP];
    atomic_store_explicit(&r->tail, tail, memory_order_release);
    return n;
}

uint32_t energy_ring_lost(struct energy_ring *r)
{
    return atomic_exchange_explicit(&r->lost, 0, memory_order_relaxed);
}
