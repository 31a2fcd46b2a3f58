/* expect: jealloc: double free of 0x… (size class unknown) */
#include "jealloc.h"

int
main(void)
{
    void *p[2000];
    for (int i = 0; i < 2000; i++) {
        p[i] = jea_malloc(2048);
    }
    for (int i = 0; i < 2000; i++) {
        jea_free(p[i]);
    }
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    jea_free(p[1001]); /* its slab went back to the pages */
    return 0;
}
