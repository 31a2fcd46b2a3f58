/*
 * Printing the figures of one arena: see stats_print.c.
 */
#include "alloc/stats_print.h"

#include <string.h>

#include "base/assert.h"

/* ---- locks ------------------------------------------------------------- */

#define MUTEX_FIELD(key, title, member, kind, width, rate)                     \
    {                                                                          \
        key, title, offsetof(stats_mutex_t, member), kind, width, rate         \
    }

static const emit_column_t mutex_columns[] = {
    MUTEX_FIELD("num_ops", "n_lock_ops", num_ops, EMIT_U64, 16, 8),
    MUTEX_FIELD("num_wait", "n_waiting", num_wait, EMIT_U64, 16, 8),
    MUTEX_FIELD("num_spin_acq", "n_spin_acq", num_spin_acq, EMIT_U64, 16, 8),
    MUTEX_FIELD("num_owner_switch", "n_owner_switch", num_owner_switch,
                EMIT_U64, 16, 8),
    MUTEX_FIELD("total_wait_time", "total_wait_ns", total_wait_time, EMIT_U64,
                16, 10),
    MUTEX_FIELD("max_wait_time", "max_wait_ns", max_wait_time, EMIT_U64, 16, 0),
    MUTEX_FIELD("max_num_thds", "max_n_thds", max_num_thds, EMIT_U32, 12, 0),
};

void
stats_print_mutexes(printer_t *p, const stats_mutex_t *mutexes,
                    const char *const *names, unsigned n, uint64_t uptime_ns)
{
    emit_t *e = &p->emit;
    if (!p->parts.mutexes) {
        return;
    }
    emit_object(e, "mutexes");
    emit_titles(e, "", EMIT_NAME_WIDTH, COLUMNS(mutex_columns));
    emit_row_end(e);
    for (unsigned i = 0; i < n; i++) {
        emit_object(e, names[i]);
        emit_name(e, names[i], EMIT_NAME_WIDTH);
        emit_fields(e, COLUMNS(mutex_columns), &mutexes[i], uptime_ns);
        emit_row_end(e);
        emit_object_end(e);
    }
    emit_object_end(e);
}

/* ---- an arena ---------------------------------------------------------- */

#define ARENA_JSON(key, member, kind)                                          \
    {                                                                          \
        key, NULL, offsetof(stats_arena_t, member), kind, 0, 0                 \
    }

static const emit_column_t arena_members[] = {
    ARENA_JSON("dirty_decay_ms", dirty_decay_ms, EMIT_I64),
    ARENA_JSON("muzzy_decay_ms", muzzy_decay_ms, EMIT_I64),
    ARENA_JSON("pactive", pactive, EMIT_SIZE),
    ARENA_JSON("pdirty", pdirty, EMIT_SIZE),
    ARENA_JSON("pmuzzy", pmuzzy, EMIT_SIZE),
    ARENA_JSON("dirty_npurge", dirty.npurge, EMIT_U64),
    ARENA_JSON("dirty_nmadvise", dirty.nmadvise, EMIT_U64),
    ARENA_JSON("dirty_purged", dirty.purged, EMIT_U64),
    ARENA_JSON("muzzy_npurge", muzzy.npurge, EMIT_U64),
    ARENA_JSON("muzzy_nmadvise", muzzy.nmadvise, EMIT_U64),
    ARENA_JSON("muzzy_purged", muzzy.purged, EMIT_U64),
};

#define DECAY_CELL(title, member, kind, width)                                 \
    {                                                                          \
        NULL, title, offsetof(stats_arena_t, member), kind, width, 0           \
    }
/* A row for dirty pages, one for muzzy ones. */
#define DECAY_ROW(which)                                                       \
    {                                                                          \
        DECAY_CELL("time", which##_decay_ms, EMIT_DECAY_MS, 6),                \
            DECAY_CELL("npages", p##which, EMIT_SIZE, 13),                     \
            DECAY_CELL("sweeps", which.npurge, EMIT_U64, 13),                  \
            DECAY_CELL("madvises", which.nmadvise, EMIT_U64, 13),              \
            DECAY_CELL("purged", which.purged, EMIT_U64, 13),                  \
    }

static const emit_column_t dirty_row[] = DECAY_ROW(dirty);
static const emit_column_t muzzy_row[] = DECAY_ROW(muzzy);

static void
print_decay(printer_t *p, const stats_arena_t *a)
{
    emit_t *e = &p->emit;
    emit_fields(e, COLUMNS(arena_members), a, 0);
    emit_titles(e, "decaying:", 9, COLUMNS(dirty_row));
    emit_row_end(e);
    emit_name(e, "   dirty:", 9);
    emit_fields(e, COLUMNS(dirty_row), a, 0);
    emit_row_end(e);
    emit_name(e, "   muzzy:", 9);
    emit_fields(e, COLUMNS(muzzy_row), a, 0);
    emit_row_end(e);
}

#define SUM_FIELD(key, title, member, rate)                                    \
    {                                                                          \
        key, title, offsetof(stats_sum_t, member), EMIT_U64, 16, rate          \
    }

static const emit_column_t sum_columns[] = {
    SUM_FIELD("allocated", "allocated", allocated, 0),
    SUM_FIELD("nmalloc", "nmalloc", nmalloc, 10),
    SUM_FIELD("ndalloc", "ndalloc", ndalloc, 10),
    SUM_FIELD("nrequests", "nrequests", nrequests, 10),
    SUM_FIELD("nfills", "nfill", nfills, 10),
    SUM_FIELD("nflushes", "nflush", nflushes, 10),
};

static void
print_sum(printer_t *p, const char *key, const char *name,
          const stats_sum_t *sum, uint64_t uptime_ns)
{
    emit_t *e = &p->emit;
    emit_object(e, key);
    emit_name(e, name, EMIT_NAME_WIDTH);
    emit_fields(e, COLUMNS(sum_columns), sum, uptime_ns);
    emit_row_end(e);
    emit_object_end(e);
}

static void
print_sums(printer_t *p, const stats_arena_t *a)
{
    emit_t *e = &p->emit;
    emit_titles(e, "", EMIT_NAME_WIDTH, COLUMNS(sum_columns));
    emit_row_end(e);
    print_sum(p, "small", "small:", &a->small, a->uptime_ns);
    print_sum(p, "large", "large:", &a->large, a->uptime_ns);
    if (!p->parts.json) {
        stats_sum_t total = a->small;
        total.allocated += a->large.allocated;
        total.nmalloc += a->large.nmalloc;
        total.ndalloc += a->large.ndalloc;
        total.nrequests += a->large.nrequests;
        total.nfills += a->large.nfills;
        total.nflushes += a->large.nflushes;
        print_sum(p, NULL, "total:", &total, a->uptime_ns);
    }
}

#define ARENA_LINE(name, member)                                               \
    {                                                                          \
#        name, #        name, offsetof(stats_arena_t, member), EMIT_SIZE, 0, 0 \
    }

static const emit_column_t arena_lines[] = {
    ARENA_LINE(mapped, mapped),
    ARENA_LINE(retained, retained),
    ARENA_LINE(base, base),
    ARENA_LINE(internal, internal),
    ARENA_LINE(metadata_thp, metadata_thp),
    ARENA_LINE(tcache_bytes, tcache_bytes),
    ARENA_LINE(tcache_stashed_bytes, tcache_stashed_bytes),
    ARENA_LINE(resident, resident),
    ARENA_LINE(abandoned_vm, abandoned_vm),
    ARENA_LINE(extent_avail, extent_avail),
};

/* What jemalloc has no such thing of; left out where there is nothing. */
static const emit_column_t gaps_line[] = {
    ARENA_LINE(slab_gaps, slab_gaps),
};

static const emit_column_t active_line[] = {
    {NULL, "active", 0, EMIT_SIZE, 0, 0},
};

/* ---- tables of classes ------------------------------------------------- */

enum { GAP_WIDTH = 21, CLASS_WIDTH = 20, UTIL_BYTES = 8 };

/* A row of a table of classes and what is computed for it. */
typedef struct class_row {
    size_t size;
    size_t allocated;
    size_t ntotal, total;
    uint32_t ind;
    uint32_t nshards, regs, pgs;
    const char *util;

    union {
        stats_bin_t bin;
        stats_lextent_t lextent;
        stats_extent_t extent;
    };
} class_row_t;

#define ROW(key, title, member, kind, width, rate)                             \
    {                                                                          \
        key, title, offsetof(class_row_t, member), kind, width, rate           \
    }

/* In JSON the members follow each other in another order than the columns. */
static const emit_column_t bin_columns[] = {
    ROW(NULL, "size", size, EMIT_SIZE, CLASS_WIDTH, 0),
    ROW(NULL, "ind", ind, EMIT_U32, 4, 0),
    ROW(NULL, "allocated", allocated, EMIT_SIZE, 13, 0),
    ROW("nmalloc", "nmalloc", bin.nmalloc, EMIT_U64, 13, 8),
    ROW("ndalloc", "ndalloc", bin.ndalloc, EMIT_U64, 13, 8),
    ROW("curregs", NULL, bin.curregs, EMIT_SIZE, 0, 0),
    ROW("nrequests", "nrequests", bin.nrequests, EMIT_U64, 13, 10),
    ROW(NULL, "nshards", nshards, EMIT_U32, 9, 0),
    ROW(NULL, "curregs", bin.curregs, EMIT_SIZE, 13, 0),
    ROW(NULL, "curslabs", bin.curslabs, EMIT_SIZE, 13, 0),
    ROW(NULL, "nonfull_slabs", bin.nonfull_slabs, EMIT_SIZE, 15, 0),
    ROW(NULL, "regs", regs, EMIT_U32, 5, 0),
    ROW(NULL, "pgs", pgs, EMIT_U32, 4, 0),
    ROW(NULL, "util", util, EMIT_WORD, 7, 0),
    ROW("nfills", "nfills", bin.nfills, EMIT_U64, 13, 8),
    ROW("nflushes", "nflushes", bin.nflushes, EMIT_U64, 13, 8),
    ROW(NULL, "nslabs", bin.nslabs, EMIT_U64, 13, 0),
    ROW("nreslabs", "nreslabs", bin.nreslabs, EMIT_U64, 13, 8),
    ROW("curslabs", NULL, bin.curslabs, EMIT_SIZE, 0, 0),
    ROW("nonfull_slabs", NULL, bin.nonfull_slabs, EMIT_SIZE, 0, 0),
};

static const emit_column_t lextent_columns[] = {
    ROW(NULL, "size", size, EMIT_SIZE, CLASS_WIDTH, 0),
    ROW(NULL, "ind", ind, EMIT_U32, 4, 0),
    ROW(NULL, "allocated", allocated, EMIT_SIZE, 13, 0),
    ROW(NULL, "nmalloc", lextent.nmalloc, EMIT_U64, 13, 8),
    ROW(NULL, "ndalloc", lextent.ndalloc, EMIT_U64, 13, 8),
    ROW(NULL, "nrequests", lextent.nrequests, EMIT_U64, 13, 8),
    ROW("curlextents", "curlextents", lextent.curlextents, EMIT_SIZE, 13, 0),
};

static const emit_column_t extent_columns[] = {
    ROW(NULL, "size", size, EMIT_SIZE, CLASS_WIDTH, 0),
    ROW(NULL, "ind", ind, EMIT_U32, 4, 0),
    ROW("ndirty", "ndirty", extent.ndirty, EMIT_SIZE, 13, 0),
    ROW(NULL, "dirty", extent.dirty_bytes, EMIT_SIZE, 13, 0),
    ROW("nmuzzy", "nmuzzy", extent.nmuzzy, EMIT_SIZE, 13, 0),
    ROW(NULL, "muzzy", extent.muzzy_bytes, EMIT_SIZE, 13, 0),
    ROW("nretained", "nretained", extent.nretained, EMIT_SIZE, 13, 0),
    ROW(NULL, "retained", extent.retained_bytes, EMIT_SIZE, 13, 0),
    ROW(NULL, "ntotal", ntotal, EMIT_SIZE, 13, 0),
    ROW(NULL, "total", total, EMIT_SIZE, 13, 0),
    ROW("dirty_bytes", NULL, extent.dirty_bytes, EMIT_SIZE, 0, 0),
    ROW("muzzy_bytes", NULL, extent.muzzy_bytes, EMIT_SIZE, 0, 0),
    ROW("retained_bytes", NULL, extent.retained_bytes, EMIT_SIZE, 0, 0),
};

static void
gap_mark(printer_t *p)
{
    emit_name(&p->emit, "", GAP_WIDTH);
    emit_text(&p->emit, "---\n");
}

/* Runs of unused classes are one mark in text. Returns whether to print. */
static bool
class_is_shown(printer_t *p, bool is_used, bool *in_gap)
{
    if (p->parts.json || is_used) {
        if (*in_gap) {
            gap_mark(p);
        }
        *in_gap = false;
        return true;
    }
    *in_gap = true;
    return false;
}

static void
gap_end(printer_t *p, bool in_gap)
{
    if (in_gap) {
        gap_mark(p);
    }
}

/* Part of the regions in use, to three digits; an empty bin has 1. */
static void
bin_util(char *out, const stats_bin_t *b, uint32_t nregs)
{
    uint64_t all = (uint64_t)b->curslabs * nregs;
    if (all == 0 || b->curregs >= all) {
        je_format(out, UTIL_BYTES, "%s", b->curregs > all ? " race" : "1");
    } else {
        je_format(out, UTIL_BYTES, "0.%03llu",
                  (unsigned long long)(b->curregs * 1000 / all));
    }
}

static void
print_bin(printer_t *p, const stats_bin_t *b, unsigned ind, uint64_t uptime_ns)
{
    emit_t *e = &p->emit;
    const bin_info_t *info = &bin_infos[ind];
    char util[UTIL_BYTES];
    class_row_t row = {.ind = ind,
                       .size = info->size,
                       .allocated = b->curregs * info->size,
                       .nshards = bin_shards[ind].count,
                       .regs = info->nregs,
                       .pgs = info->slab_size >> OS_LG_PAGE,
                       .util = util,
                       .bin = *b};
    bin_util(util, b, info->nregs);
    emit_object(e, NULL);
    emit_fields(e, COLUMNS(bin_columns), &row, uptime_ns);
    if (p->parts.mutexes) {
        emit_object(e, "mutex");
        emit_fields(e, COLUMNS(mutex_columns), &b->mutex, uptime_ns);
        emit_object_end(e);
    }
    emit_row_end(e);
    emit_object_end(e);
}

static void
print_bins(printer_t *p, const stats_arena_t *a)
{
    emit_t *e = &p->emit;
    bool in_gap = false;
    emit_titles(e, "bins:", 0, COLUMNS(bin_columns));
    if (p->parts.mutexes) {
        emit_titles(e, "", 0, COLUMNS(mutex_columns));
    }
    emit_row_end(e);
    emit_array(e, "bins");
    for (unsigned i = 0; i < SC_NBINS; i++) {
        if (class_is_shown(p, a->bins[i].nslabs != 0, &in_gap)) {
            print_bin(p, &a->bins[i], i, a->uptime_ns);
        }
    }
    gap_end(p, in_gap);
    emit_array_end(e);
}

static void
print_lextents(printer_t *p, const stats_arena_t *a)
{
    emit_t *e = &p->emit;
    bool in_gap = false;
    emit_titles(e, "large:", 0, COLUMNS(lextent_columns));
    emit_row_end(e);
    emit_array(e, "lextents");
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        const stats_lextent_t *l = &a->lextents[i];
        size_t size = sz_size(SC_NBINS + i);
        if (!class_is_shown(p, l->nmalloc != 0, &in_gap)) {
            continue;
        }
        class_row_t row = {.ind = SC_NBINS + i,
                           .size = size,
                           .allocated = l->curlextents * size,
                           .lextent = *l};
        emit_object(e, NULL);
        emit_fields(e, COLUMNS(lextent_columns), &row, a->uptime_ns);
        emit_row_end(e);
        emit_object_end(e);
    }
    gap_end(p, in_gap);
    emit_array_end(e);
}

static void
print_extents(printer_t *p, const stats_arena_t *a)
{
    emit_t *e = &p->emit;
    bool in_gap = false;
    emit_titles(e, "extents:", 0, COLUMNS(extent_columns));
    emit_row_end(e);
    emit_array(e, "extents");
    for (unsigned i = 0; i < SZ_NPSIZES; i++) {
        const stats_extent_t *x = &a->extents[i];
        class_row_t row = {.ind = i,
                           .size = sz_pind_pages(i) << OS_LG_PAGE,
                           .ntotal = x->ndirty + x->nmuzzy + x->nretained,
                           .total = x->dirty_bytes + x->muzzy_bytes +
                                    x->retained_bytes,
                           .extent = *x};
        if (!class_is_shown(p, row.ntotal != 0, &in_gap)) {
            continue;
        }
        emit_object(e, NULL);
        emit_fields(e, COLUMNS(extent_columns), &row, 0);
        emit_row_end(e);
        emit_object_end(e);
    }
    gap_end(p, in_gap);
    emit_array_end(e);
}

/* ---- huge page allocator: none here ------------------------------------ */

enum { HPA_NCLASSES = 64 };

static void
print_hpa_members(printer_t *p, const char *key, bool is_nonfull)
{
    static const char *const names[] = {
        "npageslabs_huge",    "nactive_huge",    "ndirty_huge",
        "npageslabs_nonhuge", "nactive_nonhuge", "ndirty_nonhuge",
    };
    emit_object(&p->emit, key);
    for (unsigned i = 0; i < JE_ARRAY_LEN(names); i++) {
        if (is_nonfull || strcmp(names[i], "ndirty_huge") != 0) {
            emit_member(&p->emit, names[i], emit_u64(0));
        }
    }
    emit_object_end(&p->emit);
}

static void
print_hpa_text(printer_t *p)
{
    emit_t *e = &p->emit;
    static const char *const counts[] = {"Purge passes", "Purges", "Hugeifies",
                                         "Dehugifies"};
    emit_text(e, "HPA shard stats:\n");
    for (unsigned i = 0; i < JE_ARRAY_LEN(counts); i++) {
        emit_text(e, "  %s: 0 (0 / sec)\n", counts[i]);
    }
    emit_text(e, "\n");
    for (unsigned i = 0; i < 2; i++) {
        emit_text(e, "  In %s slabs:\n", i == 0 ? "full" : "empty");
        emit_text(e, "      npageslabs: 0 huge, 0 nonhuge\n");
        emit_text(e, "      nactive: 0 huge, 0 nonhuge \n");
        emit_text(e, "      ndirty: 0 huge, 0 nonhuge \n");
        emit_text(e, "      nretained: 0 huge, 0 nonhuge \n");
    }
    emit_text(e, "\n");
    emit_text(e, "                size ind npageslabs_huge    nactive_huge     "
                 "ndirty_huge  npageslabs_nonhuge     nactive_nonhuge      "
                 "ndirty_nonhuge   nretained_nonhuge\n");
    gap_mark(p);
}

static void
print_hpa(printer_t *p, const stats_arena_t *a)
{
    static const char *const counts[] = {"npurge_passes", "npurges",
                                         "nhugifies", "ndehugifies"};
    emit_t *e = &p->emit;
    emit_pair(e, "sec_bytes", "Bytes in small extent cache",
              emit_u64(a->sec_bytes));
    if (!p->parts.json) {
        print_hpa_text(p);
        return;
    }
    emit_object(e, "hpa_shard");
    for (unsigned i = 0; i < JE_ARRAY_LEN(counts); i++) {
        emit_member(e, counts[i], emit_u64(0));
    }
    print_hpa_members(p, "full_slabs", false);
    print_hpa_members(p, "empty_slabs", false);
    emit_array(e, "nonfull_slabs");
    for (unsigned i = 0; i < HPA_NCLASSES; i++) {
        print_hpa_members(p, NULL, true);
    }
    emit_array_end(e);
    emit_object_end(e);
}

/* ---- the whole --------------------------------------------------------- */

void
stats_print_arena(printer_t *p, const stats_arena_t *a)
{
    emit_t *e = &p->emit;
    size_t active = a->pactive << OS_LG_PAGE;
    emit_pair(e, "nthreads", "assigned threads", emit_u64(a->nthreads));
    emit_pair(e, "uptime_ns", "uptime", emit_u64(a->uptime_ns));
    emit_pair(e, "dss", "dss allocation precedence", emit_string(a->dss));
    print_decay(p, a);
    print_sums(p, a);
    emit_name(e, "", EMIT_NAME_WIDTH + EMIT_VALUE_WIDTH);
    emit_row_end(e);
    emit_lines(e, COLUMNS(active_line), &active);
    emit_lines(e, COLUMNS(arena_lines), a);
    if (a->slab_gaps > 0) {
        emit_lines(e, COLUMNS(gaps_line), a);
    }
    stats_print_mutexes(p, a->mutexes, stats_arena_mutex_names,
                        STATS_ARENA_NMUTEXES, a->uptime_ns);
    if (p->parts.bins) {
        print_bins(p, a);
    }
    if (p->parts.large) {
        print_lextents(p, a);
    }
    if (p->parts.extents) {
        print_extents(p, a);
    }
    if (p->parts.hpa) {
        print_hpa(p, a);
    }
}
