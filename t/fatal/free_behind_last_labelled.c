/* expect: jealloc: free of 0x…, which is inside a block of 96 bytes */
#include <stdint.h>

#include "jealloc.h"

const char *malloc_conf = "slab_sizes:96-96:1";

/* 42 objects fill 4032 bytes of a page; what is left of it is none. */
int
main(void)
{
    (void)jea_label_set("owner");
    uintptr_t page = (uintptr_t)jea_malloc(96) & ~(uintptr_t)4095;
    jea_free((void *)(page + 42 * 96));
    return 0;
}
