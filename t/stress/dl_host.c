/*
 * Part of dlopen.t: opens the allocator when threads already run, closes it,
 * and opens and closes a plugin that uses it, many times.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 30 };

static pthread_barrier_t opened;
static void *(*p_malloc)(size_t);
static void (*p_free)(void *);

#define check(cond)                                                            \
    do {                                                                       \
        if (!(cond)) {                                                         \
            const char *why = dlerror();                                       \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #cond,              \
                    why != NULL ? why : "");                                   \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

static void *
from_before(void *unused)
{
    (void)pthread_barrier_wait(&opened); /* the allocator is there now */
    for (size_t i = 0; i < 5000; i++) {
        p_free(p_malloc(i));
    }
    return unused;
}

static void *
run_plugin(void *run)
{
    int (*fn)(void);
    *(void **)&fn = run;
    return fn() == 0 ? NULL : run;
}

static void
use_plugin(const char *path)
{
    pthread_t t;
    void *failed, *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    check(lib != NULL);
    void *run = dlsym(lib, "plugin_run");
    check(run != NULL && run_plugin(run) == NULL);
    check(pthread_create(&t, NULL, run_plugin, run) == 0);
    (void)pthread_join(t, &failed);
    check(failed == NULL);
    check(dlclose(lib) == 0);
}

int
main(int argc, char **argv)
{
    pthread_t t[THREADS];
    check(argc == 3);
    (void)pthread_barrier_init(&opened, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        check(pthread_create(&t[i], NULL, from_before, NULL) == 0);
    }
    void *lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    check(lib != NULL);
    *(void **)&p_malloc = dlsym(lib, "jea_malloc");
    *(void **)&p_free = dlsym(lib, "jea_free");
    check(p_malloc != NULL && p_free != NULL);
    void *kept = p_malloc(100);
    (void)pthread_barrier_wait(&opened);
    check(dlclose(lib) == 0); /* threads end only now, with its hook armed */
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(t[i], NULL);
    }
    p_free(kept);
    for (int i = 0; i < ROUNDS; i++) {
        use_plugin(argv[2]);
    }
    puts("survived");
    return 0;
}
