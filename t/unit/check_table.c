/* Figures in rows and columns: what is kept, and what is not known. */
#include "base/macros.h"

#include "model/table.h"

#include "t/util.h"

static struct region region;

static void
set(struct table *table, size_t row, size_t field, uint64_t value)
{
    ck_assert(table_set(table, row, field, value, row + 10));
}

static void
expect(const struct table *table, size_t row, size_t field, uint64_t value)
{
    uint64_t found = 0;

    ck_assert_msg(table_get(table, row, field, &found), "row %zu, field %zu",
                  row, field);
    ck_assert_uint_eq(found, value);
}

static void
expect_unknown(const struct table *table, size_t row, size_t field)
{
    uint64_t found;

    ck_assert_msg(!table_get(table, row, field, &found), "row %zu, field %zu",
                  row, field);
}

START_TEST(test_zero_is_known)
{
    struct table table;

    table_init(&table, 20, &region);
    set(&table, 3, 5, 0);
    expect(&table, 3, 5, 0);
    expect_unknown(&table, 3, 6);
    expect_unknown(&table, 2, 5);
    expect_unknown(&table, 4, 5);
    ck_assert_uint_eq(table.columns, 0);
    set(&table, 4, 5, 7);
    expect(&table, 3, 5, 0);
    expect(&table, 4, 5, 7);
    set(&table, 4, 5, 0);
    expect(&table, 4, 5, 0);
    region_free(&region);
}

END_TEST

/* A row says of fields without a cell that they are zeros. */
START_TEST(test_row_of_zeros)
{
    const struct dump_cell cells[] = {{2, 7}, {5, UINT64_C(1) << 40}};
    const struct dump_row row = {cells, 2, 1u << 2 | 1u << 3};
    struct table table;

    table_init(&table, 20, &region);
    set(&table, 1, 3, 9);
    set(&table, 1, 4, 8);
    ck_assert(table_set_row(&table, 1, &row, 11));
    expect(&table, 1, 2, 7);
    expect(&table, 1, 3, 0);
    expect(&table, 1, 4, 8);
    expect(&table, 1, 5, UINT64_C(1) << 40);
    expect_unknown(&table, 1, 6);
    region_free(&region);
}

END_TEST

START_TEST(test_values_outlive_growth)
{
    struct table table;

    table_init(&table, 20, &region);
    for (size_t row = 0; row < 300; row += 3) {
        for (size_t field = 0; field <= row / 16; field++)
            set(&table, row, field, row * 100 + field);
    }
    set(&table, 1, 19, UINT64_MAX);
    set(&table, 2, 0, (uint64_t)UINT32_MAX + 1);
    for (size_t row = 0; row < 300; row += 3) {
        for (size_t field = 0; field < 20; field++) {
            if (field <= row / 16)
                expect(&table, row, field, row * 100 + field);
            else
                expect_unknown(&table, row, field);
        }
    }
    expect(&table, 1, 19, UINT64_MAX);
    expect(&table, 2, 0, (uint64_t)UINT32_MAX + 1);
    region_free(&region);
}

END_TEST

START_TEST(test_rows_in_any_order)
{
    struct table table;

    table_init(&table, 2, &region);
    for (size_t row = 100; row-- > 50;)
        set(&table, row, 1, row);
    ck_assert_uint_eq(table.rows, 100);
    for (size_t row = 50; row < 100; row++) {
        expect(&table, row, 1, row);
        ck_assert_uint_eq(table_line(&table, row), row + 10);
        ck_assert_uint_eq(table_known(&table, row), 2);
    }
    ck_assert_uint_eq(table_line(&table, 49), 0);
    ck_assert_uint_eq(table_known(&table, 49), 0);
    ck_assert_uint_eq(table_known(&table, 4000), 0);
    ck_assert(table_set(&table, TABLE_ROWS_MAX, 0, 1, 1));
    ck_assert_uint_eq(table.rows, 100);
    region_free(&region);
}

END_TEST

START_TEST(test_first_line_counts)
{
    struct table table;

    table_init(&table, 2, &region);
    ck_assert(table_set(&table, 0, 0, 1, 12));
    ck_assert(table_set(&table, 0, 1, 1, 13));
    ck_assert_uint_eq(table_line(&table, 0), 12);
    region_free(&region);
}

END_TEST

/* A field that takes another's place has its figures and no others. */
START_TEST(test_fields_are_renamed)
{
    struct table table;

    table_init(&table, 4, &region);
    set(&table, 0, 1, 11);
    set(&table, 0, 2, 12);
    set(&table, 1, 1, 21);
    set(&table, 2, 2, 0);
    table_rename(&table, 2, 1);
    expect(&table, 0, 1, 12);
    expect_unknown(&table, 0, 2);
    expect_unknown(&table, 1, 1);
    expect(&table, 2, 1, 0);
    set(&table, 0, 2, 5);
    expect(&table, 0, 1, 12);
    expect(&table, 0, 2, 5);
    table_forget(&table, 1);
    expect_unknown(&table, 0, 1);
    expect(&table, 0, 2, 5);
    region_free(&region);
}

END_TEST

START_TEST(test_cell_is_unknown_until_set)
{
    struct table table;
    uint64_t value = 99;

    table_init(&table, 3, &region);
    ck_assert(!table_get(&table, 0, 0, &value));
    ck_assert(table_set(&table, 50, 1, 7, 12));
    ck_assert(!table_get(&table, 50, 0, &value));
    ck_assert(!table_get(&table, 49, 1, &value));
    ck_assert(!table_get(&table, 51, 1, &value));
    ck_assert_uint_eq(value, 99);
    ck_assert(table_get(&table, 50, 1, &value));
    ck_assert_uint_eq(value, 7);
    ck_assert_uint_eq(table_line(&table, 50), 12);
    region_free(&region);
}

END_TEST

START_TEST(test_ignores_rows_beyond_limit)
{
    struct table table;
    uint64_t value;

    table_init(&table, 1, &region);
    ck_assert(table_set(&table, TABLE_ROWS_MAX, 0, 1, 1));
    ck_assert_uint_eq(table.rows, 0);
    ck_assert(table_set(&table, TABLE_ROWS_MAX - 1, 0, 1, 1));
    ck_assert(table_get(&table, TABLE_ROWS_MAX - 1, 0, &value));
    region_free(&region);
}

END_TEST

START_TEST(test_adds_what_is_known)
{
    struct table a, b;
    uint64_t value;

    table_init(&a, 2, &region);
    table_init(&b, 2, &region);
    ck_assert(table_set(&a, 0, 0, 5, 1));
    ck_assert(table_set(&b, 0, 0, 6, 1));
    ck_assert(table_set(&b, 3, 1, 7, 1));
    ck_assert(table_add(&a, &b, 0, 0));
    ck_assert(table_get(&a, 0, 0, &value) && value == 11);
    ck_assert(table_get(&a, 3, 1, &value) && value == 7);
    ck_assert(!table_get(&a, 0, 1, &value));
    region_free(&region);
}

END_TEST

/* Columns come in the order in which fields appear, so a field's place in a row
 * is not its number. */
START_TEST(test_table_renames_and_forgets_columns)
{
    struct table table;
    uint64_t value = 0;

    table_init(&table, 12, &region);
    for (size_t row = 0; row < 3; row++) {
        ck_assert(table_set(&table, row, 11, 110 + row, 1));
        ck_assert(table_set(&table, row, 2, 20 + row, 1));
    }
    ck_assert(table_set(&table, 1, 5, 51, 1));
    table_rename(&table, 11, 5);
    ck_assert(!table_get(&table, 0, 11, &value));
    for (size_t row = 0; row < 3; row++) {
        ck_assert(table_get(&table, row, 5, &value));
        ck_assert_uint_eq(value, 110 + row);
        ck_assert(table_get(&table, row, 2, &value));
        ck_assert_uint_eq(value, 20 + row);
    }
    /* of a field that nothing was read of */
    table_rename(&table, 7, 2);
    ck_assert(!table_get(&table, 1, 2, &value));
    table_forget(&table, 5);
    ck_assert(!table_get(&table, 1, 5, &value));
    for (size_t field = 0; field < 12; field++)
        ck_assert(table_set(&table, 2, field, field, 1));
    for (size_t field = 0; field < 12; field++) {
        ck_assert(table_get(&table, 2, field, &value));
        ck_assert_uint_eq(value, field);
    }
    region_free(&region);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");

    tcase_add_test(tcase, test_zero_is_known);
    tcase_add_test(tcase, test_row_of_zeros);
    tcase_add_test(tcase, test_values_outlive_growth);
    tcase_add_test(tcase, test_rows_in_any_order);
    tcase_add_test(tcase, test_first_line_counts);
    tcase_add_test(tcase, test_fields_are_renamed);
    tcase_add_test(tcase, test_cell_is_unknown_until_set);
    tcase_add_test(tcase, test_ignores_rows_beyond_limit);
    tcase_add_test(tcase, test_adds_what_is_known);
    tcase_add_test(tcase, test_table_renames_and_forgets_columns);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
