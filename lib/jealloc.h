/*
 * jealloc: the public interface of the allocator. See jealloc(3).
 *
 * All names begin with jea_. The preload object offers the same functions under
 * libc's and jemalloc's names, too.
 */
#ifndef JEALLOC_H
#define JEALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    define JEA_PUBLIC      __attribute__((visibility("default")))
#    define JEA_RESULT      __attribute__((warn_unused_result))
#    define JEA_SIZE(n)     __attribute__((alloc_size(n)))
#    define JEA_SIZE2(n, m) __attribute__((alloc_size(n, m)))
#    define JEA_FRESH       __attribute__((malloc))
#else
#    define JEA_PUBLIC
#    define JEA_RESULT
#    define JEA_SIZE(n)
#    define JEA_SIZE2(n, m)
#    define JEA_FRESH
#endif

/* ---- as in libc -------------------------------------------------------- */

JEA_PUBLIC JEA_RESULT JEA_FRESH JEA_SIZE(1) void *jea_malloc(size_t size);
JEA_PUBLIC JEA_RESULT JEA_FRESH JEA_SIZE2(1, 2) void *jea_calloc(size_t count,
                                                                 size_t size);
JEA_PUBLIC JEA_RESULT JEA_SIZE(2) void *jea_realloc(void *p, size_t size);
JEA_PUBLIC JEA_RESULT JEA_SIZE2(2, 3) void *jea_reallocarray(void *p,
                                                             size_t count,
                                                             size_t size);
JEA_PUBLIC void jea_free(void *p);
JEA_PUBLIC void jea_free_sized(void *p, size_t size);
JEA_PUBLIC void jea_free_aligned_sized(void *p, size_t alignment, size_t size);
JEA_PUBLIC int jea_posix_memalign(void **p, size_t alignment, size_t size);
JEA_PUBLIC JEA_RESULT JEA_FRESH
    JEA_SIZE(2) void *jea_aligned_alloc(size_t alignment, size_t size);
JEA_PUBLIC JEA_RESULT JEA_FRESH JEA_SIZE(2) void *jea_memalign(size_t alignment,
                                                               size_t size);
JEA_PUBLIC JEA_RESULT JEA_FRESH JEA_SIZE(1) void *jea_valloc(size_t size);
JEA_PUBLIC JEA_RESULT JEA_FRESH JEA_SIZE(1) void *jea_pvalloc(size_t size);
JEA_PUBLIC size_t jea_malloc_usable_size(const void *p);
JEA_PUBLIC int jea_malloc_trim(size_t pad);
JEA_PUBLIC int jea_mallopt(int parameter, int value);
JEA_PUBLIC int jea_malloc_info(int options, FILE *out);
JEA_PUBLIC void jea_malloc_stats(void);

/* Same members as libc's struct mallinfo and struct mallinfo2. */
struct jea_mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks,
        fordblks, keepcost;
};

struct jea_mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks,
        fordblks, keepcost;
};
JEA_PUBLIC struct jea_mallinfo jea_mallinfo(void);
JEA_PUBLIC struct jea_mallinfo2 jea_mallinfo2(void);

/* ---- as in jemalloc ---------------------------------------------------- */

#define JEA_LG_ALIGN(la) ((int)(la))
#define JEA_ALIGN(a)     ((int)__builtin_ctzll((unsigned long long)(a)))
#define JEA_ZERO         ((int)0x40)
#define JEA_TCACHE(t)    ((int)(((t) + 2) << 8))
#define JEA_TCACHE_NONE  JEA_TCACHE(-1)
#define JEA_ARENA(a)     ((int)((((unsigned)(a)) + 1) << 20))

JEA_PUBLIC JEA_RESULT JEA_FRESH JEA_SIZE(1) void *jea_mallocx(size_t size,
                                                              int flags);
JEA_PUBLIC JEA_RESULT JEA_SIZE(2) void *jea_rallocx(void *p, size_t size,
                                                    int flags);
JEA_PUBLIC size_t jea_xallocx(void *p, size_t size, size_t extra, int flags);
JEA_PUBLIC size_t jea_sallocx(const void *p, int flags);
JEA_PUBLIC void jea_dallocx(void *p, int flags);
JEA_PUBLIC void jea_sdallocx(void *p, size_t size, int flags);
JEA_PUBLIC size_t jea_nallocx(size_t size, int flags);
JEA_PUBLIC int jea_mallctl(const char *name, void *oldp, size_t *oldlenp,
                           void *newp, size_t newlen);
JEA_PUBLIC int jea_mallctlnametomib(const char *name, size_t *mibp,
                                    size_t *miblenp);
JEA_PUBLIC int jea_mallctlbymib(const size_t *mib, size_t miblen, void *oldp,
                                size_t *oldlenp, void *newp, size_t newlen);
JEA_PUBLIC void jea_malloc_stats_print(void (*write_cb)(void *, const char *),
                                       void *opaque, const char *opts);

/* Where an arena has its pages from: see jealloc(3), EXTENT HOOKS. All but
 * alloc may be NULL, which refuses; a bool result is true when it was refused.
 */
typedef struct jea_extent_hooks jea_extent_hooks_t;

struct jea_extent_hooks {
    void *(*alloc)(jea_extent_hooks_t *hooks, void *new_addr, size_t size,
                   size_t alignment, bool *zero, bool *commit, unsigned arena);
    bool (*dalloc)(jea_extent_hooks_t *hooks, void *addr, size_t size,
                   bool committed, unsigned arena);
    void (*destroy)(jea_extent_hooks_t *hooks, void *addr, size_t size,
                    bool committed, unsigned arena);
    bool (*commit)(jea_extent_hooks_t *hooks, void *addr, size_t size,
                   size_t offset, size_t length, unsigned arena);
    bool (*decommit)(jea_extent_hooks_t *hooks, void *addr, size_t size,
                     size_t offset, size_t length, unsigned arena);
    bool (*purge_lazy)(jea_extent_hooks_t *hooks, void *addr, size_t size,
                       size_t offset, size_t length, unsigned arena);
    bool (*purge_forced)(jea_extent_hooks_t *hooks, void *addr, size_t size,
                         size_t offset, size_t length, unsigned arena);
    bool (*split)(jea_extent_hooks_t *hooks, void *addr, size_t size,
                  size_t size_a, size_t size_b, bool committed, unsigned arena);
    bool (*merge)(jea_extent_hooks_t *hooks, void *addr_a, size_t size_a,
                  void *addr_b, size_t size_b, bool committed, unsigned arena);
};

/* ---- owner labels ------------------------------------------------------ */

/* Whom objects belong to, counted exactly. What a thread allocates while it
 * has a label carries it until it is freed or moved by realloc, whichever
 * thread does that. Labels are numbers from 1 on; 0 is none. */

/* The number of a name of at most 255 bytes, new or not; 0 for NULL, for "",
 * and on failure, with errno ENAMETOOLONG, ENOMEM, or ENOSPC when there are
 * 65,535. Numbers are valid for ever. */
JEA_PUBLIC unsigned jea_label(const char *name);
/* Give this thread a label by number or name; returns the one it had, to be
 * put back by jea_label_swap(). On failure it has none. */
JEA_PUBLIC unsigned jea_label_swap(unsigned label);
JEA_PUBLIC unsigned jea_label_set(const char *name);
/* NULL if the number stands for no label. */
JEA_PUBLIC const char *jea_label_name(unsigned label);

/* Objects, and their bytes of usable size. */
struct jea_label_figures {
    uint64_t live_bytes, live_objects;
    uint64_t total_bytes, total_objects; /* since the start */
};

/* false: there is no such label. */
JEA_PUBLIC bool jea_label_figures(unsigned label,
                                  struct jea_label_figures *out);

/* ---- deferred free ----------------------------------------------------- */

/* As free(), but an object of 64 KiB or more waits for a helper thread to give
 * it back; at most 1,024 wait. What waits still counts as allocated. */
JEA_PUBLIC void jea_free_deferred(void *p);

/* ---- its own ----------------------------------------------------------- */

/* Write a dump (jeprobe-dump(5)) to `path`, or to the name that the option
 * dump_path makes when it is NULL. Returns 0, or the errno of the failure,
 * which has been reported on stderr. */
JEA_PUBLIC int jea_dump(const char *path);

#ifdef __cplusplus
}
#endif

#endif
