/*
 * Pairs of malloc and free and nothing else, to count instructions.
 *
 * The runner starts it under callgrind with two numbers of pairs: the
 * difference, divided, is the price of one pair with its loop. --batch=1 is
 * last in, first out of a single object; --batch=1000 allocates so many and
 * then frees them in the same order. --hollow=1 runs the loop with two empty
 * functions in place of malloc and free: what the loop itself costs.
 */
#include "bench.h"

#define BATCH_MAX 10000

static void *objects[BATCH_MAX];

static JE_NOINLINE void *
hollow_malloc(size_t size)
{
    __asm__ volatile("" : "+r"(size));
    return objects;
}

static JE_NOINLINE void
hollow_free(void *ptr)
{
    __asm__ volatile("" : : "r"(ptr));
}

/* The functions are called directly, as programs do, not by a pointer. */
static void
run(size_t size, unsigned batch, uint64_t batches)
{
    for (uint64_t i = 0; i < batches; i++) {
        for (unsigned j = 0; j < batch; j++)
            objects[j] = malloc(size);
        for (unsigned j = 0; j < batch; j++)
            free(objects[j]);
    }
}

static void
run_hollow(size_t size, unsigned batch, uint64_t batches)
{
    for (uint64_t i = 0; i < batches; i++) {
        for (unsigned j = 0; j < batch; j++)
            objects[j] = hollow_malloc(size);
        for (unsigned j = 0; j < batch; j++)
            hollow_free(objects[j]);
    }
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"size", 16, "of an object"},
        {"batch", 1, "objects made before they are freed"},
        {"pairs", 20000000, "of malloc and free in all"},
        {"hollow", 0, "1: no malloc, only the loop"},
        {NULL, 0, NULL},
    };
    uint64_t batches;
    unsigned batch;
    size_t size;

    bench_init(argc, argv, "pair", params);
    size = (size_t)bench_get("size");
    batch = (unsigned)bench_get("batch");
    if (batch == 0 || batch > BATCH_MAX)
        bench_die("--batch: from 1 to %d", BATCH_MAX);
    batches = bench_work(bench_get("pairs"), batch) / batch;
    if (bench_get("hollow") != 0)
        run_hollow(size, batch, batches);
    else
        run(size, batch, batches);
    return bench_done(batches * batch);
}
