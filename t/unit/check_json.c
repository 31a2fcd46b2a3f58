/* JSON: what each version writes reaches the model, and it does not matter
 * where the input is torn apart or cut off. */
#include "base/macros.h"

#include "dump/json.h"
#include "model/load.h"

#include "t/unit/dumps.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Everything that a reader emits, as text. */
static char *events;
static size_t event_length, event_size;

static void
event(const char *format, ...)
{
    va_list args;

    if (event_size - event_length < 4096) {
        event_size = event_size * 2 + 65536;
        events = realloc(events, event_size);
        ck_assert_ptr_nonnull(events);
    }
    va_start(args, format);
    event_length += (size_t)vsnprintf(events + event_length,
                                      event_size - event_length, format, args);
    va_end(args);
}

static jep_status_t
on_begin(void *context, enum dump_format format, uint64_t line)
{
    (void)context;
    event("begin %d line %" PRIu64 "\n", format, line);
    return JEP_OK;
}

static jep_status_t
on_end(void *context, bool complete)
{
    (void)context;
    event("end %d\n", complete);
    return JEP_OK;
}

static jep_status_t
on_format(void *context, enum dump_format format)
{
    (void)context;
    event("format %d\n", format);
    return JEP_OK;
}

static jep_status_t
on_number(void *context, const struct dump_where *where, int field,
          uint64_t value)
{
    (void)context;
    event("number %d arena %d row %u field %d = %" PRIu64 " line %" PRIu64 "\n",
          where->scope, where->arena, where->row, field, value, where->line);
    return JEP_OK;
}

static jep_status_t
on_text(void *context, const char *name, const char *value, uint64_t line)
{
    (void)context;
    event("text %s = %s line %" PRIu64 "\n", name, value, line);
    return JEP_OK;
}

static jep_status_t
on_mapping(void *context, const struct dump_mapping *mapping)
{
    (void)context;
    event("mapping %" PRIx64 " %s\n", mapping->start, mapping->path);
    return JEP_OK;
}

static jep_status_t
on_stack(void *context, const uint64_t *addresses, size_t count)
{
    (void)context;
    event("stack of %zu from %" PRIx64 "\n", count,
          count > 0 ? addresses[0] : 0);
    return JEP_OK;
}

static jep_status_t
on_site(void *context, const struct dump_site *site)
{
    (void)context;
    event("site %" PRIu64 " size %" PRIu64 "\n", site->stack, site->size);
    return JEP_OK;
}

static jep_status_t
on_sample(void *context, const struct dump_sample *sample)
{
    (void)context;
    event("sample %" PRIu64 " age %" PRIu64 "\n", sample->stack,
          sample->age_ns);
    return JEP_OK;
}

static jep_status_t
on_warn(void *context, uint64_t line, uint64_t column, const char *text)
{
    (void)context;
    event("warn %" PRIu64 ":%" PRIu64 " %s\n", line, column, text);
    return JEP_OK;
}

static const struct dump_sink sink = {
    .begin = on_begin,
    .end = on_end,
    .format = on_format,
    .number = on_number,
    .text = on_text,
    .mapping = on_mapping,
    .stack = on_stack,
    .site = on_site,
    .sample = on_sample,
    .warn = on_warn,
};

/* Feed a copy, so that a sanitizer sees reading beyond it. */
static void
feed(json_t *json, const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    size_t used;

    memcpy(copy, text, length);
    ck_assert_int_eq(json_feed(json, copy, length, &used), JEP_OK);
    ck_assert_uint_eq(used, length);
    free(copy);
}

static void
read_pieces(const char *text, size_t length, size_t piece)
{
    struct jep_error error = {0};
    json_t *json = json_open(&sink, &error);

    event_length = 0;
    for (size_t at = 0; at < length; at += piece)
        feed(json, text + at, length - at < piece ? length - at : piece);
    ck_assert_int_eq(json_end(json), JEP_OK);
    json_close(json);
}

/* A file of t/parse/valid. */
static char *
case_read(const char *name, size_t *length)
{
    const char *top = getenv("top_srcdir");
    char path[4096], *text = malloc(65536);
    FILE *file;

    snprintf(path, sizeof(path), "%s/t/parse/valid/%s/input",
             top != NULL ? top : ".", name);
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no %s", path);
    *length = fread(text, 1, 65536, file);
    ck_assert_uint_lt(*length, 65536);
    fclose(file);
    return text;
}

static const char *const cases[] = {
    "jejson-53",      "jeprobe-full", "jejson-two",      "jejson-wrong-types",
    "jejson-wrapped", "jejson-dev",   "jeprobe-bad-site"};

START_TEST(test_torn_anywhere_reads_the_same)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        size_t length;
        char *text = case_read(cases[i], &length), *whole;

        read_pieces(text, length, length);
        ck_assert_uint_gt(event_length, 100);
        whole = strdup(events);
        for (size_t piece = 1; piece < 100; piece++) {
            read_pieces(text, length, piece);
            ck_assert_str_eq(events, whole);
        }
        free(whole);
        free(text);
    }
}

END_TEST

/* What was read before the cut is what the whole document says. */
START_TEST(test_cut_anywhere_reads_what_is_there)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        size_t length;
        char *text = case_read(cases[i], &length), *whole;

        read_pieces(text, length, length);
        whole = strdup(events);
        for (size_t cut = 0; cut < length; cut++) {
            size_t same = 0;
            const char *rest;

            read_pieces(text, cut, 7);
            events[event_length] = '\0';
            while (events[same] != '\0' && events[same] == whole[same])
                same++;
            while (same > 0 && events[same - 1] != '\n')
                same--;
            rest = events + same;
            if (*rest == '\0')
                continue;
            ck_assert_msg(strncmp(rest, "warn", 4) == 0 &&
                              strstr(rest, "the file ends inside") != NULL &&
                              strstr(rest, "\nend 0\n") != NULL &&
                              strstr(rest, "\nnumber") == NULL,
                          "%s cut at %zu: %s", cases[i], cut, rest);
        }
        free(whole);
        free(text);
    }
}

END_TEST

static uint64_t
cell(const struct table *table, size_t row, size_t field)
{
    uint64_t value;

    ck_assert(table_get(table, row, field, &value));
    return value;
}

/* clang-format off */
#define LOCK(n) \
    "{\"num_ops\":" #n "1,\"num_wait\":" #n "2,\"num_spin_acq\":" #n \
    "3,\"num_owner_switch\":" #n "4,\"total_wait_time\":" #n \
    "5,\"max_wait_time\":" #n "6,\"max_num_thds\":" #n "7}"

#define SLABS(n) \
    "{\"npageslabs_huge\":" #n ",\"nactive_huge\":" #n \
    "0,\"ndirty_huge\":" #n "00,\"npageslabs_nonhuge\":1" #n \
    ",\"nactive_nonhuge\":1" #n "0,\"ndirty_nonhuge\":1" #n "00}"

static const char locks[] =
    "{\"jemalloc\":{\"stats\":{\"mutexes\":{"
    "\"ctl\":" LOCK(1) ","
    "\"prof\":" LOCK(2) ","
    "\"no_such_lock\":" LOCK(9) "}},"
    "\"stats.arenas\":{\"3\":{\"mutexes\":{"
    "\"extents_dirty\":" LOCK(3) ","
    "\"tcache_list\":" LOCK(4) "},"
    "\"bins\":[{\"nmalloc\":1},{\"mutex\":" LOCK(5) "}]}}}}";

/* Few of many fields, so that cells do not stand where their number says. */
static const char locks_530[] =
    "{\"jemalloc\":{\"version\":\"5.3.0-0-g54eaed1\",\"stats.arenas\":{"
    "\"3\":{\"bins\":[{\"mutex\":{\"total_wait_time\":5,"
    "\"num_ops\":1,\"num_spin_acq\":3,\"num_wait\":2,"
    "\"max_num_thds\":7,\"max_wait_time\":6}}]}}}}";

static const char shard_530[] =
    "{\"jemalloc\":{\"stats.arenas\":{\"merged\":{\"sec_bytes\":196608,"
    "\"hpa_shard\":{\"npurge_passes\":6,\"npurges\":7,\"nhugifies\":8,"
    "\"ndehugifies\":9,"
    "\"full_slabs\":" SLABS(2) ","
    "\"empty_slabs\":" SLABS(3) ","
    "\"nonfull_slabs\":[" SLABS(4) "," SLABS(5) "]}}}}}";

static const char two_arenas[] =
    "{\"jemalloc\":{\"arenas\":{\"page\":4096,"
    "\"lextent\":[{\"size\":16384}]},\"stats.arenas\":{"
    "\"0\":{\"uptime_ns\":90,\"dirty_decay_ms\":10,\"muzzy_decay_ms\":-1,"
    "\"pdirty\":5,\"mutexes\":{\"base\":" LOCK(1) "},"
    "\"lextents\":[{\"curlextents\":2}],"
    "\"extents\":[{\"ndirty\":1},{\"ndirty\":3}]},"
    "\"4095\":{\"uptime_ns\":80,\"dirty_decay_ms\":20,\"muzzy_decay_ms\":-1,"
    "\"pdirty\":6,\"mutexes\":{\"base\":" LOCK(2) "},"
    "\"lextents\":[{\"curlextents\":3}],"
    "\"extents\":[{\"ndirty\":1},{\"ndirty\":4}]}}}}";

/* clang-format on */

START_TEST(test_locks_of_process_arena_and_bin)
{
    jep_dumps_t *dumps = dumps_of_text(locks);
    const struct snapshot *s = dumps->snapshots[0];
    const struct snapshot_arena *arena = s->subject;

    ck_assert_int_eq(arena->id, 3);
    ck_assert_uint_eq(cell(&s->mutexes, LOCK_CTL, MUTEX_NUM_OPS), 11);
    ck_assert_uint_eq(cell(&s->mutexes, LOCK_CTL, MUTEX_NUM_WAIT), 12);
    ck_assert_uint_eq(cell(&s->mutexes, LOCK_CTL, MUTEX_MAX_NUM_THDS), 17);
    ck_assert_uint_eq(cell(&s->mutexes, LOCK_PROF, MUTEX_TOTAL_WAIT_TIME), 25);
    ck_assert_uint_eq(
        cell(&arena->mutexes, LOCK_EXTENTS_DIRTY, MUTEX_NUM_SPIN_ACQ), 33);
    ck_assert_uint_eq(
        cell(&arena->mutexes, LOCK_TCACHE_LIST, MUTEX_NUM_OWNER_SWITCH), 44);
    ck_assert_uint_eq(cell(&arena->bin_mutexes, 1, MUTEX_MAX_WAIT_TIME), 56);
    ck_assert_uint_eq(cell(&arena->bins, 0, BIN_NMALLOC), 1);
    ck_assert_uint_eq(arena->bins.rows, 1);
    jep_dumps_free(dumps);
}

END_TEST

/* 5.3.0 has rates among the values, so all after num_ops stand one too far, and
 * the rest is lost. */
START_TEST(test_locks_of_530_stand_under_their_names)
{
    jep_dumps_t *dumps = dumps_of_text(locks_530);
    const struct table *bins = &dumps->snapshots[0]->subject->bin_mutexes;
    uint64_t value;

    ck_assert_uint_eq(cell(bins, 0, MUTEX_NUM_OPS), 1);
    ck_assert_uint_eq(cell(bins, 0, MUTEX_NUM_WAIT), 3);
    ck_assert_uint_eq(cell(bins, 0, MUTEX_NUM_SPIN_ACQ), 5);
    ck_assert_uint_eq(cell(bins, 0, MUTEX_MAX_NUM_THDS), 7);
    ck_assert(!table_get(bins, 0, MUTEX_TOTAL_WAIT_TIME, &value));
    ck_assert(!table_get(bins, 0, MUTEX_MAX_WAIT_TIME, &value));
    jep_dumps_free(dumps);
}

END_TEST

/* 5.3.0 states no totals: 2 + 3 + 4 + 5 huge ones, and 10 more of each that
 * are not; bytes of the small extent cache stand beside the shard. */
START_TEST(test_huge_pages_of_530_are_added_up)
{
    jep_dumps_t *dumps = dumps_of_text(shard_530);
    const struct snapshot_arena *arena = dumps->snapshots[0]->subject;

    ck_assert_uint_eq(arena->hpa[HPA_SEC_BYTES].value, 196608);
    ck_assert_uint_eq(arena->hpa[HPA_NPURGE_PASSES].value, 6);
    ck_assert_uint_eq(arena->hpa[HPA_NDEHUGIFIES].value, 9);
    ck_assert(!arena->hpa[HPA_NDEHUGIFIES].derived);
    ck_assert_uint_eq(arena->hpa[HPA_NPAGESLABS].value, 14 + 14 + 40);
    ck_assert_uint_eq(arena->hpa[HPA_NACTIVE].value, 140 + 140 + 400);
    ck_assert_uint_eq(arena->hpa[HPA_NDIRTY].value, 1400 + 1400 + 4000);
    ck_assert(arena->hpa[HPA_NDIRTY].derived);
    ck_assert_uint_eq(
        cell(&arena->hpa_slabs, HPA_ROW_FULL, HPA_SLAB_NPAGESLABS_HUGE), 2);
    ck_assert_uint_eq(
        cell(&arena->hpa_slabs, HPA_ROW_EMPTY, HPA_SLAB_NPAGESLABS), 13);
    ck_assert_uint_eq(
        cell(&arena->hpa_slabs, HPA_ROW_NONFULL + 1, HPA_SLAB_NDIRTY), 1500);
    jep_dumps_free(dumps);
}

END_TEST

/* What versions after 5.3.0 add. */
START_TEST(test_newer_members_are_read)
{
    size_t length;
    char *text = case_read("jejson-dev", &length);
    jep_dumps_t *dumps;
    const struct snapshot_arena *arena;
    const struct snapshot *s;

    text[length] = '\0';
    dumps = dumps_of_text(text);
    s = dumps->snapshots[0];
    arena = s->subject;
    ck_assert_uint_eq(s->total[TOTAL_PINNED].value, 12288);
    ck_assert_uint_eq(s->total[TOTAL_METADATA_EDATA].value, 2048);
    ck_assert_uint_eq(s->total[TOTAL_METADATA_RTREE].value, 4096);
    ck_assert_uint_eq(arena->figures[ARENA_PINNED].value, 8192);
    ck_assert_uint_eq(arena->figures[ARENA_METADATA_EDATA].value, 1024);
    ck_assert_uint_eq(arena->figures[ARENA_METADATA_RTREE].value, 3072);
    ck_assert_uint_eq(arena->figures[ARENA_PAC_SEC_BYTES].value, 77);
    ck_assert_uint_eq(arena->hpa[HPA_SEC_BYTES].value, 5);
    ck_assert_uint_eq(arena->hpa[HPA_SEC_MISSES].value, 7);
    ck_assert_uint_eq(arena->hpa[HPA_NPAGESLABS].value, 3);
    ck_assert(!arena->hpa[HPA_NPAGESLABS].derived);
    ck_assert_uint_eq(arena->hpa[HPA_NHUGIFY_FAILURES].value, 2);
    ck_assert_uint_eq(cell(&arena->hpa_slabs, HPA_ROW_ALL, HPA_SLAB_NRETAINED),
                      17);
    ck_assert_uint_eq(cell(&arena->bins, 0, BIN_PROF_LIVE_REQUESTED), 6300);
    ck_assert_uint_eq(cell(&arena->larges, 0, LARGE_PROF_ACCUM_COUNT), 4);
    ck_assert_uint_eq(cell(&arena->extents, 1, EXTENT_NPINNED), 1);
    ck_assert_uint_eq(cell(&arena->extents, 1, EXTENT_PINNED), 8192);
    jep_dumps_free(dumps);
    free(text);
}

END_TEST

START_TEST(test_minus_one_is_never)
{
    jep_dumps_t *dumps = dumps_of_text(
        "{\"jeprobe\":{\"schema\":1},\"process\":{\"oom_score_adj\":-500},"
        "\"jemalloc\":{\"arenas\":{\"dirty_decay_ms\":-1},\"stats.arenas\":"
        "{\"0\":{\"dirty_decay_ms\":-1,\"muzzy_decay_ms\":0}}}}");
    const struct snapshot *s = dumps->snapshots[0];

    ck_assert_uint_eq(s->warning_count, 0);
    ck_assert_uint_eq(s->constant[CONST_DIRTY_DECAY_MS].value, DECAY_NEVER);
    ck_assert_uint_eq(s->subject->figures[ARENA_DIRTY_DECAY_MS].value,
                      DECAY_NEVER);
    ck_assert_uint_eq(s->subject->figures[ARENA_MUZZY_DECAY_MS].value, 0);
    ck_assert_int_eq((int64_t)s->process[PROCESS_OOM_SCORE_ADJ].value, -500);
    jep_dumps_free(dumps);
}

END_TEST

/* Objects add up over arenas, sizes, times and longest waits do not. */
START_TEST(test_arenas_are_summed)
{
    jep_dumps_t *dumps = dumps_of_text(two_arenas);
    const struct snapshot_arena *sum = dumps->snapshots[0]->subject;

    ck_assert_int_eq(sum->id, DUMP_ARENA_MERGED);
    ck_assert_uint_eq(sum->figures[ARENA_PDIRTY].value, 11);
    ck_assert(sum->figures[ARENA_PDIRTY].derived);
    ck_assert_uint_eq(sum->figures[ARENA_UPTIME_NS].value, 90);
    ck_assert(!sum->figures[ARENA_DIRTY_DECAY_MS].known);
    ck_assert_uint_eq(sum->figures[ARENA_MUZZY_DECAY_MS].value, DECAY_NEVER);
    ck_assert_uint_eq(cell(&sum->larges, 0, LARGE_CUREXTENTS), 5);
    ck_assert_uint_eq(cell(&dumps->snapshots[0]->large_classes, 0, LARGE_SIZE),
                      16384);
    ck_assert_uint_eq(cell(&sum->extents, 1, EXTENT_NDIRTY), 7);
    ck_assert_uint_eq(cell(&sum->mutexes, LOCK_BASE, MUTEX_NUM_OPS), 32);
    ck_assert_uint_eq(cell(&sum->mutexes, LOCK_BASE, MUTEX_MAX_WAIT_TIME), 26);
    ck_assert_uint_eq(cell(&sum->mutexes, LOCK_BASE, MUTEX_MAX_NUM_THDS), 27);
    jep_dumps_free(dumps);
}

END_TEST

/* 4.3 to 4.5: runs instead of slabs, chunks for what is huge. */
START_TEST(test_version_4_is_read)
{
    jep_dumps_t *dumps = dumps_of_text(
        "{\"jemalloc\":{\"version\":\"4.5.0-0-gabc\",\"arenas\":{\"page\":"
        "4096,\"bin\":[{\"size\":8,\"nregs\":512,\"run_size\":4096}],"
        "\"lrun\":[{\"size\":16384}],\"hchunk\":[{\"size\":2097152}]},"
        "\"stats.arenas\":{\"merged\":{\"pdirty\":9,\"npurge\":1,"
        "\"nmadvise\":2,\"purged\":3,\"metadata\":{\"mapped\":4,"
        "\"allocated\":5},\"bins\":[{\"curregs\":6,\"curruns\":7}],"
        "\"lruns\":[{\"curruns\":8}],\"hchunks\":[{\"curhchunks\":9}]}}}}");
    const struct snapshot *s = dumps->snapshots[0];
    const struct snapshot_arena *arena = s->subject;
    unsigned huge = 0;

    ck_assert_uint_eq(arena->figures[ARENA_DIRTY_NPURGE].value, 1);
    ck_assert_uint_eq(arena->figures[ARENA_DIRTY_PURGED].value, 3);
    ck_assert_uint_eq(arena->figures[ARENA_INTERNAL].value, 5);
    ck_assert_uint_eq(cell(&s->bin_classes, 0, BIN_SLAB_SIZE), 4096);
    ck_assert_uint_eq(cell(&arena->bins, 0, BIN_CURSLABS), 7);
    ck_assert_uint_eq(cell(&arena->larges, 0, LARGE_CUREXTENTS), 8);
    for (size_t row = 1; row < arena->larges.rows; row++) {
        uint64_t size;

        if (!table_get(&s->large_classes, row, LARGE_SIZE, &size))
            continue;
        ck_assert_uint_eq(size, 2097152);
        ck_assert_uint_eq(cell(&arena->larges, row, LARGE_CUREXTENTS), 9);
        huge++;
    }
    ck_assert_uint_eq(huge, 1);
    jep_dumps_free(dumps);
}

END_TEST

START_TEST(test_figures_know_their_line)
{
    jep_dumps_t *dumps = dumps_of_text(
        "{\"jemalloc\":\n{\"stats\":{\"allocated\":1,\n\"active\":2},"
        "\n\"stats.arenas\":{\"merged\":{\n\"bins\":[{\n\"nmalloc\":3,"
        "\n\"ndalloc\":1}]}}}}");
    const struct snapshot *s = dumps->snapshots[0];

    ck_assert_uint_eq(s->total[TOTAL_ALLOCATED].line, 2);
    ck_assert_uint_eq(s->total[TOTAL_ACTIVE].line, 3);
    ck_assert(!s->total[TOTAL_ACTIVE].derived);
    ck_assert_uint_eq(table_line(&s->subject->bins, 0), 6);
    jep_dumps_free(dumps);
}

END_TEST

/* As many warnings as help, and how many there would have been. */
START_TEST(test_warnings_end)
{
    char text[8192];
    size_t n = 0;
    jep_dumps_t *dumps;
    const struct snapshot *s;

    n += (size_t)snprintf(text, sizeof(text),
                          "{\"jemalloc\":{\"stats.arenas\":"
                          "{\"merged\":{\"bins\":[");
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "{\"nmalloc\":-1},");
    snprintf(text + n, sizeof(text) - n, "{}]}}}}");
    dumps = dumps_of_text(text);
    s = dumps->snapshots[0];
    ck_assert_uint_eq(s->warning_count, 21);
    ck_assert_str_eq(s->warnings[20].text, "80 more like these");
    jep_dumps_free(dumps);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_torn_anywhere_reads_the_same);
    tcase_add_test(tcase, test_cut_anywhere_reads_what_is_there);
    tcase_add_test(tcase, test_locks_of_process_arena_and_bin);
    tcase_add_test(tcase, test_locks_of_530_stand_under_their_names);
    tcase_add_test(tcase, test_huge_pages_of_530_are_added_up);
    tcase_add_test(tcase, test_newer_members_are_read);
    tcase_add_test(tcase, test_minus_one_is_never);
    tcase_add_test(tcase, test_arenas_are_summed);
    tcase_add_test(tcase, test_version_4_is_read);
    tcase_add_test(tcase, test_figures_know_their_line);
    tcase_add_test(tcase, test_warnings_end);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
