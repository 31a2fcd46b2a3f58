/*
 * Producers and consumers: messages made by one thread, freed by another.
 *
 * Each pair of threads shares a bounded queue. A message is a header and a
 * body of its own; the producer appends a few at a time, as a program that
 * reads from a socket does, and the consumer takes all there are. Nothing is
 * ever freed by the thread that allocated it, but the two stay close: the
 * queue is short. (bench_xmalloc is the extreme form, in batches.)
 */
#include "bench.h"

#define QUEUE_LENGTH 1024
#define BURST        32

typedef struct message {
    uint64_t sequence;
    size_t size;
    void *body;
} message_t;

typedef struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    message_t *slots[QUEUE_LENGTH];
    unsigned head; /* next to take */
    unsigned used;
    uint64_t messages; /* to pass in all */
    uint64_t seed;
} queue_t;

static void
queue_put(queue_t *queue, message_t **burst, unsigned count)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->used + count > QUEUE_LENGTH)
        pthread_cond_wait(&queue->not_full, &queue->mutex);
    for (unsigned i = 0; i < count; i++) {
        queue->slots[(queue->head + queue->used) % QUEUE_LENGTH] = burst[i];
        queue->used++;
    }
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->mutex);
}

static unsigned
queue_take_all(queue_t *queue, message_t **burst)
{
    unsigned count;

    pthread_mutex_lock(&queue->mutex);
    while (queue->used == 0)
        pthread_cond_wait(&queue->not_empty, &queue->mutex);
    count = queue->used;
    for (unsigned i = 0; i < count; i++)
        burst[i] = queue->slots[(queue->head + i) % QUEUE_LENGTH];
    queue->head = (queue->head + count) % QUEUE_LENGTH;
    queue->used = 0;
    pthread_cond_signal(&queue->not_full);
    pthread_mutex_unlock(&queue->mutex);
    return count;
}

static void *
produce(void *arg)
{
    queue_t *queue = arg;
    bench_rng_t rng = {queue->seed};
    message_t *burst[BURST];

    for (uint64_t sent = 0; sent < queue->messages;) {
        unsigned count = 1 + bench_below(&rng, BURST);

        if (count > queue->messages - sent)
            count = (unsigned)(queue->messages - sent);
        for (unsigned i = 0; i < count; i++) {
            message_t *message = bench_malloc(sizeof(*message));
            message->sequence = sent++;
            message->size = bench_log_size(&rng, 16, 6);
            message->body = bench_new(message->size);
            burst[i] = message;
        }
        queue_put(queue, burst, count);
    }
    return NULL;
}

static void *
consume(void *arg)
{
    queue_t *queue = arg;
    message_t *burst[QUEUE_LENGTH];

    for (uint64_t received = 0; received < queue->messages;) {
        unsigned count = queue_take_all(queue, burst);

        for (unsigned i = 0; i < count; i++) {
            if (burst[i]->sequence != received++)
                bench_damaged(burst[i], sizeof(*burst[i]));
            bench_free(burst[i]->body, burst[i]->size);
            free(burst[i]);
        }
    }
    return NULL;
}

static void *
run_pair(void *arg)
{
    queue_t *queue = arg;
    pthread_t producer;

    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    pthread_cond_init(&queue->not_full, NULL);
    bench_thread_start(&producer, produce, queue);
    consume(queue);
    pthread_join(producer, NULL);
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"pairs", 2, "of a producer and a consumer"},
        {"messages", 6000000, "each producer sends"},
        {"seed", 3, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t messages;
    queue_t *queues;
    unsigned pairs;

    bench_init(argc, argv, "prodcons", params);
    pairs = (unsigned)bench_get("pairs");
    messages = bench_work(bench_get("messages"), 1);
    queues = bench_array(pairs, sizeof(*queues));
    for (unsigned i = 0; i < pairs; i++) {
        queues[i].messages = messages;
        queues[i].seed = bench_get("seed") + i;
    }
    bench_threads(pairs, run_pair, queues, sizeof(*queues));
    free(queues);
    return bench_done(messages * 2 * pairs);
}
