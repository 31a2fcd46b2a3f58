/*
 * The shape of cache-thrash and cache-scratch (Berger, McKinley, Blumofe and
 * Wilson, Hoard, ASPLOS 2000): do objects of several threads lie in one cache
 * line?
 *
 * A thread makes an object of one byte, writes it over and over, and frees it,
 * again and again. If the allocator gives pieces of one line to several
 * threads, each write waits for the others' processors (active false sharing).
 * --handed=1, for cache-scratch: each thread first frees an object of the main
 * thread's, which made them side by side; an allocator that lets it have that
 * place again shares the line by inheritance (passive false sharing). The
 * customary arguments are a byte, 2,000,000 writes divided among the threads,
 * and 1000 iterations; here there are fewer of these.
 */
#include "bench.h"

typedef struct worker {
    char *handed;
} worker_t;

static uint32_t size, writes;
static uint64_t iterations;

static void *
work(void *arg)
{
    const worker_t *worker = arg;

    free(worker->handed);
    for (uint64_t i = 0; i < iterations; i++) {
        volatile unsigned char *object = bench_malloc(size);

        for (uint32_t j = 0; j < size; j++)
            object[j] = (unsigned char)j;
        for (uint32_t k = 0; k < writes; k++) {
            for (uint32_t j = 0; j < size; j++)
                object[j]++;
        }
        for (uint32_t j = 0; j < size; j++) {
            if (object[j] != (unsigned char)(j + writes))
                bench_damaged((const void *)(uintptr_t)object, size);
        }
        free((void *)(uintptr_t)object);
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"threads", 4, "at a time"},
        {"handed", 0, "1: each frees an object of the main thread's first"},
        {"size", 1, "of an object"},
        {"writes", 2000000, "to an object, divided among the threads"},
        {"iterations", 250, "objects of each thread"},
        {NULL, 0, NULL},
    };
    worker_t *workers;
    unsigned threads;

    bench_init(argc, argv, "cache", params);
    threads = (unsigned)bench_get("threads");
    size = (uint32_t)bench_get("size");
    if (threads == 0 || size == 0)
        bench_die("nothing to do: see --help");
    writes = (uint32_t)bench_get("writes") / threads;
    iterations = bench_work(bench_get("iterations"), 2);
    workers = bench_array(threads, sizeof(*workers));
    for (unsigned i = 0; i < threads && bench_get("handed") != 0; i++)
        workers[i].handed = bench_malloc(size);
    bench_threads(threads, work, workers, sizeof(*workers));
    free(workers);
    return bench_done(iterations * threads);
}
