/* Wastes memory in the way that its argument names, and waits to be looked at:
 * the source of t/rules/RULE/fires-real.
 *
 *     cc -O1 -pthread -o wasteful wasteful.c */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, THREADS = 16, SECONDS = 4 };

static pthread_barrier_t barrier;

static void *
touched(size_t size)
{
    void *object = malloc(size);

    memset(object, 1, size);
    return object;
}

/* `count` objects of `size`, of which each `keep`th stays (0 = none). */
static void
leave(size_t count, size_t size, size_t keep)
{
    void **objects = calloc(count, sizeof(*objects));

    for (size_t i = 0; i < count; i++)
        objects[i] = touched(size);
    for (size_t i = 0; i < count; i++) {
        if (keep == 0 || i % keep != keep - 1)
            free(objects[i]);
    }
    free(objects);
}

static void *
wait_after_work(void *arg)
{
    (void)arg;
    leave(8000, 1000, 16);
    pthread_barrier_wait(&barrier);
    sleep(2 * SECONDS);
    return NULL;
}

static void *
end_after_work(void *arg)
{
    (void)arg;
    leave(8000, 1000, 16);
    return NULL;
}

/* Sizes of many classes, so that the thread's caches fill. */
static void *
cache_and_wait(void *arg)
{
    (void)arg;
    for (size_t size = 64; size <= 8192; size += size / 8)
        leave(64, size, 0);
    pthread_barrier_wait(&barrier);
    sleep(2 * SECONDS);
    return NULL;
}

static void
threads(void *(*work)(void *), int count, int has_barrier)
{
    pthread_t thread[256];

    pthread_barrier_init(&barrier, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    if (has_barrier)
        pthread_barrier_wait(&barrier);
    for (int i = 0; i < count && !has_barrier; i++)
        pthread_join(thread[i], NULL);
}

/* Large blocks are mapped at first; freeing them raises the threshold, and the
 * next ones come from the heap, below one that stays. */
static void
mapped(void)
{
    void *blocks[48];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 48; i++)
            blocks[i] = touched(MIB);
        touched(100);
        for (int i = 0; i < 48; i++)
            free(blocks[i]);
    }
    malloc_stats();
}

int
main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";

    if (strcmp(way, "arenas") == 0) {
        threads(wait_after_work, THREADS, 1);
    } else if (strcmp(way, "untrimmed") == 0) {
        leave(60000, 1000, 60000);
    } else if (strcmp(way, "fastbins") == 0) {
        leave(1500000, 24, 0);
    } else if (strcmp(way, "mapped") == 0) {
        mapped();
    } else if (strcmp(way, "pages") == 0) {
        leave(64, MIB, 0);
    } else if (strcmp(way, "spans") == 0) {
        leave(400000, 256, 16);
    } else if (strcmp(way, "caches") == 0) {
        threads(cache_and_wait, 64, 1);
    } else if (strcmp(way, "abandoned") == 0) {
        threads(end_after_work, THREADS, 0);
    } else {
        fprintf(stderr, "wasteful: which way?\n");
        return 1;
    }
    sleep(SECONDS);
    return 0;
}
