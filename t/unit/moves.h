/*
 * What a step moves: every number that mallctl can read, before and after it.
 * A test says by how much figures must move, and all others must stay.
 *
 * Figures of an arena are given by what follows "stats.arenas.<i>."; what
 * another figure must do because of that is added here from the meaning of the
 * names, not from the allocator's code:
 *
 *   a class      -> small.* or large.*          -> stats.allocated
 *   slabs, large -> pactive -> mapped, resident -> stats.active ...
 *   extents      -> pdirty, pmuzzy, retained    -> mapped, resident ...
 *   one arena    -> the sum of all at 4096
 */
#ifndef JE_T_UNIT_MOVES_H
#define JE_T_UNIT_MOVES_H

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/ctl_leaf.h"
#include "jealloc.h"
#include "t/util.h"

enum { PAGE = 4096, FIGURE_BYTES = 96, FIGURES_MAX = 16384, SUM = 4096 };

typedef struct figure {
    char name[FIGURE_BYTES];
    unsigned row; /* of the table */
    uint64_t before;
    int64_t by;
} figure_t;

static figure_t *figures;
static unsigned nfigures;
static unsigned arena;  /* the one that "*." stands for */
static bool *has_moved; /* of each row of the table, in whichever test */

static void
refresh(void)
{
    uint64_t epoch = 1;
    ck_assert_int_eq(jea_mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)),
                     0);
}

static uint64_t
figure(const char *name)
{
    uint64_t value = 0;
    size_t size = sizeof(value);
    int error = jea_mallctl(name, &value, &size, NULL, 0);
    if (error == EINVAL) { /* of 32 bits or a truth value */
        value = 0;
        error = jea_mallctl(name, &value, &size, NULL, 0);
    }
    ck_assert_msg(error == 0, "%s: %d", name, error);
    return value;
}

/* "*.pactive" and the like. */
__attribute__((format(printf, 1, 2))) static uint64_t
figure_of(const char *fmt, ...)
{
    char what[FIGURE_BYTES], name[FIGURE_BYTES + 32];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    (void)snprintf(name, sizeof(name), "stats.arenas.%u.%s", arena, what);
    return figure(name);
}

/* ---- all of them ------------------------------------------------------- */

/* Those that move by themselves or by being read. */
static bool
figure_is_restless(const ctl_leaf_t *leaf)
{
    static const char *const parts[] = {"epoch",
                                        "mutex",
                                        "uptime",
                                        "jeprobe.residency.",
                                        "stats.background_thread.",
                                        "peak"};
    bool is = leaf->read == NULL || leaf->is_prof_only ||
              leaf->type == CTL_TEXT || leaf->type == CTL_POINTER ||
              leaf->type == CTL_VOID;
    for (unsigned i = 0; i < JE_ARRAY_LEN(parts); i++) {
        is = is || strstr(leaf->name, parts[i]) != NULL;
    }
    return is;
}

static unsigned
figure_indices(char kind)
{
    return kind == 'b'   ? (unsigned)figure("arenas.nbins")
           : kind == 'l' ? (unsigned)figure("arenas.nlextents")
           : kind == 'e' ? (unsigned)figure("arenas.nlextents") + 3
           : kind == 'h' ? 64
                         : 0;
}

/* Enter `name`, whose part in front of `at` has no index left. */
static void
figures_enter(unsigned row, const char *name, const char *at)
{
    const char *index = strchr(at, '<');
    if (index == NULL) {
        ck_assert_uint_lt(nfigures, FIGURES_MAX);
        figures[nfigures].row = row;
        (void)snprintf(figures[nfigures++].name, FIGURE_BYTES, "%s", name);
        return;
    }
    bool is_arena = index[1] == 'a' || index[1] == 's';
    unsigned n = is_arena ? 1 + (index[1] == 's') : figure_indices(index[1]);
    for (unsigned i = 0; i < n; i++) {
        char next[FIGURE_BYTES];
        int k = (int)(index - name);
        (void)snprintf(next, sizeof(next), "%.*s%u%s", k, name,
                       !is_arena ? i
                       : i == 0  ? arena
                                 : (unsigned)SUM,
                       index + 3);
        figures_enter(row, next, next + k);
    }
}

static void
figures_start(void)
{
    free(figures);
    figures = calloc(FIGURES_MAX, sizeof(*figures));
    ck_assert_ptr_nonnull(figures);
    nfigures = 0;
    for (unsigned i = 0; i < ctl_table_size; i++) {
        if (!figure_is_restless(&ctl_table[i])) {
            figures_enter(i, ctl_table[i].name, ctl_table[i].name);
        }
    }
}

/* ---- what must move ---------------------------------------------------- */

static void
expect_one(const char *name, int64_t by)
{
    for (unsigned i = 0; i < nfigures; i++) {
        if (strcmp(figures[i].name, name) == 0) {
            figures[i].by += by;
            return;
        }
    }
    ck_abort_msg("there is no %s", name);
}

/* Another figure that follows: of the arena, or a total. `factor`: bytes or
 * pages that one of the first stands for. */
typedef struct follows {
    const char *what;
    const char *then;
    int64_t factor;
} follows_t;

static const follows_t figures_follow[] = {
    {"small.allocated", "stats.allocated", 1},
    {"large.allocated", "stats.allocated", 1},
    {"pactive", "resident", PAGE},
    {"pactive", "mapped", PAGE},
    {"pactive", "stats.active", PAGE},
    {"pactive", "approximate_stats.active", PAGE},
    {"pdirty", "resident", PAGE},
    {"pdirty", "mapped", PAGE},
    {"pmuzzy", "mapped", PAGE},
    {"base", "stats.metadata", 1},
    {"resident", "stats.resident", 1},
    {"mapped", "stats.mapped", 1},
    {"retained", "stats.retained", 1},
    {"large.nmalloc", "large.nfills", 1},
};

static void expect(const char *what, int64_t by);

/* What a class of a table brings with it: "bins", 3, "curregs". */
static void
expect_of_class(const char *table, unsigned index, const char *what, int64_t by)
{
    static const char *const sums[] = {"nmalloc", "ndalloc", "nrequests",
                                       "nfills", "nflushes"};
    char name[FIGURE_BYTES];
    bool is_bin = strcmp(table, "bins") == 0;
    (void)snprintf(name, sizeof(name), "arenas.%s.%u.size",
                   is_bin ? "bin" : "lextent", index);
    for (unsigned i = 0; i < JE_ARRAY_LEN(sums); i++) {
        if (strcmp(what, sums[i]) == 0) {
            char sum[FIGURE_BYTES];
            (void)snprintf(sum, sizeof(sum), "%s.%s",
                           is_bin ? "small" : "large", what);
            expect(sum, by);
        }
    }
    if (strcmp(what, "curregs") == 0) {
        expect("small.allocated", by * (int64_t)figure(name));
    } else if (strcmp(what, "curlextents") == 0) {
        expect("large.allocated", by * (int64_t)figure(name));
        expect("pactive", by * (int64_t)figure(name) / PAGE);
    } else if (strcmp(what, "curslabs") == 0) {
        (void)snprintf(name, sizeof(name), "arenas.bin.%u.slab_size", index);
        expect("pactive", by * (int64_t)figure(name) / PAGE);
    }
}

/* An arena's figure and all that follows. */
static void
expect(const char *what, int64_t by)
{
    char name[FIGURE_BYTES + 32];
    if (strncmp(what, "stats.", 6) == 0 || strncmp(what, "approx", 6) == 0) {
        expect_one(what, by);
        return;
    }
    (void)snprintf(name, sizeof(name), "stats.arenas.%u.%s", arena, what);
    expect_one(name, by);
    (void)snprintf(name, sizeof(name), "stats.arenas.%u.%s", (unsigned)SUM,
                   what);
    expect_one(name, by);
    for (unsigned i = 0; i < JE_ARRAY_LEN(figures_follow); i++) {
        if (strcmp(figures_follow[i].what, what) == 0) {
            expect(figures_follow[i].then, by * figures_follow[i].factor);
        }
    }
}

/* A figure of class `index` of a table: "bins", "curregs". */
static void
expect_of(const char *table, unsigned index, const char *what, int64_t by)
{
    char name[2 * FIGURE_BYTES];
    (void)snprintf(name, sizeof(name), "%s.%u.%s", table, index, what);
    expect(name, by);
    expect_of_class(table, index, what, by);
}

/* ---- extents ----------------------------------------------------------- */

/* The page class that an unused extent is listed in: 1, 2, 3, 4 pages and four
 * to a doubling; the largest that is not larger. */
static unsigned
page_class(uint64_t npages)
{
    unsigned index = 0;
    uint64_t step = 1;
    for (uint64_t pages = 1; pages + step <= npages;) {
        pages += step;
        index++;
        step *= index > 4 && index % 4 == 3 ? 2 : 1;
    }
    return index;
}

/* An unused extent of so many pages appears, or goes (by -1); state "dirty",
 * "muzzy" or "retained". */
static inline void
expect_extent(const char *state, uint64_t npages, int by)
{
    char name[32];
    int64_t bytes = (int64_t)npages * PAGE * by;
    bool is_retained = strcmp(state, "retained") == 0;
    (void)snprintf(name, sizeof(name), "n%s", state);
    expect_of("extents", page_class(npages), name, by);
    (void)snprintf(name, sizeof(name), "%s_bytes", state);
    expect_of("extents", page_class(npages), name, bytes);
    (void)snprintf(name, sizeof(name), "p%s", state);
    expect(is_retained ? state : name, is_retained ? bytes : bytes / PAGE);
}

/* ---- steps ------------------------------------------------------------- */

static void
begin(void)
{
    refresh();
    for (unsigned i = 0; i < nfigures; i++) {
        figures[i].before = figure(figures[i].name);
    }
}

static void
end(void)
{
    refresh();
    for (unsigned i = 0; i < nfigures; i++) {
        figure_t *f = &figures[i];
        int64_t moved = (int64_t)(figure(f->name) - f->before);
        ck_assert_msg(moved == f->by, "%s moved by %lld, not %lld", f->name,
                      (long long)moved, (long long)f->by);
        has_moved[f->row] = has_moved[f->row] || moved != 0;
        f->by = 0;
    }
}

/* ---- what has moved ---------------------------------------------------- */

/* util_run() for a suite that uses this. With FIGURES_MOVED=FILE the file is
 * given the rows of the table that a step has moved. */
static int
figures_run(Suite *suite)
{
    const char *path = getenv("FIGURES_MOVED");
    has_moved = mmap(NULL, ctl_table_size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (has_moved == MAP_FAILED) {
        return EXIT_FAILURE;
    }
    int status = util_run(suite);
    FILE *out = path != NULL ? fopen(path, "w") : NULL;
    for (unsigned i = 0; out != NULL && i < ctl_table_size; i++) {
        if (has_moved[i]) {
            (void)fprintf(out, "%s\n", ctl_table[i].name);
        }
    }
    return out != NULL && fclose(out) != 0 ? EXIT_FAILURE : status;
}

#endif
