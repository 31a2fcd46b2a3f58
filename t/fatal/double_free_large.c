/* expect: jealloc: double free of 0x… (size class 114688) */
#include "jealloc.h"

int
main(void)
{
    void *p = jea_malloc(100000);
    jea_free(p);
    jea_free(p);
    return 0;
}
