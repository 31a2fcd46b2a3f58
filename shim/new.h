/*
 * C++'s operators new and delete, in C: neither the build nor the object needs
 * a C++ runtime. The names are the mangled ones of the C++ ABI, of which
 * nothing is used but these names and two functions of the runtime.
 *
 * Four operators do the work (plain and aligned, new and delete). The others
 * are made of them as the language has it, since a program may replace some
 * and the rest must follow:
 *
 *     new[] -> new            delete[] -> delete
 *     nothrow -> the same that throws
 *     sized delete -> the same without a size
 *
 * So an operator that others are made of has two names, ours and the program's,
 * and no file that defines one asks whether the two are the same: the compiler
 * would know the answer for this object alone.
 */
#ifndef JE_SHIM_NEW_H
#define JE_SHIM_NEW_H

#include "base/macros.h"

#include <stddef.h>

typedef void (*cxx_handler_t)(void);

/* Ours. */
JE_HIDDEN void *shim_new(size_t size);
JE_HIDDEN void *shim_new_aligned(size_t size, size_t alignment);
JE_HIDDEN void shim_delete(void *p);
JE_HIDDEN void shim_delete_aligned(void *p, size_t alignment);

/* The program's: ours, unless it has its own. */
JE_EXPORT void *cxx_new(size_t size) __asm__("_Znwm");
JE_EXPORT void *
cxx_new_aligned(size_t size, size_t alignment) __asm__("_ZnwmSt11align_val_t");
JE_EXPORT void cxx_delete(void *p) __asm__("_ZdlPv");
JE_EXPORT void
cxx_delete_aligned(void *p, size_t alignment) __asm__("_ZdlPvSt11align_val_t");

JE_HIDDEN void *shim_new_array(size_t size);
JE_HIDDEN void *shim_new_array_aligned(size_t size, size_t alignment);
JE_HIDDEN void shim_delete_array(void *p);
JE_HIDDEN void shim_delete_array_aligned(void *p, size_t alignment);

JE_EXPORT void *cxx_new_array(size_t size) __asm__("_Znam");
JE_EXPORT void *
cxx_new_array_aligned(size_t size,
                      size_t alignment) __asm__("_ZnamSt11align_val_t");
JE_EXPORT void cxx_delete_array(void *p) __asm__("_ZdaPv");
JE_EXPORT void
cxx_delete_array_aligned(void *p,
                         size_t alignment) __asm__("_ZdaPvSt11align_val_t");

/* Function `name` of the C++ runtime in this process; NULL: there is none, or
 * it is linked statically. */
JE_COLD JE_HIDDEN void *shim_runtime_find(const char *name);

/* What std::set_new_handler() has set, or NULL. Does not return NULL when
 * experimental_infallible_new is set: the process ends. */
JE_COLD JE_HIDDEN cxx_handler_t shim_new_handler(size_t size);

/* The block as it is got without a handler; errors: NULL. */
JE_HIDDEN void *shim_aligned(size_t size, size_t alignment);

#endif
