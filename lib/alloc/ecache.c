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
    for (unsigned i = 0; i <= ECACHE_LOOSE_PAGES; i++) {
        list_init(&c->loose[i].newest_first);
    }
}

/* `n` extents more, of `npages` each. */
static void
ecache_count(ecache_t *c, size_t npages, int n)
{
    unsigned pind = sz_pind_floor(npages);
    size_t more = npages * (size_t)n;
    atomic_bump_rlx(&c->npages, more);
    c->count[pind] += (size_t)n;
    c->pages_in[pind] += more;
}

static void
ecache_mark(ecache_t *c, unsigned pind, bool occupied)
{
    uint64_t *word = &c->occupied[pind >> 6];
    uint64_t bit = UINT64_C(1) << (pind & 63);
    atomic_store_rlx(word, occupied ? *word | bit : *word & ~bit);
}

void
ecache_insert(ecache_t *c, extent_t *e)
{
    size_t npages = extent_pages(e);
    unsigned pind = sz_pind_floor(npages);
    e->state = c->state;
    e->is_loose = false;
    e->node.key = e->addr;
    heap_insert(&c->heaps[pind], &e->node);
    ecache_mark(c, pind, true);
    list_push_back(&c->oldest_first, &e->link);
    ecache_count(c, npages, 1);
}

void
ecache_insert_loose(ecache_t *c, extent_t **extents, unsigned n)
{
    size_t npages = extent_pages(extents[0]);
    je_assert(npages <= ECACHE_LOOSE_PAGES);
    for (unsigned i = 0; i < n; i++) {
        extent_t *e = extents[i];
        je_assert(extent_pages(e) == npages);
        e->state = c->state;
        e->is_loose = true;
        list_push_front(&c->loose[npages].newest_first, &e->link);
    }
    atomic_bump_rlx(&c->loose[npages].n, n);
    ecache_count(c, npages, (int)n);
}

static void
loose_taken(loose_t *loose, size_t n)
{
    atomic_bump_rlx(&loose->n, -n);
    loose->idle = JE_MIN(loose->idle, loose->n);
}

unsigned
ecache_remove_loose(ecache_t *c, size_t npages, extent_t **out, unsigned n)
{
    unsigned got = 0;
    list_t *head = &c->loose[npages].newest_first;
    for (list_t *l; got < n && (l = list_first(head)) != NULL;) {
        extent_t *e = list_entry(l, extent_t, link);
        list_remove(l);
        e->is_loose = false;
        out[got++] = e;
    }
    loose_taken(&c->loose[npages], got);
    ecache_count(c, npages, -(int)got);
    return got;
}

void
ecache_remove(ecache_t *c, extent_t *e)
{
    size_t npages = extent_pages(e);
    unsigned pind = sz_pind_floor(npages);
    je_assert(e->state == c->state);
    list_remove(&e->link);
    ecache_count(c, npages, -1);
    if (e->is_loose) {
        e->is_loose = false;
        loose_taken(&c->loose[npages], 1);
        return;
    }
    heap_remove(&c->heaps[pind], &e->node);
    if (heap_first(&c->heaps[pind]) == NULL) {
        ecache_mark(c, pind, false);
    }
}

extent_t *
ecache_loose(ecache_t *c, size_t npages)
{
    list_t *l = npages <= ECACHE_LOOSE_PAGES
                    ? list_first(&c->loose[npages].newest_first)
                    : NULL;
    return l != NULL ? list_entry(l, extent_t, link) : NULL;
}

extent_t *
ecache_settle(ecache_t *c, bool only_idle)
{
    for (size_t n = 1; n <= ECACHE_LOOSE_PAGES; n++) {
        loose_t *loose = &c->loose[n];
        size_t idle = loose->idle;
        if (only_idle ? idle > 0 : loose->n > 0) {
            extent_t *e = list_entry(loose->newest_first.prev, extent_t, link);
            ecache_remove(c, e);
            loose->idle = idle > 0 ? idle - 1 : 0;
            return e;
        }
    }
    for (size_t n = 1; n <= ECACHE_LOOSE_PAGES; n++) {
        c->loose[n].idle = c->loose[n].n;
    }
    return NULL;
}

/* Lowest occupied class >= from, or SZ_NPSIZES. */
static unsigned
ecache_next_occupied(const ecache_t *c, unsigned from)
{
    if (from >= SZ_NPSIZES) {
        return SZ_NPSIZES;
    }
    unsigned word = from >> 6;
    uint64_t bits = atomic_load_rlx(&c->occupied[word]);
    bits &= ~UINT64_C(0) << (from & 63);
    while (bits == 0) {
        if (++word == JE_ARRAY_LEN(c->occupied)) {
            return SZ_NPSIZES;
        }
        bits = atomic_load_rlx(&c->occupied[word]);
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
ecache_below(const ecache_t *c, unsigned *end)
{
    for (unsigned left = *end; left > 0;) {
        unsigned word = (left - 1) >> 6;
        unsigned above = (word + 1) * 64 - left;
        uint64_t bits = c->occupied[word] & (~UINT64_C(0) >> above);
        if (bits != 0) {
            *end = (word << 6) + bits_lg_floor(bits);
            return heap_entry(heap_first(&c->heaps[*end]), extent_t, node);
        }
        left = word << 6;
    }
    return NULL;
}

bool
ecache_may_fit(const ecache_t *c, size_t npages)
{
    bool is_there = ecache_next_occupied(c, sz_pind_ceil(npages)) != SZ_NPSIZES;
    for (size_t n = npages; n <= ECACHE_LOOSE_PAGES && !is_there; n++) {
        is_there = atomic_load_rlx(&c->loose[n].n) != 0;
    }
    return is_there;
}

extent_t *
ecache_oldest(ecache_t *c)
{
    list_t *l = list_first(&c->oldest_first);
    return l != NULL ? list_entry(l, extent_t, link) : NULL;
}

/* The loose ones of n pages. */
static size_t
loose_count_valid(ecache_t *c, size_t n)
{
    list_t *head = &c->loose[n].newest_first;
    size_t count = 0;
    for (list_t *l = head->next; l != head; l = l->next) {
        const extent_t *e = list_entry(l, extent_t, link);
        je_assert(e->state == c->state && e->is_loose);
        je_assert(extent_pages(e) == n);
        count++;
    }
    je_assert(count == c->loose[n].n && c->loose[n].idle <= count);
    return count;
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
    for (size_t n = 1; n <= ECACHE_LOOSE_PAGES; n++) {
        size_t in_loose = loose_count_valid(c, n);
        npages += n * in_loose;
        in_list += in_loose;
    }
    for (unsigned i = 0; i < SZ_NPSIZES; i++) {
        bool bit = (c->occupied[i >> 6] >> (i & 63)) & 1;
        je_assert(bit == (heap_first(&c->heaps[i]) != NULL));
        je_assert(!bit || c->count[i] != 0);
        in_heaps += c->count[i];
    }
    je_assert(npages == c->npages);
    je_assert(in_heaps == in_list);
    return npages == c->npages && in_heaps == in_list;
}
