/* A look at the bytes of text, many at a time where the machine can.
 *
 * Most lines of a large dump are blanks, letters and digits.  One pass finds
 * where lines end and whether they are such ones, so that nobody has to look
 * for what needs a repair again. */
#ifndef JE_DUMP_SCAN_H
#define JE_DUMP_SCAN_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#    include <emmintrin.h>
#endif

#define SCAN_BLOCK   16  /* bytes that are looked at together */
#define SCAN_CAPITAL 'B' /* "___ Begin jemalloc statistics ___" */

/* What the bytes of a line were, by bit. */
enum {
    SCAN_MARKED = 1, /* one of them may have to be repaired */
    SCAN_POINT = 2   /* a single one is decimal: two of them are marked */
};

#define SCAN_LINES 256

/* Lines that were found. */
struct scan_lines {
    size_t count;
    uint32_t ends[SCAN_LINES]; /* the place of the line feed, twice; + 1 if the
                                * line is marked */
    unsigned open;             /* of the last line, which has no end yet */
};

/* Find line feeds in the bytes of `text` from `at` on, which are behind those
 * of the lines found before; returns how far that came: up to `length`, unless
 * there are more lines than fit.  Marked are bytes that are not ASCII, NUL,
 * ESC, backslashes, angle brackets, ampersands, commas and apostrophes unless
 * something else than a digit is before them, and the capital of the line that
 * begins a dump. */
size_t scan_lines(const char *text, size_t at, size_t length,
                  struct scan_lines *lines);

#ifdef __SSE2__
static inline unsigned
scan_ink_16(const char *text)
{
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i least = _mm_min_epu8(b, _mm_set1_epi8(' '));

    return ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(b, least)) & 0xffff;
}

static inline unsigned
scan_byte_16(const char *text, char c)
{
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)text);

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(b, _mm_set1_epi8(c)));
}
#else
static inline unsigned
scan_ink_16(const char *text)
{
    unsigned ink = 0;

    for (unsigned i = 0; i < SCAN_BLOCK; i++)
        ink |= (unsigned)((unsigned char)text[i] > ' ') << i;
    return ink;
}

static inline unsigned
scan_byte_16(const char *text, char c)
{
    unsigned found = 0;

    for (unsigned i = 0; i < SCAN_BLOCK; i++)
        found |= (unsigned)(text[i] == c) << i;
    return found;
}
#endif

/* The first `length` bytes, at most 64, as bits: 1 is a byte that is neither a
 * blank nor a control character. */
static inline uint64_t
scan_ink(const char *text, size_t length)
{
    char rest[SCAN_BLOCK] = {0};
    uint64_t ink = 0;
    size_t i = 0;

    if (length == 64)
        return (uint64_t)scan_ink_16(text) |
               (uint64_t)scan_ink_16(text + 16) << 16 |
               (uint64_t)scan_ink_16(text + 32) << 32 |
               (uint64_t)scan_ink_16(text + 48) << 48;
    for (; i + SCAN_BLOCK <= length; i += SCAN_BLOCK)
        ink |= (uint64_t)scan_ink_16(text + i) << i;
    if (i == length)
        return ink;
    /* Nothing behind the end is read. */
    if (length >= SCAN_BLOCK)
        return ink | (uint64_t)scan_ink_16(text + length - SCAN_BLOCK)
                         << (length - SCAN_BLOCK);
    memcpy(rest, text, length);
    return scan_ink_16(rest);
}

/* 64 bytes of a line, a bit each. */
struct scan_64 {
    uint64_t ink;   /* neither a blank nor a control character */
    uint64_t zeros; /* '0' */
};

/* All of a line: `blocks` has room for length / 64 + 1.  Behind its end there
 * is neither. */
void scan_blocks(const char *text, size_t length, struct scan_64 *blocks);

#endif
