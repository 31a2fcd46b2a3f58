/*
 * The shape of sh6bench and sh8bench (MicroQuill's benchmarks of SmartHeap).
 *
 * Sizes go up to 1000 bytes in steps of a half, each followed by its halves
 * down to 1; the smaller, the more objects of it are made in a row. When a
 * thread's store is full, the younger half is freed, youngest first, then every
 * second of the oldest quarter, oldest first; the rest stays, for the next turn
 * to mix with. --swap=1, for sh8bench: a thread frees what another one has put
 * by, and puts its own by for another. The customary threads are two a
 * processor.
 */
#include "bench.h"

#define STORE     5000
#define SWAP_MAX  16
#define PUT_BY    (STORE / 4)
#define SIZE_MANY 100 /* up to this size, five times as many */

typedef struct object {
    void *ptr;
    size_t size;
} object_t;

typedef struct store {
    uint32_t count;
    object_t objects[STORE];
} store_t;

typedef struct worker {
    store_t *store;
    uint64_t made;
} worker_t;

/* Objects that a thread made and another frees. */
static struct {
    pthread_mutex_t mutex;
    unsigned count;
    object_t *lists[SWAP_MAX]; /* of PUT_BY objects */
} swaps = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static uint32_t size_max;
static uint64_t rounds;
static bool has_swap;

static void
free_list(object_t *list)
{
    for (uint32_t i = 0; i < PUT_BY; i++)
        bench_free(list[i].ptr, list[i].size);
    free(list);
}

/* The youngest quarter goes to another thread. Of what waits, the oldest is
 * taken and freed when it is too much. */
static void
swap(store_t *store)
{
    object_t *list = bench_malloc(PUT_BY * sizeof(*list)), *other = NULL;

    store->count -= PUT_BY;
    memcpy(list, store->objects + store->count, PUT_BY * sizeof(*list));
    pthread_mutex_lock(&swaps.mutex);
    if (swaps.count == SWAP_MAX) {
        other = swaps.lists[0];
        swaps.count--;
        memmove(swaps.lists, swaps.lists + 1,
                swaps.count * sizeof(swaps.lists[0]));
    }
    swaps.lists[swaps.count++] = list;
    pthread_mutex_unlock(&swaps.mutex);
    if (other != NULL)
        free_list(other);
}

static void
make_room(store_t *store)
{
    uint32_t kept = 0, count;

    if (has_swap)
        swap(store);
    while (store->count > STORE / 2) {
        object_t *object = &store->objects[--store->count];
        bench_free(object->ptr, object->size);
    }
    count = store->count;
    for (uint32_t i = 0; i < count; i++) {
        object_t object = store->objects[i];

        if (i < STORE / 4 && i % 2 == 0)
            bench_free(object.ptr, object.size);
        else
            store->objects[kept++] = object;
    }
    store->count = kept;
}

static void
make(worker_t *worker, size_t size, unsigned count)
{
    store_t *store = worker->store;

    worker->made += count;
    for (; count > 0; count--) {
        if (store->count == STORE)
            make_room(store);
        store->objects[store->count++] = (object_t){bench_new(size), size};
    }
}

static void *
work(void *arg)
{
    worker_t *worker = arg;
    store_t *store = bench_malloc(sizeof(*store));

    store->count = 0;
    worker->store = store;
    for (uint64_t i = 0; i < rounds; i++) {
        for (size_t top = 1; top < size_max; top = top * 3 / 2 + 1) {
            for (size_t size = top; size > 0; size /= 2)
                make(worker, size, size < SIZE_MANY ? 250 : 50);
        }
    }
    while (store->count > 0) {
        object_t *object = &store->objects[--store->count];
        bench_free(object->ptr, object->size);
    }
    free(store);
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"threads", 4, "at a time"},
        {"swap", 0, "1: some objects are freed by other threads"},
        {"max", 1000, "largest object"},
        {"rounds", 400, "through all sizes, each thread"},
        {NULL, 0, NULL},
    };
    worker_t *workers;
    unsigned threads;
    uint64_t made = 0;

    bench_init(argc, argv, "shbench", params);
    threads = (unsigned)bench_get("threads");
    has_swap = bench_get("swap") != 0;
    size_max = (uint32_t)bench_get("max");
    rounds = bench_work(bench_get("rounds"), 2);
    workers = bench_array(threads, sizeof(*workers));
    bench_threads(threads, work, workers, sizeof(*workers));
    for (unsigned i = 0; i < threads; i++)
        made += workers[i].made;
    for (unsigned i = 0; i < swaps.count; i++)
        free_list(swaps.lists[i]);
    free(workers);
    return bench_done(made);
}
