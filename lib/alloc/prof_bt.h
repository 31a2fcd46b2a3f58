/*
 * Where am I: return addresses of the calling thread's stack.
 *
 * Three ways, one of which is chosen when the library has been loaded:
 *   rules   x86-64: the call frame information that every object carries, read
 *           in place and cached by address (prof_cfi.h). The object of an
 *           address is found by glibc's lock-free _dl_find_object (2.35), so a
 *           walk takes no lock, makes no system call and is safe in a signal
 *           handler and in the child of a fork.
 *   lib     libunwind, opened at run time and never linked: its _Unwind_*
 *           would capture the program's C++ exceptions.
 *   fp      the chain of frame pointers, each checked before it is read.
 *
 * A walk never allocates and never waits for the dynamic loader's lock, except
 * by `lib` on a glibc without _dl_find_object.
 */
#ifndef JE_ALLOC_PROF_BT_H
#define JE_ALLOC_PROF_BT_H

#include "alloc/prof_cfi.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Choose and prime. May allocate. */
void prof_bt_boot_late(void);

/* Fill frames[0..max) with return addresses, leaf first, without those of the
 * preload object itself. Returns how many; 0 when none could be had. */
unsigned prof_bt_capture(uintptr_t *frames, unsigned max);

/* Where a walk of the present frame begins, and such a walk: the same as above,
 * while the frame is there. `trail`, empty at first, may be NULL; only `rules`
 * leave one. */
static inline void
prof_bt_here(cfi_regs_t *regs)
{
    *regs = (cfi_regs_t){.is_exact = true};
#if defined(__x86_64__)
    __asm__ volatile("leaq 0(%%rip), %0\n\t"
                     "movq %%rsp, %1\n\t"
                     "movq %%rbp, %2"
                     : "=&r"(regs->pc), "=&r"(regs->sp), "=&r"(regs->fp));
#else
    regs->fp = (uintptr_t)__builtin_frame_address(0);
    regs->sp = regs->fp;
#endif
}

unsigned prof_bt_walk(const cfi_regs_t *start, uintptr_t *frames, unsigned max,
                      cfi_trail_t *trail);

/* "call-frame-info", "libunwind", "frame-pointer" or "none". */
const char *prof_bt_name(void);

void prof_bt_fork_child(void);

/* Copy n bytes from an address that may not be readable. errors: false. */
bool prof_bt_read(uintptr_t addr, void *out, size_t n);

#endif
