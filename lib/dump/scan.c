/* A look at the bytes of text, sixteen at a time where the machine can. */
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

/* Look closer where the bits of `stops` are; true: at a line feed, *at. */
static bool
scan_stops(const char *text, uint64_t stops, struct scan *scan, size_t *at)
{
    for (; stops != 0; stops &= stops - 1) {
        unsigned is;

        *at = (size_t)__builtin_ctzll(stops);
        is = bytes[(unsigned char)text[*at]];
        if (is == BYTE_FEED)
            return true;
        /* What separates groups of digits has one before it. */
        if (is == BYTE_GROUP)
            is = *at == 0 || is_digit(text[*at - 1]) ? BYTE_MARK : 0;
        scan->is_marked |=
            is == BYTE_MARK || (is == BYTE_POINT && scan->has_point);
        scan->has_point |= is == BYTE_POINT;
    }
    return false;
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

/* As many blocks of 64 as there are; true: at a line feed, *at. */
__attribute__((target("avx2"))) static bool
scan_wide(const char *text, size_t length, struct scan *scan, size_t *at)
{
    size_t i = 0, in;

    for (; i + 64 <= length; i += 64) {
        uint64_t stops = stops_32(text + i) | (uint64_t)stops_32(text + i + 32)
                                                  << 32;

        if (stops == 0)
            continue;
        /* What follows uses the old instructions, which wait for the upper
         * halves of registers unless those are known to be empty. */
        _mm256_zeroupper();
        if (scan_stops(text + i, stops, scan, &in)) {
            *at = i + in;
            return true;
        }
    }
    *at = i;
    return false;
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
    return __builtin_cpu_supports("avx2");
}
#else
static bool
scan_wide(const char *text, size_t length, struct scan *scan, size_t *at)
{
    (void)text;
    (void)length;
    (void)scan;
    *at = 0;
    return false;
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
scan_line(const char *text, size_t length, struct scan *scan)
{
    char rest[SCAN_BLOCK] = {' '};
    size_t i = 0, at;

    if (can_scan_wide() && scan_wide(text, length, scan, &i))
        return i;
    for (; i + SCAN_BLOCK <= length; i += SCAN_BLOCK) {
        unsigned stops = stops_16(text + i);

        if (stops != 0 && scan_stops(text + i, stops, scan, &at))
            return i + at;
    }
    memcpy(rest, text + i, length - i);
    if (scan_stops(rest, stops_16(rest) & ((1u << (length - i)) - 1), scan,
                   &at))
        return i + at;
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
