/*
 * The shape of larson (Larson and Krishnan, Memory Allocation for Long-Running
 * Server Applications, ISMM 1998), with a fixed amount of work.
 *
 * The main thread fills one array of blocks a thread with random sizes and
 * shuffles them all, so that each array holds blocks of every thread to
 * come. A thread frees a random block of its array and puts a new one of
 * random size in its place, rounds x blocks times; then it starts a thread that
 * goes on with the array, and ends. So blocks are freed by threads that did
 * not allocate them ("bleeding"). The customary arguments are 8 to 1000 bytes,
 * 5000 blocks a thread, 100 rounds, seed 4141. The original stops
 * after some seconds and counts operations; here the number of successors is
 * fixed and the time is measured.
 */
#include "bench.h"

typedef struct block {
    char *ptr;
    uint32_t size;
} block_t;

typedef struct lane {
    block_t *blocks;
    uint32_t count;
    uint64_t steps;      /* of one thread */
    uint64_t successors; /* threads still to follow */
    bench_rng_t rng;
} lane_t;

static uint32_t size_min, size_span;

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned running; /* lanes whose last thread has not ended */
} lanes_left = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                .changed = PTHREAD_COND_INITIALIZER};

static void
block_make(block_t *block, bench_rng_t *rng)
{
    block->size = size_min + bench_below(rng, size_span);
    block->ptr = bench_new(block->size);
}

static void *
exercise(void *arg)
{
    lane_t *lane = arg;
    bench_rng_t rng = lane->rng;

    for (uint64_t i = 0; i < lane->steps; i++) {
        block_t *block = &lane->blocks[bench_below(&rng, lane->count)];
        bench_free(block->ptr, block->size);
        block_make(block, &rng);
    }
    lane->rng = rng;
    if (lane->successors > 0) {
        lane->successors--;
        bench_thread_detached(exercise, lane);
        return NULL;
    }
    pthread_mutex_lock(&lanes_left.mutex);
    lanes_left.running--;
    pthread_cond_signal(&lanes_left.changed);
    pthread_mutex_unlock(&lanes_left.mutex);
    return NULL;
}

static block_t *
make_blocks(uint32_t count, bench_rng_t *rng)
{
    block_t *blocks = bench_array(count, sizeof(*blocks));

    for (uint32_t i = 0; i < count; i++)
        block_make(&blocks[i], rng);
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t other = bench_below(rng, i + 1);
        block_t block = blocks[i];
        blocks[i] = blocks[other];
        blocks[other] = block;
    }
    return blocks;
}

static void
run_lanes(lane_t *lanes, unsigned count)
{
    lanes_left.running = count;
    for (unsigned i = 0; i < count; i++)
        bench_thread_detached(exercise, &lanes[i]);
    pthread_mutex_lock(&lanes_left.mutex);
    while (lanes_left.running > 0)
        pthread_cond_wait(&lanes_left.changed, &lanes_left.mutex);
    pthread_mutex_unlock(&lanes_left.mutex);
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"threads", 2, "at a time"},
        {"min", 8, "smallest block"},
        {"max", 1000, "largest block"},
        {"blocks", 5000, "of each thread"},
        {"rounds", 100, "times blocks are the steps of one thread"},
        {"generations", 30, "threads that hand an array on"},
        {"seed", 4141, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t generations;
    uint32_t per_thread;
    block_t *blocks;
    lane_t *lanes;
    unsigned threads;
    bench_rng_t rng;

    bench_init(argc, argv, "larson", params);
    threads = (unsigned)bench_get("threads");
    per_thread = (uint32_t)bench_get("blocks");
    size_min = (uint32_t)bench_get("min");
    if (bench_get("max") < size_min || threads == 0 || per_thread == 0)
        bench_die("nothing to do: see --help");
    size_span = (uint32_t)bench_get("max") - size_min + 1;
    rng.state = bench_get("seed");
    generations = bench_work(bench_get("generations"), 2);
    blocks = make_blocks(threads * per_thread, &rng);
    lanes = bench_array(threads, sizeof(*lanes));
    for (unsigned i = 0; i < threads; i++) {
        lanes[i].blocks = blocks + i * per_thread;
        lanes[i].count = per_thread;
        lanes[i].steps = bench_get("rounds") * per_thread;
        lanes[i].successors = generations - 1;
        lanes[i].rng.state = bench_next(&rng);
    }
    run_lanes(lanes, threads);
    for (uint32_t i = 0; i < threads * per_thread; i++)
        bench_free(blocks[i].ptr, blocks[i].size);
    free(blocks);
    free(lanes);
    return bench_done(generations * threads * bench_get("rounds") * per_thread);
}
