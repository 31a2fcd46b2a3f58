/*
 * arenas: statistics as large as they get.
 *
 *   MALLOC_CONF=narenas:2048 LD_PRELOAD=libjemalloc.so.2 \
 *       arenas [ARENAS [OPTIONS]]
 *
 * A host with hundreds of processors, or a program that makes an arena for
 * each of its parts, prints statistics of many megabytes. This program puts
 * objects of many sizes into each of ARENAS arenas (default: as many as there
 * are), frees some of them, and prints what malloc_stats_print() says with
 * OPTIONS: none for text, J for JSON. Under an allocator without mallocx() it
 * says so and ends with status 77.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS = 48 };

typedef void *allocate_t(size_t size, int flags);
typedef void release_t(void *object, int flags);
typedef int ctl_t(const char *name, void *old, size_t *old_size, void *new,
                  size_t new_size);
typedef void write_t(void *opaque, const char *text);
typedef void print_t(write_t *write, void *opaque, const char *options);

static allocate_t *allocate;
static release_t *release;
static ctl_t *ctl;
static print_t *print;

/* As in jemalloc's manual: no thread cache, arena `index`. */
static int
flags_of(unsigned index)
{
    return (int)((index + 1) << 20 | 1u << 8);
}

/* xorshift64: the same numbers in every run. */
static uint64_t
random_next(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Mostly small, with one in eight of up to 256 KiB. */
static size_t
size_next(void)
{
    uint64_t r = random_next();
    unsigned bits = (r & 7) == 0 ? 14 + (r >> 3) % 4 : 4 + (r >> 3) % 9;

    return ((size_t)1 << bits) + (size_t)(r >> 8) % ((size_t)1 << bits);
}

static bool
arena_fill(unsigned index)
{
    void *objects[OBJECTS];
    int flags = flags_of(index);

    for (int i = 0; i < OBJECTS; i++) {
        size_t size = size_next();

        objects[i] = allocate(size, flags);
        if (objects[i] == NULL)
            return false;
        memset(objects[i], i, size < 64 ? size : 64);
    }
    for (int i = 0; i < OBJECTS; i++) {
        if ((random_next() & 1) != 0)
            release(objects[i], flags);
    }
    return true;
}

static void
write_out(void *opaque, const char *text)
{
    fputs(text, opaque);
}

/* Functions by way of an object pointer, as dlsym() has it. */
#define LOOK_UP(function, name)                                                \
    do {                                                                       \
        void *found = dlsym(RTLD_DEFAULT, name);                               \
        memcpy(&(function), &found, sizeof(found));                            \
    } while (0)

int
main(int argc, char **argv)
{
    unsigned count = 0, most;
    size_t size = sizeof(count);

    LOOK_UP(allocate, "mallocx");
    LOOK_UP(release, "dallocx");
    LOOK_UP(ctl, "mallctl");
    LOOK_UP(print, "malloc_stats_print");
    if (allocate == NULL || release == NULL || ctl == NULL || print == NULL ||
        ctl("opt.narenas", &count, &size, NULL, 0) != 0) {
        fprintf(stderr, "arenas: this allocator has no mallocx()\n");
        return 77;
    }
    most = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : count;
    for (unsigned i = 0; i < most && i < count; i++) {
        if (!arena_fill(i)) {
            fprintf(stderr, "arenas: no memory in arena %u\n", i);
            return 1;
        }
    }
    print(write_out, stdout, argc > 2 ? argv[2] : NULL);
    return fflush(stdout) == 0 ? 0 : 1;
}
