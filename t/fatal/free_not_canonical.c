/* expect: jealloc: free of 0x…, which was not allocated here */
#include "jealloc.h"

int
main(void)
{
    jea_dallocx((void *)0xdeadbeefdeadbeef, JEA_TCACHE_NONE);
    return 0;
}
