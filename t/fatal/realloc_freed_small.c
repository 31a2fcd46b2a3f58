/* expect: jealloc: double free of 0x… (size class 48) */
#include "jealloc.h"

int
main(void)
{
    void *p = jea_malloc(40);
    jea_free(p);
    void *q = jea_realloc(p, 4000);
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    return q == NULL;
}
