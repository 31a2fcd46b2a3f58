/* What changed from one dump to another, and what that means. */
#include "analyse/report.h"
#include "analyse/verdict.h"
#include "analyse/verdict_foreign.h"

#include <stdlib.h>
#include <string.h>

struct diff {
    struct jep_diff out; /* first: the handle */
    struct jep_change totals[VERDICT_TOTALS];
    struct jep_change lines[2 * LEDGER_LINES_MAX];
    struct jep_bin_change *bins;
    struct jep_change *owners;
    struct jep_stack_change *stacks;
};

static int64_t
change_bytes(struct jep_figure before, struct jep_figure now)
{
    return (int64_t)now.value - (int64_t)before.value;
}

static void
totals_fill(struct diff *diff, const struct jep_summary *a,
            const struct jep_summary *b)
{
    for (size_t i = 0; i < VERDICT_TOTALS; i++) {
        struct jep_figure before = verdict_total(a, i);
        struct jep_figure now = verdict_total(b, i);

        if (before.known && now.known)
            diff->totals[diff->out.total_count++] =
                (struct jep_change){verdict_total_id(i), verdict_total_what(i),
                                    before, now, change_bytes(before, now)};
    }
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

static void
elapsed_fill(struct diff *diff, const jep_report_t *before,
             const jep_report_t *now)
{
    const struct snapshot *a = report_snapshot(before);
    const struct snapshot *b = report_snapshot(now);
    struct jep_figure from = a->process[PROCESS_MONOTONIC_NS];
    struct jep_figure to = b->process[PROCESS_MONOTONIC_NS];

    diff->out.same_process =
        moment_follows(report_moment(before), report_moment(now));
    if (diff->out.same_process && from.known && to.known &&
        to.value > from.value)
        diff->out.elapsed_ns = figure_derived(to.value - from.value);
}

/* What is allocated and nobody's. */
static void
nobody_fill(struct diff *diff, const struct jep_owners *a,
            const struct jep_owners *b)
{
    if (a->count > 0 && b->count > 0 && a->other.known && b->other.known)
        diff->out.nobody =
            (struct jep_change){"nobody", b->other_name, a->other, b->other,
                                change_bytes(a->other, b->other)};
}

/* The others' caches and free pages are not among the objects. */
static struct jep_verdict
verdict_foreign(const struct diff *diff, const struct jep_moment *before,
                const struct jep_moment *now, uint64_t floor)
{
    int64_t parts[JEP_PARTS] = {0};

    /* A part that is not there is one of no bytes: the ledger adds up. */
    for (int i = 0; i < JEP_PARTS && foreign_fits(before, now); i++)
        parts[i] = change_bytes(before->parts[i], now->parts[i]);
    return foreign_verdict(parts, diff->totals, diff->out.total_count,
                           now->allocator, floor);
}

static void
verdict_fill(struct diff *diff, const struct jep_moment *before,
             const struct jep_moment *now, uint64_t min_size)
{
    uint64_t floor = verdict_floor(&before->summary, min_size);

    if (!verdict_is_alike(before->allocator, now->allocator))
        diff->out.verdict =
            verdict_apart(diff->totals, diff->out.total_count, floor);
    else if (before->allocator == now->allocator && now->is_foreign)
        diff->out.verdict = verdict_foreign(diff, before, now, floor);
    else
        diff->out.verdict =
            verdict_of(diff->totals, diff->out.total_count, floor);
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
    elapsed_fill(diff, before, now);
    totals_fill(diff, &a->summary, &b->summary);
    lines_fill(diff, &a->ledger, &b->ledger);
    nobody_fill(diff, &a->owners, &b->owners);
    if (!bins_fill(diff, a, b) ||
        !diff_owners(a, b, &diff->owners, &diff->out.owner_count) ||
        !diff_stacks(before, now, diff->out.elapsed_ns.value, &diff->stacks,
                     &diff->out.stack_count)) {
        jep_diff_free(&diff->out);
        return JEP_ERR_MEMORY;
    }
    diff->out.owners = diff->owners;
    diff->out.stacks = diff->stacks;
    verdict_fill(diff, report_moment(before), report_moment(now), min_size);
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
    free(own->owners);
    free(own->stacks);
    free(own);
}
