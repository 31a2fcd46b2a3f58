/*
 * The log of freed samples: what is in it, and when it begins and ends. Every
 * allocation here is sampled.
 */
#include "alloc/prof_log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/late.h"
#include "alloc/malloc.h"
#include "jealloc.h"
#include "os/clock.h"
#include "t/unit/stderr.h"
#include "t/util.h"

static char dir[] = "/tmp/check_prof_log.XXXXXX";

/* Names without a directory are those of one that is ours. */
static void
setup(void)
{
    je_boot_late();
    ck_assert(conf.prof);
    memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static void
teardown(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}

static int
start(const char *path)
{
    return path == NULL
               ? jea_mallctl("prof.log_start", NULL, NULL, NULL, 0)
               : jea_mallctl("prof.log_start", NULL, NULL, &path, sizeof(path));
}

static int
stop(void)
{
    return jea_mallctl("prof.log_stop", NULL, NULL, NULL, 0);
}

/* The file, which is removed. */
static json_t *
loaded(const char *path)
{
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);
    ck_assert_msg(all != NULL, "%s: %s", path, error.text);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_uint_eq(json_object_size(all), 4);
    return all;
}

static json_int_t
integer(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "%s", key);
    return json_integer_value(value);
}

/* The event of an object of this size; NULL: there is none. */
static const json_t *
event_of(const json_t *all, json_int_t usable)
{
    const json_t *found = NULL, *list = json_object_get(all, "allocations");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *event = json_array_get(list, i);
        if (integer(event, "usize") == usable) {
            ck_assert_ptr_null(found);
            found = event;
        }
    }
    return found;
}

static const json_t *
thread_of(const json_t *all, const json_t *event, const char *key)
{
    const json_t *threads = json_object_get(all, "threads");
    const json_t *thread = json_array_get(threads, (size_t)integer(event, key));
    ck_assert_ptr_nonnull(thread);
    return thread;
}

static void
expect_trace(const json_t *all, const json_t *event, const char *key)
{
    const json_t *traces = json_object_get(all, "stack_traces");
    const json_t *trace = json_array_get(traces, (size_t)integer(event, key));
    ck_assert_uint_ge(json_array_size(trace), 1);
    const char *frame = json_string_value(json_array_get(trace, 0));
    ck_assert_uint_gt(strtoull(frame, NULL, 16), 4096);
}

START_TEST(test_log_has_a_name_and_says_when_and_where)
{
    char name[64];
    ck_assert_int_eq(start(NULL), 0);
    uint64_t before = os_clock_ns();
    jea_free(jea_malloc(3000000));
    uint64_t after = os_clock_ns();
    void *p = jea_malloc(5000000);
    ck_assert_int_eq(start(NULL), EFAULT);
    ck_assert_int_eq(stop(), 0);
    ck_assert_int_eq(stop(), EFAULT);
    (void)snprintf(name, sizeof(name), "jeprof.%d.0.json", (int)getpid());
    json_t *all = loaded(name);
    const json_t *info = json_object_get(all, "info");
    ck_assert_int_eq(integer(info, "pid"), getpid());
    ck_assert_int_eq(integer(info, "lg_sample_rate"), 0);
    ck_assert_int_ge(integer(info, "duration"), (json_int_t)(after - before));
    ck_assert_str_eq(json_string_value(json_object_get(info, "version")),
                     "5.3.0-0-gjeprobe");
    ck_assert_ptr_null(json_object_get(info, "dropped"));
    const json_t *e = event_of(all, 3145728);
    ck_assert_ptr_nonnull(e);
    ck_assert_int_ge(integer(e, "alloc_timestamp"), (json_int_t)before);
    ck_assert_int_ge(integer(e, "free_timestamp"),
                     integer(e, "alloc_timestamp"));
    ck_assert_int_le(integer(e, "free_timestamp"), (json_int_t)after);
    expect_trace(all, e, "alloc_trace");
    expect_trace(all, e, "free_trace");
    ck_assert_int_ne(integer(e, "alloc_trace"), integer(e, "free_trace"));
    ck_assert_ptr_null(event_of(all, 5242880)); /* not freed */
    json_decref(all);
    jea_free(p);
}

END_TEST

static void *
free_it(void *p)
{
    static const char *const name = "\"other\"";
    ck_assert_int_eq(jea_mallctl("thread.prof.name", NULL, NULL,
                                 (void *)(uintptr_t)&name, sizeof(name)),
                     0);
    jea_free(p);
    return NULL;
}

START_TEST(test_log_begins_and_ends_as_it_is_told)
{
    ck_assert_int_eq(stop(), EFAULT);
    void *early = jea_malloc(1000000);
    jea_free(jea_malloc(2000000));
    ck_assert_int_eq(start("a.json"), 0);
    ck_assert_int_eq(start("b.json"), EFAULT);
    void *late = jea_malloc(3000000);
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, free_it, early), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    ck_assert_int_eq(stop(), 0);
    jea_free(late);
    json_t *all = loaded("a.json");
    const json_t *e = event_of(all, 1048576);
    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(integer(thread_of(all, e, "alloc_thread"), "thr_uid"),
                     getpid());
    ck_assert_int_ne(integer(thread_of(all, e, "free_thread"), "thr_uid"),
                     getpid());
    ck_assert_str_eq(json_string_value(json_object_get(
                         thread_of(all, e, "free_thread"), "thr_name")),
                     "\"other\"");
    ck_assert_ptr_null(event_of(all, 2097152));
    ck_assert_ptr_null(event_of(all, 3145728));
    json_decref(all);
}

END_TEST

static void *
allocate_some(void *unused)
{
    for (unsigned i = 0; i < 50; i++) {
        jea_free(jea_malloc(6000000));
    }
    return unused;
}

/* More threads and events than there is room for at first; a second log has
 * none of the first one's. */
START_TEST(test_log_grows_and_begins_anew)
{
    enum { THREADS = 90 };

    for (unsigned k = 0; k < 2; k++) {
        ck_assert_int_eq(start("a.json"), 0);
        jea_free(jea_malloc(100));
        for (unsigned i = 0; i < (k == 0 ? THREADS : 1); i++) {
            pthread_t t;
            ck_assert_int_eq(pthread_create(&t, NULL, allocate_some, NULL), 0);
            ck_assert_int_eq(pthread_join(t, NULL), 0);
        }
        jea_free(jea_malloc(100));
        ck_assert_int_eq(stop(), 0);
        json_t *all = loaded("a.json");
        const json_t *threads = json_object_get(all, "threads");
        const json_t *list = json_object_get(all, "allocations");
        size_t n = 0, own = 0;
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *e = json_array_get(list, i);
            n += integer(e, "usize") == 6291456;
            own += integer(e, "alloc_thread") == integer(e, "free_thread");
        }
        ck_assert_uint_eq(n, k == 0 ? 50 * THREADS : 50);
        ck_assert_uint_ge(own, n);
        ck_assert_uint_eq(json_array_size(threads), k == 0 ? THREADS + 1 : 2);
        json_decref(all);
    }
}

END_TEST

START_TEST(test_log_that_cannot_be_written_says_so)
{
    stderr_capture_t c;
    ck_assert_int_eq(start("none/a.json"), 0);
    stderr_begin(&c);
    int err = stop();
    const char *said = stderr_end(&c);
    ck_assert_int_eq(err, EFAULT);
    ck_assert_str_eq(said, "jeprobe: none/a.json: no such directory\n");
    const char *prefix = "";
    ck_assert_int_eq(
        jea_mallctl("prof.prefix", NULL, NULL, &prefix, sizeof(prefix)), 0);
    ck_assert_int_eq(start(NULL), EFAULT);
    ck_assert_int_eq(stop(), EFAULT);
}

END_TEST

START_TEST(test_log_is_not_the_childs)
{
    ck_assert_int_eq(start("a.json"), 0);
    void *p = jea_malloc(1000000);
    pid_t child = fork();
    if (child == 0) {
        jea_free(p);
        ck_assert_int_eq(stop(), EFAULT);
        ck_assert_int_eq(access("a.json", F_OK), -1);
        ck_assert_int_eq(start("b.json"), 0);
        jea_free(jea_malloc(2000000));
        ck_assert_int_eq(stop(), 0);
        _exit(0);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    json_t *all = loaded("b.json");
    ck_assert_ptr_null(event_of(all, 1048576));
    ck_assert_ptr_nonnull(event_of(all, 2097152));
    json_decref(all);
    jea_free(p);
    ck_assert_int_eq(stop(), 0);
    all = loaded("a.json");
    ck_assert_ptr_nonnull(event_of(all, 1048576));
    ck_assert_ptr_null(event_of(all, 2097152));
    json_decref(all);
}

END_TEST

START_TEST(test_log_without_memory_counts_what_it_drops)
{
    ck_assert_int_eq(start("a.json"), 0);
    for (unsigned i = 0; i < 3000; i++) {
        jea_free(jea_malloc(100));
        /* once all ways of being served, which stacks tell apart here, are
         * known */
        while (i == 9 && prof_table_alloc(64) != NULL) {
        }
    }
    ck_assert_int_eq(stop(), 0);
    json_t *all = loaded("a.json");
    ck_assert_int_ge(integer(json_object_get(all, "info"), "dropped"), 1000);
    json_decref(all);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("prof_log");
    TCase *tc = tcase_create("prof_log");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_log_has_a_name_and_says_when_and_where);
    tcase_add_test(tc, test_log_begins_and_ends_as_it_is_told);
    tcase_add_test(tc, test_log_grows_and_begins_anew);
    tcase_add_test(tc, test_log_that_cannot_be_written_says_so);
    tcase_add_test(tc, test_log_is_not_the_childs);
    tcase_add_test(tc, test_log_without_memory_counts_what_it_drops);
    suite_add_tcase(s, tc);
    return util_run(s);
}
