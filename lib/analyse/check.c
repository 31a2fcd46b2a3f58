/* Whether a report keeps within limits.
 *
 * Three things must not happen to a gate: that it passes because a figure is
 * missing, that it fails by a few KiB, and that chance decides.  So a check
 * whose figure is unknown, and findings in a dump whose figures mean nothing,
 * cannot be verified, and that is said; nothing alerts below a floor of bytes;
 * and sampled sites count only with many samples, and only where their
 * intervals lie apart. */
#include "analyse/report.h"

#include "analyse/rules.h"

#include <stdlib.h>
#include <string.h>

struct list {
    struct jep_check *checks;
    size_t count, capacity;
    const struct jep_view *view;
    const struct jep_limits *limits;
    bool is_failed; /* out of memory */
};

const char *const jep_check_names[JEP_CHECK_NAMES] = {"internal-fragmentation",
                                                      "external-fragmentation",
                                                      "metadata",
                                                      "site-growth",
                                                      "baseline-sites",
                                                      "baseline"};

const char *const jep_baseline_names[JEP_BASE_FIGURES] = {
    "allocated", "active", "resident", "metadata", "rss"};

struct jep_figure
jep_baseline_figure(const struct jep_view *view,
                    enum jep_baseline_figure figure)
{
    const struct jep_summary *s = &view->summary;

    switch (figure) {
    case JEP_BASE_ALLOCATED:
        return s->allocated;
    case JEP_BASE_ACTIVE:
        return s->active;
    case JEP_BASE_RESIDENT:
        return s->resident;
    case JEP_BASE_METADATA:
        return s->metadata;
    default:
        return s->rss;
    }
}

static uint64_t
hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u; /* so that "a","b" is not "ab" */
}

uint64_t
jep_site_key(const struct jep_stack *site)
{
    enum { FRAMES = 4 };

    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < site->frame_count && i < FRAMES; i++) {
        const struct jep_frame *frame = &site->frames[i];

        if (frame->function != NULL) {
            hash = hash_text(hash, frame->function);
            continue;
        }
        /* Without names the place in the file: that of the same build. */
        if (frame->module != NULL)
            hash = hash_text(hash, frame->module);
        hash = (hash ^ frame->offset) * 0x100000001b3u;
    }
    return hash;
}

static const char *
suppressed(const struct list *list, const char *name)
{
    for (size_t i = 0; i < list->limits->suppression_count; i++) {
        if (strcmp(list->limits->suppressions[i].name, name) == 0)
            return list->limits->suppressions[i].reason;
    }
    return NULL;
}

static void
add(struct list *list, struct jep_check check)
{
    const char *reason = suppressed(list, check.name);

    if (!intern_grow((void **)&list->checks, &list->capacity, list->count,
                     sizeof(check))) {
        list->is_failed = true;
        return;
    }
    check.view = list->view;
    if (reason != NULL &&
        (check.outcome == JEP_ALERT ||
         (check.outcome == JEP_CANNOT && check.kind == JEP_CHECK_FINDING))) {
        check.outcome = JEP_SUPPRESSED;
        check.reason = reason;
    }
    list->checks[list->count++] = check;
}

static struct jep_figure
excess(struct jep_figure above, struct jep_figure below)
{
    if (!above.known || !below.known || above.value < below.value)
        return (struct jep_figure){0};
    return figure_derived(above.value - below.value);
}

/* A limit to a ratio; `missing` is what the dump lacks if it is unknown. */
static void
check_ratio(struct list *list, const char *name, const char *title,
            struct jep_ratio limit, struct jep_ratio value,
            struct jep_figure bytes, const char *missing)
{
    struct jep_check check = {.kind = JEP_CHECK_RATIO,
                              .name = name,
                              .title = title,
                              .value = value.value,
                              .limit = limit.value,
                              .bytes = bytes};

    if (!limit.known)
        return;
    if (list->view->not_nested != NULL) {
        check.outcome = JEP_CANNOT;
        check.reason = list->view->not_nested;
    } else if (!value.known) {
        check.outcome = JEP_CANNOT;
        check.reason = missing;
    } else if (value.value > limit.value) {
        check.is_small = bytes.known && bytes.value < list->limits->min_size;
        check.outcome = check.is_small ? JEP_PASS : JEP_ALERT;
    }
    add(list, check);
}

/* What a ratio of the two lacks; `zero` is said of the lower one. */
static const char *
missing_of(struct jep_figure a, const char *a_name, struct jep_figure b,
           const char *b_name, const char *zero)
{
    if (!a.known)
        return a_name;
    return !b.known ? b_name : zero;
}

static void
check_limits(struct list *list)
{
    const struct jep_limits *limits = list->limits;
    const struct jep_summary *s = &list->view->summary;
    struct jep_check size = {.kind = JEP_CHECK_SIZE,
                             .name = "allocated",
                             .title = "allocated",
                             .value = (double)s->allocated.value,
                             .limit = (double)limits->max_allocated.value,
                             .bytes = s->allocated};

    check_ratio(list, "internal-fragmentation", "internal fragmentation",
                limits->max_internal, s->internal_fragmentation,
                excess(s->active, s->allocated),
                missing_of(s->allocated, "allocated", s->active, "active",
                           "allocated above 0"));
    check_ratio(list, "external-fragmentation", "external fragmentation",
                limits->max_external, s->external_fragmentation,
                excess(s->resident, s->active),
                missing_of(s->active, "active", s->resident, "resident",
                           "active above 0"));
    check_ratio(list, "metadata", "metadata", limits->max_metadata,
                s->metadata_per_resident, s->metadata,
                missing_of(s->metadata, "metadata", s->resident, "resident",
                           "resident above 0"));
    if (!limits->max_allocated.known)
        return;
    if (!s->allocated.known) {
        size.outcome = JEP_CANNOT;
        size.reason = "allocated";
    } else if (s->allocated.value > limits->max_allocated.value) {
        size.outcome = JEP_ALERT;
    }
    add(list, size);
}

static bool
was_known(const struct jep_baseline *baseline, const char *rule)
{
    for (size_t i = 0; baseline != NULL && i < baseline->finding_count; i++) {
        if (strcmp(baseline->findings[i], rule) == 0)
            return true;
    }
    return false;
}

static void
check_findings(struct list *list, const struct jep_baseline *baseline)
{
    const struct jep_view *view = list->view;

    for (size_t i = 0; i < view->finding_count; i++) {
        const struct jep_finding *finding = &view->findings[i];
        struct jep_check check = {.kind = JEP_CHECK_FINDING,
                                  .outcome = JEP_NOTE,
                                  .name = finding->rule,
                                  .title = finding->title,
                                  .finding = finding,
                                  .bytes = finding->bytes};

        if (list->limits->ignore_findings) {
            /* As it is. */
        } else if (rule_is_stop(finding->rule)) {
            check.outcome = JEP_CANNOT;
            check.reason = finding->title;
        } else if (finding->severity >= list->limits->fail_on &&
                   !was_known(baseline, finding->rule)) {
            check.outcome = JEP_ALERT;
        }
        add(list, check);
    }
}

/* ---- against a baseline ------------------------------------------------ */

static bool
is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
}

/* Why the baseline cannot be compared with; NULL if it can. */
static const char *
baseline_differs(const struct jep_view *view,
                 const struct jep_baseline *baseline, const char *allocator)
{
    if (!is_same(baseline->allocator, allocator))
        return "a baseline of the same allocator";
    if (!is_same(baseline->version, view->source.version))
        return "a baseline of the same version of the allocator";
    return NULL;
}

static bool
has_grown(const struct list *list, double before, double now)
{
    return now > before * (1.0 + list->limits->max_growth.value) &&
           now - before >= (double)list->limits->min_size;
}

static void
check_growth(struct list *list, const struct jep_baseline *baseline)
{
    for (int i = 0; i < JEP_BASE_FIGURES; i++) {
        struct jep_figure before = baseline->figures[i];
        struct jep_figure now =
            jep_baseline_figure(list->view, (enum jep_baseline_figure)i);
        struct jep_check check = {.kind = JEP_CHECK_GROWTH,
                                  .name = jep_baseline_names[i],
                                  .title = jep_baseline_names[i],
                                  .value = (double)now.value,
                                  .before = (double)before.value,
                                  .limit =
                                      (double)before.value *
                                      (1.0 + list->limits->max_growth.value),
                                  .bytes = now};

        if (!before.known)
            continue;
        if (!now.known) {
            check.outcome = JEP_CANNOT;
            check.reason = jep_baseline_names[i];
        } else if (has_grown(list, check.before, check.value)) {
            check.outcome = JEP_ALERT;
        } else {
            check.is_small = check.value > check.limit;
        }
        add(list, check);
    }
}

static const struct jep_baseline_site *
find_site(const struct jep_baseline *baseline, uint64_t key)
{
    for (size_t i = 0; i < baseline->site_count; i++) {
        if (baseline->sites[i].key == key)
            return &baseline->sites[i];
    }
    return NULL;
}

/* A site alerts if it has grown beyond what two samplings of the same program
 * could show by chance. */
static void
check_site(struct list *list, const struct jep_stack *site,
           const struct jep_baseline *baseline)
{
    const struct jep_baseline_site *old =
        find_site(baseline, jep_site_key(site));
    struct jep_estimate before = {0};
    struct jep_check check = {.kind = JEP_CHECK_SITE,
                              .outcome = JEP_ALERT,
                              .name = "site-growth",
                              .title = "site",
                              .site = site,
                              .value = site->live_bytes.value};

    if (old != NULL)
        before = old->live_bytes;
    check.before = before.value;
    check.limit = before.value * (1.0 + list->limits->max_growth.value);
    check.bytes = figure_derived((uint64_t)site->live_bytes.value);
    if (site->live_samples >= JEP_GATE_SAMPLES &&
        site->live_bytes.low > before.high &&
        has_grown(list, before.value, site->live_bytes.value))
        add(list, check);
}

static void
check_sites(struct list *list, const struct jep_baseline *baseline)
{
    const struct jep_profile *profile = &list->view->profile;
    struct jep_check check = {.kind = JEP_CHECK_BASELINE,
                              .outcome = JEP_CANNOT,
                              .name = "baseline-sites",
                              .title = "sites"};

    if (!baseline->sample_interval.known)
        return;
    if (!profile->known || !profile->sample_interval.known)
        check.reason = "a profile";
    else if (profile->sample_interval.value != baseline->sample_interval.value)
        check.reason = "a baseline of the same sample interval";
    if (check.reason != NULL) {
        add(list, check);
        return;
    }
    for (size_t i = 0; i < profile->site_count; i++)
        check_site(list, &profile->sites[i], baseline);
}

jep_status_t
jep_check(const struct jep_view *view, const struct jep_limits *limits,
          const struct jep_baseline *baseline, const char *allocator,
          struct jep_check **checks, size_t *count)
{
    struct list list = {.view = view, .limits = limits};
    struct jep_check differs = {.kind = JEP_CHECK_BASELINE,
                                .outcome = JEP_CANNOT,
                                .name = "baseline",
                                .title = "baseline"};

    check_limits(&list);
    check_findings(&list, baseline);
    if (baseline != NULL) {
        differs.reason = baseline_differs(view, baseline, allocator);
        if (differs.reason != NULL) {
            add(&list, differs);
        } else {
            check_growth(&list, baseline);
            check_sites(&list, baseline);
        }
    }
    *checks = list.checks;
    *count = list.count;
    if (!list.is_failed)
        return JEP_OK;
    free(list.checks);
    *checks = NULL;
    return JEP_ERR_MEMORY;
}
