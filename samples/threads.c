/*
 * threads: memory that one thread allocates and another one frees.
 *
 *   threads [PAIRS [MESSAGES]]   default 4 pairs, 100,000 messages each
 *
 * Of each pair one thread makes messages and puts them into a queue of 256,
 * the other one takes and frees them. Each thread also keeps a state of
 * 256 KiB in small pieces as long as it lives; the consumers' last messages
 * are given to main, which keeps them. The memory of threads that have ended,
 * and what was freed far from where it was allocated, must be usable again:
 * live bytes at the end are those of the kept messages.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

enum {
    QUEUE = 256,
    STATE_PIECES = 1024,
    STATE_SIZE = 256,
    KEPT = 2000,
    PAIRS_MAX = 256
};

typedef struct pair {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *queue[QUEUE];
    unsigned count;
    unsigned first;
    long messages; /* that the producer has to make */
    char *kept[KEPT];
    pthread_t producer;
    pthread_t consumer;
} pair_t;

static void *
must(void *p)
{
    if (p == NULL) {
        fputs("threads: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

NOINLINE static char *
message_new(long i)
{
    size_t size = 64 + (size_t)(i * 37 % 960);
    char *s = must(malloc(size));
    memset(s, 'm', size);
    return s;
}

NOINLINE static char **
state_new(void)
{
    char **pieces = must(calloc(STATE_PIECES, sizeof(*pieces)));
    for (unsigned i = 0; i < STATE_PIECES; i++) {
        pieces[i] = must(malloc(STATE_SIZE));
        pieces[i][0] = 's';
    }
    return pieces;
}

static void
state_free(char **pieces)
{
    for (unsigned i = 0; i < STATE_PIECES; i++)
        free(pieces[i]);
    free(pieces);
}

static void
queue_put(pair_t *pair, char *message)
{
    pthread_mutex_lock(&pair->lock);
    while (pair->count == QUEUE)
        pthread_cond_wait(&pair->changed, &pair->lock);
    pair->queue[(pair->first + pair->count++) % QUEUE] = message;
    pthread_cond_signal(&pair->changed);
    pthread_mutex_unlock(&pair->lock);
}

static char *
queue_take(pair_t *pair)
{
    pthread_mutex_lock(&pair->lock);
    while (pair->count == 0)
        pthread_cond_wait(&pair->changed, &pair->lock);
    char *message = pair->queue[pair->first];
    pair->first = (pair->first + 1) % QUEUE;
    pair->count--;
    pthread_cond_signal(&pair->changed);
    pthread_mutex_unlock(&pair->lock);
    return message;
}

static void *
produce(void *arg)
{
    pair_t *pair = arg;
    char **state = state_new();
    for (long i = 0; i < pair->messages; i++)
        queue_put(pair, message_new(i));
    state_free(state);
    return NULL;
}

static void *
consume(void *arg)
{
    pair_t *pair = arg;
    char **state = state_new();
    for (long i = 0; i < pair->messages; i++) {
        char **slot = &pair->kept[i % KEPT];
        free(*slot);
        *slot = queue_take(pair);
    }
    state_free(state);
    return NULL;
}

static void
pair_start(pair_t *pair, long messages)
{
    pthread_mutex_init(&pair->lock, NULL);
    pthread_cond_init(&pair->changed, NULL);
    pair->messages = messages;
    if (pthread_create(&pair->producer, NULL, produce, pair) != 0 ||
        pthread_create(&pair->consumer, NULL, consume, pair) != 0) {
        fputs("threads: no thread can be made\n", stderr);
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    long pairs = argc > 1 ? strtol(argv[1], NULL, 10) : 4;
    long messages = argc > 2 ? strtol(argv[2], NULL, 10) : 100000;
    if (pairs < 1 || pairs > PAIRS_MAX || messages < 1) {
        fputs("usage: threads [PAIRS [MESSAGES]]\n", stderr);
        return 2;
    }
    static pair_t *all[PAIRS_MAX];
    for (long i = 0; i < pairs; i++) {
        all[i] = must(calloc(1, sizeof(pair_t)));
        pair_start(all[i], messages);
    }
    for (long i = 0; i < pairs; i++) {
        pthread_join(all[i]->producer, NULL);
        pthread_join(all[i]->consumer, NULL);
    }
    printf("%ld threads passed %ld messages on, %ld are kept\n", 2 * pairs,
           pairs * messages, pairs * (messages < KEPT ? messages : KEPT));
    return 0;
}
