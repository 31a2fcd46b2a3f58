/* Where lines end, and which of them may need a repair. */
#include "base/macros.h"

#include "dump/scan.h"

#include "t/util.h"

#include <string.h>

/* What scan.h says of each byte. */
static bool
is_mark(unsigned char c)
{
    return c >= 128 || c == '\0' || c == '\033' ||
           strchr("\\<>&,'B", (char)c) != NULL;
}

/* What is in front of the first line feed of `text`, or in all of it; *at: how
 * long that is. */
static unsigned
first_line(const char *text, size_t length, size_t *at)
{
    static struct scan_lines lines;
    size_t end;

    lines = (struct scan_lines){.count = 0};
    end = scan_lines(text, 0, length, &lines);
    *at = lines.count > 0 ? lines.ends[0] >> 1 : length;
    if (lines.count == 0 && end != length)
        ck_abort_msg("stopped at %zu of %zu", end, length);
    return lines.count == 0 ? lines.open : lines.ends[0] & SCAN_MARKED;
}

/* A single byte of every value at every place of every length. */
START_TEST(test_one_byte_in_a_line)
{
    for (size_t length = 0; length < 100; length++) {
        for (size_t at = 0; at < length; at++) {
            for (unsigned c = 0; c < 256; c++) {
                unsigned scan;
                char text[128];
                size_t found;

                memset(text, '5', sizeof(text));
                text[at] = (char)c;
                scan = first_line(text, length, &found);
                /* An assertion of Check costs more than all of that. */
                if (found != (c == '\n' ? at : length) ||
                    ((scan & SCAN_MARKED) != 0) != is_mark((unsigned char)c) ||
                    ((scan & SCAN_POINT) != 0) != (c == '.'))
                    ck_abort_msg("length %zu, byte %u at %zu", length, c, at);
            }
        }
    }
}

END_TEST

/* Nothing behind the line feed counts, and one point is no mark. */
START_TEST(test_end_and_points)
{
    for (size_t feed = 0; feed < 80; feed++) {
        for (size_t at = 0; at < 80; at++) {
            unsigned scan;
            char text[80];
            size_t end;

            memset(text, ' ', sizeof(text));
            text[at] = '<';
            text[feed] = '\n';
            scan = first_line(text, sizeof(text), &end);
            ck_assert_uint_eq(end, feed);
            ck_assert_int_eq((scan & SCAN_MARKED) != 0, at < feed);
            text[at] = '.';
            text[feed] = '.';
            scan = first_line(text, sizeof(text), &end);
            ck_assert_uint_eq(end, sizeof(text));
            ck_assert_int_eq((scan & SCAN_MARKED) != 0, at != feed);
        }
    }
}

END_TEST

/* Commas of text need no look, those of numbers do wherever they are. */
START_TEST(test_commas)
{
    for (size_t at = 1; at < 100; at++) {
        char text[128];
        size_t end;

        memset(text, '5', sizeof(text));
        text[at] = at % 2 == 0 ? ',' : '\'';
        ck_assert_uint_eq(first_line(text, sizeof(text), &end), SCAN_MARKED);
        text[at - 1] = 'e';
        ck_assert_uint_eq(first_line(text, sizeof(text), &end), 0);
    }
}

END_TEST

/* A line that comes in two parts is looked at as one. */
START_TEST(test_parts_of_a_line)
{
    static struct scan_lines lines;

    lines = (struct scan_lines){.count = 0};
    ck_assert_uint_eq(scan_lines("1.5 2.5\n", 0, 3, &lines), 3);
    ck_assert_uint_eq(lines.count, 0);
    ck_assert_uint_eq(lines.open, SCAN_POINT);
    ck_assert_uint_eq(scan_lines("1.5 2.5\n", 3, 8, &lines), 8);
    ck_assert_uint_eq(lines.count, 1);
    ck_assert_uint_eq(lines.ends[0], 7 << 1 | 1);
}

END_TEST

/* The place of each line feed, found bit by bit, and whether the line before
 * it has an angle bracket. */
static void
expect_lines(const char *text, size_t length, unsigned seed)
{
    static struct scan_lines lines;
    size_t start = 0, done = 0, found = 0;

    lines = (struct scan_lines){.count = 0};
    for (size_t at = 0; at < length; at++) {
        uint32_t wanted;

        if (text[at] != '\n')
            continue;
        if (found == lines.count) {
            found = lines.count = 0;
            done = scan_lines(text, done, length, &lines);
            ck_assert_msg(lines.count > 0, "seed %u: none at %zu", seed, at);
        }
        wanted = (uint32_t)at << 1;
        wanted |= memchr(text + start, '<', at - start) != NULL;
        if (lines.ends[found++] != wanted)
            ck_abort_msg("seed %u: %u instead of %u", seed,
                         lines.ends[found - 1], wanted);
        start = at + 1;
    }
    while (found == lines.count && done < length) {
        found = lines.count = 0;
        done = scan_lines(text, done, length, &lines);
    }
    ck_assert_uint_eq(found, lines.count);
}

/* Lines of all lengths, marked and not, more of them than are found at once. */
START_TEST(test_many_lines)
{
    static char text[64 * 1024];

    for (unsigned seed = 1; seed <= 200; seed++) {
        unsigned state = seed, rare = 1 + seed % 150;
        size_t length = sizeof(text) - seed;

        for (size_t i = 0; i < length; i++) {
            state = state * 1103515245u + 12345u;
            text[i] = 'x';
            if ((state >> 16) % rare == 0)
                text[i] = '\n';
            else if ((state >> 16) % 997 == 0)
                text[i] = '<';
        }
        expect_lines(text, length, seed);
    }
}

END_TEST

START_TEST(test_ink)
{
    char text[64];

    memset(text, ' ', sizeof(text));
    for (size_t at = 0; at < sizeof(text); at++) {
        text[at] = 'x';
        for (size_t length = 0; length <= sizeof(text); length++)
            ck_assert_uint_eq(scan_ink(text, length),
                              at < length ? UINT64_C(1) << at : 0);
        text[at] = at % 2 == 0 ? ' ' : '\t';
    }
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("scan");
    TCase *tcase = tcase_create("scan");

    tcase_add_test(tcase, test_one_byte_in_a_line);
    tcase_add_test(tcase, test_end_and_points);
    tcase_add_test(tcase, test_commas);
    tcase_add_test(tcase, test_parts_of_a_line);
    tcase_add_test(tcase, test_many_lines);
    tcase_add_test(tcase, test_ink);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
