/*
 * How many processors: affinity, and the quota of a made-up cgroup.
 */
#include "os/cpu.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/util.h"

static unsigned
allowed_cpus(void)
{
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    return (unsigned)CPU_COUNT(&set);
}

START_TEST(test_cpu_count_is_at_most_the_affinity)
{
    unsigned n = os_cpu_count();
    ck_assert_uint_ge(n, 1);
    ck_assert_uint_le(n, allowed_cpus());
}

END_TEST

START_TEST(test_cpu_count_follows_a_narrower_affinity)
{
    cpu_set_t set, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    CPU_ZERO(&one);
    for (unsigned i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &set)) {
            CPU_SET(i, &one);
            break;
        }
    }
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    ck_assert_uint_eq(os_cpu_count(), 1);
}

END_TEST

static bool
write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) {
        return false;
    }
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    (void)close(fd);
    return ok;
}

/* A namespace in which we may mount, and in which we are somebody: a file
 * cannot be made by a user that has no number. */
static bool
enter_namespace(void)
{
    char uids[64], gids[64];
    (void)snprintf(uids, sizeof(uids), "0 %u 1\n", (unsigned)geteuid());
    (void)snprintf(gids, sizeof(gids), "0 %u 1\n", (unsigned)getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", uids) &&
           write_text("/proc/self/gid_map", gids);
}

/* A file system of our own at /sys/fs/cgroup, and our own /proc/self/cgroup. */
static bool
fake_cgroup(const char *membership)
{
    return enter_namespace() &&
           mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) == 0 &&
           write_text("/sys/fs/cgroup/self", membership) &&
           mount("/sys/fs/cgroup/self", "/proc/self/cgroup", NULL, MS_BIND,
                 NULL) == 0;
}

typedef struct quota_case {
    const char *membership;
    const char *dir, *file, *text;
    const char *file2, *text2;
    unsigned cpus; /* 0 = no limit */
} quota_case_t;

static const quota_case_t quota_cases[] = {
    {"0::/\n", NULL, "/sys/fs/cgroup/cpu.max", "50000 100000\n", NULL, NULL, 1},
    {"0::/\n", NULL, "/sys/fs/cgroup/cpu.max", "100000 100000\n", NULL, NULL,
     1},
    {"0::/\n", NULL, "/sys/fs/cgroup/cpu.max", "100001 100000\n", NULL, NULL,
     2},
    {"0::/\n", NULL, "/sys/fs/cgroup/cpu.max", "max 100000\n", NULL, NULL, 0},
    {"0::/\n", NULL, "/sys/fs/cgroup/cpu.max", "", NULL, NULL, 0},
    {"0::/\n", NULL, "/sys/fs/cgroup/cpu.max", "50000 0\n", NULL, NULL, 0},
    {"0::/\n", NULL, "/sys/fs/cgroup/cpu.max", "9999999999999 1\n", NULL, NULL,
     0},
    {"0::/a/b\n", NULL, "/sys/fs/cgroup/cpu.max", "10000 100000\n", NULL, NULL,
     1},
    {"1:name=systemd:/\n0::/a\n", "/sys/fs/cgroup/a",
     "/sys/fs/cgroup/a/cpu.max", "20000 100000\n", NULL, NULL, 1},
    {"4:memory:/x\n3:cpu,cpuacct:/y\n", "/sys/fs/cgroup/cpu",
     "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "30000\n",
     "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n", 1},
    {"2:cpuset:/\n1:cpu:/\n", "/sys/fs/cgroup/cpu",
     "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n",
     "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n", 0},
    {"no colon at all", NULL, "/sys/fs/cgroup/cpu.max", "10000 100000\n", NULL,
     NULL, 0},
};

enum { QUOTA_NOT_TO_BE_HAD = 250 };

/* In a child of our own: the mounts go with it. */
static int
count_under(const quota_case_t *c)
{
    if (!fake_cgroup(c->membership)) {
        return QUOTA_NOT_TO_BE_HAD;
    }
    if (c->dir != NULL && mkdir(c->dir, 0700) != 0) {
        return QUOTA_NOT_TO_BE_HAD;
    }
    if (!write_text(c->file, c->text) ||
        (c->file2 != NULL && !write_text(c->file2, c->text2))) {
        return QUOTA_NOT_TO_BE_HAD;
    }
    return (int)os_cpu_count();
}

START_TEST(test_cpu_count_honours_the_quota_of_a_cgroup)
{
    const quota_case_t *c = &quota_cases[_i];
    pid_t child = fork();
    if (child == 0) {
        _exit(count_under(c));
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == QUOTA_NOT_TO_BE_HAD) {
        printf("# no namespace to make up a cgroup in\n");
        return;
    }
    unsigned expected = allowed_cpus();
    if (c->cpus != 0 && c->cpus < expected) {
        expected = c->cpus;
    }
    ck_assert_int_eq(WEXITSTATUS(status), expected);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("cpu");
    TCase *tc = tcase_create("cpu");
    tcase_add_test(tc, test_cpu_count_is_at_most_the_affinity);
    tcase_add_test(tc, test_cpu_count_follows_a_narrower_affinity);
    tcase_add_loop_test(tc, test_cpu_count_honours_the_quota_of_a_cgroup, 0,
                        JE_ARRAY_LEN(quota_cases));
    suite_add_tcase(s, tc);
    return util_run(s);
}
