/* A look at the bytes of text, many at a time where the machine can. */
#include "dump/scan.h"

#ifdef __x86_64__
#    include <immintrin.h>
#endif

enum { BYTE_MARK = 1, BYTE_POINT = 2, BYTE_FEED = 4, BYTE_GROUP = 8 };

#define MARKS_16                                                               \
    BYTE_MARK, BYTE_MARK, BYTE_MARK, BYTE_MARK, BYTE_MARK, BYTE_MARK,          \
        BYTE_MARK, BYTE_MARK, BYTE_MARK, BYTE_MARK, BYTE_MARK, BYTE_MARK,      \
        BYTE_MARK, BYTE_MARK, BYTE_MARK, BYTE_MARK

static const uint8_t bytes[256] = {
    ['\0'] = BYTE_MARK,
    ['\n'] = BYTE_FEED,
    ['\033'] = BYTE_MARK,
    ['\\'] = BYTE_MARK,
    ['<'] = BYTE_MARK,
    ['>'] = BYTE_MARK,
    ['&'] = BYTE_MARK,
    [','] = BYTE_GROUP,
    ['\''] = BYTE_GROUP,
    [SCAN_CAPITAL] = BYTE_MARK,
    ['.'] = BYTE_POINT,
    [128] = MARKS_16,
    MARKS_16,
    MARKS_16,
    MARKS_16,
    MARKS_16,
    MARKS_16,
    MARKS_16,
    MARKS_16,
};

#ifdef __SSE2__
/* Where the bytes are `c`, but for the bits in `but`, which it has not. */
#    define IS_LIKE(bytes, c, but)                                             \
        _mm_cmpeq_epi8(                                                        \
            _mm_and_si128(bytes, _mm_set1_epi8((char)~(unsigned)(but))),       \
            _mm_set1_epi8(c))

/* The bytes that may be something to stop at, as bits. */
static unsigned
stops_16(const char *text)
{
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(b, _mm_set1_epi8(0x1f)), b);
    __m128i bracket = IS_LIKE(b, 0x1c, 0x62);    /* < > backslash */
    __m128i point = IS_LIKE(b, 0x2c, 0x02);      /* , . */
    __m128i apostrophe = IS_LIKE(b, 0x26, 0x01); /* & ' */
    __m128i capital = IS_LIKE(b, SCAN_CAPITAL, 0);
    __m128i any =
        _mm_or_si128(_mm_or_si128(control, bracket),
                     _mm_or_si128(_mm_or_si128(point, apostrophe), capital));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(any, b));
}

#else
static unsigned
stops_16(const char *text)
{
    unsigned stops = 0;

    for (unsigned i = 0; i < SCAN_BLOCK; i++)
        stops |= (unsigned)(bytes[(unsigned char)text[i]] != 0) << i;
    return stops;
}

#endif

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Look closer at the byte `at`, which may be one to stop at. */
JE_INLINE void
scan_stop(const char *text, size_t at, struct scan_lines *lines)
{
    unsigned is = bytes[(unsigned char)text[at]];

    if (is == BYTE_FEED) {
        lines->ends[lines->count++] =
            (uint32_t)at << 1 | (lines->open & SCAN_MARKED);
        lines->open = 0;
        return;
    }
    /* What separates groups of digits has one before it. */
    if (is == BYTE_GROUP)
        is = at == 0 || is_digit(text[at - 1]) ? BYTE_MARK : 0;
    if (is == BYTE_MARK ||
        (is == BYTE_POINT && (lines->open & SCAN_POINT) != 0))
        lines->open |= SCAN_MARKED;
    if (is == BYTE_POINT)
        lines->open |= SCAN_POINT;
}

/* Likewise, where the bits of `stops` are. */
JE_INLINE void
scan_stops(const char *text, size_t at, uint64_t stops,
           struct scan_lines *lines)
{
    for (; stops != 0; stops &= stops - 1)
        scan_stop(text, at + (size_t)__builtin_ctzll(stops), lines);
}

/* Whether all of a block may be lines. */
static bool
has_room(const struct scan_lines *lines)
{
    return lines->count + 64 <= SCAN_LINES;
}

#ifdef __x86_64__
/* The same for 32 bytes.  A byte is one to stop at if the entries for its two
 * halves have a bit in common; those above 127 have their top bit set. */
__attribute__((target("avx2"))) JE_INLINE uint32_t
stops_32(const char *text)
{
    enum { H0 = 1, H1 = 2, H2 = 4, H3 = 8, H4 = 16, H5 = 32 };

    const __m256i low = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        H0, 0, H4, 0, 0, 0, H2, H2, 0, 0, H0, H1, H2 | H3 | H5, 0, H2 | H3, 0));
    const __m256i high = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(H0, H1, H2, H3, H4, H5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i halves =
        _mm256_and_si256(_mm256_srli_epi16(b, 4), _mm256_set1_epi8(0x0f));
    __m256i any = _mm256_and_si256(_mm256_shuffle_epi8(low, b),
                                   _mm256_shuffle_epi8(high, halves));
    __m256i is = _mm256_cmpgt_epi8(any, _mm256_setzero_si256());

    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(is, b));
}

__attribute__((target("avx2"))) JE_INLINE uint64_t
halves_64(__m256i first, __m256i second)
{
    return (uint32_t)_mm256_movemask_epi8(first) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(second) << 32;
}

__attribute__((target("avx2"))) JE_INLINE uint64_t
feeds_64(const char *text)
{
    const __m256i feed = _mm256_set1_epi8('\n');
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));

    return halves_64(_mm256_cmpeq_epi8(a, feed), _mm256_cmpeq_epi8(b, feed));
}

/* Whole blocks of 64.  In most of them a line or none ends, in no order that
 * could be predicted, and there is nothing else to stop at: so two ends are
 * always written, and those that exist counted. */
__attribute__((target("avx2,bmi,popcnt"))) static size_t
lines_wide(const char *text, size_t at, size_t length, struct scan_lines *lines)
{
    const uint64_t last = UINT64_C(1) << 63;
    size_t count = lines->count;
    unsigned open = lines->open;

    for (; at + 64 <= length && count + 64 <= SCAN_LINES; at += 64) {
        uint64_t stops = stops_32(text + at) |
                         (uint64_t)stops_32(text + at + 32) << 32,
                 feeds = feeds_64(text + at), second = feeds & (feeds - 1);
        uint32_t *ends = &lines->ends[count];

        if (stops != feeds || (second & (second - 1)) != 0) {
            lines->count = count;
            lines->open = open;
            scan_stops(text, at, stops, lines);
            count = lines->count;
            open = lines->open;
            continue;
        }
        ends[0] = (uint32_t)(at + (size_t)__builtin_ctzll(feeds | last)) << 1 |
                  (open & SCAN_MARKED);
        ends[1] = (uint32_t)(at + (size_t)__builtin_ctzll(second | last)) << 1;
        count += (size_t)__builtin_popcountll(feeds);
        open = feeds == 0 ? open : 0;
    }
    lines->count = count;
    lines->open = open;
    return at;
}

__attribute__((target("avx2"))) JE_INLINE void
block_wide(const char *text, struct scan_64 *to)
{
    const __m256i blank = _mm256_set1_epi8(' '), zero = _mm256_set1_epi8('0');
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));

    to->ink = ~(halves_64(_mm256_cmpeq_epi8(a, _mm256_min_epu8(a, blank)),
                          _mm256_cmpeq_epi8(b, _mm256_min_epu8(b, blank))));
    to->zeros =
        halves_64(_mm256_cmpeq_epi8(a, zero), _mm256_cmpeq_epi8(b, zero));
}

__attribute__((target("avx2"))) static void
blocks_wide(const char *text, size_t length, struct scan_64 *blocks)
{
    size_t n = 0, rest = length % 64;

    for (; n < length / 64; n++)
        block_wide(text + n * 64, &blocks[n]);
    blocks[n] = (struct scan_64){0};
    if (rest > 0)
        block_wide(text + length - 64, &blocks[n]);
    blocks[n].ink >>= (64 - rest) % 64;
    blocks[n].zeros >>= (64 - rest) % 64;
}

static bool
can_scan_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("popcnt");
}
#else
static size_t
lines_wide(const char *text, size_t at, size_t length, struct scan_lines *lines)
{
    (void)text;
    (void)length;
    (void)lines;
    return at;
}

static void
blocks_wide(const char *text, size_t length, struct scan_64 *blocks)
{
    (void)text;
    (void)length;
    (void)blocks;
}

static bool
can_scan_wide(void)
{
    return false;
}
#endif

size_t
scan_lines(const char *text, size_t at, size_t length, struct scan_lines *lines)
{
    char rest[SCAN_BLOCK] = {' '};
    size_t left;

    if (can_scan_wide())
        at = lines_wide(text, at, length, lines);
    for (; at + SCAN_BLOCK <= length && has_room(lines); at += SCAN_BLOCK)
        scan_stops(text, at, stops_16(text + at), lines);
    left = length - at;
    if (left >= SCAN_BLOCK || !has_room(lines))
        return at;
    memcpy(rest, text + at, left);
    scan_stops(text, at, stops_16(rest) & ((1u << left) - 1), lines);
    return length;
}

static void
block_narrow(const char *text, struct scan_64 *to)
{
    *to = (struct scan_64){0};
    for (unsigned i = 0; i < 64; i += SCAN_BLOCK) {
        to->ink |= (uint64_t)scan_ink_16(text + i) << i;
        to->zeros |= (uint64_t)scan_byte_16(text + i, '0') << i;
    }
}

static void
blocks_narrow(const char *text, size_t length, struct scan_64 *blocks)
{
    size_t n = 0, rest = length % 64;
    char padded[64] = {0};

    for (; n < length / 64; n++)
        block_narrow(text + n * 64, &blocks[n]);
    memcpy(padded, text + n * 64, rest);
    block_narrow(padded, &blocks[n]);
}

/* Nothing behind the end is read: the last wide block starts before it. */
void
scan_blocks(const char *text, size_t length, struct scan_64 *blocks)
{
    if (length >= 64 && can_scan_wide())
        blocks_wide(text, length, blocks);
    else
        blocks_narrow(text, length, blocks);
}
