/*
 * A program whose sites are known to the byte, to hold the profiler against.
 *
 * Usage: sites INTERVAL. Four groups of 20 functions allocate: three with 5, 25
 * and 200 expected live samples at the given interval, and one whose single
 * object is four intervals large. Each site allocates twice as much as it
 * keeps. The truth goes to stdout, a line a site:
 *     name live_objects live_bytes alloc_objects alloc_bytes
 */
#include <stdio.h>
#include <stdlib.h>

enum { SITES = 20, SIZE = 256, KEEP_MAX = 1 << 20 };

static void *kept[KEEP_MAX];
static size_t nkept;

typedef void *site_fn(size_t size);

/* A function of its own for each site; the barrier keeps the call from being
 * turned into a jump, which would hide the site from the stack. */
#define SITE(group, n)                                                         \
    __attribute__((noinline)) static void *group##_##n(size_t size)            \
    {                                                                          \
        void *p = malloc(size);                                                \
        __asm__ volatile("" : : "r"(p), "i"(__COUNTER__) : "memory");          \
        return p;                                                              \
    }
/* The formatter would move one of these lines at each of its runs. */
/* clang-format off */
#define TWENTY(X, g)                                                           \
    X(g, 0) X(g, 1) X(g, 2) X(g, 3) X(g, 4) X(g, 5) X(g, 6) X(g, 7) X(g, 8)    \
    X(g, 9) X(g, 10) X(g, 11) X(g, 12) X(g, 13) X(g, 14) X(g, 15) X(g, 16)     \
    X(g, 17) X(g, 18) X(g, 19)
/* clang-format on */
#define ENTRY(group, n) {#group "_" #n, group##_##n},

TWENTY(SITE, five)
TWENTY(SITE, many)
TWENTY(SITE, most)
TWENTY(SITE, huge)

static const struct {
    const char *name;
    site_fn *alloc;
} sites[] = {TWENTY(ENTRY, five) TWENTY(ENTRY, many) TWENTY(ENTRY, most)
                 TWENTY(ENTRY, huge)};

static void
use_site(unsigned i, size_t objects, size_t size)
{
    /* one call for both halves: a site is a stack, callers included; volatile,
     * or the compiler could write the call down more than once */
    for (volatile size_t n = 0; n < 2 * objects; n++) {
        void *p = sites[i].alloc(size);
        if (p == NULL || nkept == KEEP_MAX) {
            abort();
        }
        if (n % 2 == 0) {
            kept[nkept++] = p;
        } else {
            free(p);
        }
    }
    printf("%s %zu %zu %zu %zu\n", sites[i].name, objects, objects * size,
           2 * objects, 2 * objects * size);
}

int
main(int argc, char **argv)
{
    size_t interval = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (interval < SIZE) {
        fprintf(stderr, "usage: sites INTERVAL\n");
        return 2;
    }
    static const unsigned expected[] = {5, 25, 200};
    for (unsigned i = 0; i < 4 * SITES; i++) {
        if (i < 3 * SITES) {
            use_site(i, expected[i / SITES] * interval / SIZE, SIZE);
        } else {
            use_site(i, 1, 4 * interval);
        }
    }
    return 0;
}
