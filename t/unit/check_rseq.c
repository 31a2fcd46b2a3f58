/*
 * Stacks of processors by themselves: what each sequence does, and that a
 * signal at any of its instructions changes nothing.
 */
#include "os/rseq.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "t/util.h"

enum { NSLOTS = 512 };

static void *slots[NSLOTS + 1];
static os_rseq_stack_t stack;
static unsigned here;

/* An object is a number here. */
static void *
thing(uintptr_t n)
{
    return (void *)n;
}

static void
stay(void)
{
    cpu_set_t set;
    here = os_rseq_cpu();
    CPU_ZERO(&set);
    CPU_SET(here, &set);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
    ck_assert_uint_eq(os_rseq_cpu(), here);
}

/* The stack holds 1, 2, … n. */
static void
setup_with(unsigned nslots, unsigned n)
{
    stack = (os_rseq_stack_t){.word = n, .slots = slots, .nslots = nslots};
    for (uintptr_t i = 0; i <= NSLOTS; i++) {
        slots[i] = thing(i + 1);
    }
}

static void
setup(void)
{
    ck_assert_ptr_null(os_rseq_boot());
    stay();
    setup_with(8, 3);
}

START_TEST(test_pop_takes_the_top_and_counts)
{
    void *p;
    for (uintptr_t i = 3; i > 0; i--) {
        ck_assert_int_eq(os_rseq_pop(&stack, here, &p), OS_RSEQ_DONE);
        ck_assert_ptr_eq(p, thing(i));
    }
    ck_assert_uint_eq(stack.word, 3 << OS_RSEQ_LG_POP);
    ck_assert_int_eq(os_rseq_pop(&stack, here, &p), OS_RSEQ_NOT);
    ck_assert_uint_eq(stack.word, 3 << OS_RSEQ_LG_POP);
}

END_TEST

START_TEST(test_push_goes_to_the_last_slot)
{
    for (uintptr_t i = 4; i <= 8; i++) {
        ck_assert_int_eq(os_rseq_push(&stack, here, thing(i * 10)),
                         OS_RSEQ_DONE);
        ck_assert_ptr_eq(slots[i - 1], thing(i * 10));
    }
    ck_assert_uint_eq(stack.word, 8);
    ck_assert_int_eq(os_rseq_push(&stack, here, thing(90)), OS_RSEQ_NOT);
    ck_assert_uint_eq(stack.word, 8);
    ck_assert_ptr_eq(slots[8], thing(9));
}

END_TEST

START_TEST(test_take_is_not_counted_as_pops)
{
    void *out[4] = {NULL};
    unsigned n = 2;
    ck_assert_int_eq(os_rseq_take(&stack, here, out, &n), OS_RSEQ_DONE);
    ck_assert(n == 2 && out[0] == thing(2) && out[1] == thing(3));
    ck_assert_ptr_null(out[2]);
    n = 4;
    ck_assert_int_eq(os_rseq_take(&stack, here, out, &n), OS_RSEQ_DONE);
    ck_assert(n == 1 && out[0] == thing(1) && out[1] == thing(3));
    ck_assert_uint_eq(stack.word, 0);
    n = 4;
    ck_assert_int_eq(os_rseq_take(&stack, here, out, &n), OS_RSEQ_NOT);
    ck_assert_uint_eq(n, 0);
}

END_TEST

START_TEST(test_give_fills_what_room_there_is)
{
    void *in[8];
    unsigned n = 2;
    for (uintptr_t i = 0; i < 8; i++) {
        in[i] = thing(100 + i);
    }
    ck_assert_int_eq(os_rseq_give(&stack, here, in, &n, 1), OS_RSEQ_DONE);
    ck_assert_uint_eq(n, 2);
    ck_assert(slots[3] == in[0] && slots[4] == in[1]);
    ck_assert_uint_eq(stack.word, 5 + (1 << OS_RSEQ_LG_POP));
    n = 8;
    ck_assert_int_eq(os_rseq_give(&stack, here, in, &n, 0), OS_RSEQ_DONE);
    ck_assert_uint_eq(n, 3);
    ck_assert(slots[5] == in[0] && slots[7] == in[2] && slots[8] == thing(9));
    ck_assert_uint_eq(stack.word, 8 + (1 << OS_RSEQ_LG_POP));
    n = 8;
    ck_assert_int_eq(os_rseq_give(&stack, here, in, &n, 1), OS_RSEQ_NOT);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(stack.word, 8 + (1 << OS_RSEQ_LG_POP));
}

END_TEST

/* All of them at once: the result, and that nothing changed. */
static void
expect_nothing(unsigned cpu, os_rseq_result_t result)
{
    void *p[2];
    unsigned n = 2, m = 2;
    uint64_t word = stack.word;
    ck_assert_int_eq(os_rseq_pop(&stack, cpu, p), result);
    ck_assert_int_eq(os_rseq_push(&stack, cpu, thing(99)), result);
    ck_assert_int_eq(os_rseq_take(&stack, cpu, p, &n), result);
    ck_assert_int_eq(os_rseq_give(&stack, cpu, p, &m, 1), result);
    ck_assert_uint_eq(n + m, 0);
    ck_assert_uint_eq(stack.word, word);
    ck_assert_ptr_eq(slots[3], thing(4));
}

START_TEST(test_another_processor_is_left_alone)
{
    expect_nothing(here + 1, OS_RSEQ_MOVED);
}

END_TEST

START_TEST(test_a_closed_stack_is_left_alone)
{
    os_rseq_mark(&stack);
    ck_assert(os_rseq_is_closed(stack.word));
    ck_assert(os_rseq_fence(here));
    expect_nothing(here, OS_RSEQ_NOT);
    uint64_t word = stack.word, old = word + 1;
    ck_assert(!os_rseq_hold(&stack, &old, 1));
    ck_assert(!os_rseq_open(&stack, word + 1));
    ck_assert_uint_eq(stack.word, word);
    ck_assert(os_rseq_hold(&stack, &word, 1));
    ck_assert(word == stack.word && os_rseq_is_closed(word));
    ck_assert_uint_eq(os_rseq_held(word), 1);
    ck_assert(os_rseq_open(&stack, word));
    ck_assert_uint_eq(stack.word, 1);
}

END_TEST

START_TEST(test_without_slots_there_is_nothing)
{
    stack = (os_rseq_stack_t){0};
    expect_nothing(here, OS_RSEQ_NOT);
}

END_TEST

#ifdef __x86_64__

/* ---- what the kernel reads --------------------------------------------- */

typedef struct sequence {
    uint32_t version, flags;
    const unsigned char *start;
    uint64_t length;
    const unsigned char *again;
} sequence_t;

extern const sequence_t __start___rseq_cs[], __stop___rseq_cs[];

/* How to unwind from there; NULL: there is no way. Of libgcc. */
extern const void *_Unwind_Find_FDE(const void *pc, void *bases[3]);

/* Does an instruction end at `end` that stores 64 bits to (register)? */
static bool
is_store(const unsigned char *end)
{
    for (unsigned n = 3; n <= 4; n++) { /* one more for some registers */
        const unsigned char *at = end - n;
        if ((at[0] & 0xf8) == 0x48 && at[1] == 0x89 && at[2] < 0x80) {
            return true;
        }
    }
    return false;
}

START_TEST(test_descriptors_are_as_the_kernel_wants)
{
    unsigned n = 0;
    void *bases[3];
    for (const sequence_t *s = __start___rseq_cs; s < __stop___rseq_cs; s++) {
        uint32_t signature;
        memcpy(&signature, s->again - sizeof(signature), sizeof(signature));
        ck_assert_uint_eq(signature, 0x53053053);
        ck_assert_uint_eq(s->version, 0);
        ck_assert_uint_eq(s->flags, 0);
        ck_assert(s->again < s->start || s->again >= s->start + s->length);
        ck_assert_uint_lt(s->length, 100);
        ck_assert(is_store(s->start + s->length));
        ck_assert_ptr_nonnull(_Unwind_Find_FDE(s->again, bases));
        n++;
    }
    ck_assert_uint_eq(n, 4);
}

END_TEST

/* ---- a signal at each instruction -------------------------------------- */

enum { STEP_FLAG = 0x100, STEPS_MAX = 120 };

static struct {
    unsigned left;    /* instructions to stop at yet */
    unsigned stopped; /* so far */
    void *got[STEPS_MAX];
} steps;

/* What runs in between, as another thread could: it pops. */
static void
step_on(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    ucontext_t *u = context;
    void *p;
    if (steps.left == 0 || --steps.left == 0) {
        u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)STEP_FLAG;
    }
    if (os_rseq_pop(&stack, here, &p) != OS_RSEQ_DONE) {
        abort();
    }
    steps.got[steps.stopped++] = p;
}

/* Each instruction from here to `steps.left` more is stopped at. */
static inline __attribute__((always_inline)) void
step_from_here(void)
{
    /* beyond the red zone */
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
                     "pushfq\n\t"
                     "orq %0, (%%rsp)\n\t"
                     "popfq\n\t"
                     "leaq 128(%%rsp), %%rsp"
                     :
                     : "i"(STEP_FLAG)
                     : "memory", "cc");
}

typedef enum { OP_POP, OP_PUSH, OP_TAKE, OP_GIVE, NOPS } op_t;

/* Returns what the stack holds more by it, and the pops. */
static int
step_through(op_t op, void **got, unsigned *n, unsigned *pops)
{
    void *in[3] = {thing(1001), thing(1002), thing(1003)};
    os_rseq_result_t result = OS_RSEQ_NOT;
    *n = op == OP_TAKE || op == OP_GIVE ? 3 : 1;
    *pops = op == OP_POP || op == OP_GIVE;
    switch (op) {
    case OP_POP:
        step_from_here();
        result = os_rseq_pop(&stack, here, got);
        break;
    case OP_PUSH:
        step_from_here();
        result = os_rseq_push(&stack, here, in[0]);
        break;
    case OP_TAKE:
        step_from_here();
        result = os_rseq_take(&stack, here, got, n);
        break;
    default:
        step_from_here();
        result = os_rseq_give(&stack, here, in, n, 1);
        break;
    }
    while (atomic_load_rlx(&steps.left) > 0) { /* it had fewer */
    }
    ck_assert_int_eq(result, OS_RSEQ_DONE);
    return op == OP_POP || op == OP_TAKE ? -(int)*n : (int)*n;
}

/* Every object is in one place: held, popped by the signals, or taken. */
static void
expect_one_of_each(void *const *got, unsigned n)
{
    unsigned char seen[2048] = {0};
    for (unsigned i = 0; i < os_rseq_held(stack.word); i++) {
        seen[(uintptr_t)slots[i]]++;
    }
    for (unsigned i = 0; i < steps.stopped; i++) {
        seen[(uintptr_t)steps.got[i]]++;
    }
    for (unsigned i = 0; i < n; i++) {
        seen[(uintptr_t)got[i]]++;
    }
    for (unsigned i = 0; i < sizeof(seen); i++) {
        ck_assert_uint_le(seen[i], 1);
        ck_assert(i == 0 || i > 300 || seen[i] == 1);
    }
}

START_TEST(test_a_signal_at_any_instruction_changes_nothing)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = step_on;
    ck_assert_int_eq(sigaction(SIGTRAP, &action, NULL), 0);
    for (unsigned k = 1; k < STEPS_MAX; k++) {
        void *got[3];
        unsigned n, pops;
        setup_with(NSLOTS, 300);
        memset(&steps, 0, sizeof(steps));
        steps.left = k;
        int more = step_through((op_t)_i, got, &n, &pops);
        ck_assert_uint_eq(steps.stopped, k);
        ck_assert_uint_eq(os_rseq_held(stack.word), (unsigned)(300 + more) - k);
        ck_assert_uint_eq(os_rseq_pops(stack.word), pops + k);
        expect_one_of_each(got, more < 0 ? n : 0);
    }
}

END_TEST

#endif

int
main(void)
{
    if (os_rseq_boot() != NULL) {
        puts("1..0 # SKIP no restartable sequences here");
        return 0;
    }
    Suite *s = suite_create("rseq");
    TCase *tc = tcase_create("rseq");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_pop_takes_the_top_and_counts);
    tcase_add_test(tc, test_push_goes_to_the_last_slot);
    tcase_add_test(tc, test_take_is_not_counted_as_pops);
    tcase_add_test(tc, test_give_fills_what_room_there_is);
    tcase_add_test(tc, test_another_processor_is_left_alone);
    tcase_add_test(tc, test_a_closed_stack_is_left_alone);
    tcase_add_test(tc, test_without_slots_there_is_nothing);
#ifdef __x86_64__
    tcase_add_test(tc, test_descriptors_are_as_the_kernel_wants);
    tcase_add_loop_test(tc, test_a_signal_at_any_instruction_changes_nothing, 0,
                        NOPS);
#endif
    suite_add_tcase(s, tc);
    return util_run(s);
}
