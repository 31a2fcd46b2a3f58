/*
 * Did a program allocate at all? Its counters say so, and nothing else does: a
 * dump without samples may come from a program that allocates little.
 */
#include "cli/run.h"

#include <jansson.h>

/* Whether an arena has counted requests of one kind, small or large, and they
 * are 0. */
static bool
run_is_zero(const json_t *arena, const char *kind)
{
    const json_t *n =
        json_object_get(json_object_get(arena, kind), "nrequests");
    return json_is_integer(n) && json_integer_value(n) == 0;
}

bool
run_never_allocated(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL);
    json_t *arenas =
        json_object_get(json_object_get(root, "jemalloc"), "stats.arenas");
    bool never = json_object_size(arenas) > 0;
    for (void *at = json_object_iter(arenas); at != NULL;
         at = json_object_iter_next(arenas, at)) {
        const json_t *arena = json_object_iter_value(at);
        never =
            never && run_is_zero(arena, "small") && run_is_zero(arena, "large");
    }
    json_decref(root);
    return never;
}
