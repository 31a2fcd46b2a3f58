/*
 * labels: services that say whom their memory is for.
 *
 *   labels [SCALE]      default 1; the number of objects is multiplied by it
 *
 *   service:gate      20,000 objects of 48 bytes      all are kept
 *   service:chat      12,000 objects of 64 to 1,023   every third is freed
 *   service:map            6 objects of 1 MiB         one is freed
 *   service:login     30,000 objects of 200 bytes     all are freed
 *   (no label)         5,000 objects of 512 bytes     all are kept
 *
 * What is freed is freed by another thread, which has a label of its own: it
 * must not matter. Under an allocator without labels the same is done without.
 *
 * The program prints the same as numbers, so that a report of it can be
 * compared with the truth: name, objects alive, their usable bytes, objects
 * and usable bytes since the start.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

typedef struct service {
    const char *label; /* NULL = none */
    long count;
    size_t least;
    size_t spread; /* sizes are below least + spread */
    long every;    /* one in so many is freed; 0 = none */
    char **objects;
    long live_objects;
    long total_objects;
    size_t live_bytes;
    size_t total_bytes;
} service_t;

static service_t services[] = {
    {.label = "service:gate", .count = 20000, .least = 48, .spread = 1},
    {.label = "service:chat",
     .count = 12000,
     .least = 64,
     .spread = 960,
     .every = 3},
    {.label = "service:map",
     .count = 6,
     .least = (size_t)1 << 20,
     .spread = 1,
     .every = 6},
    {.label = "service:login",
     .count = 30000,
     .least = 200,
     .spread = 1,
     .every = 1},
    {.label = NULL, .count = 5000, .least = 512, .spread = 1},
};

enum { SERVICES = sizeof(services) / sizeof(services[0]) };

/* Give the thread a label. */
static void
label_set(const char *label)
{
    static unsigned (*set)(const char *);
    static int is_looked_up;
    if (!is_looked_up) {
        void *found = dlsym(RTLD_DEFAULT, "jea_label_set");
        memcpy(&set, &found, sizeof(set));
        is_looked_up = 1;
    }
    if (set != NULL)
        set(label);
}

static void *
must(void *p)
{
    if (p == NULL) {
        fputs("labels: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

NOINLINE static char *
object_new(service_t *service, long i)
{
    size_t size = service->least + (size_t)(i * 37) % service->spread;
    char *p = must(malloc(size));
    memset(p, 'o', size);
    return p;
}

static void
service_run(service_t *service)
{
    service->objects =
        must(malloc((size_t)service->count * sizeof(*service->objects)));
    label_set(service->label);
    for (long i = 0; i < service->count; i++) {
        service->objects[i] = object_new(service, i);
        service->total_bytes += malloc_usable_size(service->objects[i]);
    }
    label_set(NULL);
    service->total_objects = service->live_objects = service->count;
    service->live_bytes = service->total_bytes;
}

/* Frees for all others. */
static void *
sweeper(void *arg)
{
    (void)arg;
    label_set("sweeper");
    for (int s = 0; s < SERVICES; s++) {
        service_t *service = &services[s];
        for (long i = 0; service->every > 0 && i < service->count;
             i += service->every) {
            service->live_bytes -= malloc_usable_size(service->objects[i]);
            service->live_objects--;
            free(service->objects[i]);
        }
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    long scale = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    pthread_t thread;
    if (scale < 1 || scale > 100) {
        fputs("usage: labels [SCALE]   1 to 100\n", stderr);
        return 2;
    }
    for (int s = 0; s < SERVICES; s++) {
        services[s].count *= scale;
        service_run(&services[s]);
    }
    if (pthread_create(&thread, NULL, sweeper, NULL) != 0 ||
        pthread_join(thread, NULL) != 0) {
        fputs("labels: no thread can be started\n", stderr);
        return 1;
    }
    for (int s = 0; s < SERVICES; s++) {
        const service_t *one = &services[s];
        printf("%-14s %8ld %12zu %8ld %12zu\n",
               one->label != NULL ? one->label : "-", one->live_objects,
               one->live_bytes, one->total_objects, one->total_bytes);
    }
    return 0;
}
