/*
 * What tests of processors' caches share: threads on a processor, objects that
 * tell when they are handed out twice, and the figures.
 */
#ifndef JE_T_UNIT_PERCPU_H
#define JE_T_UNIT_PERCPU_H

#include "alloc/percpu.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/ctl.h"
#include "alloc/malloc.h"
#include "alloc/sz.h"
#include "jealloc.h"
#include "t/util.h"

static inline void
setup(void)
{
    ck_assert(je_boot());
    ck_assert(percpu_is_on);
    ck_assert_ptr_nonnull(tsd_get());
}

/* The nth processor that this process may use, in a ring. */
static inline unsigned
usable_cpu(unsigned n)
{
    static cpu_set_t all;
    if (CPU_COUNT(&all) == 0) {
        ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    }
    unsigned skip = n % (unsigned)CPU_COUNT(&all), cpu = 0;
    while (!CPU_ISSET(cpu, &all) || skip-- > 0) {
        cpu++;
    }
    return cpu;
}

/* Thread `tid`, or 0 for this one, runs there from now on. */
static inline void
run_on(pid_t tid, unsigned n)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(usable_cpu(n), &set);
    (void)sched_setaffinity(tid, sizeof(set), &set);
}

static inline const os_rseq_stack_t *
stack_of(unsigned n, unsigned szind)
{
    const percpu_cache_t *cache = percpu_peek(usable_cpu(n));
    return cache != NULL ? &cache->stacks[szind] : NULL;
}

static inline uint64_t
word_of(unsigned n, unsigned szind)
{
    const os_rseq_stack_t *stack = stack_of(n, szind);
    return stack != NULL ? atomic_load_rlx(&stack->word) : 0;
}

static inline size_t
held_by_all(void)
{
    size_t bytes = 0;
    for (unsigned cpu = 0; cpu < percpu_end(); cpu++) {
        const percpu_cache_t *cache = percpu_peek(cpu);
        for (unsigned i = 0; cache != NULL && i < SC_NBINS; i++) {
            uint64_t word = atomic_load_rlx(&cache->stacks[i].word);
            ck_assert(!os_rseq_is_closed(word));
            ck_assert_uint_le(os_rseq_held(word), percpu_nslots(i));
            bytes += os_rseq_held(word) * sz_size(i);
        }
    }
    return bytes;
}

/* A figure of the sum of all arenas. */
static inline uint64_t
figure_of(const char *name)
{
    uint64_t epoch = 1, out = 0;
    size_t len = sizeof(out);
    ck_assert_int_eq(jea_mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)),
                     0);
    ck_assert_int_eq(jea_mallctl(name, &out, &len, NULL, 0), 0);
    return out;
}

static inline uint64_t
figure_of_bin(unsigned szind, const char *what)
{
    char name[80];
    snprintf(name, sizeof(name), "stats.arenas.4096.bins.%u.%s", szind, what);
    return figure_of(name);
}

static inline uint64_t
bytes_of_thread(const char *what)
{
    uint64_t out;
    size_t len = sizeof(out);
    ck_assert_int_eq(jea_mallctl(what, &out, &len, NULL, 0), 0);
    return out;
}

/* ---- objects ----------------------------------------------------------- */

/* An object says in its first and last bytes whose it is. */
typedef struct object {
    uint64_t *p;
    size_t size;
    uint64_t mark;
} object_t;

static inline object_t
object_new(size_t size, uint64_t mark)
{
    object_t o = {jea_malloc(size), size, mark};
    if (o.p == NULL) {
        abort();
    }
    o.p[0] = mark;
    o.p[size / 8 - 1] = mark;
    return o;
}

static inline void
object_free(object_t *o)
{
    if (o->p != NULL) {
        if (o->p[0] != o->mark || o->p[o->size / 8 - 1] != o->mark) {
            fprintf(stderr, "object %p of %zu bytes has two owners\n",
                    (void *)o->p, o->size);
            abort();
        }
        jea_free(o->p);
        o->p = NULL;
    }
}

#endif
