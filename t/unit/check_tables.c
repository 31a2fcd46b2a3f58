/* What the tables of a dump add up to: holes in slabs, large objects and their
 * padding, what metadata consists of; and when they say nothing. */
#include "base/macros.h"

#include "t/unit/by_hand.h"

#include <string.h>

static void
set(struct table *table, size_t row, size_t field, uint64_t value)
{
    ck_assert(table_set(table, row, field, value, 1));
}

/* Objects of `size` bytes, in slabs of a page. */
static void
bin_class(size_t row, uint64_t size)
{
    set(&snapshot->bin_classes, row, BIN_SIZE, size);
    set(&snapshot->bin_classes, row, BIN_NREGS, PAGE / size);
    set(&snapshot->bin_classes, row, BIN_SLAB_SIZE, PAGE);
}

/* ---- objects ------------------------------------------------------------- */

START_TEST(test_holes_are_slabs_less_objects)
{
    start();
    unknown(summary_slab_holes(snapshot, arena));
    bin_class(0, 64);
    bin_class(2, 1024);
    set(&arena->bins, 0, BIN_CURSLABS, 2);
    set(&arena->bins, 0, BIN_CURREGS, 100);
    set(&arena->bins, 2, BIN_CURSLABS, 3);
    set(&arena->bins, 2, BIN_CURREGS, 5);
    snapshot->complete = true;
    /* 8192 - 6400 and 12288 - 5120; the row between is an empty class. */
    is(summary_slab_holes(snapshot, arena), 1792 + 7168);
    /* A counter that was read later than the other is no hole below zero. */
    set(&arena->bins, 0, BIN_CURREGS, 129);
    is(summary_slab_holes(snapshot, arena), 7168);
    set(&arena->bins, 0, BIN_CURREGS, 128);
    is(summary_slab_holes(snapshot, arena), 7168);
    end();
}

END_TEST

/* A table that was cut off has no sum. */
START_TEST(test_holes_of_a_table_that_is_whole)
{
    start();
    bin_class(0, 64);
    set(&arena->bins, 0, BIN_CURSLABS, 2);
    set(&arena->bins, 0, BIN_CURREGS, 100);
    unknown(summary_slab_holes(snapshot, arena));
    snapshot->complete = true;
    is(summary_slab_holes(snapshot, arena), 1792);
    arena->small[SMALL_ALLOCATED] = figure(6401);
    is(summary_slab_holes(snapshot, arena), 1792);
    snapshot->complete = false;
    unknown(summary_slab_holes(snapshot, arena));
    set(&arena->larges, 0, LARGE_CUREXTENTS, 0);
    unknown(summary_slab_holes(snapshot, arena));
    arena->small[SMALL_ALLOCATED] = figure(6400);
    is(summary_slab_holes(snapshot, arena), 1792);
    arena->small[SMALL_ALLOCATED].known = false;
    is(summary_slab_holes(snapshot, arena), 1792);
    bin_class(1, 1024);
    set(&arena->bins, 1, BIN_CURSLABS, 1);
    set(&arena->bins, 1, BIN_CURREGS, 3);
    arena->small[SMALL_ALLOCATED] = figure(6400 + 3072);
    is(summary_slab_holes(snapshot, arena), 1792 + 1024);
    end();
}

END_TEST

START_TEST(test_holes_need_every_figure_of_a_row)
{
    start();
    snapshot->complete = true;
    set(&arena->bins, 0, BIN_CURREGS, 100);
    set(&snapshot->bin_classes, 0, BIN_SIZE, 64);
    unknown(summary_slab_holes(snapshot, arena));
    set(&arena->bins, 0, BIN_CURSLABS, 2);
    unknown(summary_slab_holes(snapshot, arena));
    /* Without the size of a slab its regions are what it holds. */
    set(&snapshot->bin_classes, 0, BIN_NREGS, 60);
    is(summary_slab_holes(snapshot, arena), 2 * 60 * 64 - 6400);
    end();
}

END_TEST

START_TEST(test_large_objects_by_table_or_by_sums)
{
    start();
    unknown(summary_large_count(snapshot, arena));
    arena->large[SMALL_NMALLOC] = figure(10);
    arena->large[SMALL_NDALLOC] = figure(3);
    is(summary_large_count(snapshot, arena), 7);
    snapshot->version = "4.5.0";
    unknown(summary_large_count(snapshot, arena));
    snapshot->version = "5.0.0";
    is(summary_large_count(snapshot, arena), 7);
    arena->large[SMALL_NDALLOC] = figure(10);
    is(summary_large_count(snapshot, arena), 0);
    arena->large[SMALL_NDALLOC] = figure(11);
    unknown(summary_large_count(snapshot, arena));
    arena->large[SMALL_NDALLOC].known = false;
    unknown(summary_large_count(snapshot, arena));
    arena->large[SMALL_NDALLOC] = figure(1);
    arena->large[SMALL_NMALLOC].known = false;
    unknown(summary_large_count(snapshot, arena));
    set(&arena->larges, 0, LARGE_CUREXTENTS, 2);
    set(&arena->larges, 3, LARGE_CUREXTENTS, 5);
    set(&snapshot->large_classes, 0, LARGE_SIZE, 16384);
    set(&arena->larges, 3, LARGE_SIZE, 28672);
    unknown(summary_large_count(snapshot, arena));
    snapshot->complete = true;
    is(summary_large_count(snapshot, arena), 7);
    snapshot->complete = false;
    set(&arena->extents, 0, EXTENT_NDIRTY, 1);
    is(summary_large_count(snapshot, arena), 7);
    arena->large[SMALL_ALLOCATED] = figure(2 * 16384 + 5 * 28672 + 1);
    unknown(summary_large_count(snapshot, arena));
    arena->large[SMALL_ALLOCATED].value--;
    is(summary_large_count(snapshot, arena), 7);
    end();
}

END_TEST

/* None at all needs no table. */
START_TEST(test_no_large_objects)
{
    start();
    arena->large[SMALL_ALLOCATED] = figure(0);
    is(summary_large_count(snapshot, arena), 0);
    arena->large[SMALL_ALLOCATED] = figure(1);
    unknown(summary_large_count(snapshot, arena));
    end();
}

END_TEST

/* ---- padding ------------------------------------------------------------- */

static void
setting(const char *name, const char *value)
{
    ck_assert(snapshot_text(snapshot, name, value, 1));
}

/* A thousand large objects, and four holes of 64 bytes in a slab. */
static void
padded(uint64_t active)
{
    start();
    snapshot->complete = true;
    snapshot->total[TOTAL_ALLOCATED] = figure(9000000);
    snapshot->total[TOTAL_ACTIVE] = figure(active);
    bin_class(0, 64);
    set(&arena->bins, 0, BIN_CURSLABS, 1);
    set(&arena->bins, 0, BIN_CURREGS, 60);
    set(&arena->larges, 0, LARGE_CUREXTENTS, 1000);
}

START_TEST(test_padding_is_a_page_an_object)
{
    padded(1);
    setting("config.cache_oblivious", "true");
    is(summary().padding, 1000 * PAGE);
    end();
    padded(1);
    setting("opt.cache_oblivious", "true");
    is(summary().padding, 1000 * PAGE);
    end();
    padded(1);
    setting("config.cache_oblivious", "false");
    is(summary().padding, 0);
    end();
    padded(1);
    setting("config.cache_oblivious", "true");
    setting("opt.cache_oblivious", "false");
    is(summary().padding, 0);
    snapshot->subject = NULL;
    unknown(summary().padding);
    end();
}

END_TEST

START_TEST(test_padding_is_what_is_missing)
{
    padded(9000000 + 256);
    is(summary().slab_holes, 256);
    is(summary().padding, 0);
    end();
    padded(9000000 + 256 + 1000 * PAGE);
    is(summary().padding, 1000 * PAGE);
    end();
    padded(9000000 + 255 + 1000 * PAGE);
    unknown(summary().padding);
    snapshot->total[TOTAL_ACTIVE].known = false;
    unknown(summary().padding);
    end();
}

END_TEST

/* ---- metadata ------------------------------------------------------------ */

/* Sizes in pages, four to a doubling. */
START_TEST(test_extents_have_sizes)
{
    static const uint64_t pages[] = {1,  2,  3,  4,  5,  6,  7, 8,
                                     10, 12, 14, 16, 20, 24, 28};
    uint64_t count, bytes;

    start();
    ck_assert(
        !summary_idle_extents(snapshot, arena, UINT64_MAX, &count, &bytes));
    for (size_t i = 0; i < JE_ARRAY_LEN(pages); i++)
        set(&arena->extents, i, EXTENT_NRETAINED, 1);
    for (size_t i = 0; i < JE_ARRAY_LEN(pages); i++) {
        ck_assert(summary_idle_extents(snapshot, arena, pages[i] * PAGE - 1,
                                       &count, &bytes));
        ck_assert_uint_eq(count, i);
        ck_assert(summary_idle_extents(snapshot, arena, pages[i] * PAGE, &count,
                                       &bytes));
        ck_assert_uint_eq(count, i + 1);
    }
    /* One that is printed counts. */
    set(&arena->extents, 0, EXTENT_SIZE, 100 * PAGE);
    ck_assert(summary_idle_extents(snapshot, arena, PAGE, &count, &bytes));
    ck_assert_uint_eq(count, 0);
    end();
}

END_TEST

START_TEST(test_extents_with_pages_are_memory)
{
    uint64_t count, bytes;

    start();
    for (size_t row = 1; row < 3; row++) {
        set(&arena->extents, row, EXTENT_NDIRTY, 1);
        set(&arena->extents, row, EXTENT_DIRTY, 10);
        set(&arena->extents, row, EXTENT_NMUZZY, 2);
        set(&arena->extents, row, EXTENT_MUZZY, 20);
        set(&arena->extents, row, EXTENT_NRETAINED, 4);
        set(&arena->extents, row, EXTENT_RETAINED, 40);
    }
    ck_assert(
        summary_idle_extents(snapshot, arena, UINT64_MAX, &count, &bytes));
    ck_assert_uint_eq(count, 14);
    ck_assert_uint_eq(bytes, 60);
    end();
}

END_TEST

static struct summary_metadata
metadata(uint64_t mapped, uint64_t retained)
{
    const struct jep_summary s = {.mapped = figure(mapped),
                                  .retained = figure(retained)};

    return summary_metadata(snapshot, &s);
}

START_TEST(test_tree_has_an_entry_a_page)
{
    const struct jep_summary none = {.mapped = figure(1)};

    start();
    is(metadata(3 * PAGE, 2 * PAGE + 1).tree, 40);
    unknown(summary_metadata(snapshot, &none).tree);
    snapshot->format = DUMP_FORMAT_JEMALLOC_JSON;
    is(metadata(3 * PAGE, 2 * PAGE).tree, 40);
    snapshot->constant[CONST_PAGE] = figure(65536);
    is(metadata(3 * 65536, 0).tree, 24);
    snapshot->constant[CONST_PAGE].known = false;
    is(metadata(3 * 4096, 0).tree, 24);
    snapshot->version = "5.0.0";
    is(metadata(3 * 4096, 0).tree, 24);
    snapshot->version = "4.5.0";
    unknown(metadata(3 * 4096, 0).tree);
    snapshot->version = NULL;
    arena->figures[ARENA_PMUZZY] = figure(0);
    is(metadata(3 * 4096, 0).tree, 24);
    snapshot->format = DUMP_FORMAT_REDIS;
    unknown(metadata(3 * 4096, 0).tree);
    snapshot->format = DUMP_FORMAT_JEMALLOC_TEXT;
    snapshot->subject = NULL;
    snapshot->version = "5.3.0";
    is(metadata(3 * 4096, 0).tree, 24);
    unknown(metadata(3 * 4096, 0).idle);
    end();
}

END_TEST

/* Read where 5.3.1 prints both. */
START_TEST(test_metadata_may_be_printed)
{
    start();
    snapshot->total[TOTAL_METADATA_RTREE] = figure(7);
    is(metadata(PAGE, 0).tree, 8);
    snapshot->total[TOTAL_METADATA_EDATA] = figure(9);
    is(metadata(PAGE, 0).tree, 7);
    is(metadata(PAGE, 0).live, 9);
    snapshot->total[TOTAL_METADATA_RTREE].known = false;
    is(metadata(PAGE, 0).tree, 8);
    end();
}

END_TEST

/* A slab, a large object and a free piece take 128 bytes each. */
START_TEST(test_structures_are_counted)
{
    start();
    snapshot->complete = true;
    arena->figures[ARENA_EXTENT_AVAIL] = figure(3);
    is(metadata(PAGE, 0).idle, 384);
    unknown(metadata(PAGE, 0).live);
    set(&arena->bins, 0, BIN_CURSLABS, 10);
    set(&arena->bins, 2, BIN_CURSLABS, 100);
    set(&arena->bins, 3, BIN_CURREGS, 7);
    set(&arena->larges, 0, LARGE_CUREXTENTS, 1000);
    unknown(metadata(PAGE, 0).live);
    set(&arena->extents, 0, EXTENT_NRETAINED, 10000);
    is(metadata(PAGE, 0).live, 11110 * 128);
    ck_assert(metadata(PAGE, 0).live.derived);
    snapshot->complete = false;
    arena->large[SMALL_ALLOCATED] = figure(1);
    unknown(metadata(PAGE, 0).live);
    end();
}

END_TEST

START_TEST(test_structures_need_a_table_of_bins)
{
    start();
    arena->large[SMALL_ALLOCATED] = figure(0);
    set(&arena->extents, 0, EXTENT_NRETAINED, 1);
    unknown(metadata(PAGE, 0).live);
    set(&arena->bins, 0, BIN_CURSLABS, 1);
    is(metadata(PAGE, 0).live, 2 * 128);
    end();
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("tables");
    TCase *tcase = tcase_create("tables");

    tcase_add_test(tcase, test_holes_are_slabs_less_objects);
    tcase_add_test(tcase, test_holes_of_a_table_that_is_whole);
    tcase_add_test(tcase, test_holes_need_every_figure_of_a_row);
    tcase_add_test(tcase, test_large_objects_by_table_or_by_sums);
    tcase_add_test(tcase, test_no_large_objects);
    tcase_add_test(tcase, test_padding_is_a_page_an_object);
    tcase_add_test(tcase, test_padding_is_what_is_missing);
    tcase_add_test(tcase, test_extents_have_sizes);
    tcase_add_test(tcase, test_extents_with_pages_are_memory);
    tcase_add_test(tcase, test_tree_has_an_entry_a_page);
    tcase_add_test(tcase, test_metadata_may_be_printed);
    tcase_add_test(tcase, test_structures_are_counted);
    tcase_add_test(tcase, test_structures_need_a_table_of_bins);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
