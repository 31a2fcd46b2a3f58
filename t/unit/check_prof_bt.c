/*
 * Stack walks: ours against libunwind's, and addresses that cannot be read.
 */
#include "alloc/prof_bt.h"

#include "alloc/malloc.h"
#include "alloc/prof_bt_lib.h"
#include "alloc/prof_cfi.h"

#include "t/util.h"

#include <signal.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { FRAMES = 64 };

typedef struct stacks {
    uintptr_t ours[FRAMES], theirs[FRAMES];
    unsigned nours, ntheirs;
    bool is_taken;
} stacks_t;

static stacks_t stacks;

static JE_NOINLINE void
take(void)
{
    stacks.nours = prof_bt_capture(stacks.ours, FRAMES);
    stacks.ntheirs = prof_bt_lib_walk(stacks.theirs, FRAMES);
    stacks.is_taken = true;
}

/* Frames of unusual shapes on the way. */
static JE_NOINLINE int
through_alignment(volatile int n)
{
    alignas(64) volatile char room[128];
    room[n] = 1;
    take();
    return room[n];
}

static JE_NOINLINE int
through_dynamic(volatile int n)
{
    volatile char *room = __builtin_alloca((size_t)n * 100);
    room[0] = 1;
    return through_alignment(n) + room[0];
}

static void
on_signal(int sig)
{
    (void)sig;
    (void)through_dynamic(3);
}

/* Both end in the same frames: those above the two functions called. */
static void
assert_same_tails(unsigned at_least)
{
    ck_assert(stacks.is_taken);
    unsigned n = JE_MIN(stacks.nours, stacks.ntheirs);
    unsigned same = 0;
    while (same < n && stacks.ours[stacks.nours - 1 - same] -
                               stacks.theirs[stacks.ntheirs - 1 - same] <=
                           1) {
        same++;
    }
    ck_assert_uint_ge(same, at_least);
    ck_assert_uint_le(stacks.nours - same, 2);
}

static void
setup(void)
{
    stacks = (stacks_t){.nours = 0};
    ck_assert(je_boot());
    prof_bt_boot_late();
}

static bool
has_both(void)
{
    return cfi_boot() && prof_bt_lib_boot();
}

START_TEST(test_capture_agrees_with_libunwind)
{
    setup();
    if (!has_both()) {
        return;
    }
    (void)through_dynamic(3);
    assert_same_tails(5);
}

END_TEST

START_TEST(test_capture_passes_signal_frames)
{
    setup();
    if (!has_both()) {
        return;
    }
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    assert_same_tails(8);
}

END_TEST

START_TEST(test_capture_passes_signal_stack)
{
    setup();
    if (!has_both()) {
        return;
    }
    static char room[64 << 10];
    stack_t alternate = {.ss_sp = room, .ss_size = sizeof(room)};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    ck_assert_int_eq(sigaltstack(&alternate, NULL), 0);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    raise(SIGUSR1);
    assert_same_tails(8);
}

END_TEST

static ucontext_t outer, inner;

static void
coroutine(void)
{
    (void)through_dynamic(3);
}

START_TEST(test_capture_ends_in_coroutine)
{
    setup();
    size_t size = 64 << 10;
    char *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(room, MAP_FAILED);
    getcontext(&inner);
    inner.uc_stack.ss_sp = room;
    inner.uc_stack.ss_size = size;
    inner.uc_link = &outer;
    makecontext(&inner, coroutine, 0);
    swapcontext(&outer, &inner);
    ck_assert_uint_ge(stacks.nours, 3);
    ck_assert_uint_le(stacks.nours, 8);
}

END_TEST

static JE_NOINLINE void
recurse(int depth, volatile int *sum)
{
    if (depth == 0) {
        take();
    } else {
        recurse(depth - 1, sum);
    }
    (*sum)++;
}

START_TEST(test_capture_stops_at_max)
{
    volatile int sum = 0;
    setup();
    recurse(2 * FRAMES, &sum);
    ck_assert_uint_eq(stacks.nours, FRAMES);
}

END_TEST

START_TEST(test_read_refuses_bad_addresses)
{
    uint64_t value = 42, copy = 0;
    void *none =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(prof_bt_read((uintptr_t)&value, &copy, sizeof(copy)));
    ck_assert_uint_eq(copy, 42);
    ck_assert(!prof_bt_read((uintptr_t)none, &copy, sizeof(copy)));
    ck_assert(!prof_bt_read(8, &copy, sizeof(copy)));
    ck_assert(!prof_bt_read(UINTPTR_MAX - 100, &copy, sizeof(copy)));
}

END_TEST

START_TEST(test_step_refuses_unknown_code)
{
    static char room[64];
    cfi_regs_t regs = {.pc = (uintptr_t)room, .sp = (uintptr_t)room};
    (void)cfi_boot();
    ck_assert_int_eq(cfi_step(&regs, 0, NULL), CFI_UNKNOWN);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("prof_bt");
    TCase *tc = tcase_create("prof_bt");
    tcase_add_test(tc, test_capture_agrees_with_libunwind);
    tcase_add_test(tc, test_capture_passes_signal_frames);
    tcase_add_test(tc, test_capture_passes_signal_stack);
    tcase_add_test(tc, test_capture_ends_in_coroutine);
    tcase_add_test(tc, test_capture_stops_at_max);
    tcase_add_test(tc, test_read_refuses_bad_addresses);
    tcase_add_test(tc, test_step_refuses_unknown_code);
    suite_add_tcase(suite, tc);
    return util_run(suite);
}
