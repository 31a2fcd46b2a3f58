/*
 * Tables of the profiler: see prof_table.h.
 */
#include "alloc/prof_table.h"

#include <string.h>

#include "alloc/meta.h"
#include "alloc/prof_recent.h"
#include "base/assert.h"
#include "base/bits.h"
#include "os/mutex.h"

enum {
    INTERN_BUCKETS = 4096, /* chains of stacks, and of sites */
    INDEX_CHUNK = 1024,
    INDEX_CHUNKS = 4096,
    SHARDS = 32,
    SHARD_BUCKETS_FIRST = 64,
    SHARD_RECORDS = 32, /* sample records taken from meta at a time */
    DEFERRED_MAX = 256,
};

/* id -> member, in chunks that are made when reached. */
typedef struct index {
    void **chunks[INDEX_CHUNKS];
    uint32_t count;
} index_t;

typedef struct shard {
    os_mutex_t mtx;
    prof_sample_t **buckets;
    size_t nbuckets; /* power of two */
    size_t count;
    prof_sample_t *spare; /* records without a sample */
} JE_CACHE_ALIGNED shard_t;

static prof_stack_t *stack_chains[INTERN_BUCKETS];
static prof_site_t *site_chains[INTERN_BUCKETS];
static index_t stack_index;
static index_t site_index;
static shard_t shards[SHARDS];
static size_t bytes_used;
/* Frees that came while this thread's own interrupted frame held the lock. */
static uintptr_t deferred[DEFERRED_MAX];
static uint32_t deferred_count; /* an upper bound of the used places */

void *
prof_table_alloc(size_t size)
{
    size = bits_align_up(size, CACHELINE);
    if (atomic_add_rlx(&bytes_used, size) + size > PROF_MEMORY_MAX) {
        atomic_sub_rlx(&bytes_used, size);
        return NULL;
    }
    void *p = meta_alloc(size);
    if (p == NULL) {
        atomic_sub_rlx(&bytes_used, size);
    }
    return p;
}

size_t
prof_table_bytes(void)
{
    return atomic_load_rlx(&bytes_used);
}

void
prof_table_boot(void)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        os_mutex_init(&shards[i].mtx, OS_RANK_PROF);
    }
}

static uint64_t
table_mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

/* ---- interned stacks and sites ----------------------------------------- */

/* Give `member` the next id. errors: false, no id is left or no memory. */
static bool
index_append(index_t *index, void *member, uint32_t *id)
{
    uint32_t n = atomic_load_rlx(&index->count);
    do {
        if (n >= (uint32_t)INDEX_CHUNK * INDEX_CHUNKS) {
            return false;
        }
        void ***chunk = &index->chunks[n / INDEX_CHUNK];
        if (atomic_load_acq(chunk) == NULL) {
            void **fresh = prof_table_alloc(INDEX_CHUNK * sizeof(void *));
            void **none = NULL;
            if (fresh == NULL) {
                return false;
            }
            (void)atomic_cas_acqrel(chunk, &none, fresh);
        }
    } while (!atomic_cas_acqrel(&index->count, &n, n + 1));
    *id = n;
    atomic_store_rel(&index->chunks[n / INDEX_CHUNK][n % INDEX_CHUNK], member);
    return true;
}

static void *
index_at(index_t *index, uint32_t id)
{
    void **chunk = atomic_load_acq(&index->chunks[id / INDEX_CHUNK]);
    return chunk != NULL ? atomic_load_acq(&chunk[id % INDEX_CHUNK]) : NULL;
}

static prof_stack_t *
stack_find(prof_stack_t *chain, uint64_t hash, const uintptr_t *frames,
           uint32_t depth)
{
    for (; chain != NULL; chain = chain->next) {
        if (chain->hash == hash && chain->depth == depth &&
            memcmp(chain->frames, frames, depth * sizeof(*frames)) == 0) {
            return chain;
        }
    }
    return NULL;
}

/* Two threads that add the same stack at once: the second one's exchange fails,
 * it looks again, and its copy is left over. */
prof_stack_t *
prof_stack_get(const uintptr_t *frames, uint32_t depth)
{
    uint64_t hash = depth;
    for (uint32_t i = 0; i < depth; i++) {
        hash = table_mix(hash + frames[i]);
    }
    prof_stack_t **chain = &stack_chains[hash % INTERN_BUCKETS];
    prof_stack_t *head = atomic_load_acq(chain);
    prof_stack_t *found = stack_find(head, hash, frames, depth);
    if (likely(found != NULL)) {
        return found;
    }
    prof_stack_t *fresh =
        prof_table_alloc(sizeof(*fresh) + depth * sizeof(*frames));
    if (fresh == NULL) {
        return NULL;
    }
    fresh->hash = hash;
    fresh->depth = depth;
    memcpy(fresh->frames, frames, depth * sizeof(*frames));
    if (!index_append(&stack_index, fresh, &fresh->id)) {
        return NULL;
    }
    do {
        found = stack_find(head, hash, frames, depth);
        if (found != NULL) {
            return found;
        }
        fresh->next = head;
    } while (!atomic_cas_acqrel(chain, &head, fresh));
    return fresh;
}

static prof_site_t *
site_find(prof_site_t *chain, const prof_stack_t *stack, uint64_t usable,
          uint64_t rate)
{
    for (; chain != NULL; chain = chain->next) {
        if (chain->stack == stack && chain->usable == usable &&
            chain->rate == rate) {
            return chain;
        }
    }
    return NULL;
}

static prof_site_t *
site_make(const prof_stack_t *stack, uint64_t usable, uint64_t rate)
{
    uint64_t hash = table_mix(stack->hash + table_mix(usable ^ (rate << 20)));
    prof_site_t **chain = &site_chains[hash % INTERN_BUCKETS];
    prof_site_t *head = atomic_load_acq(chain);
    prof_site_t *found = site_find(head, stack, usable, rate);
    if (likely(found != NULL)) {
        return found;
    }
    prof_site_t *fresh = prof_table_alloc(sizeof(*fresh));
    if (fresh == NULL) {
        return NULL;
    }
    fresh->stack = stack;
    fresh->usable = usable;
    fresh->rate = rate;
    if (!index_append(&site_index, fresh, &fresh->id)) {
        return NULL;
    }
    do {
        found = site_find(head, stack, usable, rate);
        if (found != NULL) {
            return found;
        }
        fresh->next = head;
    } while (!atomic_cas_acqrel(chain, &head, fresh));
    return fresh;
}

prof_site_t *
prof_site_get(prof_stack_t *stack, uint64_t usable, uint64_t rate)
{
    if (unlikely(stack == NULL)) {
        return NULL;
    }
    prof_site_t *site = atomic_load_acq(&stack->recent);
    if (site == NULL || site->usable != usable || site->rate != rate) {
        site = site_make(stack, usable, rate);
        if (site != NULL) {
            atomic_store_rel(&stack->recent, site);
        }
    }
    return site;
}

uint32_t
prof_stack_count(void)
{
    return atomic_load_acq(&stack_index.count);
}

uint32_t
prof_site_count(void)
{
    return atomic_load_acq(&site_index.count);
}

const prof_stack_t *
prof_stack_at(uint32_t id)
{
    return index_at(&stack_index, id);
}

const prof_site_t *
prof_site_at(uint32_t id)
{
    return index_at(&site_index, id);
}

/* ---- live samples ------------------------------------------------------ */

/* Twice for each sample, so only one multiplication: its upper half depends on
 * what addresses of objects differ in. */
static uint64_t
addr_hash(uintptr_t addr)
{
    return (addr >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
}

static shard_t *
shard_of(uint64_t hash)
{
    return &shards[hash % SHARDS];
}

/* The link that points at the sample, or at the end of its chain. */
static prof_sample_t **
shard_link(shard_t *shard, uint64_t hash, uintptr_t addr)
{
    prof_sample_t **link =
        &shard->buckets[(hash / SHARDS) & (shard->nbuckets - 1)];
    while (*link != NULL && (*link)->addr != addr) {
        link = &(*link)->next;
    }
    return link;
}

static void
shard_add_spare(shard_t *shard, prof_sample_t *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        records[i].next = shard->spare;
        shard->spare = &records[i];
    }
}

/* Twice the buckets; the old array's memory becomes sample records. */
static bool
shard_grow_locked(shard_t *shard)
{
    size_t old_n = shard->nbuckets;
    prof_sample_t **old = shard->buckets;
    size_t n = old_n == 0 ? SHARD_BUCKETS_FIRST : old_n * 2;
    prof_sample_t **fresh = prof_table_alloc(n * sizeof(prof_sample_t *));
    if (fresh == NULL) {
        return false;
    }
    shard->buckets = fresh;
    shard->nbuckets = n;
    for (size_t i = 0; i < old_n; i++) {
        for (prof_sample_t *s = old[i]; s != NULL;) {
            prof_sample_t *next = s->next;
            prof_sample_t **link =
                shard_link(shard, addr_hash(s->addr), s->addr);
            s->next = NULL;
            *link = s;
            s = next;
        }
    }
    shard_add_spare(shard, (prof_sample_t *)(void *)old,
                    old_n * sizeof(*old) / sizeof(prof_sample_t));
    return true;
}

static prof_sample_t *
shard_record_locked(shard_t *shard)
{
    if (shard->spare == NULL) {
        prof_sample_t *fresh =
            prof_table_alloc(SHARD_RECORDS * sizeof(prof_sample_t));
        if (fresh == NULL) {
            return NULL;
        }
        shard_add_spare(shard, fresh, SHARD_RECORDS);
    }
    prof_sample_t *s = shard->spare;
    shard->spare = s->next;
    return s;
}

static bool
shard_add_locked(shard_t *shard, uint64_t hash, const prof_sample_t *sample)
{
    if (shard->count >= shard->nbuckets && !shard_grow_locked(shard) &&
        shard->nbuckets == 0) {
        return false;
    }
    prof_sample_t **link = shard_link(shard, hash, sample->addr);
    prof_sample_t *s = *link;
    if (s == NULL) {
        s = shard_record_locked(shard);
        if (s == NULL) {
            return false;
        }
        s->next = NULL;
        shard->count++;
        *link = s;
    }
    prof_sample_t *next = s->next;
    *s = *sample;
    s->next = next;
    return true;
}

static bool
shard_remove_locked(shard_t *shard, uint64_t hash, uintptr_t addr,
                    prof_sample_t *gone)
{
    if (shard->nbuckets == 0) {
        return false;
    }
    prof_sample_t **link = shard_link(shard, hash, addr);
    prof_sample_t *s = *link;
    if (s != NULL) {
        *gone = *s;
        *link = s->next;
        s->next = shard->spare;
        shard->spare = s;
        shard->count--;
    }
    return s != NULL;
}

/* Remember a free for later; when all places are taken the sample stays until
 * its address is sampled again. */
static void
deferred_push(uintptr_t addr)
{
    for (unsigned i = 0; i < DEFERRED_MAX; i++) {
        uintptr_t none = 0;
        if (atomic_cas_acqrel(&deferred[i], &none, addr)) {
            atomic_add_rlx(&deferred_count, 1u);
            return;
        }
    }
}

static void
deferred_drain(void)
{
    if (likely(atomic_load_rlx(&deferred_count) == 0)) {
        return;
    }
    for (unsigned i = 0; i < DEFERRED_MAX; i++) {
        uintptr_t addr = atomic_xchg_acq(&deferred[i], (uintptr_t)0);
        if (addr != 0) {
            atomic_sub_rlx(&deferred_count, 1u);
            prof_sample_t gone;
            if (prof_table_remove(addr, false, &gone)) {
                prof_recent_release(gone.recent, NULL, false);
            }
        }
    }
}

bool
prof_table_add(const prof_sample_t *sample)
{
    deferred_drain();
    uint64_t hash = addr_hash(sample->addr);
    shard_t *shard = shard_of(hash);
    os_mutex_lock(&shard->mtx);
    bool ok = shard_add_locked(shard, hash, sample);
    os_mutex_unlock(&shard->mtx);
    return ok;
}

bool
prof_table_remove(uintptr_t addr, bool is_nested, prof_sample_t *gone)
{
    uint64_t hash = addr_hash(addr);
    shard_t *shard = shard_of(hash);
    if (unlikely(is_nested)) {
        if (!os_mutex_trylock(&shard->mtx)) {
            deferred_push(addr);
            return false;
        }
    } else {
        os_mutex_lock(&shard->mtx);
    }
    bool was_there = shard_remove_locked(shard, hash, addr, gone);
    os_mutex_unlock(&shard->mtx);
    return was_there;
}

size_t
prof_table_live(void)
{
    size_t n = 0;
    for (unsigned i = 0; i < SHARDS; i++) {
        n += atomic_load_rlx(&shards[i].count);
    }
    return n;
}

size_t
prof_table_copy(prof_sample_t *out, size_t max)
{
    deferred_drain();
    size_t n = 0;
    for (unsigned i = 0; i < SHARDS; i++) {
        shard_t *shard = &shards[i];
        os_mutex_lock(&shard->mtx);
        for (size_t b = 0; b < shard->nbuckets; b++) {
            const prof_sample_t *s = shard->buckets[b];
            for (; s != NULL && n < max; s = s->next) {
                out[n++] = *s;
            }
        }
        os_mutex_unlock(&shard->mtx);
    }
    return n;
}

prof_sum_t
prof_table_sum_live(size_t usable)
{
    prof_sum_t sum = {0, 0};
    deferred_drain();
    for (unsigned i = 0; i < SHARDS; i++) {
        shard_t *shard = &shards[i];
        os_mutex_lock(&shard->mtx);
        for (size_t b = 0; b < shard->nbuckets; b++) {
            const prof_sample_t *s = shard->buckets[b];
            for (; s != NULL; s = s->next) {
                bool counts = s->site->usable == usable;
                sum.count += counts;
                sum.requested += counts ? s->requested : 0;
            }
        }
        os_mutex_unlock(&shard->mtx);
    }
    return sum;
}

prof_sum_t
prof_table_sum_all(size_t usable)
{
    prof_sum_t sum = {0, 0};
    for (uint32_t i = 0; i < prof_site_count(); i++) {
        const prof_site_t *site = prof_site_at(i);
        if (site != NULL && site->usable == usable) {
            sum.count += atomic_load_rlx(&site->total_samples);
            sum.requested += atomic_load_rlx(&site->total_requested);
        }
    }
    return sum;
}

void
prof_table_reset(void)
{
    deferred_drain();
    for (unsigned i = 0; i < SHARDS; i++) {
        shard_t *shard = &shards[i];
        os_mutex_lock(&shard->mtx);
        for (size_t b = 0; b < shard->nbuckets; b++) {
            while (shard->buckets[b] != NULL) {
                prof_sample_t *s = shard->buckets[b];
                shard->buckets[b] = s->next;
                s->next = shard->spare;
                shard->spare = s;
                shard->count--;
            }
        }
        os_mutex_unlock(&shard->mtx);
    }
    for (uint32_t id = 0; id < prof_site_count(); id++) {
        prof_site_t *site = index_at(&site_index, id);
        if (site != NULL) {
            atomic_store_rlx(&site->total_samples, 0u);
            atomic_store_rlx(&site->total_requested, 0u);
        }
    }
}

os_mutex_t *
prof_table_mutex(unsigned i)
{
    return i < SHARDS ? &shards[i].mtx : NULL;
}

bool
prof_table_fork_child(void)
{
    bool whole = true;
    for (unsigned i = 0; i < SHARDS; i++) {
        shard_t *shard = &shards[i];
        if (os_mutex_is_held(&shard->mtx)) {
            /* half changed by a thread that is not here: begin anew */
            *shard = (shard_t){.count = 0};
            whole = false;
        }
        os_mutex_init(&shard->mtx, OS_RANK_PROF);
    }
    return whole;
}
