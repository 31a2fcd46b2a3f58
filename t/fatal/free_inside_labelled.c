/* expect: jealloc: free of 0x…, which is inside a block of 96 bytes */
#include "jealloc.h"

int
main(void)
{
    (void)jea_label_set("owner");
    char *p = jea_malloc(96);
    jea_free(p + 16);
    return 0;
}
