/*
 * Operators that do not throw, and those that are told the size: see new.h.
 *
 * What a handler throws ends at the operator that must not throw. C cannot
 * catch it, but the C++ runtime's own operator of that name does nothing else:
 * it calls the one that throws, ours, and catches. So with a handler installed
 * it has the last word. (A runtime that is linked statically has left its own
 * out: there the handler is called from here and has to return.)
 */
#include "shim/new.h"

#include "alloc/malloc_fast.h"
#include "jealloc.h"

/* std::nothrow_t and std::align_val_t, which is passed like the integer. */
typedef const void *tag_t;

JE_EXPORT void *new_nothrow(size_t size,
                            tag_t tag) __asm__("_ZnwmRKSt9nothrow_t");
JE_EXPORT void *new_array_nothrow(size_t size,
                                  tag_t tag) __asm__("_ZnamRKSt9nothrow_t");
JE_EXPORT void *
new_aligned_nothrow(size_t size, size_t alignment,
                    tag_t tag) __asm__("_ZnwmSt11align_val_tRKSt9nothrow_t");
JE_EXPORT void *new_array_aligned_nothrow(
    size_t size, size_t alignment,
    tag_t tag) __asm__("_ZnamSt11align_val_tRKSt9nothrow_t");
JE_EXPORT void delete_nothrow(void *p,
                              tag_t tag) __asm__("_ZdlPvRKSt9nothrow_t");
JE_EXPORT void delete_array_nothrow(void *p,
                                    tag_t tag) __asm__("_ZdaPvRKSt9nothrow_t");
JE_EXPORT void delete_aligned_nothrow(
    void *p, size_t alignment,
    tag_t tag) __asm__("_ZdlPvSt11align_val_tRKSt9nothrow_t");
JE_EXPORT void delete_array_aligned_nothrow(
    void *p, size_t alignment,
    tag_t tag) __asm__("_ZdaPvSt11align_val_tRKSt9nothrow_t");
JE_EXPORT void delete_sized(void *p, size_t size) __asm__("_ZdlPvm");
JE_EXPORT void delete_array_sized(void *p, size_t size) __asm__("_ZdaPvm");
JE_EXPORT void
delete_aligned_sized(void *p, size_t size,
                     size_t alignment) __asm__("_ZdlPvmSt11align_val_t");
JE_EXPORT void
delete_array_aligned_sized(void *p, size_t size,
                           size_t alignment) __asm__("_ZdaPvmSt11align_val_t");

/* ---- nothrow ----------------------------------------------------------- */

/* What a form without exceptions falls back on. */
typedef struct nothrow {
    const char *name; /* of the form */
    size_t size;
    size_t alignment; /* 0: that of malloc */
    tag_t tag;
    bool is_ours; /* the operators that it is made of */
} nothrow_t;

static void *
nothrow_try(const nothrow_t *n)
{
    return n->alignment == 0 ? malloc_fast(n->size)
                             : shim_aligned(n->size, n->alignment);
}

static void *
nothrow_by_runtime(const nothrow_t *n, void *found)
{
    if (n->alignment == 0) {
        return ((void *(*)(size_t, tag_t))found)(n->size, n->tag);
    }
    return ((void *(*)(size_t, size_t, tag_t))found)(n->size, n->alignment,
                                                     n->tag);
}

static JE_COLD JE_NOINLINE void *
nothrow_slow(const nothrow_t *n)
{
    cxx_handler_t handler = n->is_ours ? shim_new_handler(n->size) : NULL;
    if (n->is_ours && handler == NULL) {
        return NULL;
    }
    void *found = shim_runtime_find(n->name);
    if (found != NULL) {
        return nothrow_by_runtime(n, found);
    }
    void *p = NULL;
    while (p == NULL && handler != NULL) {
        handler();
        p = nothrow_try(n);
        handler = shim_new_handler(n->size);
    }
    return p;
}

void *
new_nothrow(size_t size, tag_t tag)
{
    bool is_ours = cxx_new == shim_new;
    void *p = likely(is_ours) ? malloc_fast(size) : NULL;
    return likely(p != NULL)
               ? p
               : nothrow_slow(&(nothrow_t){.name = "_ZnwmRKSt9nothrow_t",
                                           .size = size,
                                           .tag = tag,
                                           .is_ours = is_ours});
}

void *
new_array_nothrow(size_t size, tag_t tag)
{
    bool is_ours = cxx_new_array == shim_new_array && cxx_new == shim_new;
    void *p = likely(is_ours) ? malloc_fast(size) : NULL;
    return likely(p != NULL)
               ? p
               : nothrow_slow(&(nothrow_t){.name = "_ZnamRKSt9nothrow_t",
                                           .size = size,
                                           .tag = tag,
                                           .is_ours = is_ours});
}

static void *
aligned_nothrow(const nothrow_t *n)
{
    void *p = n->is_ours ? shim_aligned(n->size, n->alignment) : NULL;
    return likely(p != NULL) ? p : nothrow_slow(n);
}

void *
new_aligned_nothrow(size_t size, size_t alignment, tag_t tag)
{
    return aligned_nothrow(
        &(nothrow_t){.name = "_ZnwmSt11align_val_tRKSt9nothrow_t",
                     .size = size,
                     .alignment = alignment,
                     .tag = tag,
                     .is_ours = cxx_new_aligned == shim_new_aligned});
}

void *
new_array_aligned_nothrow(size_t size, size_t alignment, tag_t tag)
{
    return aligned_nothrow(&(nothrow_t){
        .name = "_ZnamSt11align_val_tRKSt9nothrow_t",
        .size = size,
        .alignment = alignment,
        .tag = tag,
        .is_ours = cxx_new_array_aligned == shim_new_array_aligned &&
                   cxx_new_aligned == shim_new_aligned});
}

void
delete_nothrow(void *p, tag_t tag)
{
    (void)tag;
    cxx_delete(p);
}

void
delete_array_nothrow(void *p, tag_t tag)
{
    (void)tag;
    cxx_delete_array(p);
}

void
delete_aligned_nothrow(void *p, size_t alignment, tag_t tag)
{
    (void)tag;
    cxx_delete_aligned(p, alignment);
}

void
delete_array_aligned_nothrow(void *p, size_t alignment, tag_t tag)
{
    (void)tag;
    cxx_delete_array_aligned(p, alignment);
}

/* ---- sized ------------------------------------------------------------- */

void
delete_sized(void *p, size_t size)
{
    if (likely(cxx_delete == shim_delete)) {
        jea_free_sized(p, size);
    } else {
        cxx_delete(p);
    }
}

void
delete_array_sized(void *p, size_t size)
{
    if (likely(cxx_delete_array == shim_delete_array &&
               cxx_delete == shim_delete)) {
        jea_free_sized(p, size);
    } else {
        cxx_delete_array(p);
    }
}

void
delete_aligned_sized(void *p, size_t size, size_t alignment)
{
    if (likely(cxx_delete_aligned == shim_delete_aligned)) {
        jea_free_aligned_sized(p, alignment, size);
    } else {
        cxx_delete_aligned(p, alignment);
    }
}

void
delete_array_aligned_sized(void *p, size_t size, size_t alignment)
{
    if (likely(cxx_delete_array_aligned == shim_delete_array_aligned &&
               cxx_delete_aligned == shim_delete_aligned)) {
        jea_free_aligned_sized(p, alignment, size);
    } else {
        cxx_delete_array_aligned(p, alignment);
    }
}
