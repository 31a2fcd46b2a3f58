/* What it means that some figures grew and others did not.
 *
 * Which of them grew tells leak, fragmentation and cache apart: live bytes, the
 * pages that hold them, free pages, metadata, or nothing that the allocator
 * counts. */
#include "analyse/verdict.h"

#include <string.h>

#define ROW(name, what_)                                                       \
    {                                                                          \
#        name, what_, offsetof(struct jep_summary, name)                       \
    }

static const struct {
    const char *id, *what;
    size_t offset;
} totals[VERDICT_TOTALS] = {
    ROW(rss, "RSS"),
    ROW(resident, "resident"),
    ROW(active, "active"),
    ROW(allocated, "allocated"),
    ROW(tcache, "thread caches"),
    ROW(metadata, "metadata"),
    ROW(dirty, "dirty pages"),
    ROW(muzzy, "muzzy pages"),
    ROW(slab_holes, "holes in slabs"),
    ROW(mapped, "mapped"),
    ROW(retained, "retained"),
};

const char *
verdict_total_id(size_t index)
{
    return totals[index].id;
}

const char *
verdict_total_what(size_t index)
{
    return totals[index].what;
}

struct jep_figure
verdict_total(const struct jep_summary *summary, size_t index)
{
    const char *base = (const char *)summary + totals[index].offset;

    return *(const struct jep_figure *)(const void *)base;
}

/* No change is less than any floor. */
uint64_t
verdict_floor(const struct jep_summary *s, uint64_t min_size)
{
    struct jep_figure whole = summary_whole(s);
    uint64_t share = whole.known ? whole.value / 100 : 0;

    share = share > min_size ? share : min_size;
    return share > 0 ? share : 1;
}

/* The changes that a verdict is made of. */
struct changes {
    const struct jep_change *list;
    size_t count;
    int64_t floor;
};

static int64_t
bytes_of(const struct changes *changes, const char *id)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (strcmp(changes->list[i].id, id) == 0)
            return changes->list[i].bytes;
    }
    return 0;
}

static bool
is_known(const struct changes *changes, const char *id)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (strcmp(changes->list[i].id, id) == 0)
            return true;
    }
    return false;
}

static bool
is_up(const struct changes *changes, const char *id)
{
    return bytes_of(changes, id) >= changes->floor;
}

static bool
is_down(const struct changes *changes, const char *id)
{
    return bytes_of(changes, id) <= -changes->floor;
}

static struct jep_verdict
live_growth(const struct changes *c)
{
    if (2 * bytes_of(c, "tcache") >= bytes_of(c, "allocated"))
        return (struct jep_verdict){
            "thread-caches",
            "Thread caches hold more: free objects that no other thread can "
            "use",
            "tcache-bloat", "tcache", true};
    return (struct jep_verdict){
        "live-growth",
        "The program holds more live objects: a leak, or more to do",
        "true-leak", "allocated", true};
}

/* What memory grew by: the part that grew most, the inner one of equals.  Free
 * pages alone may be what the objects have left. */
static struct jep_verdict
growth(const struct changes *c)
{
    static const struct jep_verdict verdicts[] = {
        {"live-growth", NULL, NULL, "allocated", true},
        {"fragmentation",
         "Live objects are spread over more pages: fragmentation",
         "slab-waste-high", "active", true},
        {"metadata",
         "The allocator's metadata has grown, more than the objects have",
         "metadata-edata-fragmented-vm", "metadata", true},
        {"freed-not-purged",
         "Pages were freed and not yet given back to the system",
         "dirty-idle-no-bgthread", "dirty", true},
    };
    const struct jep_verdict *most = NULL;
    int64_t most_bytes = 0;
    unsigned grown = 0;

    for (size_t i = 0; i < JE_ARRAY_LEN(verdicts); i++) {
        int64_t bytes = bytes_of(c, verdicts[i].figure);

        /* What is active holds what is allocated. */
        if (strcmp(verdicts[i].figure, "active") == 0)
            bytes -= bytes_of(c, "allocated");
        if (!is_up(c, verdicts[i].figure))
            continue;
        grown++;
        if (most != NULL && bytes <= most_bytes)
            continue;
        most = &verdicts[i];
        most_bytes = bytes;
    }
    if (most == NULL || (grown == 1 && strcmp(most->figure, "dirty") == 0))
        return (struct jep_verdict){0};
    return most == &verdicts[0] ? live_growth(c) : *most;
}

/* Where no part of the allocator's own memory grew. */
static struct jep_verdict
others(const struct changes *c)
{
    if (is_down(c, "allocated") && is_known(c, "active") &&
        2 * bytes_of(c, "active") > bytes_of(c, "allocated"))
        return (struct jep_verdict){
            "shrunk-not-returned",
            "The program freed objects, but most of their pages are still in "
            "use by others: fragmentation",
            "frag-after-shrink", "allocated", false};
    if (is_up(c, "dirty"))
        return (struct jep_verdict){
            "freed-not-purged",
            "Pages were freed and not yet given back to the system",
            "dirty-idle-no-bgthread", "dirty", is_up(c, "rss")};
    if (is_up(c, "rss"))
        return (struct jep_verdict){
            "outside",
            "RSS has grown and nothing that the allocator counts: huge pages, "
            "files, or other allocators",
            "rss-above-allocator", "rss", true};
    if (is_up(c, "resident"))
        return (struct jep_verdict){
            "resident",
            "The allocator keeps more pages in memory for the same objects",
            NULL, "resident", true};
    if (is_up(c, "retained") || is_up(c, "mapped"))
        return (struct jep_verdict){
            "address-space", "Only address space has grown, which is no memory",
            "retained-benign", is_up(c, "retained") ? "retained" : "mapped",
            false};
    return (struct jep_verdict){0};
}

/* The outermost figure that fell; NULL = none. */
static const char *
fallen(const struct changes *c)
{
    static const char *const ids[] = {"rss", "resident", "active", "allocated"};

    for (size_t i = 0; i < JE_ARRAY_LEN(ids); i++) {
        if (is_down(c, ids[i]))
            return ids[i];
    }
    return NULL;
}

bool
verdict_is_alike(enum jep_allocator a, enum jep_allocator b)
{
    static const enum jep_allocator kinds[JEP_ALLOCATORS] = {
        [JEP_ALLOCATOR_JEMALLOC] = JEP_ALLOCATOR_JEMALLOC,
        [JEP_ALLOCATOR_JEALLOC] = JEP_ALLOCATOR_JEMALLOC,
        [JEP_ALLOCATOR_TCMALLOC] = JEP_ALLOCATOR_TCMALLOC,
        [JEP_ALLOCATOR_GPERFTOOLS] = JEP_ALLOCATOR_TCMALLOC,
        [JEP_ALLOCATOR_GLIBC] = JEP_ALLOCATOR_GLIBC,
        [JEP_ALLOCATOR_MIMALLOC] = JEP_ALLOCATOR_MIMALLOC,
    };

    return a == JEP_ALLOCATOR_UNKNOWN || b == JEP_ALLOCATOR_UNKNOWN ||
           kinds[a] == kinds[b];
}

struct jep_verdict
verdict_apart(const struct jep_change *list, size_t count, uint64_t floor)
{
    const struct changes changes = {list, count, (int64_t)floor};

    return (struct jep_verdict){
        "not-comparable",
        "The dumps are of different allocators, whose figures do not compare; "
        "only the RSS does",
        NULL, "rss", is_up(&changes, "rss")};
}

struct jep_verdict
verdict_of(const struct jep_change *list, size_t count, uint64_t floor)
{
    const struct changes changes = {list, count, (int64_t)floor};
    struct jep_verdict verdict = growth(&changes);

    if (verdict.id == NULL)
        verdict = others(&changes);
    if (verdict.id != NULL)
        return verdict;
    if (fallen(&changes) != NULL)
        return (struct jep_verdict){"less", "It uses less memory than before",
                                    NULL, fallen(&changes), false};
    return (struct jep_verdict){
        "same", "Nothing has changed by more than the threshold", NULL, NULL,
        false};
}
