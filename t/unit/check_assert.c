/*
 * base/assert.c: the formatter that needs no allocator, and the three strengths
 * of assertions.
 */
#include "base/assert.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/util.h"

/* The line that `speak` leaves on file descriptor 2; *signal is how it ended,
 * 0 if it came back. */
static const char *
spoken(void (*speak)(void), int *signal)
{
    static char line[1024];
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        speak();
        _exit(0);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], line, sizeof(line) - 1);
    ck_assert_int_ge(n, 0);
    line[n] = '\0';
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return line;
}

START_TEST(test_format_numbers_agree_with_libc)
{
    char ours[256], libc[256];
    const void *p = &p;
#define SAME(...)                                                              \
    do {                                                                       \
        je_format(ours, sizeof(ours), __VA_ARGS__);                            \
        snprintf(libc, sizeof(libc), __VA_ARGS__);                             \
        ck_assert_str_eq(ours, libc);                                          \
    } while (0)
    SAME("%d %d %i", 0, -7, 2147483647);
    SAME("%u %x", 4294967295u, 0xdeadbeefu);
    SAME("%ld %lu", INT64_MIN, UINT64_MAX);
    SAME("%lld %llu %llx", (long long)INT64_MIN, 1ULL << 63, 0xabcULL);
    SAME("%zu %zx %zd", SIZE_MAX, (size_t)16, (ssize_t)-16);
    SAME("%hd %hhu %hu", (short)-3, (unsigned char)200, (unsigned short)9);
    SAME("[%5d] [%05d] [%*u] [%2u]", 42, -42, 6, 7u, 12345u);
    SAME("%p", p);
    SAME("100%% %c%c", 'o', 'k');
#undef SAME
}

END_TEST

START_TEST(test_format_text_respects_precision)
{
    char buf[64];
    je_format(buf, sizeof(buf), "%.3s|%.*s|%s|", "abcdef", 2, "xyz", "");
    ck_assert_str_eq(buf, "abc|xy||");
    const char *volatile null = NULL;
    je_format(buf, sizeof(buf), "%s", null);
    ck_assert_str_eq(buf, "(null)");
}

END_TEST

START_TEST(test_format_long_text_is_cut_and_terminated)
{
    char buf[8];
    memset(buf, 'x', sizeof(buf));
    ck_assert_uint_eq(je_format(buf, 5, "%s", "abcdefgh"), 4);
    ck_assert_str_eq(buf, "abcd");
    ck_assert_int_eq(buf[5], 'x');
    ck_assert_uint_eq(je_format(buf, 1, "%d", 12), 0);
    ck_assert_str_eq(buf, "");
    ck_assert_uint_eq(je_format(buf, 0, "%d", 12), 0);
}

END_TEST

static void
speak_warning(void)
{
    je_warn("size %zu of %s", (size_t)12, "it");
}

static void
speak_long_warning(void)
{
    char text[2000];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    je_warn("%s", text);
}

static void
speak_fatal(void)
{
    je_fatal("double free of %p", (void *)0x10);
}

static void
speak_check(void)
{
    int volatile x = 3;
    je_check_op(x, <=, 2);
}

static void
speak_assert(void)
{
    int volatile x = 3;
    je_assert(x == 2);
}

static void
speak_slow(void)
{
    int volatile x = 3;
    je_assert_slow_op(x, ==, 2);
}

START_TEST(test_warn_prints_one_line_and_goes_on)
{
    int sig;
    ck_assert_str_eq(spoken(speak_warning, &sig), "jealloc: size 12 of it\n");
    ck_assert_int_eq(sig, 0);
    const char *line = spoken(speak_long_warning, &sig);
    ck_assert_uint_eq(strcspn(line, "\n"), strlen(line) - 1);
    ck_assert_int_eq(strncmp(line, "jealloc: aaa", 12), 0);
}

END_TEST

START_TEST(test_fatal_prints_one_line_and_aborts)
{
    int sig;
    ck_assert_str_eq(spoken(speak_fatal, &sig),
                     "jealloc: double free of 0x10\n");
    ck_assert_int_eq(sig, SIGABRT);
}

END_TEST

START_TEST(test_check_is_on_in_every_build)
{
    int sig;
    const char *line = spoken(speak_check, &sig);
    ck_assert_ptr_nonnull(strstr(line, "failed: x <= 2 (3 and 2)\n"));
    ck_assert_int_eq(sig, SIGABRT);
}

END_TEST

START_TEST(test_assert_follows_the_configuration)
{
    int sig;
    const char *line = spoken(speak_assert, &sig);
    ck_assert_int_eq(sig, je_config_debug >= 1 ? SIGABRT : 0);
    ck_assert(je_config_debug == 0 || strstr(line, "failed: x == 2\n") != NULL);
    line = spoken(speak_slow, &sig);
    ck_assert_int_eq(sig, je_config_debug >= 2 ? SIGABRT : 0);
    ck_assert(je_config_debug < 2 || strstr(line, "(3 and 2)\n") != NULL);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("assert");
    TCase *tcase = tcase_create("assert");
    tcase_add_test(tcase, test_format_numbers_agree_with_libc);
    tcase_add_test(tcase, test_format_text_respects_precision);
    tcase_add_test(tcase, test_format_long_text_is_cut_and_terminated);
    tcase_add_test(tcase, test_warn_prints_one_line_and_goes_on);
    tcase_add_test(tcase, test_fatal_prints_one_line_and_aborts);
    tcase_add_test(tcase, test_check_is_on_in_every_build);
    tcase_add_test(tcase, test_assert_follows_the_configuration);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
