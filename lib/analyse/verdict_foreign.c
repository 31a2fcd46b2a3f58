/* What a change means where another allocator than jemalloc tells it.
 *
 * Their caches and free pages are not among the objects, and what is mapped is
 * not address space alone: the lines of the ledger decide.  Each line belongs
 * to the objects, to one kind of free memory, or to metadata; what grew most
 * is what happened. */
#include "analyse/verdict_foreign.h"

#include <string.h>

enum group {
    GROUP_OBJECTS,
    GROUP_CACHES,
    GROUP_HOLES, /* free between what is in use */
    GROUP_PAGES, /* free and whole: could go back */
    GROUP_METADATA,
    GROUP_MIXED, /* objects and free memory, which the dump does not tell */
    GROUPS
};

static const struct {
    const char *line;
    enum group group;
} members[] = {
    {"objects", GROUP_OBJECTS},
    {"objects_and_caches", GROUP_OBJECTS},
    {"cpu_caches", GROUP_CACHES},
    {"sharded_caches", GROUP_CACHES},
    {"transfer_cache", GROUP_CACHES},
    {"thread_caches", GROUP_CACHES},
    {"central_cache", GROUP_HOLES},
    {"fast_bins", GROUP_HOLES},
    {"bins", GROUP_HOLES},
    {"bins_and_top", GROUP_HOLES},
    {"free_chunks", GROUP_HOLES},
    {"beyond_blocks", GROUP_HOLES},
    {"page_heap", GROUP_PAGES},
    {"top", GROUP_PAGES},
    {"metadata", GROUP_METADATA},
    {"metadata_unallocated", GROUP_METADATA},
    {"metadata_unavailable", GROUP_METADATA},
    {"committed", GROUP_MIXED},
};

static void
groups_sum(const struct jep_diff *diff, int64_t sums[GROUPS])
{
    memset(sums, 0, GROUPS * sizeof(*sums));
    for (size_t i = 0; i < diff->line_count; i++) {
        for (size_t k = 0; k < JE_ARRAY_LEN(members); k++) {
            if (strcmp(diff->lines[i].id, members[k].line) == 0)
                sums[members[k].group] += diff->lines[i].bytes;
        }
    }
}

static enum group
most_grown(const int64_t sums[GROUPS])
{
    enum group most = GROUP_OBJECTS;

    for (enum group group = 0; group < GROUPS; group++) {
        if (sums[group] > sums[most])
            most = group;
    }
    return most;
}

static int64_t
change_of(const struct jep_diff *diff, const char *id)
{
    for (size_t i = 0; i < diff->total_count; i++) {
        if (strcmp(diff->totals[i].id, id) == 0)
            return diff->totals[i].bytes;
    }
    return 0;
}

/* The rule that is about that kind of memory. */
static const char *
rule_of(enum dump_format format, enum group group)
{
    static const char *const rules[][GROUPS] = {
        [DUMP_FORMAT_TCMALLOC] = {[GROUP_CACHES] = "tcmalloc-percpu-cache",
                                  [GROUP_HOLES] = "tcmalloc-central",
                                  [GROUP_PAGES] = "tcmalloc-pageheap"},
        [DUMP_FORMAT_GLIBC] = {[GROUP_HOLES] = "glibc-untrimmed",
                               [GROUP_PAGES] = "glibc-untrimmed"},
        [DUMP_FORMAT_MIMALLOC] = {[GROUP_HOLES] = "mimalloc-purge-idle",
                                  [GROUP_MIXED] = "mimalloc-purge-idle"}};

    return rules[format][group];
}

static struct jep_verdict
grown(enum dump_format format, enum group group, bool is_total_up)
{
    struct jep_verdict out = {.rule = rule_of(format, group),
                              .has_grown = is_total_up};

    switch (group) {
    case GROUP_OBJECTS:
        out.id = "live-growth";
        out.text = "The program holds more live objects: a leak, or more to do";
        out.rule = "true-leak";
        out.figure = "allocated";
        break;
    case GROUP_CACHES:
        out.id = "thread-caches";
        out.text = "Caches of threads or processors hold more: free objects "
                   "that no other one can use";
        break;
    case GROUP_HOLES:
        out.id = is_total_up ? "fragmentation" : "shrunk-not-returned";
        out.text = is_total_up
                       ? "There is more free memory between what is in use: "
                         "fragmentation"
                       : "The program freed objects, and what they left stays "
                         "with the allocator: fragmentation";
        break;
    case GROUP_PAGES:
        out.id = "freed-not-purged";
        out.text = "Pages were freed and not yet given back to the system";
        break;
    case GROUP_METADATA:
        out.id = "metadata";
        out.text = "The allocator's metadata has grown, the objects have not";
        break;
    default:
        out.id = "resident";
        out.text = "The allocator holds more memory; the dumps do not tell "
                   "objects in it from free memory";
        break;
    }
    return out;
}

static struct jep_verdict
not_grown(const struct jep_diff *diff, int64_t total, int64_t floor)
{
    if (change_of(diff, "rss") >= floor)
        return (struct jep_verdict){
            "outside",
            "RSS has grown and nothing that the allocator counts: huge pages, "
            "files, or other allocators",
            "rss-above-allocator", "rss", true};
    if (total <= -floor || change_of(diff, "rss") <= -floor)
        return (struct jep_verdict){"less", "It uses less memory than before",
                                    NULL, NULL, false};
    if (change_of(diff, "retained") >= floor)
        return (struct jep_verdict){
            "address-space", "Only address space has grown, which is no memory",
            "retained-benign", "retained", false};
    return (struct jep_verdict){
        "same", "Nothing has changed by more than the threshold", NULL, NULL,
        false};
}

struct jep_verdict
foreign_verdict(const struct jep_diff *diff, enum dump_format format,
                uint64_t floor)
{
    int64_t sums[GROUPS], total = 0;
    int64_t least = floor > 0 ? (int64_t)floor : 1;
    enum group most;

    groups_sum(diff, sums);
    most = most_grown(sums);
    for (enum group group = 0; group < GROUPS; group++)
        total += sums[group];
    if (sums[most] >= least)
        return grown(format, most, total >= least);
    return not_grown(diff, total, least);
}
