/*
 * glibc's heap questions: see mallinfo.h.
 *
 * malloc_info is given a FILE, so it is the one place in the allocator that
 * hands text to stdio, with no lock held.
 */
#include "alloc/mallinfo.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/ctl.h"
#include "alloc/malloc.h"
#include "alloc/stats.h"
#include "alloc/tcache.h"
#include "base/emit.h"
#include "os/file.h"

/* Parameters of mallopt that glibc documents. */
enum { MALLOPT_LOWEST = -8, MALLOPT_MXFAST = 1 };

/* What the figures of one arena, or of all, mean in glibc's terms. */
typedef struct heap_facts {
    size_t in_use; /* bytes of small objects */
    size_t large;  /* bytes of large objects, each a region of its own */
    size_t nlarge;
    size_t holes; /* bytes of free regions in slabs */
    size_t nholes;
    size_t idle; /* bytes of unused pages that are still there */
    size_t nidle;
} heap_facts_t;

static heap_facts_t
heap_facts(const stats_arena_t *a)
{
    heap_facts_t f = {.in_use = a->small.allocated,
                      .large = a->large.allocated,
                      .idle = (a->pdirty + a->pmuzzy) << OS_LG_PAGE};
    for (unsigned i = 0; i < SC_NBINS; i++) {
        const stats_bin_t *b = &a->bins[i];
        size_t regions = b->curslabs * bin_infos[i].nregs;
        size_t free = regions > b->curregs ? regions - b->curregs : 0;
        f.nholes += free;
        f.holes += free * bin_infos[i].size;
    }
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        f.nlarge += a->lextents[i].curlextents;
    }
    for (unsigned i = 0; i < SZ_NPSIZES; i++) {
        f.nidle += a->extents[i].ndirty + a->extents[i].nmuzzy;
    }
    return f;
}

struct jea_mallinfo2
je_mallinfo2(void)
{
    struct jea_mallinfo2 info = {.arena = 0};
    stats_t *s = ctl_refresh_and_hold();
    if (s == NULL) {
        return info;
    }
    heap_facts_t f = heap_facts(&s->merged);
    stats_release(s);
    info.uordblks = f.in_use;
    info.fordblks = f.holes + f.idle;
    info.ordblks = f.nholes + f.nidle;
    info.arena = info.uordblks + info.fordblks;
    info.hblks = f.nlarge;
    info.hblkhd = f.large;
    info.keepcost = f.idle;
    return info;
}

static int
as_int(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

struct jea_mallinfo
je_mallinfo(void)
{
    struct jea_mallinfo2 i = je_mallinfo2();
    return (struct jea_mallinfo){
        .arena = as_int(i.arena),
        .ordblks = as_int(i.ordblks),
        .hblks = as_int(i.hblks),
        .hblkhd = as_int(i.hblkhd),
        .uordblks = as_int(i.uordblks),
        .fordblks = as_int(i.fordblks),
        .keepcost = as_int(i.keepcost),
    };
}

/* ---- malloc_stats ------------------------------------------------------ */

static void
write_stderr(void *opaque, const char *text)
{
    (void)opaque;
    (void)os_file_write_all(STDERR_FILENO, text, strlen(text));
}

static void
print_heap(emit_t *e, const heap_facts_t *f)
{
    emit_text(e, "system bytes     = %10zu\n", f->in_use + f->holes + f->idle);
    emit_text(e, "in use bytes     = %10zu\n", f->in_use);
}

void
je_malloc_stats(void)
{
    stats_t *s = ctl_refresh_and_hold();
    if (s == NULL) {
        return;
    }
    emit_t e;
    emit_begin(&e, EMIT_TEXT, write_stderr, NULL);
    for (unsigned i = 0; i < s->narenas; i++) {
        const stats_arena_t *a = stats_arena(s, i);
        if (a != NULL) {
            heap_facts_t f = heap_facts(a);
            emit_text(&e, "Arena %u:\n", i);
            print_heap(&e, &f);
        }
    }
    heap_facts_t f = heap_facts(&s->merged);
    stats_release(s);
    size_t system = f.in_use + f.holes + f.idle + f.large;
    emit_text(&e, "Total (incl. mmap):\n");
    emit_text(&e, "system bytes     = %10zu\n", system);
    emit_text(&e, "in use bytes     = %10zu\n", f.in_use + f.large);
    emit_text(&e, "mmap regions     = %10zu\n", f.nlarge);
    emit_text(&e, "mmap bytes       = %10zu\n", f.large);
    emit_end(&e);
}

/* ---- malloc_info ------------------------------------------------------- */

typedef struct xml_out {
    FILE *file;
    bool failed;
} xml_out_t;

static void
xml_write(void *opaque, const char *text)
{
    xml_out_t *out = opaque;
    size_t n = strlen(text);
    if (!out->failed && fwrite(text, 1, n, out->file) != n) {
        out->failed = true;
    }
}

static void
xml_sizes(emit_t *e, const stats_arena_t *a)
{
    emit_text(e, "<sizes>\n");
    for (unsigned i = 0; i < SC_NBINS; i++) {
        const stats_bin_t *b = &a->bins[i];
        const bin_info_t *info = &bin_infos[i];
        size_t regions = b->curslabs * info->nregs;
        if (regions > b->curregs) {
            size_t free = regions - b->curregs;
            emit_text(e,
                      "<size from=\"%zu\" to=\"%u\" total=\"%zu\" "
                      "count=\"%zu\"/>\n",
                      i > 0 ? (size_t)bin_infos[i - 1].size + 1 : 1, info->size,
                      free * info->size, free);
        }
    }
    emit_text(e, "</sizes>\n");
}

static void
xml_totals(emit_t *e, const heap_facts_t *f)
{
    size_t system = f->in_use + f->holes + f->idle;
    emit_text(e, "<total type=\"fast\" count=\"0\" size=\"0\"/>\n");
    emit_text(e, "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n",
              f->nholes + f->nidle, f->holes + f->idle);
    emit_text(e, "<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n",
              f->nlarge, f->large);
    emit_text(e, "<system type=\"current\" size=\"%zu\"/>\n", system);
    emit_text(e, "<system type=\"max\" size=\"%zu\"/>\n", system);
    emit_text(e, "<aspace type=\"total\" size=\"%zu\"/>\n", system);
    emit_text(e, "<aspace type=\"mprotect\" size=\"%zu\"/>\n", system);
}

int
je_malloc_info(int options, FILE *file)
{
    if (options != 0) {
        return EINVAL;
    }
    stats_t *s = ctl_refresh_and_hold();
    if (s == NULL) {
        return ENOMEM;
    }
    xml_out_t out = {.file = file};
    emit_t e;
    emit_begin(&e, EMIT_TEXT, xml_write, &out);
    emit_text(&e, "<malloc version=\"1\">\n");
    for (unsigned i = 0; i < s->narenas; i++) {
        const stats_arena_t *a = stats_arena(s, i);
        if (a != NULL) {
            heap_facts_t f = heap_facts(a);
            emit_text(&e, "<heap nr=\"%u\">\n", i);
            xml_sizes(&e, a);
            xml_totals(&e, &f);
            emit_text(&e, "</heap>\n");
        }
    }
    heap_facts_t f = heap_facts(&s->merged);
    xml_totals(&e, &f);
    emit_text(&e, "</malloc>\n");
    emit_end(&e);
    stats_release(s);
    return out.failed ? EIO : 0;
}

/* ---- malloc_trim, mallopt ---------------------------------------------- */

/* Pages that purging has given back so far. */
static uint64_t
pages_purged(void)
{
    uint64_t pages = 0;
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = arena_get(i);
        if (arena != NULL && !arena->is_quarantined) {
            os_mutex_lock(&arena->pac.mtx);
            pages +=
                arena->pac.decay_dirty.purged + arena->pac.decay_muzzy.purged;
            os_mutex_unlock(&arena->pac.mtx);
        }
    }
    return pages;
}

int
je_malloc_trim(size_t pad)
{
    (void)pad;
    if (!je_boot()) {
        return 0;
    }
    int saved = errno;
    uint64_t before = pages_purged();
    (void)je_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = arena_get(i);
        if (arena != NULL) {
            arena_purge(arena);
        }
    }
    errno = saved;
    return pages_purged() > before;
}

int
je_mallopt(int parameter, int value)
{
    (void)value;
    return parameter == MALLOPT_MXFAST ||
           (parameter >= MALLOPT_LOWEST && parameter < 0);
}
