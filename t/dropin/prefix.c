/*
 * A library whose names begin with je_ beside the libc that the program has.
 */
#include <jemalloc/jemalloc.h>

#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

const char *je_malloc_conf = "narenas:3,nonsense:1";

/* Does the library know the block? */
static int
is_known(void *p)
{
    unsigned arena;
    size_t size = sizeof(arena);
    return je_mallctl("arenas.lookup", &arena, &size, &p, sizeof(p)) == 0;
}

int
main(void)
{
    Dl_info info;
    void *p = malloc(1000), *q = je_malloc(1000);
    printf("malloc %d, je_malloc %d\n", is_known(p), is_known(q));
    printf("malloc is of %s\n",
           dladdr((void *)&free, &info) && strstr(info.dli_fname, "libc.so")
               ? "libc"
               : info.dli_fname);
    free(p);
    p = je_mallocx(5000, MALLOCX_ALIGN(4096));
    printf("%d %d\n", (int)((uintptr_t)p % 4096), is_known(p));
    je_dallocx(p, 0);
    je_free(je_realloc(q, 100));
    unsigned n = 0;
    size_t size = sizeof(n);
    je_mallctl("opt.narenas", &n, &size, NULL, 0);
    printf("narenas %u\n", n);
    return 0;
}
