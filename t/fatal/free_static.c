/* expect: jealloc: free of 0x…, which was not allocated here */
#include "jealloc.h"

static char text[4096];

int
main(void)
{
    jea_free(jea_malloc(1));
    jea_free(text + 64);
    return 0;
}
