/*
 * What the benchmark programs share: arguments, random numbers, stamps that
 * prove an object was not damaged, threads, and the one result line.
 *
 * The programs know nothing of any allocator: they call malloc and free, and
 * whoever starts them decides by LD_PRELOAD which ones these are. Only files
 * of this folder include this.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/macros.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One --name=value argument; the table ends with a NULL name. */
typedef struct bench_param {
    const char *name;
    uint64_t value; /* the default, then what the command line says */
    const char *help;
} bench_param_t;

/* State of a random number sequence; any seed is good. */
typedef struct bench_rng {
    uint64_t state;
} bench_rng_t;

/* Read the arguments into `params`; exits on a wrong one. `--scale=F`
 * multiplies what bench_work() returns, `--quick` is a small fixed scale. */
void bench_init(int argc, char **argv, const char *name, bench_param_t *params);

/* The value of a parameter of the table given to bench_init(). */
uint64_t bench_get(const char *name);

/* `n` units of work at the wanted scale, at least `least`. */
uint64_t bench_work(uint64_t n, uint64_t least);

/* Print the result line; the value is main's exit status. */
int bench_done(uint64_t operations);

/* Print why the program cannot go on; exit status 1. */
JE_NORETURN JE_PRINTF(1, 2) void bench_die(const char *format, ...);

/* malloc, calloc and realloc that never return NULL. */
void *bench_realloc(void *old, size_t size);
void *bench_array(size_t count, size_t size);

void bench_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);
/* Start a thread nobody joins. */
void bench_thread_detached(void *(*run)(void *), void *arg);
/* Run `count` threads, the i-th with `args + i * stride`, and join them. */
void bench_threads(unsigned count, void *(*run)(void *), void *args,
                   size_t stride);

JE_NORETURN void bench_damaged(const void *ptr, size_t size);

static inline uint64_t
bench_mix(uint64_t x)
{
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 29);
}

static inline uint64_t
bench_next(bench_rng_t *rng)
{
    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    return bench_mix(rng->state);
}

/* A number below `n`, which is less than 2^32. */
static inline uint32_t
bench_below(bench_rng_t *rng, uint32_t n)
{
    return (uint32_t)(((bench_next(rng) >> 32) * n) >> 32);
}

/* From `low` to `high`, each doubling as likely as any other. */
static inline size_t
bench_log_size(bench_rng_t *rng, size_t low, unsigned doublings)
{
    size_t base = low << bench_below(rng, doublings);

    return base + bench_below(rng, (uint32_t)base);
}

static inline void *
bench_malloc(size_t size)
{
    void *ptr = malloc(size);

    if (unlikely(ptr == NULL))
        bench_die("malloc(%zu) failed", size);
    return ptr;
}

/* Mark an object at both ends, so that another object laid over it, or
 * housekeeping of the allocator inside it, is seen by bench_check(). */
static inline void
bench_stamp(void *ptr, size_t size)
{
    uint64_t tag = (uint64_t)(uintptr_t)ptr ^ size;

    if (unlikely(size < 8)) {
        memcpy(ptr, &tag, size);
        return;
    }
    memcpy((char *)ptr + size - 8, &tag, 8);
    memcpy(ptr, &tag, 8);
}

static inline void
bench_check(const void *ptr, size_t size)
{
    uint64_t tag = (uint64_t)(uintptr_t)ptr ^ size;
    uint64_t first, last;

    if (unlikely(size < 16)) {
        if (memcmp(ptr, &tag, size < 8 ? size : 8) != 0)
            bench_damaged(ptr, size);
        return;
    }
    memcpy(&first, ptr, 8);
    memcpy(&last, (const char *)ptr + size - 8, 8);
    if (unlikely(first != tag || last != tag))
        bench_damaged(ptr, size);
}

/* A new object with its stamp; and its end. */
static inline void *
bench_new(size_t size)
{
    void *ptr = bench_malloc(size);

    bench_stamp(ptr, size);
    return ptr;
}

/* The stamp is taken off: if the allocator gave the same place to two, the
 * second who frees it finds out. */
static inline void
bench_free(void *ptr, size_t size)
{
    bench_check(ptr, size);
    *(volatile unsigned char *)ptr ^= 0xff;
    free(ptr);
}

/* Write a word in each page of a large object, or read them all again. */
void bench_touch_pages(void *ptr, size_t size);
void bench_check_pages(const void *ptr, size_t size);

#endif
