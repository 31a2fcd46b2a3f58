/* Samples of one dump: what refers to nothing goes, what is equal is one. */
#include "base/macros.h"

#include "model/profile.h"

#include "t/util.h"

static const uint64_t leaf_first[] = {0x30, 0x20, 0x10};

static void
add_stacks(struct profile *profile)
{
    ck_assert(profile_add_stack(profile, leaf_first, 3));
    ck_assert(profile_add_stack(profile, leaf_first + 1, 2));
}

START_TEST(test_stacks_share_frames)
{
    struct profile profile = {0};

    add_stacks(&profile);
    ck_assert_uint_eq(profile.addresses.count, 3);
    ck_assert_uint_eq(profile.stacks[1].count, 2);
    ck_assert_uint_eq(profile.frames[profile.stacks[1].first].index,
                      profile.frames[profile.stacks[0].first + 1].index);
    profile_free(&profile);
}

END_TEST

START_TEST(test_sites_of_no_stack_are_dropped_and_counted)
{
    struct profile profile = {0};
    const struct dump_site good = {.stack = 1, .size = 8, .rate = 1};
    const struct dump_site bad = {.stack = 2, .size = 8, .rate = 1};
    const struct dump_sample lost = {.stack = 9};

    add_stacks(&profile);
    ck_assert(profile_add_site(&profile, &bad));
    ck_assert(profile_add_site(&profile, &good));
    ck_assert(profile_add_sample(&profile, &lost));
    ck_assert_uint_eq(profile_finish(&profile), 2);
    ck_assert_uint_eq(profile.site_count, 1);
    ck_assert_uint_eq(profile.sites[0].stack, 1);
    profile_free(&profile);
}

END_TEST

START_TEST(test_equal_sites_are_added_up_and_ordered)
{
    struct profile profile = {0};
    const struct dump_site sites[] = {
        {.stack = 1, .size = 16, .rate = 512, .live_samples = 1},
        {.stack = 0, .size = 64, .rate = 512, .live_samples = 2},
        {.stack = 1, .size = 8, .rate = 512, .live_samples = 4},
        {.stack = 1, .size = 16, .rate = 512, .live_samples = 8},
        {.stack = 1, .size = 16, .rate = 1024, .live_samples = 16}};
    static const uint64_t wanted[] = {2, 4, 9, 16};

    add_stacks(&profile);
    for (size_t i = 0; i < JE_ARRAY_LEN(sites); i++)
        ck_assert(profile_add_site(&profile, &sites[i]));
    ck_assert_uint_eq(profile_finish(&profile), 0);
    ck_assert_uint_eq(profile.site_count, JE_ARRAY_LEN(wanted));
    for (size_t i = 0; i < JE_ARRAY_LEN(wanted); i++)
        ck_assert_uint_eq(profile.sites[i].live_samples, wanted[i]);
    profile_free(&profile);
}

END_TEST

START_TEST(test_oldest_sample_is_kept)
{
    struct profile profile = {0};
    const struct dump_sample young = {.stack = 0, .age_ns = 5};
    const struct dump_sample old = {.stack = 0, .age_ns = 50};

    add_stacks(&profile);
    ck_assert(profile_add_sample(&profile, &old));
    ck_assert(profile_add_sample(&profile, &young));
    ck_assert_uint_eq(profile_finish(&profile), 0);
    ck_assert(profile.stacks[0].has_age);
    ck_assert_uint_eq(profile.stacks[0].oldest_ns, 50);
    ck_assert(!profile.stacks[1].has_age);
    profile_free(&profile);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("profile");
    TCase *tcase = tcase_create("profile");

    tcase_add_test(tcase, test_stacks_share_frames);
    tcase_add_test(tcase, test_sites_of_no_stack_are_dropped_and_counted);
    tcase_add_test(tcase, test_equal_sites_are_added_up_and_ordered);
    tcase_add_test(tcase, test_oldest_sample_is_kept);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
