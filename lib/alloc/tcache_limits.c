/*
 * How much of each class a thread cache may hold: options, and what a thread
 * sets for itself. See tcache.h.
 */
#include "alloc/conf.h"
#include "alloc/meta.h"
#include "alloc/percpu.h"
#include "alloc/sz.h"
#include "alloc/tcache.h"
#include "base/bits.h"

/* What a bin of a small class may hold if no option says: so many bytes, in so
 * many objects. */
#define TCACHE_BIN_BYTES   ((size_t)128 << 10)
#define TCACHE_BIN_OBJECTS ((size_t)1024)

/* A bin that soon wants back what it gave for want of slots stretches, but to
 * no more than so many bytes. Of a small class also to no more objects than
 * those, but to the bytes in any case: of the smallest, 1024 are a few KiB, and
 * programs free lists and trees of more at once. */
#define TCACHE_STRETCH_BYTES ((size_t)4 << 20)

/* What one thread may hold if no option says, and no large tcache_max. */
#define TCACHE_BUDGET ((size_t)2 << 20)
/* What it may borrow beyond that, and what all may together. */
#define TCACHE_LOAN_MAX ((size_t)6 << 20)
#define TCACHE_LENT_MAX ((size_t)32 << 20)

/* Slots of each class by the options, and whether those list it. */
static struct {
  uint16_t slots : 12;
    uint16_t is_listed : 1;
} limits[SC_NCACHED_MAX];

/* The sum of cache_lent_bytes over all caches. */
static size_t lent;

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
    if (szind >= SC_NBINS) {
        return (uint16_t)conf.tcache_nslots_large;
    }
    int64_t mul = conf.lg_tcache_nslots_mul;
    size_t bytes = TCACHE_BIN_BYTES, most = TCACHE_BIN_OBJECTS;
    bytes = mul >= 0 ? bytes << mul : bytes >> -mul;
    most = mul >= 0 ? most << mul : most;
    size_t slots = JE_MIN(bytes / sz_size(szind), most);
    slots = slots > 0 ? (size_t)1 << bits_lg_floor(slots) : 0;
    slots = JE_MAX(slots, conf.tcache_nslots_small_min);
    return (uint16_t)JE_MIN(slots, conf.tcache_nslots_small_max);
}

void
tcache_boot(void)
{
    for (unsigned i = 0; i < SC_NCACHED_MAX; i++) {
        uint16_t n = limits_default(i);
        limits[i].is_listed = limits_listed(conf.tcache_ncached_max, i, &n);
        limits[i].slots = n & 0xfff;
    }
}

unsigned
tcache_class_slots(unsigned szind)
{
    return limits[szind].slots;
}

void
tcache_limit_bin(tcache_bin_t *cold, unsigned szind)
{
    cold->slots_max = limits[szind].slots;
    cold->is_listed = limits[szind].is_listed;
}

unsigned
tcache_slots_most(const cache_bin_t *bin, const tcache_bin_t *cold,
                  unsigned cls)
{
    size_t easy = cold->slots_max;
    if (cold->is_listed || cls > SC_NCACHED) {
        return (unsigned)easy;
    }
    size_t most = JE_MIN(easy << conf.lg_tcache_stretch,
                         TCACHE_STRETCH_BYTES / bin->size);
    if (cls <= SC_NBINS) {
        size_t small = TCACHE_BIN_BYTES / bin->size;
        most = JE_MIN(most, JE_MAX(small, TCACHE_BIN_OBJECTS));
        most = JE_MIN(most, conf.tcache_nslots_small_max);
    }
    most = JE_MIN(most, (size_t)1 << META_LG_SLOTS_MAX);
    most = (size_t)1 << bits_lg_floor(JE_MAX(most, 1));
    return (unsigned)JE_MAX(most, easy);
}

/* ---- the budget -------------------------------------------------------- */

/* What the cache may hold without borrowing. */
static size_t
limits_own(const tsd_t *tsd)
{
    if (conf.tcache_thread_max != 0) {
        return conf.tcache_thread_max;
    }
    size_t more = tsd->ncached > SC_NCACHED ? sz_size(tsd->ncached - 1u) : 0;
    return TCACHE_BUDGET + 2 * more;
}

size_t
tcache_budget(const tsd_t *tsd)
{
    return limits_own(tsd) + tsd->cache_lent_bytes;
}

bool
tcache_borrow(tsd_t *tsd, size_t limit)
{
    size_t budget = tcache_budget(tsd);
    if (limit <= budget) {
        return true;
    }
    size_t more = limit - budget;
    if (conf.tcache_thread_max != 0 ||
        tsd->cache_lent_bytes + more > TCACHE_LOAN_MAX) {
        return false;
    }
    size_t sum = atomic_load_rlx(&lent);
    do {
        if (sum + more > TCACHE_LENT_MAX) {
            return false;
        }
    } while (!atomic_cas_acq(&lent, &sum, sum + more));
    tsd->cache_lent_bytes += more;
    return true;
}

/* A child may have lost count of a cache that a frame below a hook goes on
 * with: then there is less to give back. */
void
tcache_repay(tsd_t *tsd)
{
    size_t limit = tsd->cache_limit_bytes;
    size_t over = limit - JE_MIN(limit, limits_own(tsd));
    size_t before = tsd->cache_lent_bytes;
    if (over < before) {
        tsd->cache_lent_bytes = over;
        size_t sum = atomic_load_rlx(&lent);
        while (!atomic_cas_acq(&lent, &sum, sum - JE_MIN(before - over, sum))) {
        }
    }
}

void
tcache_lent_restart(void)
{
    atomic_store_rlx(&lent, 0);
}

void
tcache_lent_keep(tsd_t *tsd, bool is_kept)
{
    if (!is_kept) {
        tsd->cache_lent_bytes = 0;
        tsd->is_cache_on = false; /* or it would borrow for good */
    }
    atomic_add_rlx(&lent, tsd->cache_lent_bytes);
}

/* ---- classes ----------------------------------------------------------- */

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
    if (szind < SC_NBINS && percpu_serves(tsd)) {
        return percpu_nslots(szind);
    }
    return tsd_bin(tsd, szind + 1) != NULL
               ? tsd_bin_cold(tsd, szind + 1)->slots_max
               : limits[szind].slots;
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
        tcache_bin_t *cold = tsd_bin_cold(tsd, i + 1);
        cold->slots_max = n & 0xfff;
        cold->is_listed = true;
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
                tcache_limit_bin(tsd_bin_cold(tsd, i + 1), i);
            }
        }
    }
    tsd->is_cache_on = on && conf.junk == CONF_JUNK_FALSE;
}
