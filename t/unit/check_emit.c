/*
 * base/emit.c: one description, two formats, in bounded pieces.
 */
#include "base/emit.h"

#include <string.h>

#include "t/util.h"

typedef struct gathered {
    char text[64 * 1024];
    size_t used;
    size_t pieces;
    size_t longest;
} gathered_t;

static gathered_t got;

static void
gather(void *opaque, const char *text)
{
    gathered_t *g = opaque;
    size_t n = strlen(text);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(g->used + n, sizeof(g->text));
    memcpy(g->text + g->used, text, n + 1);
    g->used += n;
    g->pieces++;
    g->longest = JE_MAX(g->longest, n);
}

static void
begin(emit_t *e, emit_format_t format)
{
    memset(&got, 0, sizeof(got));
    emit_begin(e, format, gather, &got);
}

typedef struct record {
    uint64_t count;
    size_t bytes;
    int64_t ms;
    uint32_t small;
    bool is_set;
    const char *word;
    const char *quoted;
} record_t;

static const emit_column_t columns[] = {
    {"count", "n", offsetof(record_t, count), EMIT_U64, 6, 5},
    {"bytes", NULL, offsetof(record_t, bytes), EMIT_SIZE, 0, 0},
    {NULL, "small", offsetof(record_t, small), EMIT_U32, 7, 0},
    {"ms", "ms", offsetof(record_t, ms), EMIT_DECAY_MS, 5, 0},
    {"is_set", "set", offsetof(record_t, is_set), EMIT_BOOL, 6, 0},
    {NULL, "util", offsetof(record_t, word), EMIT_WORD, 7, 0},
    {"quoted", NULL, offsetof(record_t, quoted), EMIT_STRING, 0, 0},
};

static const record_t sample = {.count = 1234,
                                .bytes = (size_t)1 << 40,
                                .ms = -1,
                                .small = 4294967295u,
                                .is_set = true,
                                .word = "0.125",
                                .quoted = "a\"b"};

/* Everything at once, in whichever format. */
static void
emit_all(emit_t *e)
{
    emit_object(e, NULL);
    emit_text(e, "only text %d %s\n", 7, "here");
    emit_pair(e, "name", "Name of it", emit_string("x"));
    emit_pair_note(e, "on", "  opt.on", emit_bool(false), "on",
                   emit_bool(true));
    emit_member(e, "hidden", emit_i64(-5));
    emit_array(e, "rows");
    emit_titles(e, "head:", 0, columns, JE_ARRAY_LEN(columns));
    emit_row_end(e);
    for (int i = 0; i < 2; i++) {
        emit_object(e, NULL);
        emit_fields(e, columns, JE_ARRAY_LEN(columns), &sample,
                    UINT64_C(10999999999));
        emit_row_end(e);
        emit_object_end(e);
    }
    emit_array_end(e);
    emit_array(e, "empty");
    emit_array_end(e);
    emit_lines(e, columns, 2, &sample);
    emit_object_end(e);
    emit_end(e);
}

START_TEST(test_emit_json_has_members_and_no_titles)
{
    emit_t e;
    begin(&e, EMIT_JSON);
    emit_all(&e);
    ck_assert_str_eq(got.text,
                     "{\"name\":\"x\",\"on\":false,\"hidden\":-5,\"rows\":["
                     "{\"count\":1234,\"bytes\":1099511627776,\"ms\":-1,"
                     "\"is_set\":true,\"quoted\":\"a\\\"b\"},"
                     "{\"count\":1234,\"bytes\":1099511627776,\"ms\":-1,"
                     "\"is_set\":true,\"quoted\":\"a\\\"b\"}],"
                     "\"empty\":[],\"count\":1234,\"bytes\":1099511627776}");
}

END_TEST

START_TEST(test_emit_text_has_titles_and_columns_and_no_members)
{
    emit_t e;
    begin(&e, EMIT_TEXT);
    emit_all(&e);
    ck_assert_str_eq(got.text, "only text 7 here\n"
                               "Name of it: \"x\"\n"
                               "  opt.on: false (on: true)\n"
                               "head:n(#/sec)  small   ms   set   util\n"
                               "  1234  1234294967295  N/A  true  0.125\n"
                               "  1234  1234294967295  N/A  true  0.125\n"
                               "n:                               1234\n");
}

END_TEST

START_TEST(test_emit_rate_below_a_second_is_the_count)
{
    emit_t e;
    record_t r = {.count = 90};
    begin(&e, EMIT_TEXT);
    emit_fields(&e, columns, 1, &r, UINT64_C(999999999));
    emit_row_end(&e);
    emit_fields(&e, columns, 1, &r, UINT64_C(1000000000));
    emit_row_end(&e);
    emit_fields(&e, columns, 1, &r, UINT64_C(45000000000));
    emit_row_end(&e);
    emit_end(&e);
    ck_assert_str_eq(got.text, "    90   90\n    90   90\n    90    2\n");
}

END_TEST

static const struct escape {
    const char *in, *out;
} escapes[] = {
    {"plain /%", "plain /%"},
    {"\"\\", "\\\"\\\\"},
    {"\n\t\x01\x7f", "\\u000a\\u0009\\u0001\\u007f"},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\x80x", "\\ufffdx"},          /* a continuation without a start */
    {"\xc3", "\\ufffd"},            /* cut off */
    {"\xc0\xaf", "\\ufffd\\ufffd"}, /* overlong */
    {"\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd"},
    {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"}, /* surrogate */
    {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
    {"", ""},
};

START_TEST(test_emit_string_is_valid_json)
{
    emit_t e;
    char want[128];
    const struct escape *x = &escapes[_i];
    begin(&e, EMIT_JSON);
    emit_member(&e, NULL, emit_string(x->in));
    emit_end(&e);
    snprintf(want, sizeof(want), "\"%s\"", x->out);
    ck_assert_str_eq(got.text, want);
}

END_TEST

START_TEST(test_emit_long_output_comes_in_bounded_pieces)
{
    emit_t e;
    char want[64 * 1024];
    size_t n = (size_t)snprintf(want, sizeof(want), "[");
    begin(&e, EMIT_JSON);
    emit_array(&e, NULL);
    for (unsigned i = 0; i < 9000; i++) {
        emit_member(&e, NULL, emit_u64(i));
        n += (size_t)snprintf(want + n, sizeof(want) - n, "%s%u",
                              i > 0 ? "," : "", i);
    }
    emit_array_end(&e);
    emit_end(&e);
    snprintf(want + n, sizeof(want) - n, "]");
    ck_assert_str_eq(got.text, want);
    ck_assert_uint_lt(got.longest, EMIT_BUFFER);
    ck_assert_uint_ge(got.pieces, n / EMIT_BUFFER);
}

END_TEST

START_TEST(test_emit_numbers_reach_their_limits)
{
    emit_t e;
    begin(&e, EMIT_JSON);
    emit_array(&e, NULL);
    emit_member(&e, NULL, emit_u64(UINT64_MAX));
    emit_member(&e, NULL, emit_i64(INT64_MIN));
    emit_member(&e, NULL, emit_i64(INT64_MAX));
    emit_array_end(&e);
    emit_end(&e);
    ck_assert_str_eq(got.text, "[18446744073709551615,-9223372036854775808,"
                               "9223372036854775807]");
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("emit");
    TCase *tc = tcase_create("emit");
    tcase_add_test(tc, test_emit_json_has_members_and_no_titles);
    tcase_add_test(tc, test_emit_text_has_titles_and_columns_and_no_members);
    tcase_add_test(tc, test_emit_rate_below_a_second_is_the_count);
    tcase_add_loop_test(tc, test_emit_string_is_valid_json, 0,
                        (int)JE_ARRAY_LEN(escapes));
    tcase_add_test(tc, test_emit_long_output_comes_in_bounded_pieces);
    tcase_add_test(tc, test_emit_numbers_reach_their_limits);
    suite_add_tcase(s, tc);
    return util_run(s);
}
