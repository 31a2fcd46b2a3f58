/* expect: jealloc: free of 0x…, which is inside a block of 1048576 bytes */
#include "jealloc.h"

int
main(void)
{
    char *p = jea_malloc(1048576);
    jea_free(p + 64);
    return 0;
}
