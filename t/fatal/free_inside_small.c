/* expect: jealloc: free of 0x…, which is inside a block of 64 bytes */
#include "jealloc.h"

int
main(void)
{
    char *p = jea_malloc(64);
    jea_free(p + 16);
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    return 0;
}
