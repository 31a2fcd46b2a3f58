/* Interned addresses and text. */
#include "base/macros.h"

#include "model/intern.h"

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

int
main(void)
{
    Suite *suite = suite_create("intern");
    TCase *tcase = tcase_create("intern");

    tcase_add_test(tcase, test_addresses_keep_order_and_number);
    tcase_add_test(tcase, test_text_is_stored_once);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
