/* Section A: what the build and its options cost between allocated and active,
 * and pages that are counted without being there. */
#include "analyse/rules_common.h"

#include <stdio.h>
#include <string.h>

#define SAMPLE_LG_LEAST      17 /* one sample in 128 KiB */
#define BIG_PAGE             ((uint64_t)16384)
#define BIG_PAGE_UTILIZATION 0.50
#define BIG_PAGE_SHARE       0.10 /* of active */
#define ALIGNED_CLASS_SHARE  0.50 /* of all large objects */
#define ALIGNED_PIECES       0.50 /* per object of that class */
#define UNTOUCHED_SHARE      1.10 /* counted against what is resident */
#define UNTOUCHED_SWAP       0.50 /* of the difference: then it is swap */

/* Objects of the smallest large class: where samples of small objects go. */
static struct jep_figure
smallest_large(const struct rule_input *in)
{
    const struct snapshot_arena *arena = in->snapshot->subject;
    uint64_t count;

    if (arena == NULL ||
        !table_get(&arena->larges, 0, LARGE_CUREXTENTS, &count))
        return (struct jep_figure){0};
    return figure_derived(count);
}

/* What sampling takes at most: its data, and pages for sampled objects; up to
 * 5.3.0 each becomes one of 4 pages, and padding.  Without their number: what
 * active has above allocated. */
static uint64_t
samples_bytes(const struct rule_input *in, struct jep_figure promoted)
{
    const struct jep_summary *s = &in->view->summary;
    uint64_t page = s->page.known ? s->page.value : SUMMARY_PAGE_BYTES;
    uint64_t pages = rule_is_from(in, RELEASE_5_3_1) ? 1 : 5;

    if (promoted.known)
        return s->internal.value + promoted.value * page * pages;
    if (s->active.known && s->allocated.known &&
        s->active.value > s->allocated.value)
        return s->internal.value + s->active.value - s->allocated.value;
    return s->internal.value;
}

bool
rule_prof_oversampling(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure promoted = smallest_large(in);
    int64_t lg;

    if (!rule_is_jemalloc(in) || !rule_option_is(in, "prof", "true") ||
        rule_option_is(in, "prof_active", "false") ||
        !rule_option_number(in, "lg_prof_sample", &lg) || lg < 0 ||
        lg >= SAMPLE_LG_LEAST)
        return false;
    finding_title(finding,
                  "Heap profiling takes a sample every %llu bytes, and each "
                  "sampled object gets pages of its own",
                  1ULL << lg);
    finding_bytes(finding, samples_bytes(in, promoted));
    finding_severity(finding, JEP_HIGH);
    rule_show_option(in, finding, "prof");
    rule_show_option(in, finding, "lg_prof_sample");
    finding_size(finding, "internal", s->internal);
    finding_size(finding, "metadata", s->metadata);
    finding_count(finding, "objects of the smallest large class", promoted);
    finding_size(finding, "active", s->active);
    return true;
}

/* Holes of the bins that have hardly a slab an arena: the price of a class
 * that is in use at all. */
static uint64_t
lone_slab_holes(const struct rule_input *in, uint64_t arenas)
{
    uint64_t holes = 0;

    for (size_t i = 0; i < in->view->bin_count; i++) {
        const struct jep_bin *bin = &in->view->bins[i];

        if (bin->curslabs <= arenas && bin->utilization.known &&
            bin->utilization.value < BIG_PAGE_UTILIZATION)
            holes += bin->wasted_bytes;
    }
    return holes;
}

bool
rule_big_page_build(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    char text[FINDING_SIZE_MAX];
    struct jep_figure holes;

    if (!s->page.known || s->page.value < BIG_PAGE || !s->narenas.known)
        return false;
    holes = figure_derived(lone_slab_holes(in, s->narenas.value));
    if (!rule_is_part(holes, BIG_PAGE_SHARE, s->active))
        return false;
    finding_title(finding,
                  "Pages are %llu KiB, and slabs with hardly an object in them "
                  "hold %s",
                  (unsigned long long)s->page.value / 1024,
                  finding_size_text(text, (double)holes.value));
    finding_bytes(finding, holes.value);
    finding_severity(finding, rule_share(holes.value, in->rss) >= 0.25
                                  ? JEP_MEDIUM
                                  : JEP_LOW);
    finding_size(finding, "page", in->snapshot->constant[CONST_PAGE]);
    finding_count(finding, "arenas", s->narenas);
    finding_size(finding, "holes in lone slabs", holes);
    finding_size(finding, "active", s->active);
    if (!rule_is_jemalloc(in))
        finding_action(finding, "Fewer arenas mean fewer lone slabs: "
                                "MALLOC_CONF=narenas:N, N being the "
                                "processors in use or fewer.");
    return true;
}

/* The large class with most objects. */
static bool
main_class(const struct rule_input *in, uint64_t *size, uint64_t *count,
           uint64_t *all)
{
    const struct snapshot_arena *arena = in->snapshot->subject;
    uint64_t here, bytes;

    *size = *count = *all = 0;
    for (size_t row = 0; arena != NULL && row < arena->larges.rows; row++) {
        if (!table_get(&arena->larges, row, LARGE_CUREXTENTS, &here))
            continue;
        *all += here;
        if (here <= *count ||
            (!table_get(&arena->larges, row, LARGE_SIZE, &bytes) &&
             !table_get(&in->snapshot->large_classes, row, LARGE_SIZE, &bytes)))
            continue;
        *size = bytes;
        *count = here;
    }
    return *count > 0;
}

bool
rule_alignment_waste(const struct rule_input *in, struct finding *finding)
{
    uint64_t size, count, all, pieces, bytes;

    if (!main_class(in, &size, &count, &all) ||
        (double)count < ALIGNED_CLASS_SHARE * (double)all ||
        !summary_idle_extents(in->snapshot, in->snapshot->subject, size - 1,
                              &pieces, &bytes) ||
        (double)pieces < ALIGNED_PIECES * (double)count)
        return false;
    finding_title(finding,
                  "%llu free pieces smaller than %llu bytes lie between %llu "
                  "objects of that size, as alignment leaves them",
                  (unsigned long long)pieces, (unsigned long long)size,
                  (unsigned long long)count);
    finding_bytes(finding, bytes + pieces * SUMMARY_EDATA_BYTES);
    finding_severity(finding, JEP_LOW);
    finding_count(finding, "objects of the class", figure_derived(count));
    finding_count(finding, "free pieces below it", figure_derived(pieces));
    finding_size(finding, "of them with pages", figure_derived(bytes));
    if (!rule_is_jemalloc(in))
        finding_action(finding,
                       "Lower the alignment, or take aligned objects from "
                       "blocks that the program cuts up itself.");
    return true;
}

bool
rule_untouched_active(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    const struct jep_process *process = &in->view->process;
    struct jep_figure base = summary_base_resident(in->snapshot);
    struct jep_figure counted =
        figure_plus(s->active, figure_plus(base, s->dirty));
    char text[FINDING_SIZE_MAX];
    uint64_t heap = s->rss.value, other = 0, gap;

    if (process->file.known)
        other = process->file.value + process->shmem.value;
    if (!s->rss.known || !counted.known || other >= heap)
        return false;
    heap -= other;
    if ((double)counted.value < UNTOUCHED_SHARE * (double)heap)
        return false;
    gap = counted.value - heap;
    if (!rule_is_worth(in, gap) ||
        (process->swap.known &&
         (double)process->swap.value >= UNTOUCHED_SWAP * (double)gap))
        return false;
    finding_title(finding,
                  "%s of the pages that are handed out were never touched: "
                  "they are counted and cost nothing",
                  finding_size_text(text, (double)gap));
    finding_bytes(finding, gap);
    finding_severity(finding, JEP_INFO);
    finding_size(finding, "active + metadata + dirty", counted);
    finding_size(finding, "RSS", s->rss);
    if (other > 0)
        finding_size(finding, "of it files and shared memory",
                     figure_derived(other));
    return true;
}

bool
rule_debug_options_on(const struct rule_input *in, struct finding *finding)
{
    /* The value with which each is harmless. */
    static const struct {
        const char *name, *harmless;
        bool is_costly; /* in memory or for every call */
    } options[] = {
        {"debug", "false", true},        {"junk", "false", true},
        {"zero", "false", false},        {"redzone", "false", true},
        {"quarantine", "0", true},       {"san_guard_small", "0", true},
        {"san_guard_large", "0", false}, {"tcache", "true", true},
    };

    char names[256] = "";
    bool is_costly = false;

    for (size_t i = 0; i < JE_ARRAY_LEN(options); i++) {
        const char *value = rule_option(in, options[i].name);
        size_t at = strlen(names);

        if (value == NULL || strcmp(value, options[i].harmless) == 0)
            continue;
        snprintf(names + at, sizeof(names) - at, "%s%s:%s", at > 0 ? "," : "",
                 options[i].name, value);
        is_costly |= options[i].is_costly;
        rule_show_option(in, finding, options[i].name);
    }
    if (names[0] == '\0')
        return false;
    finding_title(finding, "Options that cost time or memory are on: %s",
                  names);
    finding_severity(finding, is_costly ? JEP_MEDIUM : JEP_LOW);
    if (rule_option_is(in, "debug", "true"))
        finding_action(finding, "Take them out of MALLOC_CONF, and use a build "
                                "without --enable-debug.");
    else
        finding_action(finding, "Take them out of MALLOC_CONF (and out of "
                                "malloc_conf in the program, if it is set "
                                "there).");
    return true;
}
