/*
 * Formatting without an allocator, and the two ways a message leaves: je_warn
 * and je_fatal. See assert.h.
 *
 * snprintf is not used: it may allocate, it takes locale locks, and these lines
 * are written when the heap is known to be broken.
 */
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"

enum {
    LINE_MAX_BYTES = 512,
    DIGITS_MAX = 24 /* 2^64 has 20 digits */
};

static bool warning_is_fatal;

typedef struct {
    char *at, *end; /* end: the place of the terminator */
} put_t;

/* One conversion of a format string. */
typedef struct {
    size_t width;
    size_t precision; /* SIZE_MAX: none */
    char pad;
    char length; /* 'l', 'L' for ll, 'z' (also j, t), 0 for int */
} conversion_t;

static void
put_bytes(put_t *out, const char *s, size_t n)
{
    size_t room = (size_t)(out->end - out->at);
    if (n > room) {
        n = room;
    }
    memcpy(out->at, s, n);
    out->at += n;
}

static void
put_number(put_t *out, const conversion_t *c, uint64_t value, unsigned base,
           const char *sign)
{
    char digits[DIGITS_MAX];
    size_t n = 0;
    do {
        digits[sizeof(digits) - ++n] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);

    size_t used = n + strlen(sign);
    if (c->pad == '0') {
        put_bytes(out, sign, strlen(sign));
    }
    for (; used < c->width; used++) {
        put_bytes(out, &c->pad, 1);
    }
    if (c->pad != '0') {
        put_bytes(out, sign, strlen(sign));
    }
    put_bytes(out, digits + sizeof(digits) - n, n);
}

static const char *
parse_size(const char *f, size_t *value, va_list *ap)
{
    if (*f == '*') {
        int given = va_arg(*ap, int);
        *value = given > 0 ? (size_t)given : 0;
        return f + 1;
    }
    *value = 0;
    while (*f >= '0' && *f <= '9') {
        *value = *value * 10 + (size_t)(*f++ - '0');
    }
    return f;
}

/* Flags, width, precision and length that stand before the letter. */
static const char *
parse_conversion(const char *f, conversion_t *c, va_list *ap)
{
    *c = (conversion_t){.precision = SIZE_MAX, .pad = ' '};
    if (*f == '0') {
        c->pad = '0';
        f++;
    }
    f = parse_size(f, &c->width, ap);
    if (*f == '.') {
        f = parse_size(f + 1, &c->precision, ap);
    }
    if (*f == 'h' || *f == 'l') {
        bool doubled = f[1] == f[0];
        c->length = doubled ? 'L' : 'l';
        if (*f == 'h') {
            c->length = 0; /* such an argument is passed as an int */
        }
        f += doubled ? 2 : 1;
    } else if (*f == 'z' || *f == 'j' || *f == 't') {
        c->length = 'z';
        f++;
    }
    return f;
}

static uint64_t
take_unsigned(const conversion_t *c, va_list *ap)
{
    switch (c->length) {
    case 'l':
        return va_arg(*ap, unsigned long);
    case 'L':
        return va_arg(*ap, unsigned long long);
    case 'z':
        return va_arg(*ap, size_t);
    default:
        return va_arg(*ap, unsigned);
    }
}

static int64_t
take_signed(const conversion_t *c, va_list *ap)
{
    switch (c->length) {
    case 'l':
        return va_arg(*ap, long);
    case 'L':
        return va_arg(*ap, long long);
    case 'z':
        return va_arg(*ap, ssize_t);
    default:
        return va_arg(*ap, int);
    }
}

static void
put_conversion(put_t *out, const conversion_t *c, char letter, va_list *ap)
{
    switch (letter) {
    case 's': {
        const char *s = va_arg(*ap, const char *);
        s = s != NULL ? s : "(null)";
        put_bytes(out, s, strnlen(s, c->precision));
        break;
    }
    case 'c': {
        char byte = (char)va_arg(*ap, int);
        put_bytes(out, &byte, 1);
        break;
    }
    case 'p':
        put_number(out, c, (uintptr_t)va_arg(*ap, void *), 16, "0x");
        break;
    case 'd':
    case 'i': {
        int64_t v = take_signed(c, ap);
        uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
        put_number(out, c, size, 10, v < 0 ? "-" : "");
        break;
    }
    case 'u':
    case 'x':
        put_number(out, c, take_unsigned(c, ap), letter == 'u' ? 10 : 16, "");
        break;
    default:
        put_bytes(out, &letter, 1);
        break;
    }
}

size_t
je_vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
    if (size == 0) {
        return 0;
    }
    /* A va_list that is an array type cannot be passed on by address. */
    va_list args;
    va_copy(args, ap);
    put_t out = {.at = buf, .end = buf + size - 1};
    for (const char *f = fmt; *f != '\0'; f++) {
        if (*f != '%') {
            put_bytes(&out, f, 1);
            continue;
        }
        conversion_t c;
        f = parse_conversion(f + 1, &c, &args);
        if (*f == '\0') {
            break;
        }
        put_conversion(&out, &c, *f, &args);
    }
    va_end(args);
    *out.at = '\0';
    return (size_t)(out.at - buf);
}

size_t
je_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    size_t n = je_vformat(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

/* The program's, or else that of the object with jemalloc's names. */
extern je_message_t *malloc_message __attribute__((weak));

je_message_t *
je_message_hook(void)
{
    return &malloc_message != NULL ? malloc_message : NULL;
}

void
je_message(const char *text)
{
    je_message_t *hook = je_message_hook();
    if (hook != NULL) {
        hook(NULL, text);
        return;
    }
    /* one write, so that lines of several threads do not mix */
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static je_fatal_hook_t *fatal_hook;

void
je_set_fatal_hook(je_fatal_hook_t *hook)
{
    atomic_store_rel(&fatal_hook, hook);
}

static void
say_line(je_fatal_hook_t *hook, const char *fmt, va_list ap)
{
    char line[LINE_MAX_BYTES];
    size_t n = je_format(line, sizeof(line), "jealloc: ");
    n += je_vformat(line + n, sizeof(line) - n - 1, fmt, ap);
    line[n++] = '\n';
    line[n] = '\0';
    if (hook != NULL) {
        hook(line);
    } else {
        je_message(line);
    }
}

void
je_warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_line(NULL, fmt, ap);
    va_end(ap);
    if (warning_is_fatal) {
        abort();
    }
}

void
je_warn_is_fatal(bool yes)
{
    warning_is_fatal = yes;
}

void
je_fatal(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_line(atomic_load_acq(&fatal_hook), fmt, ap);
    va_end(ap);
    abort();
}

void
je_assert_failed(const char *file, int line, const char *what)
{
    je_fatal("%s:%d: failed: %s", file, line, what);
}

void
je_assert_op_failed(const char *file, int line, const char *what, uint64_t a,
                    uint64_t b)
{
    je_fatal("%s:%d: failed: %s (%llu and %llu)", file, line, what,
             (unsigned long long)a, (unsigned long long)b);
}
