/* Counter-based random numbers: the i-th draw of a seed is the same on every machine, in any order. */
#ifndef IPW_BASE_RNG_H
#define IPW_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood 2014): the mix of seed and counter. */
static inline uint64_t ipw_rng_at(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Fills order[0..n) with a permutation of 0..n-1 (Fisher-Yates). */
void ipw_rng_shuffle(uint64_t seed, size_t *order, size_t n);

#endif
