/*
 * A live set of random sizes, one thread, each step replacing a random object.
 *
 * Sizes are spread evenly over the doublings (many small, few large), and
 * their range moves from phase to phase as the data of a long-running program
 * does; between phases most of the set is freed and filled again. So the
 * program measures cache misses and refills on a set larger than any cache,
 * and how much memory is left behind by the sizes of yesterday.
 */
#include "bench.h"

typedef struct object {
    void *ptr;
    size_t size;
} object_t;

typedef struct liveset {
    object_t *objects;
    uint32_t count;
    size_t low;         /* smallest size of this phase */
    unsigned doublings; /* width of its range */
    bench_rng_t rng;
} liveset_t;

static void
replace(liveset_t *set, object_t *object)
{
    if (object->ptr != NULL)
        bench_free(object->ptr, object->size);
    object->size = bench_log_size(&set->rng, set->low, set->doublings);
    object->ptr = bench_new(object->size);
}

/* Free three of four objects, spread over the set. */
static void
thin_out(liveset_t *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        object_t *object = &set->objects[i];

        if (object->ptr == NULL || bench_below(&set->rng, 4) == 0)
            continue;
        bench_free(object->ptr, object->size);
        object->ptr = NULL;
    }
}

static uint64_t
phase(liveset_t *set, uint64_t steps)
{
    uint64_t made = 0;

    for (uint32_t i = 0; i < set->count; i++) {
        if (set->objects[i].ptr == NULL) {
            replace(set, &set->objects[i]);
            made++;
        }
    }
    for (uint64_t i = 0; i < steps; i++)
        replace(set, &set->objects[bench_below(&set->rng, set->count)]);
    return made + steps;
}

int
main(int argc, char **argv)
{
    /* smallest size and doublings: 16..512, 32..2048, 8..4096, 64..1024 */
    static const struct {
        size_t low;
        unsigned doublings;
    } phases[] = {{16, 5}, {32, 6}, {8, 9}, {64, 4}};

    bench_param_t params[] = {
        {"objects", 100000, "live at a time"},
        {"steps", 1500000, "replacements in a phase"},
        {"seed", 2, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t steps, made = 0;
    liveset_t set;

    bench_init(argc, argv, "liveset", params);
    set.count = (uint32_t)JE_MIN(bench_get("objects"),
                                 bench_work(bench_get("objects"), 1000));
    set.objects = bench_array(set.count, sizeof(*set.objects));
    set.rng.state = bench_get("seed");
    steps = bench_work(bench_get("steps"), 1000);
    for (unsigned i = 0; i < JE_ARRAY_LEN(phases); i++) {
        set.low = phases[i].low;
        set.doublings = phases[i].doublings;
        made += phase(&set, steps);
        thin_out(&set);
    }
    for (uint32_t i = 0; i < set.count; i++) {
        if (set.objects[i].ptr != NULL)
            bench_free(set.objects[i].ptr, set.objects[i].size);
    }
    free(set.objects);
    return bench_done(made);
}
