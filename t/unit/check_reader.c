/* Bounded input: lines, blocks, compression, limits. */
#include "base/macros.h"

#include "dump/reader.h"

#include "t/util.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char path[] = "check_reader.tmp.XXXXXX";
static struct jep_error error;

static void
setup(void)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    error = (struct jep_error){0};
}

static void
teardown(void)
{
    unlink(path);
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
}

static reader_t *
open_with(const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    reader_t *reader;

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    fclose(file);
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    return reader;
}

static void
expect_line(reader_t *reader, const char *wanted, uint64_t number, bool ended)
{
    struct reader_line line;

    ck_assert_int_eq(reader_line(reader, &line, &error), JEP_OK);
    if (wanted == NULL) {
        ck_assert_ptr_null(line.text);
        return;
    }
    ck_assert_ptr_nonnull(line.text);
    ck_assert_str_eq(line.text, wanted);
    ck_assert_uint_eq(line.length, strlen(wanted));
    ck_assert_uint_eq(line.number, number);
    ck_assert_uint_eq(reader_line_number(reader), number);
    ck_assert_int_eq(line.ended, ended);
}

START_TEST(test_lines_of_all_endings)
{
    reader_t *reader = open_with("a\r\n\nb c\nend", 11);

    expect_line(reader, "a", 1, true);
    expect_line(reader, "", 2, true);
    expect_line(reader, "b c", 3, true);
    expect_line(reader, "end", 4, false);
    expect_line(reader, NULL, 0, false);
    expect_line(reader, NULL, 0, false);
    reader_close(reader);
}

END_TEST

START_TEST(test_nul_byte_reads_as_space)
{
    reader_t *reader = open_with("a\0b\0\nc\n", 7);

    expect_line(reader, "a b ", 1, true);
    expect_line(reader, "c", 2, true);
    reader_close(reader);
}

END_TEST

START_TEST(test_lines_across_chunks)
{
    size_t size = 5 * READER_CHUNK;
    char *data = malloc(size);
    struct reader_line line;
    reader_t *reader;
    size_t lines = 0, bytes = 0;

    for (size_t i = 0; i < size; i++)
        data[i] = i % 97 == 96 ? '\n' : 'x';
    reader = open_with(data, size);
    for (;;) {
        ck_assert_int_eq(reader_line(reader, &line, &error), JEP_OK);
        if (line.text == NULL)
            break;
        lines++;
        bytes += line.length + (line.ended ? 1 : 0);
        ck_assert(line.length == 96 || !line.ended);
    }
    ck_assert_uint_eq(bytes, size);
    ck_assert_uint_eq(lines, size / 97 + 1);
    reader_close(reader);
    free(data);
}

END_TEST

START_TEST(test_long_line_fits_up_to_limit)
{
    size_t size = READER_LINE_MAX;
    char *data = malloc(size);
    struct reader_line line;
    reader_t *reader;

    memset(data, 'x', size);
    data[size - 1] = '\n';
    reader = open_with(data, size);
    ck_assert_int_eq(reader_line(reader, &line, &error), JEP_OK);
    ck_assert_uint_eq(line.length, size - 1);
    reader_close(reader);
    free(data);
}

END_TEST

static void
expect_long(reader_t *reader)
{
    expect_line(reader, NULL, 0, false);
    ck_assert(reader_is_long(reader));
}

static void
expect_end(reader_t *reader)
{
    expect_line(reader, NULL, 0, false);
    ck_assert(!reader_is_long(reader));
}

static void
expect_skip(const reader_t *reader, size_t at, struct reader_skip wanted)
{
    size_t count;
    const struct reader_skip *skips = reader_skips(reader, &count);

    ck_assert_uint_lt(at, count);
    ck_assert_uint_eq(skips[at].line, wanted.line);
    ck_assert_uint_eq(skips[at].lines, wanted.lines);
    ck_assert_uint_eq(skips[at].bytes, wanted.bytes);
}

/* A file of `count` lines, each of `size` bytes and a line feed, between "a"
 * and "b"; plain or compressed. */
static reader_t *
open_long(size_t size, unsigned count, const char *mode)
{
    char *line = malloc(size + 1);
    gzFile file = gzopen(path, mode);
    reader_t *reader;

    memset(line, 'x', size);
    line[size] = '\n';
    gzputs(file, "a\n");
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(gzwrite(file, line, (unsigned)size + 1),
                         (int)size + 1);
    gzputs(file, "b\r\n");
    gzclose(file);
    free(line);
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    return reader;
}

/* 1: just too long, so that its line feed is the next byte to be read. */
static const size_t long_sizes[] = {READER_LINE_MAX, READER_LINE_MAX + 1,
                                    5 * READER_LINE_MAX + 77};

START_TEST(test_longer_line_is_skipped)
{
    size_t size = long_sizes[_i / 2];
    reader_t *reader = open_long(size, 1, _i % 2 == 0 ? "wbT" : "wb");
    struct reader_line line;
    const char *data;
    size_t length;

    expect_line(reader, "a", 1, true);
    expect_long(reader);
    /* It stays where it is until then. */
    expect_long(reader);
    ck_assert_int_eq(reader_peek(reader, &data, &length, &error), JEP_OK);
    ck_assert_uint_eq(length, READER_CHUNK);
    ck_assert_int_eq(data[0], 'x');
    ck_assert_uint_eq(reader_line_number(reader), 1);
    ck_assert_int_eq(reader_skip_line(reader, &error), JEP_OK);
    ck_assert_uint_eq(reader_line_number(reader), 2);
    ck_assert_int_eq(reader_line(reader, &line, &error), JEP_OK);
    ck_assert_str_eq(line.text, "b");
    ck_assert(line.returned);
    expect_end(reader);
    expect_skip(reader, 0, (struct reader_skip){2, 1, size});
    reader_close(reader);
}

END_TEST

START_TEST(test_skipped_line_may_have_no_end)
{
    size_t size = 3 * READER_LINE_MAX;
    char *data = malloc(size);
    reader_t *reader;

    memset(data, 'x', size);
    data[0] = '\n';
    reader = open_with(data, size);
    expect_line(reader, "", 1, true);
    expect_long(reader);
    ck_assert_int_eq(reader_skip_line(reader, &error), JEP_OK);
    expect_end(reader);
    expect_skip(reader, 0, (struct reader_skip){2, 1, size - 1});
    reader_close(reader);
    free(data);
}

END_TEST

/* What is noted of them is bounded, too. */
START_TEST(test_many_skipped_lines_are_summed)
{
    size_t size = READER_LINE_MAX + 9;
    unsigned lines = READER_SKIPS_MAX + 3;
    reader_t *reader = open_long(size, lines, "wb");
    size_t count;

    expect_line(reader, "a", 1, true);
    for (unsigned i = 0; i < lines; i++) {
        expect_long(reader);
        ck_assert_int_eq(reader_skip_line(reader, &error), JEP_OK);
    }
    expect_line(reader, "b", lines + 2, true);
    (void)reader_skips(reader, &count);
    ck_assert_uint_eq(count, READER_SKIPS_MAX);
    expect_skip(reader, 0, (struct reader_skip){2, 1, size});
    expect_skip(reader, READER_SKIPS_MAX - 1,
                (struct reader_skip){READER_SKIPS_MAX + 1, 4, 4 * size});
    reader_close(reader);
}

END_TEST

/* As JSON does that breaks off in a long line. */
START_TEST(test_rest_of_a_long_line_is_skipped)
{
    size_t size = 2 * READER_LINE_MAX, length;
    reader_t *reader = open_long(size, 1, "wbT");
    const char *data;

    expect_line(reader, "a", 1, true);
    expect_long(reader);
    ck_assert_int_eq(reader_block(reader, &data, &length, &error), JEP_OK);
    ck_assert_uint_eq(length, READER_LINE_MAX);
    reader_unread(reader, 100, 2);
    expect_long(reader);
    ck_assert_int_eq(reader_skip_line(reader, &error), JEP_OK);
    expect_line(reader, "b", 3, true);
    expect_skip(reader, 0,
                (struct reader_skip){2, 1, size - READER_LINE_MAX + 100});
    reader_close(reader);
}

END_TEST

START_TEST(test_peek_consumes_nothing)
{
    reader_t *reader = open_with("hello\nyou\n", 10);
    const char *data;
    size_t length;

    ck_assert_int_eq(reader_peek(reader, &data, &length, &error), JEP_OK);
    ck_assert_uint_eq(length, 10);
    ck_assert_int_eq(memcmp(data, "hello", 5), 0);
    expect_line(reader, "hello", 1, true);
    ck_assert_int_eq(reader_block(reader, &data, &length, &error), JEP_OK);
    ck_assert_uint_eq(length, 4);
    ck_assert_int_eq(memcmp(data, "you\n", 4), 0);
    ck_assert_int_eq(reader_block(reader, &data, &length, &error), JEP_OK);
    ck_assert_uint_eq(length, 0);
    reader_close(reader);
}

END_TEST

START_TEST(test_gzip_is_unpacked)
{
    gzFile file = gzopen(path, "wb");
    reader_t *reader;

    ck_assert_int_gt(gzputs(file, "packed\nlines\n"), 0);
    gzclose(file);
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    expect_line(reader, "packed", 1, true);
    expect_line(reader, "lines", 2, true);
    expect_line(reader, NULL, 0, false);
    reader_close(reader);
}

END_TEST

/* Lines of all lengths, more than are in memory at once: line i is its number
 * and as many letters as this. */
#define LARGE_LINES 20000u

static size_t
large_length(unsigned i)
{
    size_t length = i * 2654435761u >> 8 & 0xff;

    return i % 2500 == 2499 ? 1100 * length + i % 64 : length;
}

static void
write_large(const char *mode)
{
    gzFile file = gzopen(path, mode);
    char *letters = malloc((size_t)1 << 19);

    ck_assert_ptr_nonnull(file);
    for (unsigned i = 0; i < LARGE_LINES; i++) {
        size_t length = large_length(i);

        memset(letters, (int)('a' + i % 26), length);
        letters[length] = '\n';
        gzprintf(file, "%u ", i);
        ck_assert_int_eq(gzwrite(file, letters, (unsigned)length + 1),
                         (int)length + 1);
    }
    gzclose(file);
    free(letters);
}

/* Line i, whole. */
static void
expect_large(const char *text, size_t length, unsigned i)
{
    size_t letters = large_length(i), number;
    char start[16];

    number = (size_t)snprintf(start, sizeof(start), "%u ", i);
    ck_assert_uint_eq(length, number + letters);
    ck_assert_int_eq(memcmp(text, start, number), 0);
    for (size_t k = 0; k < letters; k++)
        ck_assert(text[number + k] == (char)('a' + i % 26));
}

static void
expect_large_lines(reader_t *reader, unsigned from, unsigned to)
{
    struct reader_line line;

    for (unsigned i = from; i < to; i++) {
        ck_assert_int_eq(reader_line(reader, &line, &error), JEP_OK);
        ck_assert_ptr_nonnull(line.text);
        ck_assert_uint_eq(line.number, i + 1);
        ck_assert(line.ended);
        ck_assert_int_eq(line.text[line.length], '\0');
        expect_large(line.text, line.length, i);
    }
}

static const char *const modes[] = {"wbT", "wb1"};

START_TEST(test_large_file_has_all_its_lines)
{
    reader_t *reader;

    write_large(modes[_i]);
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    expect_large_lines(reader, 0, LARGE_LINES);
    expect_end(reader);
    ck_assert_ptr_null(reader_damage(reader));
    reader_close(reader);
}

END_TEST

/* What was found in a run is gone, the rest is not. */
START_TEST(test_large_file_by_runs)
{
    reader_t *reader;
    struct reader_run run;
    unsigned i = 0, in_runs = 0;

    write_large(modes[_i]);
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    while (i < LARGE_LINES) {
        expect_large_lines(reader, i, i + 1);
        i++;
        reader_run_begin(reader, &run);
        ck_assert_uint_eq(run.number, i);
        for (unsigned n = i % 7; n > 0 && run.ends < run.last; n--) {
            size_t end = *run.ends++ >> 1;

            expect_large(run.buffer + run.start, end - run.start, i);
            run.start = end + 1;
            run.number = ++i;
            in_runs++;
        }
        reader_run_end(reader, &run);
        ck_assert_uint_eq(reader_line_number(reader), i);
    }
    ck_assert_uint_gt(in_runs, LARGE_LINES / 2);
    expect_end(reader);
    reader_close(reader);
}

END_TEST

/* Blocks between lines, of which most are given back. */
START_TEST(test_large_file_by_blocks_and_lines)
{
    reader_t *reader;
    unsigned i = 0, blocks = 0;

    write_large(modes[_i]);
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    while (i < LARGE_LINES) {
        const char *data, *feed;
        size_t length;

        expect_large_lines(reader, i, i + 1);
        i++;
        if (i % 5 != 0 || i == LARGE_LINES)
            continue;
        ck_assert_int_eq(reader_peek(reader, &data, &length, &error), JEP_OK);
        ck_assert_int_eq(strtol(data, NULL, 10), (long)i);
        ck_assert_int_eq(reader_block(reader, &data, &length, &error), JEP_OK);
        feed = memchr(data, '\n', length);
        if (feed != NULL) {
            expect_large(data, (size_t)(feed - data), i++);
            blocks++;
        }
        length -= feed == NULL ? 0 : (size_t)(feed + 1 - data);
        reader_unread(reader, length, i + 1);
    }
    ck_assert_uint_gt(blocks, LARGE_LINES / 10);
    expect_end(reader);
    reader_close(reader);
}

END_TEST

/* A line that no piece has room for, of which the buffer's end leaves little of
 * the piece that it comes from. */
START_TEST(test_peek_sees_much_behind_a_long_line)
{
    size_t size = (size_t)2 << 20, start = 3 * 131072 - 100, length;
    char *data = malloc(size);
    reader_t *reader;
    const char *seen;

    memset(data, 'x', size);
    for (size_t at = 115; at < start; at += 1000)
        data[at] = '\n';
    data[start - 1] = '\n';
    memset(data + start + 250000, 'y', size - start - 250000);
    data[start + 249999] = '\n';
    reader = open_with(data, size);
    do {
        struct reader_line line;

        ck_assert_int_eq(reader_line(reader, &line, &error), JEP_OK);
        ck_assert_int_eq(reader_peek(reader, &seen, &length, &error), JEP_OK);
        ck_assert_uint_eq(length, READER_CHUNK);
    } while (*seen != 'y');
    reader_close(reader);
    free(data);
}

END_TEST

/* Far from where it was read to: nobody waits for the rest. */
START_TEST(test_large_file_may_be_left)
{
    reader_t *reader;

    write_large("wbT");
    for (unsigned lines = 1; lines < 5000; lines += 499) {
        ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
        expect_large_lines(reader, 0, lines);
        reader_close(reader);
    }
}

END_TEST

/* 5000 numbers, compressed, of which only `size` bytes are there. */
static reader_t *
open_cut_gzip(off_t size, char damage)
{
    gzFile file = gzopen(path, "wb");
    reader_t *reader;
    FILE *plain;

    for (int i = 0; i < 5000; i++)
        gzprintf(file, "%d\n", i * 7919);
    gzclose(file);
    if (size > 0) {
        ck_assert_int_eq(truncate(path, size), 0);
    } else {
        plain = fopen(path, "r+");
        ck_assert_int_eq(fseek(plain, 9000, SEEK_SET), 0);
        for (int i = 0; i < 64; i++)
            fputc(damage, plain);
        fclose(plain);
    }
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    return reader;
}

/* Every whole line is right; returns how many. */
static int
expect_numbers(reader_t *reader)
{
    struct reader_line line;

    for (int i = 0;; i++) {
        ck_assert_int_eq(reader_line(reader, &line, &error), JEP_OK);
        if (line.text == NULL)
            return i;
        if (line.ended)
            ck_assert_int_eq(strtol(line.text, NULL, 10), i * 7919);
    }
}

START_TEST(test_cut_gzip_reads_as_far_as_it_goes)
{
    reader_t *reader = open_cut_gzip(5000, 0);
    int lines = expect_numbers(reader);

    /* Deflate makes these digits about half as long. */
    ck_assert_int_gt(lines, 500);
    ck_assert_int_lt(lines, 5000);
    ck_assert_ptr_nonnull(strstr(reader_damage(reader), "has no end"));
    reader_close(reader);
}

END_TEST

START_TEST(test_damaged_gzip_reads_up_to_there)
{
    reader_t *reader = open_cut_gzip(0, '\xff');

    ck_assert_int_gt(expect_numbers(reader), 100);
    ck_assert_ptr_nonnull(strstr(reader_damage(reader), "is damaged"));
    reader_close(reader);
}

END_TEST

/* The same far into a file. */
START_TEST(test_cut_large_gzip_reads_as_far_as_it_goes)
{
    gzFile file = gzopen(path, "wb");
    reader_t *reader;
    int lines;

    for (int i = 0; i < 200000; i++)
        gzprintf(file, "%d\n", i * 7919);
    gzclose(file);
    ck_assert_int_eq(truncate(path, 400000), 0);
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    lines = expect_numbers(reader);
    ck_assert_int_gt(lines, 60000);
    ck_assert_int_lt(lines, 200000);
    ck_assert_ptr_nonnull(strstr(reader_damage(reader), "has no end"));
    reader_close(reader);
}

END_TEST

/* Not a byte of data in it: nothing to go on with. */
START_TEST(test_gzip_header_alone_is_an_error)
{
    reader_t *reader = open_cut_gzip(12, 0);
    struct reader_line line;

    ck_assert_int_eq(reader_line(reader, &line, &error), JEP_ERR_IO);
    reader_close(reader);
}

END_TEST

START_TEST(test_no_file_and_directory_are_errors)
{
    reader_t *reader;

    ck_assert_int_eq(reader_open("does/not/exist", &reader, &error),
                     JEP_ERR_IO);
    ck_assert_ptr_null(reader);
    ck_assert_ptr_nonnull(strstr(error.text, "No such file"));
    error = (struct jep_error){0};
    ck_assert_int_eq(reader_open(".", &reader, &error), JEP_ERR_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "directory"));
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("reader");
    TCase *tcase = tcase_create("reader");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_lines_of_all_endings);
    tcase_add_test(tcase, test_nul_byte_reads_as_space);
    tcase_add_test(tcase, test_lines_across_chunks);
    tcase_add_test(tcase, test_long_line_fits_up_to_limit);
    tcase_add_loop_test(tcase, test_large_file_has_all_its_lines, 0,
                        (int)JE_ARRAY_LEN(modes));
    tcase_add_loop_test(tcase, test_large_file_by_runs, 0,
                        (int)JE_ARRAY_LEN(modes));
    tcase_add_loop_test(tcase, test_large_file_by_blocks_and_lines, 0,
                        (int)JE_ARRAY_LEN(modes));
    tcase_add_test(tcase, test_peek_sees_much_behind_a_long_line);
    tcase_add_test(tcase, test_large_file_may_be_left);
    tcase_add_test(tcase, test_cut_large_gzip_reads_as_far_as_it_goes);
    tcase_add_loop_test(tcase, test_longer_line_is_skipped, 0,
                        2 * (int)JE_ARRAY_LEN(long_sizes));
    tcase_add_test(tcase, test_skipped_line_may_have_no_end);
    tcase_add_test(tcase, test_many_skipped_lines_are_summed);
    tcase_add_test(tcase, test_rest_of_a_long_line_is_skipped);
    tcase_add_test(tcase, test_peek_consumes_nothing);
    tcase_add_test(tcase, test_gzip_is_unpacked);
    tcase_add_test(tcase, test_cut_gzip_reads_as_far_as_it_goes);
    tcase_add_test(tcase, test_damaged_gzip_reads_up_to_there);
    tcase_add_test(tcase, test_gzip_header_alone_is_an_error);
    tcase_add_test(tcase, test_no_file_and_directory_are_errors);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
