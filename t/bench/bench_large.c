/*
 * Large buffers: images, network buffers, columns of a table.
 *
 * First up to 20 buffers of 5 to 25 MiB, of which a random one is replaced at
 * each step; then 64 buffers of 32 KiB to 2 MiB in the same way, and at last
 * two threads doing the latter at once. Each page is written once, since a
 * program that asks for a buffer fills it; so the cost is that of page faults,
 * unless memory is reused.
 */
#include "bench.h"

#define SLOTS_MAX 64

typedef struct job {
    bench_rng_t rng;
    unsigned slots;
    size_t low;
    size_t high;
    uint64_t steps;
} job_t;

static void *
replace_buffers(void *arg)
{
    job_t *job = arg;
    void *buffers[SLOTS_MAX] = {NULL};
    size_t sizes[SLOTS_MAX];

    for (uint64_t i = 0; i < job->steps; i++) {
        unsigned at = bench_below(&job->rng, job->slots);

        if (buffers[at] != NULL) {
            bench_check_pages(buffers[at], sizes[at]);
            free(buffers[at]);
        }
        sizes[at] =
            job->low + bench_below(&job->rng, (uint32_t)(job->high - job->low));
        buffers[at] = bench_malloc(sizes[at]);
        bench_touch_pages(buffers[at], sizes[at]);
    }
    for (unsigned at = 0; at < job->slots; at++) {
        if (buffers[at] == NULL)
            continue;
        bench_check_pages(buffers[at], sizes[at]);
        free(buffers[at]);
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"steps", 250, "of the buffers of some MiB"},
        {"small-steps", 2500, "of the buffers up to 2 MiB"},
        {"seed", 7, "of the random numbers"},
        {NULL, 0, NULL},
    };
    job_t huge = {.slots = 20, .low = 5u << 20, .high = 25u << 20};
    job_t middle = {.slots = SLOTS_MAX, .low = 32u << 10, .high = 2u << 20};
    job_t both[2];

    bench_init(argc, argv, "large", params);
    huge.rng.state = bench_get("seed");
    huge.steps = bench_work(bench_get("steps"), 1);
    middle.rng.state = bench_get("seed") + 1;
    middle.steps = bench_work(bench_get("small-steps"), 1);
    both[0] = both[1] = middle;
    both[1].rng.state++;
    replace_buffers(&huge);
    replace_buffers(&middle);
    bench_threads(2, replace_buffers, both, sizeof(both[0]));
    return bench_done(huge.steps + 3 * middle.steps);
}
