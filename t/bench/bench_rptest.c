/*
 * The shape of rptest (Jansson's benchmark of rpmalloc) with its customary
 * arguments and a fixed amount of work.
 *
 * Each thread has 1000 places. In a loop it frees the objects of 100 of them
 * and makes as many new ones there, of 8 to 16000 bytes, of which small ones
 * are likelier in a straight line. In every second loop it makes another
 * hundred, which it leaves to whichever thread comes next to free them. After
 * 500 loops all are freed, and it starts from nothing.
 */
#include "bench.h"

#include <stdatomic.h>

typedef struct object {
    void *ptr;
    size_t size;
} object_t;

/* Objects that are for others to free. */
typedef struct parcel {
    struct parcel *next;
    object_t *objects;
} parcel_t;

typedef struct worker {
    bench_rng_t rng;
    uint64_t made;
} worker_t;

static _Atomic(parcel_t *) parcels;
static uint32_t size_min, size_span, places, operations, loops, cross_rate;
static uint64_t rounds;

static void
object_make(object_t *object, worker_t *worker)
{
    uint32_t a = bench_below(&worker->rng, size_span);
    uint32_t b = bench_below(&worker->rng, size_span);

    object->size = size_min + JE_MIN(a, b);
    object->ptr = bench_new(object->size);
    worker->made++;
}

static void
object_free(object_t *object)
{
    if (object->ptr != NULL)
        bench_free(object->ptr, object->size);
    object->ptr = NULL;
}

static void
parcel_send(worker_t *worker)
{
    parcel_t *parcel = bench_malloc(sizeof(*parcel));

    parcel->objects = bench_malloc(operations * sizeof(*parcel->objects));
    worker->made += 2;
    for (uint32_t i = 0; i < operations; i++)
        object_make(&parcel->objects[i], worker);
    parcel->next = atomic_load(&parcels);
    while (!atomic_compare_exchange_weak(&parcels, &parcel->next, parcel))
        continue;
}

static void
parcels_free(void)
{
    parcel_t *parcel = atomic_exchange(&parcels, NULL);

    while (parcel != NULL) {
        parcel_t *next = parcel->next;

        for (uint32_t i = 0; i < operations; i++)
            object_free(&parcel->objects[i]);
        free(parcel->objects);
        free(parcel);
        parcel = next;
    }
}

static void *
work(void *arg)
{
    worker_t *worker = arg;
    object_t *objects = bench_array(places, sizeof(*objects));

    for (uint64_t i = 0; i < rounds; i++) {
        uint32_t at = 0, end;

        for (uint32_t loop = 0; loop < loops; loop++) {
            end = at + operations;
            for (uint32_t j = at; j < end; j++)
                object_free(&objects[j % places]);
            parcels_free();
            for (uint32_t j = at; j < end; j++)
                object_make(&objects[j % places], worker);
            if (cross_rate > 0 && loop % cross_rate == 0)
                parcel_send(worker);
            /* A stride that shifts the boundaries between the hundreds. */
            at = (end + 7) % places;
        }
        for (uint32_t j = 0; j < places; j++)
            object_free(&objects[j]);
    }
    free(objects);
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"threads", 4, "at a time"},
        {"cross", 2, "each N-th loop makes objects for others; 0: none"},
        {"loops", 500, "of a round"},
        {"places", 1000, "of each thread"},
        {"operations", 100, "of a loop: at most the places"},
        {"min", 8, "smallest object"},
        {"max", 16000, "largest object"},
        {"rounds", 16, "of each thread"},
        {"seed", 13, "of the random numbers"},
        {NULL, 0, NULL},
    };
    worker_t *workers;
    unsigned threads;
    uint64_t made = 0;

    bench_init(argc, argv, "rptest", params);
    threads = (unsigned)bench_get("threads");
    cross_rate = (uint32_t)bench_get("cross");
    loops = (uint32_t)bench_get("loops");
    places = (uint32_t)bench_get("places");
    operations = (uint32_t)bench_get("operations");
    size_min = (uint32_t)bench_get("min");
    rounds = bench_work(bench_get("rounds"), 1);
    if (bench_get("max") < size_min || operations > places || places == 0)
        bench_die("nothing to do: see --help");
    size_span = (uint32_t)bench_get("max") - size_min + 1;
    workers = bench_array(threads, sizeof(*workers));
    for (unsigned i = 0; i < threads; i++)
        workers[i].rng.state = bench_get("seed") + 1000 * i;
    bench_threads(threads, work, workers, sizeof(*workers));
    parcels_free();
    for (unsigned i = 0; i < threads; i++)
        made += workers[i].made;
    free(workers);
    return bench_done(made);
}
