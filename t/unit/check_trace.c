/*
 * Stacks met again: what is found without a walk is what a walk finds.
 */
#include "alloc/prof_trace.h"

#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <unwind.h>

#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "alloc/prof.h"
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

/* Its frame is found by a word beside the frame pointer. */
static JE_NOINLINE int
aligned_dynamic(uint64_t *state, unsigned depth)
{
    _Alignas(64) volatile char room[64] = {5};
    volatile char *more = __builtin_alloca(16 + util_random(state) % 3 * 16);
    more[0] = 5;
    return walk_about(state, depth) + room[0] + more[0];
}

static JE_NOINLINE int
walk_about(uint64_t *state, unsigned depth)
{
    static int (*const ways[])(uint64_t *, unsigned) = {
        plain, other_plain, dynamic, aligned, aligned_dynamic};
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
    for (volatile unsigned i = 0; i < 2; i++) {
        uint64_t state = 1;
        (void)walk_about(&state, PROF_TRACE_WORDS + 5);
    }
    ck_assert_uint_eq(nvisits, 2);
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
    for (volatile unsigned i = 0; i < 3; i++) { /* one place, not three */
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
    for (volatile unsigned i = 0; i < 3; i++) {
        (void)f.code(on_frame, NULL);
    }
    ck_assert_uint_eq(nvisits, 3);
    ck_assert_uint_eq(nfound, was_loaded && has_rules ? 2 : 0);
}

END_TEST

#if defined(__x86_64__)
/* A function that nothing describes, and that has a frame pointer. */
void check_trace_call(void (*fn)(void));
__asm__(".text\n"
        "check_trace_call:\n\t"
        "pushq %rbp\n\t"
        "movq %rsp, %rbp\n\t"
        "call *%rdi\n\t"
        "popq %rbp\n\t"
        "ret");

static JE_NOINLINE void
visit_without_rules(void)
{
    (void)visit(5);
}

START_TEST(test_what_has_no_rule_is_walked)
{
    for (volatile unsigned i = 0; i < 3; i++) {
        check_trace_call(visit_without_rules);
    }
    ck_assert_uint_eq(nvisits, 3);
    ck_assert_uint_eq(nfound, 0);
}

END_TEST
#endif

START_TEST(test_what_others_walked_is_not_kept)
{
    static const unsigned modes[] = {CONF_UNWIND_FP, CONF_UNWIND_LIBUNWIND};
    unsigned before = (unsigned)conf.unwind;
    conf.unwind = modes[_i];
    prof_bt_boot_late();
    for (volatile unsigned i = 0; i < 3; i++) {
        (void)visit(6);
    }
    ck_assert_uint_eq(nvisits, 3);
    ck_assert_uint_eq(nfound, 0);
    conf.unwind = before;
    prof_bt_boot_late();
}

END_TEST

/* ---- the cache by itself ----------------------------------------------- */

/* A walk that read one word. */
typedef struct walk {
    cfi_regs_t start;
    prof_stack_t *stack;
    uintptr_t word;
    bool needs_fp, is_lost;
} walk_t;

static prof_trace_t *
begin(const walk_t *w, cfi_trail_t *trail)
{
    prof_trace_t *trace = prof_trace_begin(&w->start, 0, trail);
    if (trace != NULL) {
        ck_assert_uint_eq(trail->max, PROF_TRACE_WORDS);
        ck_assert(!trail->is_lost && !trail->needs_fp && trail->n == 0);
        trail->offsets[0] = 0;
        trail->words[0] = w->word;
        trail->n = 1;
        trail->needs_fp = w->needs_fp;
        trail->is_lost = w->is_lost;
    }
    return trace;
}

static void
learn(const walk_t *w)
{
    cfi_trail_t trail;
    prof_trace_t *trace = begin(w, &trail);
    ck_assert_ptr_nonnull(trace);
    prof_trace_end(trace, &w->start, &trail, w->stack);
}

static walk_t
walk_from(uintptr_t *memory, uintptr_t frame)
{
    walk_t w = {.start = {.pc = 1, .sp = (uintptr_t)memory, .fp = 2},
                .stack = prof_stack_get(&frame, 1),
                .word = *memory};
    ck_assert_ptr_nonnull(w.stack);
    return w;
}

START_TEST(test_frame_pointer_is_compared_if_it_decided)
{
    uintptr_t memory = 7;
    walk_t w = walk_from(&memory, 1000);
    cfi_regs_t other = w.start;
    other.fp++;
    learn(&w);
    ck_assert_ptr_eq(prof_trace_find(&w.start, 0), w.stack);
    ck_assert_ptr_eq(prof_trace_find(&other, 0), w.stack);
    memory = 8;
    w = walk_from(&memory, 1001);
    w.needs_fp = true;
    learn(&w);
    ck_assert_ptr_eq(prof_trace_find(&w.start, 0), w.stack);
    ck_assert_ptr_null(prof_trace_find(&other, 0));
}

END_TEST

/* What does not fit is lost, and nothing behind it. */
START_TEST(test_trail_keeps_to_its_room)
{
    enum { ROOM = 2 };

    uintptr_t frames[PROF_STACK_MAX], words[ROOM + 4];
    int32_t offsets[ROOM + 4];
    cfi_regs_t start;
    memset(words, 0x55, sizeof(words));
    memset(offsets, 0x55, sizeof(offsets));
    prof_bt_here(&start);
    cfi_trail_t trail = {
        .sp = start.sp, .offsets = offsets, .words = words, .max = ROOM};
    (void)prof_bt_walk(&start, frames, PROF_STACK_MAX, &trail);
    ck_assert(trail.is_lost);
    ck_assert_uint_le(trail.n, ROOM);
    ck_assert_uint_eq(words[ROOM], UINT64_C(0x5555555555555555));
    ck_assert_int_eq(offsets[ROOM], 0x55555555);
}

END_TEST

/* What the first frame's caller is found by. */
START_TEST(test_frame_pointer_of_the_first_frame_decides)
{
    uintptr_t frames[PROF_STACK_MAX];
    volatile char *room = __builtin_alloca(16 + (unsigned)_i * 16);
    cfi_regs_t start;
    cfi_trail_t trail;
    room[0] = 1;
    prof_bt_here(&start);
    prof_trace_t *trace = prof_trace_begin(&start, 0, &trail);
    ck_assert_ptr_nonnull(trace);
    unsigned n = prof_bt_walk(&start, frames, PROF_STACK_MAX, &trail);
    ck_assert(trail.needs_fp || !has_rules);
    prof_trace_end(trace, &start, &trail, prof_stack_get(frames, n));
}

END_TEST

/* A walk that is not kept has used up the place of one that was. */
START_TEST(test_what_is_not_kept_leaves_nothing)
{
    uintptr_t memory = 7;
    walk_t w = walk_from(&memory, 1000);
    learn(&w);
    memory = 8;
    ck_assert_ptr_null(prof_trace_find(&w.start, 0));
    w.word = memory;
    w.is_lost = true;
    for (unsigned i = 0; i < 16; i++) { /* all ways of the set */
        learn(&w);
        ck_assert_ptr_null(prof_trace_find(&w.start, 0));
    }
}

END_TEST

/* By a frame that a signal interrupted, or by another thread. */
START_TEST(test_what_is_in_use_is_done_without)
{
    uintptr_t memory = 7;
    walk_t w = walk_from(&memory, 1000);
    cfi_trail_t trail, other;
    learn(&w);
    prof_trace_t *trace = begin(&w, &trail);
    ck_assert_ptr_nonnull(trace);
    ck_assert_ptr_null(prof_trace_find(&w.start, 0));
    ck_assert_ptr_null(begin(&w, &other));
    prof_trace_end(trace, &w.start, &trail, w.stack);
    ck_assert_ptr_eq(prof_trace_find(&w.start, 0), w.stack);
}

END_TEST

/* The place of a walk that ends no more is free again, with nothing in it. */
START_TEST(test_child_forgets_what_was_in_use)
{
    uintptr_t memory = 7;
    walk_t w = walk_from(&memory, 1000);
    cfi_trail_t trail;
    learn(&w);
    ck_assert_ptr_nonnull(begin(&w, &trail));
    prof_fork_child();
    ck_assert_ptr_null(prof_trace_find(&w.start, 0));
    learn(&w);
    ck_assert_ptr_eq(prof_trace_find(&w.start, 0), w.stack);
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
#if defined(__x86_64__)
    tcase_add_test(tc, test_what_has_no_rule_is_walked);
#endif
    tcase_add_loop_test(tc, test_what_others_walked_is_not_kept, 0, 2);
    tcase_add_test(tc, test_frame_pointer_is_compared_if_it_decided);
    tcase_add_loop_test(tc, test_frame_pointer_of_the_first_frame_decides, 0,
                        2);
    tcase_add_test(tc, test_trail_keeps_to_its_room);
    tcase_add_test(tc, test_what_is_not_kept_leaves_nothing);
    tcase_add_test(tc, test_what_is_in_use_is_done_without);
    tcase_add_test(tc, test_child_forgets_what_was_in_use);
    suite_add_tcase(s, tc);
    return util_run(s);
}
