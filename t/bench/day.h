/*
 * The day of bench_day: what is to be done when, and the shards that do it.
 *
 * A shard is a part of the service with sessions, a cache and a share of the
 * load of its own. What it does at each tick follows from the seed alone, not
 * from who runs it nor when: so the live bytes over time are the same under
 * each allocator. bench_day.c has the clock, the threads and the samples;
 * day_shard.c has the work. Nothing else includes this.
 */
#ifndef BENCH_DAY_H
#define BENCH_DAY_H

#include "bench.h"

#define DAY_SHARDS  16
#define DAY_TICK_MS 20

/* Set once, before the first tick. */
typedef struct day {
    uint32_t ticks;   /* in all, the night and the rest behind it included */
    uint32_t working; /* the waves of load are in these */
    uint32_t quiet;   /* nothing is done from this tick on */
    double low, high; /* live bytes of the service without and at full load */
    double rate;      /* requests a tick at full load */
    unsigned most;    /* threads at full load */
    uint64_t seed;
} day_t;

extern day_t day;

/* An object that is held, and what was asked for it. */
typedef struct item {
    void *ptr;
    uint32_t size;
    uint32_t tick; /* of its making */
} item_t;

/* Items in the order of their making, unless some were taken out of the
 * middle. The array is an object of the service too, and doubles and halves. */
typedef struct ring {
    item_t *items;
    uint32_t first, count;
    uint32_t capacity; /* a power of two, or 0 */
} ring_t;

typedef struct shard {
    pthread_mutex_t mutex; /* guards the rest, but for what is atomic */
    _Atomic uint32_t tick; /* the last that is done */
    _Atomic uint64_t live; /* bytes asked for and not freed, after that tick */
    bench_rng_t rng;
    double median; /* of the sizes at this tick */
    uint64_t held; /* live, as it changes within a tick */
    uint64_t operations;
    ring_t queue;    /* answers and log lines of the last half second */
    ring_t sessions; /* of session_t */
    uint64_t session_bytes;
    ring_t cache; /* a key and a value in turns, the oldest goes */
    ring_t kept;  /* what outlives a wave */
    uint64_t kept_bytes;
} shard_t;

/* From 0 to 1. */
double day_load(uint32_t tick);

void shard_init(shard_t *shard, unsigned index);
/* Do the ticks up to this one that are not done yet. */
void shard_run(shard_t *shard, uint32_t tick);
/* Check and free all that it holds. */
void shard_end(shard_t *shard);

#endif
