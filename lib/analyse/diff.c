/* What changed from one dump to another, and what that means.
 *
 * Which of the figures grew tells leak, fragmentation and cache apart: live
 * bytes, the pages that hold them, free pages, metadata, or nothing that the
 * allocator counts. */
#include "analyse/report.h"
#include "analyse/verdict_foreign.h"

#include <stdlib.h>
#include <string.h>

struct diff {
    struct jep_diff out; /* first: the handle */
    struct jep_change totals[12];
    struct jep_change lines[2 * LEDGER_LINES_MAX];
    struct jep_bin_change *bins;
    struct jep_stack_change *stacks;
    uint64_t floor; /* less is no change */
};

static int64_t
change_bytes(struct jep_figure before, struct jep_figure now)
{
    return (int64_t)now.value - (int64_t)before.value;
}

static void
total(struct diff *diff, const char *id, const char *what,
      struct jep_figure before, struct jep_figure now)
{
    if (!before.known || !now.known)
        return;
    diff->totals[diff->out.total_count++] =
        (struct jep_change){id, what, before, now, change_bytes(before, now)};
}

static void
totals_fill(struct diff *diff, const struct jep_summary *a,
            const struct jep_summary *b)
{
    total(diff, "rss", "RSS", a->rss, b->rss);
    total(diff, "resident", "resident", a->resident, b->resident);
    total(diff, "active", "active", a->active, b->active);
    total(diff, "allocated", "allocated", a->allocated, b->allocated);
    total(diff, "tcache", "thread caches", a->tcache, b->tcache);
    total(diff, "metadata", "metadata", a->metadata, b->metadata);
    total(diff, "dirty", "dirty pages", a->dirty, b->dirty);
    total(diff, "muzzy", "muzzy pages", a->muzzy, b->muzzy);
    total(diff, "slab_holes", "holes in slabs", a->slab_holes, b->slab_holes);
    total(diff, "mapped", "mapped", a->mapped, b->mapped);
    total(diff, "retained", "retained", a->retained, b->retained);
    diff->out.totals = diff->totals;
}

static int
line_order(const void *a, const void *b)
{
    const struct jep_change *x = a, *y = b;
    int64_t ours = llabs(x->bytes), theirs = llabs(y->bytes);

    return (ours < theirs) - (ours > theirs);
}

static const struct jep_ledger_line *
line_find(const struct jep_ledger *ledger, const char *id)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->lines[i].depth == 0 && strcmp(ledger->lines[i].id, id) == 0)
            return &ledger->lines[i];
    }
    return NULL;
}

static struct jep_figure
line_figure(const struct jep_ledger_line *line)
{
    /* A line that is not there is one of no bytes: the ledger adds up. */
    return (struct jep_figure){
        .value = line != NULL ? (uint64_t)line->bytes : 0, .known = true};
}

static void
line_add(struct diff *diff, const struct jep_ledger_line *named,
         const struct jep_ledger_line *before,
         const struct jep_ledger_line *now)
{
    struct jep_figure a = line_figure(before), b = line_figure(now);

    if (a.value == b.value || diff->out.line_count == JE_ARRAY_LEN(diff->lines))
        return;
    diff->lines[diff->out.line_count++] =
        (struct jep_change){named->id, named->what, a, b, change_bytes(a, b)};
}

/* Lines of both ledgers, where both account for the same total. */
static void
lines_fill(struct diff *diff, const struct jep_ledger *a,
           const struct jep_ledger *b)
{
    if (a->total_name == NULL || b->total_name == NULL ||
        strcmp(a->total_name, b->total_name) != 0)
        return;
    for (size_t i = 0; i < b->count; i++) {
        if (b->lines[i].depth == 0)
            line_add(diff, &b->lines[i], line_find(a, b->lines[i].id),
                     &b->lines[i]);
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->lines[i].depth == 0 && line_find(b, a->lines[i].id) == NULL)
            line_add(diff, &a->lines[i], &a->lines[i], NULL);
    }
    qsort(diff->lines, diff->out.line_count, sizeof(*diff->lines), line_order);
    diff->out.lines = diff->lines;
}

static int
bin_order(const void *a, const void *b)
{
    const struct jep_bin_change *x = a, *y = b;
    int64_t ours = llabs(x->used) + llabs(x->unused);
    int64_t theirs = llabs(y->used) + llabs(y->unused);

    return (ours < theirs) - (ours > theirs);
}

static void
bin_count_in(struct diff *diff, const struct jep_bin *bin, int64_t sign)
{
    struct jep_bin_change *change = diff->bins;
    struct jep_bin_change *end = change + diff->out.bin_count;

    while (change < end && change->size != bin->size)
        change++;
    if (change == end) {
        *change = (struct jep_bin_change){.size = bin->size};
        diff->out.bin_count++;
    }
    change->used += sign * (int64_t)(bin->curregs * bin->size);
    change->unused += sign * (int64_t)bin->wasted_bytes;
}

static bool
bins_fill(struct diff *diff, const struct jep_view *a, const struct jep_view *b)
{
    if (a->bin_count == 0 || b->bin_count == 0)
        return true;
    diff->bins = calloc(a->bin_count + b->bin_count, sizeof(*diff->bins));
    if (diff->bins == NULL)
        return false;
    for (size_t i = 0; i < b->bin_count; i++)
        bin_count_in(diff, &b->bins[i], 1);
    for (size_t i = 0; i < a->bin_count; i++)
        bin_count_in(diff, &a->bins[i], -1);
    qsort(diff->bins, diff->out.bin_count, sizeof(*diff->bins), bin_order);
    diff->out.bins = diff->bins;
    return true;
}

/* ---- what it means ----------------------------------------------------- */

enum direction { UNKNOWN, SAME, UP, DOWN };

static enum direction
direction(const struct diff *diff, const char *id)
{
    for (size_t i = 0; i < diff->out.total_count; i++) {
        const struct jep_change *change = &diff->totals[i];

        if (strcmp(change->id, id) != 0)
            continue;
        if (change->bytes >= (int64_t)diff->floor)
            return UP;
        return change->bytes <= -(int64_t)diff->floor ? DOWN : SAME;
    }
    return UNKNOWN;
}

static int64_t
bytes_of(const struct diff *diff, const char *id)
{
    for (size_t i = 0; i < diff->out.total_count; i++) {
        if (strcmp(diff->totals[i].id, id) == 0)
            return diff->totals[i].bytes;
    }
    return 0;
}

static void
conclude(struct diff *diff, const char *verdict, const char *rule,
         bool has_grown, const char *text)
{
    diff->out.verdict = verdict;
    diff->out.rule = rule;
    diff->out.has_grown = has_grown;
    diff->out.text = text;
}

static bool
is_up(const struct diff *diff, const char *id)
{
    return direction(diff, id) == UP;
}

static bool
is_down(const struct diff *diff, const char *id)
{
    return direction(diff, id) == DOWN;
}

/* What memory grew by, from the inside out: the first that explains it. */
static void
verdict_fill(struct diff *diff)
{
    if (is_up(diff, "allocated") &&
        2 * bytes_of(diff, "tcache") >= bytes_of(diff, "allocated"))
        conclude(diff, "thread-caches", "tcache-bloat", true,
                 "Thread caches hold more: free objects that no other thread "
                 "can use");
    else if (is_up(diff, "allocated"))
        conclude(diff, "live-growth", "true-leak", true,
                 "The program holds more live objects: a leak, or more to do");
    else if (is_up(diff, "active"))
        conclude(diff, "fragmentation", "slab-waste-high", true,
                 "Live objects are spread over more pages: fragmentation");
    else if (is_up(diff, "metadata"))
        conclude(diff, "metadata", "metadata-edata-fragmented-vm", true,
                 "The allocator's metadata has grown, the objects have not");
    else if (is_down(diff, "allocated") &&
             2 * bytes_of(diff, "active") > bytes_of(diff, "allocated"))
        conclude(diff, "shrunk-not-returned", "frag-after-shrink", false,
                 "The program freed objects, but most of their pages are still "
                 "in use by others: fragmentation");
    else if (is_up(diff, "dirty"))
        conclude(diff, "freed-not-purged", "dirty-idle-no-bgthread",
                 is_up(diff, "rss"),
                 "Pages were freed and not yet given back to the system");
    else if (is_up(diff, "rss"))
        conclude(diff, "outside", "rss-above-allocator", true,
                 "RSS has grown and nothing that the allocator counts: huge "
                 "pages, files, or other allocators");
    else if (is_up(diff, "resident"))
        conclude(diff, "resident", NULL, true,
                 "The allocator keeps more pages in memory for the same "
                 "objects");
    else if (is_up(diff, "retained") || is_up(diff, "mapped"))
        conclude(diff, "address-space", "retained-benign", false,
                 "Only address space has grown, which is no memory");
    else if (is_down(diff, "rss") || is_down(diff, "resident") ||
             is_down(diff, "active") || is_down(diff, "allocated"))
        conclude(diff, "less", NULL, false, "It uses less memory than before");
    else
        conclude(diff, "same", NULL, false,
                 "Nothing has changed by more than the threshold");
}

/* The others' caches and free pages are not among the objects. */
static void
verdict_of_foreign(struct diff *diff, enum dump_format format)
{
    struct foreign_verdict verdict =
        foreign_verdict(&diff->out, format, diff->floor);

    conclude(diff, verdict.id, verdict.rule, verdict.has_grown, verdict.text);
}

/* No change is less than any floor. */
static uint64_t
floor_of(const struct jep_summary *s, uint64_t min_size)
{
    struct jep_figure whole = summary_whole(s);
    uint64_t share = whole.known ? whole.value / 100 : 0;

    share = share > min_size ? share : min_size;
    return share > 0 ? share : 1;
}

static void
elapsed_fill(struct diff *diff, const jep_report_t *before,
             const jep_report_t *now)
{
    const struct snapshot *a = report_snapshot(before);
    const struct snapshot *b = report_snapshot(now);
    struct jep_figure from = a->process[PROCESS_MONOTONIC_NS];
    struct jep_figure to = b->process[PROCESS_MONOTONIC_NS];

    diff->out.same_process =
        view_follows(jep_report_view(before), jep_report_view(now), a, b);
    if (diff->out.same_process && from.known && to.known &&
        to.value > from.value)
        diff->out.elapsed_ns = figure_derived(to.value - from.value);
}

jep_status_t
jep_diff_new(const jep_report_t *before, const jep_report_t *now,
             uint64_t min_size, struct jep_diff **out)
{
    const struct jep_view *a = jep_report_view(before);
    const struct jep_view *b = jep_report_view(now);
    struct diff *diff = calloc(1, sizeof(*diff));

    *out = NULL;
    if (diff == NULL)
        return JEP_ERR_MEMORY;
    diff->floor = floor_of(&a->summary, min_size);
    elapsed_fill(diff, before, now);
    totals_fill(diff, &a->summary, &b->summary);
    lines_fill(diff, &a->ledger, &b->ledger);
    if (!bins_fill(diff, a, b) ||
        !diff_stacks(before, now, diff->out.elapsed_ns.value, &diff->stacks,
                     &diff->out.stack_count)) {
        jep_diff_free(&diff->out);
        return JEP_ERR_MEMORY;
    }
    diff->out.stacks = diff->stacks;
    if (a->source.allocator == b->source.allocator &&
        foreign_is(report_snapshot(now)))
        verdict_of_foreign(diff, report_snapshot(now)->format);
    else
        verdict_fill(diff);
    *out = &diff->out;
    return JEP_OK;
}

void
jep_diff_free(struct jep_diff *diff)
{
    struct diff *own = (struct diff *)diff;

    if (own == NULL)
        return;
    free(own->bins);
    free(own->stacks);
    free(own);
}
