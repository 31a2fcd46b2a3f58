/*
 * Owner labels: exact counts, whoever frees, and what becomes of labels when
 * objects move, threads end and processes fork.
 */
#include "alloc/label.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/special.h"
#include "alloc/tcache.h"
#include "jealloc.h"
#include "t/util.h"

static struct jea_label_figures
figures(unsigned label)
{
    struct jea_label_figures f;
    ck_assert(jea_label_figures(label, &f));
    return f;
}

static void
expect_live(unsigned label, uint64_t objects, uint64_t bytes)
{
    struct jea_label_figures f = figures(label);
    ck_assert_uint_eq(f.live_objects, objects);
    ck_assert_uint_eq(f.live_bytes, bytes);
}

static void
teardown(void)
{
    (void)jea_label_swap(0);
}

START_TEST(test_names)
{
    char longest[LABEL_NAME_MAX + 2];
    unsigned a = jea_label("a name"), b = jea_label("another");
    ck_assert_uint_ne(a, 0);
    ck_assert_uint_ne(a, b);
    ck_assert_uint_eq(jea_label("a name"), a);
    ck_assert_str_eq(jea_label_name(b), "another");
    ck_assert_uint_eq(jea_label(NULL), 0);
    ck_assert_uint_eq(jea_label(""), 0);
    ck_assert_ptr_null(jea_label_name(0));
    ck_assert_ptr_null(jea_label_name(LABEL_LIMIT));
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    errno = 0;
    ck_assert_uint_eq(jea_label(longest), 0);
    ck_assert_int_eq(errno, ENAMETOOLONG);
    longest[LABEL_NAME_MAX] = '\0';
    ck_assert_uint_ne(jea_label(longest), 0);
    struct jea_label_figures f;
    ck_assert(!jea_label_figures(LABEL_LIMIT - 1, &f));
}

END_TEST

START_TEST(test_labels_nest)
{
    unsigned outer = jea_label("outer"), inner = jea_label("inner");
    ck_assert_uint_eq(jea_label_swap(outer), 0);
    void *p = jea_malloc(100);
    unsigned before = jea_label_set("inner");
    ck_assert_uint_eq(before, outer);
    void *q = jea_malloc(200);
    ck_assert_uint_eq(jea_label_swap(before), inner);
    void *r = jea_malloc(100);
    (void)jea_label_swap(0);
    void *s = jea_malloc(100); /* nobody's */
    expect_live(outer, 2, 2 * 112);
    expect_live(inner, 1, 224);
    jea_free(p);
    jea_free(q);
    jea_free(r);
    jea_free(s);
    expect_live(outer, 0, 0);
    expect_live(inner, 0, 0);
    ck_assert_uint_eq(figures(outer).total_objects, 2);
    ck_assert_uint_eq(figures(inner).total_bytes, 224);
    /* numbers that stand for nothing are no label */
    (void)jea_label_swap(LABEL_LIMIT - 2);
    ck_assert_uint_eq(jea_label_swap(0), 0);
}

END_TEST

/* Every way to allocate, at sizes around the borders of the paths. */
START_TEST(test_every_way_counts)
{
    static const size_t sizes[] = {1,     8,     1000,    14336,  14337,
                                   32768, 40000, 1 << 20, 5 << 20};
    unsigned label = jea_label("ways");
    uint64_t bytes = 0;
    void *p[JE_ARRAY_LEN(sizes)][5];
    (void)jea_label_swap(label);
    for (size_t i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        p[i][0] = jea_malloc(sizes[i]);
        p[i][1] = jea_calloc(1, sizes[i]);
        p[i][2] = jea_aligned_alloc(64, sizes[i]);
        p[i][3] = jea_mallocx(sizes[i], JEA_TCACHE_NONE);
        ck_assert_int_eq(jea_posix_memalign(&p[i][4], 8192, sizes[i]), 0);
        for (size_t k = 0; k < 5; k++) {
            bytes += jea_malloc_usable_size(p[i][k]);
        }
    }
    (void)jea_label_swap(0);
    expect_live(label, 5 * JE_ARRAY_LEN(sizes), bytes);
    for (size_t i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        jea_free(p[i][0]);
        jea_free_sized(p[i][1], sizes[i]);
        jea_free_aligned_sized(p[i][2], 64, sizes[i]);
        jea_dallocx(p[i][3], JEA_TCACHE_NONE);
        jea_free(p[i][4]);
    }
    expect_live(label, 0, 0);
    ck_assert_uint_eq(figures(label).total_bytes, bytes);
}

END_TEST

START_TEST(test_realloc_goes_to_whom_it_is_for)
{
    unsigned first = jea_label("first"), second = jea_label("second");
    (void)jea_label_swap(first);
    void *small = jea_malloc(100), *large = jea_malloc(100000);
    (void)jea_label_swap(second);
    small = jea_realloc(small, 1000);   /* moves */
    large = jea_realloc(large, 120000); /* may stay */
    expect_live(first, 0, 0);
    expect_live(second, 2,
                jea_malloc_usable_size(small) + jea_malloc_usable_size(large));
    void *same = jea_realloc(small, 1001); /* of the same class: untouched */
    ck_assert_ptr_eq(same, small);
    (void)jea_label_swap(0);
    large = jea_realloc(large, 60000); /* nobody's now */
    expect_live(second, 1, jea_malloc_usable_size(small));
    jea_free(small);
    jea_free(large);
    expect_live(second, 0, 0);
}

END_TEST

/* A slab without labelled objects knows nothing of them, and one that goes back
 * forgets. */
START_TEST(test_slabs_are_marked_only_if_need_be)
{
    void *plain = jea_mallocx(3000, JEA_TCACHE_NONE);
    extent_t *e = emap_extent((uintptr_t)plain);
    ck_assert_ptr_null(e->labels);
    /* unless it is being sampled in earnest, as one in 170 is */
    ck_assert(emap_class(plain) != 0 || special_is_marked(e, plain));
    (void)jea_label_set("slabs");
    void *p = jea_mallocx(3000, JEA_TCACHE_NONE);
    (void)jea_label_swap(0);
    e = emap_extent((uintptr_t)p);
    ck_assert_ptr_nonnull(e->labels);
    ck_assert_uint_eq(label_of(e, p), jea_label("slabs"));
    ck_assert_uint_eq(emap_class(p), 0);
    jea_free(plain);
    jea_free(p);
    ck_assert_uint_eq(label_of(e, p), 0);
    /* what is handed out again without a label has none */
    void *again[64];
    for (size_t i = 0; i < JE_ARRAY_LEN(again); i++) {
        again[i] = jea_malloc(3000);
        ck_assert_uint_eq(label_of(emap_extent((uintptr_t)again[i]), again[i]),
                          0);
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(again); i++) {
        jea_free(again[i]);
    }
    expect_live(jea_label("slabs"), 0, 0);
}

END_TEST

/* ---- threads ----------------------------------------------------------- */

enum { THREADS = 8, LABELS = 1000, OBJECTS = 20000, SLOTS = 4096 };

static void *slots[SLOTS]; /* of all threads: exchanged atomically */
static uint64_t expected_live[LABELS], expected_total[LABELS];
static uint64_t expected_objects[LABELS];
static unsigned numbers[LABELS];

/* Which of LABELS an object is of is written into it. */
static void *
exchange_objects(void *arg)
{
    uint64_t state = (uintptr_t)arg * 7919 + 1;
    for (unsigned i = 0; i < OBJECTS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        unsigned r = (unsigned)(state >> 33), of = r % LABELS;
        size_t size = 4 + (r >> 3) % (r % 97 == 0 ? 100000 : 2000);
        (void)jea_label_swap(numbers[of]);
        uint32_t *p = jea_malloc(size);
        *p = of;
        size_t usable = jea_malloc_usable_size(p);
        __atomic_fetch_add(&expected_live[of], usable, __ATOMIC_RELAXED);
        __atomic_fetch_add(&expected_total[of], usable, __ATOMIC_RELAXED);
        __atomic_fetch_add(&expected_objects[of], 1, __ATOMIC_RELAXED);
        uint32_t *old =
            __atomic_exchange_n(&slots[(r >> 5) % SLOTS], p, __ATOMIC_ACQ_REL);
        if (old != NULL) {
            __atomic_fetch_sub(&expected_live[*old],
                               jea_malloc_usable_size(old), __ATOMIC_RELAXED);
            jea_free(old);
        }
    }
    return NULL;
}

static void
expect_all(void)
{
    uint64_t sum = 0, live = 0;
    for (unsigned i = 0; i < LABELS; i++) {
        struct jea_label_figures f = figures(numbers[i]);
        ck_assert_uint_eq(f.live_bytes, expected_live[i]);
        ck_assert_uint_eq(f.total_bytes, expected_total[i]);
        ck_assert_uint_eq(f.total_objects, expected_objects[i]);
        sum += f.live_bytes;
        live += f.live_objects;
    }
    uint64_t bytes = 0, objects = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        bytes += slots[i] != NULL ? jea_malloc_usable_size(slots[i]) : 0;
        objects += slots[i] != NULL;
    }
    ck_assert_uint_eq(sum, bytes);
    ck_assert_uint_eq(live, objects);
}

START_TEST(test_sums_are_exact)
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < LABELS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "service:%08x", i);
        numbers[i] = jea_label(name);
    }
    /* twice: the second round's threads take over the first one's counters */
    for (unsigned round = 0; round < 2; round++) {
        for (uintptr_t i = 0; i < THREADS; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, exchange_objects,
                                            (void *)(i + round * 100)),
                             0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        }
        expect_all();
    }
    ck_assert_uint_eq(label_dropped(), 0);
    for (unsigned i = 0; i < SLOTS; i++) {
        jea_free(slots[i]);
        slots[i] = NULL;
    }
    memset(expected_live, 0, sizeof(expected_live));
    expect_all();
}

END_TEST

START_TEST(test_child_counts_on)
{
    unsigned label = jea_label("forked");
    int status = 1;
    (void)jea_label_swap(label);
    void *p = jea_malloc(5000), *q = jea_malloc(5000);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct jea_label_figures f;
        jea_free(p);
        void *r = jea_malloc(100000);
        _exit(r != NULL && jea_label_figures(label, &f) &&
                      f.live_objects == 2 &&
                      f.live_bytes == 5120 + jea_malloc_usable_size(r)
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    expect_live(label, 2, 2 * 5120);
    jea_free(p);
    jea_free(q);
}

END_TEST

/* ---- where they show --------------------------------------------------- */

static char printed[1 << 16];

static void
take_text(void *opaque, const char *text)
{
    (void)opaque;
    size_t have = strlen(printed);
    if (have + strlen(text) < sizeof(printed)) {
        memcpy(printed + have, text, strlen(text) + 1);
    }
}

START_TEST(test_named_values)
{
    const char *name;
    size_t size = sizeof(name);
    char text[64];
    uint64_t bytes = 0;
    (void)jea_label_set("by name");
    ck_assert_int_eq(jea_mallctl("thread.label", &name, &size, NULL, 0), 0);
    ck_assert_str_eq(name, "by name");
    name = "written";
    ck_assert_int_eq(
        jea_mallctl("thread.label", NULL, NULL, &name, sizeof(name)), 0);
    void *p = jea_malloc(100);
    unsigned label = jea_label_swap(0);
    ck_assert_str_eq(jea_label_name(label), "written");

    static const struct {
        const char *what;
        uint64_t value;
    } figures[] = {{"live_bytes", 112},
                   {"live_objects", 1},
                   {"total_bytes", 112},
                   {"total_objects", 1}};

    size = sizeof(bytes);
    for (size_t i = 0; i < JE_ARRAY_LEN(figures); i++) {
        snprintf(text, sizeof(text), "jeprobe.labels.%u.%s", label,
                 figures[i].what);
        ck_assert_int_eq(jea_mallctl(text, &bytes, &size, NULL, 0), 0);
        ck_assert_uint_eq(bytes, figures[i].value);
    }
    snprintf(text, sizeof(text), "jeprobe.labels.%u.live_bytes",
             LABEL_LIMIT - 1);
    ck_assert_int_eq(jea_mallctl(text, &bytes, &size, NULL, 0), ENOENT);
    jea_malloc_stats_print(take_text, NULL, "gmablxeh");
    ck_assert_ptr_nonnull(strstr(printed, "Labels:"));
    ck_assert_ptr_nonnull(strstr(printed, "  written\n"));
    printed[0] = '\0';
    jea_malloc_stats_print(take_text, NULL, "Jgmablxeh");
    ck_assert_ptr_nonnull(strstr(printed,
                                 "{\"label\":\"written\",\"live_bytes\":112,"
                                 "\"live_objects\":1,\"total_bytes\":112,"
                                 "\"total_objects\":1}"));
    jea_free(p);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("label");
    TCase *tc = tcase_create("label");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_names);
    tcase_add_test(tc, test_labels_nest);
    tcase_add_test(tc, test_every_way_counts);
    tcase_add_test(tc, test_realloc_goes_to_whom_it_is_for);
    tcase_add_test(tc, test_slabs_are_marked_only_if_need_be);
    tcase_add_test(tc, test_sums_are_exact);
    tcase_add_test(tc, test_child_counts_on);
    tcase_add_test(tc, test_named_values);
    suite_add_tcase(s, tc);
    return util_run(s);
}
