/*
 * Stacks met again: what is found without a walk is what a walk finds.
 */
#include "alloc/prof_trace.h"

#include <dlfcn.h>
#include <signal.h>
#include <unwind.h>

#include "alloc/malloc.h"
#include "alloc/prof_bt.h"
#include "t/util.h"

static bool has_rules;
static unsigned nfound, nvisits;

static void
setup(void)
{
    ck_assert(je_boot());
    prof_bt_boot_late();
    has_rules = cfi_boot();
    nfound = nvisits = 0;
}

/* Look for the stack from here, and learn it if it is not known. */
static JE_NOINLINE const prof_stack_t *
visit(uint64_t salt)
{
    uintptr_t frames[PROF_STACK_MAX];
    cfi_regs_t start;
    cfi_trail_t trail;
    prof_bt_here(&start);
    prof_stack_t *found = prof_trace_find(&start, salt);
    prof_trace_t *trace =
        found == NULL ? prof_trace_begin(&start, salt, &trail) : NULL;
    ck_assert(found != NULL || trace != NULL);
    unsigned n = prof_bt_walk(&start, frames, PROF_STACK_MAX,
                              trace != NULL ? &trail : NULL);
    prof_stack_t *stack = prof_stack_get(frames, n);
    ck_assert_ptr_nonnull(stack);
    nvisits++;
    if (trace != NULL) {
        prof_trace_end(trace, &start, &trail, stack);
    } else {
        ck_assert_ptr_eq(found, stack);
        nfound++;
    }
    return found;
}

START_TEST(test_same_place_is_found_again)
{
    for (volatile unsigned i = 0; i < 3 && has_rules; i++) {
        ck_assert_int_eq(visit(1) != NULL, i > 0);
    }
}

END_TEST

START_TEST(test_other_place_at_the_same_depth_is_not)
{
    const prof_stack_t *a = NULL, *b = NULL;
    for (volatile unsigned i = 0; i < 2; i++) {
        a = visit(2);
        b = visit(2);
    }
    if (has_rules) {
        ck_assert_ptr_nonnull(a);
        ck_assert_ptr_nonnull(b);
        ck_assert_ptr_ne(a, b);
    }
}

END_TEST

/* ---- frames of all kinds ----------------------------------------------- */

static JE_NOINLINE int walk_about(uint64_t *state, unsigned depth);

static JE_NOINLINE int
plain(uint64_t *state, unsigned depth)
{
    volatile char room[16] = {1};
    return walk_about(state, depth) + room[0];
}

static JE_NOINLINE int
other_plain(uint64_t *state, unsigned depth)
{
    volatile char room[16] = {2};
    return walk_about(state, depth) + room[0];
}

/* Its frame is found by the frame pointer. */
static JE_NOINLINE int
dynamic(uint64_t *state, unsigned depth)
{
    volatile char *room = __builtin_alloca(16 + util_random(state) % 3 * 16);
    room[0] = 3;
    return walk_about(state, depth) + room[0];
}

static JE_NOINLINE int
aligned(uint64_t *state, unsigned depth)
{
    _Alignas(64) volatile char room[64] = {4};
    return walk_about(state, depth) + room[0];
}

static JE_NOINLINE int
walk_about(uint64_t *state, unsigned depth)
{
    static int (*const ways[])(uint64_t *, unsigned) = {plain, other_plain,
                                                        dynamic, aligned};
    if (depth == 0) {
        (void)visit(0);
        return 0;
    }
    return ways[util_random(state) % JE_ARRAY_LEN(ways)](state, depth - 1) + 1;
}

START_TEST(test_random_frames)
{
    uint64_t state = util_seed();
    for (unsigned i = 0; i < 20000; i++) {
        (void)walk_about(&state, (unsigned)(util_random(&state) % 4));
    }
    ck_assert_uint_eq(nvisits, 20000);
    if (has_rules) {
        ck_assert_uint_gt(nfound, 5000);
    }
}

END_TEST

START_TEST(test_deeper_than_a_trail_is_walked)
{
    uint64_t state = 1;
    for (unsigned i = 0; i < 2; i++) {
        (void)walk_about(&state, PROF_TRACE_WORDS + 5);
    }
    ck_assert_uint_eq(nfound, 0);
}

END_TEST

/* ---- what is not kept -------------------------------------------------- */

static void
on_signal(int sig)
{
    (void)sig;
    (void)visit(3);
}

START_TEST(test_what_a_signal_interrupted_is_walked)
{
    signal(SIGUSR1, on_signal);
    for (unsigned i = 0; i < 3; i++) {
        raise(SIGUSR1);
    }
    ck_assert_uint_eq(nvisits, 3);
    ck_assert_uint_eq(nfound, 0);
}

END_TEST

static _Unwind_Reason_Code
on_frame(struct _Unwind_Context *context, void *arg)
{
    (void)context;
    (void)arg;
    (void)visit(4);
    return _URC_NORMAL_STOP;
}

/* It may be unloaded, and another mapped there. */
START_TEST(test_what_was_loaded_later_is_walked)
{
    typedef _Unwind_Reason_Code backtrace_t(_Unwind_Trace_Fn, void *);

    union {
        void *data;
        backtrace_t *code;
    } f;

    bool was_loaded = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_NOLOAD) != NULL;
    void *library = dlopen("libgcc_s.so.1", RTLD_NOW);
    ck_assert_ptr_nonnull(library);
    f.data = dlsym(library, "_Unwind_Backtrace");
    ck_assert_ptr_nonnull(f.data);
    for (unsigned i = 0; i < 3; i++) {
        (void)f.code(on_frame, NULL);
    }
    ck_assert_uint_eq(nvisits, 3);
    ck_assert_uint_eq(nfound, was_loaded && has_rules ? 2 : 0);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("trace");
    TCase *tc = tcase_create("trace");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_same_place_is_found_again);
    tcase_add_test(tc, test_other_place_at_the_same_depth_is_not);
    tcase_add_test(tc, test_random_frames);
    tcase_add_test(tc, test_deeper_than_a_trail_is_walked);
    tcase_add_test(tc, test_what_a_signal_interrupted_is_walked);
    tcase_add_test(tc, test_what_was_loaded_later_is_walked);
    suite_add_tcase(s, tc);
    return util_run(s);
}
