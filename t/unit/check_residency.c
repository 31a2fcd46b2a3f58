/*
 * Residency: touched pages are seen where they are.
 */
#include "alloc/residency.h"

#include "alloc/malloc.h"
#include "alloc/procinfo_read.h"
#include "jealloc.h"

#include "t/util.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static residency_t
measure(void)
{
    residency_t r;
    ck_assert(residency_measure(&r));
    return r;
}

static void
assert_near(size_t got, size_t want, size_t slack)
{
    ck_assert_uint_ge(got + slack, want);
    ck_assert_uint_le(got, want + slack);
}

START_TEST(test_active_is_what_was_touched)
{
    ck_assert(je_boot());
    residency_t before = measure();
    char *p = jea_malloc(64 * MIB);
    ck_assert_ptr_nonnull(p);
    residency_t untouched = measure();
    memset(p, 1, 16 * MIB);
    residency_t touched = measure();
    assert_near(untouched.active, before.active, MIB);
    assert_near(touched.active, before.active + 16 * MIB, MIB);
    jea_free(p);
}

END_TEST

/* Linux before 6.7 cannot tell: see residency.c. */
static bool
knows_zero_pages(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;
    ck_assert_int_eq(uname(&name), 0);
    ck_assert_int_eq(sscanf(name.release, "%u.%u", &major, &minor), 2);
    return major > 6 || (major == 6 && minor >= 7);
}

START_TEST(test_zero_pages_are_not_resident)
{
    ck_assert(je_boot());
    volatile char *p = jea_calloc(64, MIB);
    ck_assert_ptr_nonnull((void *)(uintptr_t)p);
    residency_t before = measure();
    size_t sum = 0;
    for (size_t i = 0; i < 64 * MIB; i += 4096) {
        sum += (size_t)p[i];
    }
    ck_assert_uint_eq(sum, 0);
    residency_t after = measure();
    if (knows_zero_pages()) {
        assert_near(after.active, before.active, MIB / 4);
    }
}

END_TEST

START_TEST(test_freed_pages_are_dirty)
{
    ck_assert(je_boot());
    char *p = jea_malloc(32 * MIB);
    memset(p, 1, 32 * MIB);
    residency_t held = measure();
    jea_free(p);
    residency_t freed = measure();
    assert_near(freed.dirty, held.dirty + 32 * MIB, 2 * MIB);
    assert_near(freed.active + 32 * MIB, held.active, 2 * MIB);
}

END_TEST

START_TEST(test_other_memory_is_seen)
{
    ck_assert(je_boot());
    residency_t before = measure();
    char *p = mmap(NULL, 24 * MIB, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(p, MAP_FAILED);
    memset(p, 1, 8 * MIB);
    residency_t after = measure();
    assert_near(after.other_anonymous, before.other_anonymous + 8 * MIB,
                MIB / 4);
    assert_near(after.active, before.active, MIB / 4);
}

END_TEST

START_TEST(test_parts_add_up)
{
    ck_assert(je_boot());
    for (int i = 0; i < 20000; i++) {
        memset(jea_malloc(500), 1, 500);
    }
    proc_lines_t lines;
    uint64_t anonymous = 0;
    residency_t r = measure();
    ck_assert(proc_lines_open(&lines, "/proc/self/smaps_rollup"));
    for (char *line; (line = proc_lines_next(&lines)) != NULL;) {
        (void)proc_kib_field(line, "Anonymous:", &anonymous);
    }
    proc_lines_close(&lines);
    assert_near(r.active + r.dirty + r.muzzy + r.retained + r.metadata +
                    r.other_anonymous,
                anonymous, MIB / 8);
}

END_TEST

/* Each state has an amount of its own. */
START_TEST(test_named_values)
{
    static const struct {
        const char *name;
        size_t at;
    } names[] = {
        {"active", offsetof(residency_t, active)},
        {"dirty", offsetof(residency_t, dirty)},
        {"muzzy", offsetof(residency_t, muzzy)},
        {"retained", offsetof(residency_t, retained)},
        {"metadata", offsetof(residency_t, metadata)},
        {"other_anonymous", offsetof(residency_t, other_anonymous)},
    };

    ck_assert(je_boot());
    char *p = jea_malloc(16 * MIB), *q = jea_malloc(8 * MIB);
    memset(p, 1, 16 * MIB);
    memset(q, 1, 8 * MIB);
    jea_free(q);
    residency_t r = measure();
    ck_assert_uint_ge(r.active, 16 * MIB);
    ck_assert_uint_ge(r.dirty, 8 * MIB);
    ck_assert_uint_gt(r.other_anonymous, r.metadata);
    for (unsigned i = 0; i < JE_ARRAY_LEN(names); i++) {
        char name[64];
        size_t value = 0, want, size = sizeof(value);
        (void)snprintf(name, sizeof(name), "jeprobe.residency.%s",
                       names[i].name);
        ck_assert_int_eq(jea_mallctl(name, &value, &size, NULL, 0), 0);
        memcpy(&want, (const char *)&r + names[i].at, sizeof(want));
        assert_near(value, want, 16384);
    }
    jea_free(p);
}

END_TEST

START_TEST(test_lines_survive_any_length)
{
    char name[] = "/tmp/je-check.XXXXXX";
    static char text[20000];
    int fd = mkstemp(name);
    memset(text, 'a', sizeof(text));
    memcpy(text, "one\n\n", 5);
    text[sizeof(text) - 4] = '\n';
    ck_assert_int_eq(write(fd, text, sizeof(text)), sizeof(text));
    close(fd);
    proc_lines_t r;
    ck_assert(proc_lines_open(&r, name));
    ck_assert_str_eq(proc_lines_next(&r), "one");
    ck_assert_str_eq(proc_lines_next(&r), "");
    size_t sum = 0;
    const char *line;
    for (line = proc_lines_next(&r); strcmp(line, "aaa") != 0;
         line = proc_lines_next(&r)) {
        sum += strlen(line);
    }
    ck_assert_uint_eq(sum, sizeof(text) - 9);
    ck_assert_ptr_null(proc_lines_next(&r));
    proc_lines_close(&r);
    unlink(name);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("residency");
    TCase *tc = tcase_create("residency");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_active_is_what_was_touched);
    tcase_add_test(tc, test_freed_pages_are_dirty);
    tcase_add_test(tc, test_zero_pages_are_not_resident);
    tcase_add_test(tc, test_other_memory_is_seen);
    tcase_add_test(tc, test_parts_add_up);
    tcase_add_test(tc, test_named_values);
    tcase_add_test(tc, test_lines_survive_any_length);
    suite_add_tcase(suite, tc);
    return util_run(suite);
}
