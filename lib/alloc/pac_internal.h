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

/* Cut `e`, a member of no ecache, at `size` bytes. Returns the part behind the
 * cut with the same state, or NULL (nothing changed) without a descriptor or if
 * a hook refuses. */
extent_t *pac_split_locked(pac_t *pac, extent_t *e, size_t size);
/* Join `b`, which starts where `a` ends, to `a`. Neither is in an ecache. */
void pac_merge_locked(pac_t *pac, extent_t *a, extent_t *b);

/* The extent on `page`, which is beside `e`, if it is ours, free in `c`, and
 * alike. */
extent_t *pac_mergeable_locked(pac_t *pac, const ecache_t *c, const extent_t *e,
                               uintptr_t page);
/* Reduce `e`, just removed from `c`, to [addr, addr + size). errors: NULL, all
 * of it is in `c` again. */
extent_t *pac_trim_locked(pac_t *pac, ecache_t *c, extent_t *e, uintptr_t addr,
                          size_t size);
/* Make `e`, which belongs to `c` and is in no ecache, an active extent. errors:
 * NULL, it is in `c` again. */
extent_t *pac_use_locked(pac_t *pac, ecache_t *c, extent_t *e);

/* Is there such a run of dirty pages? */
bool pac_has_dirty_locked(pac_t *pac, size_t size);
/* An active extent of retained or fresh pages. errors: NULL. */
extent_t *pac_alloc_unused_locked(pac_t *pac, size_t size, size_t align);

/* An active extent made of dirty pages and retained ones beside them. NULL:
 * there are none such. */
extent_t *pac_join_locked(pac_t *pac, size_t size);

/* Has pac_alloc_guarded() ever been called? */
extern bool pac_has_guards;
bool pac_is_guarded_locked(const pac_t *pac, const extent_t *e);
/* Take e's guards back; returns the extent that all of it is now. */
extent_t *pac_drop_guards_locked(pac_t *pac, extent_t *e);

/* Describe pages that no arena has; they are in no ecache. errors: NULL. */
extent_t *pac_describe_locked(pac_t *pac, uintptr_t addr, size_t size,
                              bool committed, bool zeroed);
/* Describe such pages and put them into `c`. errors: false. */
JE_NODISCARD bool pac_adopt(pac_t *pac, ecache_t *c, const pac_run_t *run,
                            bool committed, bool zeroed);

/* ---- the program break, pac_break.c ------------------------------------ */

/* At least `size` bytes in an extent that is in no ecache. errors: NULL. */
extent_t *pac_break_grow_locked(pac_t *pac, size_t size);
/* Are both from there, or neither? */
bool pac_break_is_alike(uintptr_t a, uintptr_t b);
/* What cannot be unmapped goes to another arena that needs it: `e`, purged and
 * in no ecache, is retained there. errors: false, it is retained here. */
bool pac_break_hand_over(pac_t *pac, extent_t *e, pac_t *heir);

/* ---- the system's side, pac_hooks.c ------------------------------------ */

/* Each asks the arena's hooks if it has some, else the page provider.
 * _locked: the lock is held, and released while a hook runs; the extents that
 * are passed must be nobody else's meanwhile. The others are called without
 * it. errors: NULL or false, refused, nothing changed. */
void *pac_sys_map_locked(pac_t *pac, size_t size, size_t align, bool *zeroed,
                         bool *committed);
bool pac_sys_commit_locked(pac_t *pac, extent_t *e);
bool pac_sys_split_locked(pac_t *pac, extent_t *e, size_t size);
bool pac_sys_merge_locked(pac_t *pac, extent_t *a, extent_t *b);
bool pac_sys_unmap(pac_t *pac, uintptr_t addr, size_t size, bool committed);
bool pac_sys_decommit(pac_t *pac, extent_t *e);
bool pac_sys_purge_lazy(pac_t *pac, extent_t *e);
bool pac_sys_purge_forced(pac_t *pac, extent_t *e);
bool pac_sys_purge_part(pac_t *pac, extent_t *e, size_t offset, size_t length);
/* The pages of an arena that ends. */
void pac_sys_destroy(pac_t *pac, extent_t *e);

void pac_descriptor_put_locked(pac_t *pac, extent_t *e);
/* Is `e`, just inserted into the dirty ones, to be purged at once? Then it is
 * in no ecache any more and is passed to pac_purge_taken() without the lock. */
bool pac_take_oversize_locked(pac_t *pac, extent_t *e);
void pac_purge_taken(pac_t *pac, extent_t *e);
/* Insert into `c`, merging with free neighbours. `e` is in no ecache. Returns
 * the extent that it is now (part of). */
extent_t *pac_insert_locked(pac_t *pac, ecache_t *c, extent_t *e);

/* Merge what lies loose among the dirty ones, or of that only what nobody asked
 * for since the last time. Returns whether there was any. */
bool pac_settle_locked(pac_t *pac, bool only_idle);

#endif
