/* What a change means where another allocator than jemalloc tells it.
 *
 * Their caches and free pages are not among the objects, and what is mapped is
 * not address space alone: the lines of the ledger decide.  Each line belongs
 * to the objects, to one kind of free memory, or to metadata; what grew most
 * is what happened. */
#include "analyse/verdict_foreign.h"

#include <string.h>

static const struct {
    const char *line;
    enum jep_part part;
} members[] = {
    {"objects", JEP_PART_OBJECTS},
    {"objects_and_caches", JEP_PART_OBJECTS},
    {"cpu_caches", JEP_PART_CACHES},
    {"sharded_caches", JEP_PART_CACHES},
    {"transfer_cache", JEP_PART_CACHES},
    {"thread_caches", JEP_PART_CACHES},
    {"central_cache", JEP_PART_HOLES},
    {"fast_bins", JEP_PART_HOLES},
    {"bins", JEP_PART_HOLES},
    {"bins_and_top", JEP_PART_HOLES},
    {"free_chunks", JEP_PART_HOLES},
    {"beyond_blocks", JEP_PART_HOLES},
    {"page_heap", JEP_PART_PAGES},
    {"top", JEP_PART_PAGES},
    {"metadata", JEP_PART_METADATA},
    {"metadata_unallocated", JEP_PART_METADATA},
    {"metadata_unavailable", JEP_PART_METADATA},
    {"committed", JEP_PART_MIXED},
};

/* The others are allocated, metadata and mapped. */
static const struct {
    const char *id, *what;
} parts_of_their_own[JEP_PARTS] = {
    [JEP_PART_CACHES] = {"caches", "all caches"},
    [JEP_PART_HOLES] = {"holes", "holes"},
    [JEP_PART_PAGES] = {"free_pages", "free pages"},
};

const char *
foreign_part_id(enum jep_part part)
{
    return parts_of_their_own[part].id;
}

const char *
foreign_part_what(enum jep_part part)
{
    return parts_of_their_own[part].what;
}

static void
part_add(const struct jep_ledger_line *line, struct jep_figure *parts)
{
    for (size_t k = 0; k < JE_ARRAY_LEN(members); k++) {
        struct jep_figure *part = &parts[members[k].part];

        if (strcmp(line->id, members[k].line) == 0)
            *part = figure_derived(part->value + (uint64_t)line->bytes);
    }
}

void
foreign_parts(const struct jep_ledger *ledger,
              struct jep_figure parts[JEP_PARTS])
{
    memset(parts, 0, JEP_PARTS * sizeof(*parts));
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->lines[i].depth == 0)
            part_add(&ledger->lines[i], parts);
    }
}

bool
foreign_fits(const struct jep_moment *a, const struct jep_moment *b)
{
    return a->is_foreign && b->is_foreign && a->allocator == b->allocator &&
           a->whole != NULL && b->whole != NULL &&
           strcmp(a->whole, b->whole) == 0;
}

static enum jep_part
most_grown(const int64_t parts[JEP_PARTS])
{
    enum jep_part most = JEP_PART_OBJECTS;

    for (enum jep_part part = 0; part < JEP_PARTS; part++) {
        if (parts[part] > parts[most])
            most = part;
    }
    return most;
}

static int64_t
change_of(const struct jep_change *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, id) == 0)
            return list[i].bytes;
    }
    return 0;
}

/* The rule that is about that kind of memory. */
static const char *
rule_of(enum jep_allocator allocator, enum jep_part part)
{
#define TCMALLOC                                                               \
    {                                                                          \
        [JEP_PART_CACHES] = "tcmalloc-percpu-cache",                           \
        [JEP_PART_HOLES] = "tcmalloc-central",                                 \
        [JEP_PART_PAGES] = "tcmalloc-pageheap"                                 \
    }
    static const char *const rules[JEP_ALLOCATORS][JEP_PARTS] = {
        [JEP_ALLOCATOR_TCMALLOC] = TCMALLOC,
        [JEP_ALLOCATOR_GPERFTOOLS] = TCMALLOC,
        [JEP_ALLOCATOR_GLIBC] = {[JEP_PART_HOLES] = "glibc-untrimmed",
                                 [JEP_PART_PAGES] = "glibc-untrimmed"},
        [JEP_ALLOCATOR_MIMALLOC] = {[JEP_PART_HOLES] = "mimalloc-purge-idle",
                                    [JEP_PART_MIXED] = "mimalloc-purge-idle"}};
#undef TCMALLOC

    return rules[allocator][part];
}

static struct jep_verdict
grown(enum jep_allocator allocator, enum jep_part part, bool is_total_up)
{
    struct jep_verdict out = {.rule = rule_of(allocator, part),
                              .figure = foreign_part_id(part),
                              .has_grown = is_total_up};

    switch (part) {
    case JEP_PART_OBJECTS:
        out.id = "live-growth";
        out.text = "The program holds more live objects: a leak, or more to do";
        out.rule = "true-leak";
        out.figure = "allocated";
        break;
    case JEP_PART_CACHES:
        out.id = "thread-caches";
        out.text = "Caches of threads or processors hold more: free objects "
                   "that no other one can use";
        break;
    case JEP_PART_HOLES:
        out.id = is_total_up ? "fragmentation" : "shrunk-not-returned";
        out.text = is_total_up
                       ? "There is more free memory between what is in use: "
                         "fragmentation"
                       : "The program freed objects, and what they left stays "
                         "with the allocator: fragmentation";
        break;
    case JEP_PART_PAGES:
        out.id = "freed-not-purged";
        out.text = "Pages were freed and not yet given back to the system";
        break;
    case JEP_PART_METADATA:
        out.id = "metadata";
        out.text = "The allocator's metadata has grown, more than the objects "
                   "have";
        out.figure = "metadata";
        break;
    default:
        out.id = "resident";
        out.text = "The allocator holds more memory; the dumps do not tell "
                   "objects in it from free memory";
        out.figure = "mapped";
        break;
    }
    return out;
}

/* Where no part has grown enough, but all together have. */
static struct jep_verdict
grown_together(const struct jep_change *list, size_t count)
{
    bool is_memory = change_of(list, count, "resident") > 0;

    return (struct jep_verdict){
        "resident", "The allocator holds more memory, of each kind a little",
        NULL, is_memory ? "resident" : "mapped", true};
}

static struct jep_verdict
not_grown(int64_t total, int64_t rss, int64_t retained, int64_t floor)
{
    if (rss >= floor)
        return (struct jep_verdict){
            "outside",
            "RSS has grown and nothing that the allocator counts: huge pages, "
            "files, or other allocators",
            "rss-above-allocator", "rss", true};
    if (total <= -floor || rss <= -floor)
        return (struct jep_verdict){"less", "It uses less memory than before",
                                    NULL, NULL, false};
    if (retained >= floor)
        return (struct jep_verdict){
            "address-space", "Only address space has grown, which is no memory",
            "retained-benign", "retained", false};
    return (struct jep_verdict){
        "same", "Nothing has changed by more than the threshold", NULL, NULL,
        false};
}

struct jep_verdict
foreign_verdict(const int64_t parts[JEP_PARTS], const struct jep_change *list,
                size_t count, enum jep_allocator allocator, uint64_t floor)
{
    int64_t total = 0, least = floor > 0 ? (int64_t)floor : 1;
    enum jep_part most = most_grown(parts);

    for (enum jep_part part = 0; part < JEP_PARTS; part++)
        total += parts[part];
    if (parts[most] >= least)
        return grown(allocator, most, total >= least);
    if (total >= least)
        return grown_together(list, count);
    return not_grown(total, change_of(list, count, "rss"),
                     change_of(list, count, "retained"), least);
}
