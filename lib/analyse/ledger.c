/* Where the memory is: signed lines that add up to RSS, or to resident.
 *
 * Every line is computed from counters of its own; only "unexplained" is what
 * the others leave over, so it shows how far they can be trusted.  Where a
 * dump lacks a counter and an exact identity gives the line instead (see
 * derived_from), nothing is left that could check the others, and there is no
 * "unexplained".
 *
 *   resident = active + base metadata in pages + dirty [+ muzzy, 5.0-5.2.1]
 *   active - allocated = holes in slabs + a page per large object [if padded]
 *   holes in slabs = free objects - what our allocator gave back of them
 *
 * Towards RSS come: pages counted above that hold no memory now, because they
 * were never touched, are swapped out or were taken back (they are one line,
 * because the kernel does not tell them apart), free pages that huge pages
 * filled, and what is not the allocator's.  Our own dumps looked at each page;
 * with others, where the kernel's account stands beside the allocator's, pages
 * that were never touched are in "unexplained". */
#include "analyse/report.h"

#define MUZZY_RESIDENT_FROM 50000
#define MUZZY_RESIDENT_TO   50201

void
ledger_add(struct ledger *ledger, const char *id, const char *what,
           int64_t bytes, const char *derived_from, unsigned depth)
{
    if (ledger->count == LEDGER_LINES_MAX)
        return;
    ledger->lines[ledger->count++] =
        (struct jep_ledger_line){.id = id,
                                 .what = what,
                                 .derived_from = derived_from,
                                 .bytes = bytes,
                                 .depth = depth};
}

static void
add(struct ledger *ledger, const char *id, const char *what, int64_t bytes,
    const char *derived_from)
{
    ledger_add(ledger, id, what, bytes, derived_from, 0);
}

static void
add_figure(struct ledger *ledger, const char *id, const char *what,
           struct jep_figure figure, const char *derived_from)
{
    if (figure.known)
        add(ledger, id, what, (int64_t)figure.value, derived_from);
}

/* As add_figure, but a plain zero says nothing and is left out. */
static void
add_nonzero(struct ledger *ledger, const char *id, const char *what,
            struct jep_figure figure, const char *derived_from)
{
    if (figure.known && figure.value != 0)
        add(ledger, id, what, (int64_t)figure.value, derived_from);
}

/* Objects, caches: everything inside `allocated`. */
static void
add_allocated(struct ledger *ledger, const struct snapshot *snapshot,
              const struct jep_summary *s)
{
    int64_t objects = (int64_t)s->allocated.value;
    bool has_cache = s->tcache.known && s->tcache.value <= s->allocated.value;
    bool has_internal =
        has_cache && s->internal.known &&
        s->internal.value <= s->allocated.value - s->tcache.value;

    if (has_internal)
        objects -= (int64_t)s->internal.value;
    if (!has_cache) {
        add(ledger, "objects_and_caches", "objects in use or cached", objects,
            "allocated");
        account_ledger(snapshot, (uint64_t)objects, ledger);
        return;
    }
    add(ledger, "objects", "objects in use", objects - (int64_t)s->tcache.value,
        has_internal ? "allocated - tcache_bytes - internal"
                     : "allocated - tcache_bytes");
    account_ledger(snapshot, (uint64_t)objects - s->tcache.value, ledger);
    add_figure(ledger, "thread_caches", "thread caches", s->tcache,
               "tcache_bytes");
    if (has_internal)
        add_nonzero(ledger, "metadata_internal", "metadata among the objects",
                    s->internal, "internal");
}

/* How the holes in slabs are computed. */
static const char *
holes_derived_from(const struct snapshot *snapshot)
{
    bool has_gaps = snapshot->subject != NULL &&
                    snapshot->subject->figures[ARENA_SLAB_GAPS].known;

    return has_gaps ? "curslabs * slab_size - curregs * size - slab_gaps"
                    : "curslabs * slab_size - curregs * size";
}

/* Between allocated and active where at most one of the two parts is known:
 * the other is what is left. */
static void
add_gap(struct ledger *ledger, const struct snapshot *snapshot,
        const struct jep_summary *s)
{
    int64_t gap = (int64_t)(s->active.value - s->allocated.value);

    if (s->slab_holes.known && (int64_t)s->slab_holes.value <= gap) {
        add_figure(ledger, "slab_holes", "holes in slabs", s->slab_holes,
                   holes_derived_from(snapshot));
        add(ledger, "large_padding", "padding of large objects",
            gap - (int64_t)s->slab_holes.value,
            "active - allocated - holes in slabs");
    } else if (s->padding.known && (int64_t)s->padding.value <= gap) {
        add(ledger, "slab_holes", "holes in slabs",
            gap - (int64_t)s->padding.value, "active - allocated - padding");
        add_nonzero(ledger, "large_padding", "padding of large objects",
                    s->padding, "curlextents * page");
    } else {
        add(ledger, "holes_and_padding", "holes in slabs, padding", gap,
            "active - allocated");
    }
}

/* Everything inside `active`.  Returns false if a line was taken from an
 * identity. */
static bool
add_active(struct ledger *ledger, const struct snapshot *snapshot,
           const struct jep_summary *s)
{
    if (!s->allocated.known || s->active.value < s->allocated.value) {
        add_figure(ledger, "active", "pages with objects", s->active, "active");
        return false;
    }
    add_allocated(ledger, snapshot, s);
    if (s->slab_holes.known && s->padding.known) {
        add(ledger, "slab_holes", "holes in slabs",
            (int64_t)s->slab_holes.value, holes_derived_from(snapshot));
        add_nonzero(ledger, "large_padding", "padding of large objects",
                    s->padding, "curlextents * page");
        return true;
    }
    add_gap(ledger, snapshot, s);
    return false;
}

/* The lines below base metadata, where they fit into it. */
static void
add_metadata(struct ledger *ledger, const struct snapshot *snapshot,
             const struct jep_summary *s, struct jep_figure base)
{
    struct summary_metadata part = summary_metadata(snapshot, s);
    uint64_t sum = part.tree.value + part.live.value + part.idle.value;
    size_t first = ledger->count;

    if (!base.known || !part.tree.known || sum > base.value)
        return;
    add_figure(ledger, "metadata_tree", "page-map tree, at least", part.tree,
               part.tree.derived ? "(mapped + retained) / page * 8"
                                 : "metadata_rtree");
    if (part.live.known)
        add_figure(ledger, "metadata_extents", "structures of extents",
                   part.live,
                   part.live.derived ? "(slabs + large + idle extents) * 128"
                                     : "metadata_edata");
    if (part.idle.known)
        add_nonzero(ledger, "metadata_extents_idle",
                    "structures kept for later", part.idle,
                    "extent_avail * 128");
    add(ledger, "metadata_rest",
        part.live.known ? "the rest" : "extent structures and the rest",
        (int64_t)(base.value - sum), "base - the lines above");
    for (size_t i = first; i < ledger->count; i++)
        ledger->lines[i].depth = 1;
}

/* Muzzy pages count as resident in 5.0.0 to 5.2.1.  Without a version they do
 * if the figures say so. */
static bool
muzzy_is_resident(const struct snapshot *snapshot, const struct jep_summary *s,
                  struct jep_figure base)
{
    unsigned release = summary_release(snapshot);
    uint64_t without;

    if (release != 0)
        return release >= MUZZY_RESIDENT_FROM && release <= MUZZY_RESIDENT_TO;
    if (!s->muzzy.known || !s->dirty.known || !base.known || !s->resident.known)
        return false;
    without = s->active.value + base.value + s->dirty.value;
    return s->resident.value > without &&
           s->resident.value - without >= s->muzzy.value / 2;
}

/* What lies between active and resident.  As add_active. */
static bool
add_beyond_active(struct ledger *ledger, const struct snapshot *snapshot,
                  const struct jep_summary *s)
{
    struct jep_figure base = summary_base_resident(snapshot);
    uint64_t beyond = s->resident.value - s->active.value;

    if (!base.known || base.value > beyond) {
        if (s->dirty.known && s->dirty.value <= beyond) {
            add_figure(ledger, "dirty", "dirty pages", s->dirty,
                       "pdirty * page");
            add(ledger, "metadata_base", "metadata (base)",
                (int64_t)(beyond - s->dirty.value),
                "resident - active - dirty");
            return false;
        }
        add(ledger, "metadata_and_dirty", "metadata (base), dirty pages",
            (int64_t)beyond, "resident - active");
        return false;
    }
    add_figure(ledger, "metadata_base", "metadata (base)", base,
               "base, in whole pages");
    add_metadata(ledger, snapshot, s, base);
    if (!s->dirty.known) {
        unsigned from, to;
        bool with_muzzy;

        summary_releases(snapshot, &from, &to);
        with_muzzy =
            from <= MUZZY_RESIDENT_TO && (summary_release(snapshot) == 0 ||
                                          muzzy_is_resident(snapshot, s, base));
        add(ledger, "dirty",
            with_muzzy ? "dirty pages (muzzy too, up to 5.2.1)" : "dirty pages",
            (int64_t)(beyond - base.value), "resident - active - base");
        return false;
    }
    add_figure(ledger, "dirty", "dirty pages", s->dirty, "pdirty * page");
    if (muzzy_is_resident(snapshot, s, base))
        add_nonzero(ledger, "muzzy", "muzzy pages", s->muzzy, "pmuzzy * page");
    return true;
}

/* Our dumps: from the allocator's pages to the RSS of the same moment. */
static void
add_rss(struct ledger *ledger, const struct snapshot *snapshot,
        const struct jep_summary *s)
{
    const struct jep_figure *found = snapshot->residency;
    struct jep_figure base = summary_base_resident(snapshot);
    struct jep_figure counted, resident;

    add_figure(ledger, "metadata_base", "metadata (base)", base,
               "base, in whole pages");
    add_figure(ledger, "dirty", "dirty pages", s->dirty, "pdirty * page");
    add_nonzero(ledger, "muzzy", "muzzy pages still resident",
                found[RESIDENCY_MUZZY], "residency.muzzy");
    counted = figure_plus(figure_plus(s->active, s->dirty), base);
    resident = figure_plus(
        figure_plus(found[RESIDENCY_ACTIVE], found[RESIDENCY_DIRTY]),
        found[RESIDENCY_METADATA]);
    if (counted.known && resident.known && counted.value != resident.value)
        add(ledger, "not_resident", "of it never touched or swapped out",
            (int64_t)resident.value - (int64_t)counted.value,
            "residency - (active + dirty + base)");
    add_nonzero(ledger, "huge_page_fill", "free pages filled by huge pages",
                found[RESIDENCY_RETAINED], "residency.retained");
    add_nonzero(ledger, "other_anonymous", "anonymous, not the allocator's",
                found[RESIDENCY_OTHER_ANONYMOUS], "residency.other_anonymous");
    add_nonzero(ledger, "file", "files (program, libraries)",
                snapshot->rollup[ROLLUP_FILE], "smaps_rollup.file");
    add_nonzero(ledger, "shmem", "shared memory",
                snapshot->rollup[ROLLUP_SHMEM], "smaps_rollup.shmem");
}

/* Muzzy pages that resident leaves out. */
static struct jep_figure
muzzy_beyond(const struct snapshot *snapshot, const struct jep_summary *s)
{
    if (muzzy_is_resident(snapshot, s, summary_base_resident(snapshot)))
        return (struct jep_figure){0};
    return s->muzzy;
}

void
ledger_close(struct ledger *ledger, struct jep_ledger *out, bool is_checked)
{
    int64_t sum = 0;

    for (size_t i = 0; i < ledger->count; i++)
        sum += ledger->lines[i].depth == 0 ? ledger->lines[i].bytes : 0;
    /* A remainder that is not zero is shown even where it checks nothing. */
    if (is_checked || sum != (int64_t)out->total)
        add(ledger, "unexplained", "unexplained", (int64_t)out->total - sum,
            "total - all lines above");
    out->has_unexplained = is_checked;
    for (size_t i = 0; i < ledger->count && out->total > 0; i++)
        ledger->lines[i].share =
            (double)ledger->lines[i].bytes / (double)out->total;
    out->lines = ledger->lines;
    out->count = ledger->count;
}

void
ledger_fill(const struct snapshot *snapshot, const struct jep_summary *s,
            struct ledger *ledger, struct jep_ledger *out)
{
    bool is_checked;

    *out = (struct jep_ledger){0};
    ledger->count = 0;
    if (redis_ledger(snapshot, s, ledger, out)) {
        ledger_close(ledger, out, false);
        return;
    }
    if (snapshot->format == DUMP_FORMAT_PROC) {
        kernel_ledger(snapshot, s, ledger, out);
        return;
    }
    if (foreign_is(snapshot)) {
        foreign_ledger(snapshot, ledger, out);
        return;
    }
    if (!s->active.known || s->active.value > SUMMARY_IMPOSSIBLE)
        return;
    is_checked = add_active(ledger, snapshot, s);
    if (snapshot->rollup[ROLLUP_RSS].known &&
        snapshot->residency[RESIDENCY_ACTIVE].known) {
        out->total_name = "RSS";
        out->total = s->rss.value;
        add_rss(ledger, snapshot, s);
        is_checked = true;
    } else if (s->resident.known && s->resident.value >= s->active.value) {
        bool has_rss = s->rss.known && s->rss.value > 0;

        out->total_name = has_rss ? "RSS" : "resident";
        out->total = has_rss ? s->rss.value : s->resident.value;
        is_checked |= add_beyond_active(ledger, snapshot, s) || has_rss;
        if (has_rss)
            kernel_beyond(snapshot, s, muzzy_beyond(snapshot, s), ledger);
    } else {
        out->total_name = "active";
        out->total = s->active.value;
        is_checked &= s->slab_holes.known && s->padding.known;
    }
    ledger_close(ledger, out, is_checked);
}
