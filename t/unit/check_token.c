/* Words and numbers of a text line. */
#include "base/macros.h"

#include "dump/field.h"
#include "dump/token.h"

#include "t/util.h"

#include <string.h>

static bool
number(const char *text, uint64_t *value)
{
    return token_number((token_t){text, strlen(text)}, value);
}

START_TEST(test_number_plain)
{
    uint64_t value;

    ck_assert(number("0", &value) && value == 0);
    ck_assert(number("12", &value) && value == 12);
    ck_assert(number("140697591250944", &value) && value == 140697591250944);
    ck_assert(number("12,", &value) && value == 12);
}

END_TEST

START_TEST(test_number_grouped)
{
    uint64_t value;

    ck_assert(number("1,028,784,128", &value) && value == 1028784128);
    ck_assert(number("12,345", &value) && value == 12345);
    ck_assert(!number("1,02", &value));
    ck_assert(!number("1234,567", &value));
    ck_assert(!number(",123", &value));
    ck_assert(!number("1,,123", &value));
}

END_TEST

START_TEST(test_number_refuses_other_text)
{
    static const char *const wrong[] = {
        "", "-1", "1.5", "0x10", "N/A", "1k", ",", "99999999999999999999"};
    uint64_t value;

    for (size_t i = 0; i < JE_ARRAY_LEN(wrong); i++)
        ck_assert_msg(!number(wrong[i], &value), "accepts '%s'", wrong[i]);
}

END_TEST

START_TEST(test_number_below_2_to_63)
{
    uint64_t value;

    ck_assert(number("9223372036854775799", &value));
    ck_assert(!number("9223372036854775808", &value));
    ck_assert(!number("18446744073709551615", &value));
}

END_TEST

START_TEST(test_split_counts_all_but_stores_some)
{
    const char *text = "  one\ttwo   three ";
    token_t tokens[2];

    ck_assert_uint_eq(token_split(text, strlen(text), tokens, 2), 3);
    ck_assert(token_is(tokens[0], "one"));
    ck_assert(token_is(tokens[1], "two"));
    ck_assert_uint_eq(token_split("", 0, tokens, 2), 0);
    ck_assert_uint_eq(token_split("   ", 3, tokens, 2), 0);
}

END_TEST

/* The same as going byte by byte, wherever words start and end among the
 * blocks that are looked at together. */
START_TEST(test_split_at_all_places)
{
    char text[200];
    token_t tokens[200];
    uint64_t state = 88172645463325252u;

    for (int round = 0; round < 20000; round++) {
        size_t length = (size_t)round % sizeof(text), count = 0, at = 0;
        size_t found;

        for (size_t i = 0; i < length; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text[i] = "   \tab1\xc3"[state % (round % 2 == 0 ? 8 : 6)];
        }
        found = token_split(text, length, tokens, 200);
        while (at < length) {
            size_t start = at;

            while (at < length && text[at] != ' ' && text[at] != '\t')
                at++;
            if (at > start) {
                ck_assert_uint_lt(count, found);
                ck_assert_ptr_eq(tokens[count].text, text + start);
                ck_assert_uint_eq(tokens[count].length, at - start);
                count++;
            }
            at++;
        }
        ck_assert_uint_eq(found, count);
    }
}

END_TEST

START_TEST(test_trim_takes_one_pair_of_quotes)
{
    token_t token = {"  \"a \"b\" \"  ", 12};

    token = token_trim(token);
    ck_assert_uint_eq(token.length, 6);
    ck_assert_int_eq(memcmp(token.text, "a \"b\" ", 6), 0);
    token = token_trim((token_t){"\"", 1});
    ck_assert_uint_eq(token.length, 1);
}

END_TEST

START_TEST(test_fields_have_both_names)
{
    ck_assert_int_eq(field_by_json(DUMP_ARENA, "tcache_bytes", 12),
                     ARENA_TCACHE_BYTES);
    ck_assert_int_eq(field_by_text(DUMP_ARENA, "tcache", 6),
                     ARENA_TCACHE_BYTES);
    ck_assert_int_eq(field_by_text(DUMP_BIN, "regs", 4), BIN_NREGS);
    ck_assert_int_eq(field_by_json(DUMP_BIN_CLASS, "nregs", 5), BIN_NREGS);
    /* A name is all of it, not its start. */
    ck_assert_int_eq(field_by_text(DUMP_BIN, "reg", 3), FIELD_NONE);
    ck_assert_int_eq(field_by_text(DUMP_BIN, "curregs2", 8), FIELD_NONE);
    ck_assert_int_eq(field_by_text(DUMP_BIN, "", 0), FIELD_NONE);
    /* Longer than the name, and the same to strncmp(). */
    ck_assert_int_eq(
        field_by_text(DUMP_BIN, "regs\0and what else was there", 4 + 1 + 23),
        FIELD_NONE);
}

END_TEST

/* Each number that a column can hold, at each place that it can have in a line,
 * behind others that might be taken for a part of it. */
START_TEST(test_number_before)
{
    static const char *const words[] = {"0",        "7",
                                        "42",       "999",
                                        "12345678", "1234567",
                                        "99999999", "123456789",
                                        "1,234",    "N/A",
                                        "0.031",    "-",
                                        "12a",      "18446744073709551615",
                                        "x1",       "1x",
                                        "race",     "00000012",
                                        "(7)"};

    for (size_t i = 0; i < JE_ARRAY_LEN(words); i++) {
        for (size_t at = 0; at < 40; at++) {
            char line[128];
            size_t length = strlen(words[i]);
            token_t word = {line + at, length};
            uint64_t expected = 1, found = 1;
            bool is_number;

            memset(line, ' ', sizeof(line));
            for (size_t k = 0; k + 1 < at; k++)
                line[k] = k % 3 == 2 ? ' ' : '8';
            memcpy(line + at, words[i], length);
            line[at + length] = at % 2 == 0 ? ' ' : '\0';
            is_number = token_number(word, &expected);
            ck_assert_msg(token_number_before(line, at + length, &found) ==
                                  is_number &&
                              (!is_number || found == expected),
                          "%s at %zu", words[i], at);
            word = token_before(line, at + length);
            ck_assert_uint_eq(word.length, length);
            ck_assert_ptr_eq(word.text, line + at);
        }
    }
}

END_TEST

static bool
fits(struct token_shape *shape, const char *line)
{
    token_t first;
    bool does = token_shape_fits(shape, line, strlen(line), &first);

    if (does) {
        token_t tokens[TOKENS_MAX];

        ck_assert_uint_eq(token_split(line, strlen(line), tokens, TOKENS_MAX),
                          shape->count);
        ck_assert_ptr_eq(first.text, tokens[0].text);
        ck_assert_uint_eq(first.length, tokens[0].length);
        for (size_t i = 0; i < shape->count; i++)
            ck_assert_ptr_eq(line + shape->ends[i],
                             tokens[i].text + tokens[i].length);
    }
    return does;
}

/* Lines of every length around the blocks of 64 bytes, with words that end in
 * the last byte, and each of their ends moved. */
START_TEST(test_shape_is_where_words_end)
{
    for (size_t length = 20; length < 300; length++) {
        struct token_shape shape;
        token_t tokens[TOKENS_MAX];
        char line[301], other[301];
        size_t count;

        for (size_t i = 0; i < length; i++)
            line[i] = i % 7 == 3 || i % 11 == 4 ? ' ' : '5';
        line[length] = '\0';
        count = token_split(line, length, tokens, TOKENS_MAX);
        token_shape_take(&shape, line, length, tokens, count);
        ck_assert_uint_eq(shape.count, count);
        ck_assert(fits(&shape, line));
        for (size_t i = 1; i < count; i++) {
            size_t end = (size_t)(tokens[i].text - line) + tokens[i].length;

            memcpy(other, line, length + 1);
            other[end - 1] = ' ';
            ck_assert_msg(!fits(&shape, other), "length %zu, end %zu", length,
                          end);
        }
        memcpy(other, line, length + 1);
        other[0] = ' ';
        ck_assert(fits(&shape, other));
        other[2] = ' ';
        ck_assert(fits(&shape, other));
    }
}

END_TEST

START_TEST(test_shape_of_a_long_line)
{
    struct token_shape shape = {.count = 1};
    char line[600];
    token_t token = {line, sizeof(line)};

    memset(line, 'x', sizeof(line));
    token_shape_take(&shape, line, sizeof(line), &token, 1);
    ck_assert_uint_eq(shape.count, 0);
    ck_assert(!token_shape_fits(&shape, line, sizeof(line), &token));
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("token");
    TCase *tcase = tcase_create("token");

    tcase_add_test(tcase, test_number_plain);
    tcase_add_test(tcase, test_number_grouped);
    tcase_add_test(tcase, test_number_refuses_other_text);
    tcase_add_test(tcase, test_number_below_2_to_63);
    tcase_add_test(tcase, test_split_counts_all_but_stores_some);
    tcase_add_test(tcase, test_split_at_all_places);
    tcase_add_test(tcase, test_trim_takes_one_pair_of_quotes);
    tcase_add_test(tcase, test_fields_have_both_names);
    tcase_add_test(tcase, test_number_before);
    tcase_add_test(tcase, test_shape_is_where_words_end);
    tcase_add_test(tcase, test_shape_of_a_long_line);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
