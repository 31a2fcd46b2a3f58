/*
 * Measuring residency: see residency.h.
 */
#include "alloc/residency.h"

#include <string.h>

#include "alloc/emap.h"
#include "alloc/meta.h"
#include "alloc/procinfo_read.h"
#include "base/bits.h"
#include "os/pages.h"

enum {
    WINDOW_PAGES = OS_HUGE >> OS_LG_PAGE,
    RANGES_MAX = 64 << 10,
};

#define NO_WINDOW UINTPTR_MAX

typedef struct range {
    uintptr_t start, end;
} range_t;

/* Working memory of one measurement, mapped for it: too much for a stack, and
 * several threads may measure at once. */
typedef struct measurement {
    residency_t sum;
    uintptr_t window; /* whose pages `vec` describes, or NO_WINDOW */
    uintptr_t torn;   /* a window with holes in it: mincore refuses it */
    unsigned char vec[WINDOW_PAGES];
    proc_lines_t lines;
    size_t nranges;
    range_t ranges[RANGES_MAX]; /* pages of ours, merged */
} measurement_t;

#define MEASUREMENT_SIZE bits_align_up(sizeof(measurement_t), OS_PAGE)

/* ---- resident pages ---------------------------------------------------- */

static size_t
count_resident(const unsigned char *vec, size_t npages)
{
    size_t n = 0;
    for (size_t i = 0; i < npages; i++) {
        n += vec[i] & 1;
    }
    return n << OS_LG_PAGE;
}

/* Bytes resident in [addr, end), all within one window. The whole window is
 * asked for at once, since many extents may lie in it. */
static size_t
window_resident(measurement_t *m, uintptr_t addr, uintptr_t end)
{
    uintptr_t window = bits_align_down(addr, OS_HUGE);
    size_t npages = (end - addr) >> OS_LG_PAGE;
    if (m->window != window && m->torn != window) {
        bool ok = os_pages_resident((void *)window, OS_HUGE, m->vec);
        m->window = ok ? window : NO_WINDOW;
        m->torn = ok ? m->torn : window;
    }
    if (m->window == window) {
        return count_resident(m->vec + ((addr - window) >> OS_LG_PAGE), npages);
    }
    m->window = NO_WINDOW;
    return os_pages_resident((void *)addr, end - addr, m->vec)
               ? count_resident(m->vec, npages)
               : 0;
}

static size_t
range_resident(measurement_t *m, uintptr_t addr, uintptr_t end)
{
    size_t bytes = 0;
    while (addr < end) {
        uintptr_t stop = bits_align_down(addr, OS_HUGE) + OS_HUGE;
        stop = stop < end ? stop : end;
        bytes += window_resident(m, addr, stop);
        addr = stop;
    }
    return bytes;
}

/* ---- our pages --------------------------------------------------------- */

/* When there is no room, the gap to the last range is taken as ours. */
static void
note_range(measurement_t *m, uintptr_t start, uintptr_t end)
{
    range_t *last = m->nranges > 0 ? &m->ranges[m->nranges - 1] : NULL;
    bool is_full = m->nranges == RANGES_MAX;
    if (last != NULL && start >= last->start &&
        (start == last->end || is_full)) {
        last->end = end > last->end ? end : last->end;
    } else if (!is_full) {
        m->ranges[m->nranges++] = (range_t){start, end};
    }
}

static void
visit_extent(void *arg, uintptr_t addr, size_t size, extent_state_t state)
{
    measurement_t *m = arg;
    size_t bytes = range_resident(m, addr, addr + size);
    note_range(m, addr, addr + size);
    switch (state) {
    case EXTENT_ACTIVE:
        m->sum.active += bytes;
        break;
    case EXTENT_MUZZY:
        m->sum.muzzy += bytes;
        break;
    case EXTENT_RETAINED:
        m->sum.retained += bytes;
        break;
    default: /* dirty, or being purged */
        m->sum.dirty += bytes;
        break;
    }
}

static void
visit_meta(void *arg, uintptr_t addr, size_t size)
{
    note_range(arg, addr, addr + size);
}

/* ---- sorting: heapsort, since libc's may allocate ---------------------- */

static void
sift_down(range_t *r, size_t i, size_t n)
{
    for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && r[child + 1].start > r[child].start) {
            child++;
        }
        if (r[i].start >= r[child].start) {
            return;
        }
        range_t t = r[i];
        r[i] = r[child];
        r[child] = t;
        i = child;
    }
}

static void
sort_ranges(range_t *r, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) {
        sift_down(r, i, n);
    }
    for (size_t end = n; end > 1; end--) {
        range_t t = r[0];
        r[0] = r[end - 1];
        r[end - 1] = t;
        sift_down(r, 0, end - 1);
    }
}

/* ---- what is not ours -------------------------------------------------- */

/* Index of the first range that ends above addr. */
static size_t
first_range_above(const measurement_t *m, uintptr_t addr)
{
    size_t low = 0, high = m->nranges;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (m->ranges[mid].end > addr) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

/* A mapping with `anonymous` bytes of anonymous memory. The kernel joins
 * neighbours, so that one mapping may hold pages of ours and others. */
static void
add_mapping(measurement_t *m, uintptr_t start, uintptr_t end, size_t anonymous)
{
    size_t i = first_range_above(m, start);
    if (i == m->nranges || m->ranges[i].start >= end) {
        m->sum.other_anonymous += anonymous;
        return;
    }
    size_t bytes = 0;
    uintptr_t at = start;
    for (; i < m->nranges && m->ranges[i].start < end; i++) {
        if (m->ranges[i].start > at) {
            bytes += range_resident(m, at, m->ranges[i].start);
        }
        at = m->ranges[i].end;
    }
    if (at < end) {
        bytes += range_resident(m, at, end);
    }
    m->sum.other_anonymous += bytes < anonymous ? bytes : anonymous;
}

static bool
parse_mapping(const char *line, uintptr_t *start, uintptr_t *end)
{
    uint64_t from, to;
    if (!proc_hex(&line, &from) || *line++ != '-' || !proc_hex(&line, &to)) {
        return false;
    }
    *start = from;
    *end = to;
    return true;
}

static bool
measure_others(measurement_t *m)
{
    if (!proc_lines_open(&m->lines, "/proc/self/smaps")) {
        return false;
    }
    uintptr_t start = 0, end = 0;
    uint64_t anonymous;
    m->window = NO_WINDOW;
    m->torn = NO_WINDOW;
    for (char *line; (line = proc_lines_next(&m->lines)) != NULL;) {
        if (proc_kib_field(line, "Anonymous:", &anonymous)) {
            if (anonymous > 0) {
                add_mapping(m, start, end, anonymous);
            }
        } else {
            (void)parse_mapping(line, &start, &end);
        }
    }
    proc_lines_close(&m->lines);
    return true;
}

bool
residency_measure(residency_t *out)
{
    measurement_t *m = os_pages_map(MEASUREMENT_SIZE, OS_PAGE, true);
    if (m == NULL) {
        return false;
    }
    m->window = NO_WINDOW;
    m->torn = NO_WINDOW;
    emap_foreach(visit_extent, m);
    m->window = NO_WINDOW; /* meta_resident uses vec, too */
    bool ok = meta_resident(m->vec, sizeof(m->vec), &m->sum.metadata);
    meta_foreach_mapping(visit_meta, m);
    /* what the measurement itself takes is nobody's */
    note_range(m, (uintptr_t)m, (uintptr_t)m + MEASUREMENT_SIZE);
    sort_ranges(m->ranges, m->nranges);
    ok = ok && measure_others(m);
    *out = m->sum;
    (void)os_pages_unmap(m, MEASUREMENT_SIZE);
    return ok;
}
