/*
 * Did a program allocate at all? Its counters say so, and nothing else does: a
 * dump without samples may come from a program that allocates little.
 */
#include "cli/run.h"

#include <jansson.h>

/* Requests counted for one kind of objects, small or large; -1 = not there. */
static json_int_t
run_requests(const json_t *merged, const char *kind)
{
    const json_t *n =
        json_object_get(json_object_get(merged, kind), "nrequests");
    return json_is_integer(n) ? json_integer_value(n) : -1;
}

bool
run_never_allocated(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL);
    const json_t *stats = json_object_get(root, "jemalloc");
    const json_t *merged =
        json_object_get(json_object_get(stats, "stats.arenas"), "merged");
    bool never = run_requests(merged, "small") == 0 &&
                 run_requests(merged, "large") == 0;
    json_decref(root);
    return never;
}
