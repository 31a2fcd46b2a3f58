/*
 * The program break: see brk.h.
 *
 * It is moved by libc's sbrk, which keeps what it believes the break to be: by
 * the system call alone the next caller of sbrk would shrink it.
 */
#include "os/brk.h"

#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "os/mutex.h"
#include "os/pages.h"

/* Who else moves the break may do so between two calls of sbrk; that it happens
 * again and again is no accident. */
enum { BRK_TRIES = 8 };

static os_mutex_t brk_mtx = {.rank = OS_RANK_BREAK};
/* All of ours lies in [brk_start, brk_end); so may what others took. */
static uintptr_t brk_start;
static uintptr_t brk_end;

void
os_brk_fork_child(void)
{
    os_mutex_init(&brk_mtx, OS_RANK_BREAK);
}

bool
os_brk_contains(uintptr_t addr)
{
    uintptr_t end = atomic_load_acq(&brk_end);
    return unlikely(addr < end) && addr >= atomic_load_rlx(&brk_start);
}

/* Move the break by `size` and what aligning needs. Returns the aligned start,
 * or 0: there is no room. *is_short: others moved it meanwhile, and what was
 * got begins elsewhere and does not suffice; it is lost. */
static uintptr_t
brk_take(size_t size, size_t align, bool *is_short)
{
    const uintptr_t failed = UINTPTR_MAX;
    uintptr_t now = (uintptr_t)sbrk(0);
    *is_short = false;
    if (now == failed || now > INTPTR_MAX - align) {
        return 0;
    }
    size_t lead = bits_align_up(now, align) - now;
    if (size > INTPTR_MAX - lead) {
        return 0;
    }
    uintptr_t got = (uintptr_t)sbrk((intptr_t)(lead + size));
    if (got == failed) {
        return 0;
    }
    uintptr_t start = bits_align_up(got, align);
    *is_short = start + size > got + lead + size;
    return start;
}

void *
os_brk_map(size_t size, size_t align)
{
    je_assert((size & OS_PAGE_MASK) == 0 && bits_is_pow2(align));
    je_assert(align >= OS_PAGE);
    uintptr_t start = 0;
    bool is_short = true;
    os_mutex_lock(&brk_mtx);
    for (unsigned i = 0; i < BRK_TRIES && is_short; i++) {
        start = brk_take(size, align, &is_short);
    }
    start = is_short ? 0 : start;
    if (start != 0) {
        if (brk_start == 0) {
            atomic_store_rlx(&brk_start, start);
        }
        atomic_store_rel(&brk_end, JE_MAX(brk_end, start + size));
    }
    os_mutex_unlock(&brk_mtx);
    return (void *)start;
}
