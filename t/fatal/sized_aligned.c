/* expect: jealloc: sized free of 0x… with size 100, which is not of its size
 * class 256 */
#include "jealloc.h"

int
main(void)
{
    jea_free_aligned_sized(jea_aligned_alloc(256, 100), 16, 100);
    return 0;
}
