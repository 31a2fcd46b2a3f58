/* Allocators other than jemalloc: their figures in the terms of a report.
 *
 * Only what means the same gets jemalloc's name.  allocated is what the
 * program has and did not free; retained is address space without memory.
 * resident is set where the dump says that it is memory: tcmalloc's "actual
 * memory used", which like jemalloc's counts what is swapped out.  What glibc
 * and mimalloc took from the system may never have been touched: it is mapped.
 *
 * A ledger's total is the sum that the allocator itself prints.  Its terms are
 * printed, too, or follow from an identity that derived_from states; what they
 * leave over comes out as "unexplained". */
#include "analyse/report.h"

bool
foreign_is(const struct snapshot *snapshot)
{
    return snapshot->format == DUMP_FORMAT_TCMALLOC ||
           snapshot->format == DUMP_FORMAT_GLIBC ||
           snapshot->format == DUMP_FORMAT_MIMALLOC;
}

/* `b` is not printed by all versions. */
static struct jep_figure
plus_if_known(struct jep_figure a, struct jep_figure b)
{
    return b.known ? figure_plus(a, b) : a;
}

/* Up to 1.7 gperftools printed the terms only. */
static struct jep_figure
tcmalloc_actual(const struct jep_figure *t)
{
    return figure_or(
        t[TCMALLOC_ACTUAL],
        figure_plus(figure_minus(t[TCMALLOC_HEAP_SIZE], t[TCMALLOC_RELEASED]),
                    t[TCMALLOC_METADATA]));
}

static void
tcmalloc_summary(const struct jep_figure *t, struct jep_summary *out)
{
    struct jep_figure metadata = t[TCMALLOC_METADATA];

    metadata = plus_if_known(metadata, t[TCMALLOC_ARENA_UNALLOCATED]);
    metadata = plus_if_known(metadata, t[TCMALLOC_ARENA_UNAVAILABLE]);
    out->allocated = t[TCMALLOC_IN_USE];
    out->metadata = metadata;
    out->resident = tcmalloc_actual(t);
    out->mapped =
        figure_or(t[TCMALLOC_VIRTUAL],
                  figure_plus(t[TCMALLOC_HEAP_SIZE], t[TCMALLOC_METADATA]));
    out->retained = t[TCMALLOC_RELEASED];
    out->tcache = plus_if_known(t[TCMALLOC_THREAD], t[TCMALLOC_PER_CPU]);
    out->page = t[TCMALLOC_PAGE];
    out->threads = t[TCMALLOC_THREAD_HEAPS];
}

static void
glibc_summary(const struct jep_figure *g, struct jep_summary *out)
{
    out->allocated = figure_or(g[GLIBC_IN_USE], g[GLIBC_HEAP_IN_USE]);
    out->mapped = figure_or(g[GLIBC_SYSTEM], g[GLIBC_HEAP_SYSTEM]);
    out->narenas = g[GLIBC_HEAPS];
}

static void
mimalloc_summary(const struct jep_figure *m, struct jep_summary *out)
{
    out->allocated = m[MIMALLOC_BLOCKS];
    out->mapped = m[MIMALLOC_COMMITTED];
    out->retained = figure_minus(m[MIMALLOC_RESERVED], m[MIMALLOC_COMMITTED]);
    out->threads = m[MIMALLOC_THREADS];
}

void
foreign_summary(const struct snapshot *snapshot, struct jep_summary *out)
{
    if (snapshot->format == DUMP_FORMAT_TCMALLOC)
        tcmalloc_summary(snapshot->tcmalloc, out);
    else if (snapshot->format == DUMP_FORMAT_GLIBC)
        glibc_summary(snapshot->glibc, out);
    else if (snapshot->format == DUMP_FORMAT_MIMALLOC)
        mimalloc_summary(snapshot->mimalloc, out);
}

/* A line of a ledger and the figure that it shows. */
struct line {
    const char *id, *what;
    struct jep_figure figure;
    const char *derived_from;
    unsigned depth;
};

/* A plain zero says nothing but of the objects. */
static void
add_lines(struct ledger *ledger, const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct line *line = &lines[i];

        if (line->figure.known && (line->figure.value != 0 || i == 0))
            ledger_add(ledger, line->id, line->what,
                       (int64_t)line->figure.value, line->derived_from,
                       line->depth);
    }
}

static void
tcmalloc_ledger(const struct jep_figure *t, struct ledger *ledger,
                struct jep_ledger *out)
{
    struct jep_figure total = tcmalloc_actual(t);
    const struct line lines[] = {
        {"objects", "objects in use", t[TCMALLOC_IN_USE], "in use", 0},
        {"page_heap", "free pages in the page heap", t[TCMALLOC_PAGE_HEAP],
         "page heap freelist", 0},
        {"central_cache", "free objects in used spans", t[TCMALLOC_CENTRAL],
         "central cache freelist", 0},
        {"cpu_caches", "caches of the CPUs", t[TCMALLOC_PER_CPU],
         "per-CPU cache freelist", 0},
        {"sharded_caches", "sharded caches", t[TCMALLOC_SHARDED],
         "sharded cache freelist", 0},
        {"transfer_cache", "transfer cache", t[TCMALLOC_TRANSFER],
         "transfer cache freelist", 0},
        {"thread_caches", "thread caches", t[TCMALLOC_THREAD],
         "thread cache freelists", 0},
        {"metadata", "metadata", t[TCMALLOC_METADATA], "malloc metadata", 0},
        {"metadata_unallocated", "metadata not yet given out",
         t[TCMALLOC_ARENA_UNALLOCATED], "Arena unallocated", 0},
        {"metadata_unavailable", "metadata lost to rounding",
         t[TCMALLOC_ARENA_UNAVAILABLE], "Arena unavailable", 0},
    };

    if (!total.known || t[TCMALLOC_IN_USE].value > total.value)
        return;
    out->total_name = "actual memory used";
    out->total = total.value;
    add_lines(ledger, lines, JE_ARRAY_LEN(lines));
}

/* What is free in glibc's heaps, as far as the dump tells it apart. */
struct glibc_free {
    struct jep_figure fast, bins, top;
    struct jep_figure bins_and_top; /* instead of the two */
    struct jep_figure all;          /* instead of everything */
};

/* malloc_info prints the fast bins and the rest, mallinfo the fast bins and
 * the sum, malloc_stats neither. */
static void
glibc_free(const struct jep_figure *g, struct jep_figure total,
           struct jep_figure in_use, struct glibc_free *out)
{
    struct jep_figure rest =
        figure_or(g[GLIBC_REST], figure_minus(g[GLIBC_FREE], g[GLIBC_FAST]));

    *out = (struct glibc_free){0};
    if (!g[GLIBC_FAST].known || !rest.known) {
        out->all = figure_minus(total, in_use);
        return;
    }
    out->fast = g[GLIBC_FAST];
    out->bins = figure_minus(rest, g[GLIBC_TOP]);
    if (out->bins.known)
        out->top = g[GLIBC_TOP];
    else
        out->bins_and_top = rest;
}

static void
glibc_ledger(const struct jep_figure *g, struct ledger *ledger,
             struct jep_ledger *out)
{
    /* Before 2.23 malloc_info did not tell what is mapped one by one. */
    bool is_whole = g[GLIBC_SYSTEM].known;
    struct jep_figure total = g[is_whole ? GLIBC_SYSTEM : GLIBC_HEAP_SYSTEM];
    struct jep_figure in_use = g[is_whole ? GLIBC_IN_USE : GLIBC_HEAP_IN_USE];
    struct jep_figure none = {0};
    struct glibc_free unused;

    if (!total.known || !in_use.known || in_use.value > total.value)
        return;
    glibc_free(g, total, in_use, &unused);
    const struct line lines[] = {
        {"objects_and_caches", "objects in use or cached", in_use,
         g[GLIBC_REST].known ? "system - fast - rest" : "in use", 0},
        {"mmapped", "of which mapped one by one",
         is_whole ? g[GLIBC_MMAP] : none, "mmap", 1},
        {"fast_bins", "free chunks in fast bins", unused.fast, "fast", 0},
        {"bins", "free chunks in other bins", unused.bins, "rest - top", 0},
        {"top", "free at the end of heaps (top)", unused.top,
         g[GLIBC_REST].known ? "rest - bins" : "keepcost", 0},
        {"bins_and_top", "free chunks in other bins, top", unused.bins_and_top,
         "rest", 0},
        {"free_chunks", "free chunks", unused.all, "system - in use", 0},
    };
    out->total_name = is_whole ? "system bytes" : "system bytes of heaps";
    out->total = total.value;
    add_lines(ledger, lines, JE_ARRAY_LEN(lines));
}

/* Blocks are counted in debug builds only. */
static void
mimalloc_ledger(const struct jep_figure *m, struct ledger *ledger,
                struct jep_ledger *out)
{
    struct jep_figure committed = m[MIMALLOC_COMMITTED];
    struct jep_figure beyond = figure_minus(committed, m[MIMALLOC_BLOCKS]);
    const struct line with_blocks[] = {
        {"objects", "objects in use", m[MIMALLOC_BLOCKS], "total", 0},
        {"beyond_blocks", "free in pages, metadata", beyond,
         "committed - total", 0},
    };
    const struct line plain = {"committed", "in use, free in pages, metadata",
                               committed, "committed", 0};

    if (!committed.known)
        return;
    out->total_name = "committed";
    out->total = committed.value;
    if (beyond.known)
        add_lines(ledger, with_blocks, JE_ARRAY_LEN(with_blocks));
    else
        add_lines(ledger, &plain, 1);
}

void
foreign_ledger(const struct snapshot *snapshot, struct ledger *ledger,
               struct jep_ledger *out)
{
    if (snapshot->format == DUMP_FORMAT_TCMALLOC)
        tcmalloc_ledger(snapshot->tcmalloc, ledger, out);
    else if (snapshot->format == DUMP_FORMAT_GLIBC)
        glibc_ledger(snapshot->glibc, ledger, out);
    else
        mimalloc_ledger(snapshot->mimalloc, ledger, out);
    if (out->total_name != NULL)
        ledger_close(ledger, out, false);
}
