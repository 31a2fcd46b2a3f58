/* What changed between two dumps, line by line, bin by bin and stack by stack,
 * against sums by hand. */
#include "base/macros.h"

#include "jeprobe.h"
#include "jeprobe_compare.h"

#include "t/unit/dumps.h"

#include <math.h>
#include <string.h>

/* A dump with its report. */
struct read {
    jep_dumps_t *dumps;
    jep_report_t *report;
};

static struct read
read_text(const char *text)
{
    const struct jep_options options = {.symbols = false};
    struct jep_error error;
    struct read read = {.dumps = dumps_of_text(text)};

    ck_assert_msg(
        jep_report_new(read.dumps, 0, &options, &read.report, &error) == JEP_OK,
        "%s", error.text);
    return read;
}

static void
read_free(struct read *read)
{
    jep_report_free(read->report);
    jep_dumps_free(read->dumps);
}

static struct jep_diff *
diff_of(const struct read *before, const struct read *now)
{
    struct jep_diff *diff;

    ck_assert_int_eq(jep_diff_new(before->report, now->report, 0, &diff),
                     JEP_OK);
    return diff;
}

/* ---- lines and bins ------------------------------------------------------ */

#define HEAD                                                                   \
    "{\"jemalloc\": {\"version\": \"5.3.0-0-g0\","                             \
    "\"config\": {\"cache_oblivious\": false},"                                \
    "\"arenas\": {\"narenas\": 4, \"page\": 4096, \"bin\": ["                  \
    "{\"size\": 64, \"nregs\": 64, \"slab_size\": 4096},"                      \
    "{\"size\": 256, \"nregs\": 16, \"slab_size\": 4096},"                     \
    "{\"size\": 1024, \"nregs\": 4, \"slab_size\": 4096}]},"

/* 1000 objects of 64 bytes in 20 slabs and 100 of 1024 in 30: 280 and 20 are
 * free.  6400 bytes are cached and 3200 metadata, 10 pages are dirty. */
static const char old_text[] = HEAD
    "\"stats\": {\"allocated\": 166400, \"active\": 204800, \"metadata\": "
    "44160, \"resident\": 286720, \"mapped\": 1000000, \"retained\": 0},"
    "\"stats.arenas\": {\"merged\": {\"nthreads\": 1, \"pdirty\": 10,"
    "\"pmuzzy\": 0, \"base\": 40960, \"internal\": 3200,"
    "\"tcache_bytes\": 6400, \"small\": {\"allocated\": 166400},"
    "\"large\": {\"allocated\": 0}, \"bins\": ["
    "{\"curregs\": 1000, \"curslabs\": 20}, {\"curregs\": 0, \"curslabs\": 0},"
    "{\"curregs\": 100, \"curslabs\": 30}]}}}}\n";

/* 1500 of 64 bytes in 25 slabs and 300 of 256 in 40: 100 and 340 are free. */
static const char new_text[] = HEAD
    "\"stats\": {\"allocated\": 172800, \"active\": 266240, \"metadata\": "
    "40960, \"resident\": 430080, \"mapped\": 2000000, \"retained\": 0},"
    "\"stats.arenas\": {\"merged\": {\"nthreads\": 1, \"pdirty\": 30,"
    "\"pmuzzy\": 0, \"base\": 40960, \"internal\": 0,"
    "\"tcache_bytes\": 0, \"small\": {\"allocated\": 172800},"
    "\"large\": {\"allocated\": 0}, \"bins\": ["
    "{\"curregs\": 1500, \"curslabs\": 25}, {\"curregs\": 300, \"curslabs\": "
    "40}, {\"curregs\": 0, \"curslabs\": 0}]}}}}\n";

/* Without resident the ledger is one of active, and there are no bins. */
static const char active_text[] =
    HEAD "\"stats\": {\"allocated\": 172800, \"active\": 266240},"
         "\"stats.arenas\": {\"merged\": {\"nthreads\": 1}}}}\n";

struct line {
    const char *id;
    int64_t before, now;
};

static void
lines_are(const struct jep_diff *diff, const struct line *wanted, size_t count)
{
    ck_assert_uint_eq(diff->line_count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(diff->lines[i].id, wanted[i].id);
        ck_assert_int_eq((int64_t)diff->lines[i].before.value,
                         wanted[i].before);
        ck_assert_int_eq((int64_t)diff->lines[i].now.value, wanted[i].now);
        ck_assert_int_eq(diff->lines[i].bytes,
                         wanted[i].now - wanted[i].before);
        ck_assert(diff->lines[i].before.known && diff->lines[i].now.known);
    }
}

/* The largest first; what did not change, and what is below a line, is none. */
START_TEST(test_lines_of_both_ledgers)
{
    static const struct line wanted[] = {{"dirty", 40960, 122880},
                                         {"slab_holes", 38400, 93440},
                                         {"objects", 156800, 172800},
                                         {"thread_caches", 6400, 0},
                                         {"metadata_internal", 3200, 0}};
    static const struct line back[] = {{"dirty", 122880, 40960},
                                       {"slab_holes", 93440, 38400},
                                       {"objects", 172800, 156800},
                                       {"thread_caches", 0, 6400},
                                       {"metadata_internal", 0, 3200}};
    struct read old = read_text(old_text), new = read_text(new_text);
    struct jep_diff *diff = diff_of(&old, &new);

    lines_are(diff, wanted, JE_ARRAY_LEN(wanted));
    jep_diff_free(diff);
    diff = diff_of(&new, &old);
    lines_are(diff, back, JE_ARRAY_LEN(back));
    jep_diff_free(diff);
    diff = diff_of(&old, &old);
    ck_assert_uint_eq(diff->line_count, 0);
    jep_diff_free(diff);
    read_free(&old);
    read_free(&new);
}

END_TEST

START_TEST(test_lines_of_different_totals_do_not_compare)
{
    struct read old = read_text(old_text), new = read_text(active_text);
    struct read none = read_text("{\"jemalloc\": {\"stats\": {\"allocated\": "
                                 "5}}}\n");
    struct jep_diff *diff = diff_of(&old, &new);

    ck_assert_uint_eq(diff->line_count, 0);
    ck_assert_uint_eq(diff->bin_count, 0);
    /* Allocated and active are in both. */
    ck_assert_uint_eq(diff->total_count, 2);
    ck_assert_str_eq(diff->totals[0].id, "active");
    ck_assert_int_eq(diff->totals[0].bytes, 61440);
    ck_assert_int_eq(diff->totals[1].bytes, 6400);
    jep_diff_free(diff);
    diff = diff_of(&new, &old);
    ck_assert_uint_eq(diff->bin_count, 0);
    ck_assert_int_eq(diff->totals[0].bytes, -61440);
    jep_diff_free(diff);
    diff = diff_of(&old, &none);
    ck_assert_uint_eq(diff->line_count, 0);
    jep_diff_free(diff);
    diff = diff_of(&none, &old);
    ck_assert_uint_eq(diff->line_count, 0);
    jep_diff_free(diff);
    diff = diff_of(&none, &none);
    ck_assert_uint_eq(diff->line_count, 0);
    jep_diff_free(diff);
    read_free(&old);
    read_free(&new);
    read_free(&none);
}

END_TEST

static void
bins_are(const struct jep_diff *diff, const struct jep_bin_change *wanted,
         int sign)
{
    ck_assert_uint_eq(diff->bin_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(diff->bins[i].size, wanted[i].size);
        ck_assert_int_eq(diff->bins[i].used, sign * wanted[i].used);
        ck_assert_int_eq(diff->bins[i].unused, sign * wanted[i].unused);
    }
}

/* 340 holes of 256 bytes are new, 20 of 1024 are gone, of 280 of 64 bytes 100
 * are left. */
START_TEST(test_bins_of_both_dumps)
{
    static const struct jep_bin_change wanted[] = {
        {256, 76800, 87040}, {1024, -102400, -20480}, {64, 32000, -11520}};
    struct read old = read_text(old_text), new = read_text(new_text);
    struct jep_diff *diff = diff_of(&old, &new);

    bins_are(diff, wanted, 1);
    jep_diff_free(diff);
    diff = diff_of(&new, &old);
    bins_are(diff, wanted, -1);
    jep_diff_free(diff);
    read_free(&old);
    read_free(&new);
}

END_TEST

/* ---- stacks -------------------------------------------------------------- */

/* Live samples of two stacks, of which `young` are younger than ten seconds. */
struct taken {
    unsigned first, second, young;
    bool is_one; /* both stacks have the same frames */
};

static void
put_samples(FILE *file, unsigned stack, unsigned count, unsigned young,
            bool *is_next)
{
    for (unsigned i = 0; i < count; i++) {
        fprintf(file,
                "%s{\"stack\": %u, \"requested\": 1048576, \"usable\": "
                "1048576, \"rate\": 524288, \"age_ns\": %s, \"thread\": 1}",
                *is_next ? "," : "", stack,
                i < young ? "9999999999" : "10000000000");
        *is_next = true;
    }
}

/* A dump of process `pid`; a third stack has nothing alive. */
static struct read
profile(unsigned pid, unsigned seconds, struct taken taken)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    bool is_next = false;
    struct read read;

    ck_assert(file != NULL);
    fprintf(file,
            "{\"jeprobe\": {\"schema\": 1, \"complete\": true, "
            "\"monotonic_ns\": %u000000000}, \"process\": {\"pid\": %u, "
            "\"exe\": \"/bin/x\"}, \"jemalloc\": {\"version\": "
            "\"5.3.0-0-gjeprobe\", \"stats\": {\"allocated\": 104857600}}, "
            "\"profile\": {\"sample_interval\": 524288, \"stacks\": "
            "[[\"0x1100\"], [\"%s\"], [\"0x1300\"]], \"mappings\": "
            "[{\"start\": \"0x1000\", \"end\": \"0x2000\", \"offset\": "
            "\"0x0\", \"path\": \"/lib/a.so\", \"build_id\": null}], "
            "\"sites\": [{\"stack\": 0, \"size\": 1048576, \"rate\": 524288, "
            "\"live_samples\": %u, \"total_samples\": %u}, {\"stack\": 1, "
            "\"size\": 1048576, \"rate\": 524288, \"live_samples\": %u, "
            "\"total_samples\": %u}, {\"stack\": 2, \"size\": 1048576, "
            "\"rate\": 524288, \"live_samples\": 0, \"total_samples\": 9}]}, "
            "\"samples\": [",
            seconds, pid, taken.is_one ? "0x1100" : "0x1200", taken.first,
            taken.first, taken.second, taken.second);
    put_samples(file, 0, taken.first, taken.young, &is_next);
    put_samples(file, 1, taken.second, taken.second, &is_next);
    fprintf(file, "]}\n");
    fclose(file);
    read = read_text(text);
    free(text);
    return read;
}

/* The change of the stack with `before` and `now` samples. */
static const struct jep_stack_change *
stack_find(const struct jep_diff *diff, unsigned before, unsigned now)
{
    for (size_t i = 0; i < diff->stack_count; i++) {
        if (diff->stacks[i].samples_before == before &&
            diff->stacks[i].samples_now == now)
            return &diff->stacks[i];
    }
    ck_abort_msg("no stack of %u and %u samples", before, now);
    return NULL;
}

/* The first stack of a dump: the one at the lower address. */
static struct jep_estimate
estimate(const struct read *read)
{
    const struct jep_profile *profile = &jep_report_view(read->report)->profile;

    for (size_t i = 0; i < profile->stack_count; i++) {
        if (profile->stacks[i].id == 0)
            return profile->stacks[i].live_bytes;
    }
    ck_abort_msg("there is no stack 0");
    return (struct jep_estimate){0};
}

static double
half(struct jep_estimate e)
{
    return (e.high - e.low) / 2.0;
}

/* Two processes share nothing: the errors of both add up. */
START_TEST(test_stacks_of_two_processes)
{
    struct read a = profile(1, 100, (struct taken){100, 0, 0, false});
    struct read b = profile(2, 110, (struct taken){160, 0, 60, false});
    struct jep_diff *diff = diff_of(&a, &b);
    const struct jep_stack_change *change = stack_find(diff, 100, 160);
    struct jep_estimate before = estimate(&a), now = estimate(&b);
    double wanted = now.value - before.value;

    ck_assert_uint_eq(diff->stack_count, 1);
    ck_assert_uint_eq(change->stack->live_samples, 160);
    ck_assert_uint_eq(change->samples_shared, 0);
    ck_assert_double_eq_tol(change->before, before.value, 1.0);
    ck_assert_double_eq_tol(change->now, now.value, 1.0);
    ck_assert_double_eq_tol(change->change, wanted, 1.0);
    ck_assert_double_eq_tol(change->low,
                            wanted - hypot(half(now), half(before)), 1.0);
    ck_assert_double_eq_tol(change->high,
                            wanted + hypot(half(now), half(before)), 1.0);
    ck_assert(change->is_significant);
    jep_diff_free(diff);
    read_free(&a);
    read_free(&b);
}

END_TEST

/* One process: of 90 samples 50 are older than the dump before, which had 80.
 * 40 fresh ones and 30 that are gone make the change uncertain. */
START_TEST(test_stacks_of_one_process_share_samples)
{
    struct read a = profile(1, 100, (struct taken){80, 0, 0, false});
    struct read b = profile(1, 110, (struct taken){90, 0, 40, false});
    struct jep_diff *diff = diff_of(&a, &b);
    const struct jep_stack_change *change = stack_find(diff, 80, 90);
    double now = half(estimate(&b)), before = half(estimate(&a));
    double wanted =
        sqrt(now * now * 40.0 / 90.0 + before * before * 30.0 / 80.0);

    ck_assert_uint_eq(change->samples_shared, 50);
    ck_assert_double_eq_tol(change->high - change->change, wanted, 1.0);
    ck_assert_double_eq_tol(change->change - change->low, wanted, 1.0);
    ck_assert(change->is_significant);
    jep_diff_free(diff);
    read_free(&a);
    read_free(&b);
    /* No more are shared than there were. */
    a = profile(1, 100, (struct taken){30, 0, 0, false});
    b = profile(1, 110, (struct taken){90, 0, 40, false});
    diff = diff_of(&a, &b);
    change = stack_find(diff, 30, 90);
    now = half(estimate(&b));
    ck_assert_uint_eq(change->samples_shared, 30);
    ck_assert_double_eq_tol(change->high - change->change,
                            now * sqrt(60.0 / 90.0), 1.0);
    jep_diff_free(diff);
    read_free(&a);
    read_free(&b);
}

END_TEST

/* Five samples are on one side by chance too often, however far from zero. */
START_TEST(test_few_samples_are_not_significant)
{
    for (unsigned count = 5; count <= 6; count++) {
        struct read a = profile(1, 100, (struct taken){100, 0, 0, false});
        struct read b = profile(2, 110, (struct taken){100, count, 0, false});
        struct jep_diff *diff = diff_of(&a, &b);
        const struct jep_stack_change *change = stack_find(diff, 0, count);

        ck_assert_uint_eq(diff->stack_count, 2);
        ck_assert(change->low > 0.0);
        ck_assert_double_eq(change->before, 0.0);
        ck_assert(change->is_significant == (count == 6));
        /* Significant ones come first, and then the larger ones. */
        ck_assert_ptr_eq(change, &diff->stacks[0]);
        jep_diff_free(diff);
        diff = diff_of(&b, &a);
        change = stack_find(diff, count, 0);
        ck_assert(change->high < 0.0);
        ck_assert(change->is_significant == (count == 6));
        jep_diff_free(diff);
        read_free(&a);
        read_free(&b);
    }
}

END_TEST

/* 7 samples out of nothing are no chance, 30 more of 900 are. */
START_TEST(test_significant_stacks_come_first)
{
    struct read a = profile(1, 100, (struct taken){900, 0, 0, false});
    struct read b = profile(2, 110, (struct taken){930, 7, 0, false});
    struct jep_diff *diff = diff_of(&a, &b);

    ck_assert_uint_eq(diff->stacks[0].samples_now, 7);
    ck_assert_uint_eq(diff->stacks[1].samples_now, 930);
    ck_assert(!diff->stacks[1].is_significant);
    ck_assert(fabs(diff->stacks[1].change) > diff->stacks[0].change);
    jep_diff_free(diff);
    read_free(&a);
    read_free(&b);
}

END_TEST

/* Each stack with itself, in whichever order they are read. */
START_TEST(test_stacks_of_both_are_paired)
{
    struct read a = profile(1, 100, (struct taken){20, 30, 0, false});
    struct read b = profile(2, 110, (struct taken){50, 40, 0, false});
    struct jep_diff *diff = diff_of(&a, &b);

    ck_assert_uint_eq(diff->stack_count, 2);
    stack_find(diff, 20, 50);
    stack_find(diff, 30, 40);
    jep_diff_free(diff);
    read_free(&a);
    read_free(&b);
}

END_TEST

/* Stacks that look alike are one: 20 and 30 samples are 50. */
START_TEST(test_stacks_that_look_alike_are_one)
{
    struct read a = profile(1, 100, (struct taken){20, 30, 0, true});
    struct read b = profile(1, 110, (struct taken){25, 8, 5, true});
    struct jep_diff *diff = diff_of(&a, &b);
    const struct jep_stack_change *change = stack_find(diff, 50, 33);

    /* 5 and 8 of the 33 are fresh. */
    ck_assert_uint_eq(diff->stack_count, 1);
    ck_assert_uint_eq(change->samples_shared, 20);
    ck_assert_double_eq_tol(change->before / change->now, 50.0 / 33.0, 1e-6);
    jep_diff_free(diff);
    read_free(&a);
    read_free(&b);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("diff");
    TCase *tcase = tcase_create("diff");

    tcase_add_test(tcase, test_lines_of_both_ledgers);
    tcase_add_test(tcase, test_lines_of_different_totals_do_not_compare);
    tcase_add_test(tcase, test_bins_of_both_dumps);
    tcase_add_test(tcase, test_stacks_of_two_processes);
    tcase_add_test(tcase, test_stacks_of_one_process_share_samples);
    tcase_add_test(tcase, test_stacks_of_both_are_paired);
    tcase_add_test(tcase, test_stacks_that_look_alike_are_one);
    tcase_add_test(tcase, test_few_samples_are_not_significant);
    tcase_add_test(tcase, test_significant_stacks_come_first);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
