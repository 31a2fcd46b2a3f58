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

/* A single byte of every value at every place of every length. */
START_TEST(test_one_byte_in_a_line)
{
    for (size_t length = 0; length < 100; length++) {
        for (size_t at = 0; at < length; at++) {
            for (unsigned c = 0; c < 256; c++) {
                struct scan scan = {false, false};
                char text[128];
                size_t found;

                memset(text, '5', sizeof(text));
                text[at] = (char)c;
                found = scan_line(text, length, &scan);
                /* An assertion of Check costs more than all of that. */
                if (found != (c == '\n' ? at : length) ||
                    scan.is_marked != is_mark((unsigned char)c) ||
                    scan.has_point != (c == '.'))
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
            struct scan scan = {false, false};
            char text[80];

            memset(text, ' ', sizeof(text));
            text[at] = '<';
            text[feed] = '\n';
            ck_assert_uint_eq(scan_line(text, sizeof(text), &scan), feed);
            ck_assert_int_eq(scan.is_marked, at < feed);
            text[at] = '.';
            text[feed] = '.';
            scan = (struct scan){false, false};
            ck_assert_uint_eq(scan_line(text, sizeof(text), &scan),
                              sizeof(text));
            ck_assert_int_eq(scan.is_marked, at != feed);
        }
    }
}

END_TEST

/* Commas of text need no look, those of numbers do wherever they are. */
START_TEST(test_commas)
{
    for (size_t at = 1; at < 100; at++) {
        struct scan scan = {false, false};
        char text[128];

        memset(text, '5', sizeof(text));
        text[at] = at % 2 == 0 ? ',' : '\'';
        (void)scan_line(text, sizeof(text), &scan);
        ck_assert(scan.is_marked);
        scan = (struct scan){false, false};
        text[at - 1] = 'e';
        (void)scan_line(text, sizeof(text), &scan);
        ck_assert(!scan.is_marked || at % 16 == 0);
    }
}

END_TEST

/* A line that comes in two parts is looked at as one. */
START_TEST(test_parts_of_a_line)
{
    struct scan scan = {false, false};

    ck_assert_uint_eq(scan_line("1.5", 3, &scan), 3);
    ck_assert(!scan.is_marked);
    ck_assert_uint_eq(scan_line(" 2.5\n", 5, &scan), 4);
    ck_assert(scan.is_marked);
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
    tcase_add_test(tcase, test_ink);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
