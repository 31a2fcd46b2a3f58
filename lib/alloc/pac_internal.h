/*
 * What pac.c and pac_decay.c share; nobody else includes this.
 */
#ifndef JE_ALLOC_PAC_INTERNAL_H
#define JE_ALLOC_PAC_INTERNAL_H

#include "alloc/pac.h"

/* Regions stop doubling here: larger ones only cost address space. */
#define PAC_GROW_MAX ((size_t)64 << 20)

/* Take the lock. errors: false, it is not taken. This is the child of a fork
 * that found it held, and what it guards is left alone. Who does not ask before
 * is a frame that waited for it when a signal handler called fork, and to which
 * the handler has returned. */
JE_NODISCARD static inline bool
pac_lock(pac_t *pac)
{
    os_mutex_lock(&pac->mtx);
    if (unlikely(pac->is_torn)) {
        os_mutex_unlock(&pac->mtx);
        return false;
    }
    return true;
}

void pac_descriptor_put_locked(pac_t *pac, extent_t *e);
/* Insert into `c`, merging with free neighbours. `e` is in no ecache. Returns
 * the extent that it is now (part of). */
extent_t *pac_insert_locked(pac_t *pac, ecache_t *c, extent_t *e);

#endif
