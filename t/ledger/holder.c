/*
 * A program with every line of the ledger: objects, holes in slabs and pages of
 * them that were given back, thread caches, dirty pages, large buffers never
 * touched, memory beside the heap. Creates the file named by its argument when
 * it is ready, then waits.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern int mallctl(const char *name, void *old, size_t *old_size, void *value,
                   size_t size) __attribute__((weak));

enum { OBJECTS = 200000, BUFFERS = 40, BESIDE = 6 << 20 };

static void *objects[OBJECTS];
static pthread_barrier_t built;

static void *
build(void *arg)
{
    for (size_t i = (size_t)arg; i < OBJECTS; i += 2) {
        size_t size = 16 + (i * 7919) % 900;
        objects[i] = malloc(size);
        memset(objects[i], 1, size);
    }
    pthread_barrier_wait(&built);
    for (size_t i = (size_t)arg; i < OBJECTS; i += 2) {
        if (i % 10 != 0) {
            free(objects[i]);
        }
    }
    pthread_barrier_wait(&built);
    for (;;) {
        pause();
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    pthread_t thread[2];
    if (argc != 2 || pthread_barrier_init(&built, NULL, 3) != 0) {
        return 2;
    }
    for (size_t i = 0; i < 2; i++) {
        if (pthread_create(&thread[i], NULL, build, (void *)i) != 0) {
            return 2;
        }
    }
    void *beside = mmap(NULL, BESIDE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (beside == MAP_FAILED) {
        return 2;
    }
    memset(beside, 1, BESIDE);
    pthread_barrier_wait(&built);
    pthread_barrier_wait(&built);
    /* free pages of slabs go, and the buffers' dirty ones come after */
    if (mallctl != NULL &&
        mallctl("arena.4096.purge", NULL, NULL, NULL, 0) != 0) {
        return 2;
    }
    for (size_t i = 0; i < BUFFERS; i++) {
        size_t size = (size_t)(i + 1) << 16;
        char *p = malloc(size);
        memset(p, 1, i % 2 == 0 ? size : size / 2);
        if (i % 3 == 0) {
            free(p);
        }
    }
    int fd = open(argv[1], O_CREAT | O_WRONLY, 0600);
    if (fd < 0) {
        return 2;
    }
    close(fd);
    for (;;) {
        pause(); /* signals end it */
    }
    return 0;
}
