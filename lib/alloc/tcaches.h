/*
 * Explicit thread caches: those that a program makes with tcache.create and
 * names in the flags of mallocx and its family.
 *
 * Such a cache is a state (tsd.h) that belongs to no thread and of which only
 * the cache is used. It is made when it is used first, so that a fork may throw
 * one away that it found half changed. One thread uses it at a time, which is
 * the program's duty.
 */
#ifndef JE_ALLOC_TCACHES_H
#define JE_ALLOC_TCACHES_H

#include "alloc/tsd.h"

enum { TCACHES_MAX = 4093 }; /* what the flags have room for */

void tcaches_boot(void);
/* errors: false, all of them are in use. */
JE_NODISCARD bool tcaches_create(unsigned *id);
/* Give back its objects; destroy ends the id as well. errors: false, there is
 * no such cache. */
JE_NODISCARD bool tcaches_flush(unsigned id);
JE_NODISCARD bool tcaches_destroy(unsigned id);

/* The cache to use until tcaches_leave(); NULL without memory for it. An id
 * that was not created is misuse and does not return. */
tsd_t *tcaches_enter(unsigned id);
void tcaches_leave(tsd_t *cache);

/* For those who only read, at any time: the cache of an id, or NULL. */
tsd_t *tcaches_peek(unsigned id);
/* One past the highest id that was ever in use. */
unsigned tcaches_end(void);

/* The lock of their list, for its figures. */
os_mutex_t *tcaches_mutex(void);

void tcaches_fork_child(void);

#endif
