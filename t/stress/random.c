/*
 * Random operations from many threads against a shadow of every block.
 *
 * A block's whole usable size carries a pattern of its own, so an overlap or a
 * lost write shows when the block is looked at again. Each round starts fresh
 * threads over the blocks of the last one; between rounds, when nobody runs,
 * the blocks are sorted to prove that none overlap, every arena is walked, and
 * the counters must equal the shadow's to the byte.
 *
 * usage: random [--seconds N] [--threads N] [--ops N] [--seed N]
 */
#include "t/stress/stress.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "alloc/tcache_count.h"
#include "jealloc.h"
#include "os/clock.h"

enum { THREADS_MAX = 64, SLOTS = 1500, MAIL_MAX = 128, VISITORS = 24 };

typedef struct block {
    unsigned char *p;
    size_t size; /* requested */
    size_t usable;
    size_t alignment; /* 0: as malloc */
    uint64_t key;
} block_t;

typedef struct worker {
    pthread_mutex_t mtx; /* guards the mail */
    block_t mail[MAIL_MAX];
    unsigned nmail;
    block_t slots[SLOTS];
    uint64_t random;
    uint64_t nrequests;
    unsigned ops;
} worker_t;

static worker_t workers[THREADS_MAX];
static unsigned nworkers = 4;

/* ---- content ----------------------------------------------------------- */

/* Large blocks are marked in part, or nothing but memset would be tested. */
enum { MARK_WHOLE = 32768, MARK_PART = 4096 };

static void
mark_range(block_t *b, size_t from, size_t to)
{
    memset(b->p + from, (int)(b->key & 0xff), to - from);
}

static bool
range_is_marked(const block_t *b, size_t from, size_t to)
{
    unsigned char mark = (unsigned char)(b->key & 0xff);
    if (from >= to) {
        return true;
    }
    return b->p[from] == mark &&
           memcmp(b->p + from, b->p + from + 1, to - from - 1) == 0;
}

static void
block_mark(block_t *b)
{
    if (b->usable <= MARK_WHOLE) {
        mark_range(b, 0, b->usable);
    } else {
        mark_range(b, 0, MARK_PART);
        mark_range(b, b->usable - MARK_PART, b->usable);
    }
    memcpy(b->p, &b->key, sizeof(b->key));
}

/* The first `size` bytes of the block's content. */
static void
block_check(const block_t *b, size_t size)
{
    size_t end = size < b->usable ? size : b->usable;
    bool ok = end < sizeof(b->key) || memcmp(b->p, &b->key, 8) == 0;
    if (b->usable <= MARK_WHOLE) {
        ok = ok && range_is_marked(b, sizeof(b->key), end);
    } else {
        ok = ok && range_is_marked(b, sizeof(b->key),
                                   end < MARK_PART ? end : MARK_PART);
        ok = ok && range_is_marked(b, b->usable - MARK_PART, end);
    }
    if (!ok) {
        stress_fail(__FILE__, __LINE__, "block %p of %zu bytes was overwritten",
                    (void *)b->p, b->usable);
    }
}

static void
check_bytes(const unsigned char *p, size_t n, unsigned char value)
{
    if (n > 0 && (p[0] != value || memcmp(p, p + 1, n - 1) != 0)) {
        stress_fail(__FILE__, __LINE__, "%p: %zu bytes are not all 0x%x",
                    (const void *)p, n, value);
    }
}

/* ---- operations -------------------------------------------------------- */

static size_t
random_size(uint64_t *r)
{
    uint64_t kind = stress_below(r, 1000);
    if (kind < 700) {
        return stress_below(r, 512);
    }
    if (kind < 940) {
        return stress_below(r, 16385);
    }
    if (kind < 995) {
        return stress_below(r, 200000);
    }
    return stress_below(r, (size_t)3 << 20);
}

/* A new block is in b->p: check it, and make it ours. */
static void
block_born(worker_t *w, block_t *b, size_t size, size_t alignment, bool zero)
{
    stress_check(b->p != NULL);
    b->size = size;
    b->alignment = alignment;
    b->usable = jea_malloc_usable_size(b->p);
    stress_check(b->usable >= size);
    stress_check_eq(b->usable, sz_usable(size, alignment));
    size_t natural = size <= 8 ? 8 : 16;
    stress_check_eq((uintptr_t)b->p % natural, 0);
    if (alignment != 0) {
        stress_check_eq((uintptr_t)b->p % alignment, 0);
    }
    if (zero) {
        check_bytes(b->p, size, 0);
    } else if (conf.zero) {
        check_bytes(b->p, b->usable, 0);
    }
    b->key = stress_random(&w->random);
    w->nrequests++;
    block_mark(b);
}

static void
op_malloc(worker_t *w, block_t *b)
{
    size_t size = random_size(&w->random);
    b->p = jea_malloc(size);
    block_born(w, b, size, 0, false);
}

static void
op_calloc(worker_t *w, block_t *b)
{
    size_t size = random_size(&w->random);
    size_t count = 1 + stress_below(&w->random, 4);
    b->p = jea_calloc(count, size / count);
    block_born(w, b, size / count * count, 0, true);
}

static void
op_aligned(worker_t *w, block_t *b)
{
    size_t size = random_size(&w->random);
    size_t alignment = (size_t)8 << stress_below(&w->random, 14);
    if (stress_below(&w->random, 200) == 0) {
        alignment = (size_t)1 << (20 + stress_below(&w->random, 6));
    }
    switch (stress_below(&w->random, 4)) {
    case 0: {
        void *p = NULL;
        stress_check_eq(jea_posix_memalign(&p, alignment, size), 0);
        b->p = p;
        break;
    }
    case 1:
        b->p = jea_aligned_alloc(alignment, size);
        break;
    case 2:
        b->p = jea_memalign(alignment, size);
        break;
    default:
        alignment = OS_PAGE;
        b->p = jea_valloc(size);
        break;
    }
    block_born(w, b, size, alignment, false);
}

static void
op_realloc(worker_t *w, block_t *b)
{
    size_t size = 1 + random_size(&w->random);
    block_t old = *b;
    block_check(b, b->usable);
    b->p = stress_below(&w->random, 2) ? jea_realloc(old.p, size)
                                       : jea_reallocarray(old.p, 1, size);
    stress_check(b->p != NULL);
    b->usable = jea_malloc_usable_size(b->p);
    stress_check(b->usable >= size);
    w->nrequests += b->p != old.p || b->usable != old.usable;
    block_t content = old;
    content.p = b->p;
    size_t keep = old.usable < size ? old.usable : size;
    block_check(&content, keep);
    if (conf.zero && b->usable > old.usable) {
        check_bytes(b->p + old.usable, b->usable - old.usable, 0);
    }
    b->size = size;
    b->alignment = 0;
    block_mark(b);
}

static void
op_resize_in_place(worker_t *w, block_t *b)
{
    size_t size = 1 + random_size(&w->random);
    block_t old = *b;
    size_t usable =
        je_resize_in_place(b->p, size, stress_below(&w->random, 100000), false);
    stress_check_eq(usable, jea_malloc_usable_size(b->p));
    w->nrequests += usable != old.usable;
    block_check(&old, usable < old.usable ? usable : old.usable);
    if (usable != old.usable) {
        b->usable = usable;
        b->size = usable;
        b->alignment = 0;
    }
    block_mark(b);
}

static void
op_free(worker_t *w, block_t *b)
{
    int saved = errno = (int)stress_below(&w->random, 100);
    block_check(b, b->usable);
    switch (stress_below(&w->random, 3)) {
    case 0:
        if (b->alignment != 0) {
            jea_free_aligned_sized(b->p, b->alignment, b->size);
        } else {
            jea_free_sized(b->p, b->size);
        }
        break;
    case 1:
        je_free(b->p, true);
        break;
    default:
        jea_free(b->p);
        break;
    }
    stress_check_eq(errno, saved);
    b->p = NULL;
}

/* Hand the block to another thread, which keeps or frees it. */
static void
op_send(worker_t *w, block_t *b)
{
    worker_t *to = &workers[stress_below(&w->random, nworkers)];
    (void)pthread_mutex_lock(&to->mtx);
    if (to->nmail < MAIL_MAX) {
        to->mail[to->nmail++] = *b;
        b->p = NULL;
    }
    (void)pthread_mutex_unlock(&to->mtx);
}

static void
op_receive(worker_t *w, block_t *b)
{
    block_t got = {.p = NULL};
    (void)pthread_mutex_lock(&w->mtx);
    if (w->nmail > 0) {
        got = w->mail[--w->nmail];
    }
    (void)pthread_mutex_unlock(&w->mtx);
    if (got.p != NULL) {
        block_check(&got, got.usable);
        *b = got;
    }
}

/* A thread that lives for a moment and leaves its blocks behind. */
typedef struct visitor {
    worker_t w;
    block_t *into;
} visitor_t;

static void *
visitor_run(void *arg)
{
    visitor_t *v = arg;
    for (unsigned i = 0; i < VISITORS; i++) {
        op_malloc(&v->w, &v->into[i]);
        if (i % 3 != 0) {
            op_free(&v->w, &v->into[i]);
        }
    }
    return NULL;
}

static void
op_visitor(worker_t *w)
{
    visitor_t *v = calloc(1, sizeof(*v));
    block_t blocks[VISITORS] = {{.p = NULL}};
    pthread_t t;
    stress_check(v != NULL);
    v->w.random = stress_random(&w->random);
    v->into = blocks;
    if (pthread_create(&t, NULL, visitor_run, v) == 0) {
        (void)pthread_join(t, NULL);
    }
    for (unsigned i = 0; i < VISITORS; i++) {
        if (blocks[i].p != NULL) {
            op_free(w, &blocks[i]);
        }
    }
    w->nrequests += v->w.nrequests;
    free(v);
}

/* What no program does often, but may. */
static void
op_rare(worker_t *w)
{
    arena_t *arena =
        arena_get((unsigned)stress_below(&w->random, arena_count()));
    switch (stress_below(&w->random, 8)) {
    case 0:
        if (arena != NULL) {
            arena_purge(arena);
        }
        break;
    case 1:
    case 2:
        if (arena != NULL) {
            arena_decay(arena,
                        os_clock_ns() + stress_below(&w->random, 20000000000));
        }
        break;
    case 3:
        tcache_flush(tsd_get());
        break;
    case 4:
        tcache_set_enabled(tsd_get(), stress_below(&w->random, 3) != 0);
        break;
    case 5:
        if (arena != NULL) {
            int64_t ms = (int64_t)stress_below(&w->random, 4) * 500 - 1;
            (void)arena_set_decay_ms(
                arena, stress_below(&w->random, 2) ? PAC_DIRTY : PAC_MUZZY,
                ms < 0 ? 0 : ms);
        }
        break;
    case 6:
        (void)arena_reclaim_address_space(arena);
        break;
    default:
        op_visitor(w);
        break;
    }
}

static void
step(worker_t *w)
{
    block_t *b = &w->slots[stress_below(&w->random, SLOTS)];
    uint64_t op = stress_below(&w->random, 1000);
    if (op == 0) {
        op_rare(w);
    } else if (b->p == NULL) {
        if (op < 500) {
            op_malloc(w, b);
        } else if (op < 700) {
            op_calloc(w, b);
        } else if (op < 850) {
            op_aligned(w, b);
        } else {
            op_receive(w, b);
        }
    } else if (op < 500) {
        op_free(w, b);
    } else if (op < 750) {
        op_realloc(w, b);
    } else if (op < 850) {
        op_resize_in_place(w, b);
    } else {
        op_send(w, b);
    }
}

static void *
worker_run(void *arg)
{
    worker_t *w = arg;
    for (unsigned i = 0; i < w->ops; i++) {
        step(w);
    }
    return NULL;
}

/* ---- at rest ----------------------------------------------------------- */

static int
by_address(const void *a, const void *b)
{
    const block_t *x = a, *y = b;
    return x->p < y->p ? -1 : x->p > y->p;
}

static size_t
collect(block_t *out)
{
    size_t n = 0;
    for (unsigned i = 0; i < nworkers; i++) {
        worker_t *w = &workers[i];
        for (unsigned k = 0; k < SLOTS; k++) {
            if (w->slots[k].p != NULL) {
                out[n++] = w->slots[k];
            }
        }
        memcpy(out + n, w->mail, w->nmail * sizeof(block_t));
        n += w->nmail;
    }
    return n;
}

/* Bytes that threads took less what they gave back. */
static uint64_t
balance_of_threads(void)
{
    list_t *head = tsd_list_lock();
    uint64_t sum = tsd_past.bytes.allocated - tsd_past.bytes.deallocated;
    for (list_t *l = head->next; l != head; l = l->next) {
        tsd_bytes_t bytes = tsd_bytes(list_entry(l, tsd_t, link));
        sum += bytes.allocated - bytes.deallocated;
    }
    tsd_list_unlock();
    return sum;
}

static void
check_at_rest(void)
{
    block_t *all = malloc(nworkers * (SLOTS + MAIL_MAX) * sizeof(*all));
    stress_check(all != NULL);
    size_t n = collect(all);
    qsort(all, n, sizeof(*all), by_address);
    uint64_t bytes = 0, requests = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += all[i].usable;
        block_check(&all[i], all[i].usable);
        if (i > 0 && all[i - 1].p + all[i - 1].usable > all[i].p) {
            stress_fail(__FILE__, __LINE__, "%p of %zu bytes overlaps %p",
                        (void *)all[i - 1].p, all[i - 1].usable,
                        (void *)all[i].p);
        }
    }
    for (unsigned i = 0; i < nworkers; i++) {
        requests += workers[i].nrequests;
    }
    free(all);
    stress_totals_t t = stress_sum();
    stress_check_eq(t.live_objects, n);
    stress_check_eq(t.live_bytes, bytes);
    stress_check_eq(t.nrequests, requests);
    stress_check_eq(t.active_bytes, t.expected_bytes);
    stress_check_eq(balance_of_threads(), bytes);
}

static void
round_run(uint64_t seed, unsigned ops)
{
    pthread_t t[THREADS_MAX];
    for (unsigned i = 0; i < nworkers; i++) {
        workers[i].random = seed * 1000003 + i;
        workers[i].ops = ops;
        stress_check_eq(pthread_create(&t[i], NULL, worker_run, &workers[i]),
                        0);
    }
    for (unsigned i = 0; i < nworkers; i++) {
        (void)pthread_join(t[i], NULL);
    }
    check_at_rest();
}

static void
free_all(void)
{
    for (unsigned i = 0; i < nworkers; i++) {
        worker_t *w = &workers[i];
        for (unsigned k = 0; k < SLOTS; k++) {
            if (w->slots[k].p != NULL) {
                op_free(w, &w->slots[k]);
            }
        }
        while (w->nmail > 0) {
            op_free(w, &w->mail[--w->nmail]);
        }
    }
    check_at_rest();
    stress_totals_t t = stress_sum();
    stress_check_eq(t.live_bytes, 0);
}

static uint64_t
option(int argc, char **argv, const char *name, uint64_t fallback)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return strtoull(argv[i + 1], NULL, 0);
        }
    }
    return fallback;
}

int
main(int argc, char **argv)
{
    uint64_t seconds = option(argc, argv, "--seconds", 3);
    uint64_t seed = option(argc, argv, "--seed", 20260101);
    unsigned ops = (unsigned)option(argc, argv, "--ops", 6000);
    nworkers = (unsigned)option(argc, argv, "--threads", 4);
    nworkers = nworkers < THREADS_MAX ? nworkers : THREADS_MAX;
    printf("# --seed %llu --threads %u --ops %u\n", (unsigned long long)seed,
           nworkers, ops);
    for (unsigned i = 0; i < nworkers; i++) {
        (void)pthread_mutex_init(&workers[i].mtx, NULL);
    }
    stress_check(je_boot());
    uint64_t end = os_clock_ns() + seconds * 1000000000u;
    uint64_t rounds = 0;
    do {
        round_run(seed + rounds, ops);
        rounds++;
    } while (os_clock_ns() < end);
    stress_ok("%llu rounds: blocks and counters match the shadow",
              (unsigned long long)rounds);
    free_all();
    stress_ok("everything freed: the counters are zero");
    return stress_done();
}
