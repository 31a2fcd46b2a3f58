/*
 * Measuring residency: see residency.h.
 */
#include "alloc/residency.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
    int pagemap;      /* descriptor for scans, or -1: mincore has to do */
    unsigned char vec[WINDOW_PAGES];
    proc_lines_t lines;
    size_t nranges;
    range_t ranges[RANGES_MAX]; /* pages of ours, merged */
} measurement_t;

#define MEASUREMENT_SIZE bits_align_up(sizeof(measurement_t), OS_PAGE)

/* ---- resident pages ---------------------------------------------------- */

/* The kernel's page map scan (Linux 6.7), declared here for older headers. It
 * tells the shared page of zeroes, which stands where memory was read and never
 * written and is not counted as anybody's, from real pages; mincore does not.
 * source: Documentation/admin-guide/mm/pagemap.rst of Linux. */
typedef struct scan_region {
    uint64_t start, end, categories;
} scan_region_t;

typedef struct scan_arg {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages,
        category_inverted, category_mask, category_anyof_mask, return_mask;
} scan_arg_t;

#define SCAN_REQUEST _IOWR('f', 16, scan_arg_t)

enum { SCAN_PRESENT = 1 << 3, SCAN_ZERO = 1 << 5 };

/* Bytes resident from `addr` on; into `vec`, unless it is NULL, which pages.
 * The kernel skips what has no page tables, so the size hardly matters.
 * errors: false, not supported. */
static bool
scan_pages(const measurement_t *m, uintptr_t addr, size_t size,
           unsigned char *vec, size_t *bytes)
{
    scan_region_t regions[64];
    scan_arg_t arg = {.size = sizeof(arg),
                      .start = addr,
                      .end = addr + size,
                      .vec = (uint64_t)(uintptr_t)regions,
                      .vec_len = JE_ARRAY_LEN(regions),
                      .category_mask = SCAN_PRESENT | SCAN_ZERO,
                      .category_inverted = SCAN_ZERO,
                      .return_mask = SCAN_PRESENT};
    *bytes = 0;
    if (vec != NULL) {
        memset(vec, 0, size >> OS_LG_PAGE);
    }
    while (m->pagemap >= 0 && arg.start < arg.end) {
        int n = ioctl(m->pagemap, SCAN_REQUEST, &arg);
        if (n < 0) {
            return false;
        }
        for (int i = 0; i < n; i++) {
            size_t length = regions[i].end - regions[i].start;
            *bytes += length;
            if (vec != NULL) {
                memset(vec + ((regions[i].start - addr) >> OS_LG_PAGE), 1,
                       length >> OS_LG_PAGE);
            }
        }
        arg.start = arg.walk_end;
    }
    return m->pagemap >= 0;
}

static bool
resident_pages(measurement_t *m, uintptr_t addr, size_t size)
{
    size_t bytes;
    return scan_pages(m, addr, size, m->vec, &bytes) ||
           os_pages_resident((void *)addr, size, m->vec);
}

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
        bool ok = resident_pages(m, window, OS_HUGE);
        m->window = ok ? window : NO_WINDOW;
        m->torn = ok ? m->torn : window;
    }
    if (m->window == window) {
        return count_resident(m->vec + ((addr - window) >> OS_LG_PAGE), npages);
    }
    m->window = NO_WINDOW;
    return resident_pages(m, addr, end - addr) ? count_resident(m->vec, npages)
                                               : 0;
}

static size_t
range_resident(measurement_t *m, uintptr_t addr, uintptr_t end)
{
    size_t bytes = 0;
    /* one question for a large buffer, however many windows it has */
    if (end - addr > OS_HUGE && scan_pages(m, addr, end - addr, NULL, &bytes)) {
        return bytes;
    }
    bytes = 0;
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
    case EXTENT_GUARD: /* never in memory */
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
    measurement_t *m = arg;
    m->sum.metadata += range_resident(m, addr, addr + size);
    note_range(m, addr, addr + size);
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
    m->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    emap_foreach(visit_extent, m);
    m->window = NO_WINDOW; /* metadata comes in any order */
    m->torn = NO_WINDOW;
    meta_foreach_mapping(visit_meta, m);
    /* what the measurement itself takes is nobody's */
    note_range(m, (uintptr_t)m, (uintptr_t)m + MEASUREMENT_SIZE);
    sort_ranges(m->ranges, m->nranges);
    bool ok = measure_others(m);
    if (m->pagemap >= 0) {
        (void)close(m->pagemap);
    }
    *out = m->sum;
    (void)os_pages_unmap(m, MEASUREMENT_SIZE);
    return ok;
}
