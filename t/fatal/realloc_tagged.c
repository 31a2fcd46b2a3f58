/* expect: jealloc: free of 0x…, which was not allocated here */
#include "jealloc.h"

#include <stdint.h>

int
main(void)
{
    char *p = jea_malloc(40);
    void *q = jea_realloc((void *)((uintptr_t)p + (0x80ull << 56)), 4000);
    return q == 0;
}
