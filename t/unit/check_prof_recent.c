/*
 * The last sampled allocations: which are kept, what is said of them, and when
 * they are forgotten. Every allocation here is sampled.
 */
#include "alloc/prof_recent.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/late.h"
#include "alloc/malloc.h"
#include "alloc/prof.h"
#include "jealloc.h"
#include "t/unit/stderr.h"
#include "t/util.h"

enum { TEXT_MAX = 1 << 20, GATHER_SIZE = 12345 };

static char text[TEXT_MAX];
static size_t text_used;

static void
setup(void)
{
    je_boot_late();
    ck_assert(conf.prof);
    ck_assert_int_eq(prof_recent_max(), 5);
}

/* Allocates as well, once if there are no records: who is written to may. */
static void
gather(void *opaque, const char *part)
{
    ck_assert_ptr_eq(opaque, text);
    jea_free(jea_malloc(GATHER_SIZE));
    size_t n = strlen(part);
    ck_assert_uint_lt(text_used + n, TEXT_MAX);
    memcpy(text + text_used, part, n + 1);
    text_used += n;
}

typedef struct target {
    void (*write)(void *, const char *);
    void *opaque;
} target_t;

static int
dump_to(const target_t *to)
{
    target_t copy = *to;
    return jea_mallctl("experimental.prof_recent.alloc_dump", NULL, NULL, &copy,
                       sizeof(copy));
}

/* All of it; the records in `list`. */
static json_t *
dumped(json_t **list)
{
    json_error_t error;
    const target_t to = {gather, text};
    text_used = 0;
    ck_assert_int_eq(dump_to(&to), 0);
    ck_assert(prof_recent_is_valid());
    json_t *all = json_loads(text, 0, &error);
    ck_assert_msg(all != NULL, "%s: %s", error.text, text);
    *list = json_object_get(all, "recent_alloc");
    ck_assert(json_is_array(*list));
    return all;
}

/* It stays. */
static void
keep(const void *p)
{
    ck_assert_ptr_nonnull(p);
}

static json_int_t
integer(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "%s", key);
    return json_integer_value(value);
}

static int
set_max(ssize_t max)
{
    return jea_mallctl("experimental.prof_recent.alloc_max", NULL, NULL, &max,
                       sizeof(max));
}

/* Sizes of the records, in order, must be these. */
static void
expect_sizes(const size_t *sizes, size_t n)
{
    json_t *list, *all = dumped(&list);
    ck_assert_uint_eq(json_array_size(list), n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(integer(json_array_get(list, i), "size"), sizes[i]);
    }
    json_decref(all);
}

START_TEST(test_recent_keeps_the_last_ones_in_order)
{
    static const size_t wanted[] = {1003, 1004, 1005, 1006, 1007};
    void *p[8];
    for (size_t i = 0; i < 8; i++) {
        p[i] = jea_malloc(1000 + i);
    }
    jea_free(p[0]); /* of which there is no record any more */
    jea_free(p[4]);
    json_t *list, *all = dumped(&list);
    ck_assert_int_eq(integer(all, "sample_interval"), 1);
    ck_assert_int_eq(integer(all, "recent_alloc_max"), 5);
    ck_assert_uint_eq(json_object_size(all), 3);
    ck_assert_uint_eq(json_array_size(list), 5);
    for (size_t i = 0; i < 5; i++) {
        const json_t *r = json_array_get(list, i);
        ck_assert_int_eq(integer(r, "size"), wanted[i]);
        ck_assert_int_eq(integer(r, "usize"), 1024);
        const json_t *released = json_object_get(r, "released");
        ck_assert(json_is_boolean(released));
        ck_assert_int_eq(json_is_true(released), wanted[i] == 1004);
        ck_assert_int_eq(json_object_get(r, "dalloc_time") != NULL,
                         wanted[i] == 1004);
    }
    json_decref(all);
}

END_TEST

static void *
free_it(void *p)
{
    static const char *const name = "the other";
    ck_assert_int_eq(jea_mallctl("thread.prof.name", NULL, NULL,
                                 (void *)(uintptr_t)&name, sizeof(name)),
                     0);
    jea_free(p);
    return NULL;
}

/* There is a stack, and it is one of addresses. */
static void
expect_trace(const json_t *record, const char *key)
{
    const json_t *trace = json_object_get(record, key);
    ck_assert_uint_ge(json_array_size(trace), 1);
    const char *frame = json_string_value(json_array_get(trace, 0));
    ck_assert_ptr_nonnull(frame);
    ck_assert_int_eq(strncmp(frame, "0x", 2), 0);
    ck_assert_uint_gt(strtoull(frame, NULL, 16), 4096);
}

START_TEST(test_recent_says_who_allocated_and_who_freed)
{
    const char *name = "a \"name\"";
    ck_assert_int_eq(
        jea_mallctl("thread.prof.name", NULL, NULL, &name, sizeof(name)), 0);
    ck_assert_int_eq(set_max(1), 0);
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, free_it, jea_malloc(30000)), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    json_t *list, *all = dumped(&list);
    ck_assert_uint_eq(json_array_size(list), 1);
    const json_t *r = json_array_get(list, 0);
    ck_assert_int_eq(integer(r, "size"), 30000);
    ck_assert_int_eq(integer(r, "usize"), 32768);
    ck_assert_int_eq(integer(r, "alloc_thread_uid"), getpid());
    ck_assert_int_ne(integer(r, "dalloc_thread_uid"), getpid());
    ck_assert_str_eq(json_string_value(json_object_get(r, "alloc_thread_name")),
                     name);
    ck_assert_str_eq(
        json_string_value(json_object_get(r, "dalloc_thread_name")),
        "the other");
    ck_assert_int_gt(integer(r, "alloc_time"), 0);
    ck_assert_int_ge(integer(r, "dalloc_time"), integer(r, "alloc_time"));
    expect_trace(r, "alloc_trace");
    expect_trace(r, "dalloc_trace");
    json_decref(all);
}

END_TEST

START_TEST(test_recent_takes_a_resize_for_a_free_and_an_allocation)
{
    static const size_t wanted[] = {100, 300, 1000000, 500000};
    void *p = jea_malloc(100);
    p = jea_realloc(p, 300);
    jea_free(p);
    p = jea_malloc(1000000);
    ck_assert_ptr_eq(jea_realloc(p, 500000), p); /* in place */
    expect_sizes(wanted, 4);
    json_t *list, *all = dumped(&list);
    const json_t *last = json_array_get(list, json_array_size(list) - 1);
    ck_assert(json_is_true(json_object_get(last, "released")));
    json_decref(all);
}

END_TEST

START_TEST(test_recent_maximum_can_be_changed)
{
    enum { MANY = 1000 };

    static size_t sizes[MANY];
    ck_assert_int_eq(set_max(-2), EINVAL);
    ck_assert_int_eq(prof_recent_max(), 5);
    ck_assert_int_eq(set_max(-1), 0);
    for (size_t i = 0; i < MANY; i++) {
        sizes[i] = 8 + i;
        keep(jea_malloc(sizes[i]));
    }
    expect_sizes(sizes, MANY);
    ssize_t max = 7, old = 0;
    size_t len = sizeof(old);
    ck_assert_int_eq(jea_mallctl("experimental.prof_recent.alloc_max", &old,
                                 &len, &max, sizeof(max)),
                     0);
    ck_assert_int_eq(old, -1);
    json_t *list, *all = dumped(&list);
    ck_assert_uint_eq(json_array_size(list), 7);
    json_decref(all);
    ck_assert_int_eq(set_max(0), 0);
    keep(jea_malloc(10));
    expect_sizes(NULL, 0);
    ck_assert_int_eq(set_max(2), 0);
    keep(jea_malloc(11));
    expect_sizes((const size_t[]){11}, 1);
}

END_TEST

START_TEST(test_recent_goes_with_the_samples)
{
    void *p = jea_malloc(100);
    ck_assert_int_eq(jea_mallctl("prof.reset", NULL, NULL, NULL, 0), 0);
    jea_free(p);
    expect_sizes(NULL, 0);
    keep(jea_malloc(200));
    expect_sizes((const size_t[]){GATHER_SIZE, 200}, 2);
}

END_TEST

START_TEST(test_recent_refuses_what_it_cannot_do)
{
    static const char name[] = "experimental.prof_recent.alloc_dump";
    target_t to = {gather, text};
    uint64_t any = 0;
    size_t len = sizeof(any);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), EINVAL);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, &to, 8), EINVAL);
    ck_assert_int_eq(jea_mallctl(name, &any, &len, &to, sizeof(to)), EPERM);
    ck_assert_uint_eq(text_used, 0);
    conf.prof = false;
    ck_assert_int_eq(dump_to(&to), ENOENT);
    ck_assert_int_eq(set_max(1), ENOENT);
    ck_assert_int_eq(
        jea_mallctl("experimental.prof_recent.alloc_max", &any, &len, NULL, 0),
        ENOENT);
}

END_TEST

START_TEST(test_recent_without_a_writer_is_a_message)
{
    stderr_capture_t c;
    const target_t to = {NULL, NULL};
    keep(jea_malloc(777));
    stderr_begin(&c);
    int err = dump_to(&to);
    const char *said = stderr_end(&c);
    ck_assert_int_eq(err, 0);
    ck_assert_ptr_nonnull(strstr(said, "\"size\":777"));
}

END_TEST

START_TEST(test_recent_of_a_child_goes_on)
{
    void *p = jea_malloc(100);
    pid_t child = fork();
    if (child == 0) {
        jea_free(p);
        keep(jea_malloc(200));
        expect_sizes((const size_t[]){100, 200}, 2);
        _exit(0);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    expect_sizes((const size_t[]){100}, 1);
    /* one whose lock was held */
    os_mutex_lock(prof_recent_mutex());
    os_mutex_rank_reset();
    prof_recent_fork_child();
    expect_sizes(NULL, 0);
    jea_free(p);
    keep(jea_malloc(300));
    expect_sizes((const size_t[]){GATHER_SIZE, 300}, 2);
}

END_TEST

START_TEST(test_recent_without_memory_keeps_fewer)
{
    ck_assert_int_eq(set_max(-1), 0);
    for (unsigned i = 0; i < 1000; i++) {
        jea_free(jea_malloc(100));
        /* once all ways of being served, which stacks tell apart here, are
         * known */
        while (i == 9 && prof_table_alloc(64) != NULL) {
        }
    }
    json_t *list, *all = dumped(&list);
    ck_assert_uint_eq(json_array_size(list), 64);
    json_decref(all);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("prof_recent");
    TCase *tc = tcase_create("prof_recent");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_recent_keeps_the_last_ones_in_order);
    tcase_add_test(tc, test_recent_says_who_allocated_and_who_freed);
    tcase_add_test(tc, test_recent_takes_a_resize_for_a_free_and_an_allocation);
    tcase_add_test(tc, test_recent_maximum_can_be_changed);
    tcase_add_test(tc, test_recent_goes_with_the_samples);
    tcase_add_test(tc, test_recent_refuses_what_it_cannot_do);
    tcase_add_test(tc, test_recent_without_a_writer_is_a_message);
    tcase_add_test(tc, test_recent_of_a_child_goes_on);
    tcase_add_test(tc, test_recent_without_memory_keeps_fewer);
    suite_add_tcase(s, tc);
    return util_run(s);
}
