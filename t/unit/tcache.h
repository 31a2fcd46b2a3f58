/*
 * What tests of thread caches share: the cache under test, with options that a
 * test may change, and its invariants.
 */
#ifndef JE_T_UNIT_TCACHE_H
#define JE_T_UNIT_TCACHE_H

#include "alloc/tcache.h"

#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "alloc/sz.h"
#include "t/util.h"

static tsd_t *tsd;
static conf_t options;

static void
teardown(void)
{
    conf = options;
}

static void
setup(void)
{
    ck_assert(je_boot());
    options = conf;
    tsd = tsd_get();
    ck_assert_ptr_nonnull(tsd);
    tcache_set_enabled(tsd, true);
    tcache_flush(tsd);
}

static unsigned
cached(unsigned cls)
{
    return (unsigned)(tsd->bins[cls].head - tsd->cold[cls].base);
}

/* Start the cache again with the options as they are now. */
static void
restart(void)
{
    tcache_fini(tsd);
    tcache_boot();
    tcache_init(tsd);
}

static void
expect_invariants(void)
{
    size_t limit = 0;
    for (unsigned cls = 1; cls <= SC_NCACHED; cls++) {
        const tcache_bin_t *cold = &tsd->cold[cls];
        if (cold->base != NULL) {
            ck_assert_uint_le(tsd->bins[cls].full - cold->base,
                              1 << cold->lg_slots);
            limit += sz_size(cls - 1) << cold->lg_slots;
        }
    }
    ck_assert_uint_eq(tsd->cache_limit_bytes, limit);
    ck_assert(tcache_is_valid(tsd));
}

#endif
