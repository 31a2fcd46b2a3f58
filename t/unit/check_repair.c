/* Lines as the readers see them, after the repair of what logs, terminals and
 * wikis made of them. */
#include "base/macros.h"

#include "dump/repair.h"
#include "dump/repair_clean.h"
#include "dump/repair_prefix.h"

#include "t/util.h"

#include <string.h>
#include <unistd.h>

#define BEGIN "___ Begin jemalloc statistics ___"

/* What the lines of a text became: "stream|line" each. */
static char result[65536];
static unsigned repairs;
static int json_stream = -1; /* which is of JSON; -1 = none */

static void
repair(const char *text, size_t length)
{
    char path[] = "/tmp/je-check-repair.XXXXXX";
    struct jep_error error = {0};
    struct text_line line;
    size_t at = 0;
    repairer_t *repairer;
    reader_t *reader;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
    close(fd);
    ck_assert_int_eq(reader_open(path, &reader, &error), JEP_OK);
    unlink(path);
    repairer = repair_new(reader, text_jemalloc.probe);
    ck_assert_ptr_nonnull(repairer);
    if (json_stream >= 0)
        repair_set_json(repairer, (unsigned)json_stream, true);
    repairs = 0;
    result[0] = '\0';
    for (;;) {
        ck_assert_int_eq(repair_line(repairer, &line, &error), JEP_OK);
        if (line.text == NULL)
            break;
        ck_assert_uint_eq(strlen(line.text), line.length);
        ck_assert_uint_lt(line.stream, TEXT_STREAMS);
        at += (size_t)snprintf(result + at, sizeof(result) - at, "%u|%s%s\n",
                               line.stream, line.text,
                               line.restarts ? " (restarts)" : "");
        ck_assert_uint_lt(at, sizeof(result));
        repairs |= line.repairs;
    }
    repair_free(repairer);
    reader_close(reader);
}

static void
becomes(const char *text, const char *wanted, unsigned how)
{
    repair(text, strlen(text));
    ck_assert_str_eq(result, wanted);
    ck_assert_msg(repairs == how, "repairs of '%s' are %x, not %x", text,
                  repairs, how);
}

#define BIT(name) (1u << REPAIR_##name)

START_TEST(test_plain_lines_stay)
{
    static const char plain[] =
        BEGIN "\n"
              "Version: \"5.3.0-0-gabc\"\n"
              "  opt.prof_prefix: \"a\\nb, 1,234 <x> & 'y'\"\n"
              "arenas[0]:\n"
              "\n"
              "                   8   0        4752      0.992\n"
              "[1..6]\n"
              "                     ---\n";

    /* But for the separator: a number is a number. */
    becomes(plain,
            "0|" BEGIN "\n"
            "0|Version: \"5.3.0-0-gabc\"\n"
            "0|  opt.prof_prefix: \"a\\nb, 1234 <x> & 'y'\"\n"
            "0|arenas[0]:\n"
            "0|\n"
            "0|                   8   0        4752      0.992\n"
            "0|[1..6]\n"
            "0|                     ---\n",
            BIT(SEPARATORS));
}

END_TEST

START_TEST(test_prefix_is_learnt_from_one_line)
{
    /* What came before that line comes again; lines of others stay. */
    becomes("Jan  9 23:59:59 h app[7]: hello\n"
            "Jan  9 23:59:59 h app[7]: " BEGIN "\n"
            "Jan 10 00:00:00 h app[7]:   opt.narenas: 4\n"
            "Jan 10 00:00:00 h sshd[9]: session\n"
            "Jan 10 00:00:01 h app[7]:\n"
            "arenas[0]:\n",
            "0|Jan  9 23:59:59 h app[7]: hello\n"
            "0|hello\n"
            "0|" BEGIN "\n"
            "0|  opt.narenas: 4\n"
            "0|Jan 10 00:00:00 h sshd[9]: session\n"
            "0|\n"
            "0|arenas[0]:\n",
            BIT(PREFIX));
}

END_TEST

START_TEST(test_prefix_before_fragments)
{
    becomes("12:00:01.5 INFO m - Allocated: 1, active: 2, metadata: 3\n"
            "12:00:02.5 INFO m - active: 2\n",
            "0|Allocated: 1, active: 2, metadata: 3\n"
            "0|active: 2\n",
            BIT(PREFIX));
}

END_TEST

/* The first line says too little to be sure where it begins. */
START_TEST(test_lines_before_the_prefix_is_known)
{
    becomes("12:00:01 m - hello\n"
            "12:00:01 m - <jemalloc>: Invalid conf pair: x:1\n"
            "12:00:02 m - ___ Begin jemalloc statistics ___\n"
            "12:00:03 m - Version: 1\n",
            "0|12:00:01 m - hello\n"
            "0|12:00:01 m - <jemalloc>: Invalid conf pair: x:1\n"
            "0|hello\n"
            "0|<jemalloc>: Invalid conf pair: x:1\n"
            "0|___ Begin jemalloc statistics ___\n"
            "0|Version: 1\n",
            BIT(PREFIX));
}

END_TEST

START_TEST(test_lines_are_numbered)
{
    becomes("     1\tArena 0:\n"
            "     2\tAllocated: 1, active: 2, metadata: 3\n"
            "    10\t   8 9\n",
            "0|     1\tArena 0:\n"
            "0|Arena 0:\n"
            "0|Allocated: 1, active: 2, metadata: 3\n"
            "0|   8 9\n",
            BIT(PREFIX));
    becomes("1:Arena 0:\n"
            "2:Allocated: 1, active: 2, metadata: 3\n"
            "113:x\n",
            "0|1:Arena 0:\n"
            "0|Arena 0:\n"
            "0|Allocated: 1, active: 2, metadata: 3\n"
            "0|x\n",
            BIT(PREFIX));
}

END_TEST

START_TEST(test_numbers_of_a_prefix)
{
    char text[] = "2024-05-01T10:00:00.1Z p-1 [77] ";
    struct text_line line = {.text = text};
    struct prefix prefix;
    size_t end;

    /* A time may differ, another number is of another process. */
    ck_assert(prefix_learn(&prefix, &line, 32, 0));
    ck_assert_int_eq(
        prefix_match(&prefix, "2024-06-11T9:01:00.12Z p-1 [77] x", 33, 0, &end),
        PREFIX_SAME);
    ck_assert_uint_eq(end, 32);
    ck_assert_int_eq(
        prefix_match(&prefix, "2024-05-01T10:00:00.1Z p-1 [78] x", 33, 0, &end),
        PREFIX_OTHER);
    ck_assert_int_eq(
        prefix_match(&prefix, "2024-05-01T10:00:00.1Z q-1 [77] x", 33, 0, &end),
        PREFIX_NONE);
    ck_assert_int_eq(
        prefix_match(&prefix, "2024-05-01T10:00:00.1Z p-1 [77] x", 33, 1, &end),
        PREFIX_NONE);
    /* Until a line shows that it is not. */
    prefix_widen(&prefix, "2024-05-01T10:00:00.1Z p-1 [78] x", 33);
    ck_assert_int_eq(
        prefix_match(&prefix, "2024-05-01T10:00:00.1Z p-1 [79] x", 33, 0, &end),
        PREFIX_SAME);
    /* The blanks behind the last one are content. */
    ck_assert_int_eq(prefix_match(&prefix,
                                  "2024-05-01T10:00:00.1Z p-1 [79]   x", 35, 0,
                                  &end),
                     PREFIX_SAME);
    ck_assert_uint_eq(end, 32);
    /* A line may end before it. */
    ck_assert_int_eq(
        prefix_match(&prefix, "2024-05-01T10:00:00.1Z p-1 [79]", 31, 0, &end),
        PREFIX_SAME);
    ck_assert_uint_eq(end, 31);
}

END_TEST

/* Something of one process stands between the lines of another, before its own
 * dump begins: at first that looks like a counter. */
START_TEST(test_streams_after_a_message)
{
    becomes("h app[2]: " BEGIN "\n"
            "h app[1]: Allocated: 1, active: 2, metadata: 3\n"
            "h app[2]: Version: 2\n"
            "h app[1]: " BEGIN "\n"
            "h app[2]: Arenas: 2\n"
            "h app[1]: Arenas: 1\n",
            "0|" BEGIN "\n"
            "1|Allocated: 1, active: 2, metadata: 3\n"
            "0|Version: 2\n"
            "1|" BEGIN "\n"
            "0|Arenas: 2\n"
            "1|Arenas: 1\n",
            BIT(PREFIX) | BIT(STREAMS));
    /* One process all the same: its numbers never come back. */
    becomes("1# " BEGIN "\n"
            "2# Allocated: 1, active: 2, metadata: 3\n"
            "3# a\n4# b\n5# c\n6# d\n7# e\n8# f\n9# g\n"
            "10# " BEGIN "\n",
            "0|" BEGIN "\n"
            "0|Allocated: 1, active: 2, metadata: 3\n"
            "0|a\n0|b\n0|c\n0|d\n0|e\n0|f\n0|g\n"
            "0|" BEGIN "\n",
            BIT(PREFIX));
}

END_TEST

/* The numbers come back after each other: what came of app[1] before it was
 * known is read when it is. */
START_TEST(test_streams_from_their_midst)
{
    becomes("app[1]: Page size: 1\n"
            "app[2]: " BEGIN "\n"
            "app[1]: Quantum size: 1\n"
            "app[2]: Version: 2\n"
            "app[1]: Allocated: 1, active: 2, metadata: 3\n"
            "app[2]: a\n"
            "app[2]: b\n"
            "app[1]: c\n",
            "0|app[1]: Page size: 1\n"
            "0|" BEGIN "\n"
            "0|app[1]: Quantum size: 1\n"
            "0|Version: 2\n"
            "1|Page size: 1\n"
            "1|Quantum size: 1\n"
            "1|Allocated: 1, active: 2, metadata: 3\n"
            "0|a\n"
            "0|b\n"
            "1|c\n",
            BIT(PREFIX) | BIT(STREAMS));
    /* In the objects of a log, too, where they have no prefix. */
    becomes("{\"log\":\"Quantum size: 1\",\"pid\":1}\n"
            "{\"log\":\"" BEGIN "\",\"pid\":2}\n"
            "{\"log\":\"Page size: 1\",\"pid\":1}\n"
            "{\"log\":\"Arenas: 2\",\"pid\":2}\n"
            "{\"log\":\"Allocated: 1, active: 2, metadata: 3\",\"pid\":1}\n",
            "0|\n"
            "0|" BEGIN "\n"
            "0|\n"
            "0|Arenas: 2\n"
            "1|Quantum size: 1\n"
            "1|Page size: 1\n"
            "1|Allocated: 1, active: 2, metadata: 3\n",
            BIT(LOG) | BIT(STREAMS));
}

END_TEST

/* Numbers that come back, but each document is behind several of them: of a
 * processor, or the time since the line before. */
START_TEST(test_numbers_that_come_back)
{
    becomes("app cpu0 " BEGIN "\n"
            "app cpu1 Arenas: 1\n"
            "app cpu0 Version: 1\n"
            "app cpu1 Allocated: 1, active: 2, metadata: 3\n"
            "app cpu2 arenas[0]:\n"
            "app cpu0 a\n",
            "0|" BEGIN "\n"
            "0|Arenas: 1\n"
            "0|Version: 1\n"
            "0|Allocated: 1, active: 2, metadata: 3\n"
            "0|arenas[0]:\n"
            "0|a\n",
            BIT(PREFIX));
    /* Where a log begins amid one of them, too. */
    becomes("app cpu1 Arenas: 1\n"
            "app cpu0 Allocated: 1, active: 2, metadata: 3\n"
            "app cpu1 --- End jemalloc statistics ---\n"
            "app cpu0 " BEGIN "\n"
            "app cpu1 Arenas: 1\n"
            "app cpu0 a\n",
            "0|app cpu1 Arenas: 1\n"
            "0|Arenas: 1\n"
            "0|Allocated: 1, active: 2, metadata: 3\n"
            "0|--- End jemalloc statistics ---\n"
            "0|" BEGIN "\n"
            "0|Arenas: 1\n"
            "0|a\n",
            BIT(PREFIX));
    /* Documents without a marker, each with its own first line. */
    becomes("w 1: Allocated: 1, active: 2, metadata: 3\n"
            "w 2: Allocated: 7, active: 8, metadata: 9\n"
            "w 1: arenas[0]:\n"
            "w 2: arenas[0]:\n",
            "0|Allocated: 1, active: 2, metadata: 3\n"
            "1|Allocated: 7, active: 8, metadata: 9\n"
            "0|arenas[0]:\n"
            "1|arenas[0]:\n",
            BIT(PREFIX) | BIT(STREAMS));
}

END_TEST

START_TEST(test_streams)
{
    becomes("a[1]: " BEGIN "\n"
            "a[2]: " BEGIN "\n"
            "a[2]: opt.narenas: 2\n"
            "a[1]: opt.narenas: 1\n"
            "a[3]: request served\n",
            "0|" BEGIN "\n"
            "1|" BEGIN "\n"
            "1|opt.narenas: 2\n"
            "0|opt.narenas: 1\n"
            "0|a[3]: request served\n",
            BIT(PREFIX) | BIT(STREAMS));
}

END_TEST

START_TEST(test_streams_start_again_beyond_the_last)
{
    char text[4096] = "";
    size_t at = 0;

    for (int i = 0; i <= TEXT_STREAMS; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "p[%d]: " BEGIN "\n", 100 + i);
    repair(text, at);
    ck_assert_ptr_nonnull(strstr(result, "\n7|" BEGIN "\n"));
    ck_assert_ptr_nonnull(strstr(result, "\n0|" BEGIN " (restarts)\n"));
    /* With the first line, if that is known only from a later one. */
    for (int i = 0; i < TEXT_STREAMS; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "q[%d]: " BEGIN "\n", 100 + i);
    (void)snprintf(text + at, sizeof(text) - at,
                   "q[109]: Page size: 1\n"
                   "q[109]: Allocated: 1, active: 2, metadata: 3\n");
    repair(text, strlen(text));
    ck_assert_ptr_nonnull(strstr(result, "|Page size: 1 (restarts)\n"));
    ck_assert_ptr_null(
        strstr(result, "|Allocated: 1, active: 2, metadata: 3 (restarts)"));
}

END_TEST

START_TEST(test_counter_before_each_line)
{
    becomes("9: " BEGIN "\n10: opt.narenas: 4\n11:   8   0\n",
            "0|" BEGIN "\n0|opt.narenas: 4\n0|  8   0\n", BIT(PREFIX));
}

END_TEST

START_TEST(test_json_lines)
{
    becomes("{\"log\":\"" BEGIN "\\n\",\"stream\":\"stderr\",\"time\":\"x1\"}\n"
            "{\"time\":\"x2\", \"stream\":\"stderr\", \"log\" : \"a \\\"b\\\" "
            "\\u003c \\u00e9\\n\"}\n"
            "{\"log\":\"\"}\n"
            "{\"level\":\"info\"}\n"
            "{\"log\":\"cut\n",
            "0|" BEGIN "\n"
            "0|a \"b\" < é\n"
            "0|\n"
            "0|{\"level\":\"info\"}\n"
            "0|cut\n",
            BIT(LOG));
}

END_TEST

START_TEST(test_escaped_lines)
{
    becomes("\"" BEGIN "\\nVersion: \\\"5\\\"\\r\\n\\tx\\n\"\n",
            "0|" BEGIN "\n0|Version: \"5\"\n0|\tx\n0|\n", BIT(ESCAPES));
    /* Escaped twice, and with the byte that starts a colour. */
    becomes(BEGIN "\\\\n\\\\u001b[1mVersion\\\\u001b[0m: 5\\\\n\n",
            "0|" BEGIN "\n0|Version: 5\n0|\n", BIT(ESCAPES) | BIT(COLOUR));
    /* One alone may be a path. */
    becomes("c:\\new folder\n", "0|c:\\new folder\n", 0);
}

END_TEST

START_TEST(test_quotes)
{
    becomes("> > " BEGIN "\n>> x\n>\n >y\n", "0|" BEGIN "\n0|x\n0|\n0|y\n",
            BIT(QUOTE));
}

END_TEST

START_TEST(test_markup)
{
    becomes("<pre>" BEGIN "\n"
            "Version: &quot;5&quot; &lt;b&gt; &amp;amp; <int> <CMD OK>\n"
            "a<br/>b<BR>c</code></pre>\n",
            "0|" BEGIN "\n"
            "0|Version: \"5\" <b> &amp; <int> <CMD OK>\n"
            "0|a\n0|b\n0|c\n",
            BIT(MARKUP));
}

END_TEST

static void
cleans(const char *text, const char *wanted, unsigned how)
{
    char buffer[1024];
    unsigned done = 0;
    size_t length = strlen(text);

    memcpy(buffer, text, length + 1);
    length = clean_text(buffer, length, &done);
    length = clean_groups(buffer, length, &done);
    ck_assert_str_eq(buffer, wanted);
    ck_assert_uint_eq(length, strlen(wanted));
    ck_assert_msg(done == how, "'%s': %x, not %x", text, done, how);
}

/* Commas are separators in the text of one process while another one writes
 * JSON, whoever wrote the line before. */
START_TEST(test_separators_beside_json)
{
    static const char text[] = "w 1: " BEGIN "\n"
                               "w 2: " BEGIN "\n"
                               "w 1: Allocated: 1,000\n"
                               "w 2: 1,000\n"
                               "w 2: 1,000\n"
                               "w 1: Allocated: 1,000\n";
    static const char wanted[] = "0|" BEGIN "\n"
                                 "1|" BEGIN "\n"
                                 "0|Allocated: 1000\n"
                                 "1|1,000\n"
                                 "1|1,000\n"
                                 "0|Allocated: 1000\n";

    json_stream = 1;
    repair(text, sizeof(text) - 1);
    json_stream = -1;
    ck_assert_str_eq(result, wanted);
}

END_TEST

START_TEST(test_separators)
{
    cleans("mapped:  1,028,784,128", "mapped:  1028784128", BIT(SEPARATORS));
    cleans("12,345 6'789 (1.234.567) 1,000,", "12345 6789 (1234567) 1000,",
           BIT(SEPARATORS));
    cleans("a 1\302\240028\342\200\257784 b", "a 1028784 b", BIT(SEPARATORS));
    /* These are no groups. */
    cleans("1,23 1,2345 1234,567 0.992 1.234 x1,234 1, 234 10.0.0.100",
           "1,23 1,2345 1234,567 0.992 1.234 x1,234 1, 234 10.0.0.100", 0);
}

END_TEST

START_TEST(test_colours)
{
    cleans("\033[1;31mred\033[0m \033]0;title\007x\033(By\033", "red xBy",
           BIT(COLOUR));
    cleans("cut \033[1;3", "cut ", BIT(COLOUR));
}

END_TEST

START_TEST(test_characters)
{
    cleans("\357\273\277a\302\240b \342\200\234c\342\200\235 \342\200\230d",
           "a b \"c\" 'd", BIT(CHARACTERS));
    /* Others stay, and so does what is no UTF-8. */
    cleans("\303\251 \345\267\246 \377 \342\200",
           "\303\251 \345\267\246 \377 "
           "\342\200",
           0);
}

END_TEST

START_TEST(test_first_lines_that_are_logs)
{
    static const char *const logs[] = {
        "{\"log\":\"x\"}", " {\"ts\":1,\"msg\":\"x\"}",
        "{\"status\":0,\"result\":\"" BEGIN "\\n"};
    static const char *const dumps[] = {"{\"jemalloc\":{\"version\":\"5\"}}",
                                        "{", "[", "",
                                        "{\"jeprobe\":{\"schema\":1}}"};

    for (size_t i = 0; i < JE_ARRAY_LEN(logs); i++)
        ck_assert_msg(repair_is_log(logs[i], strlen(logs[i])), "%s", logs[i]);
    for (size_t i = 0; i < JE_ARRAY_LEN(dumps); i++)
        ck_assert_msg(!repair_is_log(dumps[i], strlen(dumps[i])), "%s",
                      dumps[i]);
}

END_TEST

START_TEST(test_every_repair_has_words)
{
    for (enum repair i = 0; i < REPAIR_COUNT; i++)
        ck_assert_uint_gt(strlen(repair_what(i)), 10);
}

END_TEST

/* Bytes without any meaning, of the kinds that repairs look for. */
START_TEST(test_random_bytes)
{
    static const char *const pieces[] = {
        "\\n",   "\\",   "\033[", "\033",     "<br>",   "<",         "&lt;",
        "&",     "\302", "{\"",   "\"log\":", "\"",     "1,234",     ",",
        "> ",    " ",    "\n",    BEGIN,      "a[1]: ", "9",         "Jan ",
        "\\u00", "}",    ":",     "\342\200", "\t",     "opt.a: 1\n"};
    uint64_t state = util_seed();
    char text[2048];

    for (int round = 0; round < 2000; round++) {
        size_t at = 0;

        while (at < sizeof(text) - 64) {
            const char *piece =
                pieces[util_random_below(&state, JE_ARRAY_LEN(pieces))];

            memcpy(text + at, piece, strlen(piece));
            at += strlen(piece);
        }
        repair(text, at);
    }
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("repair");
    TCase *tcase = tcase_create("repair");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_plain_lines_stay);
    tcase_add_test(tcase, test_prefix_is_learnt_from_one_line);
    tcase_add_test(tcase, test_prefix_before_fragments);
    tcase_add_test(tcase, test_numbers_of_a_prefix);
    tcase_add_test(tcase, test_lines_before_the_prefix_is_known);
    tcase_add_test(tcase, test_lines_are_numbered);
    tcase_add_test(tcase, test_streams);
    tcase_add_test(tcase, test_streams_from_their_midst);
    tcase_add_test(tcase, test_numbers_that_come_back);
    tcase_add_test(tcase, test_streams_after_a_message);
    tcase_add_test(tcase, test_streams_start_again_beyond_the_last);
    tcase_add_test(tcase, test_counter_before_each_line);
    tcase_add_test(tcase, test_json_lines);
    tcase_add_test(tcase, test_escaped_lines);
    tcase_add_test(tcase, test_quotes);
    tcase_add_test(tcase, test_markup);
    tcase_add_test(tcase, test_separators);
    tcase_add_test(tcase, test_separators_beside_json);
    tcase_add_test(tcase, test_colours);
    tcase_add_test(tcase, test_characters);
    tcase_add_test(tcase, test_first_lines_that_are_logs);
    tcase_add_test(tcase, test_every_repair_has_words);
    tcase_add_test(tcase, test_random_bytes);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
