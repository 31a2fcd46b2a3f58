/*
 * Choice of a stack walk, and the walk itself: see prof_bt.h.
 */
#include "alloc/prof_bt.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/prof_bt_lib.h"
#include "alloc/prof_cfi.h"
#include "base/atomic.h"
#include "os/mutex.h"
#include "os/pages.h"

typedef enum { BT_NONE, BT_FP, BT_RULES, BT_LIB } bt_mode_t;

static bt_mode_t bt_mode = BT_FP; /* until the library is set up */
static bool has_rules;
/* Text of the preload object: its frames say nothing of the program. Empty
 * when the allocator is part of the executable. */
static uintptr_t own_start, own_end;
static uintptr_t main_token;     /* thread pointer of the first thread */
static uintptr_t main_stack_end; /* 0: not known */

static int
bt_note_own(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    uintptr_t here = (uintptr_t)&bt_note_own;
    cfi_range_t range = cfi_range(info);
    if (here < range.start || here >= range.end) {
        return 0;
    }
    if ((uintptr_t)info->dlpi_phdr != (uintptr_t)getauxval(AT_PHDR)) {
        own_start = range.start;
        own_end = range.end;
    }
    return 1;
}

static void
bt_note_stack(void)
{
    if (syscall(SYS_gettid) != getpid()) {
        return;
    }
    void **end = dlsym(RTLD_DEFAULT, "__libc_stack_end");
    main_stack_end = end != NULL ? (uintptr_t)*end : 0;
    main_token = os_thread_token();
}

void
prof_bt_boot_late(void)
{
    (void)dl_iterate_phdr(bt_note_own, NULL);
    bt_note_stack();
    has_rules = cfi_boot();
    bt_mode_t mode = BT_FP;
    if (conf.unwind == CONF_UNWIND_NONE) {
        mode = BT_NONE;
    } else if (conf.unwind == CONF_UNWIND_AUTO && has_rules) {
        mode = BT_RULES;
    } else if (conf.unwind != CONF_UNWIND_FP && prof_bt_lib_boot()) {
        mode = BT_LIB;
    }
    atomic_store_rel(&bt_mode, mode);
}

const char *
prof_bt_name(void)
{
    static const char *const names[] = {
        [BT_NONE] = "none",
        [BT_FP] = "frame-pointer",
        [BT_RULES] = "call-frame-info",
        [BT_LIB] = "libunwind",
    };
    return names[atomic_load_rlx(&bt_mode)];
}

void
prof_bt_fork_child(void)
{
    if (bt_mode == BT_LIB && !prof_bt_lib_fork_child()) {
        bt_mode = has_rules ? BT_RULES : BT_FP;
    }
}

bool
prof_bt_read(uintptr_t addr, void *out, size_t n)
{
    struct iovec local = {.iov_base = out, .iov_len = n};
    struct iovec remote = {.iov_base = (void *)addr, .iov_len = n};
    /* The last argument goes by the stack, where an int has no upper half. */
    return syscall(SYS_process_vm_readv, getpid(), &local, 1UL, &remote, 1UL,
                   0UL) == (long)n;
}

/* ---- the walk ---------------------------------------------------------- */

/* The end of the stack that this thread was started with, if sp is on it or
 * below: a thread's control block lies above its stack. */
static uintptr_t
bt_stack_limit(uintptr_t sp)
{
    uintptr_t token = os_thread_token();
    uintptr_t end = token == main_token ? main_stack_end : token;
    return sp < end ? end : 0;
}

/* A frame pointer found in a register may be anything. */
static bool
bt_step_fp(cfi_regs_t *regs)
{
    enum { FRAME_MAX = 1 << 20 };

    uintptr_t pair[2]; /* the caller's frame pointer, the return address */
    uintptr_t fp = regs->fp;
    if (fp < regs->sp || fp - regs->sp > FRAME_MAX ||
        (fp & (sizeof(void *) - 1)) != 0) {
        return false;
    }
    uintptr_t page = regs->sp >> OS_LG_PAGE;
    if (fp >> OS_LG_PAGE == page &&
        (fp + sizeof(pair) - 1) >> OS_LG_PAGE == page) {
        pair[0] = ((const uintptr_t *)fp)[0];
        pair[1] = ((const uintptr_t *)fp)[1];
    } else if (!prof_bt_read(fp, pair, sizeof(pair))) {
        return false;
    }
    regs->sp = fp + sizeof(pair);
    regs->fp = pair[0];
    regs->pc = pair[1];
    regs->is_exact = false;
    return regs->pc >= OS_PAGE;
}

static inline bool
bt_is_own(uintptr_t pc)
{
    return pc - own_start < own_end - own_start;
}

/* Rules are always followed through our own code, which is built without frame
 * pointers; beyond it only in BT_RULES. */
static unsigned
bt_walk(cfi_regs_t *regs, bt_mode_t mode, uintptr_t *frames, unsigned max,
        cfi_trail_t *trail)
{
    uintptr_t limit = bt_stack_limit(regs->sp);
    unsigned n = 0;
    bool is_inside = true; /* still in our own code */
    while (n < max) {
        cfi_result_t result = CFI_UNKNOWN;
        if (mode == BT_RULES || (has_rules && is_inside)) {
            result = cfi_step(regs, limit, trail);
        }
        if (result == CFI_UNKNOWN && trail != NULL) {
            trail->is_lost = true;
        }
        if (result == CFI_END || (result == CFI_UNKNOWN && !bt_step_fp(regs))) {
            break;
        }
        is_inside = is_inside && bt_is_own(regs->pc);
        if (regs->is_exact && n > 0) {
            /* readers look one byte before a return address: neither what a
             * signal interrupted nor its trampoline was a call */
            frames[n - 1]++;
        }
        if (!is_inside) {
            frames[n++] = regs->pc + regs->is_exact;
        }
    }
    return n;
}

static unsigned
bt_cut_own(uintptr_t *frames, unsigned n)
{
    unsigned cut = 0;
    while (cut < n && bt_is_own(frames[cut])) {
        cut++;
    }
    for (unsigned i = cut; i < n; i++) {
        frames[i - cut] = frames[i];
    }
    return n - cut;
}

unsigned
prof_bt_walk(const cfi_regs_t *start, uintptr_t *frames, unsigned max,
             cfi_trail_t *trail)
{
    bt_mode_t mode = atomic_load_acq(&bt_mode);
    if (trail != NULL) {
        trail->is_lost = mode != BT_RULES;
    }
    if (mode == BT_NONE) {
        return 0;
    }
    if (mode == BT_LIB) {
        return bt_cut_own(frames, prof_bt_lib_walk(frames, max));
    }
    cfi_regs_t regs = *start;
    return bt_walk(&regs, mode, frames, max, trail);
}

JE_NOINLINE unsigned
prof_bt_capture(uintptr_t *frames, unsigned max)
{
    cfi_regs_t regs;
    prof_bt_here(&regs);
    return prof_bt_walk(&regs, frames, max, NULL);
}
