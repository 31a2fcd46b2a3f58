/*
 * Where samples are kept: interned stacks, sites, and the live samples.
 *
 * A stack is an array of return addresses, stored once. A site is one stack at
 * one usable size and one rate; it counts. Both are only ever added, by a
 * single published store, so that looking them up takes no lock and a fork or a
 * signal finds them whole. Live samples are hashed by address into shards with
 * a lock each.
 *
 * The memory for all of it is bounded; what does not fit is dropped and
 * counted. Used by prof.c and, for reading, by prof_dump.c.
 */
#ifndef JE_ALLOC_PROF_TABLE_H
#define JE_ALLOC_PROF_TABLE_H

#include "alloc/types.h"
#include "os/mutex.h"

enum {
    PROF_STACK_MAX = 128, /* frames of one stack */
    PROF_NO_SLOT = 0xffff,
};

/* Memory that all tables together may take, bytes. */
#define PROF_MEMORY_MAX ((size_t)64 << 20)

typedef struct prof_stack {
    struct prof_stack *next;  /* in its hash chain */
    struct prof_site *recent; /* one of its sites, or NULL */
    uint64_t hash;
    uint32_t id; /* consecutive from 0 */
    uint32_t depth;
    uintptr_t frames[]; /* return addresses, leaf first */
} prof_stack_t;

typedef struct prof_site {
    struct prof_site *next; /* in its hash chain */
    const prof_stack_t *stack;
    uint64_t usable; /* bytes of an object */
    uint64_t rate;   /* mean bytes between samples when they were drawn */
    uint64_t total_samples;
    uint64_t total_requested;
    uint32_t id; /* consecutive from 0 */
} prof_site_t;

_Static_assert(sizeof(prof_site_t) <= CACHELINE, "one line a site");

typedef struct prof_sample {
    struct prof_sample *next; /* in its hash chain */
    uintptr_t addr;
    uint64_t requested; /* bytes */
    uint64_t time_ns;   /* monotonic */
    prof_site_t *site;
    uintptr_t slab;  /* 0: no slab */
    uint64_t recent; /* its number there, or 0; see prof_recent.h */
    int32_t tid;
    uint16_t slot;  /* region in the slab, or PROF_NO_SLOT */
    uint16_t label; /* 0 = none; see label.h */
} prof_sample_t;

void prof_table_boot(void);

/* Zeroed memory within the budget, never given back. errors: NULL. */
void *prof_table_alloc(size_t size);

/* The stack, made if need be. errors: NULL, no memory. */
prof_stack_t *prof_stack_get(const uintptr_t *frames, uint32_t depth);
/* The site of this stack, size and rate, made if need be.
 * errors: NULL, no memory, or no stack is given. */
prof_site_t *prof_site_get(prof_stack_t *stack, uint64_t usable, uint64_t rate);

/* Enter a live sample; one at the same address is replaced.
 * errors: false, no memory. */
JE_NODISCARD bool prof_table_add(const prof_sample_t *sample);
/* Take it out and copy it to *gone. `is_nested`: a frame of this thread that a
 * signal interrupted may hold a lock, so never wait. errors: false, it is not
 * there, or is taken out later. */
bool prof_table_remove(uintptr_t addr, bool is_nested, prof_sample_t *gone);

/* Forget all samples, and what sites have counted. */
void prof_table_reset(void);

/* Counts so far, and members by id; NULL while one is being published. */
uint32_t prof_stack_count(void);
uint32_t prof_site_count(void);
const prof_stack_t *prof_stack_at(uint32_t id);
const prof_site_t *prof_site_at(uint32_t id);

/* Live samples, about. */
size_t prof_table_live(void);
/* Copy live samples to out[0..max), shard by shard. Returns how many. */
size_t prof_table_copy(prof_sample_t *out, size_t max);

/* Samples of one usable size, and the bytes that were asked for: those that are
 * live, or all since the last reset. */
typedef struct prof_sum {
    uint64_t requested;
    uint64_t count;
} prof_sum_t;

prof_sum_t prof_table_sum_live(size_t usable);
prof_sum_t prof_table_sum_all(size_t usable);

/* Bytes that the tables take. */
size_t prof_table_bytes(void);
/* Its locks, for their figures; NULL after the last. */
os_mutex_t *prof_table_mutex(unsigned i);

/* In the child of a fork. Returns false when samples were lost. */
bool prof_table_fork_child(void);

#endif
