/*
 * The pairing heap against an array that is searched.
 */
#include "base/heap.h"

#include "t/util.h"

enum { HEAP_NODES = 200 };

static heap_node_t nodes[HEAP_NODES];
static bool in[HEAP_NODES];

/* Walk the whole heap: links, keys, and how many nodes there are. */
static unsigned
count_valid(const heap_node_t *n)
{
    unsigned count = 0;
    const heap_node_t *before = NULL;
    for (const heap_node_t *c = n->child; c != NULL; c = c->next) {
        ck_assert_ptr_eq(c->prev, before != NULL ? before : n);
        ck_assert_uint_le(n->key, c->key);
        count += count_valid(c);
        before = c;
    }
    return count + 1;
}

static void
expect_matches(const heap_t *h)
{
    unsigned n = 0;
    uintptr_t least = UINTPTR_MAX;
    for (unsigned i = 0; i < HEAP_NODES; i++) {
        n += in[i];
        least = in[i] && nodes[i].key < least ? nodes[i].key : least;
    }
    const heap_node_t *first = heap_first(h);
    if (n == 0) {
        ck_assert_ptr_null(first);
        return;
    }
    ck_assert_ptr_nonnull(first);
    ck_assert_uint_eq(first->key, least);
    ck_assert_ptr_null(first->prev);
    ck_assert_ptr_null(first->next);
    ck_assert_uint_eq(count_valid(first), n);
}

START_TEST(test_heap_random_insert_and_remove_keeps_the_least_first)
{
    uint64_t state = util_seed();
    heap_t h = {NULL};
    for (int step = 0; step < 20000; step++) {
        /* phases of growth and of decline, so that both ends are met */
        bool growing = (step / 500) % 2 == 0;
        unsigned k = (unsigned)util_random_below(&state, HEAP_NODES);
        if (in[k] && (!growing || util_random_below(&state, 4) == 0)) {
            heap_remove(&h, &nodes[k]);
            in[k] = false;
        } else if (!in[k] && (growing || util_random_below(&state, 4) == 0)) {
            nodes[k].key = util_random_below(&state, 1000);
            heap_insert(&h, &nodes[k]);
            in[k] = true;
        }
        if (step % 7 == 0) {
            expect_matches(&h);
        }
    }
    for (unsigned i = 0; i < HEAP_NODES; i++) {
        if (in[i]) {
            heap_remove(&h, &nodes[i]);
            in[i] = false;
            expect_matches(&h);
        }
    }
}

END_TEST

START_TEST(test_heap_drained_from_the_top_is_sorted)
{
    uint64_t state = util_seed();
    heap_t h = {NULL};
    for (unsigned i = 0; i < HEAP_NODES; i++) {
        nodes[i].key = util_random_below(&state, 100);
        heap_insert(&h, &nodes[i]);
    }
    uintptr_t before = 0;
    for (unsigned i = 0; i < HEAP_NODES; i++) {
        heap_node_t *n = heap_first(&h);
        ck_assert_ptr_nonnull(n);
        ck_assert_uint_ge(n->key, before);
        before = n->key;
        heap_remove(&h, n);
    }
    ck_assert_ptr_null(heap_first(&h));
}

END_TEST

START_TEST(test_heap_sorted_insertion_does_not_recurse)
{
    static heap_node_t many[200000];
    heap_t h = {NULL};
    for (size_t i = 0; i < JE_ARRAY_LEN(many); i++) {
        many[i].key = i;
        heap_insert(&h, &many[i]);
    }
    heap_remove(&h, &many[0]);
    ck_assert_ptr_eq(heap_first(&h), &many[1]);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("heap");
    TCase *tc = tcase_create("heap");
    tcase_add_test(tc,
                   test_heap_random_insert_and_remove_keeps_the_least_first);
    tcase_add_test(tc, test_heap_drained_from_the_top_is_sorted);
    tcase_add_test(tc, test_heap_sorted_insertion_does_not_recurse);
    suite_add_tcase(s, tc);
    return util_run(s);
}
