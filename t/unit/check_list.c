/*
 * The intrusive list against an array.
 */
#include "base/list.h"

#include <string.h>

#include "t/util.h"

enum { LIST_ITEMS = 32 };

typedef struct item {
    int before;
    list_t link;
} item_t;

/* Both directions must show exactly the items of `order`. */
static void
expect_order(list_t *head, item_t *const *order, unsigned n)
{
    list_t *l = head->next;
    for (unsigned i = 0; i < n; i++, l = l->next) {
        ck_assert_ptr_eq(list_entry(l, item_t, link), order[i]);
        ck_assert_ptr_eq(l->next->prev, l);
    }
    ck_assert_ptr_eq(l, head);
    l = head->prev;
    for (unsigned i = n; i > 0; i--, l = l->prev) {
        ck_assert_ptr_eq(list_entry(l, item_t, link), order[i - 1]);
    }
    ck_assert_ptr_eq(l, head);
    ck_assert_int_eq(list_is_empty(head), n == 0);
    if (n == 0) {
        ck_assert_ptr_null(list_first(head));
    } else {
        ck_assert_ptr_eq(list_first(head), &order[0]->link);
    }
}

START_TEST(test_list_random_operations_match_an_array)
{
    uint64_t state = util_seed();
    item_t items[LIST_ITEMS];
    item_t *order[LIST_ITEMS];
    unsigned n = 0;
    bool in[LIST_ITEMS] = {false};
    list_t head;
    list_init(&head);
    for (int step = 0; step < 3000; step++) {
        unsigned k = (unsigned)util_random_below(&state, LIST_ITEMS);
        if (in[k]) {
            unsigned at = 0;
            while (order[at] != &items[k]) {
                at++;
            }
            memmove(order + at, order + at + 1, (--n - at) * sizeof(*order));
            list_remove(&items[k].link);
            ck_assert(list_is_empty(&items[k].link));
        } else if (util_random(&state) & 1) {
            list_push_back(&head, &items[k].link);
            order[n++] = &items[k];
        } else {
            list_push_front(&head, &items[k].link);
            memmove(order + 1, order, n++ * sizeof(*order));
            order[0] = &items[k];
        }
        in[k] = !in[k];
        expect_order(&head, order, n);
    }
}

END_TEST

START_TEST(test_list_insert_before_puts_it_there)
{
    item_t a, b, c;
    list_t head;
    list_init(&head);
    list_push_back(&head, &a.link);
    list_push_back(&head, &c.link);
    list_insert_before(&c.link, &b.link);
    item_t *const order[] = {&a, &b, &c};
    expect_order(&head, order, 3);
}

END_TEST

START_TEST(test_list_remove_twice_changes_nothing)
{
    item_t a, b;
    list_t head;
    list_init(&head);
    list_push_back(&head, &a.link);
    list_push_back(&head, &b.link);
    list_remove(&a.link);
    list_remove(&a.link);
    item_t *const order[] = {&b};
    expect_order(&head, order, 1);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("list");
    TCase *tc = tcase_create("list");
    tcase_add_test(tc, test_list_random_operations_match_an_array);
    tcase_add_test(tc, test_list_insert_before_puts_it_there);
    tcase_add_test(tc, test_list_remove_twice_changes_nothing);
    suite_add_tcase(s, tc);
    return util_run(s);
}
