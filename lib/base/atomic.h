/*
 * One named helper per memory order in use, on plain objects.
 *
 * The compiler's builtins rather than <stdatomic.h>, so that a field can be
 * plain in the single-owner case and still be read by the statistics. The name
 * says the order; there is no helper that defaults to sequential consistency.
 */
#ifndef JE_BASE_ATOMIC_H
#define JE_BASE_ATOMIC_H

#define atomic_load_rlx(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_load_acq(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_store_rlx(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_store_rel(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_add_rlx(p, v)   __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define atomic_sub_rlx(p, v)   __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define atomic_or_acqrel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_xchg_acq(p, v)  __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define atomic_xchg_rel(p, v)  __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)

/* Add to a counter that one thread at a time writes, under a lock or as its
 * owner, and that others read as they find it. */
#define atomic_bump_rlx(p, v)                                                  \
    atomic_store_rlx((p), (__typeof__(*(p)))(*(p) + (v)))

/* Keeps the compiler from moving accesses across; no instruction. For what a
 * fork or a signal of the same thread may see half done. */
#define atomic_fence_compiler() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Both return whether the exchange happened; *expected is updated if not. */
#define atomic_cas_acq(p, expected, v)                                         \
    __atomic_compare_exchange_n((p), (expected), (v), 0, __ATOMIC_ACQUIRE,     \
                                __ATOMIC_RELAXED)
#define atomic_cas_acqrel(p, expected, v)                                      \
    __atomic_compare_exchange_n((p), (expected), (v), 0, __ATOMIC_ACQ_REL,     \
                                __ATOMIC_ACQUIRE)

#endif
