/*
 * A copy of the tables of samples, for writers, who take their time.
 */
#ifndef JE_ALLOC_PROF_COPY_H
#define JE_ALLOC_PROF_COPY_H

#include "alloc/prof_table.h"
#include "base/emit.h"

/* Live samples of a site. */
typedef struct prof_live {
    uint64_t samples, requested;
} prof_live_t;

typedef struct prof_copy {
    prof_sample_t *samples;
    size_t nsamples;
    prof_live_t *sites; /* by id */
    uint32_t nsites, nstacks;
    size_t samples_size, sites_size; /* of the mappings */
} prof_copy_t;

/* errors: false, no memory (the copy is then empty) or not all of it. */
JE_NODISCARD bool prof_copy_take(prof_copy_t *c);
void prof_copy_drop(prof_copy_t *c);

typedef enum {
    PROF_BY_SLAB,   /* equal slabs are neighbours */
    PROF_BY_THREAD, /* then equal threads */
    PROF_BY_STACK,  /* equal stacks, and threads within them */
} prof_order_t;

void prof_copy_sort(prof_copy_t *c, prof_order_t order);

/* An array of return addresses; of none if the stack is NULL. */
void prof_stack_emit(emit_t *e, const char *key, const prof_stack_t *stack);

/* Zeroed scratch memory; *mapped is what prof_copy_unmap wants back. */
void *prof_copy_map(size_t size, size_t *mapped);
void prof_copy_unmap(void *p, size_t mapped);

#endif
