/*
 * Operators for arrays, made of those for one object: see new.h.
 */
#include "shim/new.h"

void *
shim_new_array(size_t size)
{
    return cxx_new(size);
}

void *
shim_new_array_aligned(size_t size, size_t alignment)
{
    return cxx_new_aligned(size, alignment);
}

void
shim_delete_array(void *p)
{
    cxx_delete(p);
}

void
shim_delete_array_aligned(void *p, size_t alignment)
{
    cxx_delete_aligned(p, alignment);
}

void *cxx_new_array(size_t size) __attribute__((alias("shim_new_array")));
void *cxx_new_array_aligned(size_t size, size_t alignment)
    __attribute__((alias("shim_new_array_aligned")));
void cxx_delete_array(void *p) __attribute__((alias("shim_delete_array")));
void cxx_delete_array_aligned(void *p, size_t alignment)
    __attribute__((alias("shim_delete_array_aligned")));
