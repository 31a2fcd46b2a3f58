/* expect: jealloc: free of 0x…, which was not allocated here */
#include "jealloc.h"

int
main(void)
{
    jea_free((void *)16);
    return 0;
}
