/*
 * Restartable sequences on x86-64: see rseq.h.
 *
 * What the kernel asks for: before a sequence the thread's `rseq_cs` points to
 * a descriptor of it; where it is sent back to begins after the four bytes of
 * the signature that the C library registered, outside of the sequence; in
 * between there is no system call and the committing store is the last
 * instruction. `rseq_cs` may be left as it is after a sequence, since this code
 * is never unmapped.
 *
 * The child of vfork() shares its parent's memory but is not registered: it may
 * call what is safe after vfork() only, and malloc is not.
 */
#include "os/rseq.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of membarrier(2); older headers lack them. */
enum {
    BARRIER_FENCE = 1 << 7,
    BARRIER_REGISTER = 1 << 8,
    BARRIER_CPU = 1,
};

#if defined(__SANITIZE_THREAD__)
#    define RSEQ_IS_SEEN 0
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define RSEQ_IS_SEEN 0
#    endif
#endif
#ifndef RSEQ_IS_SEEN
#    define RSEQ_IS_SEEN 1
#endif

/* Of processors one by one, where the kernel can. */
static bool can_fence_one;

static long
membarrier(int command, unsigned flags, unsigned cpu)
{
    return syscall(SYS_membarrier, command, flags, cpu);
}

static bool
barrier_register(void)
{
    return membarrier(BARRIER_REGISTER, 0, 0) == 0;
}

void
os_rseq_fork_child(void)
{
    (void)barrier_register(); /* inherited as far as is known */
}

bool
os_rseq_fence(unsigned cpu)
{
    return (can_fence_one ? membarrier(BARRIER_FENCE, BARRIER_CPU, cpu)
                          : membarrier(BARRIER_FENCE, 0, 0)) == 0;
}

#if defined(__x86_64__) && !defined(__ILP32__)

/* Where glibc has a thread's area, from its thread pointer; 0 bytes of it: it
 * has none. */
extern const ptrdiff_t libc_offset __asm__("__rseq_offset")
    __attribute__((weak));
extern const unsigned int libc_size __asm__("__rseq_size")
    __attribute__((weak));

static ptrdiff_t area;

/* Fields of the area. */
#    define RSEQ_CPU_START "0"
#    define RSEQ_CPU       "4"
#    define RSEQ_CS        "8"

unsigned
os_rseq_cpu(void)
{
    unsigned cpu;
    __asm__ volatile("movl %%fs:" RSEQ_CPU_START "(%[area]), %[cpu]"
                     : [cpu] "=r"(cpu)
                     : [area] "r"(area));
    return cpu;
}

/* -1 or less: this thread is not registered. */
static int
rseq_registered_cpu(void)
{
    int cpu;
    __asm__ volatile("movl %%fs:" RSEQ_CPU "(%[area]), %[cpu]"
                     : [cpu] "=r"(cpu)
                     : [area] "r"(area));
    return cpu;
}

const char *
os_rseq_boot(void)
{
    if (!RSEQ_IS_SEEN) {
        return "not in a build for ThreadSanitizer";
    }
    if (&libc_size == NULL || &libc_offset == NULL) {
        return "the C library has no restartable sequences";
    }
    area = libc_offset;
    if (libc_size == 0 || rseq_registered_cpu() < 0) {
        return "the C library has not registered restartable sequences";
    }
    if (!barrier_register() || membarrier(BARRIER_FENCE, 0, 0) != 0) {
        return "the kernel has no barrier for restartable sequences";
    }
    can_fence_one = membarrier(BARRIER_FENCE, BARRIER_CPU, 0) == 0;
    return NULL;
}

/* The descriptor, arming it, and the look at the processor; the label 1 begins
 * the sequence, 2 ends it, 3 is behind it all, 4 does it over. A signal in a
 * sequence finds the thread at 4, so that is in the function like the rest, or
 * its handler could not unwind the stack. The signature is the operand of an
 * instruction that does nothing. */
#    define RSEQ_BEGIN                                                         \
        ".pushsection __rseq_cs, \"aw\"\n\t"                                   \
        ".balign 32\n"                                                         \
        "9:\n\t"                                                               \
        ".long 0, 0\n\t"                                                       \
        ".quad 1f, 2f - 1f, 4f\n\t"                                            \
        ".popsection\n\t"                                                      \
        ".pushsection __rseq_cs_ptr_array, \"aw\"\n\t"                         \
        ".quad 9b\n\t"                                                         \
        ".popsection\n"                                                        \
        ".byte 0x0f, 0x1f, 0x05\n\t"                                           \
        ".long 0x53053053\n"                                                   \
        "4:\n\t"                                                               \
        "leaq 9b(%%rip), %[word]\n\t"                                          \
        "movq %[word], %%fs:" RSEQ_CS "(%[area])\n"                            \
        "1:\n\t"                                                               \
        "movl $%c[moved], %[result]\n\t"                                       \
        "cmpl %%fs:" RSEQ_CPU "(%[area]), %[cpu]\n\t"                          \
        "jne 3f\n\t"                                                           \
        "movl $%c[none], %[result]\n\t"                                        \
        "movq %c[at_word](%[stack]), %[word]\n\t"

/* The store that commits. */
#    define RSEQ_COMMIT                                                        \
        "movl $%c[done], %[result]\n\t"                                        \
        "movq %[word], %c[at_word](%[stack])\n"                                \
        "2:\n"                                                                 \
        "3:\n\t"

#    define RSEQ_CONSTANTS                                                     \
        [moved] "i"(OS_RSEQ_MOVED), [none] "i"(OS_RSEQ_NOT),                   \
            [done] "i"(OS_RSEQ_DONE),                                          \
            [at_word] "i"(offsetof(os_rseq_stack_t, word)),                    \
            [at_slots] "i"(offsetof(os_rseq_stack_t, slots)),                  \
            [at_nslots] "i"(offsetof(os_rseq_stack_t, nslots))

/* Empty is 0, closed negative as 16 bits. */
os_rseq_result_t
os_rseq_pop(os_rseq_stack_t *stack, unsigned cpu, void **out)
{
    os_rseq_result_t result;
    uint64_t word, held;
    void *p;
    __asm__ volatile(RSEQ_BEGIN "movswq %w[word], %[held]\n\t"
                                "testq %[held], %[held]\n\t"
                                "jle 3f\n\t"
                                "movq %c[at_slots](%[stack]), %[p]\n\t"
                                "movq -8(%[p], %[held], 8), %[p]\n\t"
                                "addq $0xffff, %[word]\n\t" RSEQ_COMMIT
                     : [result] "=&r"(result), [word] "=&r"(word),
                       [held] "=&r"(held), [p] "=&r"(p)
                     : [area] "r"(area), [cpu] "r"(cpu), [stack] "r"(stack),
                       RSEQ_CONSTANTS
                     : "memory", "cc");
    *out = p;
    return result;
}

/* Closed is more than any number of slots. */
os_rseq_result_t
os_rseq_push(os_rseq_stack_t *stack, unsigned cpu, void *p)
{
    os_rseq_result_t result;
    uint64_t word, held;
    void **slots;
    __asm__ volatile(
        RSEQ_BEGIN "movzwl %w[word], %k[held]\n\t"
                   "cmpl %c[at_nslots](%[stack]), %k[held]\n\t"
                   "jae 3f\n\t"
                   "movq %c[at_slots](%[stack]), %[slots]\n\t"
                   "movq %[p], (%[slots], %[held], 8)\n\t"
                   "addq $1, %[word]\n\t" RSEQ_COMMIT
        : [result] "=&r"(result), [word] "=&r"(word), [held] "=&r"(held),
          [slots] "=&r"(slots)
        : [area] "r"(area), [cpu] "r"(cpu), [stack] "r"(stack), [p] "r"(p),
          RSEQ_CONSTANTS
        : "memory", "cc");
    return result;
}

/* Copy `k` pointers, at least 1, last ones first; `k` stays. */
#    define RSEQ_COPY(from, to)                                                \
        "movl %k[k], %k[i]\n"                                                  \
        "6:\n\t"                                                               \
        "movq -8(" from ", %[i], 8), %[p]\n\t"                                 \
        "movq %[p], -8(" to ", %[i], 8)\n\t"                                   \
        "decl %k[i]\n\t"                                                       \
        "jnz 6b\n\t"

os_rseq_result_t
os_rseq_take(os_rseq_stack_t *stack, unsigned cpu, void **out, unsigned *n)
{
    os_rseq_result_t result;
    uint64_t word, k, i;
    void *p, *slots;
    __asm__ volatile(
        RSEQ_BEGIN
        "movswq %w[word], %[i]\n\t"
        "movl %[n], %k[k]\n\t"
        "testq %[i], %[i]\n\t"
        "jle 3f\n\t"
        "cmpl %k[k], %k[i]\n\t"
        "cmovbl %k[i], %k[k]\n\t"
        "subl %k[k], %k[i]\n\t"
        "movq %c[at_slots](%[stack]), %[slots]\n\t"
        "leaq (%[slots], %[i], 8), %[slots]\n\t" RSEQ_COPY(
            "%[slots]", "%[out]") "subq %[k], %[word]\n\t" RSEQ_COMMIT
        : [result] "=&r"(result), [word] "=&r"(word), [k] "=&r"(k),
          [i] "=&r"(i), [p] "=&r"(p), [slots] "=&r"(slots)
        : [area] "r"(area), [cpu] "r"(cpu), [stack] "r"(stack), [out] "r"(out),
          [n] "rm"(*n), RSEQ_CONSTANTS
        : "memory", "cc");
    *n = result == OS_RSEQ_DONE ? (unsigned)k : 0;
    return result;
}

os_rseq_result_t
os_rseq_give(os_rseq_stack_t *stack, unsigned cpu, void *const *ptrs,
             unsigned *n, unsigned pops)
{
    os_rseq_result_t result;
    uint64_t word, k, i, popped = (uint64_t)pops << OS_RSEQ_LG_POP;
    void *p, *slots;
    __asm__ volatile(
        RSEQ_BEGIN
        "movzwl %w[word], %k[i]\n\t"
        "movl %c[at_nslots](%[stack]), %k[k]\n\t"
        "subl %k[i], %k[k]\n\t"
        "jbe 3f\n\t"
        "cmpl %[n], %k[k]\n\t"
        "cmoval %[n], %k[k]\n\t"
        "movq %c[at_slots](%[stack]), %[slots]\n\t"
        "leaq (%[slots], %[i], 8), %[slots]\n\t" RSEQ_COPY(
            "%[ptrs]", "%[slots]") "addq %[k], %[word]\n\t"
                                   "addq %[popped], %[word]\n\t" RSEQ_COMMIT
        : [result] "=&r"(result), [word] "=&r"(word), [k] "=&r"(k),
          [i] "=&r"(i), [p] "=&r"(p), [slots] "=&r"(slots)
        : [area] "r"(area), [cpu] "r"(cpu), [stack] "r"(stack),
          [ptrs] "r"(ptrs), [n] "rm"(*n), [popped] "rm"(popped), RSEQ_CONSTANTS
        : "memory", "cc");
    *n = result == OS_RSEQ_DONE ? (unsigned)k : 0;
    return result;
}

#else

const char *
os_rseq_boot(void)
{
    return "only on x86-64";
}

unsigned
os_rseq_cpu(void)
{
    return 0;
}

os_rseq_result_t
os_rseq_pop(os_rseq_stack_t *stack, unsigned cpu, void **out)
{
    (void)stack;
    (void)cpu;
    *out = NULL;
    return OS_RSEQ_NOT;
}

os_rseq_result_t
os_rseq_push(os_rseq_stack_t *stack, unsigned cpu, void *p)
{
    (void)stack;
    (void)cpu;
    (void)p;
    return OS_RSEQ_NOT;
}

os_rseq_result_t
os_rseq_take(os_rseq_stack_t *stack, unsigned cpu, void **out, unsigned *n)
{
    *n = 0;
    return os_rseq_pop(stack, cpu, out);
}

os_rseq_result_t
os_rseq_give(os_rseq_stack_t *stack, unsigned cpu, void *const *ptrs,
             unsigned *n, unsigned pops)
{
    (void)ptrs;
    (void)pops;
    *n = 0;
    return os_rseq_push(stack, cpu, NULL);
}

#endif
