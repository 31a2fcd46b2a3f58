/* Lines of the kernel's files that nobody pastes, and jemalloc's versions. */
#include "base/macros.h"

#include "dump/kernfile.h"
#include "model/liveelf.h"

#include "t/util.h"

#include <string.h>

START_TEST(test_group_of_both_versions)
{
    struct kernfile_group group;

    ck_assert(kernfile_group("0::/a/b", &group));
    ck_assert(group.is_v2 && !group.has_memory);
    ck_assert_str_eq(group.path, "/a/b");
    ck_assert(kernfile_group("12:cpu,memory:/x:y", &group));
    ck_assert(!group.is_v2 && group.has_memory);
    ck_assert_str_eq(group.path, "/x:y");
    ck_assert(kernfile_group("3:name=memory:/", &group));
    ck_assert(!group.is_v2 && !group.has_memory);
    ck_assert(kernfile_group("0:memory:/", &group));
    ck_assert(!group.is_v2);
}

END_TEST

START_TEST(test_group_refuses_other_text)
{
    static const char *const texts[] = {
        "", "0", "0:", "0::", "::/a", "0::a/b", "x::/", "0 ::/"};
    struct kernfile_group group;

    for (size_t i = 0; i < JE_ARRAY_LEN(texts); i++)
        ck_assert_msg(!kernfile_group(texts[i], &group), "%s", texts[i]);
}

END_TEST

static bool
mount_of(const char *text, struct kernfile_mount *mount)
{
    return kernfile_mount(text, strlen(text), mount);
}

START_TEST(test_mount_with_and_without_optional_fields)
{
    struct kernfile_mount mount;

    ck_assert(mount_of("26 25 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
                       &mount));
    ck_assert(mount.is_v2);
    ck_assert_str_eq(mount.root, "/");
    ck_assert_str_eq(mount.point, "/sys/fs/cgroup");
    ck_assert(mount_of("35 31 0:32 /d\\040r /m\\134x rw shared:9 master:1 - "
                       "cgroup none rw,memory",
                       &mount));
    ck_assert(!mount.is_v2 && mount.has_memory);
    ck_assert_str_eq(mount.root, "/d r");
    ck_assert_str_eq(mount.point, "/m\\x");
    ck_assert(mount_of("35 31 0:32 / /m rw - cgroup none rw,cpu", &mount));
    ck_assert(!mount.has_memory);
}

END_TEST

START_TEST(test_mount_refuses_others)
{
    struct kernfile_mount mount;

    ck_assert(!mount_of("26 25 0:23 / /proc rw - proc proc rw", &mount));
    ck_assert(!mount_of("26 25 0:23 / /sys rw - cgroup2", &mount));
    ck_assert(!mount_of("26 25 0:23 x /sys rw - cgroup2 x rw", &mount));
    ck_assert(!mount_of("- cgroup2 x rw", &mount));
    ck_assert(!mount_of("", &mount));
}

END_TEST

static enum kernfile_number
number_of(const char *text, uint64_t *value)
{
    return kernfile_number(text, strlen(text), value);
}

START_TEST(test_number_of_all_kinds)
{
    uint64_t value;

    ck_assert_int_eq(number_of("4096", &value), KERNFILE_NUMBER);
    ck_assert_uint_eq(value, 4096);
    ck_assert_int_eq(number_of(" 0 ", &value), KERNFILE_NUMBER);
    ck_assert_int_eq(number_of("max", &value), KERNFILE_MAX);
    ck_assert_int_eq(number_of("9223372036854771712", &value), KERNFILE_MAX);
    ck_assert_int_eq(number_of("-17", &value), KERNFILE_NEGATIVE);
    ck_assert_int_eq((int64_t)value, -17);
    ck_assert_int_eq(number_of("", &value), KERNFILE_BROKEN);
    ck_assert_int_eq(number_of("1 2", &value), KERNFILE_BROKEN);
    ck_assert_int_eq(number_of("maximum", &value), KERNFILE_BROKEN);
    ck_assert_int_eq(number_of("0x10", &value), KERNFILE_BROKEN);
    ck_assert_int_eq(number_of("-", &value), KERNFILE_BROKEN);
}

END_TEST

START_TEST(test_pair_is_two_words)
{
    token_t name;
    uint64_t value;

    ck_assert(kernfile_pair("oom_kill 3", 10, &name, &value));
    ck_assert(token_is(name, "oom_kill") && value == 3);
    ck_assert(!kernfile_pair("oom_kill", 8, &name, &value));
    ck_assert(!kernfile_pair("oom kill 3", 10, &name, &value));
    ck_assert(!kernfile_pair("oom_kill x", 10, &name, &value));
}

END_TEST

START_TEST(test_version_as_jemalloc_writes_it)
{
    ck_assert(liveelf_is_version("5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59"));
    ck_assert(liveelf_is_version("4.5.0-12-g0"));
    ck_assert(!liveelf_is_version("5.3.0"));
    ck_assert(!liveelf_is_version("5.3.0-0-g"));
    ck_assert(!liveelf_is_version("5.3-0-g0"));
    ck_assert(!liveelf_is_version("5.3.0-0-gjeprobe"));
    ck_assert(!liveelf_is_version("v5.3.0-0-g0"));
    ck_assert(!liveelf_is_version(""));
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("kernfile");
    TCase *tcase = tcase_create("kernfile");

    tcase_add_test(tcase, test_group_of_both_versions);
    tcase_add_test(tcase, test_group_refuses_other_text);
    tcase_add_test(tcase, test_mount_with_and_without_optional_fields);
    tcase_add_test(tcase, test_mount_refuses_others);
    tcase_add_test(tcase, test_number_of_all_kinds);
    tcase_add_test(tcase, test_pair_is_two_words);
    tcase_add_test(tcase, test_version_as_jemalloc_writes_it);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
