/*
 * How much of each class a thread cache may hold: options, and what a thread
 * sets for itself. See tcache.h.
 */
#include "alloc/conf.h"
#include "alloc/meta.h"
#include "alloc/sz.h"
#include "alloc/tcache.h"
#include "base/bits.h"

/* Bytes that a bin of a small class may hold if no option says. */
#define TCACHE_BIN_BYTES ((size_t)128 << 10)

uint16_t tcache_slots_tab[SC_NCACHED_MAX];

/* What a list of ranges says for a class, no more than a stack has. */
static bool
limits_listed(const char *list, unsigned szind, uint16_t *slots)
{
    uint64_t n;
    if (!conf_range_of(list, sz_least(szind), sz_size(szind), &n)) {
        return false;
    }
    *slots = (uint16_t)JE_MIN(n, UINT64_C(1) << META_LG_SLOTS_MAX);
    return true;
}

static uint16_t
limits_default(unsigned szind)
{
    uint16_t listed;
    if (limits_listed(conf.tcache_ncached_max, szind, &listed)) {
        return listed;
    }
    if (szind >= SC_NBINS) {
        return (uint16_t)conf.tcache_nslots_large;
    }
    int64_t mul = conf.lg_tcache_nslots_mul;
    size_t bytes = TCACHE_BIN_BYTES;
    bytes = mul >= 0 ? bytes << mul : bytes >> -mul;
    size_t slots = bytes / sz_size(szind);
    slots = slots > 0 ? (size_t)1 << bits_lg_floor(slots) : 0;
    slots = JE_MAX(slots, conf.tcache_nslots_small_min);
    return (uint16_t)JE_MIN(slots, conf.tcache_nslots_small_max);
}

void
tcache_boot(void)
{
    for (unsigned i = 0; i < SC_NCACHED_MAX; i++) {
        tcache_slots_tab[i] = limits_default(i);
    }
}

unsigned
tcache_classes(void)
{
    return sz_index(conf.tcache_max) + 1;
}

/* The cache is emptied and goes on. */
static void
limits_begin(tsd_t *tsd)
{
    bool was_on = tsd->is_cache_on;
    tcache_fini(tsd);
    tsd->is_cache_on = was_on;
}

void
tcache_set_classes(tsd_t *tsd, unsigned n)
{
    limits_begin(tsd);
    tsd->ncached = (uint8_t)n;
}

unsigned
tcache_nslots(tsd_t *tsd, unsigned szind)
{
    if (!tsd->is_cache_on || szind >= tsd->ncached) {
        return 0;
    }
    return tsd_bin(tsd, szind + 1) != NULL
               ? tsd_bin_cold(tsd, szind + 1)->slots_max
               : tcache_slots_tab[szind];
}

bool
tcache_set_nslots(tsd_t *tsd, const char *list)
{
    limits_begin(tsd);
    for (unsigned i = 0; i < SC_NCACHED_MAX; i++) {
        uint16_t n;
        if (!limits_listed(list, i, &n)) {
            continue;
        }
        if (i >= SC_NCACHED && !tcache_make_more(tsd)) {
            return false;
        }
        tsd_bin_cold(tsd, i + 1)->slots_max = n & 0xfff;
    }
    return true;
}

/* What the thread has set for single classes ends with its cache. */
void
tcache_set_enabled(tsd_t *tsd, bool on)
{
    if (!on) {
        tcache_fini(tsd);
    } else if (!tsd->is_cache_on) {
        for (unsigned i = 0; i < SC_NCACHED_MAX; i++) {
            if (tsd_bin(tsd, i + 1) != NULL) {
                tsd_bin_cold(tsd, i + 1)->slots_max =
                    tcache_slots_tab[i] & 0xfff;
            }
        }
    }
    tsd->is_cache_on = on && conf.junk == CONF_JUNK_FALSE;
}
