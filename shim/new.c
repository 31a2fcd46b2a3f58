/*
 * The four operators that work, and what happens when there is no memory: see
 * new.h.
 *
 * Compiled with -fexceptions: std::bad_alloc and whatever a handler throws
 * pass through these functions.
 */
#include "shim/new.h"

#include <dlfcn.h>
#include <errno.h>

#include "alloc/conf.h"
#include "alloc/malloc_fast.h"
#include "base/assert.h"
#include "base/bits.h"
#include "jealloc.h"

/* The runtime's, if it was loaded with the program. */
extern cxx_handler_t get_handler(void) __asm__("_ZSt15get_new_handlerv")
    __attribute__((weak));
extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv")
    __attribute__((weak));

void *
shim_runtime_find(const char *name)
{
    /* One that a plugin brought along is in nobody's scope but its own. */
    static const char *const runtimes[] = {"libstdc++.so.6", "libc++.so.1",
                                           "libc++abi.so.1"};
    void *found = NULL;
    for (unsigned i = 0; found == NULL && i < JE_ARRAY_LEN(runtimes); i++) {
        void *handle = dlopen(runtimes[i], RTLD_LAZY | RTLD_NOLOAD);
        if (handle != NULL) {
            found = dlsym(handle, name);
            (void)dlclose(handle);
        }
    }
    return found;
}

cxx_handler_t
shim_new_handler(size_t size)
{
    if (conf.experimental_infallible_new) {
        je_fatal("out of memory for %zu bytes in operator new", size);
    }
    cxx_handler_t (*get)(void) = get_handler;
    if (get == NULL) {
        get =
            (cxx_handler_t(*)(void))shim_runtime_find("_ZSt15get_new_handlerv");
    }
    return get != NULL ? get() : NULL;
}

static JE_COLD JE_NOINLINE JE_NORETURN void
new_throw(size_t size)
{
    void (*throw)(void) = throw_bad_alloc;
    if (throw == NULL) {
        throw = (void (*)(void))shim_runtime_find("_ZSt17__throw_bad_allocv");
    }
    if (throw != NULL) {
        throw();
    }
    je_fatal("out of memory for %zu bytes in operator new, and no C++ runtime "
             "to throw std::bad_alloc",
             size);
}

/* alignment 0: that of malloc. */
static JE_COLD JE_NOINLINE void *
new_slow(size_t size, size_t alignment)
{
    void *p = NULL;
    while (p == NULL) {
        cxx_handler_t handler = shim_new_handler(size);
        if (handler == NULL) {
            new_throw(size);
        }
        handler();
        p = alignment == 0 ? malloc_fast(size) : shim_aligned(size, alignment);
    }
    return p;
}

void *
shim_aligned(size_t size, size_t alignment)
{
    return jea_aligned_alloc(alignment, size);
}

void *
shim_new(size_t size)
{
    void *p = malloc_fast(size);
    return likely(p != NULL) ? p : new_slow(size, 0);
}

void *
shim_new_aligned(size_t size, size_t alignment)
{
    void *p = shim_aligned(size, alignment);
    if (likely(p != NULL)) {
        return p;
    }
    if (!bits_is_pow2(alignment)) {
        new_throw(size); /* no handler can help */
    }
    return new_slow(size, alignment);
}

void
shim_delete(void *p)
{
    free_fast(p);
}

void
shim_delete_aligned(void *p, size_t alignment)
{
    (void)alignment;
    free_fast(p);
}

void *cxx_new(size_t size) __attribute__((alias("shim_new")));
void *cxx_new_aligned(size_t size, size_t alignment)
    __attribute__((alias("shim_new_aligned")));
void cxx_delete(void *p) __attribute__((alias("shim_delete")));
void cxx_delete_aligned(void *p, size_t alignment)
    __attribute__((alias("shim_delete_aligned")));
