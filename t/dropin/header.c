/*
 * What jemalloc/jemalloc.h promises, printed as facts: the same whichever
 * jemalloc's header this was compiled with, and whichever library it runs on.
 */
#include <jemalloc/jemalloc.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FACT(x) printf("%s = %lld\n", #x, (long long)(x))
#define SAME(f, ...)                                                           \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&f), __VA_ARGS__),  \
                   #f " has another type")
#define STRING_(x) #x
#define STRING(x)  STRING_(x)

SAME(malloc, void *(*)(size_t));
SAME(calloc, void *(*)(size_t, size_t));
SAME(posix_memalign, int (*)(void **, size_t, size_t));
SAME(aligned_alloc, void *(*)(size_t, size_t));
SAME(realloc, void *(*)(void *, size_t));
SAME(free, void (*)(void *));
SAME(memalign, void *(*)(size_t, size_t));
SAME(valloc, void *(*)(size_t));
SAME(malloc_usable_size, size_t (*)(void *));
SAME(mallocx, void *(*)(size_t, int));
SAME(rallocx, void *(*)(void *, size_t, int));
SAME(xallocx, size_t (*)(void *, size_t, size_t, int));
SAME(sallocx, size_t (*)(const void *, int));
SAME(dallocx, void (*)(void *, int));
SAME(sdallocx, void (*)(void *, size_t, int));
SAME(nallocx, size_t (*)(size_t, int));
SAME(mallctl, int (*)(const char *, void *, size_t *, void *, size_t));
SAME(mallctlnametomib, int (*)(const char *, size_t *, size_t *));
SAME(mallctlbymib,
     int (*)(const size_t *, size_t, void *, size_t *, void *, size_t));
SAME(malloc_stats_print,
     void (*)(void (*)(void *, const char *), void *, const char *));
SAME(malloc_message, void (**)(void *, const char *));
SAME(malloc_conf, const char **);

typedef extent_hooks_t hooks_t;
#define SAME_HOOK(name, ...)                                                   \
    _Static_assert(__builtin_types_compatible_p(                               \
                       __typeof__(((hooks_t *)0)->name), __VA_ARGS__),         \
                   #name " has another type")
SAME_HOOK(alloc, void *(*)(hooks_t *, void *, size_t, size_t, bool *, bool *,
                           unsigned));
SAME_HOOK(dalloc, bool (*)(hooks_t *, void *, size_t, bool, unsigned));
SAME_HOOK(destroy, void (*)(hooks_t *, void *, size_t, bool, unsigned));
SAME_HOOK(commit,
          bool (*)(hooks_t *, void *, size_t, size_t, size_t, unsigned));
SAME_HOOK(decommit,
          bool (*)(hooks_t *, void *, size_t, size_t, size_t, unsigned));
SAME_HOOK(purge_lazy,
          bool (*)(hooks_t *, void *, size_t, size_t, size_t, unsigned));
SAME_HOOK(purge_forced,
          bool (*)(hooks_t *, void *, size_t, size_t, size_t, unsigned));
SAME_HOOK(split,
          bool (*)(hooks_t *, void *, size_t, size_t, size_t, bool, unsigned));
SAME_HOOK(merge,
          bool (*)(hooks_t *, void *, size_t, void *, size_t, bool, unsigned));

static void
print_constants(void)
{
    volatile size_t unknown = 4096;
    FACT(sizeof(extent_hooks_t));
    FACT(offsetof(extent_hooks_t, alloc));
    FACT(offsetof(extent_hooks_t, dalloc));
    FACT(offsetof(extent_hooks_t, destroy));
    FACT(offsetof(extent_hooks_t, commit));
    FACT(offsetof(extent_hooks_t, decommit));
    FACT(offsetof(extent_hooks_t, purge_lazy));
    FACT(offsetof(extent_hooks_t, purge_forced));
    FACT(offsetof(extent_hooks_t, split));
    FACT(offsetof(extent_hooks_t, merge));
    for (int i = 0; i < 48; i++) {
        printf("MALLOCX_ALIGN(1 << %d) = %d, %d\n", i,
               MALLOCX_ALIGN((size_t)1 << i), MALLOCX_LG_ALIGN(i));
    }
    FACT(MALLOCX_ALIGN(unknown));
    FACT(MALLOCX_ZERO);
    for (int i = -1; i < 4096 - 2; i += 13) {
        printf("MALLOCX_TCACHE(%d) = %d\n", i, MALLOCX_TCACHE(i));
        printf("MALLOCX_ARENA(%d) = %d\n", i, MALLOCX_ARENA(i));
    }
    FACT(sizeof(MALLOCX_ARENA(1u)));
    FACT(MALLOCX_TCACHE_NONE);
    FACT(LG_SIZEOF_PTR);
    FACT(JEMALLOC_VERSION_MAJOR);
    FACT(JEMALLOC_VERSION_MINOR);
    FACT(JEMALLOC_VERSION_BUGFIX);
    FACT(JEMALLOC_VERSION_NREV);
    puts("all = " STRING(MALLCTL_ARENAS_ALL));
    puts("destroyed = " STRING(MALLCTL_ARENAS_DESTROYED));
    puts("name = arena." STRING(MALLCTL_ARENAS_ALL) ".purge");
}

/* Attributes of the header can be used by programs. */
JEMALLOC_EXPORT JEMALLOC_NOINLINE JEMALLOC_COLD int probe(void)
    JEMALLOC_ATTR(nothrow);

int
probe(void)
{
    static JEMALLOC_ALIGNED(64) char aligned[8];
    return (int)((uintptr_t)aligned % 64);
}

static void
print_calls(void)
{
    char *p = mallocx(100, MALLOCX_ALIGN(4096) | MALLOCX_ZERO);
    printf("aligned %d, zero %d\n", (int)((uintptr_t)p % 4096), p[99]);
    FACT(sallocx(p, 0) == nallocx(100, MALLOCX_ALIGN(4096)));
    FACT(malloc_usable_size(p) == sallocx(p, 0));
    memset(p, 1, sallocx(p, 0));
    p = rallocx(p, 100000, MALLOCX_TCACHE_NONE);
    FACT(p[99]);
    FACT(xallocx(p, 100000, 0, 0) >= 100000);
    sdallocx(p, 100000, MALLOCX_TCACHE_NONE);
    unsigned arena;
    size_t size = sizeof(arena);
    FACT(mallctl("arenas.create", &arena, &size, NULL, 0));
    p = mallocx(1000, MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE);
    unsigned found = 0;
    void *key = p;
    FACT(mallctl("arenas.lookup", &found, &size, &key, sizeof(key)));
    FACT(found == arena);
    dallocx(p, MALLOCX_TCACHE_NONE);
    size_t mib[8], length = 8;
    FACT(mallctlnametomib("arena." STRING(MALLCTL_ARENAS_ALL) ".purge", mib,
                          &length));
    FACT(mib[1]);
    FACT(mallctlbymib(mib, length, NULL, NULL, NULL, 0));
    void *q = NULL;
    FACT(posix_memalign(&q, 256, 10));
    free(q);
    free(memalign(64, 1));
    free(valloc(1));
    free(aligned_alloc(64, 64));
    free(realloc(calloc(3, 5), 50));
}

int
main(int argc, char **argv)
{
    const char *version = "?";
    size_t size = sizeof(version);
    if (argc > 1 && strcmp(argv[1], "version") == 0) {
        (void)mallctl("version", &version, &size, NULL, 0);
        puts(version);
        return strcmp(version, JEMALLOC_VERSION) != 0;
    }
    print_constants();
    print_calls();
    FACT(probe());
    return 0;
}
