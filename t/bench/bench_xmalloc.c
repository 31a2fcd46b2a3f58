/*
 * The shape of xmalloc-test (Lever and Boreham, malloc() Performance in a
 * Multithreaded Linux Environment, USENIX 2000; batched later by others), with
 * a fixed amount of work.
 *
 * As many threads only allocate as only free. An allocating thread fills a
 * batch of 4096 objects, writes each of them, and pushes the batch on a list
 * that all share; a freeing thread takes any batch and frees the objects and
 * the batch. The list is bounded, so that a fast allocating side does not run
 * away with the memory. The customary size is 64 bytes; --size=0 mixes sizes
 * from 8 to 1024 bytes.
 */
#include "bench.h"

#define BATCH_OBJECTS 4096

typedef struct batch {
    struct batch *next;
    unsigned char mark;
    uint32_t sizes[BATCH_OBJECTS];
    unsigned char *objects[BATCH_OBJECTS];
} batch_t;

typedef struct maker {
    uint64_t batches;
    bench_rng_t rng;
} maker_t;

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    batch_t *head;
    unsigned count;
    unsigned bound;
    unsigned makers; /* still at work */
} list = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .not_empty = PTHREAD_COND_INITIALIZER,
          .not_full = PTHREAD_COND_INITIALIZER};

static uint32_t fixed_size;

static uint32_t
object_size(bench_rng_t *rng)
{
    static const uint16_t sizes[] = {8,  12,  16,  24,  32,  48,  64,
                                     96, 128, 192, 256, 384, 512, 1024};

    if (fixed_size != 0)
        return fixed_size;
    return sizes[bench_below(rng, JE_ARRAY_LEN(sizes))];
}

static void
list_push(batch_t *batch)
{
    pthread_mutex_lock(&list.mutex);
    while (list.count >= list.bound)
        pthread_cond_wait(&list.not_full, &list.mutex);
    batch->next = list.head;
    list.head = batch;
    list.count++;
    pthread_cond_signal(&list.not_empty);
    pthread_mutex_unlock(&list.mutex);
}

/* NULL when the last batch has been taken. */
static batch_t *
list_take(void)
{
    batch_t *batch;

    pthread_mutex_lock(&list.mutex);
    while (list.head == NULL && list.makers > 0)
        pthread_cond_wait(&list.not_empty, &list.mutex);
    batch = list.head;
    if (batch != NULL) {
        list.head = batch->next;
        list.count--;
        pthread_cond_signal(&list.not_full);
    }
    pthread_mutex_unlock(&list.mutex);
    return batch;
}

static void *
make_batches(void *arg)
{
    maker_t *maker = arg;

    for (uint64_t i = 0; i < maker->batches; i++) {
        batch_t *batch = bench_malloc(sizeof(*batch));

        batch->mark = (unsigned char)i;
        for (unsigned j = 0; j < BATCH_OBJECTS; j++) {
            uint32_t size = object_size(&maker->rng);
            batch->sizes[j] = size;
            batch->objects[j] = bench_malloc(size);
            memset(batch->objects[j], batch->mark, size);
        }
        list_push(batch);
    }
    pthread_mutex_lock(&list.mutex);
    list.makers--;
    pthread_cond_broadcast(&list.not_empty);
    pthread_mutex_unlock(&list.mutex);
    return NULL;
}

static void *
free_batches(void *arg)
{
    batch_t *batch;

    (void)arg;
    while ((batch = list_take()) != NULL) {
        for (unsigned j = 0; j < BATCH_OBJECTS; j++) {
            unsigned char *object = batch->objects[j];

            if (object[0] != batch->mark ||
                object[batch->sizes[j] - 1] != batch->mark)
                bench_damaged(object, batch->sizes[j]);
            object[0] = (unsigned char)~batch->mark;
            free(object);
        }
        free(batch);
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"pairs", 2, "of an allocating and a freeing thread"},
        {"batches", 2000, "of 4096 objects, each allocating thread"},
        {"size", 64, "of an object; 0: mixed, 8 to 1024"},
        {"bound", 10, "batches waiting, a pair"},
        {"seed", 9, "of the random numbers"},
        {NULL, 0, NULL},
    };
    pthread_t *freeing;
    uint64_t batches;
    maker_t *makers;
    unsigned pairs;

    bench_init(argc, argv, "xmalloc", params);
    pairs = (unsigned)bench_get("pairs");
    batches = bench_work(bench_get("batches"), 1);
    fixed_size = (uint32_t)bench_get("size");
    list.bound = pairs * (unsigned)bench_get("bound");
    list.makers = pairs;
    if (list.bound == 0)
        bench_die("nothing to do: see --help");
    freeing = bench_array(pairs, sizeof(*freeing));
    makers = bench_array(pairs, sizeof(*makers));
    for (unsigned i = 0; i < pairs; i++) {
        makers[i] = (maker_t){batches, {bench_get("seed") + 1000 * i}};
        bench_thread_start(&freeing[i], free_batches, NULL);
    }
    bench_threads(pairs, make_batches, makers, sizeof(*makers));
    for (unsigned i = 0; i < pairs; i++)
        pthread_join(freeing[i], NULL);
    free(freeing);
    free(makers);
    return bench_done(batches * pairs * BATCH_OBJECTS);
}
