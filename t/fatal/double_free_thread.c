/* expect: jealloc: double free of 0x… (size class 112) */
#include <pthread.h>

#include "jealloc.h"

static void *
run(void *p)
{
    return jea_free(p), NULL; /* the end of a thread flushes its cache */
}

int
main(void)
{
    void *p = jea_malloc(100);
    pthread_t t;
    for (int i = 0; i < 2 && pthread_create(&t, NULL, run, p) == 0; i++) {
        (void)pthread_join(t, NULL);
    }
}
