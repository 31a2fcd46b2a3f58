/*
 * Words for the compiler, and what configure decided.
 *
 * The first include of every source and header, so that config.h (with
 * _GNU_SOURCE in it) comes before any system header.
 *
 * A switch of configure is an integer constant to be tested with a plain `if`:
 * code that is switched off is still compiled, so it cannot rot.
 */
#ifndef JE_BASE_MACROS_H
#define JE_BASE_MACROS_H

#include "config.h"

/* 0 none, 1 cheap assertions, 2 also walks of whole structures. */
#define je_config_debug JE_DEBUG
#define je_config_stats JE_STATS
#define je_config_prof  JE_PROF

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Rare code: kept away from the code that is run often. */
#define JE_COLD     __attribute__((cold))
#define JE_NOINLINE __attribute__((noinline))
/* The loop that follows, of few turns, is laid out straight. */
#define JE_UNROLL _Pragma("GCC unroll 16")
/* For the few functions whose call would cost more than their body. */
#define JE_INLINE             static inline __attribute__((always_inline))
#define JE_HIDDEN             __attribute__((visibility("hidden")))
#define JE_EXPORT             __attribute__((visibility("default")))
#define JE_NODISCARD          __attribute__((warn_unused_result))
#define JE_NORETURN           __attribute__((noreturn))
#define JE_UNUSED             __attribute__((unused))
#define JE_NONNULL            __attribute__((nonnull))
#define JE_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
/* The function returns a fresh block of as many bytes as its argument says. */
#define JE_MALLOC            __attribute__((malloc))
#define JE_ALLOC_SIZE(n)     __attribute__((alloc_size(n)))
#define JE_ALLOC_SIZE2(n, m) __attribute__((alloc_size(n, m)))
#define JE_ALLOC_ALIGN(n)    __attribute__((alloc_align(n)))
#define JE_TLS               __thread
#define JE_FALLTHROUGH       __attribute__((fallthrough))

/* The compiler is to compute x as it stands, and to know nothing about it. */
#define JE_OPAQUE(x) __asm__("" : "+r"(x))

#define JE_UNREACHABLE() __builtin_unreachable()

#define JE_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The structure of type `type` whose member `member` is at `ptr`. */
#define JE_CONTAINER_OF(ptr, type, member)                                     \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define JE_MIN(a, b) ((a) < (b) ? (a) : (b))
#define JE_MAX(a, b) ((a) > (b) ? (a) : (b))

#define JE_STRING_(x) #x
#define JE_STRING(x)  JE_STRING_(x)

#endif
