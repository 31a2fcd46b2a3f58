/*
 * Free extents of one state: see ecache.h.
 */
#include "alloc/ecache.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/bits.h"

void
ecache_init(ecache_t *c, extent_state_t state)
{
    memset(c, 0, sizeof(*c));
    c->state = (uint8_t)state;
    list_init(&c->oldest_first);
}

void
ecache_insert(ecache_t *c, extent_t *e)
{
    size_t npages = extent_pages(e);
    unsigned pind = sz_pind_floor(npages);
    e->state = c->state;
    e->node.key = e->addr;
    heap_insert(&c->heaps[pind], &e->node);
    c->occupied[pind >> 6] |= UINT64_C(1) << (pind & 63);
    list_push_back(&c->oldest_first, &e->link);
    atomic_bump_rlx(&c->npages, npages);
    c->count[pind]++;
    c->pages_in[pind] += npages;
}

void
ecache_remove(ecache_t *c, extent_t *e)
{
    size_t npages = extent_pages(e);
    unsigned pind = sz_pind_floor(npages);
    je_assert(e->state == c->state);
    heap_remove(&c->heaps[pind], &e->node);
    if (heap_first(&c->heaps[pind]) == NULL) {
        c->occupied[pind >> 6] &= ~(UINT64_C(1) << (pind & 63));
    }
    list_remove(&e->link);
    atomic_bump_rlx(&c->npages, -npages);
    c->count[pind]--;
    c->pages_in[pind] -= npages;
}

/* Lowest occupied class >= from, or SZ_NPSIZES. */
static unsigned
ecache_next_occupied(const ecache_t *c, unsigned from)
{
    if (from >= SZ_NPSIZES) {
        return SZ_NPSIZES;
    }
    unsigned word = from >> 6;
    uint64_t bits = c->occupied[word] & (~UINT64_C(0) << (from & 63));
    while (bits == 0) {
        if (++word == JE_ARRAY_LEN(c->occupied)) {
            return SZ_NPSIZES;
        }
        bits = c->occupied[word];
    }
    return (word << 6) + bits_ctz(bits);
}

extent_t *
ecache_best_fit(ecache_t *c, size_t npages, unsigned lg_max_fit)
{
    /* A request between two classes may fit the first of the class below. */
    unsigned pind = sz_pind_ceil(npages);
    if (sz_pind_pages(pind) != npages && pind > 0) {
        heap_node_t *n = heap_first(&c->heaps[pind - 1]);
        extent_t *e = n != NULL ? heap_entry(n, extent_t, node) : NULL;
        if (e != NULL && extent_pages(e) >= npages) {
            return e;
        }
    }
    pind = ecache_next_occupied(c, pind);
    if (pind == SZ_NPSIZES) {
        return NULL;
    }
    if (lg_max_fit < 64 && sz_pind_pages(pind) >> lg_max_fit > npages) {
        return NULL;
    }
    return heap_entry(heap_first(&c->heaps[pind]), extent_t, node);
}

extent_t *
ecache_oldest(ecache_t *c)
{
    list_t *l = list_first(&c->oldest_first);
    return l != NULL ? list_entry(l, extent_t, link) : NULL;
}

bool
ecache_is_valid(ecache_t *c)
{
    size_t npages = 0, in_heaps = 0, in_list = 0;
    for (list_t *l = c->oldest_first.next; l != &c->oldest_first; l = l->next) {
        extent_t *e = list_entry(l, extent_t, link);
        je_assert(e->state == c->state);
        npages += extent_pages(e);
        in_list++;
    }
    for (unsigned i = 0; i < SZ_NPSIZES; i++) {
        bool bit = (c->occupied[i >> 6] >> (i & 63)) & 1;
        je_assert(bit == (heap_first(&c->heaps[i]) != NULL));
        je_assert(bit == (c->count[i] != 0));
        in_heaps += c->count[i];
    }
    je_assert(npages == c->npages);
    je_assert(in_heaps == in_list);
    return npages == c->npages && in_heaps == in_list;
}
