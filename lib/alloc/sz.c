/*
 * Tables and the less common arithmetic of size classes: see sz.h.
 */
#include "alloc/sz.h"

#include "base/assert.h"

uint16_t sz_lookup_tab[SZ_LOOKUP_MAX / 8 + 1];
size_t sz_size_tab[SZ_NCLASSES];

_Static_assert(SC_NBINS < 255, "a map class fits a byte");

void
sz_boot(void)
{
    for (unsigned i = 0; i < SZ_NCLASSES; i++) {
        sz_size_tab[i] = sz_size_compute(i);
    }
    for (size_t i = 0; i <= SZ_LOOKUP_MAX / 8; i++) {
        sz_lookup_tab[i] =
            (uint16_t)((sz_index_compute(i * 8) + 1) * SZ_LOOKUP_SCALE);
    }
    je_assert(sz_size_tab[SZ_NCLASSES - 1] == SZ_LARGE_MAX);
    je_assert(sz_size_tab[SC_NBINS] == 4 * OS_PAGE);
    je_assert(sz_size_tab[SC_NBINS - 1] == SZ_SMALL_MAX);
    je_assert(sz_size_tab[SC_NCACHED - 1] == SZ_LOOKUP_MAX);
    je_assert(sz_size_tab[SC_NCACHED_MAX - 1] == (size_t)8 << 20);
}

size_t
sz_round_aligned(size_t size, size_t alignment)
{
    if (size > SZ_LARGE_MAX || alignment > SZ_LARGE_MAX) {
        return 0;
    }
    if (size == 0) {
        size = 1;
    }
    if (alignment <= OS_PAGE && size <= sz_size(SC_NBINS - 1)) {
        /* an alignment above the size needs at least a region of its size */
        unsigned i = sz_index(size < alignment ? alignment : size);
        for (; i < SC_NBINS; i++) {
            if ((sz_size(i) & (alignment - 1)) == 0) {
                return sz_size(i);
            }
        }
    }
    size_t usable =
        size < sz_size(SC_NBINS) ? sz_size(SC_NBINS) : sz_round(size);
    /* the worst case of aligning inside a page-aligned run must not overflow */
    if (usable + alignment < usable || usable + alignment > SZ_LARGE_MAX) {
        return alignment <= OS_PAGE ? usable : 0;
    }
    return usable;
}
