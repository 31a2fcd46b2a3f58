/*
 * The shape of mstress, mimalloc's stress test, with its customary load.
 *
 * In each round all threads are made new. A thread allocates objects of a
 * power of two words (two in a hundred are 100 times larger, a tenth of these
 * 1000 times, a fiftieth 10000 times), cleared by calloc and then
 * written whole; it keeps part of them to its end, frees random ones before,
 * and exchanges others with random places of a table that all threads share.
 * Threads do unequal work, one to eight shares. When all have ended, half of
 * the table is freed by the main thread, and the rest lives on into the next
 * round. Each object is read whole before it is freed.
 */
#include "bench.h"

#include <stdatomic.h>

#define SHARED 1000

typedef struct stress {
    bench_rng_t rng;
    uint64_t number;
} stress_t;

typedef struct objects {
    uint64_t **items;
    size_t count;
    size_t capacity;
} objects_t;

static _Atomic(uint64_t *) shared[SHARED];
static uint64_t load; /* customary: 10 to 100 */

/* Each word tells its distance from the end, so the first tells the length. */
static uint64_t *
object_new(bench_rng_t *rng, unsigned shift_limit)
{
    size_t words = (size_t)1 << bench_below(rng, shift_limit);
    uint64_t *object;

    if (bench_below(rng, 100) < 2) {
        unsigned luck = bench_below(rng, 1000);
        words *= luck < 20 ? 10000 : luck < 130 ? 1000 : 100;
    }
    object = bench_array(words, sizeof(*object));
    for (size_t i = 0; i < words; i++) {
        if (object[i] != 0)
            bench_damaged(object, words * sizeof(*object));
        object[i] = bench_mix(words - i);
    }
    object[0] = words;
    return object;
}

static void
object_free(uint64_t *object)
{
    uint64_t words;

    if (object == NULL)
        return;
    words = object[0];
    for (size_t i = 1; i < words; i++) {
        if (object[i] != bench_mix(words - i))
            bench_damaged(object, words * sizeof(*object));
    }
    free(object);
}

static void
objects_append(objects_t *objects, uint64_t *object)
{
    if (objects->count == objects->capacity) {
        objects->capacity += 100000;
        objects->items = bench_realloc(
            objects->items, objects->capacity * sizeof(*objects->items));
    }
    objects->items[objects->count++] = object;
}

static void
objects_free(objects_t *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        object_free(objects->items[i]);
    free(objects->items);
}

/* Perhaps free a passing object, perhaps swap one with the shared table. */
static void
disturb(objects_t *passing, bench_rng_t *rng)
{
    uint32_t count = (uint32_t)passing->count;

    if (count == 0)
        return;
    if (bench_below(rng, 100) < 66) {
        uint32_t at = bench_below(rng, count);
        object_free(passing->items[at]);
        passing->items[at] = NULL;
    }
    if (bench_below(rng, 100) < 25) {
        uint32_t at = bench_below(rng, count);
        passing->items[at] = atomic_exchange(&shared[bench_below(rng, SHARED)],
                                             passing->items[at]);
    }
}

static void *
stress(void *arg)
{
    stress_t *self = arg;
    uint64_t allocs = 100 * load * (self->number % 8 + 1);
    uint64_t retain = allocs / 2;
    objects_t passing = {NULL, 0, 0};
    objects_t kept = {NULL, 0, retain};

    kept.items = bench_array(retain, sizeof(*kept.items));
    while (allocs > 0 || retain > 0) {
        if (retain == 0 || (allocs > 0 && bench_below(&self->rng, 2) == 0)) {
            allocs--;
            objects_append(&passing, object_new(&self->rng, 5));
        } else {
            retain--;
            objects_append(&kept, object_new(&self->rng, 7));
        }
        disturb(&passing, &self->rng);
    }
    objects_free(&kept);
    objects_free(&passing);
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"threads", 4, "of one round"},
        {"load", 50, "times 150 objects in the thread with one share"},
        {"rounds", 20, "of new threads"},
        {"seed", 43, "of the random numbers"},
        {NULL, 0, NULL},
    };
    stress_t *threads;
    uint64_t rounds, shares = 0;
    unsigned count;
    bench_rng_t rng;

    bench_init(argc, argv, "mstress", params);
    count = (unsigned)bench_get("threads");
    load = bench_get("load");
    rounds = bench_work(bench_get("rounds"), 2);
    if (load == 0)
        bench_die("nothing to do: see --help");
    rng.state = bench_get("seed");
    threads = bench_array(count, sizeof(*threads));
    for (unsigned j = 0; j < count; j++)
        shares += j % 8 + 1;
    for (uint64_t i = 0; i < rounds; i++) {
        for (unsigned j = 0; j < count; j++)
            threads[j] = (stress_t){{bench_next(&rng)}, j};
        bench_threads(count, stress, threads, sizeof(*threads));
        for (unsigned j = 0; j < SHARED; j++) {
            if (bench_below(&rng, 2) == 0 || i + 1 == rounds)
                object_free(atomic_exchange(&shared[j], NULL));
        }
    }
    free(threads);
    return bench_done(rounds * shares * load * 150);
}
