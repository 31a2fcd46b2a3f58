/* expect: jealloc: free of 0x…, which was not allocated here */
#include "jealloc.h"

int
main(void)
{
    int here = 0;
    jea_free(&here);
    return here;
}
