/*
 * A cache of walks: see prof_trace.h.
 *
 * Whoever finds a set in use, be it by a frame of its own thread that a signal
 * interrupted, does without.
 */
#include "alloc/prof_trace.h"

#include "base/atomic.h"
#include "base/bits.h"

enum { LG_SETS = 7, WAYS = 4 };

typedef struct trace_set trace_set_t;

struct prof_trace {
    trace_set_t *set;
    uintptr_t sp; /* where the walk began; 0: none */
    uintptr_t fp; /* 0: it did not matter */
    prof_stack_t *stack;
    uint32_t n;
    int32_t offsets[PROF_TRACE_WORDS]; /* from sp */
    uintptr_t words[PROF_TRACE_WORDS];
};

struct trace_set {
    uint32_t is_used;
    uint32_t next; /* way to give up */
    prof_trace_t ways[WAYS];
};

static trace_set_t sets[1 << LG_SETS];

/* errors: NULL, it is in use. */
static trace_set_t *
set_enter(const cfi_regs_t *start, uint64_t salt)
{
    uint64_t key = start->sp ^ salt * UINT64_C(0xd6e8feb86659fd93);
    trace_set_t *set =
        &sets[key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - LG_SETS)];
    return atomic_xchg_acq(&set->is_used, 1u) == 0 ? set : NULL;
}

static void
set_leave(trace_set_t *set)
{
    atomic_store_rel(&set->is_used, 0u);
}

__attribute__((no_sanitize("address", "thread"))) static bool
trace_is_same(const prof_trace_t *t, uintptr_t sp)
{
    for (uint32_t i = 0; i < t->n; i++) {
        uintptr_t at = sp + (uintptr_t)(intptr_t)t->offsets[i];
        if (*(const uintptr_t *)at != t->words[i]) {
            return false;
        }
    }
    return true;
}

prof_stack_t *
prof_trace_find(const cfi_regs_t *start, uint64_t salt)
{
    trace_set_t *set = set_enter(start, salt);
    prof_stack_t *found = NULL;
    if (set == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < WAYS && found == NULL; i++) {
        const prof_trace_t *t = &set->ways[i];
        if (t->sp == start->sp && (t->fp == 0 || t->fp == start->fp) &&
            trace_is_same(t, start->sp)) {
            found = t->stack;
        }
    }
    set_leave(set);
    return found;
}

prof_trace_t *
prof_trace_begin(const cfi_regs_t *start, uint64_t salt, cfi_trail_t *trail)
{
    trace_set_t *set = set_enter(start, salt);
    if (set == NULL) {
        return NULL;
    }
    prof_trace_t *t = &set->ways[set->next++ % WAYS];
    t->set = set;
    t->sp = 0;
    *trail = (cfi_trail_t){.sp = start->sp,
                           .offsets = t->offsets,
                           .words = t->words,
                           .max = PROF_TRACE_WORDS};
    return t;
}

void
prof_trace_end(prof_trace_t *t, const cfi_regs_t *start,
               const cfi_trail_t *trail, prof_stack_t *stack)
{
    if (!trail->is_lost && stack != NULL) {
        t->n = trail->n;
        t->fp = trail->needs_fp ? start->fp : 0;
        t->stack = stack;
        t->sp = start->sp;
    }
    set_leave(t->set);
}

void
prof_trace_fork_child(void)
{
    for (unsigned i = 0; i < JE_ARRAY_LEN(sets); i++) {
        trace_set_t *set = &sets[i];
        if (set->is_used == 0) {
            continue;
        }
        for (unsigned k = 0; k < WAYS; k++) {
            set->ways[k].sp = 0; /* half changed by a thread not here */
        }
        set_leave(set);
    }
}
