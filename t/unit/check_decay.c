/*
 * The decay schedule against its formula in floating point.
 */
#include "alloc/decay.h"

#include <math.h>
#include <string.h>

#include "t/util.h"

#define MS UINT64_C(1000000)

/* An independent model: every batch of pages with the step it arrived in. */
typedef struct model {
    double batch[4096];
    uint64_t step[4096];
    unsigned n;
    uint64_t start_ns, step_ns;
    double seen;
} model_t;

static double
curve(double x)
{
    return 6 * pow(x, 5) - 15 * pow(x, 4) + 10 * pow(x, 3);
}

/* What may stay at `now` when `npages` are unused. */
static double
model_limit(model_t *m, uint64_t now, double npages)
{
    uint64_t step = (now - m->start_ns) / m->step_ns;
    if (npages > m->seen) {
        m->batch[m->n] = npages - m->seen;
        m->step[m->n++] = step;
    }
    double sum = 0;
    for (unsigned i = 0; i < m->n; i++) {
        double age = (double)(step - m->step[i]);
        if (age < DECAY_STEPS) {
            sum += m->batch[i] * curve((DECAY_STEPS - age) / DECAY_STEPS);
        }
    }
    m->seen = sum < npages ? floor(sum) : npages;
    return sum;
}

static void
setup(void)
{
    decay_boot();
}

START_TEST(test_decay_one_burst_follows_the_smoothstep_curve)
{
    decay_t d;
    uint64_t now = 12345 * MS;
    decay_init(&d, 10000, now);
    const size_t burst = 100000;
    size_t npages = burst;
    for (unsigned step = 0; step <= DECAY_STEPS + 1; step++) {
        size_t limit = decay_limit(&d, now + step * 50 * MS, npages);
        double x =
            step < DECAY_STEPS ? (double)(DECAY_STEPS - step) / DECAY_STEPS : 0;
        ck_assert_double_eq_tol((double)limit, burst * curve(x), 2.0);
        npages = limit < npages ? limit : npages;
    }
    ck_assert_uint_eq(npages, 0);
}

END_TEST

START_TEST(test_decay_random_arrivals_match_the_formula)
{
    uint64_t state = util_seed();
    decay_t d;
    model_t m;
    memset(&m, 0, sizeof(m));
    uint64_t now = 777 * MS;
    decay_init(&d, 1000, now);
    m.start_ns = now;
    m.step_ns = 5 * MS;
    size_t npages = 0;
    for (unsigned i = 0; i < 4000; i++) {
        now += util_random_below(&state, 100) < 95
                   ? util_random_below(&state, 12 * MS)
                   : util_random_below(&state, 1500 * MS);
        switch (util_random_below(&state, 3)) {
        case 0:
            npages += util_random_below(&state, 5000);
            break;
        case 1: /* pages are used again */
            npages -= util_random_below(&state, npages + 1);
            break;
        default:
            break;
        }
        size_t limit = decay_limit(&d, now, npages);
        ck_assert_double_eq_tol((double)limit,
                                model_limit(&m, now, (double)npages), 2.0);
        if (limit < npages) {
            npages = limit;
        }
        ck_assert_uint_eq(d.npages_seen, npages);
        m.seen = (double)npages; /* one rounding, not a thousand */
    }
}

END_TEST

START_TEST(test_decay_time_zero_and_never)
{
    decay_t d;
    decay_init(&d, 0, 5 * MS);
    ck_assert_uint_eq(decay_limit(&d, 6 * MS, 100), 0);
    ck_assert_uint_eq(decay_ns_until_due(&d, 6 * MS, 100), UINT64_MAX);
    decay_init(&d, -1, 5 * MS);
    ck_assert_uint_eq(decay_limit(&d, 6 * MS, 100), SIZE_MAX);
    ck_assert(!decay_is_due(&d, UINT64_MAX));
    ck_assert_uint_eq(decay_ns_until_due(&d, 6 * MS, 100), UINT64_MAX);
}

END_TEST

START_TEST(test_decay_is_due_once_a_step_and_at_most_two_late)
{
    decay_t d;
    uint64_t now = 9 * MS;
    decay_init(&d, 10000, now);
    uint64_t state = util_seed();
    for (unsigned i = 0; i < 500; i++) {
        uint64_t due = decay_ns_until_due(&d, now, 10);
        ck_assert_uint_gt(due, 0);
        ck_assert_uint_le(due, 100 * MS);
        ck_assert(!decay_is_due(&d, now + due - 1));
        ck_assert(decay_is_due(&d, now + due));
        ck_assert_uint_eq(decay_ns_until_due(&d, now, 0), UINT64_MAX);
        now += due + util_random_below(&state, 60 * MS);
        (void)decay_limit(&d, now, 10);
    }
}

END_TEST

START_TEST(test_decay_set_time_forgets_the_backlog)
{
    decay_t d;
    decay_init(&d, 10000, MS);
    (void)decay_limit(&d, 2 * MS, 1000);
    decay_set_time(&d, 5000, 3 * MS);
    for (unsigned i = 0; i < DECAY_STEPS; i++) {
        ck_assert_uint_eq(d.backlog[i], 0);
    }
    ck_assert_uint_eq(d.step_ns, 25 * MS);
}

END_TEST

START_TEST(test_decay_longest_time_does_not_overflow)
{
    decay_t d;
    uint64_t now = MS;
    decay_init(&d, DECAY_MS_MAX, now);
    size_t many = (size_t)1 << 36; /* 256 TiB of 4 KiB pages */
    size_t limit = decay_limit(&d, now, many);
    ck_assert_double_eq_tol((double)limit, (double)many, 4096);
    limit = decay_limit(&d, now + 3600000 * MS, many);
    ck_assert_double_eq_tol((double)limit, (double)many, 4096);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("decay");
    TCase *tc = tcase_create("decay");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_decay_one_burst_follows_the_smoothstep_curve);
    tcase_add_test(tc, test_decay_random_arrivals_match_the_formula);
    tcase_add_test(tc, test_decay_time_zero_and_never);
    tcase_add_test(tc, test_decay_is_due_once_a_step_and_at_most_two_late);
    tcase_add_test(tc, test_decay_set_time_forgets_the_backlog);
    tcase_add_test(tc, test_decay_longest_time_does_not_overflow);
    suite_add_tcase(s, tc);
    return util_run(s);
}
