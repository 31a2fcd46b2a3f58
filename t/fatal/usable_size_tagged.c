/* expect: jealloc: free of 0x…, which was not allocated here */
#include "jealloc.h"

#include <stdint.h>

int
main(void)
{
    char *p = jea_malloc(40);
    return jea_malloc_usable_size((void *)((uintptr_t)p + (0xb4ull << 56))) ==
           0;
}
