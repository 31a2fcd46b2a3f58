/*
 * Stacks of pointers that belong to a processor, by restartable sequences.
 *
 * A sequence reads which processor it runs on, and the stack of that one, and
 * ends with one store that commits. The kernel sends a thread that was
 * preempted, moved or given a signal in between back to the beginning, so that
 * a sequence that does commit had the processor to itself. No step of one is an
 * atomic instruction.
 *
 * All that changes is in one word:
 *
 *   word   pops ever (48 bits) | closed (1) | objects held (15)
 *
 * A pop adds (1 << 16) - 1 and a push 1, so the number of pops is exact. What a
 * sequence that was sent back wrote above the objects held is free anyway.
 *
 * To change the stack of another processor, mark it as closed and fence: that
 * makes the kernel send back whoever read the word before. A sequence that
 * commits in that moment stores a word without the mark, so look whether it is
 * still there after the fence. If it is, no sequence will touch the stack until
 * it is opened, and its marker may.
 *
 * Registering threads with the kernel is the C library's: glibc from 2.35 on.
 * Only for x86-64; elsewhere there are no sequences.
 */
#ifndef JE_OS_RSEQ_H
#define JE_OS_RSEQ_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

enum {
    OS_RSEQ_LG_POP = 16,
    OS_RSEQ_CLOSED = 0x8000,
    OS_RSEQ_HELD_MAX = 0x7fff,
};

/* nslots is 0 until there are slots, and constant from then on. */
typedef struct os_rseq_stack {
    uint64_t word;
    void **slots;
    uint32_t nslots;
    uint32_t hint; /* the owner's, not looked at here */
} __attribute__((aligned(32))) os_rseq_stack_t; /* in one cache line */

static inline unsigned
os_rseq_held(uint64_t word)
{
    return (unsigned)(word & OS_RSEQ_HELD_MAX);
}

static inline uint64_t
os_rseq_pops(uint64_t word)
{
    return word >> OS_RSEQ_LG_POP;
}

/* Once, before anything else. NULL: it works, otherwise why it does not. */
const char *os_rseq_boot(void);
/* In the child of a fork, where it worked before. */
void os_rseq_fork_child(void);

/* The processor that this thread runs on, or did a moment ago. */
unsigned os_rseq_cpu(void);

/* What a sequence found. */
typedef enum {
    OS_RSEQ_DONE,
    OS_RSEQ_NOT,  /* nothing there, no room, or closed */
    OS_RSEQ_MOVED /* the thread is not on `cpu` any more */
} os_rseq_result_t;

/* Pop from or push to the stack of processor `cpu`. */
os_rseq_result_t os_rseq_pop(os_rseq_stack_t *stack, unsigned cpu, void **out);
os_rseq_result_t os_rseq_push(os_rseq_stack_t *stack, unsigned cpu, void *p);

/* The same for up to *n >= 1 of them, and *n then says how many it were. Take
 * those at the top, which is not counted as pops; push those at ptrs[0..] and
 * count `pops`. */
os_rseq_result_t os_rseq_take(os_rseq_stack_t *stack, unsigned cpu, void **out,
                              unsigned *n);
os_rseq_result_t os_rseq_give(os_rseq_stack_t *stack, unsigned cpu,
                              void *const *ptrs, unsigned *n, unsigned pops);

/* Mark a stack as closed. */
static inline void
os_rseq_mark(os_rseq_stack_t *stack)
{
    (void)atomic_or_acqrel(&stack->word, (uint64_t)OS_RSEQ_CLOSED);
}

/* Whoever may have read the word of a stack of this processor before it was
 * marked is sent back now, or has committed. errors: false, nobody was. */
JE_NODISCARD bool os_rseq_fence(unsigned cpu);

static inline bool
os_rseq_is_closed(uint64_t word)
{
    return (word & OS_RSEQ_CLOSED) != 0;
}

/* Change what a closed stack holds, from what was read as `word` while it was
 * closed; and open it. errors: false, unchanged: it was opened already, as the
 * child of a fork does. */
static inline bool
os_rseq_hold(os_rseq_stack_t *stack, uint64_t *word, unsigned held)
{
    uint64_t next = (*word & ~(uint64_t)OS_RSEQ_HELD_MAX) | held;
    if (!atomic_cas_acqrel(&stack->word, word, next)) {
        return false;
    }
    *word = next;
    return true;
}

static inline bool
os_rseq_open(os_rseq_stack_t *stack, uint64_t word)
{
    uint64_t next = word & ~(uint64_t)OS_RSEQ_CLOSED;
    return atomic_cas_acqrel(&stack->word, &word, next);
}

#endif
