/*
 * Stacks met again, without walking them.
 *
 * Programs allocate from the same places time and again. A walk notes what it
 * read of the stack (cfi_trail_t): it would read the same again, and so end in
 * the same stack, if it began with the same registers and each of these words
 * were as it was. To look is some instructions a frame where to walk is some
 * dozens.
 *
 * The words are looked at in the order in which they were read: as long as all
 * are the same, the next one is as readable as it was then. Only walks through
 * objects that are never unloaded are kept.
 *
 * invariant: what is found is what a walk would find; debug builds walk.
 */
#ifndef JE_ALLOC_PROF_TRACE_H
#define JE_ALLOC_PROF_TRACE_H

#include "alloc/prof_cfi.h"
#include "alloc/prof_table.h"

/* The stack of a frame with these registers, or NULL: walk it. `salt` tells
 * apart what has the same stack pointer; any number will do. */
prof_stack_t *prof_trace_find(const cfi_regs_t *start, uint64_t salt);
/* A walk from there begins, which is to be noted in *trail, and ends in `stack`
 * or NULL. Nobody else uses the place meanwhile. errors: NULL, there is no
 * place for it now. */
typedef struct prof_trace prof_trace_t;

enum { PROF_TRACE_WORDS = 96 };

prof_trace_t *prof_trace_begin(const cfi_regs_t *start, uint64_t salt,
                               cfi_trail_t *trail);
void prof_trace_end(prof_trace_t *trace, const cfi_regs_t *start,
                    const cfi_trail_t *trail, prof_stack_t *stack);

void prof_trace_fork_child(void);

#endif
