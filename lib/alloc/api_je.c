/*
 * Public entry points beyond libc's basic family, under their jea_ names: one
 * line each, so that the modules behind them keep no public name.
 */
#include "jealloc.h"

#include <errno.h>

#include "alloc/ctl.h"
#include "alloc/deferred.h"
#include "alloc/label.h"
#include "alloc/mallinfo.h"
#include "alloc/malloc.h"
#include "alloc/mallocx.h"
#include "alloc/prof_dump.h"
#include "alloc/stats.h"

int
jea_malloc_trim(size_t pad)
{
    return je_malloc_trim(pad);
}

int
jea_mallopt(int parameter, int value)
{
    return je_mallopt(parameter, value);
}

int
jea_malloc_info(int options, FILE *out)
{
    return je_malloc_info(options, out);
}

void
jea_malloc_stats(void)
{
    je_malloc_stats();
}

struct jea_mallinfo
jea_mallinfo(void)
{
    return je_mallinfo();
}

struct jea_mallinfo2
jea_mallinfo2(void)
{
    return je_mallinfo2();
}

void *
jea_mallocx(size_t size, int flags)
{
    return je_mallocx(size, flags);
}

void *
jea_rallocx(void *p, size_t size, int flags)
{
    return je_rallocx(p, size, flags);
}

size_t
jea_xallocx(void *p, size_t size, size_t extra, int flags)
{
    return je_xallocx(p, size, extra, flags);
}

size_t
jea_sallocx(const void *p, int flags)
{
    return je_sallocx(p, flags);
}

void
jea_dallocx(void *p, int flags)
{
    je_dallocx(p, flags);
}

void
jea_sdallocx(void *p, size_t size, int flags)
{
    je_sdallocx(p, size, flags);
}

size_t
jea_nallocx(size_t size, int flags)
{
    return je_nallocx(size, flags);
}

int
jea_mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp,
            size_t newlen)
{
    return je_mallctl(name, oldp, oldlenp, newp, newlen);
}

int
jea_mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp)
{
    return je_mallctlnametomib(name, mibp, miblenp);
}

int
jea_mallctlbymib(const size_t *mib, size_t miblen, void *oldp, size_t *oldlenp,
                 void *newp, size_t newlen)
{
    return je_mallctlbymib(mib, miblen, oldp, oldlenp, newp, newlen);
}

void
jea_malloc_stats_print(void (*write_cb)(void *, const char *), void *opaque,
                       const char *opts)
{
    je_stats_print(write_cb, opaque, opts);
}

unsigned
jea_label(const char *name)
{
    int error = ENOMEM;
    unsigned label = je_boot() ? label_number(name, &error) : 0;
    if (label == 0 && error != 0) {
        errno = error;
    }
    return label;
}

unsigned
jea_label_swap(unsigned label)
{
    return je_boot() ? label_swap(label) : 0;
}

unsigned
jea_label_set(const char *name)
{
    return jea_label_swap(jea_label(name));
}

const char *
jea_label_name(unsigned label)
{
    return label_name(label);
}

bool
jea_label_figures(unsigned label, struct jea_label_figures *out)
{
    label_stats_t s;
    if (label_name(label) == NULL) {
        return false;
    }
    label_stats(label, &s);
    *out = (struct jea_label_figures){
        .live_bytes = label_live(s.allocated, s.deallocated),
        .live_objects = label_live(s.nmalloc, s.ndalloc),
        .total_bytes = s.allocated,
        .total_objects = s.nmalloc,
    };
    return true;
}

void
jea_free_deferred(void *p)
{
    if (p != NULL) {
        deferred_free(p);
    }
}

int
jea_dump(const char *path)
{
    return je_dump(path, "request");
}
