/* Figures of other allocators that no report prints: what the readers hand
 * over, on the cases of t/parse/valid, against the numbers in those files. */
#include "base/macros.h"

#include "dump/amount.h"
#include "model/load.h"

#include "t/util.h"

#include <limits.h>
#include <string.h>

static jep_dumps_t *
read_case(const char *name)
{
    const char *top = getenv("top_srcdir");
    struct jep_error error;
    char path[PATH_MAX];
    jep_dumps_t *dumps;

    snprintf(path, sizeof(path), "%s/t/parse/valid/%s/input",
             top != NULL ? top : ".", name);
    ck_assert_msg(jep_read(path, &dumps, &error) == JEP_OK, "%s: %s", path,
                  error.text);
    return dumps;
}

struct expected {
    int field;
    uint64_t value;
    uint32_t line; /* 0 = of no single line */
};

static void
expect(const char *name, const struct jep_figure *figures,
       const struct expected *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct jep_figure *figure = &figures[expected[i].field];

        ck_assert_msg(figure->known && figure->value == expected[i].value,
                      "%s: field %d is %llu, wanted %llu", name,
                      expected[i].field, (unsigned long long)figure->value,
                      (unsigned long long)expected[i].value);
        ck_assert_msg(expected[i].line == 0 || figure->line == expected[i].line,
                      "%s: field %d is of line %u", name, expected[i].field,
                      figure->line);
    }
}

#define EXPECT(name, figures, expected)                                        \
    expect(name, figures, expected, JE_ARRAY_LEN(expected))

START_TEST(test_tcmalloc_google)
{
    static const struct expected expected[] = {
        {TCMALLOC_SPANS, 1700, 19},
        {TCMALLOC_THREAD_HEAPS, 3, 21},
        {TCMALLOC_PEAK_ACTUAL, 97000000, 23},
        {TCMALLOC_PEAK_IN_USE, 71000000, 24},
        {TCMALLOC_HUGE_PAGE, 2097152, 27},
        {TCMALLOC_CPUS, 4, 28},
        {TCMALLOC_PER_CPU_LIMIT, 1572864, 0},
        {TCMALLOC_PER_CPU_CACHES, 2, 0},
        {TCMALLOC_PER_CPU_UNALLOCATED, 72864 + 172864, 0},
        {TCMALLOC_FILLER_USED, 65u << 20, 0},
        {TCMALLOC_FILLER_FREE, 9u << 20, 0},
        {TCMALLOC_FILLER_UNMAPPED, 1u << 20, 0},
        {TCMALLOC_CACHE_USED, 2u << 20, 0},
        {TCMALLOC_CACHE_FREE, 1u << 19, 0},
        {TCMALLOC_ALLOC_UNMAPPED, 4u << 20, 0},
        {TCMALLOC_HUGE_PAGES, 37, 0},
        {TCMALLOC_HUGE_PAGES_FULL, 30, 0},
        {TCMALLOC_HUGE_PAGES_PARTIAL, 7, 0},
        {TCMALLOC_HUGE_PAGES_RELEASED, 1, 0},
        {TCMALLOC_HUGE_PAGES_BROKEN, 7, 0},
        {TCMALLOC_MMAPPED, 107374182400, 0}};
    jep_dumps_t *dumps = read_case("tcmalloc-google");
    const struct snapshot *s = dumps->snapshots[0];
    uint64_t value;

    ck_assert_uint_eq(dumps->count, 1);
    EXPECT("tcmalloc-google", s->tcmalloc, expected);
    ck_assert(!s->tcmalloc[TCMALLOC_HEAP_SIZE].known);
    ck_assert_uint_eq(s->status[STATUS_VM_SIZE].value, 400000000);
    ck_assert_str_eq(snapshot_setting(s, "tcmalloc_max_per_cpu_cache_size"),
                     "1572864");
    ck_assert(table_get(&s->classes, 2, CLASS_SPANS_REQUESTED, &value) &&
              value == 500);
    ck_assert(table_get(&s->classes, 2, CLASS_SPANS_RETURNED, &value) &&
              value == 100);
    ck_assert(table_get(&s->classes, 2, CLASS_OBJECTS_PER_SPAN, &value) &&
              value == 128);
    /* The table of the transfer cache has other figures of class 2. */
    ck_assert(table_get(&s->classes, 2, CLASS_FREE_OBJECTS, &value) &&
              value == 20000);
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_glibc_info)
{
    static const struct expected expected[] = {
        {GLIBC_HEAPS, 4, 0},
        {GLIBC_HEAP_SYSTEM, 7606272, 0},
        {GLIBC_HEAP_SYSTEM_MAX, 7606272, 0},
        {GLIBC_FAST, 31248, 0},
        {GLIBC_FAST_COUNT, 381, 0},
        {GLIBC_REST, 3110915, 0},
        {GLIBC_REST_COUNT, 4279, 0},
        {GLIBC_MMAP, 0, 0},
        {GLIBC_ASPACE_MPROTECT, 7606272, 0}};
    jep_dumps_t *dumps = read_case("glibc-info-236");
    const struct snapshot *s = dumps->snapshots[0];
    uint64_t value;

    EXPECT("glibc-info-236", s->glibc, expected);
    ck_assert(table_get(&s->heaps, 2, HEAP_FREE_CHUNKS, &value) &&
              value == 127 + 1426);
    ck_assert(table_get(&s->heaps, 2, HEAP_SUBHEAPS, &value) && value == 1);
    ck_assert(!table_get(&s->heaps, 0, HEAP_SUBHEAPS, &value));
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_glibc_mallinfo)
{
    static const struct expected expected[] = {
        {GLIBC_HEAP_SYSTEM, 7606272, 1}, {GLIBC_REST_COUNT, 4279, 2},
        {GLIBC_FAST_COUNT, 381, 3},      {GLIBC_MMAP_COUNT, 0, 4},
        {GLIBC_FREE, 3142000, 8},        {GLIBC_TOP, 133648, 9}};
    jep_dumps_t *dumps = read_case("glibc-mallinfo2");

    EXPECT("glibc-mallinfo2", dumps->snapshots[0]->glibc, expected);
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_mimalloc_209)
{
    static const struct expected expected[] = {
        {MIMALLOC_RESERVED, 128u << 20, 32},
        {MIMALLOC_RESERVED_PEAK, 128u << 20, 32},
        {MIMALLOC_TOUCHED, 257u << 10, 35},
        {MIMALLOC_SEGMENTS, 1, 36},
        {MIMALLOC_SEGMENTS_ABANDONED, 3, 37},
        {MIMALLOC_SEGMENTS_CACHED, 0, 38},
        {MIMALLOC_PAGES_ABANDONED, 168, 40},
        {MIMALLOC_COMMITS, 15, 44},
        {MIMALLOC_NUMA_NODES, 1, 47},
        {MIMALLOC_ELAPSED_MS, 4, 48},
        {MIMALLOC_SYSTEM_MS, 7, 49},
        {MIMALLOC_FAULTS, 1, 49},
        {MIMALLOC_COMMIT_PEAK, 44u << 20, 49}};
    jep_dumps_t *dumps = read_case("mimalloc-209");
    const struct snapshot *s = dumps->snapshots[0];

    EXPECT("mimalloc-209", s->mimalloc, expected);
    ck_assert(!s->mimalloc[MIMALLOC_THREADS].known);
    ck_assert_str_eq(snapshot_setting(s, "decommit_delay"), "25");
    /* 9.8 MiB, rounded to the byte: what it calls rss is the peak. */
    ck_assert_uint_eq(s->status[STATUS_VM_HWM].value, 10276045);
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_mimalloc_counts)
{
    /* "1.5 k" counts by 1024 in 1.x, "4.4 K" by 1000 in 3.x. */
    jep_dumps_t *dumps = read_case("mimalloc-1");
    const struct jep_figure *m = dumps->snapshots[0]->mimalloc;

    ck_assert_uint_eq(m[MIMALLOC_PAGES].value, 2048 - 512);
    ck_assert_uint_eq(m[MIMALLOC_SEGMENTS_ABANDONED].value, 1);
    ck_assert_uint_eq(m[MIMALLOC_PAGES_ABANDONED].value, 0);
    ck_assert_uint_eq(m[MIMALLOC_RESET].value, 3u << 19);
    ck_assert_uint_eq(m[MIMALLOC_ELAPSED_MS].value, 1250);
    jep_dumps_free(dumps);
    dumps = read_case("mimalloc-3");
    m = dumps->snapshots[0]->mimalloc;
    ck_assert_uint_eq(m[MIMALLOC_PAGES].value, 2600);
    ck_assert_uint_eq(m[MIMALLOC_PAGES_ABANDONED].value, 1000);
    ck_assert(!m[MIMALLOC_SEGMENTS_ABANDONED].known);
    ck_assert_uint_eq(m[MIMALLOC_RSS_PEAK].value, 711u << 20);
    ck_assert_uint_eq(m[MIMALLOC_FAULTS].value, 7);
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_proc_smaps)
{
    static const struct expected expected[] = {
        {ROLLUP_HEAP, 120u << 10, 0},
        {ROLLUP_STACK, 40u << 10, 0},
        {ROLLUP_ANONYMOUS_MAPS, 6000u << 10, 0},
        {ROLLUP_FILE_COPIES, 8u << 10, 0},
        {ROLLUP_GLIBC_HEAPS, 1, 0},
        {ROLLUP_GLIBC_HEAP, 6000u << 10, 0},
        {ROLLUP_LAZY_FREE, 16u << 10, 0},
        {ROLLUP_PRIVATE_DIRTY, 6168u << 10, 0}};
    jep_dumps_t *dumps = read_case("proc-smaps");
    const struct snapshot *s = dumps->snapshots[0];

    EXPECT("proc-smaps", s->rollup, expected);
    ck_assert_uint_eq(s->machine[MACHINE_MAPS].value, 6);
    jep_dumps_free(dumps);
    dumps = read_case("proc-maps");
    s = dumps->snapshots[0];
    ck_assert_uint_eq(s->machine[MACHINE_MAPS].value, 5);
    ck_assert_uint_eq(s->rollup[ROLLUP_GLIBC_HEAPS].value, 2);
    ck_assert(!s->rollup[ROLLUP_GLIBC_HEAP].known);
    ck_assert(!s->rollup[ROLLUP_HEAP].known);
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_proc_status)
{
    static const struct expected machine[] = {
        {MACHINE_MEM_TOTAL, 16000000ull << 10, 29},
        {MACHINE_MEM_FREE, 1000000ull << 10, 30},
        {MACHINE_MEM_AVAILABLE, 9000000ull << 10, 31},
        {MACHINE_ANON_HUGE_PAGES, 123456u << 10, 32},
        {MACHINE_HUGE_PAGE_SIZE, 2u << 20, 33},
        {MACHINE_MAX_MAP_COUNT, 65530, 34},
        {MACHINE_OVERCOMMIT_MEMORY, 2, 35}};
    static const struct expected status[] = {
        {STATUS_VM_PEAK, 900000ull << 10, 6},
        {STATUS_VM_SIZE, 800000ull << 10, 7},
        {STATUS_VM_RSS, 50000u << 10, 10},
        {STATUS_VM_PTE, 300u << 10, 14}};
    jep_dumps_t *dumps = read_case("proc-status-rollup");
    const struct snapshot *s = dumps->snapshots[0];

    EXPECT("machine", s->machine, machine);
    EXPECT("status", s->status, status);
    ck_assert_uint_eq(s->rlimit[RLIMIT_AS].value, 8589934592);
    ck_assert_uint_eq(s->rlimit[RLIMIT_NOFILE].value, 1024);
    ck_assert(!s->rlimit[RLIMIT_STACK].known);
    ck_assert(!s->machine[MACHINE_MAPS].known);
    ck_assert_uint_eq(s->process[PROCESS_PPID].value, 1);
    ck_assert_str_eq(snapshot_setting(s, "process.cpus_allowed_list"), "0-3");
    jep_dumps_free(dumps);
}

END_TEST

static bool
amount(const char *text, struct amount *out, const char *rest)
{
    return amount_read(&text, out) && strcmp(text, rest) == 0;
}

START_TEST(test_amount_units)
{
    static const struct {
        const char *text;
        uint64_t value;
    } amounts[] = {{"0", 0},           {"0 b", 0},
                   {"17", 17},         {"  8 B", 8},
                   {"1.5 kb", 1536},   {"1.1 Ki", 1126},
                   {"2.0 K", 2000},    {"4.6 k", 4710},
                   {"3 MiB", 3 << 20}, {"0.5 GiB", 1 << 29},
                   {"1.0 mb", 1 << 20}};
    struct amount a;

    for (size_t i = 0; i < JE_ARRAY_LEN(amounts); i++)
        ck_assert_msg(amount(amounts[i].text, &a, "") &&
                          a.value == amounts[i].value && !a.is_negative,
                      "%s is %llu", amounts[i].text,
                      (unsigned long long)a.value);
    ck_assert(amount("-635.0 mb  ok", &a, "  ok"));
    ck_assert(a.is_negative && a.value == 635u << 20);
}

END_TEST

START_TEST(test_amount_stops)
{
    struct amount a;

    /* Words are no units, and stay. */
    ck_assert(amount("95   not all freed!", &a, "   not all freed!"));
    ck_assert(!a.has_unit && a.value == 95);
    ck_assert(amount("3 bytes", &a, " bytes"));
    ck_assert(amount("0.0 avg", &a, " avg"));
    ck_assert(!amount("ok", &a, "ok"));
    ck_assert(!amount("", &a, ""));
    ck_assert(!amount("-", &a, "-"));
    ck_assert(!amount("99999999999999999999", &a, ""));
    ck_assert(!amount("999999999999999999 TiB", &a, ""));
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("foreign");
    TCase *tcase = tcase_create("foreign");

    tcase_add_test(tcase, test_tcmalloc_google);
    tcase_add_test(tcase, test_glibc_info);
    tcase_add_test(tcase, test_glibc_mallinfo);
    tcase_add_test(tcase, test_mimalloc_209);
    tcase_add_test(tcase, test_mimalloc_counts);
    tcase_add_test(tcase, test_proc_smaps);
    tcase_add_test(tcase, test_proc_status);
    tcase_add_test(tcase, test_amount_units);
    tcase_add_test(tcase, test_amount_stops);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
