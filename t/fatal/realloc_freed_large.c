/* expect: jealloc: double free of 0x… (size class 1048576) */
#include "jealloc.h"

int
main(void)
{
    void *p = jea_malloc(1048576);
    jea_free(p);
    return jea_realloc(p, 100) == NULL;
}
