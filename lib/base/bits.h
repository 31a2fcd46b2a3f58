/*
 * Integer arithmetic that both halves need: alignment, logarithms, bit scans.
 *
 * All of it is inline and free of side effects. Shift counts and preconditions
 * are stated at each function; nothing here checks them at run time.
 */
#ifndef JE_BASE_BITS_H
#define JE_BASE_BITS_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Index of the lowest set bit; x != 0. */
static inline unsigned
bits_ctz(uint64_t x)
{
    return (unsigned)__builtin_ctzll(x);
}

/* Floor of the binary logarithm; x != 0. */
static inline unsigned
bits_lg_floor(uint64_t x)
{
    return 63u - (unsigned)__builtin_clzll(x);
}

/* Ceiling of the binary logarithm; x != 0. */
static inline unsigned
bits_lg_ceil(uint64_t x)
{
    return x == 1 ? 0 : bits_lg_floor(x - 1) + 1;
}

static inline unsigned
bits_popcount(uint64_t x)
{
    return (unsigned)__builtin_popcountll(x);
}

static inline bool
bits_is_pow2(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* align is a power of two; the caller excludes overflow. */
static inline uintptr_t
bits_align_up(uintptr_t x, size_t align)
{
    return (x + align - 1) & ~(uintptr_t)(align - 1);
}

static inline uintptr_t
bits_align_down(uintptr_t x, size_t align)
{
    return x & ~(uintptr_t)(align - 1);
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014. A sequence of states that are BITS_RANDOM_STEP apart gives
 * one of random numbers. */
#define BITS_RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t
bits_random(uint64_t state)
{
    uint64_t z = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
