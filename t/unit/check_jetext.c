/* Text of each version of jemalloc: figures that no report shows reach the
 * model, under the right name, arena and row. */
#include "base/macros.h"

#include "model/load.h"

#include "t/unit/dumps.h"

#include <limits.h>
#include <string.h>

static jep_dumps_t *dumps;
static const struct snapshot *snapshot;

static void
load(const char *name)
{
    const char *top = getenv("top_srcdir");
    struct jep_error error;
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/t/parse/valid/%s/input",
             top != NULL ? top : ".", name);
    ck_assert_msg(jep_read(path, &dumps, &error) == JEP_OK, "%s: %s", path,
                  error.text);
    snapshot = dumps->snapshots[0];
}

/* Load what is written here instead. */
static void
load_text(const char *text)
{
    dumps = dumps_of_text(text);
    snapshot = dumps->snapshots[0];
}

static const struct snapshot_arena *
arena(int id)
{
    for (size_t i = 0; i < snapshot->arena_count; i++) {
        if (snapshot->arenas[i]->id == id)
            return snapshot->arenas[i];
    }
    ck_abort_msg("no arena %d", id);
}

static void
is_figure(const char *name, struct jep_figure figure, uint64_t value)
{
    ck_assert_msg(figure.known, "%s is not known", name);
    ck_assert_msg(figure.value == value, "%s is %llu, not %llu", name,
                  (unsigned long long)figure.value, (unsigned long long)value);
    ck_assert_uint_gt(figure.line, 0);
}

#define IS(figures, field, value) is_figure(#field, (figures)[field], value)

static void
is_cell(const char *name, const struct table *table, size_t row, size_t field,
        uint64_t value)
{
    uint64_t is = 0;

    ck_assert_msg(table_get(table, row, field, &is), "%s is not known", name);
    ck_assert_msg(is == value, "%s is %llu, not %llu", name,
                  (unsigned long long)is, (unsigned long long)value);
}

#define CELL(table, row, field, value)                                         \
    is_cell(#table " " #row " " #field, &(table), row, field, value)

static void
is_setting(const char *name, const char *value)
{
    const char *is = snapshot_setting(snapshot, name);

    ck_assert_msg(is != NULL, "no %s", name);
    ck_assert_str_eq(is, value);
}

START_TEST(test_3_6)
{
    const struct snapshot_arena *a;

    load("jetext-36");
    a = arena(0);
    IS(a->figures, ARENA_PDIRTY, 5);
    IS(a->figures, ARENA_DIRTY_NPURGE, 1);
    IS(a->figures, ARENA_DIRTY_NMADVISE, 3);
    IS(a->figures, ARENA_DIRTY_PURGED, 265);
    /* Rows that are left out count: a class of n pages is row n - 1. */
    CELL(a->larges, 3, LARGE_SIZE, 16384);
    CELL(a->larges, 15, LARGE_SIZE, 65536);
    CELL(a->larges, 15, LARGE_CUREXTENTS, 1);
    CELL(a->bins, 13, BIN_NFLUSHES, 2);
    CELL(a->bins, 13, BIN_NSLABS, 2);
    CELL(a->bins, 13, BIN_NRESLABS, 1);
    is_setting("config.debug", "false");
    is_setting("arenas.dirty_ratio", "8:1");
    is_setting("cpus", "1");
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_4_5)
{
    const struct snapshot_arena *a;

    load("jetext-45");
    a = arena(0);
    IS(a->figures, ARENA_PDIRTY, 5);
    IS(a->figures, ARENA_DIRTY_NPURGE, 22);
    IS(a->figures, ARENA_DIRTY_NMADVISE, 103);
    IS(a->figures, ARENA_DIRTY_PURGED, 734);
    IS(a->figures, ARENA_INTERNAL, 240);
    /* Large and huge together. */
    IS(a->large, SMALL_ALLOCATED, 114688 + 4194304);
    IS(a->large, SMALL_NMALLOC, 9 + 2);
    CELL(a->larges, 68, LARGE_CUREXTENTS, 1);
    CELL(a->bins, 13, BIN_NSLABS, 2);
    is_setting("config.debug", "true");
    is_setting("arenas.lg_dirty_mult", "3");
    jep_dumps_free(dumps);
}

END_TEST

/* What 5.0 has, and all later ones under the same names. */
static void
check_5(const char *name, uint64_t muzzy)
{
    const struct snapshot_arena *a;

    load(name);
    a = arena(0);
    IS(snapshot->constant, CONST_NARENAS, 4);
    IS(snapshot->constant, CONST_PAGE, 4096);
    CELL(snapshot->mutexes, LOCK_CTL, MUTEX_NUM_OPS, 20);
    CELL(snapshot->mutexes, LOCK_CTL, MUTEX_NUM_WAIT, 1);
    CELL(snapshot->mutexes, LOCK_CTL, MUTEX_NUM_SPIN_ACQ, 2);
    CELL(snapshot->mutexes, LOCK_CTL, MUTEX_TOTAL_WAIT_TIME, 4000000);
    CELL(snapshot->mutexes, LOCK_CTL, MUTEX_MAX_NUM_THDS, 1);
    CELL(a->mutexes, LOCK_EXTENTS_DIRTY, MUTEX_NUM_OPS, 1037);
    CELL(a->mutexes, LOCK_EXTENTS_DIRTY, MUTEX_NUM_OWNER_SWITCH, 25);
    CELL(a->mutexes, LOCK_EXTENTS_DIRTY, MUTEX_MAX_WAIT_TIME, 5000000);
    CELL(a->mutexes, LOCK_EXTENTS_DIRTY, MUTEX_MAX_NUM_THDS, 2);
    IS(a->figures, ARENA_NTHREADS, 1);
    IS(a->figures, ARENA_UPTIME_NS, 5000000000);
    IS(a->figures, ARENA_DIRTY_DECAY_MS, 10000);
    IS(a->figures, ARENA_PDIRTY, 5);
    IS(a->figures, ARENA_DIRTY_NPURGE, 22);
    IS(a->figures, ARENA_DIRTY_PURGED, 734);
    IS(a->figures, ARENA_PMUZZY, muzzy);
    IS(a->figures, ARENA_MUZZY_PURGED, 30);
    IS(a->figures, ARENA_TCACHE_BYTES, 1000);
    IS(a->small, SMALL_NREQUESTS, 1000);
    IS(a->large, SMALL_NDALLOC, 5);
    CELL(a->bins, 13, BIN_NMALLOC, 400);
    CELL(a->bins, 13, BIN_NDALLOC, 300);
    CELL(a->bins, 13, BIN_NFILLS, 3);
    CELL(a->bins, 13, BIN_NSLABS, 2);
    CELL(a->bins, 13, BIN_NRESLABS, 1);
    CELL(a->larges, 44, LARGE_NMALLOC, 2);
    CELL(a->larges, 44, LARGE_CUREXTENTS, 1);
}

static void
check_bin_locks(void)
{
    const struct snapshot_arena *a = arena(0);

    CELL(a->bin_mutexes, 13, MUTEX_NUM_OPS, 51);
    CELL(a->bin_mutexes, 13, MUTEX_NUM_WAIT, 1);
    CELL(a->bin_mutexes, 13, MUTEX_NUM_OWNER_SWITCH, 3);
    CELL(a->bin_mutexes, 13, MUTEX_TOTAL_WAIT_TIME, 1000000);
    CELL(a->bin_mutexes, 13, MUTEX_MAX_NUM_THDS, 1);
}

static void
check_5_2(void)
{
    const struct snapshot_arena *a = arena(0);

    check_bin_locks();
    IS(a->small, SMALL_NFILLS, 6);
    IS(a->small, SMALL_NFLUSHES, 4);
    IS(a->figures, ARENA_EXTENT_AVAIL, 8);
    IS(a->figures, ARENA_ABANDONED_VM, 0);
    CELL(a->bins, 13, BIN_NSHARDS, 1);
    CELL(a->bins, 13, BIN_NONFULL_SLABS, 2);
    CELL(a->extents, 4, EXTENT_NDIRTY, 1);
    CELL(a->extents, 4, EXTENT_DIRTY, 20480);
    CELL(a->extents, 8, EXTENT_NRETAINED, 1);
    CELL(a->extents, 8, EXTENT_RETAINED, 40960);
    is_setting("config.cache_oblivious", "true");
    is_setting("arenas.dirty_decay_ms", "10000");
}

START_TEST(test_5_0)
{
    check_5("jetext-50", 2);
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_5_1)
{
    check_5("jetext-51", 2);
    check_bin_locks();
    IS(snapshot->total, TOTAL_BG_THREADS, 1);
    IS(snapshot->total, TOTAL_BG_RUNS, 7);
    IS(snapshot->total, TOTAL_BG_INTERVAL, 500000);
    is_setting("opt.background_thread", "false");
    is_setting("background_thread", "true");
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_5_2)
{
    check_5("jetext-521", 0);
    check_5_2();
    jep_dumps_free(dumps);
}

END_TEST

static void
check_hpa(void)
{
    const struct snapshot_arena *a = arena(0);

    IS(a->hpa, HPA_SEC_BYTES, 4096);
    IS(a->hpa, HPA_NPURGE_PASSES, 5);
    IS(a->hpa, HPA_NPURGES, 6);
    IS(a->hpa, HPA_NHUGIFIES, 7);
    IS(a->hpa, HPA_NDEHUGIFIES, 3);
    CELL(a->hpa_slabs, HPA_ROW_FULL, HPA_SLAB_NPAGESLABS_HUGE, 2);
    CELL(a->hpa_slabs, HPA_ROW_FULL, HPA_SLAB_NPAGESLABS, 1);
    CELL(a->hpa_slabs, HPA_ROW_FULL, HPA_SLAB_NACTIVE_HUGE, 1024);
    CELL(a->hpa_slabs, HPA_ROW_EMPTY, HPA_SLAB_NDIRTY, 500);
    CELL(a->hpa_slabs, HPA_ROW_EMPTY, HPA_SLAB_NRETAINED, 12);
    CELL(a->hpa_slabs, HPA_ROW_NONFULL + 1, HPA_SLAB_SIZE, 8192);
    CELL(a->hpa_slabs, HPA_ROW_NONFULL + 1, HPA_SLAB_NDIRTY_HUGE, 12);
    CELL(a->hpa_slabs, HPA_ROW_NONFULL + 1, HPA_SLAB_NACTIVE, 1018);
}

START_TEST(test_5_3)
{
    check_5("jetext-530", 0);
    check_5_2();
    check_hpa();
    IS(snapshot->total, TOTAL_ZERO_REALLOCS, 4);
    IS(snapshot->total, TOTAL_BG_THREADS, 2);
    IS(arena(0)->figures, ARENA_TCACHE_STASHED, 0);
    CELL(arena(0)->mutexes, LOCK_HPA_SEC, MUTEX_NUM_OPS, 11);
    is_setting("prof.active", "false");
    is_setting("opt.prof_active", "true");
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_after_5_3)
{
    check_5("jetext-531dev", 0);
    check_5_2();
    check_hpa();
    IS(snapshot->constant, CONST_HUGEPAGE, 2097152);
    IS(snapshot->total, TOTAL_METADATA_EDATA, 30000);
    IS(snapshot->total, TOTAL_METADATA_RTREE, 50000);
    IS(arena(0)->figures, ARENA_METADATA_EDATA, 30000);
    IS(arena(0)->figures, ARENA_PINNED, 0);
    IS(arena(0)->hpa, HPA_NPAGESLABS, 7);
    IS(arena(0)->hpa, HPA_NACTIVE, 3054);
    IS(arena(0)->hpa, HPA_NDIRTY, 518);
    IS(arena(0)->hpa, HPA_NHUGIFY_FAILURES, 1);
    CELL(arena(0)->hpa_slabs, HPA_ROW_ALL, HPA_SLAB_NPAGESLABS_HUGE, 3);
    CELL(arena(0)->hpa_slabs, HPA_ROW_ALL, HPA_SLAB_NDIRTY, 506);
    CELL(arena(0)->hpa_slabs, HPA_ROW_ALL, HPA_SLAB_NRETAINED, 12);
    jep_dumps_free(dumps);
}

END_TEST

/* The names of locks and of the thread caches before 5.0 was released. */
START_TEST(test_before_5_0)
{
    load_text(
        "Merged arenas stats:\n"
        "purging: dirty: 1229101, sweeps: 26, madvises: 859, purged: 13013\n"
        "tcache:                       480517200\n"
        "                     n_lock_ops       n_waiting      n_spin_acq  "
        "n_owner_switch   total_wait_ns     max_wait_ns max_n_wait_thds\n"
        "large:                   393999            2043            1549    "
        "      116278        74000281        15000058               5\n");
    IS(arena(DUMP_ARENA_MERGED)->figures, ARENA_TCACHE_BYTES, 480517200);
    IS(arena(DUMP_ARENA_MERGED)->figures, ARENA_PDIRTY, 1229101);
    CELL(arena(DUMP_ARENA_MERGED)->mutexes, LOCK_LARGE, MUTEX_MAX_NUM_THDS, 5);
    jep_dumps_free(dumps);
}

END_TEST

/* Rows without heading: which table they are of, and of which version. */
START_TEST(test_rows_without_heading)
{
    const struct snapshot_arena *a;

    load_text("  320  13  32000  400  300  400  100  2  64  5  0.781  3  2  2  "
              "1  51  1  0  3  1000000  900000  1\n"
              " 16384  36  49152  7  4  7  3\n"
              " 65536  44  65536  2  0  1  0  2  0  1\n"
              " 20480  4  1  20480  0  0  0  0  1  20480\n");
    a = arena(DUMP_ARENA_FRAGMENT);
    CELL(a->bins, 13, BIN_CURREGS, 100);
    CELL(a->bin_mutexes, 13, MUTEX_NUM_OPS, 51);
    CELL(a->larges, 36, LARGE_CUREXTENTS, 3);
    CELL(a->larges, 44, LARGE_CUREXTENTS, 1);
    CELL(a->extents, 4, EXTENT_DIRTY, 20480);
    jep_dumps_free(dumps);
}

END_TEST

/* Figures as wide as their columns, below a heading and without. */
START_TEST(test_figures_without_blank)
{
    const struct snapshot_arena *a;

    load_text(
        "large:          size ind    allocated      nmalloc (#/sec)      "
        "ndalloc (#/sec)    nrequests (#/sec)  curlextents\n"
        "          2684354560 1051374389534720      512     512           "
        " 0       0          512     512          512\n");
    a = arena(DUMP_ARENA_FRAGMENT);
    CELL(a->larges, 105, LARGE_ALLOCATED, 1374389534720);
    CELL(a->larges, 105, LARGE_NMALLOC, 512);
    jep_dumps_free(dumps);
    load_text(
        "2684354560 1051374389534720 512 512 0 0 512 512 512\n"
        "extents:        size ind       ndirty        dirty       nmuzzy  "
        "      muzzy    nretained     retained       ntotal        total\n"
        "            20971520  45            012345678901234567890        "
        "    0            1     20971520            1     20971520\n");
    a = arena(DUMP_ARENA_FRAGMENT);
    CELL(a->larges, 105, LARGE_CUREXTENTS, 512);
    jep_dumps_free(dumps);
}

END_TEST

/* 2^64 less a little: a counter below zero is no figure. */
START_TEST(test_counters_below_zero)
{
    uint64_t value;

    load_text("arenas[0]:\n"
              "active:  18446744073709547520\n"
              "mapped:  8192\n"
              "bins:  size ind allocated nmalloc curregs curslabs regs pgs\n"
              "  8  0  8  1  18446744073709551615  1  512  1\n");
    ck_assert(!arena(0)->figures[ARENA_ACTIVE].known);
    IS(arena(0)->figures, ARENA_MAPPED, 8192);
    ck_assert(!table_get(&arena(0)->bins, 0, BIN_CURREGS, &value));
    ck_assert_uint_eq(snapshot->warning_count, 1);
    ck_assert_ptr_nonnull(strstr(snapshot->warnings[0].text, "below zero"));
    ck_assert_uint_eq(snapshot->warnings[0].line, 2);
    jep_dumps_free(dumps);
}

END_TEST

/* Totals and names of mallctl() in other people's words and units. */
START_TEST(test_totals_of_others)
{
    load_text("allocated=1000 active=2000 resident=3000\n");
    IS(snapshot->total, TOTAL_RESIDENT, 3000);
    jep_dumps_free(dumps);
    load_text("+-----------+--------+--------+\n"
              "| ALLOCATED | ACTIVE | MAPPED |\n"
              "+-----------+--------+--------+\n"
              "| 1000      | 2000   | 4000   |\n");
    IS(snapshot->total, TOTAL_ALLOCATED, 1000);
    IS(snapshot->total, TOTAL_MAPPED, 4000);
    jep_dumps_free(dumps);
    load_text("ALLOCATED\tACTIVE\tRESIDENT\n1000\t2000\t3000\n");
    IS(snapshot->total, TOTAL_RESIDENT, 3000);
    jep_dumps_free(dumps);
    load_text("│ jemalloc.active            │ 7.50 GiB │ 2025-01-01 │\n"
              "│ jemalloc.arenas.all.pdirty │ 1.50 KiB │ 2025-01-01 │\n"
              "│ jemalloc.background_thread.num_threads │ 4.00 B │\n");
    IS(snapshot->total, TOTAL_ACTIVE, 8053063680);
    IS(snapshot->total, TOTAL_BG_THREADS, 4);
    IS(arena(DUMP_ARENA_MERGED)->figures, ARENA_PDIRTY, 1536);
    ck_assert_uint_eq(snapshot->warning_count, 1);
    ck_assert_ptr_nonnull(strstr(snapshot->warnings[0].text, "rounded"));
    jep_dumps_free(dumps);
}

END_TEST

/* A figure or two in a text are no dump; those before the first line that is
 * beyond doubt belong to it. */
START_TEST(test_single_figures)
{
    load_text("active: 5\n"
              "and then\n"
              "___ Begin jemalloc statistics ___\n"
              "Allocated: 1, active: 2, metadata: 3, resident: 4, mapped: 5\n");
    ck_assert_uint_eq(dumps->count, 1);
    ck_assert_uint_eq(snapshot->arena_count, 0);
    jep_dumps_free(dumps);
    load_text("assigned threads: 7\n"
              "active: 4096\n"
              "mapped: 8192\n");
    ck_assert_uint_eq(snapshot->line, 1);
    IS(arena(DUMP_ARENA_FRAGMENT)->figures, ARENA_NTHREADS, 7);
    jep_dumps_free(dumps);
}

END_TEST

/* Statistics one after the other without the lines between them. */
START_TEST(test_next_document)
{
    load_text("arenas[0]:\nactive: 4096\narenas[1]:\nactive: 8192\n"
              "arenas[0]:\nactive: 12288\n");
    ck_assert_uint_eq(dumps->count, 2);
    IS(arena(1)->figures, ARENA_ACTIVE, 8192);
    snapshot = dumps->snapshots[1];
    IS(arena(0)->figures, ARENA_ACTIVE, 12288);
    jep_dumps_free(dumps);
    load_text("Version: \"5.3.0-0-gabc\"\nopt.narenas: 1\n"
              "Version: \"5.2.1-0-gabc\"\nopt.narenas: 2\n");
    ck_assert_uint_eq(dumps->count, 2);
    ck_assert_str_eq(dumps->snapshots[1]->version, "5.2.1-0-gabc");
    jep_dumps_free(dumps);
}

END_TEST

/* Rows like the one before, and rows that are not: of the same table, with the
 * same heading in another arena, behind lines that say nothing. */
START_TEST(test_rows_alike)
{
    static const char heading[] =
        "large:          size ind    allocated      nmalloc (#/sec)"
        "      ndalloc (#/sec)    nrequests (#/sec)  curlextents";
    char text[8192], padded[129];

    snprintf(padded, sizeof(padded), "%-128s", heading);
    snprintf(text, sizeof(text),
             "___ Begin jemalloc statistics ___\n"
             "Version: 5.3.0-0-gabc\n"
             "arenas[0]:\n%s\n\n"
             "               20480  37        20480            2       1"
             "            1       1            2       1            1\n"
             "               24576  38            0           12       1"
             "           12       1           12       1            0\n"
             "                     ---\n"
             "               40960  41       409600     12345678       1"
             "     12345668       1     12345678       1           10\n"
             "               49152  42        49152   123456789       1"
             "    123456788       1    123456789       1            1\n"
             "arenas[1]:\n%s\n"
             "               20480  37            0            3       1"
             "            3       1            3       1            0\n"
             "--- End jemalloc statistics ---\n\n",
             padded, padded);
    load_text(text);
    ck_assert_uint_eq(dumps->count, 1);
    CELL(arena(0)->larges, 37, LARGE_NMALLOC, 2);
    CELL(arena(0)->larges, 38, LARGE_NMALLOC, 12);
    CELL(arena(0)->larges, 38, LARGE_CUREXTENTS, 0);
    CELL(arena(0)->larges, 41, LARGE_ALLOCATED, 409600);
    CELL(arena(0)->larges, 41, LARGE_NMALLOC, 12345678);
    CELL(arena(0)->larges, 41, LARGE_NDALLOC, 12345668);
    CELL(arena(0)->larges, 42, LARGE_NMALLOC, 123456789);
    CELL(arena(1)->larges, 37, LARGE_NDALLOC, 3);
    ck_assert_uint_eq(arena(1)->larges.rows, 38);
    jep_dumps_free(dumps);
}

END_TEST

/* Lines of an arena that are like those of the one before, but for how their
 * figures are written. */
START_TEST(test_figures_like_one_before)
{
    static const char *const lines[][2] = {
        {"active: 36.100\n", "active: 36.200\n"},
        {"active: 36100\n", "active: 36200 of 2\n"},
        {"active: 36100 of 3\n", "active: 36200 of 3\n"},
        {"active: 36,100\n", "active: 36,200\n"},
        {"active: 36100 (4)\n", "active: 36200 (5)\n"},
        {"active:    6100\n", "active:   36200\n"},
        {"active:   36100\n", "active:   36200\nmapped\n7\n"},
        {"active:   36100\n", "active:   36200\n7\n"},
    };

    for (size_t i = 0; i < JE_ARRAY_LEN(lines); i++) {
        char text[2048];

        snprintf(text, sizeof(text),
                 "___ Begin jemalloc statistics ___\n"
                 "arenas[0]:\nassigned threads: 1\n%smapped: 40960\n"
                 "arenas[1]:\nassigned threads: 1\n%smapped: 40960\n"
                 "arenas[2]:\nassigned threads: 1\n%s"
                 "--- End jemalloc statistics ---\n",
                 lines[i][0], lines[i][0], lines[i][1]);
        load_text(text);
        ck_assert_msg(arena(2)->figures[ARENA_ACTIVE].known &&
                          arena(2)->figures[ARENA_ACTIVE].value == 36200,
                      "%s", lines[i][1]);
        ck_assert_msg(!arena(2)->figures[ARENA_MAPPED].known, "%s",
                      lines[i][1]);
        jep_dumps_free(dumps);
    }
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("jetext");
    TCase *tcase = tcase_create("jetext");

    tcase_add_test(tcase, test_3_6);
    tcase_add_test(tcase, test_4_5);
    tcase_add_test(tcase, test_5_0);
    tcase_add_test(tcase, test_5_1);
    tcase_add_test(tcase, test_5_2);
    tcase_add_test(tcase, test_5_3);
    tcase_add_test(tcase, test_after_5_3);
    tcase_add_test(tcase, test_before_5_0);
    tcase_add_test(tcase, test_rows_without_heading);
    tcase_add_test(tcase, test_figures_without_blank);
    tcase_add_test(tcase, test_counters_below_zero);
    tcase_add_test(tcase, test_totals_of_others);
    tcase_add_test(tcase, test_single_figures);
    tcase_add_test(tcase, test_next_document);
    tcase_add_test(tcase, test_rows_alike);
    tcase_add_test(tcase, test_figures_like_one_before);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
