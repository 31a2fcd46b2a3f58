/*
 * The option parser: what it takes, what it refuses, and the words it uses.
 */
#include "alloc/conf.h"
#include "alloc/conf_source.h"

#include <string.h>

#include "t/unit/stderr.h"

static conf_t defaults;

static void
setup(void)
{
    defaults = conf;
}

static void
teardown(void)
{
    conf = defaults;
}

static unsigned
parse(const char *text, char *said, size_t size)
{
    stderr_capture_t c;
    stderr_begin(&c);
    unsigned problems = conf_parse(text, "TEST");
    const char *out = stderr_end(&c);
    ck_assert_uint_lt(strlen(out), size);
    memcpy(said, out, strlen(out) + 1);
    return problems;
}

static void
expect_silent(const char *text)
{
    char said[STDERR_TEXT_MAX];
    ck_assert_msg(parse(text, said, sizeof(said)) == 0, "%s: %s", text, said);
    ck_assert_str_eq(said, "");
}

typedef struct bad {
    const char *text;
    const char *line;
} bad_t;

static const bad_t bad_options[] = {
    {"nonsense:1", "unknown option 'nonsense', see jealloc(3) for the list"},
    {"Tcache:true", "unknown option 'Tcache', did you mean 'tcache'?"},
    {" tcache:true", "unknown option ' tcache', did you mean 'tcache'?"},
    {"tcahce:true", "unknown option 'tcahce', did you mean 'tcache'?"},
    {"lg_tcache_max:-1",
     "unknown option 'lg_tcache_max', did you mean 'tcache_max'?"},
    {"dirty_decay:0",
     "unknown option 'dirty_decay', did you mean 'dirty_decay_ms'?"},
    {"background_threads:true",
     "unknown option 'background_threads', did you mean 'background_thread'?"},
    {"thb:never", "unknown option 'thb', did you mean 'thp'?"},
    /* two characters of three are another word */
    {"xhb:never", "unknown option 'xhb', see jealloc(3) for the list"},
    {"t:never", "unknown option 't', see jealloc(3) for the list"},
    {"lg_dirty_mult:3",
     "option lg_dirty_mult is not in this allocator: use dirty_decay_ms"},
    {"tcache:yes", "option tcache: 'yes' is not allowed, use true or false"},
    {"tcache:", "option tcache: '' is not allowed, use true or false"},
    {"tcache:true ",
     "option tcache: 'true ' is not allowed, use true or false"},
    {"narenas:-1", "option narenas: '-1' is not a number of arenas from 0 to "
                   "4094"},
    {"narenas:", "option narenas: '' is not a number of arenas from 0 to 4094"},
    {"narenas:0x", "option narenas: '0x' is not a number of arenas from 0 to "
                   "4094"},
    {"narenas:08", "option narenas: '08' is not a number of arenas from 0 to "
                   "4094"},
    {"narenas:3k", "option narenas: '3k' is not a number of arenas from 0 to "
                   "4094"},
    {"max_background_threads:-1",
     "option max_background_threads: '-1' is not a number of threads from 1 to "
     "64"},
    {"dirty_decay_ms:-2", "option dirty_decay_ms: '-2' is not a number of ms "
                          "from -1 to 18446744072000"},
    {"dirty_decay_ms:18446744072001",
     "option dirty_decay_ms: '18446744072001' is not a number of ms from -1 "
     "to 18446744072000"},
    {"muzzy_decay_ms:99999999999999999999999",
     "option muzzy_decay_ms: '99999999999999999999999' is not a number of ms "
     "from -1 to 18446744072000"},
    {"junk:tru",
     "option junk: 'tru' is not allowed, use one of false|true|alloc|free"},
    {"junk:alloc|free", "option junk: 'alloc|free' is not allowed, use one of "
                        "false|true|alloc|free"},
    {"junk:", "option junk: '' is not allowed, use one of "
              "false|true|alloc|free"},
    {"thp:madvise", "option thp: 'madvise' is not allowed, use one of "
                    "default|always|never"},
    {"slab_sizes:1-4096", "option slab_sizes: '1-4096' is not of the form "
                          "lo-hi:pages|lo-hi:pages or default"},
    {"slab_sizes:1-8:", "option slab_sizes: '1-8:' is not of the form "
                        "lo-hi:pages|lo-hi:pages or default"},
    {"slab_sizes:8-1:1", "option slab_sizes: '8-1:1' is not of the form "
                         "lo-hi:pages|lo-hi:pages or default"},
    {"slab_sizes:1-8:0", "option slab_sizes: '1-8:0' is not of the form "
                         "lo-hi:pages|lo-hi:pages or default"},
    {"slab_sizes:1-8:1|", "option slab_sizes: '1-8:1|' is not of the form "
                          "lo-hi:pages|lo-hi:pages or default"},
    {"slab_sizes:1-8:1;", "option slab_sizes: '1-8:1;' is not of the form "
                          "lo-hi:pages|lo-hi:pages or default"},
    {"slab_sizes:", "option slab_sizes: '' is not of the form "
                    "lo-hi:pages|lo-hi:pages or default"},
    {"lg_san_uaf_align:12", "option lg_san_uaf_align: only '-1' is done here: "
                            "freed memory is not kept back"},
    {"tcache", "'tcache' is not of the form key:value"},
    {":true", "':true' is not of the form key:value"},
    {"tcache:true,", "the options end with a comma"},
};

START_TEST(test_conf_bad_option_is_one_line_and_changes_nothing)
{
    const bad_t *bad = &bad_options[_i];
    char said[STDERR_TEXT_MAX], expected[STDERR_TEXT_MAX];
    ck_assert_uint_eq(parse(bad->text, said, sizeof(said)), 1);
    (void)snprintf(expected, sizeof(expected), "jealloc: TEST: %s\n",
                   bad->line);
    ck_assert_str_eq(said, expected);
    conf.tcache = defaults.tcache;
    ck_assert_mem_eq(&conf, &defaults, sizeof(conf));
}

END_TEST

START_TEST(test_conf_takes_the_values_it_promises)
{
    expect_silent("");
    expect_silent("tcache:false,retain:false,zero:true");
    ck_assert(!conf.tcache && !conf.retain && conf.zero);
    expect_silent("dirty_decay_ms:-1,muzzy_decay_ms:18446744072000");
    ck_assert_int_eq(conf.dirty_decay_ms, -1);
    ck_assert_int_eq(conf.muzzy_decay_ms, INT64_C(18446744072000));
    expect_silent("narenas:0x10");
    ck_assert_uint_eq(conf.narenas, 16);
    expect_silent("narenas:010");
    ck_assert_uint_eq(conf.narenas, 8);
    expect_silent("narenas:0");
    ck_assert_uint_eq(conf.narenas, 0);
    expect_silent("narenas:7,narenas:default");
    ck_assert_uint_eq(conf.narenas, 0);
    expect_silent("dirty_decay_ms:9000000000");
    ck_assert_int_eq(conf.dirty_decay_ms, INT64_C(9000000000));
    expect_silent("junk:free,thp:never,zero_realloc:abort");
    ck_assert_uint_eq(conf.junk, CONF_JUNK_FREE);
    ck_assert_uint_eq(conf.thp, CONF_THP_NEVER);
    ck_assert_uint_eq(conf.zero_realloc, CONF_ZERO_REALLOC_ABORT);
    expect_silent("dump_path:/a b/%p:x.json");
    ck_assert_str_eq(conf.dump_path, "/a b/%p:x.json");
    expect_silent("slab_sizes:1-4096:17|100-200:1|0x80-128:2");
    ck_assert_str_eq(conf.slab_sizes, "1-4096:17|100-200:1|0x80-128:2");
    expect_silent("slab_sizes:default,dss:secondary,cache_oblivious:true");
    ck_assert(conf.cache_oblivious && conf.dss == CONF_DSS_SECONDARY);
    expect_silent("dump_path:");
    ck_assert_str_eq(conf.dump_path, "");
}

END_TEST

START_TEST(test_conf_clips_some_numbers)
{
    expect_silent("narenas:4095,max_background_threads:0");
    ck_assert_uint_eq(conf.narenas, 4094);
    ck_assert_uint_eq(conf.max_background_threads, 1);
    expect_silent("narenas:99999999999999999999999");
    ck_assert_uint_eq(conf.narenas, 4094);
    expect_silent("max_background_threads:0xffffffffffffffff");
    ck_assert_uint_eq(conf.max_background_threads, 64);
    expect_silent("lg_tcache_max:14");
    ck_assert_uint_eq(conf.tcache_max, 16384);
    expect_silent("lg_tcache_max:99");
    ck_assert_uint_eq(conf.tcache_max,
                      (uint64_t)conf_find("tcache_max", 10)->max);
}

END_TEST

START_TEST(test_conf_later_value_wins)
{
    expect_silent("narenas:3,tcache:false,narenas:5,tcache:true");
    ck_assert_uint_eq(conf.narenas, 5);
    ck_assert(conf.tcache);
}

END_TEST

START_TEST(test_conf_good_options_around_a_bad_one_are_kept)
{
    char said[STDERR_TEXT_MAX];
    ck_assert_uint_eq(
        parse("narenas:3,what:1,junk:perhaps,zero:true", said, sizeof(said)),
        2);
    ck_assert_uint_eq(conf.narenas, 3);
    ck_assert(conf.zero);
}

END_TEST

START_TEST(test_conf_text_longer_than_its_limit_is_refused)
{
    char text[CONF_TEXT_MAX + 64], said[STDERR_TEXT_MAX];
    memcpy(text, "dump_path:", 10);
    memset(text + 10, 'x', sizeof(text) - 10);
    text[10 + CONF_TEXT_MAX - 1] = '\0';
    expect_silent(text);
    ck_assert_uint_eq(strlen(conf.dump_path), CONF_TEXT_MAX - 1);
    text[10 + CONF_TEXT_MAX - 1] = 'x';
    text[10 + CONF_TEXT_MAX] = '\0';
    ck_assert_uint_eq(parse(text, said, sizeof(said)), 1);
    ck_assert_str_eq(
        said, "jealloc: TEST: option dump_path: longer than 1023 bytes\n");
}

END_TEST

START_TEST(test_conf_confirm_prints_every_accepted_option)
{
    char said[STDERR_TEXT_MAX];
    ck_assert_uint_eq(parse("confirm_conf:true,narenas:3", said, sizeof(said)),
                      0);
    ck_assert_str_eq(said,
                     "jealloc: TEST: option confirm_conf accepted: 'true'\n"
                     "jealloc: TEST: option narenas accepted: '3'\n");
}

END_TEST

START_TEST(test_conf_table_is_sane)
{
    for (unsigned i = 0; i < conf_count; i++) {
        const conf_option_t *o = &conf_table[i];
        ck_assert_ptr_eq(conf_find(o->name, strlen(o->name)), o);
        ck_assert_ptr_null(conf_find(o->name, strlen(o->name) - 1));
        ck_assert_int_ne(o->help[0], '\0');
        ck_assert_msg(i == 0 || o->kind != o[-1].kind ||
                          strcmp(o[-1].name, o->name) < 0,
                      "%s is out of order", o->name);
        if (o->kind == CONF_IS_UINT || o->kind == CONF_IS_SINT) {
            int64_t value;
            memcpy(&value, o->value, sizeof(value));
            ck_assert_int_le(o->min, value);
            ck_assert_int_ge(o->max, value);
        }
    }
}

END_TEST

START_TEST(test_conf_enum_text_gives_the_value_back)
{
    char text[16];
    const conf_option_t *o = conf_find("junk", 4);
    static const char *const values[] = {"false", "true", "alloc", "free"};
    for (unsigned i = 0; i < JE_ARRAY_LEN(values); i++) {
        conf.junk = i;
        conf_enum_text(o, text, sizeof(text));
        ck_assert_str_eq(text, values[i]);
    }
    conf_enum_text(o, text, 3);
    ck_assert_str_eq(text, "fr");
}

END_TEST

static void
boot(void *unused)
{
    (void)unused;
    conf_boot();
}

START_TEST(test_conf_abort_conf_stops_after_all_complaints)
{
    (void)setenv("MALLOC_CONF", "abort_conf:true,a:1,b:2", 1);
    stderr_expect_abort(boot, NULL,
                        "jealloc: abort_conf: 2 option(s) not accepted\n");
    stderr_expect_abort(boot, NULL, "jealloc: MALLOC_CONF: unknown option 'b'");
}

END_TEST

START_TEST(test_conf_own_variable_wins_over_the_common_one)
{
    (void)setenv("MALLOC_CONF", "narenas:3,tcache:false", 1);
    (void)setenv("JEPROBE_CONF", "narenas:7", 1);
    conf_boot();
    ck_assert_uint_eq(conf.narenas, 7);
    ck_assert(!conf.tcache);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("conf");
    TCase *tc = tcase_create("conf");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc,
                        test_conf_bad_option_is_one_line_and_changes_nothing, 0,
                        JE_ARRAY_LEN(bad_options));
    tcase_add_test(tc, test_conf_takes_the_values_it_promises);
    tcase_add_test(tc, test_conf_clips_some_numbers);
    tcase_add_test(tc, test_conf_later_value_wins);
    tcase_add_test(tc, test_conf_good_options_around_a_bad_one_are_kept);
    tcase_add_test(tc, test_conf_text_longer_than_its_limit_is_refused);
    tcase_add_test(tc, test_conf_confirm_prints_every_accepted_option);
    tcase_add_test(tc, test_conf_table_is_sane);
    tcase_add_test(tc, test_conf_enum_text_gives_the_value_back);
    tcase_add_test(tc, test_conf_abort_conf_stops_after_all_complaints);
    tcase_add_test(tc, test_conf_own_variable_wins_over_the_common_one);
    suite_add_tcase(s, tc);
    return util_run(s);
}
