/*
 * What the allocator does under the options that it was started with:
 * t/options/effect WHAT prints facts for the test to compare.
 */
#include "base/macros.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/bin.h"
#include "alloc/malloc.h"
#include "alloc/sz.h"
#include "jealloc.h"

static size_t
read_size(const char *name)
{
    size_t value = 0, len = sizeof(value);
    if (jea_mallctl(name, &value, &len, NULL, 0) != 0) {
        fprintf(stderr, "%s: not readable\n", name);
        exit(1);
    }
    return value;
}

static uint32_t
read_u32(const char *name)
{
    uint32_t value = 0;
    size_t len = sizeof(value);
    if (jea_mallctl(name, &value, &len, NULL, 0) != 0) {
        fprintf(stderr, "%s: not readable\n", name);
        exit(1);
    }
    return value;
}

/* A line for each small class: size, bytes of a slab, regions; after using
 * every region of two slabs. */
static void
slabs(void)
{
    static void *p[2 * SC_MAX_REGIONS + 1];
    for (unsigned i = 0; i < SC_NBINS; i++) {
        char name[64];
        snprintf(name, sizeof(name), "arenas.bin.%u.size", i);
        size_t size = read_size(name);
        snprintf(name, sizeof(name), "arenas.bin.%u.nregs", i);
        unsigned nregs = read_u32(name);
        snprintf(name, sizeof(name), "arenas.bin.%u.slab_size", i);
        printf("%zu %zu %u\n", size, read_size(name), nregs);
        for (unsigned k = 0; k <= 2 * nregs; k++) {
            p[k] = jea_malloc(size);
            memset(p[k], (int)k, size);
        }
        for (unsigned k = 0; k <= 2 * nregs; k++) {
            unsigned char *bytes = p[k];
            if (bytes[0] != (unsigned char)k ||
                bytes[size - 1] != (unsigned char)k) {
                printf("overlap at %u of %zu\n", k, size);
            }
            jea_free(p[k]);
        }
    }
}

/* Free what lies behind the last region of a slab of one page. */
static void
rest(void)
{
    size_t used = bin_infos[sz_index(96)].nregs * (size_t)96;
    uintptr_t page = (uintptr_t)jea_malloc(96) & ~OS_PAGE_MASK;
    jea_free((void *)(page + used));
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
}

static const struct {
    const char *name;
    void (*show)(void);
} shows[] = {
    {"rest", rest},
    {"slabs", slabs},
};

int
main(int argc, char **argv)
{
    jea_free(jea_malloc(1));
    for (size_t i = 0; i < JE_ARRAY_LEN(shows); i++) {
        if (argc > 1 && strcmp(argv[1], shows[i].name) == 0) {
            shows[i].show();
            return 0;
        }
    }
    return 2;
}
