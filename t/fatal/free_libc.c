/* expect: jealloc: free of 0x…, which was not allocated here */
#include <stdlib.h>

#include "jealloc.h"

int
main(void)
{
    jea_free(malloc(100));
    return 0;
}
