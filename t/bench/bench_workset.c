/*
 * A working set of random objects in slots, in the shape of two classics.
 *
 * --kind=0 is alloc-test (ithare.com, 2018): sizes and lifetimes follow
 * Pareto's law. A step takes a slot, one of the fifth that gets four fifths of
 * the steps or seldom another, and frees what is there or fills it; objects
 * have up to 1 KiB, and each byte of them is written. --kind=1 is the threaded
 * malloc benchmark of glibc: 1024 slots a thread, of which a step replaces any
 * one, with objects of 4 bytes to 32 KiB, whose number falls with the square of
 * the size.
 */
#include "bench.h"

enum { KIND_ALLOC_TEST, KIND_GLIBC };

typedef struct object {
    void *ptr;
    size_t size;
} object_t;

typedef struct worker {
    bench_rng_t rng;
    uint64_t made;
} worker_t;

static struct {
    uint32_t slots, min, max;
    uint64_t steps;
    bool is_pareto;
} set;

/* The density of a size is as its square, inverted. */
static size_t
random_size(bench_rng_t *rng)
{
    uint64_t part = bench_next(rng) >> 32;

    return ((uint64_t)set.min * set.max << 32) /
           (((uint64_t)set.max << 32) - part * (set.max - set.min));
}

/* The seventh power of an even random number: 0.2 to the seventh root is 0.8.
 * Numbers below 1 as parts of 2^32. */
static uint32_t
random_slot(bench_rng_t *rng)
{
    uint64_t part = bench_next(rng) >> 32;
    uint64_t second = part * part >> 32, fourth = second * second >> 32;

    if (!set.is_pareto)
        return (uint32_t)(part * set.slots >> 32);
    part = (fourth * second >> 32) * part >> 32;
    return (uint32_t)(part * set.slots >> 32);
}

static void
fill(object_t *object, bench_rng_t *rng)
{
    object->size = random_size(rng);
    object->ptr = bench_malloc(object->size);
    if (set.is_pareto)
        memset(object->ptr, (int)object->size, object->size);
    bench_stamp(object->ptr, object->size);
}

static void *
work(void *arg)
{
    worker_t *worker = arg;
    object_t *objects = bench_array(set.slots, sizeof(*objects));
    bench_rng_t rng = worker->rng;
    uint64_t made = 0;

    for (uint64_t i = 0; i < set.steps; i++) {
        object_t *object = &objects[random_slot(&rng)];
        bool is_full = object->ptr != NULL;

        if (is_full) {
            bench_free(object->ptr, object->size);
            object->ptr = NULL;
        }
        if (is_full && set.is_pareto)
            continue;
        fill(object, &rng);
        made++;
    }
    for (uint32_t i = 0; i < set.slots; i++) {
        if (objects[i].ptr != NULL)
            bench_free(objects[i].ptr, objects[i].size);
    }
    free(objects);
    worker->made = made;
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"kind", 0, "0: alloc-test, 1: glibc's; sets the three with 0"},
        {"threads", 1, "each with slots of its own"},
        {"slots", 0, "of a thread; 131072 or 1024"},
        {"min", 0, "smallest object; 16 or 4"},
        {"max", 0, "largest object; 1024 or 32768"},
        {"steps", 8000000, "of all threads together"},
        {"seed", 88, "of the random numbers"},
        {NULL, 0, NULL},
    };
    worker_t *workers;
    unsigned threads;
    uint64_t made = 0;

    bench_init(argc, argv, "workset", params);
    threads = (unsigned)bench_get("threads");
    set.is_pareto = bench_get("kind") == KIND_ALLOC_TEST;
    set.slots = (uint32_t)bench_get("slots");
    set.min = (uint32_t)bench_get("min");
    set.max = (uint32_t)bench_get("max");
    set.slots = set.slots > 0 ? set.slots : set.is_pareto ? 131072 : 1024;
    set.min = set.min > 0 ? set.min : set.is_pareto ? 16 : 4;
    set.max = set.max > 0 ? set.max : set.is_pareto ? 1024 : 32768;
    if (threads == 0 || set.min > set.max || set.max > 1 << 20)
        bench_die("threads, and min to max, which is at most 1048576");
    set.steps = bench_work(bench_get("steps"), 1000) / threads;
    workers = bench_array(threads, sizeof(*workers));
    for (unsigned i = 0; i < threads; i++)
        workers[i].rng.state = bench_get("seed") + 1000 * i;
    bench_threads(threads, work, workers, sizeof(*workers));
    for (unsigned i = 0; i < threads; i++)
        made += workers[i].made;
    free(workers);
    return bench_done(made);
}
