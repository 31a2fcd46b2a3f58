/*
 * Batches: n objects of one size are made, then all of them freed.
 *
 * They are freed in the order they were made, in reverse, and shuffled, as
 * queues, stacks and hash tables do; sizes go from 16 bytes to 16 KiB. A batch
 * is larger than what a thread keeps at hand, so this measures how
 * caches are filled and emptied more than how they are hit.
 *
 * --glibc=1 is the shape of the simple malloc benchmark of glibc: 25 to 1600
 * objects of 16, 32 and 64 bytes, freed in the order they were made, in a
 * process with one thread, in a second thread, and in the first one again.
 */
#include "bench.h"

#define BATCH_MAX  10000
#define BYTES_MAX  (8u << 20)
#define ORDER_KIND 3

enum { ORDER_QUEUE, ORDER_STACK, ORDER_SHUFFLED };

static void *objects[BATCH_MAX];
static uint32_t shuffled[BATCH_MAX];

static void
shuffle(bench_rng_t *rng, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = bench_below(rng, i + 1);
        shuffled[i] = shuffled[other];
        shuffled[other] = i;
    }
}

static void
one_batch(size_t size, uint32_t count, unsigned order)
{
    for (uint32_t i = 0; i < count; i++)
        objects[i] = bench_new(size);
    switch (order) {
    case ORDER_QUEUE:
        for (uint32_t i = 0; i < count; i++)
            bench_free(objects[i], size);
        break;
    case ORDER_STACK:
        for (uint32_t i = count; i-- > 0;)
            bench_free(objects[i], size);
        break;
    default:
        for (uint32_t i = 0; i < count; i++)
            bench_free(objects[shuffled[i]], size);
    }
}

/* Some batches of `count` objects in each order; returns objects made. */
static uint64_t
batches(bench_rng_t *rng, size_t size, uint32_t count, uint64_t wanted)
{
    uint64_t made = 0;

    if (count * size > BYTES_MAX)
        count = (uint32_t)(BYTES_MAX / size);
    shuffle(rng, count);
    do {
        for (unsigned order = 0; order < ORDER_KIND; order++) {
            one_batch(size, count, order);
            made += count;
        }
    } while (made < wanted);
    return made;
}

static uint64_t
all_orders(bench_rng_t *rng, uint64_t wanted)
{
    static const struct {
        size_t size;
        unsigned share; /* of the objects: large ones cost more each */
    } sizes[] = {{16, 8},  {32, 8},   {64, 8},   {200, 6},
                 {800, 4}, {2000, 2}, {4096, 2}, {16384, 1}};

    static const uint32_t counts[] = {100, 1000, BATCH_MAX};
    uint64_t made = 0;

    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        for (unsigned j = 0; j < JE_ARRAY_LEN(counts); j++)
            made +=
                batches(rng, sizes[i].size, counts[j], wanted * sizes[i].share);
    }
    return made;
}

/* `arg` is how many objects of each size and count are wanted; then, how many
 * were made. */
static void *
in_order(void *arg)
{
    static const uint32_t counts[] = {25, 100, 400, 1600};
    uint64_t *wanted = arg, all = 0;

    for (size_t size = 16; size <= 64; size *= 2) {
        for (unsigned i = 0; i < JE_ARRAY_LEN(counts); i++) {
            for (uint64_t made = 0; made < *wanted; made += counts[i]) {
                one_batch(size, counts[i], ORDER_QUEUE);
                all += counts[i];
            }
        }
    }
    *wanted = all;
    return NULL;
}

static uint64_t
like_glibc(uint64_t wanted)
{
    uint64_t alone = wanted, second = wanted, first = wanted;

    in_order(&alone);
    bench_threads(1, in_order, &second, sizeof(second));
    in_order(&first);
    return alone + second + first;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"objects", 250000, "of one size and count, times its share"},
        {"glibc", 0, "1: as glibc's simple malloc benchmark does it"},
        {"seed", 6, "of the random numbers"},
        {NULL, 0, NULL},
    };
    bench_rng_t rng;
    uint64_t wanted;

    bench_init(argc, argv, "batch", params);
    rng.state = bench_get("seed");
    wanted = bench_work(bench_get("objects"), 1);
    return bench_done(bench_get("glibc") != 0 ? like_glibc(wanted)
                                              : all_orders(&rng, wanted));
}
