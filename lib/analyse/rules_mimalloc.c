/* Section L: mimalloc.
 *
 * Committed memory may never have been touched: an arena of 1 GiB is committed
 * at once where the system overcommits.  So no rule counts more than the RSS,
 * or the peak of it that the statistics have, leaves room for. */
#include "analyse/rules_other.h"

#define UNUSED_SHARE    0.50 /* of committed, in no block */
#define LAZY_SHARE      0.10 /* of the RSS */
#define ABANDONED_SHARE 0.25 /* of all segments, or pages */

#define RELEASE_1_8   10800
#define RELEASE_2     20000
#define RELEASE_2_1   20100
#define RELEASE_2_1_2 20102 /* purged with MADV_FREE by default */
#define RELEASE_2_1_4 20104 /* can take over on free */
#define RELEASE_3     30000

/* What purging is called, and so how it is set. */
enum purging {
    PURGING_UNKNOWN,
    PURGING_RESET,    /* up to 1.7 */
    PURGING_DECOMMIT, /* 2.0 */
    PURGING_PURGE     /* from 1.8 and 2.1 on */
};

static bool
is_mimalloc(const struct rule_input *in)
{
    return in->snapshot->format == DUMP_FORMAT_MIMALLOC;
}

/* By the version if the dump tells it, else by what it has. */
static enum purging
purging_of(const struct rule_input *in)
{
    const struct jep_figure *m = in->snapshot->mimalloc;
    unsigned release = in->release;

    if (release != 0 && release < RELEASE_2)
        return release < RELEASE_1_8 ? PURGING_RESET : PURGING_PURGE;
    if (release != 0)
        return release < RELEASE_2_1 ? PURGING_DECOMMIT : PURGING_PURGE;
    if (rule_option(in, "purge_delay") != NULL || m[MIMALLOC_PURGED].known ||
        m[MIMALLOC_PURGES].known)
        return PURGING_PURGE;
    if (rule_option(in, "decommit_delay") != NULL)
        return PURGING_DECOMMIT;
    return rule_option(in, "reset_delay") != NULL ? PURGING_RESET
                                                  : PURGING_UNKNOWN;
}

/* Committed, as far as it was ever in memory. */
static struct jep_figure
memory(const struct rule_input *in)
{
    struct jep_figure committed = in->snapshot->mimalloc[MIMALLOC_COMMITTED];
    struct jep_figure rss =
        figure_or(in->view->summary.rss, in->snapshot->status[STATUS_VM_HWM]);

    if (!committed.known || !rss.known)
        return (struct jep_figure){0};
    return rss.value < committed.value ? rss : committed;
}

/* What of that is in no block; unknown where blocks are not counted. */
static struct jep_figure
unused(const struct rule_input *in)
{
    return figure_minus(memory(in), in->snapshot->mimalloc[MIMALLOC_BLOCKS]);
}

static bool
is_mostly_unused(const struct rule_input *in)
{
    return rule_ratio(unused(in), in->snapshot->mimalloc[MIMALLOC_COMMITTED]) >=
           UNUSED_SHARE;
}

static void
show_memory(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *m = in->snapshot->mimalloc;

    finding_size(finding, "committed", m[MIMALLOC_COMMITTED]);
    finding_size(finding, "in blocks", m[MIMALLOC_BLOCKS]);
    finding_size(finding, "RSS", in->view->summary.rss);
    if (!in->view->summary.rss.known)
        finding_size(finding, "peak RSS", in->snapshot->status[STATUS_VM_HWM]);
}

/* The option that says after how long memory is purged, as the dump has it and
 * as the environment does. */
static const struct delay_option {
    const char *option, *variable;
    enum purging purging;
} delay_options[] = {
    {"purge_delay", "MIMALLOC_PURGE_DELAY", PURGING_PURGE},
    {"decommit_delay", "MIMALLOC_DECOMMIT_DELAY", PURGING_DECOMMIT},
    {"reset_delay", "MIMALLOC_RESET_DELAY", PURGING_RESET},
};

static const struct delay_option *
delay_option(const struct rule_input *in)
{
    enum purging purging = purging_of(in);

    for (size_t i = 0; i < JE_ARRAY_LEN(delay_options); i++) {
        if (delay_options[i].purging == purging)
            return &delay_options[i];
    }
    return NULL;
}

static bool
has_fallen(const struct rule_input *in)
{
    int64_t change;

    return in->before != NULL &&
           rule_change(in->before->mimalloc[MIMALLOC_COMMITTED],
                       in->snapshot->mimalloc[MIMALLOC_COMMITTED], &change) &&
           change < 0;
}

bool
rule_mimalloc_purge_idle(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *m = in->snapshot->mimalloc;
    const struct delay_option *option = delay_option(in);
    struct jep_figure idle = unused(in);
    uint32_t line = 0;
    int64_t delay = 1;
    bool is_off;

    if (option != NULL)
        rule_option_number(in, option->option, &delay);
    if (!is_mimalloc(in) || !is_mostly_unused(in) || delay == 0 ||
        has_fallen(in))
        return false;
    is_off = delay < 0;
    finding_bytes(finding, idle.value);
    finding_title(finding,
                  "Up to %s of committed memory is in no block, and %s",
                  SIZE_TEXT(idle.value),
                  is_off ? "purging is turned off"
                         : "it is purged by later calls of its thread only");
    if (is_off)
        finding_action(finding,
                       "Take %s=-1 out: it turns purging off. With 0, free() "
                       "itself purges.",
                       option->variable);
    else if (option != NULL)
        finding_action(finding,
                       "Set %s=0, so that free() itself purges, or call "
                       "mi_collect(true) in each thread before it waits.",
                       option->variable);
    show_memory(in, finding);
    if (option != NULL) {
        const char *text = rule_option_line(in, option->option, &line);

        finding_text(finding, option->option, text, line);
    }
    finding_size(finding, "purged so far", m[MIMALLOC_PURGED]);
    finding_count(finding, "threads", m[MIMALLOC_THREADS]);
    return true;
}

/* Whether memory is given back with MADV_FREE, as far as the options tell.  In
 * 2.0 it is what page_reset does, whatever the option of decommitting says. */
static bool
may_be_lazy(const struct rule_input *in)
{
    if (purging_of(in) == PURGING_DECOMMIT)
        return !rule_option_is(in, "page_reset", "0");
    return !rule_option_is(in, "purge_decommits", "1") &&
           !rule_option_is(in, "reset_decommits", "1");
}

static void
lazy_action(const struct rule_input *in, struct finding *finding)
{
    switch (purging_of(in)) {
    case PURGING_RESET:
        finding_action(finding, "Set MIMALLOC_RESET_DECOMMITS=1.");
        break;
    case PURGING_DECOMMIT:
        finding_action(finding,
                       "Take MIMALLOC_PAGE_RESET=1 out. "
                       "MIMALLOC_DECOMMIT_DELAY=0 gives back what is freed at "
                       "once, so that the RSS falls.");
        break;
    case PURGING_PURGE:
        finding_action(finding,
                       in->release == RELEASE_2_1_2
                           ? "Set MIMALLOC_PURGE_DECOMMITS=1, or take a later "
                             "version: 2.1.2 alone has 0 as its default."
                           : "Set MIMALLOC_PURGE_DECOMMITS=1.");
        break;
    default:
        break;
    }
}

bool
rule_mimalloc_madvfree(const struct rule_input *in, struct finding *finding)
{
    static const char *const options[] = {"purge_decommits", "page_reset",
                                          "reset_decommits"};
    struct jep_figure lazy = in->snapshot->rollup[ROLLUP_LAZY_FREE];
    double share = rule_ratio(lazy, in->view->summary.rss);

    if (!is_mimalloc(in) || share < LAZY_SHARE || !may_be_lazy(in))
        return false;
    finding_severity(finding, JEP_LOW);
    finding_bytes(finding, lazy.value);
    finding_title(finding,
                  "%s of the RSS were given back already: the kernel takes "
                  "them when it needs them",
                  SIZE_TEXT(lazy.value));
    lazy_action(in, finding);
    finding_size(finding, "LazyFree", lazy);
    finding_size(finding, "RSS", in->view->summary.rss);
    finding_size(finding, "reset", in->snapshot->mimalloc[MIMALLOC_RESET]);
    for (size_t i = 0; i < JE_ARRAY_LEN(options); i++) {
        uint32_t line;
        const char *text = rule_option_line(in, options[i], &line);

        finding_text(finding, options[i], text, line);
    }
    return true;
}

/* What ended threads left: segments, which are counted apart from those that
 * have a thread, or pages, which are counted among all. */
struct abandoned {
    const char *what;
    struct jep_figure left, left_before, all;
};

static bool
abandoned_fill(const struct rule_input *in, struct abandoned *out)
{
    static const struct jep_figure none;
    const struct jep_figure *m = in->snapshot->mimalloc;
    const struct jep_figure *old =
        in->before != NULL ? in->before->mimalloc : NULL;
    struct jep_figure segments =
        figure_plus(m[MIMALLOC_SEGMENTS], m[MIMALLOC_SEGMENTS_ABANDONED]);
    bool is_pages = !segments.known || segments.value == 0;
    int field =
        is_pages ? MIMALLOC_PAGES_ABANDONED : MIMALLOC_SEGMENTS_ABANDONED;

    out->what = is_pages ? "pages" : "segments";
    out->left = m[field];
    out->left_before = old != NULL ? old[field] : none;
    out->all = is_pages ? m[MIMALLOC_PAGES] : segments;
    return out->left.known && out->all.known &&
           out->left.value <= out->all.value;
}

static void
abandoned_action(const struct rule_input *in, struct finding *finding,
                 const struct abandoned *abandoned)
{
    static const char pool[] =
        "Use fewer threads that live longer, for instance a pool. ";
    bool is_3 =
        in->release >= RELEASE_3 ||
        (in->release == 0 && !in->snapshot->mimalloc[MIMALLOC_SEGMENTS].known);
    /* From 2.1 on statistics have a line of what was purged. */
    bool has_reset = in->snapshot->mimalloc[MIMALLOC_RESET].known;
    bool is_old = (purging_of(in) == PURGING_UNKNOWN && has_reset) ||
                  purging_of(in) == PURGING_DECOMMIT ||
                  purging_of(in) == PURGING_RESET ||
                  (in->release >= RELEASE_2 && in->release < RELEASE_2_1_4);

    if (is_3)
        finding_action(finding,
                       "%sMIMALLOC_PAGE_RECLAIM_ON_FREE=1 lets any thread "
                       "that frees a block take its page over.",
                       pool);
    else if (is_old)
        finding_action(finding,
                       "%smi_collect(true) in the main thread takes all "
                       "abandoned %s over and frees the empty ones; 2.1.4 and "
                       "later can do so with each free.",
                       pool, abandoned->what);
    else if (purging_of(in) == PURGING_PURGE)
        finding_action(finding,
                       "%sMIMALLOC_ABANDONED_RECLAIM_ON_FREE=1 (from 2.1.4 "
                       "on) lets a thread that frees a block take its segment "
                       "over; so does version 3, page by page.",
                       pool);
}

bool
rule_mimalloc_abandoned(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *m = in->snapshot->mimalloc;
    struct jep_figure held = memory(in);
    struct abandoned abandoned;
    double share;

    if (!is_mimalloc(in) || !held.known || !abandoned_fill(in, &abandoned))
        return false;
    share = rule_ratio(abandoned.left, abandoned.all);
    if (share < ABANDONED_SHARE ||
        (abandoned.left_before.known &&
         abandoned.left_before.value > abandoned.left.value))
        return false;
    if (m[MIMALLOC_BLOCKS].known) {
        if (!is_mostly_unused(in))
            return false;
        held = unused(in);
    }
    finding_bytes(finding, (uint64_t)(share * (double)held.value));
    finding_title(finding,
                  "%llu of %llu %s belonged to threads that ended: up to %s "
                  "is kept in them",
                  (unsigned long long)abandoned.left.value,
                  (unsigned long long)abandoned.all.value, abandoned.what,
                  SIZE_TEXT(share * (double)held.value));
    abandoned_action(in, finding, &abandoned);
    finding_count(finding, "abandoned before", abandoned.left_before);
    finding_count(finding, "abandoned", abandoned.left);
    finding_share(finding, "of all", share);
    show_memory(in, finding);
    finding_count(finding, "threads", m[MIMALLOC_THREADS]);
    return true;
}
