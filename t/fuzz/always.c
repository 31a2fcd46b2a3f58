/*
 * What holds for any report and any refusal: see always.h.
 */
#include "t/fuzz/always.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool
always_wrong(struct always *all, const char *fmt, ...)
{
    va_list ap;

    if (all->wrong[0] != '\0')
        return false;
    va_start(ap, fmt);
    vsnprintf(all->wrong, sizeof(all->wrong), fmt, ap);
    va_end(ap);
    return false;
}

const char *
always_file(const char *data, size_t size)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 ||
        pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    return path;
}

/* A name or sentence of ours: something, and in one line. */
static bool
text_holds(struct always *all, const char *what, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return always_wrong(all, "%s is missing", what);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\r')
            return always_wrong(all, "%s has a line break: %s", what, text);
    }
    return true;
}

static bool
line_holds(struct always *all, const char *what, uint64_t line)
{
    return line <= all->lines || always_wrong(all, "%s is of line %llu of %llu",
                                              what, (unsigned long long)line,
                                              (unsigned long long)all->lines);
}

static bool
figure_holds(struct always *all, const char *what,
             const struct jep_figure *figure)
{
    if (!figure->known && figure->value != 0)
        return always_wrong(all, "%s is unknown and %llu", what,
                            (unsigned long long)figure->value);
    if (figure->known && !figure->derived && figure->line == 0)
        return always_wrong(all, "%s was read nowhere", what);
    return line_holds(all, what, figure->line);
}

/* An array of figures that lie behind each other in a structure. */
static bool
figures_hold(struct always *all, const char *what,
             const struct jep_figure *figures, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof(*figures); i++) {
        if (!figure_holds(all, what, &figures[i]))
            return false;
    }
    return true;
}

/* Members `first` to `last` of what `base` points to. */
#define FIGURES(all, what, base, first, last)                                  \
    figures_hold(all, what, &(base)->first,                                    \
                 (size_t)((const char *)(&(base)->last + 1) -                  \
                          (const char *)&(base)->first))

/* A ratio is of two figures, both of them known. */
static bool
ratio_holds(struct always *all, const char *what, const struct jep_ratio *ratio,
            const struct jep_figure *a, const struct jep_figure *b)
{
    if (!ratio->known)
        return ratio->value == 0.0 ||
               always_wrong(all, "%s is unknown and %g", what, ratio->value);
    if (!isfinite(ratio->value))
        return always_wrong(all, "%s is %g", what, ratio->value);
    return (a->known && b->known) ||
           always_wrong(all, "%s is known, but not of what", what);
}

static bool
summary_holds(struct always *all, const struct jep_summary *s)
{
    return FIGURES(all, "a figure of the summary", s, allocated,
                   large_objects) &&
           ratio_holds(all, "internal fragmentation",
                       &s->internal_fragmentation, &s->active, &s->allocated) &&
           ratio_holds(all, "external fragmentation",
                       &s->external_fragmentation, &s->resident, &s->active) &&
           ratio_holds(all, "metadata per allocated",
                       &s->metadata_per_allocated, &s->metadata,
                       &s->allocated) &&
           ratio_holds(all, "metadata per resident", &s->metadata_per_resident,
                       &s->metadata, &s->resident);
}

static bool
ledger_line_holds(struct always *all, const struct jep_ledger *ledger, size_t i)
{
    const struct jep_ledger_line *line = &ledger->lines[i];
    double share = (double)line->bytes / (double)ledger->total;

    if (ledger->total == 0)
        share = 0.0;
    if (line->depth > (i == 0 ? 0 : ledger->lines[i - 1].depth + 1))
        return always_wrong(all, "%s breaks nothing down", line->id);
    if (!(fabs(line->share - share) < 1e-9))
        return always_wrong(all, "share of %s is %g, not %g", line->id,
                            line->share, share);
    for (size_t k = 0; k < i; k++) {
        if (strcmp(ledger->lines[k].id, line->id) == 0)
            return always_wrong(all, "%s is there twice", line->id);
    }
    return text_holds(all, "the name of a line", line->id) &&
           text_holds(all, "the title of a line", line->what) &&
           text_holds(all, "the formula of a line", line->derived_from);
}

/* Exactly additive: the lines are the total, to the byte. */
static bool
ledger_holds(struct always *all, const struct jep_ledger *ledger)
{
    __int128 sum = 0;

    if (ledger->total_name == NULL)
        return ledger->count == 0 ||
               always_wrong(all, "%zu lines of no ledger", ledger->count);
    for (size_t i = 0; i < ledger->count; i++) {
        if (!ledger_line_holds(all, ledger, i))
            return false;
        if (ledger->lines[i].depth == 0)
            sum += ledger->lines[i].bytes;
    }
    if (sum != (__int128)ledger->total)
        return always_wrong(all, "lines of %s add up to %lld, not %llu",
                            ledger->total_name, (long long)sum,
                            (unsigned long long)ledger->total);
    return true;
}

static bool
tables_hold(struct always *all, const struct jep_view *view)
{
    for (size_t i = 0; i < view->bin_count; i++) {
        const struct jep_bin *bin = &view->bins[i];

        if (i > 0 && bin->wasted_bytes > bin[-1].wasted_bytes)
            return always_wrong(all, "bin %zu wastes more than the one before",
                                i);
        if (!isfinite(bin->utilization.value) || bin->utilization.value < 0.0)
            return always_wrong(all, "utilisation of bin %zu is %g", i,
                                bin->utilization.value);
        if (!line_holds(all, "a bin", bin->line))
            return false;
    }
    for (size_t i = 0; i < view->class_count; i++) {
        if (!FIGURES(all, "a figure of a class", &view->classes[i], in_use,
                     unused))
            return false;
    }
    for (size_t i = 0; i < view->arena_count; i++) {
        if (!text_holds(all, "the name of an arena", view->arenas[i].name) ||
            !FIGURES(all, "a figure of an arena", &view->arenas[i], threads,
                     slab_holes))
            return false;
    }
    return true;
}

/* Of objects that are almost all sampled the interval is the whole number that
 * was seen, and the unbiased estimate a little more. */
#define NEARLY 1.06

static bool
estimate_holds(struct always *all, const struct jep_estimate *estimate)
{
    return (isfinite(estimate->high) && estimate->low >= 0.0 &&
            estimate->low <= estimate->value &&
            estimate->value <= NEARLY * estimate->high) ||
           always_wrong(all, "an estimate is %g, from %g to %g",
                        estimate->value, estimate->low, estimate->high);
}

/* *samples: live ones, of all stacks. */
static bool
stacks_hold(struct always *all, const struct jep_stack *stacks, size_t count,
            uint64_t *samples)
{
    *samples = 0;
    for (size_t i = 0; i < count; i++) {
        const struct jep_stack *stack = &stacks[i];

        *samples += stack->live_samples;
        if (stack->members == 0)
            return always_wrong(all, "stack %zu is of no stack", i);
        if (!estimate_holds(all, &stack->live_bytes) ||
            !estimate_holds(all, &stack->live_objects) ||
            (stack->has_total && (!estimate_holds(all, &stack->total_bytes) ||
                                  !estimate_holds(all, &stack->total_objects))))
            return false;
    }
    return true;
}

static bool
profile_holds(struct always *all, const struct jep_profile *p)
{
    uint64_t of_stacks, of_sites;

    if (!FIGURES(all, "a figure of the profile", p, sample_interval,
                 dropped_unwind) ||
        !stacks_hold(all, p->stacks, p->stack_count, &of_stacks) ||
        !stacks_hold(all, p->sites, p->site_count, &of_sites))
        return false;
    if (of_stacks != of_sites)
        return always_wrong(all, "%llu samples of stacks, %llu of sites",
                            (unsigned long long)of_stacks,
                            (unsigned long long)of_sites);
    return !p->known ||
           (estimate_holds(all, &p->live_bytes) &&
            estimate_holds(all, &p->live_objects) &&
            (isfinite(p->rounding_waste) ||
             always_wrong(all, "rounding waste is %g", p->rounding_waste)));
}

static bool
finding_holds(struct always *all, const struct jep_finding *finding)
{
    if (!text_holds(all, "the rule of a finding", finding->rule) ||
        !text_holds(all, "the title of a finding", finding->title) ||
        !text_holds(all, "the causes of a finding", finding->causes) ||
        !text_holds(all, "the action of a finding", finding->action) ||
        !text_holds(all, "the confirmation of a finding", finding->confirm))
        return false;
    if ((unsigned)finding->severity > JEP_HIGH ||
        finding->evidence_count > JEP_EVIDENCE_MAX)
        return always_wrong(all, "%s is out of range", finding->rule);
    for (size_t i = 0; i < finding->evidence_count; i++) {
        const struct jep_evidence *one = &finding->evidence[i];

        if (!text_holds(all, "the name of evidence", one->name) ||
            !text_holds(all, one->name, one->text) ||
            !line_holds(all, one->name, one->line))
            return false;
        if (one->is_number && !isfinite(one->value))
            return always_wrong(all, "%s: %s is %g", finding->rule, one->name,
                                one->value);
    }
    return true;
}

static bool
is_rule(const char *name)
{
    size_t count;
    const struct jep_topic *topics = jep_topics(&count);

    for (size_t i = 0; i < count; i++) {
        if (topics[i].kind == JEP_TOPIC_RULE &&
            strcmp(topics[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool
findings_hold(struct always *all, const struct jep_view *view)
{
    for (size_t i = 0; i < view->finding_count; i++) {
        const struct jep_finding *one = &view->findings[i];

        if (!finding_holds(all, one))
            return false;
        if (i > 0 && one->severity > one[-1].severity)
            return always_wrong(all, "%s stands below what is less severe",
                                one->rule);
        if (!is_rule(one->rule))
            return always_wrong(all, "%s cannot be explained", one->rule);
    }
    return true;
}

static bool
source_holds(struct always *all, const struct jep_source *source, size_t index)
{
    if (!text_holds(all, "the format", source->format))
        return false;
    if (source->document != index + 1 || source->documents != all->count)
        return always_wrong(all, "document %zu of %zu is %u of %u", index + 1,
                            all->count, source->document, source->documents);
    if ((unsigned)source->allocator >= JEP_ALLOCATORS)
        return always_wrong(all, "allocator %d", (int)source->allocator);
    for (size_t i = 0; i < source->warning_count; i++) {
        if (!text_holds(all, "a warning", source->warnings[i].text) ||
            !line_holds(all, "a warning", source->warnings[i].line))
            return false;
    }
    return true;
}

/* A dump is what it is compared with itself. */
static bool
diff_holds(struct always *all, const jep_report_t *report)
{
    struct jep_diff *diff;
    bool holds = true;

    if (jep_diff_new(report, report, 0, &diff) != JEP_OK)
        return always_wrong(all, "a dump cannot be compared with itself");
    if (diff->verdict.has_grown || diff->line_count > 0)
        holds = always_wrong(all, "a dump differs from itself: %s",
                             diff->verdict.text);
    for (size_t i = 0; i < diff->total_count; i++) {
        if (diff->totals[i].bytes != 0)
            holds =
                always_wrong(all, "%s differs from itself", diff->totals[i].id);
    }
    jep_diff_free(diff);
    return holds;
}

/* Limits of every kind come out as pass, alert or cannot tell. */
static bool
check_holds(struct always *all, const struct jep_view *view)
{
    const struct jep_limits limits = {
        .max_internal = {0.1, true},
        .max_external = {0.1, true},
        .max_metadata = {0.1, true},
        .max_allocated = {.value = 1 << 20, .known = true},
        .fail_on = JEP_LOW};
    struct jep_check *checks;
    size_t count;
    bool holds = true;

    if (jep_check(view, &limits, NULL, NULL, &checks, &count) != JEP_OK)
        return always_wrong(all, "it cannot be checked");
    for (size_t i = 0; holds && i < count; i++) {
        const struct jep_check *one = &checks[i];

        if (one->outcome == JEP_CANNOT)
            holds = text_holds(all, "what a check lacks", one->reason);
        else if (!isfinite(one->value) || !isfinite(one->limit))
            holds = always_wrong(all, "check of %s: %g, limit %g", one->name,
                                 one->value, one->limit);
        holds = holds && text_holds(all, "the name of a check", one->name);
    }
    free(checks);
    return holds;
}

static bool
view_holds(struct always *all, size_t index)
{
    const struct jep_view *view = all->views[index];

    return source_holds(all, &view->source, index) &&
           FIGURES(all, "a figure of the process", &view->process, pid,
                   cgroup_usage) &&
           summary_holds(all, &view->summary) &&
           ledger_holds(all, &view->ledger) && tables_hold(all, view) &&
           profile_holds(all, &view->profile) && findings_hold(all, view) &&
           diff_holds(all, all->reports[index]) && check_holds(all, view);
}

static bool
error_holds(struct always *all, const char *path, jep_status_t status)
{
    const struct jep_error *e = &all->error;

    if (e->code != status || status < JEP_OK || status > JEP_ERR_VERSION)
        return always_wrong(all, "status %d comes with code %d", (int)status,
                            (int)e->code);
    if (status == JEP_ERR_MEMORY)
        return always_wrong(all, "out of memory");
    if (strcmp(e->source, path) != 0)
        return always_wrong(all, "the refusal is of '%s'", e->source);
    if (e->line == 0 && (e->column != 0 || status == JEP_ERR_SYNTAX))
        return always_wrong(all, "refused without a line: %s", e->text);
    for (const char *c = e->text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return always_wrong(all, "the refusal has a control character");
    }
    return text_holds(all, "the reason of a refusal", e->text) &&
           line_holds(all, "a refusal", e->line);
}

/* No input brings us here: it is memory for what was read already. */
static void *
need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static void
reports_make(struct always *all)
{
    struct jep_options options = {.symbols = false};

    all->count = jep_dumps_count(all->dumps);
    all->reports = need(calloc(all->count + 1, sizeof(*all->reports)));
    all->views = need(calloc(all->count + 1, sizeof(*all->views)));
    for (size_t i = 0; i < all->count; i++) {
        if (jep_report_new(all->dumps, i, &options, &all->reports[i],
                           &all->error) != JEP_OK) {
            always_wrong(all, "analysis: %s", all->error.text);
            all->count = i;
            return;
        }
        all->views[i] = jep_report_view(all->reports[i]);
        options.before = all->reports[i];
    }
}

void
always_read(struct always *all, const char *path, const char *data, size_t size)
{
    jep_status_t status;

    *all = (struct always){.lines = 1};
    for (size_t i = 0; i < size; i++)
        all->lines += data[i] == '\n';
    /* Compressed: lines that nobody counted. */
    if (size > 1 && data[0] == '\x1f' && data[1] == '\x8b')
        all->lines = UINT64_MAX;
    status = jep_read(path, &all->dumps, &all->error);
    if (status != JEP_OK && all->dumps != NULL)
        always_wrong(all, "refused, and yet there are dumps");
    else if (status != JEP_OK)
        error_holds(all, path, status);
    else if (all->error.code != JEP_OK || jep_dumps_count(all->dumps) == 0)
        always_wrong(all, "read, but %s", all->error.text);
    if (all->dumps == NULL)
        return;
    reports_make(all);
    for (size_t i = 0; i < all->count && view_holds(all, i); i++)
        ;
}

void
always_free(struct always *all)
{
    for (size_t i = 0; i < all->count; i++)
        jep_report_free(all->reports[i]);
    free(all->reports);
    free(all->views);
    jep_dumps_free(all->dumps);
    *all = (struct always){0};
}

static bool
is_warned(const struct jep_source *source, uint64_t line)
{
    for (size_t i = 0; i < source->warning_count; i++) {
        if (source->warnings[i].line == line)
            return true;
    }
    return false;
}

/* Amounts are rounded, and half a line may leave another way to get at one. */
static bool
is_near(uint64_t a, uint64_t b)
{
    return (a < b ? b - a : a - b) <= b / 200;
}

static bool
same_start(struct always *now, const struct jep_view *view,
           const struct jep_figure *a, const struct jep_figure *b,
           uint64_t lines)
{
    if (!a->known || !b->known || a->derived || b->derived ||
        a->line != b->line || a->line > lines || is_near(a->value, b->value) ||
        is_warned(&view->source, b->line))
        return true;
    return always_wrong(now, "line %u says %llu, and %llu in the whole dump",
                        b->line, (unsigned long long)b->value,
                        (unsigned long long)a->value);
}

void
always_same_start(const struct always *whole, struct always *now,
                  uint64_t lines)
{
    for (size_t i = 0; i < whole->count && i < now->count; i++) {
        const struct jep_figure *a = &whole->views[i]->summary.allocated;
        const struct jep_figure *b = &now->views[i]->summary.allocated;
        const struct jep_figure *end =
            &whole->views[i]->summary.large_objects + 1;

        for (; a < end; a++, b++) {
            if (!same_start(now, now->views[i], a, b, lines))
                return;
        }
    }
}
