/* Owners of one dump: entries of one are added up, and what is not known of one
 * of them is not known of the sum. */
#include "base/macros.h"

#include "model/owners.h"

#include "t/util.h"

#define BYTES   (1u << OWNER_LIVE_BYTES)
#define OBJECTS (1u << OWNER_LIVE_OBJECTS)

/* Two ids; what tells them apart is where they are. */
static const char first[] = "1", second[] = "2";

static struct dump_owner
entry(const char *id, uint64_t bytes, uint64_t objects, unsigned known)
{
    struct dump_owner owner = {.id = id, .known = known};

    owner.figures[OWNER_LIVE_BYTES] = bytes;
    owner.figures[OWNER_LIVE_OBJECTS] = objects;
    return owner;
}

static void
add(struct owners *owners, struct dump_owner owner, const char *name,
    uint64_t line)
{
    owner.name = name;
    owner.line = line;
    ck_assert(owners_add(owners, &owner));
}

/* The only entry of `id`. */
static const struct dump_owner *
only(const struct owners *owners, const char *id)
{
    const struct dump_owner *found = NULL;

    for (size_t i = 0; i < owners->count; i++) {
        if (owners->list[i].id != id)
            continue;
        ck_assert_ptr_null(found);
        found = &owners->list[i];
    }
    ck_assert_ptr_nonnull(found);
    return found;
}

START_TEST(test_merge_nothing_is_nothing)
{
    struct owners owners = {0};

    owners_merge(&owners);
    ck_assert_uint_eq(owners.count, 0);
    owners_free(&owners);
}

END_TEST

START_TEST(test_merge_same_id_adds_up)
{
    struct owners owners = {0};
    const struct dump_owner *one;

    add(&owners, entry(first, 100, 3, BYTES | OBJECTS), NULL, 9);
    add(&owners, entry(second, 7, 1, BYTES | OBJECTS), "two", 4);
    add(&owners, entry(first, 20, 2, BYTES | OBJECTS), "one", 12);
    add(&owners, entry(first, 3, 1, BYTES | OBJECTS), NULL, 11);
    owners_merge(&owners);
    ck_assert_uint_eq(owners.count, 2);
    one = only(&owners, first);
    ck_assert_uint_eq(one->figures[OWNER_LIVE_BYTES], 123);
    ck_assert_uint_eq(one->figures[OWNER_LIVE_OBJECTS], 6);
    ck_assert_uint_eq(one->known, BYTES | OBJECTS);
    ck_assert_uint_eq(only(&owners, second)->figures[OWNER_LIVE_BYTES], 7);
    owners_free(&owners);
}

END_TEST

/* Some of its entries say no more than how much. */
START_TEST(test_merge_takes_the_name_and_the_first_line)
{
    struct owners owners = {0};
    const struct dump_owner *one;

    add(&owners, entry(first, 100, 0, BYTES), NULL, 9);
    add(&owners, entry(first, 20, 0, BYTES), "one", 3);
    owners_merge(&owners);
    one = only(&owners, first);
    ck_assert_str_eq(one->name, "one");
    ck_assert_uint_eq(one->line, 3);
    owners_free(&owners);
}

END_TEST

START_TEST(test_merge_same_text_elsewhere_is_another)
{
    struct owners owners = {0};
    char copy[] = "1";

    add(&owners, entry(first, 100, 0, BYTES), NULL, 1);
    add(&owners, entry(copy, 20, 0, BYTES), NULL, 2);
    owners_merge(&owners);
    ck_assert_uint_eq(owners.count, 2);
    owners_free(&owners);
}

END_TEST

START_TEST(test_merge_unknown_part_leaves_the_sum_unknown)
{
    struct owners owners = {0};
    const struct dump_owner *one;

    add(&owners, entry(first, 20, 5, BYTES | OBJECTS), NULL, 1);
    add(&owners, entry(first, 100, 0, BYTES), NULL, 2);
    add(&owners, entry(first, 3, 5, BYTES | OBJECTS), NULL, 3);
    owners_merge(&owners);
    one = only(&owners, first);
    ck_assert_uint_eq(one->known, BYTES);
    ck_assert_uint_eq(one->figures[OWNER_LIVE_BYTES], 123);
    owners_free(&owners);
}

END_TEST

START_TEST(test_merge_too_large_a_sum_is_unknown)
{
    struct owners owners = {0};

    add(&owners, entry(first, UINT64_MAX, 2, BYTES | OBJECTS), NULL, 1);
    add(&owners, entry(first, 1, 3, BYTES | OBJECTS), NULL, 2);
    owners_merge(&owners);
    ck_assert_uint_eq(only(&owners, first)->known, OBJECTS);
    ck_assert_uint_eq(only(&owners, first)->figures[OWNER_LIVE_OBJECTS], 5);
    owners_free(&owners);
}

END_TEST

/* Many owners, each a few times, in any order. */
START_TEST(test_merge_many_keeps_the_whole)
{
    enum { IDS = 257, ENTRIES = 5000 };

    static const char ids[IDS];
    uint64_t seed = util_seed(), wanted[IDS] = {0}, sum = 0, all = 0;
    struct owners owners = {0};

    for (int i = 0; i < ENTRIES; i++) {
        size_t id = util_random(&seed) % IDS;
        uint64_t bytes = util_random(&seed) % 100000;

        wanted[id] += bytes;
        sum += bytes;
        add(&owners, entry(&ids[id], bytes, 0, BYTES), NULL, 1);
    }
    owners_merge(&owners);
    ck_assert_uint_eq(owners.count, IDS);
    for (size_t i = 0; i < owners.count; i++) {
        const struct dump_owner *one = &owners.list[i];

        ck_assert_uint_eq(one->figures[OWNER_LIVE_BYTES],
                          wanted[one->id - ids]);
        all += one->figures[OWNER_LIVE_BYTES];
    }
    ck_assert_uint_eq(all, sum);
    owners_free(&owners);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("owners");
    TCase *tcase = tcase_create("owners");

    tcase_add_test(tcase, test_merge_nothing_is_nothing);
    tcase_add_test(tcase, test_merge_same_id_adds_up);
    tcase_add_test(tcase, test_merge_takes_the_name_and_the_first_line);
    tcase_add_test(tcase, test_merge_same_text_elsewhere_is_another);
    tcase_add_test(tcase, test_merge_unknown_part_leaves_the_sum_unknown);
    tcase_add_test(tcase, test_merge_too_large_a_sum_is_unknown);
    tcase_add_test(tcase, test_merge_many_keeps_the_whole);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
