/* Reading and analysing with each allocation failing in turn.
 *
 * The linker sends the library's allocations through the functions below. The
 * first attempt fails the first of them, the next the second and so on, until
 * an attempt succeeds; each failure must be a clean "out of memory" that
 * leaves nothing behind. */
#include "base/macros.h"

#include "jeprobe.h"

#include "t/util.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned long fail_at, calls; /* fail_at 0: none fails */

static bool
fails(void)
{
    return ++calls == fail_at;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

static jep_status_t
notes_of(const struct jep_several_view *view)
{
    struct jep_note *notes;
    size_t count;
    jep_status_t status = jep_notes(view->moments, view->count, &notes, &count);

    free(notes);
    return status;
}

/* Each report, and all of them beside each other. */
static jep_status_t
attempt_all(const jep_dumps_t *dumps, const struct jep_options *options,
            struct jep_error *error)
{
    jep_several_t *several = jep_several_new();
    jep_status_t status = several != NULL ? JEP_OK : JEP_ERR_MEMORY;

    snprintf(error->text, sizeof(error->text), "several");
    for (size_t i = 0; status == JEP_OK && i < jep_dumps_count(dumps); i++) {
        jep_report_t *report;

        status = jep_report_new(dumps, i, options, &report, error);
        if (status != JEP_OK)
            break;
        status = jep_several_add(several, report);
        jep_report_free(report);
    }
    if (status == JEP_OK)
        status = jep_several_close(several, JEP_SEVERAL_AUTO);
    if (status == JEP_OK)
        status = notes_of(jep_several_view(several));
    jep_several_free(several);
    return status;
}

/* Read and analyse `path` with allocation `n` failing; no assertion in here,
 * because Check allocates as well. */
static jep_status_t
attempt(const char *path, bool with_symbols, unsigned long n,
        struct jep_error *error)
{
    const struct jep_options options = {.symbols = with_symbols};
    jep_dumps_t *dumps;
    jep_status_t status;

    calls = 0;
    fail_at = n;
    status = jep_read(path, &dumps, error);
    if (status == JEP_OK)
        status = attempt_all(dumps, &options, error);
    jep_dumps_free(dumps);
    fail_at = 0;
    return status;
}

static void
torture(const char *path)
{
    struct jep_error error;
    jep_status_t status = JEP_ERR_MEMORY;
    unsigned long n;

    for (n = 1; status != JEP_OK; n++) {
        ck_assert_msg(n < 100000, "%s: no end", path);
        /* Symbol tables are optional and hide a failure: without them. */
        status = attempt(path, false, n, &error);
        if (status == JEP_OK) {
            ck_assert_msg(calls < n, "%s: failure %lu was not noticed", path,
                          n);
            break;
        }
        ck_assert_msg(status == JEP_ERR_MEMORY, "%s, failure %lu: %s", path, n,
                      error.text);
        ck_assert_msg(error.text[0] != '\0', "%s: no text", path);
    }
    printf("# %s: %lu allocations\n", path, n - 1);
}

START_TEST(test_each_allocation_may_fail)
{
    const char *top = getenv("top_srcdir");
    char folder[PATH_MAX], path[2 * PATH_MAX];
    unsigned files = 0;
    struct dirent *entry;
    DIR *dir;

    snprintf(folder, sizeof(folder), "%s/t/parse/valid",
             top != NULL ? top : ".");
    dir = opendir(folder);
    ck_assert_msg(dir != NULL, "no %s", folder);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s/input", folder, entry->d_name);
        torture(path);
        files++;
    }
    closedir(dir);
    ck_assert_uint_gt(files, 5);
}

END_TEST

/* Names are resolved in libraries that allocate by themselves; a failure on
 * our side must still be clean. */
START_TEST(test_symbols_without_memory)
{
    const char *top = getenv("top_srcdir");
    struct jep_error error;
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/t/parse/valid/jeprobe-full/input",
             top != NULL ? top : ".");
    for (unsigned long n = 1; n < 400; n++) {
        jep_status_t status = attempt(path, true, n, &error);

        ck_assert_msg(status == JEP_OK || status == JEP_ERR_MEMORY,
                      "failure %lu: %s", n, error.text);
    }
}

END_TEST

/* Looking at ourselves: our files are there and can be read. */
START_TEST(test_doctor_without_memory)
{
    jep_status_t status = JEP_ERR_MEMORY;

    for (unsigned long n = 1; status != JEP_OK; n++) {
        struct jep_error error;
        jep_doctor_t *doctor;

        ck_assert_uint_lt(n, 100000);
        calls = 0;
        fail_at = n;
        status = jep_doctor_new("/", (uint64_t)getpid(), &doctor, &error);
        fail_at = 0;
        if (status == JEP_OK) {
            jep_doctor_free(doctor);
            ck_assert_msg(calls < n, "failure %lu was not noticed", n);
            break;
        }
        ck_assert_msg(status == JEP_ERR_MEMORY, "failure %lu: %s", n,
                      error.text);
        ck_assert_msg(error.text[0] != '\0', "no text");
        ck_assert_ptr_null(doctor);
    }
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("torture");
    TCase *tcase = tcase_create("torture");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_each_allocation_may_fail);
    tcase_add_test(tcase, test_symbols_without_memory);
    tcase_add_test(tcase, test_doctor_without_memory);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
