/* expect: jealloc: sized free of 0x… with size 200, which is not of its size
 * class 112 */
#include "jealloc.h"

int
main(void)
{
    jea_free_sized(jea_malloc(100), 200);
    return 0;
}
