/* expect: jealloc: double free of 0x… (size class 20480) */
#include "jealloc.h"

int
main(void)
{
    void *p = jea_malloc(20000);
    jea_free(p);
    jea_free(p); /* both copies lie in the thread's cache */
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    return 0;
}
