/* Interned addresses and text, and tables of figures. */
#include "base/macros.h"

#include "model/intern.h"
#include "model/table.h"

#include "t/util.h"

#include <string.h>

START_TEST(test_addresses_keep_order_and_number)
{
    struct intern_addresses set = {0};
    frame_id_t id;

    for (uint64_t i = 0; i < 5000; i++) {
        ck_assert(intern_address(&set, i * 4096 + 1, &id));
        ck_assert_uint_eq(id.index, i);
    }
    for (uint64_t i = 0; i < 5000; i++) {
        ck_assert(intern_address(&set, i * 4096 + 1, &id));
        ck_assert_uint_eq(id.index, i);
    }
    ck_assert_uint_eq(set.count, 5000);
    intern_addresses_free(&set);
}

END_TEST

START_TEST(test_text_is_stored_once)
{
    struct intern_text pool = {0};
    char text[32];
    const char *first[300];

    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "name %d", i);
        first[i] = intern_text(&pool, text);
        ck_assert_str_eq(first[i], text);
        ck_assert_ptr_ne(first[i], text);
    }
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "name %d", i);
        ck_assert_ptr_eq(intern_text(&pool, text), first[i]);
    }
    ck_assert_str_eq(intern_text(&pool, ""), "");
    intern_text_free(&pool);
}

END_TEST

START_TEST(test_table_cell_is_unknown_until_set)
{
    struct table table;
    uint64_t value = 99;

    table_init(&table, 3);
    ck_assert(!table_get(&table, 0, 0, &value));
    ck_assert(table_set(&table, 50, 1, 7, 12));
    ck_assert(!table_get(&table, 50, 0, &value));
    ck_assert(!table_get(&table, 49, 1, &value));
    ck_assert(!table_get(&table, 51, 1, &value));
    ck_assert_uint_eq(value, 99);
    ck_assert(table_get(&table, 50, 1, &value));
    ck_assert_uint_eq(value, 7);
    ck_assert_uint_eq(table.lines[50], 12);
    table_free(&table);
}

END_TEST

START_TEST(test_table_ignores_rows_beyond_limit)
{
    struct table table;
    uint64_t value;

    table_init(&table, 1);
    ck_assert(table_set(&table, TABLE_ROWS_MAX, 0, 1, 1));
    ck_assert_uint_eq(table.rows, 0);
    ck_assert(table_set(&table, TABLE_ROWS_MAX - 1, 0, 1, 1));
    ck_assert(table_get(&table, TABLE_ROWS_MAX - 1, 0, &value));
    table_free(&table);
}

END_TEST

START_TEST(test_table_adds_what_is_known)
{
    struct table a, b;
    uint64_t value;

    table_init(&a, 2);
    table_init(&b, 2);
    ck_assert(table_set(&a, 0, 0, 5, 1));
    ck_assert(table_set(&b, 0, 0, 6, 1));
    ck_assert(table_set(&b, 3, 1, 7, 1));
    ck_assert(table_add(&a, &b, 0, 0));
    ck_assert(table_get(&a, 0, 0, &value) && value == 11);
    ck_assert(table_get(&a, 3, 1, &value) && value == 7);
    ck_assert(!table_get(&a, 0, 1, &value));
    table_free(&a);
    table_free(&b);
}

END_TEST

/* Columns come in the order in which fields appear, so a field's place in a row
 * is not its number. */
START_TEST(test_table_moves_and_forgets_columns)
{
    struct table table;
    uint64_t value = 0;

    table_init(&table, 12);
    for (size_t row = 0; row < 3; row++) {
        ck_assert(table_set(&table, row, 11, 110 + row, 1));
        ck_assert(table_set(&table, row, 2, 20 + row, 1));
    }
    ck_assert(table_set(&table, 1, 5, 51, 1));
    table_move(&table, 11, 5);
    ck_assert(!table_get(&table, 0, 11, &value));
    for (size_t row = 0; row < 3; row++) {
        ck_assert(table_get(&table, row, 5, &value));
        ck_assert_uint_eq(value, 110 + row);
        ck_assert(table_get(&table, row, 2, &value));
        ck_assert_uint_eq(value, 20 + row);
    }
    /* of a field that nothing was read of */
    table_move(&table, 7, 2);
    ck_assert(!table_get(&table, 1, 2, &value));
    table_forget(&table, 5);
    ck_assert(!table_get(&table, 1, 5, &value));
    for (size_t field = 0; field < 12; field++)
        ck_assert(table_set(&table, 2, field, field, 1));
    for (size_t field = 0; field < 12; field++) {
        ck_assert(table_get(&table, 2, field, &value));
        ck_assert_uint_eq(value, field);
    }
    table_free(&table);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("intern");
    TCase *tcase = tcase_create("intern");

    tcase_add_test(tcase, test_addresses_keep_order_and_number);
    tcase_add_test(tcase, test_text_is_stored_once);
    tcase_add_test(tcase, test_table_cell_is_unknown_until_set);
    tcase_add_test(tcase, test_table_ignores_rows_beyond_limit);
    tcase_add_test(tcase, test_table_adds_what_is_known);
    tcase_add_test(tcase, test_table_moves_and_forgets_columns);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
