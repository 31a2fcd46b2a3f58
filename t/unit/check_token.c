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
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
