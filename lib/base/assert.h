/*
 * Assertions in three strengths, and the last words of the allocator.
 *
 *   je_assert       cheap; every debug build
 *   je_assert_slow  walks a structure; --enable-debug=full
 *   je_check        always: integrity of the heap
 *
 * Each has an _op form that prints both sides: je_assert_op(a, <=, b). The
 * sides are taken as unsigned 64-bit numbers and evaluated once. A condition
 * has no side effects: a release build compiles it and does not run it.
 *
 * Nothing here allocates, takes a lock or uses stdio, so all of it may be
 * called from any state of the allocator and from a signal handler.
 */
#ifndef JE_BASE_ASSERT_H
#define JE_BASE_ASSERT_H

#include "base/macros.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where messages go: the program's `malloc_message`, if it has set one, or NULL
 * for file descriptor 2. */
typedef void je_message_t(void *opaque, const char *text);
je_message_t *je_message_hook(void);

/* Write a terminated text of whole lines there. */
JE_COLD JE_NOINLINE void je_message(const char *text);

/* One line "jealloc: …" as a message, then abort(). Understands
 * %s %c %p %% and d i u x with h hh l ll z j t; a precision on %s; a width and
 * a leading 0 on numbers. */
JE_NORETURN JE_COLD JE_NOINLINE void je_fatal(const char *fmt, ...)
    JE_PRINTF(1, 2);

/* Who receives that line instead, before abort(); NULL: nobody. */
typedef void je_fatal_hook_t(const char *line);
void je_set_fatal_hook(je_fatal_hook_t *hook);

/* The same line and the program goes on, unless warnings have been made fatal:
 * then abort() follows. */
JE_COLD JE_NOINLINE void je_warn(const char *fmt, ...) JE_PRINTF(1, 2);
void je_warn_is_fatal(bool yes);

/* snprintf and vsnprintf for the conversions of je_fatal. Always terminated;
 * the return value is the length written, never more than size - 1. */
size_t je_format(char *buf, size_t size, const char *fmt, ...) JE_PRINTF(3, 4);
size_t je_vformat(char *buf, size_t size, const char *fmt, va_list ap)
    JE_PRINTF(3, 0);

JE_NORETURN JE_COLD JE_NOINLINE void
je_assert_failed(const char *file, int line, const char *what);
JE_NORETURN JE_COLD JE_NOINLINE void
je_assert_op_failed(const char *file, int line, const char *what, uint64_t a,
                    uint64_t b);

#define JE_ASSERT_IF(on, cond)                                                 \
    do {                                                                       \
        if ((on) && unlikely(!(cond))) {                                       \
            je_assert_failed(__FILE__, __LINE__, #cond);                       \
        }                                                                      \
    } while (0)

#define JE_ASSERT_OP_IF(on, a, op, b)                                          \
    do {                                                                       \
        if (on) {                                                              \
            uint64_t je_left_ = (uint64_t)(a), je_right_ = (uint64_t)(b);      \
            if (unlikely(!(je_left_ op je_right_))) {                          \
                je_assert_op_failed(__FILE__, __LINE__, #a " " #op " " #b,     \
                                    je_left_, je_right_);                      \
            }                                                                  \
        }                                                                      \
    } while (0)

#define je_assert(cond)        JE_ASSERT_IF(je_config_debug >= 1, cond)
#define je_assert_op(a, op, b) JE_ASSERT_OP_IF(je_config_debug >= 1, a, op, b)
#define je_assert_slow(cond)   JE_ASSERT_IF(je_config_debug >= 2, cond)
#define je_assert_slow_op(a, op, b)                                            \
    JE_ASSERT_OP_IF(je_config_debug >= 2, a, op, b)
#define je_check(cond)        JE_ASSERT_IF(true, cond)
#define je_check_op(a, op, b) JE_ASSERT_OP_IF(true, a, op, b)

#endif
