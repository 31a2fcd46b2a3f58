/* Limits and baselines: just at each limit and just above, with every figure
 * known and with one missing. */
#include "base/macros.h"

#include "jeprobe.h"
#include "jeprobe_compare.h"

#include "t/unit/figures.h"

#include <string.h>

#define MIB (1 << 20)

static struct jep_ratio
ratio(double value)
{
    return (struct jep_ratio){.value = value, .known = true};
}

/* Allocated 100 MiB, active 150, resident 300, metadata 60. */
static struct jep_view
view_new(void)
{
    struct jep_view view = {.source = {.version = "5.3.0"}};
    struct jep_summary *s = &view.summary;

    s->allocated = figure(100 * MIB);
    s->active = figure(150 * MIB);
    s->resident = figure(300 * MIB);
    s->metadata = figure(60 * MIB);
    s->rss = figure(310 * MIB);
    s->internal_fragmentation = ratio(0.5);
    s->external_fragmentation = ratio(1.0);
    s->metadata_per_resident = ratio(0.2);
    return view;
}

/* The one check that comes of it. */
static struct jep_check
only_check(const struct jep_view *view, const struct jep_limits *limits,
           const struct jep_baseline *baseline)
{
    struct jep_check *checks, one;
    size_t count;

    ck_assert_int_eq(
        jep_check(view, limits, baseline, "jemalloc", &checks, &count), JEP_OK);
    ck_assert_uint_eq(count, 1);
    one = checks[0];
    ck_assert_ptr_eq(one.view, view);
    free(checks);
    return one;
}

static size_t
check_count(const struct jep_view *view, const struct jep_limits *limits,
            const struct jep_baseline *baseline)
{
    struct jep_check *checks;
    size_t count;

    ck_assert_int_eq(
        jep_check(view, limits, baseline, "jemalloc", &checks, &count), JEP_OK);
    free(checks);
    return count;
}

/* ---- limits ------------------------------------------------------------- */

struct ratio_case {
    size_t limit, value; /* where they are */
    size_t missing[2];   /* figures that it is made of */
    const char *name, *reasons[2];
    const char *zero; /* the reason where there is nothing to divide by */
    uint64_t bytes;
};

#define LIMIT(name) offsetof(struct jep_limits, name)
#define VALUE(name) offsetof(struct jep_summary, name)

static const struct ratio_case ratio_cases[] = {
    {LIMIT(max_internal),
     VALUE(internal_fragmentation),
     {VALUE(allocated), VALUE(active)},
     "internal-fragmentation",
     {"allocated", "active"},
     "allocated above 0",
     50 * MIB},
    {LIMIT(max_external),
     VALUE(external_fragmentation),
     {VALUE(active), VALUE(resident)},
     "external-fragmentation",
     {"active", "resident"},
     "active above 0",
     150 * MIB},
    {LIMIT(max_metadata),
     VALUE(metadata_per_resident),
     {VALUE(metadata), VALUE(resident)},
     "metadata",
     {"metadata", "resident"},
     "resident above 0",
     60 * MIB},
};

static void *
at(void *base, size_t offset)
{
    return (char *)base + offset;
}

static void
ratio_case(const struct ratio_case *one)
{
    struct jep_view view = view_new();
    struct jep_limits limits = {.min_size = one->bytes};
    struct jep_ratio *value = at(&view.summary, one->value);
    struct jep_ratio *limit = at(&limits, one->limit);
    struct jep_check check;

    *limit = ratio(value->value);
    check = only_check(&view, &limits, NULL);
    ck_assert_str_eq(check.name, one->name);
    ck_assert_int_eq(check.kind, JEP_CHECK_RATIO);
    ck_assert_int_eq(check.outcome, JEP_PASS);
    ck_assert(!check.is_small);
    ck_assert_uint_eq(check.bytes.value, one->bytes);
    value->value += 0.001;
    check = only_check(&view, &limits, NULL);
    ck_assert_int_eq(check.outcome, JEP_ALERT);
    ck_assert(!check.is_small);
    limits.min_size++;
    check = only_check(&view, &limits, NULL);
    ck_assert_int_eq(check.outcome, JEP_PASS);
    ck_assert(check.is_small);
    value->known = false;
    check = only_check(&view, &limits, NULL);
    ck_assert_int_eq(check.outcome, JEP_CANNOT);
    ck_assert_str_eq(check.reason, one->zero);
    for (int i = 1; i >= 0; i--) {
        ((struct jep_figure *)at(&view.summary, one->missing[i]))->known =
            false;
        check = only_check(&view, &limits, NULL);
        ck_assert_str_eq(check.reason, one->reasons[i]);
        ck_assert(!check.bytes.derived);
    }
}

START_TEST(test_ratio_at_and_above_its_limit)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(ratio_cases); i++)
        ratio_case(&ratio_cases[i]);
}

END_TEST

/* Without its bytes a ratio counts: nothing is known to be small. */
START_TEST(test_ratio_of_unknown_bytes_is_not_small)
{
    struct jep_view view = view_new();
    struct jep_limits limits = {.min_size = 1000 * (uint64_t)MIB,
                                .max_internal = ratio(0.4)};

    view.summary.active = figure(99 * MIB);
    ck_assert_int_eq(only_check(&view, &limits, NULL).outcome, JEP_ALERT);
    ck_assert(!only_check(&view, &limits, NULL).bytes.known);
    view.summary.active = figure(100 * MIB);
    ck_assert_int_eq(only_check(&view, &limits, NULL).outcome, JEP_PASS);
    view.not_nested = "the parts do not lie in one another";
    ck_assert_int_eq(only_check(&view, &limits, NULL).outcome, JEP_CANNOT);
    ck_assert_str_eq(only_check(&view, &limits, NULL).reason, view.not_nested);
}

END_TEST

START_TEST(test_allocated_at_and_above_its_limit)
{
    struct jep_view view = view_new();
    struct jep_limits limits = {.max_allocated = figure(100 * MIB)};
    struct jep_check check = only_check(&view, &limits, NULL);

    ck_assert_int_eq(check.kind, JEP_CHECK_SIZE);
    ck_assert_str_eq(check.name, "allocated");
    ck_assert_int_eq(check.outcome, JEP_PASS);
    limits.max_allocated.value--;
    ck_assert_int_eq(only_check(&view, &limits, NULL).outcome, JEP_ALERT);
    view.summary.allocated.known = false;
    check = only_check(&view, &limits, NULL);
    ck_assert_int_eq(check.outcome, JEP_CANNOT);
    ck_assert_str_eq(check.reason, "allocated");
    limits.max_allocated.known = false;
    ck_assert_uint_eq(check_count(&view, &limits, NULL), 0);
}

END_TEST

/* ---- findings ----------------------------------------------------------- */

START_TEST(test_finding_alerts_from_a_severity_on)
{
    static const char *const known[] = {"true-leak", "tcache-bloat"};
    const struct jep_finding finding = {
        .rule = "slab-waste-high", .severity = JEP_MEDIUM, .bytes = figure(7)};
    struct jep_view view = view_new();
    struct jep_limits limits = {.fail_on = JEP_MEDIUM};
    struct jep_baseline baseline = {.allocator = "jemalloc",
                                    .version = "5.3.0",
                                    .findings = known,
                                    .finding_count = 2};
    struct jep_check check;

    view.findings = &finding;
    view.finding_count = 1;
    check = only_check(&view, &limits, NULL);
    ck_assert_int_eq(check.kind, JEP_CHECK_FINDING);
    ck_assert_int_eq(check.outcome, JEP_ALERT);
    ck_assert_ptr_eq(check.finding, &finding);
    ck_assert_uint_eq(check.bytes.value, 7);
    ck_assert_int_eq(only_check(&view, &limits, &baseline).outcome, JEP_ALERT);
    limits.fail_on = JEP_HIGH;
    ck_assert_int_eq(only_check(&view, &limits, NULL).outcome, JEP_NOTE);
    limits.fail_on = JEP_LOW;
    limits.ignore_findings = true;
    ck_assert_int_eq(only_check(&view, &limits, NULL).outcome, JEP_NOTE);
    limits.ignore_findings = false;
    baseline.findings = (const char *const[]){"true-leak", "slab-waste-high"};
    ck_assert_int_eq(only_check(&view, &limits, &baseline).outcome, JEP_NOTE);
    baseline.finding_count = 1;
    ck_assert_int_eq(only_check(&view, &limits, &baseline).outcome, JEP_ALERT);
}

END_TEST

/* An alert that is known and accepted says why; what passes stays a pass. */
START_TEST(test_suppressed_alerts)
{
    static const struct jep_suppression list[] = {{"metadata", "ours"},
                                                  {"allocated", "by design"}};
    struct jep_view view = view_new();
    struct jep_limits limits = {.max_allocated = figure(1),
                                .suppressions = list,
                                .suppression_count = 2};
    struct jep_check check = only_check(&view, &limits, NULL);

    ck_assert_int_eq(check.outcome, JEP_SUPPRESSED);
    ck_assert_str_eq(check.reason, "by design");
    limits.suppression_count = 1;
    check = only_check(&view, &limits, NULL);
    ck_assert_int_eq(check.outcome, JEP_ALERT);
    limits.suppression_count = 2;
    limits.max_allocated = figure(200 * MIB);
    check = only_check(&view, &limits, NULL);
    ck_assert_int_eq(check.outcome, JEP_PASS);
    ck_assert(check.reason == NULL);
}

END_TEST

/* ---- against a baseline -------------------------------------------------- */

START_TEST(test_growth_at_and_above_its_limit)
{
    struct jep_view view = view_new();
    struct jep_limits limits = {.max_growth = ratio(0.25),
                                .min_size = 20 * MIB};
    struct jep_baseline baseline = {.allocator = "jemalloc",
                                    .version = "5.3.0"};
    struct jep_check check;

    baseline.figures[JEP_BASE_ALLOCATED] = figure(80 * MIB);
    check = only_check(&view, &limits, &baseline);
    ck_assert_int_eq(check.kind, JEP_CHECK_GROWTH);
    ck_assert_str_eq(check.name, "allocated");
    ck_assert_int_eq(check.outcome, JEP_PASS);
    ck_assert(!check.is_small);
    ck_assert_double_eq(check.limit, 100.0 * MIB);
    ck_assert_double_eq(check.before, 80.0 * MIB);
    /* 20 MiB and a byte more than the baseline: above a quarter of it. */
    baseline.figures[JEP_BASE_ALLOCATED] = figure(80 * MIB - 1);
    check = only_check(&view, &limits, &baseline);
    ck_assert_int_eq(check.outcome, JEP_ALERT);
    limits.min_size = 20 * MIB + 1;
    ck_assert_int_eq(only_check(&view, &limits, &baseline).outcome, JEP_ALERT);
    limits.min_size++;
    check = only_check(&view, &limits, &baseline);
    ck_assert_int_eq(check.outcome, JEP_PASS);
    ck_assert(check.is_small);
    view.summary.allocated.known = false;
    check = only_check(&view, &limits, &baseline);
    ck_assert_int_eq(check.outcome, JEP_CANNOT);
    ck_assert_str_eq(check.reason, "allocated");
}

END_TEST

START_TEST(test_growth_of_each_figure)
{
    struct jep_view view = view_new();
    struct jep_limits limits = {.min_size = 0};
    static const uint64_t mib[JEP_BASE_FIGURES] = {100, 150, 300, 60, 310};

    for (int i = 0; i < JEP_BASE_FIGURES; i++) {
        struct jep_baseline baseline = {.allocator = "jemalloc",
                                        .version = "5.3.0"};
        struct jep_check check;

        ck_assert_uint_eq(jep_baseline_figure(&view, i).value, mib[i] * MIB);
        baseline.figures[i] = figure(mib[i] * MIB);
        check = only_check(&view, &limits, &baseline);
        ck_assert_str_eq(check.name, jep_baseline_names[i]);
        ck_assert_int_eq(check.outcome, JEP_PASS);
        baseline.figures[i].value--;
        check = only_check(&view, &limits, &baseline);
        ck_assert_int_eq(check.outcome, JEP_ALERT);
    }
}

END_TEST

static const char *
why_not(const char *allocator, const char *version, const char *own)
{
    struct jep_view view = view_new();
    struct jep_limits limits = {.min_size = 0};
    struct jep_baseline baseline = {.allocator = allocator, .version = version};
    struct jep_check *checks;
    size_t count;
    const char *reason;

    view.source.version = own;
    ck_assert_int_eq(
        jep_check(&view, &limits, &baseline, "jemalloc", &checks, &count),
        JEP_OK);
    reason = count > 0 ? checks[0].reason : NULL;
    ck_assert(count == 0 || (checks[0].kind == JEP_CHECK_BASELINE &&
                             checks[0].outcome == JEP_CANNOT));
    free(checks);
    return reason;
}

START_TEST(test_baseline_of_another_allocator_or_version)
{
    ck_assert(why_not("jemalloc", "5.3.0", "5.3.0") == NULL);
    ck_assert(why_not("jemalloc", NULL, NULL) == NULL);
    ck_assert(strstr(why_not("jealloc", "5.3.0", "5.3.0"), "allocator"));
    ck_assert(strstr(why_not(NULL, "5.3.0", "5.3.0"), "same allocator"));
    ck_assert(strstr(why_not("jemalloc", "5.2.1", "5.3.0"), "same version"));
    ck_assert(strstr(why_not("jemalloc", NULL, "5.3.0"), "same version"));
    ck_assert(strstr(why_not("jemalloc", "5.3.0", NULL), "same version"));
}

END_TEST

/* ---- sites --------------------------------------------------------------- */

static const struct jep_frame frames[] = {{.function = "alloc"},
                                          {.function = "parse"},
                                          {.function = "read"},
                                          {.function = "serve"},
                                          {.function = "main"}};

static uint64_t
key_of(const struct jep_frame *of, size_t count)
{
    const struct jep_stack site = {.frames = of, .frame_count = count};

    return jep_site_key(&site);
}

/* Four frames make a site, by name: a line or an address may change. */
START_TEST(test_site_key_is_of_names)
{
    struct jep_frame other[5];
    uint64_t key = key_of(frames, 5);

    ck_assert(key_of(frames, 3) != key);
    ck_assert(key_of(frames, 4) == key);
    memcpy(other, frames, sizeof(frames));
    other[0].address = 1;
    other[1].offset = 2;
    other[2].line = 3;
    other[3].module = "libx.so";
    other[4].function = "start";
    ck_assert(key_of(other, 5) == key);
    other[3].function = "server";
    ck_assert(key_of(other, 5) != key);
    memcpy(other, frames, sizeof(frames));
    other[0].function = "al";
    other[1].function = "locparse";
    ck_assert(key_of(other, 5) != key);
}

END_TEST

START_TEST(test_site_key_without_names_is_the_place)
{
    struct jep_frame frame = {.module = "a.so", .offset = 16, .address = 1};
    uint64_t key = key_of(&frame, 1);

    frame.address = 2;
    ck_assert(key_of(&frame, 1) == key);
    frame.offset = 17;
    ck_assert(key_of(&frame, 1) != key);
    frame.offset = 16;
    frame.module = "b.so";
    ck_assert(key_of(&frame, 1) != key);
    frame.module = NULL;
    ck_assert(key_of(&frame, 1) != key);
}

END_TEST

/* Baselines are kept: what was written by one release is read by the next.
 * FNV-1a of the names, each with a byte of 255 behind it. */
START_TEST(test_site_key_stays)
{
    const struct jep_frame named[] = {{.function = "alloc"},
                                      {.function = "main"}};
    const struct jep_frame place = {.module = "a.so", .offset = 16};

    ck_assert(key_of(named, 2) == UINT64_C(0xfa81d47c6bba464f));
    ck_assert(key_of(&place, 1) == UINT64_C(0xc5a64d3f94b53be7));
}

END_TEST

/* A site of 40 MiB, 38 to 42, of so many samples, against an older one. */
struct site_case {
    uint64_t samples;
    double before, high; /* MiB */
    double growth;
    uint64_t min_size; /* MiB */
    bool alerts;
};

static const struct site_case site_cases[] = {
    {30, 20, 37.9, 0.5, 20, true},
    {29, 20, 37.9, 0.5, 20, false}, /* too few samples */
    {30, 20, 38.0, 0.5, 20, false}, /* the intervals touch */
    {30, 20, 37.9, 1.0, 20, false}, /* not above the limit */
    {30, 20, 37.9, 0.99, 20, true}, /* above it */
    {30, 20, 37.9, 0.5, 21, false}, /* too small */
    {30, 0, 0, 0.5, 40, true},      /* new */
    {30, 0, 0, 0.5, 41, false},
};

static void
site_case(size_t at_case, const struct site_case *one)
{
    struct jep_stack sites[] = {
        {.frames = frames,
         .frame_count = 5,
         .live_samples = one->samples,
         .live_bytes = {40.0 * MIB, 38.0 * MIB, 42.0 * MIB}}};
    const struct jep_baseline_site old[] = {
        {.key = 1, .live_bytes = {90.0 * MIB, 80.0 * MIB, 99.0 * MIB}},
        {.key = jep_site_key(sites),
         .live_bytes = {one->before * MIB, 0.0, one->high * MIB}}};
    struct jep_view view = view_new();
    struct jep_limits limits = {.max_growth = ratio(one->growth),
                                .min_size = one->min_size * MIB};
    struct jep_baseline baseline = {.allocator = "jemalloc",
                                    .version = "5.3.0",
                                    .sample_interval = figure(524288),
                                    .sites = old,
                                    .site_count = one->before > 0 ? 2 : 1};

    view.profile = (struct jep_profile){.known = true,
                                        .sample_interval = figure(524288),
                                        .sites = sites,
                                        .site_count = 1};
    ck_assert_msg(check_count(&view, &limits, &baseline) == one->alerts,
                  "case %zu", at_case);
    if (one->alerts) {
        struct jep_check check = only_check(&view, &limits, &baseline);

        ck_assert_int_eq(check.kind, JEP_CHECK_SITE);
        ck_assert_int_eq(check.outcome, JEP_ALERT);
        ck_assert_double_eq(check.before, one->before * MIB);
        ck_assert_double_eq(check.limit,
                            one->before * MIB * (1.0 + one->growth));
        ck_assert_uint_eq(check.bytes.value, 40 * MIB);
        ck_assert_ptr_eq(check.site, sites);
    }
}

START_TEST(test_site_alerts_beyond_chance)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(site_cases); i++)
        site_case(i, &site_cases[i]);
}

END_TEST

START_TEST(test_sites_of_another_interval_do_not_compare)
{
    struct jep_view view = view_new();
    struct jep_limits limits = {.min_size = 0};
    struct jep_baseline baseline = {.allocator = "jemalloc",
                                    .version = "5.3.0",
                                    .sample_interval = figure(524288)};
    struct jep_check check = only_check(&view, &limits, &baseline);

    ck_assert_int_eq(check.outcome, JEP_CANNOT);
    ck_assert_str_eq(check.name, "baseline-sites");
    ck_assert_str_eq(check.reason, "a profile");
    view.profile.sample_interval = figure(524288);
    check = only_check(&view, &limits, &baseline);
    ck_assert_str_eq(check.reason, "a profile");
    view.profile.known = true;
    ck_assert_uint_eq(check_count(&view, &limits, &baseline), 0);
    view.profile.sample_interval.known = false;
    check = only_check(&view, &limits, &baseline);
    ck_assert_str_eq(check.reason, "a profile");
    view.profile.sample_interval = figure(524289);
    check = only_check(&view, &limits, &baseline);
    ck_assert_str_eq(check.reason, "a baseline of the same sample interval");
    baseline.sample_interval.known = false;
    ck_assert_uint_eq(check_count(&view, &limits, &baseline), 0);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");

    tcase_add_test(tcase, test_ratio_at_and_above_its_limit);
    tcase_add_test(tcase, test_ratio_of_unknown_bytes_is_not_small);
    tcase_add_test(tcase, test_allocated_at_and_above_its_limit);
    tcase_add_test(tcase, test_finding_alerts_from_a_severity_on);
    tcase_add_test(tcase, test_suppressed_alerts);
    tcase_add_test(tcase, test_growth_at_and_above_its_limit);
    tcase_add_test(tcase, test_growth_of_each_figure);
    tcase_add_test(tcase, test_baseline_of_another_allocator_or_version);
    tcase_add_test(tcase, test_site_key_is_of_names);
    tcase_add_test(tcase, test_site_key_without_names_is_the_place);
    tcase_add_test(tcase, test_site_key_stays);
    tcase_add_test(tcase, test_site_alerts_beyond_chance);
    tcase_add_test(tcase, test_sites_of_another_interval_do_not_compare);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
