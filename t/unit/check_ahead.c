/* Lines that a thread reads ahead are those that come without one. */
#include "base/macros.h"

#include "dump/ahead.h"

#include "t/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static reader_t *reader;
static repairer_t *repairer;
static ahead_t *ahead;
static struct jep_error error;

static const char dots[] = "......................................"
                           "......................................";

/* `count` lines: "line 1", "line 2", …, each behind `width` dots. */
static FILE *
lines_file(char *path, size_t count, int width)
{
    FILE *file;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    file = fdopen(fd, "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 1; i <= count; i++)
        ck_assert_int_gt(fprintf(file, "%.*s line %zu\n", width, dots, i), 0);
    return file;
}

static void
start(void)
{
    repairer = repair_new(reader, text_jemalloc.probe);
    ck_assert_ptr_nonnull(repairer);
    ahead = ahead_new(reader, repairer);
    ck_assert_ptr_nonnull(ahead);
}

static void
open_lines(const char *path)
{
    error = (struct jep_error){0};
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    unlink(path);
    start();
}

static void
close_lines(void)
{
    ahead_free(ahead);
    repair_free(repairer);
    reader_close(reader);
}

static size_t
threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    size_t count = 0;
    struct dirent *entry;

    ck_assert_ptr_nonnull(tasks);
    while ((entry = readdir(tasks)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static size_t
processors(void)
{
    cpu_set_t set;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    return (size_t)CPU_COUNT(&set);
}

/* Whether `line` is the one of that number in lines_file(). */
static void
is_line(const struct text_line *line, size_t number, int width)
{
    char wanted[128];

    ck_assert_ptr_nonnull(line);
    snprintf(wanted, sizeof(wanted), "%.*s line %zu", width, dots, number);
    ck_assert_str_eq(line->text, wanted);
    ck_assert_uint_eq(line->length, strlen(wanted));
    ck_assert_uint_eq(line->number, number);
    ck_assert(line->ended);
}

START_TEST(test_lines_of_a_large_file)
{
    char path[] = "/tmp/je-check-ahead.XXXXXX";
    const size_t count = 60000;
    const struct text_line *line;
    size_t most = 0, before = threads();

    fclose(lines_file(path, count, 70));
    open_lines(path);
    for (size_t i = 1; i <= count; i++) {
        ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
        is_line(line, i, 70);
        if (i % 5000 == 0 && threads() > most)
            most = threads();
    }
    ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
    ck_assert_ptr_null(line);
    ck_assert(!reader_is_long(reader));
    ck_assert_uint_eq(reader_line_number(reader), count);
    ck_assert_uint_eq(most, before + (processors() > 1));
    ck_assert_uint_eq(threads(), before);
    ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
    ck_assert_ptr_null(line);
    close_lines();
}

END_TEST

/* A small file needs none, and what is no file may be slow to come. */
START_TEST(test_no_thread)
{
    char path[] = "/tmp/je-check-ahead.XXXXXX";
    const struct text_line *line;
    size_t before = threads();
    int ends[2];

    fclose(lines_file(path, 10000, 70));
    open_lines(path);
    for (size_t i = 1; i <= 10000; i++) {
        ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
        is_line(line, i, 70);
    }
    ck_assert_uint_eq(threads(), before);
    close_lines();

    ck_assert_int_eq(pipe(ends), 0);
    close(ends[1]);
    ck_assert_int_eq(reader_open_fd(ends[0], &reader, &error), JEP_OK);
    ck_assert_uint_eq(reader_file_bytes(reader), 0);
    reader_close(reader);
}

END_TEST

/* A line that is too long ends the thread; those behind it are read after. */
START_TEST(test_long_line)
{
    char path[] = "/tmp/je-check-ahead.XXXXXX";
    const size_t count = 30000;
    FILE *file = lines_file(path, count, 70);
    const struct text_line *line;

    for (size_t i = 0; i < READER_LINE_MAX + 100; i++)
        fputc('x', file);
    fprintf(file, "\nbehind it\nno end");
    fclose(file);
    open_lines(path);
    for (size_t i = 1; i <= count; i++) {
        ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
        is_line(line, i, 70);
    }
    ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
    ck_assert_ptr_null(line);
    ck_assert(reader_is_long(reader));
    ck_assert_int_eq(reader_skip_line(reader, &error), JEP_OK);
    ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
    ck_assert_str_eq(line->text, "behind it");
    ck_assert_uint_eq(line->number, count + 2);
    ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
    ck_assert_str_eq(line->text, "no end");
    ck_assert(!line->ended);
    ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
    ck_assert_ptr_null(line);
    close_lines();
}

END_TEST

/* Lines of a mebibyte are whole, and those beside them are, too. */
START_TEST(test_lines_larger_than_a_batch)
{
    char path[] = "/tmp/je-check-ahead.XXXXXX";
    const struct text_line *line;
    FILE *file = lines_file(path, 0, 0);
    size_t length;

    for (size_t i = 0; i < 40; i++) {
        length = i % 2 == 0 ? READER_LINE_MAX - 1 - i : i;
        for (size_t k = 0; k < length; k++)
            fputc('a' + (int)(i % 20), file);
        fputc('\n', file);
    }
    fclose(file);
    open_lines(path);
    for (size_t i = 0; i < 40; i++) {
        length = i % 2 == 0 ? READER_LINE_MAX - 1 - i : i;
        ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
        ck_assert_ptr_nonnull(line);
        ck_assert_uint_eq(line->length, length);
        ck_assert_uint_eq(strlen(line->text), length);
        ck_assert_uint_eq(
            strspn(line->text, (char[]){(char)('a' + i % 20), '\0'}), length);
    }
    close_lines();
}

END_TEST

/* What goes wrong in the thread is said after the lines before it. */
START_TEST(test_error)
{
    char path[] = "/tmp/je-check-ahead.XXXXXX";
    const struct text_line *line;
    jep_status_t status = JEP_OK;
    int fd, folder = open("/", O_RDONLY);
    size_t count = 0;

    fclose(lines_file(path, 60000, 70));
    fd = open(path, O_RDONLY);
    unlink(path);
    error = (struct jep_error){.source = "a file"};
    ck_assert_int_eq(reader_open_fd(fd, &reader, &error), JEP_OK);
    start();
    for (;;) {
        status = ahead_line(ahead, &line, &error);
        if (line == NULL)
            break;
        is_line(line, ++count, 70);
        /* The file cannot be read any more. */
        if (count == 25000)
            ck_assert_int_eq(dup2(folder, fd), fd);
    }
    ck_assert_int_eq(status, JEP_ERR_IO);
    ck_assert_str_eq(error.source, "a file");
    ck_assert_str_eq(error.text, "cannot read: Is a directory");
    ck_assert_uint_ge(count, 25000);
    ck_assert_uint_lt(count, 60000);
    close(folder);
    close_lines();
}

END_TEST

/* Nobody wants the rest: after every so many lines. */
START_TEST(test_stops_early)
{
    size_t before = threads();

    for (size_t stop = 1; stop < 60000; stop += 7001) {
        char path[] = "/tmp/je-check-ahead.XXXXXX";
        const struct text_line *line;

        fclose(lines_file(path, 60000, 70));
        open_lines(path);
        for (size_t i = 1; i <= stop; i++) {
            ck_assert_int_eq(ahead_line(ahead, &line, &error), JEP_OK);
            is_line(line, i, 70);
        }
        close_lines();
        ck_assert_uint_eq(threads(), before);
    }
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("ahead");
    TCase *tcase = tcase_create("ahead");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_lines_of_a_large_file);
    tcase_add_test(tcase, test_no_thread);
    tcase_add_test(tcase, test_long_line);
    tcase_add_test(tcase, test_lines_larger_than_a_batch);
    tcase_add_test(tcase, test_error);
    tcase_add_test(tcase, test_stops_early);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
