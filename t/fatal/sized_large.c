/* expect: jealloc: sized free of 0x… with size 100, which is not of its size
 * class 1048576 */
#include "jealloc.h"

int
main(void)
{
    jea_free_sized(jea_malloc(1000000), 100);
    return 0;
}
