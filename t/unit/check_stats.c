/*
 * alloc/stats*.c: figures against a count that the test keeps by itself, the
 * identities between them, and the two printed forms.
 *
 * The allocator under test has names of its own, so that all of its objects
 * are the test's.
 */
#include "alloc/stats.h"

#include <jansson.h>
#include <pthread.h>
#include <string.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/ctl.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/malloc_fast.h"
#include "alloc/meta.h"
#include "alloc/prof_recent.h"
#include "alloc/prof_table.h"
#include "alloc/tcaches.h"
#include "t/util.h"

enum { LIVE_MAX = 6000, OPERATIONS = 40000 };

static void
setup(void)
{
    ck_assert(je_boot());
}

/* ---- a count of one's own ---------------------------------------------- */

typedef struct tally {
    size_t bytes;
    size_t live[SZ_NCLASSES];
    uint64_t requests[SZ_NCLASSES];
} tally_t;

/* Four classes per doubling, found by search: not the allocator's way. */
static unsigned
class_of(size_t size)
{
    unsigned i = 0;
    while (sz_size_compute(i) < size) {
        i++;
    }
    return i;
}

typedef struct worker {
    uint64_t seed;
    unsigned operations;
    size_t live;

    struct object {
        void *p;
        unsigned class;
    } objects[LIVE_MAX];

    tally_t tally;
} worker_t;

/* Mostly small, sometimes large, seldom huge. */
static size_t
random_size(uint64_t *seed)
{
    uint64_t r = util_random_below(seed, 1000);
    size_t most = r < 900 ? 1024 : r < 990 ? 40000 : 2000000;
    return 1 + util_random_below(seed, most);
}

static void
work_alloc(worker_t *w)
{
    size_t size = random_size(&w->seed);
    unsigned class = class_of(size);
    void *p = util_random_below(&w->seed, 3) == 0
                  ? je_alloc(size, &(alloc_how_t){.zero = true})
                  : malloc_fast(size);
    ck_assert_ptr_nonnull(p);
    w->objects[w->live++] = (struct object){p, class};
    w->tally.bytes += sz_size_compute(class);
    w->tally.live[class]++;
    w->tally.requests[class]++;
}

static void
work_free(worker_t *w)
{
    size_t i = util_random_below(&w->seed, w->live);
    struct object o = w->objects[i];
    w->objects[i] = w->objects[--w->live];
    w->tally.bytes -= sz_size_compute(o.class);
    w->tally.live[o.class]--;
    free_fast(o.p);
}

/* To any other class: a request, even where the object stays in its place. */
static void
work_resize(worker_t *w)
{
    size_t i = util_random_below(&w->seed, w->live);
    size_t size = random_size(&w->seed);
    struct object *o = &w->objects[i];
    unsigned class = class_of(size);
    o->p = je_realloc(o->p, size, &(alloc_how_t){.zero = false});
    ck_assert_ptr_nonnull(o->p);
    if (class != o->class) {
        w->tally.bytes += sz_size_compute(class);
        w->tally.bytes -= sz_size_compute(o->class);
        w->tally.live[class]++;
        w->tally.live[o->class]--;
        w->tally.requests[class]++;
        o->class = class;
    }
}

static void *
work(void *arg)
{
    worker_t *w = arg;
    for (unsigned i = 0; i < w->operations; i++) {
        /* the wave makes many slabs and then half empties them */
        unsigned bias = i / 5000 % 2 == 0 ? 60 : 40;
        bool grow = util_random_below(&w->seed, 100) < bias;
        if ((grow && w->live < LIVE_MAX) || w->live == 0) {
            work_alloc(w);
        } else if (util_random_below(&w->seed, 8) == 0) {
            work_resize(w);
        } else {
            work_free(w);
        }
    }
    (void)je_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    return NULL;
}

static void
work_end(worker_t *w)
{
    while (w->live > 0) {
        work_free(w);
    }
}

static void
tally_add(tally_t *sum, const tally_t *t)
{
    sum->bytes += t->bytes;
    for (unsigned i = 0; i < SZ_NCLASSES; i++) {
        sum->live[i] += t->live[i];
        sum->requests[i] += t->requests[i];
    }
}

/* ---- identities -------------------------------------------------------- */

static void
check_arena_identities(const stats_arena_t *a)
{
    size_t holes = 0, slabs = 0, large = 0, nfree = 0, dirty = 0, retained = 0;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        const stats_bin_t *b = &a->bins[i];
        size_t regions = b->curslabs * bin_infos[i].nregs;
        ck_assert_uint_le(b->curregs, regions);
        ck_assert_uint_eq(b->curregs, b->nmalloc - b->ndalloc);
        ck_assert_uint_le(b->nonfull_slabs, b->curslabs);
        ck_assert_uint_le(b->curslabs, b->nslabs);
        holes += (regions - b->curregs) * bin_infos[i].size;
        slabs += b->curslabs * bin_infos[i].slab_size;
    }
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        large += a->lextents[i].curlextents * sz_size_compute(SC_NBINS + i);
    }
    for (unsigned i = 0; i < SZ_NPSIZES; i++) {
        nfree += a->extents[i].ndirty;
        dirty += a->extents[i].dirty_bytes;
        retained += a->extents[i].retained_bytes;
    }
    size_t active = a->pactive << OS_LG_PAGE;
    size_t allocated = a->small.allocated + a->large.allocated;
    size_t base = (a->base + OS_PAGE - 1) / OS_PAGE * OS_PAGE;
    ck_assert_uint_eq(active - allocated, holes);
    ck_assert_uint_eq(active, slabs + large);
    ck_assert_uint_eq(a->large.allocated, large);
    ck_assert_uint_eq(a->resident - active, (a->pdirty << OS_LG_PAGE) + base);
    ck_assert_uint_eq(dirty, a->pdirty << OS_LG_PAGE);
    ck_assert_uint_eq(retained, a->retained);
    ck_assert_uint_eq(dirty > 0, nfree > 0);
    ck_assert_uint_le(a->base, a->base_mapped);
}

static void
check_snapshot(const stats_t *s, const tally_t *t)
{
    ck_assert(s->is_complete);
    ck_assert_uint_eq(s->merged.tcache_bytes, 0);
    ck_assert_uint_eq(s->allocated, t->bytes);
    size_t allocated = 0, active = 0, resident = 0, mapped = 0;
    for (unsigned i = 0; i < s->narenas; i++) {
        const stats_arena_t *a = stats_arena(s, i);
        if (a != NULL) {
            check_arena_identities(a);
            allocated += a->small.allocated + a->large.allocated;
            active += a->pactive << OS_LG_PAGE;
            resident += a->resident;
            mapped += a->mapped;
        }
    }
    check_arena_identities(&s->merged);
    ck_assert_uint_eq(s->allocated, allocated);
    ck_assert_uint_eq(s->active, active);
    ck_assert_uint_eq(s->resident, resident);
    ck_assert_uint_eq(s->mapped, mapped);
    ck_assert_uint_le(s->allocated, s->active);
    ck_assert_uint_le(s->active, s->resident);
    ck_assert_uint_le(s->resident, s->mapped);
    for (unsigned i = 0; i < SC_NBINS; i++) {
        ck_assert_uint_eq(s->merged.bins[i].curregs, t->live[i]);
        ck_assert_uint_eq(s->merged.bins[i].nrequests, t->requests[i]);
    }
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        unsigned class = SC_NBINS + i;
        ck_assert_uint_eq(s->merged.lextents[i].curlextents, t->live[class]);
        ck_assert_uint_eq(s->merged.lextents[i].nrequests, t->requests[class]);
    }
}

static stats_t *
snapshot(void)
{
    stats_t *s = ctl_refresh_and_hold();
    ck_assert_ptr_nonnull(s);
    return s;
}

static worker_t workers[4];

START_TEST(test_stats_equal_an_independent_count_and_the_identities_hold)
{
    worker_t *w = &workers[0];
    *w = (worker_t){.seed = util_seed() + (unsigned)_i,
                    .operations = OPERATIONS};
    work(w);
    stats_t *s = snapshot();
    check_snapshot(s, &w->tally);
    ck_assert_uint_eq(s->merged.nthreads, 1);
    stats_release(s);
    work_end(w);
    (void)je_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    s = snapshot();
    check_snapshot(s, &w->tally);
    ck_assert_uint_eq(s->allocated, 0);
    stats_release(s);
}

END_TEST

START_TEST(test_stats_of_many_threads_add_up_to_the_byte)
{
    pthread_t threads[JE_ARRAY_LEN(workers)];
    uint64_t seed = util_seed();
    tally_t sum = {.bytes = 0};
    for (unsigned i = 0; i < JE_ARRAY_LEN(workers); i++) {
        workers[i] = (worker_t){.seed = seed + i, .operations = OPERATIONS};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]),
                         0);
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(workers); i++) {
        pthread_join(threads[i], NULL);
        tally_add(&sum, &workers[i].tally);
    }
    stats_t *s = snapshot();
    check_snapshot(s, &sum);
    stats_release(s);
    /* frees by another thread than the one that allocated */
    sum = (tally_t){.bytes = 0};
    for (unsigned i = 0; i < JE_ARRAY_LEN(workers); i++) {
        work_end(&workers[i]);
        tally_add(&sum, &workers[i].tally);
    }
    (void)je_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    s = snapshot();
    check_snapshot(s, &sum);
    ck_assert_uint_eq(s->allocated, 0);
    stats_release(s);
}

END_TEST

START_TEST(test_stats_count_what_thread_caches_hold)
{
    void *p[20];
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        p[i] = malloc_fast(100);
    }
    stats_t *s = snapshot();
    size_t before = s->merged.tcache_bytes;
    stats_release(s);
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        free_fast(p[i]);
    }
    s = snapshot();
    ck_assert_uint_eq(s->merged.tcache_bytes - before, 20 * 112);
    ck_assert_uint_eq(s->allocated, s->merged.tcache_bytes);
    stats_release(s);
}

END_TEST

START_TEST(test_stats_count_purged_pages)
{
    arena_t *arena = arena_create();
    extent_t *e = arena_large_alloc(arena, 1 << 20, OS_PAGE, false);
    arena_large_dalloc(e);
    stats_t *s = snapshot();
    const stats_arena_t *a = stats_arena(s, arena->ind);
    ck_assert_uint_eq(a->pactive, 0);
    ck_assert_uint_eq(a->pdirty, 256);
    ck_assert_uint_eq(a->dirty.purged, 0);
    ck_assert_uint_eq(a->extents[sz_pind_floor(256)].ndirty, 1);
    size_t retained = a->retained;
    stats_release(s);
    arena_purge(arena);
    s = snapshot();
    a = stats_arena(s, arena->ind);
    ck_assert_uint_eq(a->pdirty, 0);
    ck_assert_uint_eq(a->dirty.purged, 256);
    ck_assert_uint_eq(a->dirty.npurge, 1);
    ck_assert_uint_eq(a->dirty.nmadvise, 1);
    ck_assert_uint_eq(a->retained, conf.retain ? retained + (1 << 20) : 0);
    stats_release(s);
}

END_TEST

START_TEST(test_stats_count_zero_reallocs)
{
    stats_t *s = snapshot();
    size_t before = s->zero_reallocs;
    stats_release(s);
    stats_count_zero_realloc();
    s = snapshot();
    ck_assert_uint_eq(s->zero_reallocs, before + 1);
    stats_release(s);
}

END_TEST

START_TEST(test_stats_held_snapshot_is_not_overwritten)
{
    stats_t *a = snapshot();
    size_t before = a->allocated;
    void *p = je_alloc(1 << 20, &(alloc_how_t){.cache = ALLOC_CACHE_NONE});
    stats_t *b = snapshot();
    ck_assert_ptr_ne(a, b);
    ck_assert_uint_eq(a->allocated, before);
    ck_assert_uint_eq(b->allocated, before + (1 << 20));
    stats_release(a);
    stats_release(b);
    je_free(p, true);
}

END_TEST

/* ---- printed ----------------------------------------------------------- */

typedef struct text {
    char *at;
    size_t used, size;
} text_t;

static void
gather(void *opaque, const char *piece)
{
    text_t *t = opaque;
    size_t n = strlen(piece);
    if (t->used + n + 1 > t->size) {
        t->size = (t->used + n + 1) * 2;
        t->at = realloc(t->at, t->size);
        ck_assert_ptr_nonnull(t->at);
    }
    memcpy(t->at + t->used, piece, n + 1);
    t->used += n;
}

static char *
printed(const char *opts)
{
    text_t t = {.at = NULL};
    je_stats_print(gather, &t, opts);
    ck_assert_ptr_nonnull(t.at);
    return t.at;
}

static json_t *
parsed(const char *opts)
{
    json_error_t error;
    char *text = printed(opts);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s at byte %d", error.text, error.position);
    free(text);
    return root;
}

/* Members that an object must have, in this order: name and a letter for the
 * type: u number >= 0, i number, b truth value, s string, o object, a array. */
static void
check_members(const json_t *object, const char *what)
{
    char list[4096], *save = NULL;
    json_t *o = (json_t *)(uintptr_t)object;
    void *at = json_object_iter(o);
    ck_assert_msg(json_is_object(object), "%s", what);
    snprintf(list, sizeof(list), "%s", what);
    for (char *w = strtok_r(list, " ", &save); w != NULL;
         w = strtok_r(NULL, " ", &save)) {
        char *type = strchr(w, ':');
        *type++ = '\0';
        ck_assert_msg(at != NULL, "no %s", w);
        ck_assert_str_eq(json_object_iter_key(at), w);
        const json_t *v = json_object_iter_value(at);
        ck_assert_msg((*type == 'u' && json_is_integer(v) &&
                       json_integer_value(v) >= 0) ||
                          (*type == 'i' && json_is_integer(v)) ||
                          (*type == 'b' && json_is_boolean(v)) ||
                          (*type == 's' && json_is_string(v)) ||
                          (*type == 'o' && json_is_object(v)) ||
                          (*type == 'a' && json_is_array(v)),
                      "%s is of another type", w);
        at = json_object_iter_next(o, at);
    }
    ck_assert_msg(at == NULL, "more: %s",
                  at != NULL ? json_object_iter_key(at) : "");
}

static const json_t *
member(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    ck_assert_msg(v != NULL, "no %s", key);
    return v;
}

#define MUTEX_MEMBERS                                                          \
    "num_ops:u num_wait:u num_spin_acq:u num_owner_switch:u "                  \
    "total_wait_time:u max_wait_time:u max_num_thds:u"
#define SUM_MEMBERS                                                            \
    "allocated:u nmalloc:u ndalloc:u nrequests:u nfills:u nflushes:u"

static void
check_each(const json_t *array, size_t n, const char *members)
{
    ck_assert_uint_eq(json_array_size(array), n);
    for (size_t i = 0; i < n; i++) {
        check_members(json_array_get(array, i), members);
    }
}

static void
check_mutexes(const json_t *object, const char *names)
{
    const char *key;
    json_t *v;
    check_members(object, names);
    json_object_foreach((json_t *)(uintptr_t)object, key, v)
    {
        check_members(v, MUTEX_MEMBERS);
    }
}

static void
check_json_arena(const json_t *a)
{
    check_members(
        a, "nthreads:u uptime_ns:u dss:s dirty_decay_ms:i muzzy_decay_ms:i "
           "pactive:u pdirty:u pmuzzy:u dirty_npurge:u dirty_nmadvise:u "
           "dirty_purged:u muzzy_npurge:u muzzy_nmadvise:u muzzy_purged:u "
           "small:o large:o mapped:u retained:u base:u internal:u "
           "metadata_thp:u tcache_bytes:u tcache_stashed_bytes:u resident:u "
           "abandoned_vm:u extent_avail:u mutexes:o bins:a lextents:a "
           "extents:a sec_bytes:u hpa_shard:o");
    check_members(member(a, "small"), SUM_MEMBERS);
    check_members(member(a, "large"), SUM_MEMBERS);
    check_mutexes(member(a, "mutexes"),
                  "large:o extent_avail:o extents_dirty:o extents_muzzy:o "
                  "extents_retained:o decay_dirty:o decay_muzzy:o base:o "
                  "tcache_list:o hpa_shard:o hpa_shard_grow:o hpa_sec:o");
    check_each(member(a, "bins"), SC_NBINS,
               "nmalloc:u ndalloc:u curregs:u nrequests:u nfills:u nflushes:u "
               "nreslabs:u curslabs:u nonfull_slabs:u mutex:o");
    check_members(member(json_array_get(member(a, "bins"), 0), "mutex"),
                  MUTEX_MEMBERS);
    check_each(member(a, "lextents"), SZ_NLARGE, "curlextents:u");
    check_each(member(a, "extents"), SZ_NPSIZES,
               "ndirty:u nmuzzy:u nretained:u dirty_bytes:u muzzy_bytes:u "
               "retained_bytes:u");
    check_members(member(a, "hpa_shard"),
                  "npurge_passes:u npurges:u nhugifies:u ndehugifies:u "
                  "full_slabs:o empty_slabs:o nonfull_slabs:a");
    check_each(member(member(a, "hpa_shard"), "nonfull_slabs"), 64,
               "npageslabs_huge:u nactive_huge:u ndirty_huge:u "
               "npageslabs_nonhuge:u nactive_nonhuge:u ndirty_nonhuge:u");
}

static void
check_json_settings(const json_t *j)
{
    check_members(member(j, "config"),
                  "cache_oblivious:b debug:b fill:b lazy_lock:b malloc_conf:s "
                  "opt_safety_checks:b prof:b prof_libgcc:b prof_libunwind:b "
                  "stats:b utrace:b xmalloc:b");
    check_members(
        member(j, "opt"),
        "abort:b abort_conf:b cache_oblivious:b confirm_conf:b retain:b dss:s "
        "narenas:u percpu_arena:s oversize_threshold:u hpa:b "
        "hpa_slab_max_alloc:u hpa_hugification_threshold:u "
        "hpa_hugify_delay_ms:u hpa_min_purge_interval_ms:u hpa_dirty_mult:s "
        "hpa_sec_nshards:u hpa_sec_max_alloc:u hpa_sec_max_bytes:u "
        "hpa_sec_bytes_after_flush:u hpa_sec_batch_fill_extra:u "
        "metadata_thp:s mutex_max_spin:i background_thread:b "
        "dirty_decay_ms:i muzzy_decay_ms:i lg_extent_max_active_fit:u junk:s "
        "zero:b experimental_infallible_new:b tcache:b tcache_max:u "
        "tcache_nslots_small_min:u tcache_nslots_small_max:u "
        "tcache_nslots_large:u lg_tcache_nslots_mul:i tcache_gc_incr_bytes:u "
        "tcache_gc_delay_bytes:u lg_tcache_flush_small_div:u "
        "lg_tcache_flush_large_div:u thp:s prof:b prof_prefix:s "
        "prof_active:b prof_thread_active_init:b lg_prof_sample:u "
        "prof_accum:b lg_prof_interval:i prof_gdump:b prof_final:b "
        "prof_leak:b prof_leak_error:b stats_print:b stats_print_opts:s "
        "stats_interval:i stats_interval_opts:s zero_realloc:s");
    check_members(member(j, "prof"), "thread_active_init:b active:b gdump:b "
                                     "interval:u lg_sample:u");
    const json_t *classes = member(j, "arenas");
    check_members(classes, "narenas:u dirty_decay_ms:i muzzy_decay_ms:i "
                           "quantum:u page:u tcache_max:u nbins:u nhbins:u "
                           "bin:a nlextents:u lextent:a");
    check_each(member(classes, "bin"), SC_NBINS,
               "size:u nregs:u slab_size:u nshards:u");
    check_each(member(classes, "lextent"), SZ_NLARGE, "size:u");
}

START_TEST(test_stats_json_has_every_member_of_5_3_0)
{
    arena_t *second = arena_create();
    void *p = je_alloc(100, &(alloc_how_t){.arena = second});
    json_t *root = parsed("J");
    check_members(root, "jemalloc:o");
    const json_t *j = member(root, "jemalloc");
    check_members(j, "version:s config:o opt:o prof:o arenas:o stats:o "
                     "stats.arenas:o");
    check_json_settings(j);
    const json_t *stats = member(j, "stats");
    check_members(stats, "allocated:u active:u metadata:u metadata_thp:u "
                         "resident:u mapped:u retained:u zero_reallocs:u "
                         "background_thread:o mutexes:o");
    check_members(member(stats, "background_thread"),
                  "num_threads:u num_runs:u run_interval:u");
    check_mutexes(member(stats, "mutexes"),
                  "background_thread:o max_per_bg_thd:o ctl:o prof:o "
                  "prof_thds_data:o prof_dump:o prof_recent_alloc:o "
                  "prof_recent_dump:o prof_stats:o");
    const json_t *each = member(j, "stats.arenas");
    check_json_arena(member(each, "merged"));
    check_json_arena(member(each, "0"));
    ck_assert_uint_ge(json_object_size(each), 3);
    ck_assert_str_eq(json_string_value(member(member(each, "merged"), "dss")),
                     "N/A");
    json_decref(root);
    je_free(p, true);
}

END_TEST

static const struct letter {
    char letter;
    const char *path; /* of the member that goes, from "jemalloc" */
} letters[] = {
    {'g', "opt"},
    {'g', "config"},
    {'g', "arenas"},
    {'g', "version"},
    {'m', "stats.arenas/merged"},
    {'a', "stats.arenas/0"},
    {'b', "stats.arenas/merged/bins"},
    {'l', "stats.arenas/merged/lextents"},
    {'x', "stats.arenas/merged/mutexes"},
    {'x', "stats/mutexes"},
    {'e', "stats.arenas/merged/extents"},
    {'h', "stats.arenas/merged/hpa_shard"},
    {'h', "stats.arenas/merged/sec_bytes"},
};

static bool
has_path(const json_t *root, const char *path)
{
    char copy[128], *save = NULL;
    const json_t *at = json_object_get(root, "jemalloc");
    snprintf(copy, sizeof(copy), "%s", path);
    for (char *w = strtok_r(copy, "/", &save); w != NULL && at != NULL;
         w = strtok_r(NULL, "/", &save)) {
        at = json_object_get(at, w);
    }
    return at != NULL;
}

START_TEST(test_stats_letter_leaves_its_part_out_and_no_other)
{
    (void)arena_create();
    for (unsigned k = 0; k < JE_ARRAY_LEN(letters); k++) {
        char opts[] = {'J', letters[_i].letter, '\0'};
        json_t *root = parsed(opts);
        const char *gone = letters[_i].path;
        bool is_gone = letters[k].letter == letters[_i].letter ||
                       strncmp(letters[k].path, gone, strlen(gone)) == 0;
        ck_assert_msg(has_path(root, letters[k].path) != is_gone, "%s %s", opts,
                      letters[k].path);
        json_decref(root);
    }
    json_t *root = parsed("Jgmdablxeh");
    ck_assert(!has_path(root, "stats.arenas"));
    ck_assert(has_path(root, "stats/allocated"));
    json_decref(root);
}

END_TEST

/* ---- text read back ---------------------------------------------------- */

static uint64_t
number_after(const char *text, const char *label)
{
    const char *at = strstr(text, label);
    ck_assert_msg(at != NULL, "no %s", label);
    return strtoull(at + strlen(label), NULL, 10);
}

static uint64_t
number_at(const json_t *j, const char *a, const char *b)
{
    return (uint64_t)json_integer_value(member(member(j, a), b));
}

/* Words of a line; "(#/sec)" stays a column. */
static unsigned
split(char *line, char **words, unsigned most)
{
    unsigned n = 0;
    char *save = NULL;
    for (char *w = strtok_r(line, " ", &save); w != NULL && n < most;
         w = strtok_r(NULL, " ", &save)) {
        words[n++] = w;
    }
    return n;
}

enum { COLUMNS_MAX = 64 };

typedef struct table {
    const char *name;   /* heading in text */
    const char *array;  /* member in JSON */
    unsigned first_ind; /* index of the array's first element */
} table_t;

static const table_t tables[] = {
    {"bins:", "bins", 0},
    {"large:          size", "lextents", SC_NBINS},
    {"extents:", "extents", 0},
};

/* A column's member in JSON; text shortens some. */
static const char *
member_of(const char *column)
{
    static const char *const names[][2] = {
        {"dirty", "dirty_bytes"},
        {"muzzy", "muzzy_bytes"},
        {"retained", "retained_bytes"},
    };
    for (unsigned i = 0; i < JE_ARRAY_LEN(names); i++) {
        if (strcmp(column, names[i][0]) == 0) {
            return names[i][1];
        }
    }
    return column;
}

/* Compare one table of the text with the array. Returns rows compared. */
static unsigned
compare_table(const char *text, const json_t *arena, const table_t *t)
{
    char *copy = strdup(strstr(text, t->name)), *save = NULL;
    char *heads[COLUMNS_MAX], *cells[COLUMNS_MAX];
    unsigned nheads = split(strtok_r(copy, "\n", &save), heads, COLUMNS_MAX);
    const json_t *array = member(arena, t->array);
    unsigned rows = 0, compared = 0;
    for (char *line = strtok_r(NULL, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        unsigned n = split(line, cells, COLUMNS_MAX);
        if (n == 1 && strcmp(cells[0], "---") == 0) {
            continue;
        }
        if (n == 0 || cells[0][0] < '0' || cells[0][0] > '9') {
            break;
        }
        ck_assert_uint_eq(n, nheads - 1);
        unsigned ind = (unsigned)strtoul(cells[1], NULL, 10);
        const json_t *element = json_array_get(array, ind - t->first_ind);
        for (unsigned c = 2; c < n; c++) {
            const json_t *v = json_object_get(element, member_of(heads[c + 1]));
            if (v != NULL) {
                ck_assert_uint_eq(strtoull(cells[c], NULL, 10),
                                  (uint64_t)json_integer_value(v));
                compared++;
            }
        }
        rows++;
    }
    free(copy);
    ck_assert_uint_ge(compared, rows);
    return rows;
}

static void
compare_arena(const char *text, const json_t *arena)
{
    static const char *const lines[] = {
        "mapped",       "retained",     "base",     "internal",
        "metadata_thp", "tcache_bytes", "resident", "tcache_stashed_bytes",
        "abandoned_vm", "extent_avail",
    };
    for (unsigned i = 0; i < JE_ARRAY_LEN(lines); i++) {
        char label[64];
        snprintf(label, sizeof(label), "\n%s:", lines[i]);
        ck_assert_uint_eq(
            number_after(text, label),
            (uint64_t)json_integer_value(member(arena, lines[i])));
    }
    ck_assert_uint_eq(number_after(text, "\nactive:"),
                      (uint64_t)json_integer_value(member(arena, "pactive"))
                          << OS_LG_PAGE);
    ck_assert_uint_eq(number_after(text, "\nsmall:"),
                      number_at(arena, "small", "allocated"));
    ck_assert_uint_eq(number_after(text, "\nlarge:"),
                      number_at(arena, "large", "allocated"));
    ck_assert_uint_eq(number_after(text, "\ntotal:"),
                      number_at(arena, "small", "allocated") +
                          number_at(arena, "large", "allocated"));
    for (unsigned i = 0; i < JE_ARRAY_LEN(tables); i++) {
        ck_assert_uint_gt(compare_table(text, arena, &tables[i]), 0);
    }
}

START_TEST(test_stats_text_says_what_the_json_says)
{
    worker_t *w = &workers[0];
    *w = (worker_t){.seed = util_seed(), .operations = OPERATIONS};
    (void)arena_create();
    work(w);
    char *text = printed("x");
    json_t *root = parsed("J");
    const json_t *j = member(root, "jemalloc");
    ck_assert_int_eq(
        strncmp(text, "___ Begin jemalloc statistics ___\nVersion: \"5.3.0-0-g",
                53),
        0);
    const char *end = strstr(text, "\n--- End jemalloc statistics ---\n");
    ck_assert_ptr_nonnull(end);
    ck_assert_uint_eq(strlen(end), 33);
    static const char *const totals[][2] = {
        {"\nAllocated: ", "allocated"}, {", active: ", "active"},
        {", metadata: ", "metadata"},   {", resident: ", "resident"},
        {", mapped: ", "mapped"},       {", retained: ", "retained"},
    };
    for (unsigned i = 0; i < JE_ARRAY_LEN(totals); i++) {
        ck_assert_uint_eq(number_after(text, totals[i][0]),
                          number_at(j, "stats", totals[i][1]));
    }
    const json_t *each = member(j, "stats.arenas");
    compare_arena(strstr(text, "\nMerged arenas stats:\n"),
                  member(each, "merged"));
    compare_arena(strstr(text, "\narenas[0]:\n"), member(each, "0"));
    json_decref(root);
    free(text);
    work_end(w);
}

END_TEST

/* ---- manners ----------------------------------------------------------- */

static void
allocating_write(void *opaque, const char *text)
{
    size_t *n = opaque, value, len = sizeof(value);
    void *p = malloc_fast(strlen(text));
    ck_assert_ptr_nonnull(p);
    free_fast(p);
    uint64_t epoch = 1;
    ck_assert_int_eq(je_mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)), 0);
    ck_assert_int_eq(je_mallctl("stats.active", &value, &len, NULL, 0), 0);
    *n += strlen(text);
}

/* Of each lock that is shown: taken so often, counted so often, and nothing
 * after a reset. */
START_TEST(test_stats_count_what_locks_do)
{
    enum { TIMES = 1000, OTHERS = 100 };

    static os_mutex_t *(*const several[])(unsigned) = {meta_mutex,
                                                       prof_table_mutex};
    free_fast(malloc_fast(1));
    os_mutex_t *const locks[] = {
        background_mutex(), ctl_mutex(),   several[0](1),
        several[1](3),      several[1](9), tsd_list_mutex(),
        tcaches_mutex(),    emap_mutex(),  prof_recent_mutex()};
    stats_t *before = snapshot();
    for (unsigned i = 0; i < JE_ARRAY_LEN(locks) * TIMES; i++) {
        os_mutex_lock(locks[i / TIMES]);
        os_mutex_unlock(locks[i / TIMES]);
    }
    stats_t *after = snapshot();

    const struct {
        const stats_mutex_t *before, *after;
        uint64_t times;
    } shown[] = {
        {&before->mutexes[STATS_GLOBAL_MUTEX_background_thread],
         &after->mutexes[STATS_GLOBAL_MUTEX_background_thread], TIMES},
        {&before->mutexes[STATS_GLOBAL_MUTEX_ctl],
         &after->mutexes[STATS_GLOBAL_MUTEX_ctl], TIMES},
        {&before->mutexes[STATS_GLOBAL_MUTEX_prof],
         &after->mutexes[STATS_GLOBAL_MUTEX_prof], 2 * TIMES},
        {&before->mutexes[STATS_GLOBAL_MUTEX_prof_recent_alloc],
         &after->mutexes[STATS_GLOBAL_MUTEX_prof_recent_alloc], TIMES},
        {&stats_arena(before, 0)->mutexes[STATS_MUTEX_base],
         &stats_arena(after, 0)->mutexes[STATS_MUTEX_base], 2 * TIMES},
        {&stats_arena(before, 0)->mutexes[STATS_MUTEX_tcache_list],
         &stats_arena(after, 0)->mutexes[STATS_MUTEX_tcache_list], 2 * TIMES},
    };

    for (unsigned i = 0; i < JE_ARRAY_LEN(shown); i++) {
        uint64_t n = shown[i].after->num_ops - shown[i].before->num_ops;
        ck_assert_uint_ge(n, shown[i].times);
        ck_assert_uint_lt(n, shown[i].times + OTHERS);
    }
    stats_release(before);
    stats_release(after);
    stats_reset_mutexes();
    for (unsigned i = 0; i < JE_ARRAY_LEN(locks); i++) {
        ck_assert_uint_lt(locks[i]->num_ops, OTHERS);
    }
}

END_TEST

/* A cache is given large objects one at a time. */
START_TEST(test_stats_fills_of_large_are_what_arenas_gave)
{
    free_fast(malloc_fast(20480));
    stats_t *before = snapshot();
    for (unsigned i = 0; i < 5; i++) {
        free_fast(malloc_fast(20480)); /* out of the cache and back */
    }
    void *p[3];
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        p[i] = malloc_fast(1 << 20);
    }
    stats_t *after = snapshot();
    ck_assert_uint_eq(after->merged.large.nfills - before->merged.large.nfills,
                      JE_ARRAY_LEN(p));
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        free_fast(p[i]);
    }
    stats_release(before);
    stats_release(after);
}

END_TEST

START_TEST(test_stats_callback_may_allocate_and_ask)
{
    size_t n = 0;
    je_stats_print(allocating_write, &n, "");
    ck_assert_uint_gt(n, 1000);
}

END_TEST

START_TEST(test_stats_nonblocking_does_not_wait_for_a_held_lock)
{
    text_t t = {.at = NULL};
    bool complete = false;
    free_fast(malloc_fast(1));
    ck_assert(je_stats_emit_json(gather, &t, true, &complete));
    ck_assert(complete);
    os_mutex_t *held[] = {&arena_get(0)->bins[3].mtx, &arena_get(0)->pac.mtx};
    for (unsigned i = 0; i < JE_ARRAY_LEN(held); i++) {
        os_mutex_lock(held[i]);
        t.used = 0;
        ck_assert(je_stats_emit_json(gather, &t, true, &complete));
        ck_assert(!complete);
        os_mutex_unlock(held[i]);
    }
    (void)tsd_list_lock();
    t.used = 0;
    ck_assert(je_stats_emit_json(gather, &t, true, &complete));
    ck_assert(!complete);
    tsd_list_unlock();
    json_t *root = json_loads(t.at, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_uint_eq(number_at(root, "stats", "allocated") > 0, 1);
    json_decref(root);
    t.used = 0;
    ck_assert(je_stats_emit_json(gather, &t, true, &complete));
    ck_assert(complete);
    free(t.at);
}

END_TEST

static bool stop;

static void *
churn(void *arg)
{
    worker_t *w = arg;
    while (!atomic_load_rlx(&stop)) {
        work(w);
        work_end(w);
    }
    return NULL;
}

START_TEST(test_stats_under_load_stay_in_bounds)
{
    pthread_t threads[2];
    for (unsigned i = 0; i < JE_ARRAY_LEN(threads); i++) {
        workers[i] = (worker_t){.seed = i, .operations = 5000};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, &workers[i]),
                         0);
    }
    for (unsigned i = 0; i < 200; i++) {
        stats_t *s = snapshot();
        for (unsigned a = 0; a < s->narenas; a++) {
            const stats_arena_t *x = stats_arena(s, a);
            for (unsigned b = 0; x != NULL && b < SC_NBINS; b++) {
                /* under one lock: never out of step */
                ck_assert_uint_le(x->bins[b].curregs,
                                  x->bins[b].curslabs * bin_infos[b].nregs);
            }
            for (unsigned l = 0; x != NULL && l < SZ_NLARGE; l++) {
                ck_assert_uint_le(x->lextents[l].curlextents, 2 * LIVE_MAX);
            }
        }
        stats_release(s);
        if (i % 20 == 0) {
            json_decref(parsed("J"));
        }
    }
    atomic_store_rlx(&stop, true);
    for (unsigned i = 0; i < JE_ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("stats");
    TCase *tc = tcase_create("stats");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(
        tc, test_stats_equal_an_independent_count_and_the_identities_hold, 0,
        4);
    tcase_add_test(tc, test_stats_of_many_threads_add_up_to_the_byte);
    tcase_add_test(tc, test_stats_count_what_thread_caches_hold);
    tcase_add_test(tc, test_stats_count_purged_pages);
    tcase_add_test(tc, test_stats_count_zero_reallocs);
    tcase_add_test(tc, test_stats_held_snapshot_is_not_overwritten);
    tcase_add_test(tc, test_stats_json_has_every_member_of_5_3_0);
    tcase_add_loop_test(tc, test_stats_letter_leaves_its_part_out_and_no_other,
                        0, (int)JE_ARRAY_LEN(letters));
    tcase_add_test(tc, test_stats_text_says_what_the_json_says);
    tcase_add_test(tc, test_stats_count_what_locks_do);
    tcase_add_test(tc, test_stats_fills_of_large_are_what_arenas_gave);
    tcase_add_test(tc, test_stats_callback_may_allocate_and_ask);
    tcase_add_test(tc, test_stats_nonblocking_does_not_wait_for_a_held_lock);
    tcase_add_test(tc, test_stats_under_load_stay_in_bounds);
    suite_add_tcase(s, tc);
    return util_run(s);
}
