/*
 * A server: sessions of one thread, a cache shared by all, a logger that frees.
 *
 * Each worker serves random sessions of its own: a request parses into some
 * small strings, looks a value up in the shared cache (whoever misses puts a
 * new value and frees the one that had the place, which another worker
 * made most of the time), builds a response buffer, and hands a log
 * record to the logger thread. Sessions end and begin, with buffers of some
 * KiB each. Objects of many lifetimes and sizes are mixed, a third of them
 * freed by a thread that did not make them.
 */
#include "bench.h"

#define SESSIONS    500
#define CACHE_SLOTS 16384
#define STRIPES     64
#define STRINGS_MAX 12
#define LOG_BATCH   64

typedef struct blob {
    struct blob *next; /* in the log */
    size_t size;       /* of the whole object */
    uint64_t key;
} blob_t;

typedef struct session {
    void *state;
    size_t state_size;
    void *input;
    size_t input_size;
} session_t;

typedef struct worker {
    bench_rng_t rng;
    uint64_t requests;
    session_t *sessions;
    blob_t *log; /* records not handed over yet */
    unsigned log_count;
    uint64_t made;
} worker_t;

static struct {
    pthread_mutex_t mutex[STRIPES];
    blob_t *slots[CACHE_SLOTS];
} cache;

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    blob_t *head;
    bool is_closed;
} logger = {.mutex = PTHREAD_MUTEX_INITIALIZER,
            .changed = PTHREAD_COND_INITIALIZER};

static blob_t *
blob_new(size_t size, uint64_t key)
{
    blob_t *blob = bench_malloc(sizeof(*blob) + size);

    blob->next = NULL;
    blob->size = sizeof(*blob) + size;
    blob->key = key;
    ((unsigned char *)blob)[blob->size - 1] = (unsigned char)key;
    return blob;
}

static void
blob_free(blob_t *blob)
{
    uint64_t key = blob->key;

    if (blob->size > sizeof(*blob) &&
        ((unsigned char *)blob)[blob->size - 1] != (unsigned char)key)
        bench_damaged(blob, blob->size);
    free(blob);
}

static void
logger_append(worker_t *worker)
{
    blob_t *last = worker->log;

    if (last == NULL)
        return;
    while (last->next != NULL)
        last = last->next;
    pthread_mutex_lock(&logger.mutex);
    last->next = logger.head;
    logger.head = worker->log;
    pthread_cond_signal(&logger.changed);
    pthread_mutex_unlock(&logger.mutex);
    worker->log = NULL;
    worker->log_count = 0;
}

static void *
logger_run(void *arg)
{
    bool is_closed = false;

    (void)arg;
    while (!is_closed) {
        blob_t *records;

        pthread_mutex_lock(&logger.mutex);
        while (logger.head == NULL && !logger.is_closed)
            pthread_cond_wait(&logger.changed, &logger.mutex);
        records = logger.head;
        logger.head = NULL;
        is_closed = logger.is_closed;
        pthread_mutex_unlock(&logger.mutex);
        while (records != NULL) {
            blob_t *next = records->next;
            blob_free(records);
            records = next;
        }
    }
    return NULL;
}

/* Most lookups hit a small hot part of the keys. */
static void
cache_lookup(worker_t *worker)
{
    uint32_t range =
        bench_below(&worker->rng, 4) == 0 ? 8 * CACHE_SLOTS : CACHE_SLOTS / 8;
    uint64_t key = bench_below(&worker->rng, range);
    uint64_t slot = bench_mix(key * 5) % CACHE_SLOTS;
    pthread_mutex_t *mutex = &cache.mutex[slot % STRIPES];
    blob_t *fresh, *old;
    bool is_hit;

    pthread_mutex_lock(mutex);
    is_hit = cache.slots[slot] != NULL && cache.slots[slot]->key == key;
    pthread_mutex_unlock(mutex);
    if (is_hit)
        return;
    fresh = blob_new(bench_log_size(&worker->rng, 32, 6), key);
    worker->made++;
    pthread_mutex_lock(mutex);
    old = cache.slots[slot];
    cache.slots[slot] = fresh;
    pthread_mutex_unlock(mutex);
    if (old != NULL)
        blob_free(old);
}

static void
session_restart(worker_t *worker, session_t *session)
{
    if (session->state != NULL) {
        bench_free(session->state, session->state_size);
        bench_free(session->input, session->input_size);
    }
    session->state_size = 256 + bench_below(&worker->rng, 512);
    session->input_size = (size_t)2048 << bench_below(&worker->rng, 4);
    session->state = bench_new(session->state_size);
    session->input = bench_new(session->input_size);
    worker->made += 2;
}

static void
serve(worker_t *worker)
{
    session_t *session = &worker->sessions[bench_below(&worker->rng, SESSIONS)];
    unsigned count = 4 + bench_below(&worker->rng, STRINGS_MAX - 3);
    size_t response_size = bench_log_size(&worker->rng, 256, 6);
    size_t sizes[STRINGS_MAX];
    void *strings[STRINGS_MAX];
    void *response;
    blob_t *record;

    if (session->state == NULL || bench_below(&worker->rng, 50) == 0)
        session_restart(worker, session);
    for (unsigned i = 0; i < count; i++) {
        sizes[i] = bench_log_size(&worker->rng, 8, 4);
        strings[i] = bench_new(sizes[i]);
    }
    cache_lookup(worker);
    response = bench_new(response_size);
    bench_check(session->state, session->state_size);
    for (unsigned i = 0; i < count; i++)
        bench_free(strings[i], sizes[i]);
    record = blob_new(40 + bench_below(&worker->rng, 120), count);
    record->next = worker->log;
    worker->log = record;
    if (++worker->log_count == LOG_BATCH)
        logger_append(worker);
    bench_free(response, response_size);
    worker->made += count + 2;
}

static void *
work(void *arg)
{
    worker_t *worker = arg;

    worker->sessions = bench_array(SESSIONS, sizeof(*worker->sessions));
    for (uint64_t i = 0; i < worker->requests; i++)
        serve(worker);
    logger_append(worker);
    for (unsigned i = 0; i < SESSIONS; i++) {
        session_t *session = &worker->sessions[i];
        if (session->state == NULL)
            continue;
        bench_free(session->state, session->state_size);
        bench_free(session->input, session->input_size);
    }
    free(worker->sessions);
    return NULL;
}

static void
cache_empty(void)
{
    for (unsigned i = 0; i < CACHE_SLOTS; i++) {
        if (cache.slots[i] != NULL)
            blob_free(cache.slots[i]);
    }
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"threads", 4, "that serve requests"},
        {"requests", 500000, "each of them serves"},
        {"seed", 4, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t made = 0;
    worker_t *workers;
    unsigned threads;
    pthread_t log;

    bench_init(argc, argv, "server", params);
    threads = (unsigned)bench_get("threads");
    workers = bench_array(threads, sizeof(*workers));
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_mutex_init(&cache.mutex[i], NULL);
    for (unsigned i = 0; i < threads; i++) {
        workers[i].rng.state = bench_get("seed") + 1000 * i;
        workers[i].requests = bench_work(bench_get("requests"), 1);
    }
    bench_thread_start(&log, logger_run, NULL);
    bench_threads(threads, work, workers, sizeof(*workers));
    pthread_mutex_lock(&logger.mutex);
    logger.is_closed = true;
    pthread_cond_signal(&logger.changed);
    pthread_mutex_unlock(&logger.mutex);
    pthread_join(log, NULL);
    cache_empty();
    for (unsigned i = 0; i < threads; i++)
        made += workers[i].made;
    free(workers);
    return bench_done(made);
}
