/*
 * Thread churn: threads that live shorter than a millisecond.
 *
 * A few lanes run side by side, each starting one thread after the other. A
 * thread makes some hundred small objects and a few buffers of some KiB, frees
 * most of them, leaves the rest to its successor (who checks and
 * frees them) and ends. What is measured is the price of a thread's first
 * allocations and of its exit, and what memory dead threads leave behind.
 */
#include "bench.h"

#define OBJECTS 200
#define BUFFERS 3
#define LEFT    20

typedef struct lane {
    bench_rng_t rng;
    uint64_t threads; /* to run, one after the other */
    void *left[LEFT]; /* from the thread before */
    size_t left_size[LEFT];
    unsigned left_count;
} lane_t;

static void
free_left(lane_t *lane)
{
    for (unsigned i = 0; i < lane->left_count; i++)
        bench_free(lane->left[i], lane->left_size[i]);
    lane->left_count = 0;
}

static void *
live_shortly(void *arg)
{
    lane_t *lane = arg;
    void *objects[OBJECTS + BUFFERS];
    size_t sizes[OBJECTS + BUFFERS];

    for (unsigned i = 0; i < OBJECTS + BUFFERS; i++) {
        sizes[i] = i < OBJECTS ? bench_log_size(&lane->rng, 16, 6)
                               : bench_log_size(&lane->rng, 4096, 4);
        objects[i] = bench_new(sizes[i]);
    }
    free_left(lane);
    for (unsigned i = 0; i < OBJECTS + BUFFERS; i++) {
        if (i % (OBJECTS / LEFT) == 0 && lane->left_count < LEFT) {
            lane->left[lane->left_count] = objects[i];
            lane->left_size[lane->left_count++] = sizes[i];
        } else {
            bench_free(objects[i], sizes[i]);
        }
    }
    return NULL;
}

static void *
run_lane(void *arg)
{
    lane_t *lane = arg;

    for (uint64_t i = 0; i < lane->threads; i++)
        bench_threads(1, live_shortly, lane, 0);
    free_left(lane);
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"lanes", 4, "threads that live at a time"},
        {"threads", 4000, "each lane runs"},
        {"seed", 5, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t threads;
    unsigned lanes;
    lane_t *all;

    bench_init(argc, argv, "churn", params);
    lanes = (unsigned)bench_get("lanes");
    threads = bench_work(bench_get("threads"), 1);
    all = bench_array(lanes, sizeof(*all));
    for (unsigned i = 0; i < lanes; i++) {
        all[i].rng.state = bench_get("seed") + 1000 * i;
        all[i].threads = threads;
    }
    bench_threads(lanes, run_lane, all, sizeof(*all));
    free(all);
    return bench_done(threads * lanes * (OBJECTS + BUFFERS));
}
