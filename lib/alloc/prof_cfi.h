/*
 * One step up the stack by call frame information (x86-64).
 *
 * For almost every address the rule is one of a few shapes: the canonical frame
 * address (CFA, the stack pointer before the call) is a register plus an
 * offset, the return address lies just below it, and %rbp is unchanged or lies
 * at some offset. Such a rule fits eight bytes and is cached by address.
 *
 * source: DWARF 5, section 6.4; System V ABI, x86-64 supplement, .eh_frame.
 */
#ifndef JE_ALLOC_PROF_CFI_H
#define JE_ALLOC_PROF_CFI_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

/* The addresses of an object, from its first segment's to its last one's. */
typedef struct cfi_range {
    uintptr_t start, end;
} cfi_range_t;

struct dl_phdr_info;
cfi_range_t cfi_range(const struct dl_phdr_info *info);

/* What _dl_find_object says of an address. */
typedef struct cfi_object {
    uintptr_t start, end; /* the object's addresses */
    const void *map;      /* identifies it */
    uintptr_t eh_frame_hdr;
    bool is_lasting; /* it is never unloaded */
} cfi_object_t;

typedef struct cfi_regs {
    uintptr_t pc;
    uintptr_t sp;
    uintptr_t fp;
    bool is_exact;       /* pc was interrupted there, it is no return address */
    cfi_object_t object; /* of the last frame; most callers are in the same */
} cfi_regs_t;

/* What a walk read of the stack, in that order, as far as it decided where the
 * walk went: words[i] at sp + offsets[i]. */
typedef struct cfi_trail {
    uintptr_t sp; /* where the walk begins */
    int32_t *offsets;
    uintptr_t *words;
    unsigned n, max;
    bool needs_fp;   /* the frame pointer it began with decided, too */
    bool is_lost;    /* there is more to it than these words */
    bool is_noted;   /* the present frame pointer is among them */
    uintptr_t fp_at; /* where that was read; 0: it began with it */
} cfi_trail_t;

typedef enum {
    CFI_STEPPED,
    CFI_END,     /* the outermost frame */
    CFI_UNKNOWN, /* no rule for this address, or one of an unusual shape */
} cfi_result_t;

/* What is loaded at this time lasts.
 * errors: false, this glibc has no _dl_find_object or this is no x86-64. */
bool cfi_boot(void);
bool cfi_object(uintptr_t pc, cfi_object_t *out);

/* From a frame to its caller's. Memory between the frame and the caller's is
 * read: the rules of compilers are trusted, `limit` (0 = not known) is an
 * address that the CFA cannot exceed. `trail` may be NULL. */
cfi_result_t cfi_step(cfi_regs_t *regs, uintptr_t limit, cfi_trail_t *trail);

#endif
