/* expect: jealloc: double free of 0x… (size class 20480) */
#include "jealloc.h"

int
main(void)
{
    void *p = jea_malloc(20000);
    jea_free(p);
    jea_free(p);
    return 0;
}
