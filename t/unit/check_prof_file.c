/*
 * Names of dumps, what becomes of a name that is taken, the environment.
 */
#include "alloc/prof_file.h"

#include "alloc/conf.h"
#include "alloc/environment.h"

#include "t/util.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static prof_file_t file;
static char dir[64];

static void
setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/je-check.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    unsetenv("LD_PRELOAD");
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

/* Write "x" under the name that `pattern` makes; returns the name. */
static const char *
write_one(const char *pattern, uint64_t sequence)
{
    snprintf(conf.dump_path, sizeof(conf.dump_path), "%s/%s", dir, pattern);
    unsetenv("JEPROBE_DUMP_PATH");
    prof_name_boot();
    ck_assert(prof_file_open(&file, NULL, sequence));
    prof_file_write(&file, "x", 1);
    ck_assert(prof_file_close(&file));
    ck_assert_int_eq(access(file.path, R_OK), 0);
    return file.path + strlen(dir) + 1;
}

START_TEST(test_pattern_is_expanded)
{
    char want[128];
    snprintf(want, sizeof(want), "%s-%d-12-%%-%%z.json",
             program_invocation_short_name, (int)getpid());
    ck_assert_str_eq(write_one("%e-%p-12-%%-%z.json", 12), want);
    ck_assert_str_eq(write_one("%n", 3), "3");
}

END_TEST

START_TEST(test_taken_name_gets_number)
{
    ck_assert_str_eq(write_one("a.jeprobe.json", 0), "a.jeprobe.json");
    ck_assert_str_eq(write_one("a.jeprobe.json", 0), "a.1.jeprobe.json");
    ck_assert_str_eq(write_one("a.jeprobe.json", 0), "a.2.jeprobe.json");
    ck_assert_str_eq(write_one("b", 0), "b");
    ck_assert_str_eq(write_one("b", 0), "b.1");
    ck_assert_str_eq(write_one(".c", 0), ".c");
    ck_assert_str_eq(write_one(".c", 0), ".c.1");
    ck_assert_str_eq(write_one("d.x", 0), "d.x");
    ck_assert_str_eq(write_one("d.x", 0), "d.1.x");
}

END_TEST

/* A program whose name is `count` times `text`. */
static void
set_program(const char *text, unsigned count)
{
    static char name[512];
    size_t len = strlen(text);
    for (unsigned i = 0; i < count; i++)
        memcpy(name + i * len, text, len);
    name[count * len] = '\0';
    program_invocation_short_name = name;
}

START_TEST(test_long_program_is_shortened)
{
    char tail[64], want[512];
    snprintf(tail, sizeof(tail), ".%d.jeprobe.json", (int)getpid());
    /* 255 is the file system's, five are left for a number */
    int part = 255 - 5 - (int)strlen(tail);
    set_program("x", 255);
    snprintf(want, sizeof(want), "%.*s%s", part, program_invocation_short_name,
             tail);
    ck_assert_str_eq(write_one("%e.%p.jeprobe.json", 0), want);
    snprintf(want, sizeof(want), "%.*s.%d.1.jeprobe.json", part,
             program_invocation_short_name, (int)getpid());
    ck_assert_str_eq(write_one("%e.%p.jeprobe.json", 0), want);
    snprintf(want, sizeof(want), "%.124s-%.124s", program_invocation_short_name,
             program_invocation_short_name);
    ck_assert_str_eq(write_one("%e-%e", 0), want);
}

END_TEST

START_TEST(test_shortened_name_has_whole_characters)
{
    set_program("\xc3\xa4", 127);
    const char *name = write_one("%e.json", 0);
    ck_assert_uint_eq(strlen(name), 244 + 5);
    name = write_one("a%e.json", 0);
    ck_assert_uint_eq(strlen(name), 1 + 244 + 5);
}

END_TEST

START_TEST(test_long_name_is_shortened_for_number)
{
    char long_name[256], want[256];
    memset(long_name, 'y', 255);
    memcpy(long_name + 250, ".json", 6);
    snprintf(want, sizeof(want), "%.245s.json", long_name);
    ck_assert_str_eq(write_one(long_name, 0), want);
    snprintf(want, sizeof(want), "%.245s.1.json", long_name);
    ck_assert_str_eq(write_one(long_name, 0), want);
    /* named by the program: as it is */
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, long_name);
    ck_assert(prof_file_open(&file, path, 0) && prof_file_close(&file));
    ck_assert_str_eq(file.path, path);
    ck_assert(prof_file_open(&file, path, 0) && prof_file_close(&file));
    snprintf(want, sizeof(want), "%.248s.1.json", long_name);
    ck_assert_str_eq(file.path + strlen(dir) + 1, want);
}

END_TEST

START_TEST(test_fork_child_gets_own_name)
{
    (void)write_one("a.json", 0);
    pid_t pid = fork();
    if (pid == 0) {
        char want[128];
        snprintf(want, sizeof(want), "%s/a.%d.json", dir, (int)getpid());
        bool ok = prof_file_open(&file, NULL, 0) && prof_file_close(&file) &&
                  strcmp(file.path, want) == 0;
        _exit(ok ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

END_TEST

/* How many names in the directory end with `tail`. */
static unsigned
count_names(const char *tail)
{
    unsigned count = 0;
    size_t n = strlen(tail);
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        size_t len = strlen(e->d_name);
        count += len >= n && strcmp(e->d_name + len - n, tail) == 0;
    }
    closedir(d);
    return count;
}

/* Start a process that begins a dump and is killed, or goes on when something
 * can be read from `go`. */
static pid_t
begin_dump(const char *name, int go)
{
    int ready[2];
    char c;
    ck_assert_int_eq(pipe(ready), 0);
    snprintf(conf.dump_path, sizeof(conf.dump_path), "%s/%s", dir, name);
    prof_name_boot();
    pid_t pid = fork();
    if (pid == 0) {
        prof_name_boot(); /* the name as it is: no child */
        if (!prof_file_open(&file, NULL, 0)) {
            _exit(1);
        }
        ssize_t n = write(ready[1], "r", 1);
        if (go < 0) {
            kill(getpid(), SIGKILL);
        }
        n = read(go, &c, 1);
        _exit(n == 1 && prof_file_close(&file) ? 0 : 2);
    }
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

START_TEST(test_temporary_of_killed_is_removed)
{
    int status;
    pid_t pid = begin_dump("s", -1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_uint_eq(count_names(".tmp"), 1);
    ck_assert_str_eq(write_one("s", 0), "s");
    ck_assert_uint_eq(count_names(".tmp"), 0);
}

END_TEST

START_TEST(test_temporary_of_living_is_left)
{
    int status, go[2];
    ck_assert_int_eq(pipe(go), 0);
    pid_t pid = begin_dump("l", go[0]);
    ck_assert_str_eq(write_one("l", 0), "l");
    ck_assert_uint_eq(count_names(".tmp"), 1);
    ck_assert_int_eq(write(go[1], "g", 1), 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(count_names(".tmp"), 0);
    ck_assert_uint_eq(count_names("l.1"), 1);
}

END_TEST

START_TEST(test_content_is_whole)
{
    static char text[100000];
    memset(text, 'y', sizeof(text));
    char path[128];
    snprintf(path, sizeof(path), "%s/whole", dir);
    ck_assert(prof_file_open(&file, path, 0));
    prof_file_write(&file, text, sizeof(text));
    prof_file_rewind(&file);
    prof_file_write(&file, text, 70000);
    ck_assert(prof_file_close(&file));
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 70000);
    ck_assert_uint_eq(file.bytes, 70000);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
}

END_TEST

START_TEST(test_failure_leaves_nothing)
{
    ck_assert(!prof_file_open(&file, "/nowhere/at/all", 0));
    ck_assert_int_eq(file.error, ENOENT);
    char text[64];
    ck_assert_str_eq(prof_file_error(ENOSPC, text, sizeof(text)),
                     "no space left on device");
    ck_assert_str_eq(prof_file_error(9999, text, sizeof(text)), "error 9999");
}

END_TEST

/* This program stands for the preload object: the list names it. */
static void
assert_cleaned(const char *before, const char *after)
{
    char own[4096], list[8192];
    ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
    ck_assert_int_gt(n, 0);
    own[n] = '\0';
    const char *base = strrchr(own, '/') + 1;
    const char *mark = strchr(before, '@');
    snprintf(list, sizeof(list), "%.*s/x/%s%s", (int)(mark - before), before,
             base, mark + 1);
    setenv("LD_PRELOAD", list, 1);
    setenv("JEPROBE_CONF", "a", 1);
    setenv("JEPROBE_STATUS_FD", "b", 1);
    setenv("JEPROBES", "c", 1);
    environment_clean();
    if (after == NULL) {
        ck_assert_ptr_null(getenv("LD_PRELOAD"));
    } else {
        ck_assert_str_eq(getenv("LD_PRELOAD"), after);
    }
    ck_assert_ptr_null(getenv("JEPROBE_CONF"));
    ck_assert_ptr_null(getenv("JEPROBE_STATUS_FD"));
    ck_assert_str_eq(getenv("JEPROBES"), "c");
}

START_TEST(test_clean_takes_own_entry)
{
    assert_cleaned("@", NULL);
    assert_cleaned("@:a.so", "a.so");
    assert_cleaned("a.so:@", "a.so");
    assert_cleaned("a.so @ b.so", "a.so b.so");
    assert_cleaned(":a.so::@:", ":a.so");
}

END_TEST

START_TEST(test_clean_leaves_others)
{
    setenv("LD_PRELOAD", "a.so:b.so", 1);
    setenv("JEPROBE_CONF", "a", 1);
    environment_clean();
    ck_assert_str_eq(getenv("LD_PRELOAD"), "a.so:b.so");
    ck_assert_str_eq(getenv("JEPROBE_CONF"), "a");
    ck_assert_str_eq(environment_get("JEPROBE_CONF"), "a");
    ck_assert_ptr_null(environment_get("JEPROBE_CON"));
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("prof_file");
    TCase *tc = tcase_create("prof_file");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_pattern_is_expanded);
    tcase_add_test(tc, test_taken_name_gets_number);
    tcase_add_test(tc, test_long_program_is_shortened);
    tcase_add_test(tc, test_shortened_name_has_whole_characters);
    tcase_add_test(tc, test_long_name_is_shortened_for_number);
    tcase_add_test(tc, test_fork_child_gets_own_name);
    tcase_add_test(tc, test_temporary_of_killed_is_removed);
    tcase_add_test(tc, test_temporary_of_living_is_left);
    tcase_add_test(tc, test_content_is_whole);
    tcase_add_test(tc, test_failure_leaves_nothing);
    tcase_add_test(tc, test_clean_takes_own_entry);
    tcase_add_test(tc, test_clean_leaves_others);
    suite_add_tcase(suite, tc);
    return util_run(suite);
}
