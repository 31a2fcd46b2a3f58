/* What changes mean: every verdict, just at and just below the floor, and which
 * of several figures that grew decides. */
#include "base/macros.h"

#include "analyse/verdict.h"
#include "analyse/verdict_foreign.h"

#include "t/util.h"

#include <string.h>

enum { FLOOR = 10, CHANGES_MAX = 4 };

static void
same_text(size_t at, const char *what, const char *got, const char *wanted)
{
    ck_assert_msg((got == NULL) == (wanted == NULL) &&
                      (got == NULL || strcmp(got, wanted) == 0),
                  "case %zu: %s is %s, wanted %s", at, what,
                  got != NULL ? got : "none", wanted != NULL ? wanted : "none");
}

static void
same_verdict(size_t at, struct jep_verdict got, const char *id,
             const char *figure, const char *rule, bool has_grown)
{
    same_text(at, "the verdict", got.id, id);
    same_text(at, "the figure", got.figure, figure);
    same_text(at, "the rule", got.rule, rule);
    ck_assert_msg(got.text != NULL && got.text[0] != '\0',
                  "case %zu: no sentence", at);
    ck_assert_msg(got.has_grown == has_grown, "case %zu: has grown: %d", at,
                  got.has_grown);
}

/* ---- jemalloc ----------------------------------------------------------- */

START_TEST(test_totals_are_those_of_the_summary)
{
    const struct jep_summary s = {
        .rss = {.value = 1, .known = true},
        .resident = {.value = 2, .known = true},
        .active = {.value = 3, .known = true},
        .allocated = {.value = 4, .known = true},
        .tcache = {.value = 5, .known = true},
        .metadata = {.value = 6, .known = true},
        .dirty = {.value = 7, .known = true},
        .muzzy = {.value = 8, .known = true},
        .slab_holes = {.value = 9, .known = true},
        .mapped = {.value = 10, .known = true},
        .retained = {.value = 11, .known = true},
    };
    static const char *const ids[VERDICT_TOTALS] = {
        "rss",   "resident", "active",     "allocated", "tcache",  "metadata",
        "dirty", "muzzy",    "slab_holes", "mapped",    "retained"};

    for (size_t i = 0; i < VERDICT_TOTALS; i++) {
        same_text(i, "the name", verdict_total_id(i), ids[i]);
        ck_assert_uint_eq(verdict_total(&s, i).value, i + 1);
    }
    ck_assert_str_eq(verdict_total_what(8), "holes in slabs");
}

END_TEST

/* One per cent of what is outermost, or what was asked for. */
START_TEST(test_floor_is_a_share_or_a_size)
{
    const struct jep_summary none = {.rss = {0}};
    const struct jep_summary s = {.rss = {.value = 5000, .known = true},
                                  .resident = {.value = 900, .known = true}};

    ck_assert_uint_eq(verdict_floor(&s, 49), 50);
    ck_assert_uint_eq(verdict_floor(&s, 51), 51);
    ck_assert_uint_eq(verdict_floor(&none, 7), 7);
    ck_assert_uint_eq(verdict_floor(&none, 0), 1);
}

END_TEST

struct one_case {
    struct {
        const char *id;
        int64_t bytes;
    } changes[CHANGES_MAX];

    const char *id, *figure, *rule;
    bool has_grown;
};

#define LIVE_GROWTH   "live-growth", "allocated", "true-leak", true
#define CACHES        "thread-caches", "tcache", "tcache-bloat", true
#define FRAGMENTATION "fragmentation", "active", "slab-waste-high", true
#define METADATA      "metadata", "metadata", "metadata-edata-fragmented-vm", true
#define PURGED        "freed-not-purged", "dirty", "dirty-idle-no-bgthread"
#define SHRUNK        "shrunk-not-returned", "allocated", "frag-after-shrink", false
#define OUTSIDE       "outside", "rss", "rss-above-allocator", true
#define RESIDENT      "resident", "resident", NULL, true
#define RETAINED      "address-space", "retained", "retained-benign", false
#define MAPPED        "address-space", "mapped", "retained-benign", false
#define LESS(figure)  "less", figure, NULL, false
#define SAME          "same", NULL, NULL, false

static const struct one_case cases[] = {
    {{{"allocated", 10}, {"active", 10}}, LIVE_GROWTH},
    {{{"allocated", 9}, {"active", 9}}, SAME},
    /* Half of what is allocated more is in the caches. */
    {{{"allocated", 100}, {"active", 100}, {"tcache", 50}}, CACHES},
    {{{"allocated", 100}, {"active", 100}, {"tcache", 49}}, LIVE_GROWTH},
    /* Pages beyond those of the objects: 30 of 50 are more than 20 objects,
     * 20 of 40 are not, and are the objects'. */
    {{{"allocated", 20}, {"active", 50}}, FRAGMENTATION},
    {{{"allocated", 20}, {"active", 40}}, LIVE_GROWTH},
    {{{"allocated", 40}, {"active", 20}}, LIVE_GROWTH},
    {{{"allocated", 5}, {"active", 10}}, FRAGMENTATION},
    {{{"allocated", 0}, {"active", 9}}, SAME},
    {{{"allocated", 20}, {"active", 20}, {"metadata", 21}}, METADATA},
    {{{"allocated", 20}, {"active", 20}, {"metadata", 20}}, LIVE_GROWTH},
    {{{"metadata", 10}}, METADATA},
    {{{"metadata", 9}}, SAME},
    {{{"allocated", 20}, {"active", 20}, {"dirty", 21}}, PURGED, true},
    {{{"metadata", 30}, {"dirty", 30}}, METADATA},
    {{{"metadata", 30}, {"dirty", 31}}, PURGED, true},
    /* Free pages alone are what the objects left, unless the RSS grew. */
    {{{"dirty", 10}}, PURGED, false},
    {{{"dirty", 10}, {"rss", 9}}, PURGED, false},
    {{{"dirty", 10}, {"rss", 10}}, PURGED, true},
    {{{"dirty", 9}}, SAME},
    /* More than half of the pages of what was freed are still there. */
    {{{"allocated", -40}, {"active", -19}}, SHRUNK},
    {{{"allocated", -40}, {"active", -20}}, LESS("active")},
    {{{"allocated", -10}, {"active", 0}}, SHRUNK},
    {{{"allocated", -9}, {"active", 0}}, SAME},
    {{{"allocated", -40}}, LESS("allocated")},
    {{{"allocated", -40}, {"active", -19}, {"dirty", 20}}, SHRUNK},
    /* The RSS holds what is resident: it says more. */
    {{{"rss", 10}}, OUTSIDE},
    {{{"rss", 9}}, SAME},
    {{{"resident", 10}}, RESIDENT},
    {{{"resident", 9}}, SAME},
    {{{"resident", 30}, {"rss", 20}}, OUTSIDE},
    {{{"resident", 30}, {"retained", 40}}, RESIDENT},
    {{{"rss", 30}, {"retained", 40}}, OUTSIDE},
    {{{"retained", 10}}, RETAINED},
    {{{"retained", 9}}, SAME},
    {{{"mapped", 10}}, MAPPED},
    {{{"mapped", 9}}, SAME},
    {{{"mapped", 30}, {"retained", 20}}, RETAINED},
    {{{"mapped", 30}, {"retained", 9}}, MAPPED},
    {{{"retained", 30}, {"rss", -20}}, RETAINED},
    /* The outermost figure that fell. */
    {{{"rss", -10}, {"resident", -30}}, LESS("rss")},
    {{{"rss", -9}, {"resident", -30}, {"active", -40}}, LESS("resident")},
    {{{"active", -40}, {"resident", -30}}, LESS("resident")},
    {{{"active", -10}, {"allocated", -5}}, LESS("active")},
    {{{"rss", -9}}, SAME},
    {{{"metadata", -90}}, SAME},
    {{{NULL, 0}}, SAME},
};

static size_t
changes_of(const struct one_case *one, struct jep_change *list)
{
    size_t count = 0;

    while (count < CHANGES_MAX && one->changes[count].id != NULL) {
        list[count] = (struct jep_change){.id = one->changes[count].id,
                                          .bytes = one->changes[count].bytes};
        count++;
    }
    return count;
}

START_TEST(test_verdict_is_of_what_grew_most)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        struct jep_change list[CHANGES_MAX];
        size_t count = changes_of(&cases[i], list);

        same_verdict(i, verdict_of(list, count, FLOOR), cases[i].id,
                     cases[i].figure, cases[i].rule, cases[i].has_grown);
    }
    /* What is unknown has not changed, not by a byte. */
    same_verdict(JE_ARRAY_LEN(cases), verdict_of(NULL, 0, 1), SAME);
}

END_TEST

START_TEST(test_verdict_of_different_allocators_is_the_rss)
{
    const struct jep_change list[] = {{.id = "allocated", .bytes = 99},
                                      {.id = "rss", .bytes = FLOOR}};

    same_verdict(0, verdict_apart(list, 2, FLOOR), "not-comparable", "rss",
                 NULL, true);
    same_verdict(1, verdict_apart(list, 2, FLOOR + 1), "not-comparable", "rss",
                 NULL, false);
}

END_TEST

/* ---- other allocators --------------------------------------------------- */

/* The ledger's lines, so that each part is a sum of its own; what is below
 * another line is in it already. */
START_TEST(test_parts_are_sums_of_lines)
{
    static const struct jep_ledger_line lines[] = {
        {.id = "objects", .bytes = 1},
        {.id = "objects_and_caches", .bytes = 2},
        {.id = "cpu_caches", .bytes = 4},
        {.id = "sharded_caches", .bytes = 8},
        {.id = "transfer_cache", .bytes = 16},
        {.id = "thread_caches", .bytes = 32},
        {.id = "central_cache", .bytes = 64},
        {.id = "fast_bins", .bytes = 128},
        {.id = "bins", .bytes = 256},
        {.id = "bins_and_top", .bytes = 512},
        {.id = "free_chunks", .bytes = 1024},
        {.id = "beyond_blocks", .bytes = 2048},
        {.id = "page_heap", .bytes = 4096},
        {.id = "top", .bytes = 8192},
        {.id = "metadata", .bytes = 16384},
        {.id = "metadata_unallocated", .bytes = 32768},
        {.id = "metadata_unavailable", .bytes = 65536},
        {.id = "committed", .bytes = 131072},
        {.id = "objects", .bytes = 1 << 20, .depth = 1},
        {.id = "unexplained", .bytes = 1 << 21},
    };
    static const uint64_t wanted[JEP_PARTS] = {
        [JEP_PART_OBJECTS] = 3,       [JEP_PART_CACHES] = 60,
        [JEP_PART_HOLES] = 4032,      [JEP_PART_PAGES] = 12288,
        [JEP_PART_METADATA] = 114688, [JEP_PART_MIXED] = 131072};
    struct jep_ledger ledger = {.lines = lines, .count = JE_ARRAY_LEN(lines)};
    struct jep_figure parts[JEP_PARTS];

    foreign_parts(&ledger, parts);
    for (int i = 0; i < JEP_PARTS; i++) {
        ck_assert_msg(parts[i].known && parts[i].value == wanted[i],
                      "part %d is %llu", i, (unsigned long long)parts[i].value);
    }
    ledger.count = 1;
    foreign_parts(&ledger, parts);
    for (int i = 0; i < JEP_PARTS; i++)
        ck_assert_int_eq(parts[i].known, i == JEP_PART_OBJECTS);
}

END_TEST

START_TEST(test_parts_compare_within_one_kind_of_dump)
{
    const struct jep_moment glibc = {.is_foreign = true,
                                     .allocator = JEP_ALLOCATOR_GLIBC,
                                     .whole = "mapped"};
    struct jep_moment other = glibc;
    char whole[] = "mapped";

    other.whole = whole;
    ck_assert(foreign_fits(&glibc, &other));
    other.whole = "RSS";
    ck_assert(!foreign_fits(&glibc, &other));
    other.whole = NULL;
    ck_assert(!foreign_fits(&glibc, &other));
    ck_assert(!foreign_fits(&other, &glibc));
    ck_assert(!foreign_fits(&other, &other));
    other = glibc;
    other.allocator = JEP_ALLOCATOR_MIMALLOC;
    ck_assert(!foreign_fits(&glibc, &other));
    other = glibc;
    other.is_foreign = false;
    ck_assert(!foreign_fits(&glibc, &other));
    ck_assert(!foreign_fits(&other, &glibc));
}

END_TEST

struct foreign_case {
    int64_t parts[JEP_PARTS]; /* objects, caches, holes, pages, metadata, all */
    int64_t rss, resident, retained;
    const char *id, *figure, *rule;
    bool has_grown;
};

/* Of gperftools. */
static const struct foreign_case foreign_cases[] = {
    {{10}, 0, 0, 0, "live-growth", "allocated", "true-leak", true},
    {{9}, 0, 0, 0, "same", NULL, NULL, false},
    {{0, 10},
     0,
     0,
     0,
     "thread-caches",
     "caches",
     "tcmalloc-percpu-cache",
     true},
    {{0, 0, 10}, 0, 0, 0, "fragmentation", "holes", "tcmalloc-central", true},
    {{0, 0, 0, 10},
     0,
     0,
     0,
     "freed-not-purged",
     "free_pages",
     "tcmalloc-pageheap",
     true},
    {{0, 0, 0, 0, 10}, 0, 0, 0, "metadata", "metadata", NULL, true},
    {{0, 0, 0, 0, 0, 10}, 0, 0, 0, "resident", "mapped", NULL, true},
    /* What grew most, and of equals the objects. */
    {{20, 21},
     0,
     0,
     0,
     "thread-caches",
     "caches",
     "tcmalloc-percpu-cache",
     true},
    {{20, 20, 20}, 0, 0, 0, "live-growth", "allocated", "true-leak", true},
    {{0, 20, 19},
     0,
     0,
     0,
     "thread-caches",
     "caches",
     "tcmalloc-percpu-cache",
     true},
    /* Holes grew, and all together by the floor, or by less. */
    {{-10, 0, 20}, 0, 0, 0, "fragmentation", "holes", "tcmalloc-central", true},
    {{-11, 0, 20},
     0,
     0,
     0,
     "shrunk-not-returned",
     "holes",
     "tcmalloc-central",
     false},
    {{-11, 0, 0, 20},
     0,
     0,
     0,
     "freed-not-purged",
     "free_pages",
     "tcmalloc-pageheap",
     false},
    /* Each a little. */
    {{5, 5}, 0, 1, 0, "resident", "resident", NULL, true},
    {{5, 5}, 0, 0, 0, "resident", "mapped", NULL, true},
    {{5, 4}, 0, 1, 0, "same", NULL, NULL, false},
    {{5, 5}, 30, 1, 0, "resident", "resident", NULL, true},
    /* Nothing of its own. */
    {{5, 4}, 10, 0, 0, "outside", "rss", "rss-above-allocator", true},
    {{0}, 9, 0, 0, "same", NULL, NULL, false},
    {{-30}, 10, 0, 20, "outside", "rss", "rss-above-allocator", true},
    {{-10}, 0, 0, 20, "less", NULL, NULL, false},
    {{-9}, 0, 0, 0, "same", NULL, NULL, false},
    {{0}, -10, 0, 20, "less", NULL, NULL, false},
    {{0}, -9, 0, 0, "same", NULL, NULL, false},
    {{0}, 0, 0, 10, "address-space", "retained", "retained-benign", false},
    {{0}, 0, 0, 9, "same", NULL, NULL, false},
};

START_TEST(test_foreign_verdict_is_of_the_part_that_grew_most)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(foreign_cases); i++) {
        const struct foreign_case *one = &foreign_cases[i];
        const struct jep_change list[] = {
            {.id = "retained", .bytes = one->retained},
            {.id = "resident", .bytes = one->resident},
            {.id = "rss", .bytes = one->rss}};

        same_verdict(i,
                     foreign_verdict(one->parts, list, JE_ARRAY_LEN(list),
                                     JEP_ALLOCATOR_GPERFTOOLS, FLOOR),
                     one->id, one->figure, one->rule, one->has_grown);
    }
}

END_TEST

/* No change is less than any floor. */
START_TEST(test_foreign_verdict_without_floor)
{
    int64_t parts[JEP_PARTS] = {0};

    same_verdict(
        0, foreign_verdict(parts, NULL, 0, JEP_ALLOCATOR_GPERFTOOLS, 0), SAME);
    parts[JEP_PART_OBJECTS] = 1;
    same_verdict(1,
                 foreign_verdict(parts, NULL, 0, JEP_ALLOCATOR_GPERFTOOLS, 0),
                 LIVE_GROWTH);
}

END_TEST

START_TEST(test_foreign_rule_is_the_allocators_own)
{
    static const struct {
        enum jep_allocator allocator;
        enum jep_part part;
        const char *rule;
    } wanted[] = {
        {JEP_ALLOCATOR_TCMALLOC, JEP_PART_CACHES, "tcmalloc-percpu-cache"},
        {JEP_ALLOCATOR_TCMALLOC, JEP_PART_HOLES, "tcmalloc-central"},
        {JEP_ALLOCATOR_TCMALLOC, JEP_PART_PAGES, "tcmalloc-pageheap"},
        {JEP_ALLOCATOR_GLIBC, JEP_PART_CACHES, NULL},
        {JEP_ALLOCATOR_GLIBC, JEP_PART_HOLES, "glibc-untrimmed"},
        {JEP_ALLOCATOR_GLIBC, JEP_PART_PAGES, "glibc-untrimmed"},
        {JEP_ALLOCATOR_MIMALLOC, JEP_PART_HOLES, "mimalloc-purge-idle"},
        {JEP_ALLOCATOR_MIMALLOC, JEP_PART_PAGES, NULL},
        {JEP_ALLOCATOR_MIMALLOC, JEP_PART_MIXED, "mimalloc-purge-idle"},
    };

    for (size_t i = 0; i < JE_ARRAY_LEN(wanted); i++) {
        int64_t parts[JEP_PARTS] = {0};

        parts[wanted[i].part] = FLOOR;
        same_text(
            i, "the rule",
            foreign_verdict(parts, NULL, 0, wanted[i].allocator, FLOOR).rule,
            wanted[i].rule);
    }
}

END_TEST

START_TEST(test_parts_that_are_no_totals_have_names)
{
    static const char *const whats[JEP_PARTS] = {
        [JEP_PART_CACHES] = "all caches",
        [JEP_PART_HOLES] = "holes",
        [JEP_PART_PAGES] = "free pages"};

    for (int i = 0; i < JEP_PARTS; i++)
        same_text((size_t)i, "the title", foreign_part_what(i), whats[i]);
    ck_assert_str_eq(foreign_part_id(JEP_PART_PAGES), "free_pages");
    ck_assert(foreign_part_id(JEP_PART_OBJECTS) == NULL);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("verdict");
    TCase *tcase = tcase_create("verdict");

    tcase_add_test(tcase, test_totals_are_those_of_the_summary);
    tcase_add_test(tcase, test_floor_is_a_share_or_a_size);
    tcase_add_test(tcase, test_verdict_is_of_what_grew_most);
    tcase_add_test(tcase, test_verdict_of_different_allocators_is_the_rss);
    tcase_add_test(tcase, test_parts_are_sums_of_lines);
    tcase_add_test(tcase, test_parts_compare_within_one_kind_of_dump);
    tcase_add_test(tcase, test_foreign_verdict_is_of_the_part_that_grew_most);
    tcase_add_test(tcase, test_foreign_verdict_without_floor);
    tcase_add_test(tcase, test_foreign_rule_is_the_allocators_own);
    tcase_add_test(tcase, test_parts_that_are_no_totals_have_names);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
