/*
 * cli/text.c and cli/out.c: what people read, and files that are replaced.
 */
#include "cli/text.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/out.h"
#include "t/util.h"

static char number[TEXT_NUMBER_MAX];

START_TEST(test_size_has_three_figures_or_the_unit_above)
{
    ck_assert_str_eq(text_size(number, 0), "0 B");
    ck_assert_str_eq(text_size(number, 1023), "1023 B");
    ck_assert_str_eq(text_size(number, 1024), "1.0 KiB");
    ck_assert_str_eq(text_size(number, 188 * 1024.0), "188 KiB");
    ck_assert_str_eq(text_size(number, 1048575), "1.0 MiB");
    ck_assert_str_eq(text_size(number, 84.1 * 1048576), "84.1 MiB");
    ck_assert_str_eq(text_size(number, 12686681360.0), "11.82 GiB");
    ck_assert_str_eq(text_size(number, 497.1 * (1 << 30)), "497.1 GiB");
    ck_assert_str_eq(text_size(number, -2048), "-2.0 KiB");
    ck_assert_str_eq(text_size(number, 0x1p64), "16.00 EiB");
}

END_TEST

/* Damaged dumps: no column is wide enough for all digits. */
START_TEST(test_absurd_numbers_stay_short)
{
    ck_assert_str_eq(text_size(number, 1e30), "1.0e+30 B");
    ck_assert_str_eq(text_size(number, -3e40), "-3.0e+40 B");
    ck_assert_str_eq(text_size(number, INFINITY), "inf B");
    ck_assert_str_eq(text_size(number, NAN), "?");
    ck_assert_str_eq(text_count(number, 999.4e15), "999 P");
    ck_assert_str_eq(text_count(number, 1e18), "1.0e+18");
    ck_assert_str_eq(text_duration(number, 1e300), "1.0e+300 s");
    ck_assert_str_eq(text_age(number, 99999 * 86400.0), "99999 d");
    ck_assert_str_eq(text_age(number, 1e9 * 86400), "1.0e+09 d");
    for (double x = 1; x < 1e300; x *= 3) {
        ck_assert_uint_le(strlen(text_size(number, x)), 11);
        ck_assert_uint_le(strlen(text_count(number, x)), 8);
    }
}

END_TEST

START_TEST(test_count_groups_then_shortens)
{
    ck_assert_str_eq(text_count(number, 0), "0");
    ck_assert_str_eq(text_count(number, 999), "999");
    ck_assert_str_eq(text_count(number, 1204), "1,204");
    ck_assert_str_eq(text_count(number, 123456), "123,456");
    ck_assert_str_eq(text_count(number, 999999), "999,999");
    ck_assert_str_eq(text_count(number, 999999.6), "1.00 M");
    ck_assert_str_eq(text_count(number, 1234567), "1.23 M");
    ck_assert_str_eq(text_count(number, 999.6e6), "1.00 G");
    ck_assert_str_eq(text_count(number, -123456), "-123,456");
}

END_TEST

START_TEST(test_duration_changes_units)
{
    ck_assert_str_eq(text_duration(number, 0.0041), "0.00 s");
    ck_assert_str_eq(text_duration(number, 9.99), "9.99 s");
    ck_assert_str_eq(text_duration(number, 12.4), "12.4 s");
    ck_assert_str_eq(text_duration(number, 99.96), "1 min 40 s");
    ck_assert_str_eq(text_duration(number, 3599.6), "1 h 0 min");
    ck_assert_str_eq(text_duration(number, 7800), "2 h 10 min");
}

END_TEST

/* A column of the table of sites has eight places for it. */
START_TEST(test_age_stays_narrow)
{
    ck_assert_str_eq(text_age(number, 0.83), "0.83 s");
    ck_assert_str_eq(text_age(number, 99.9), "99.9 s");
    ck_assert_str_eq(text_age(number, 122), "2.03 min");
    ck_assert_str_eq(text_age(number, 5997), "1.67 h");
    ck_assert_str_eq(text_age(number, 90000), "25.0 h");
    ck_assert_str_eq(text_age(number, 12 * 86400), "12.0 d");
    for (double seconds = 0.001; seconds < 999 * 86400.0; seconds *= 1.01)
        ck_assert_uint_le(strlen(text_age(number, seconds)), 8);
}

END_TEST

START_TEST(test_escape_lets_no_control_through)
{
    char text[256];
    text_escape(text, sizeof(text), "a\nb\tc\x1b[31m\x7f");
    ck_assert_str_eq(text, "a\\nb\\tc\\x1b[31m\\x7f");
    text_escape(text, sizeof(text),
                "\xc2\x9b"
                "1m");
    ck_assert_str_eq(text, "\\u{9b}1m");
    text_escape(text, sizeof(text), "caf\xc3\xa9 \xe2\x80\xae txt");
    ck_assert_str_eq(text, "caf\xc3\xa9 \\u{202e} txt");
}

END_TEST

START_TEST(test_escape_marks_what_is_not_utf8)
{
    char text[256];
    /* Alone, cut off, overlong, a surrogate, beyond the last character. */
    text_escape(text, sizeof(text), "\x80|\xe2\x82|\xc0\xaf|\xed\xa0\x80");
    ck_assert_str_eq(text, "\\x80|\\xe2\\x82|\\xc0\\xaf|\\xed\\xa0\\x80");
    text_escape(text, sizeof(text), "\xf4\x90\x80\x80");
    ck_assert_str_eq(text, "\\xf4\\x90\\x80\\x80");
}

END_TEST

START_TEST(test_escape_cuts_between_characters)
{
    char text[8];
    text_escape(text, sizeof(text), "abcdef\n");
    ck_assert_str_eq(text, "abcdef");
    text_escape(text, sizeof(text), "abcdef\xc3\xa9");
    ck_assert_str_eq(text, "abcdef");
    text_escape(text, 1, "a");
    ck_assert_str_eq(text, "");
}

END_TEST

START_TEST(test_quote_is_read_back_by_a_shell)
{
    char text[64];
    ck_assert_str_eq(text_quote(text, sizeof(text), "a-1.json"), "a-1.json");
    ck_assert_str_eq(text_quote(text, sizeof(text), ""), "''");
    ck_assert_str_eq(text_quote(text, sizeof(text), "a b"), "'a b'");
    ck_assert_str_eq(text_quote(text, sizeof(text), "it's"), "'it'\\''s'");
    ck_assert_str_eq(text_quote(text, sizeof(text), "$HOME"), "'$HOME'");
    /* What does not fit still ends with its quote. */
    ck_assert_str_eq(text_quote(text, 12, "a bcdefghijkl"), "'a bcdefgh'");
    /* What a message would escape is escaped for the shell. */
    ck_assert_str_eq(text_quote(text, sizeof(text), "a\nb c"), "$'a\\012b c'");
    ck_assert_str_eq(text_quote(text, sizeof(text), "\xff'\\\x1b"),
                     "$'\\377\\'\\\\\\033'");
    ck_assert_str_eq(text_quote(text, sizeof(text), "\xe2\x80\xae\xc3\xa4"),
                     "$'\\342\\200\\256\xc3\xa4'");
    ck_assert_str_eq(text_quote(text, 10, "\n\n\n"), "$'\\012'");
}

END_TEST

START_TEST(test_distance_counts_edits)
{
    ck_assert_uint_eq(text_distance("run", "run"), 0);
    ck_assert_uint_eq(text_distance("rnu", "run"), 1);
    ck_assert_uint_eq(text_distance("", "run"), 3);
    ck_assert_uint_eq(text_distance("report", "repot"), 1);
    ck_assert_uint_eq(text_distance("report", "deport"), 1);
    ck_assert_uint_eq(text_distance("kitten", "sitting"), 3);
    ck_assert(text_is_near("rnu", "run"));
    ck_assert(text_is_near("rep", "report"));
    ck_assert(!text_is_near("x", "run"));
    ck_assert(!text_is_near("top", "run"));
}

END_TEST

START_TEST(test_parse_size_takes_units)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"524288", 524288},
        {"512K", 524288},
        {"512k", 524288},
        {"512KiB", 524288},
        {"512Ki", 524288},
        {"7B", 7},
        {"1.5M", 1572864},
        {"2G", UINT64_C(1) << 31},
        {"1T", UINT64_C(1) << 40},
    };

    for (unsigned i = 0; i < JE_ARRAY_LEN(good); i++) {
        uint64_t bytes = 1234;
        ck_assert_ptr_null(text_parse_size(good[i].text, &bytes));
        ck_assert_uint_eq(bytes, good[i].bytes);
    }
}

END_TEST

START_TEST(test_parse_size_refuses_and_changes_nothing)
{
    static const char *const bad[] = {
        "",      "K",   "-1",
        "+1",    " 1",  "1 K",
        "1KB",   "1X",  "1e3",
        "0x1",   "1.",  ".5",
        "1.5.5", "1,5", "1KK",
        "8E",    "inf", "99999999999999999999999999999999999999G"};
    for (unsigned i = 0; i < JE_ARRAY_LEN(bad); i++) {
        uint64_t bytes = 1234;
        ck_assert_ptr_nonnull(text_parse_size(bad[i], &bytes));
        ck_assert_uint_eq(bytes, 1234);
    }
}

END_TEST

/* The whole of a small file. */
static const char *
contents(const char *path)
{
    static char text[256];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    return text;
}

static void
in_scratch(void)
{
    char dir[] = "/tmp/je-out.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static unsigned
files_here(void)
{
    DIR *here = opendir(".");
    unsigned n = 0;
    ck_assert_ptr_nonnull(here);
    while (readdir(here) != NULL)
        n++;
    closedir(here);
    return n - 2; /* . and .. */
}

START_TEST(test_out_replaces_a_file_when_complete)
{
    struct stat st;
    in_scratch();
    out_t *out = out_open("a");
    out_puts(out, "old");
    ck_assert_int_eq(out_close(out), 0);
    ck_assert_int_eq(chmod("a", 0640), 0);
    ck_assert_int_eq(symlink("a", "link"), 0);
    out = out_open("link");
    out_printf(out, "%s", "new");
    ck_assert_str_eq(contents("a"), "old");
    ck_assert_int_eq(out_close(out), 0);
    ck_assert_str_eq(contents("a"), "new");
    ck_assert_int_eq(lstat("link", &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    ck_assert_int_eq(stat("a", &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    ck_assert_uint_eq(files_here(), 2);
}

END_TEST

START_TEST(test_out_leaves_nothing_when_it_ends_early)
{
    in_scratch();
    pid_t pid = fork();
    if (pid == 0) {
        static out_t *volatile out; /* no leak when the leak checker looks */
        out = out_open("a");
        out_puts(out, "half");
        exit(3);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 3);
    ck_assert_uint_eq(files_here(), 0);
    pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_DFL); /* Check catches it */
        out_t *out = out_open("a");
        out_puts(out, "half");
        raise(SIGTERM);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    ck_assert_uint_eq(files_here(), 0);
}

END_TEST

START_TEST(test_out_reports_a_full_device)
{
    if (access("/dev/full", W_OK) != 0)
        return;
    out_t *out = out_open("/dev/full");
    ck_assert_uint_eq(out_width(out), 80);
    ck_assert(!out_is_colour(out) && !out_is_terminal(out));
    out_text(out, "x\n");
    ck_assert_int_eq(out_close(out), 4);
    ck_assert_int_eq(access("/dev/full", W_OK), 0);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("cli_text");
    TCase *tc = tcase_create("text");
    tcase_add_test(tc, test_size_has_three_figures_or_the_unit_above);
    tcase_add_test(tc, test_absurd_numbers_stay_short);
    tcase_add_test(tc, test_count_groups_then_shortens);
    tcase_add_test(tc, test_duration_changes_units);
    tcase_add_test(tc, test_age_stays_narrow);
    tcase_add_test(tc, test_escape_lets_no_control_through);
    tcase_add_test(tc, test_escape_marks_what_is_not_utf8);
    tcase_add_test(tc, test_escape_cuts_between_characters);
    tcase_add_test(tc, test_quote_is_read_back_by_a_shell);
    tcase_add_test(tc, test_distance_counts_edits);
    tcase_add_test(tc, test_parse_size_takes_units);
    tcase_add_test(tc, test_parse_size_refuses_and_changes_nothing);
    suite_add_tcase(suite, tc);
    tc = tcase_create("out");
    tcase_add_test(tc, test_out_replaces_a_file_when_complete);
    tcase_add_test(tc, test_out_leaves_nothing_when_it_ends_early);
    tcase_add_test(tc, test_out_reports_a_full_device);
    suite_add_tcase(suite, tc);
    return util_run(suite);
}
