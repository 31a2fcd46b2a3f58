/* Which lines may be of the JSON before them: the rest of what was cut, and no
 * line that another one wrote. */
#include "base/macros.h"

#include "dump/json_fit.h"

#include "t/util.h"

#include <string.h>

static struct json_fit
after(const char *before, bool is_cut)
{
    struct json_fit fit = {0};

    json_fit_add(&fit, before, strlen(before));
    fit.is_cut = is_cut;
    return fit;
}

/* Whole lines behind whole lines. */
START_TEST(test_line_of_json_fits)
{
    static const char *const fits[] = {"",
                                       "  ",
                                       "{\"a\": 1, \"b\": [true, false, null]",
                                       "}}, \"c\":",
                                       "-0.5e+3,",
                                       "0]",
                                       "\"a \\\" b: {\"",
                                       "\"a\":\"\"}"};

    static const struct {
        const char *line;
        size_t whole;
    } others[] = {{"012,", 0},
                  {"1 2", 0},
                  {"\"a\" \"b\"", 0},
                  {"\"a\": 1,x", 7},
                  {"\"a\": tru", 5},
                  {"00400000-00452000 r-xp", 0},
                  {"Name:\tx", 0},
                  {"\"muzzy_deca<malloc version=\"1\">", 0},
                  {"\"a\":42Name:\tx", 4},
                  {"\"a\":8___ Begin", 4}};
    struct json_fit fit = after("{", false);
    size_t whole;

    for (size_t i = 0; i < JE_ARRAY_LEN(fits); i++) {
        ck_assert_msg(json_fit_line(&fit, fits[i], strlen(fits[i]), &whole),
                      "%s", fits[i]);
        ck_assert_uint_eq(whole, strlen(fits[i]));
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(others); i++) {
        const char *line = others[i].line;

        ck_assert_msg(!json_fit_line(&fit, line, strlen(line), &whole), "%s",
                      line);
        ck_assert_msg(whole == others[i].whole, "%s: %zu", line, whole);
    }
}

END_TEST

/* Behind the start of a string, a number or a word. */
START_TEST(test_rest_of_what_was_cut_fits)
{
    static const struct {
        const char *before, *line;
        bool fits;
    } cases[] = {{"{\"ab", "c\":1,", true},
                 {"{\"ab", "c\\\"d\"", true},
                 {"{\"ab\\", "\"c\"", true},
                 {"{\"ab", "Rss: 40 kB", false},
                 {"{\"ab", "  opt.dss: \"secondary\"", false},
                 {"{\"ab", "<heap nr=\"0\">", false},
                 {"{\"a\":42", "240,\"b\":1", true},
                 {"{\"a\":42", ",\"b\":1", true},
                 {"{\"a\":42", ".5}", true},
                 {"{\"a\":42", "Umask:\t0022", false},
                 {"{\"a\":42", "x", false},
                 {"{\"a\":tr", "ue}", true},
                 {"{\"a\":tr", "ace: 1", false},
                 {"{\"a\":4", "99999999999999999999999999999999", false}};

    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        struct json_fit fit = after(cases[i].before, true);
        size_t whole;

        ck_assert_msg(json_fit_line(&fit, cases[i].line, strlen(cases[i].line),
                                    &whole) == cases[i].fits,
                      "%s|%s", cases[i].before, cases[i].line);
    }
}

END_TEST

/* What may come by the grammar. */
START_TEST(test_document_goes_on)
{
    static const struct {
        const char *before;
        bool in_array;
        const char *line;
        bool goes_on;
    } cases[] = {{"{", false, "\"a\":1", true},
                 {"{", false, " }", true},
                 {"{", false, "{", false},
                 {"[", true, "{", true},
                 {"[", true, "]", true},
                 {"[", true, "}", false},
                 {"{\"a\":1, ", false, "\"b\":", true},
                 {"{\"a\":1,", false, "{\"jemalloc\":{", false},
                 {"[{},", true, "{\"a\":", true},
                 {"{\"a\":", false, "17", true},
                 {"{\"a\":", false, ",", false},
                 {"{\"a\":1", false, "}", true},
                 {"{\"a\":1", false, "\"b\":", false},
                 {"{\"a\":{}", false, "{", false},
                 {"{", false, "", false},
                 {"{\"ab", false, "c\":", true},
                 {"{\"ab", false, " ", false}};

    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        struct json_fit fit = after(cases[i].before, false);

        ck_assert_msg(json_fit_goes_on(&fit, cases[i].in_array, cases[i].line,
                                       strlen(cases[i].line)) ==
                          cases[i].goes_on,
                      "%s|%s", cases[i].before, cases[i].line);
    }
}

END_TEST

START_TEST(test_brackets_in_strings_do_not_count)
{
    ck_assert_int_eq(after("{\"a{[\\\"}\": [", false).depth, 2);
    ck_assert_int_eq(after("{\"a\": [1, {}]}", false).depth, 0);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("fit");
    TCase *tcase = tcase_create("fit");

    tcase_add_test(tcase, test_line_of_json_fits);
    tcase_add_test(tcase, test_rest_of_what_was_cut_fits);
    tcase_add_test(tcase, test_document_goes_on);
    tcase_add_test(tcase, test_brackets_in_strings_do_not_count);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
