/* expect: jealloc: free of 0x…, which was not allocated here */
#include "jealloc.h"

#include <stdint.h>

int
main(void)
{
    char *p = jea_malloc(40);
    jea_free(p + (1ull << 48));
    return 0;
}
