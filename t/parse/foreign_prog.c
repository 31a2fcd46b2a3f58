/* Writes the statistics of whatever malloc it runs on, after a load that leaves
 * holes: the source of the dumps in valid/ that no one else published.
 *
 *     cc -O1 -pthread -rdynamic -o foreign_prog foreign_prog.c -ldl
 *     ./foreign_prog info >malloc_info.xml
 *     ./foreign_prog stats 2>malloc_stats.txt
 *     ./foreign_prog mallinfo >mallinfo2.txt
 *     LD_PRELOAD=libtcmalloc_minimal.so.4 ./foreign_prog tcmalloc >tcmalloc.txt
 *     LD_PRELOAD=libmimalloc.so.2.0 MIMALLOC_SHOW_STATS=1 MIMALLOC_VERBOSE=1 \
 *         ./foreign_prog none 2>mimalloc.txt */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 3, OBJECTS = 4000, LARGE = 300000 };

static void *objects[THREADS][OBJECTS];
static pthread_barrier_t barrier;

static void *
work(void *arg)
{
    void **mine = arg;
    unsigned seed = 1;

    for (int i = 0; i < OBJECTS; i++) {
        seed = seed * 1103515245 + 12345;
        mine[i] = malloc(16 + (seed >> 16) % 1200);
        memset(mine[i], 1, 16);
    }
    for (int i = 0; i < OBJECTS; i += 2)
        free(mine[i]);
    pthread_barrier_wait(&barrier); /* everything is as it shall be */
    pthread_barrier_wait(&barrier); /* and was written */
    return NULL;
}

static void
print_mallinfo(void)
{
    struct mallinfo2 m = mallinfo2();

    printf("Total non-mmapped bytes (arena):       %zu\n", m.arena);
    printf("# of free chunks (ordblks):            %zu\n", m.ordblks);
    printf("# of free fastbin blocks (smblks):     %zu\n", m.smblks);
    printf("# of mapped regions (hblks):           %zu\n", m.hblks);
    printf("Bytes in mapped regions (hblkhd):      %zu\n", m.hblkhd);
    printf("Free bytes held in fastbins (fsmblks): %zu\n", m.fsmblks);
    printf("Total allocated space (uordblks):      %zu\n", m.uordblks);
    printf("Total free space (fordblks):           %zu\n", m.fordblks);
    printf("Topmost releasable block (keepcost):   %zu\n", m.keepcost);
}

/* gperftools' C interface; a large buffer gets the tables of level 2. */
static void
print_tcmalloc(void)
{
    static char text[1 << 16];
    void (*get)(char *, int) = NULL;
    void *symbol = dlsym(RTLD_DEFAULT, "MallocExtension_GetStats");

    memcpy(&get, &symbol, sizeof(get));
    if (get == NULL)
        exit(1);
    get(text, sizeof(text));
    fputs(text, stdout);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "none";
    pthread_t threads[THREADS];
    void *large = malloc(LARGE);

    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, objects[i]);
    pthread_barrier_wait(&barrier);
    if (strcmp(what, "info") == 0)
        malloc_info(0, stdout);
    else if (strcmp(what, "stats") == 0)
        malloc_stats();
    else if (strcmp(what, "mallinfo") == 0)
        print_mallinfo();
    else if (strcmp(what, "tcmalloc") == 0)
        print_tcmalloc();
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    free(large);
    return 0;
}
