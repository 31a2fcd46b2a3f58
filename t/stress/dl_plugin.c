/* Part of dlopen.t: allocates when loaded, per thread, and when unloaded. */
#include <pthread.h>
#include <stdlib.h>

#include "jealloc.h"

int plugin_run(void);

static void *mine;
static __thread void *per_thread;
static pthread_key_t key;

__attribute__((constructor)) static void
load(void)
{
    mine = jea_malloc(5000);
    if (mine == NULL || pthread_key_create(&key, jea_free) != 0) {
        abort();
    }
}

__attribute__((destructor)) static void
unload(void)
{
    (void)pthread_key_delete(key);
    jea_free(mine);
}

int
plugin_run(void)
{
    for (int i = 0; i < 1000; i++) {
        jea_free(per_thread);
        per_thread = jea_malloc((size_t)i * 7);
    }
    jea_free(per_thread);
    per_thread = NULL;
    return pthread_setspecific(key, jea_malloc(777));
}
