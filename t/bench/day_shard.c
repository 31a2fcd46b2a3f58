/*
 * The work of a shard, tick by tick.
 *
 * Each request makes temporaries that it frees, a buffer that grows into an
 * answer and a log line, which both wait half a second, sometimes a new part
 * of a session, sometimes a new value of the cache. The number of sessions
 * and what the cache may hold follow the load; so do live bytes, to within one
 * object. Sessions end at random, which is a life of exponential length, and
 * all their parts at once; the cache drops what is oldest; some things are kept
 * until one of their number is replaced, long after. Sizes are log-normal with
 * a tail of 1/size, and their median goes up eightfold and back.
 */
#include "day.h"

#include <math.h>

#define WAVES         4
#define MEDIAN_FIRST  48.0 /* bytes, in the morning and in the evening */
#define MEDIAN_DOUBLE 3.0  /* doublings until noon */
#define SIZE_SPREAD   1.4  /* standard deviation, in doublings */
#define SIZE_LEAST    16
#define TAIL_ONE_OF   1000
#define TAIL_LEAST    8192.0
#define TAIL_RANGE    128.0 /* to 1 MiB */
#define TEMPORARIES   10
#define QUEUE_TICKS   25
#define ANSWER_FIRST  256
#define SESSION_PARTS 12
#define SESSION_LIFE  0.025 /* of the day, the mean */
#define KEPT_LIFE     0.5
#define KEPT_FIRST    0.15 /* of the lowest live bytes */
#define KEPT_MORE     0.2  /* until the end */
#define SESSION_SHARE 0.5  /* of what is not kept */
#define IDLE_RATE     0.1  /* requests at night, of those at full load */

day_t day;

typedef struct session {
    item_t *parts;
    uint32_t count, capacity;
    uint64_t bytes; /* with the array and this */
} session_t;

static double
day_fraction(uint32_t tick)
{
    return JE_MIN(1.0, (double)tick / day.working);
}

double
day_load(uint32_t tick)
{
    static const double heights[WAVES] = {0.8, 1.0, 0.65, 0.9};
    double at = day_fraction(tick) * WAVES;
    double wave = 0.5 - 0.5 * cos(2 * M_PI * at);

    if (tick >= day.working)
        return 0;
    /* A night and a busy time that last, and slopes in between. */
    wave = 1.27 * wave - 0.15;
    return heights[(unsigned)at] * JE_MAX(0.0, JE_MIN(1.0, wave));
}

static double
day_median(uint32_t tick)
{
    double noon = 0.5 - 0.5 * cos(2 * M_PI * day_fraction(tick));

    return MEDIAN_FIRST * exp2(MEDIAN_DOUBLE * noon);
}

/* `x` on average, a whole number each time. */
static uint64_t
whole(bench_rng_t *rng, double x)
{
    uint64_t n = (uint64_t)x;

    return n + ((double)bench_below(rng, 1U << 24) < (x - (double)n) * 0x1p24);
}

/* The sum of four even distributions is close to a normal one. */
static size_t
random_size(shard_t *shard, double factor)
{
    uint64_t bits = bench_next(&shard->rng);
    double sum = 0, normal;

    if (bench_below(&shard->rng, TAIL_ONE_OF) == 0)
        return (size_t)(TAIL_LEAST * TAIL_RANGE /
                        (1 + bench_below(&shard->rng, (uint32_t)TAIL_RANGE)));
    for (unsigned i = 0; i < 4; i++, bits >>= 16)
        sum += (double)(bits & 0xffff) / 0x1p16;
    normal = (sum - 2) * sqrt(3);
    return JE_MAX((size_t)(shard->median * factor * exp2(SIZE_SPREAD * normal)),
                  (size_t)SIZE_LEAST);
}

/* Every byte is written, for live bytes are to be resident. */
static void *
shard_new(shard_t *shard, size_t size)
{
    void *ptr = bench_malloc(size);

    memset(ptr, 0x5a, size);
    bench_stamp(ptr, size);
    shard->held += size;
    shard->operations++;
    return ptr;
}

static void
shard_free(shard_t *shard, void *ptr, size_t size)
{
    bench_free(ptr, size);
    shard->held -= size;
}

static item_t
item_new(shard_t *shard, size_t size)
{
    return (item_t){shard_new(shard, size), (uint32_t)size, shard->tick};
}

static void
ring_resize(shard_t *shard, ring_t *ring, uint32_t capacity)
{
    size_t size = capacity * sizeof(item_t);
    item_t *items = bench_malloc(size);

    memset(items, 0, size);
    for (uint32_t i = 0; i < ring->count; i++)
        items[i] = ring->items[(ring->first + i) & (ring->capacity - 1)];
    free(ring->items);
    shard->held += size;
    shard->held -= ring->capacity * sizeof(item_t);
    ring->items = items;
    ring->first = 0;
    ring->capacity = capacity;
}

static item_t *
ring_at(const ring_t *ring, uint32_t index)
{
    return &ring->items[(ring->first + index) & (ring->capacity - 1)];
}

static void
ring_push(shard_t *shard, ring_t *ring, item_t item)
{
    if (ring->count == ring->capacity)
        ring_resize(shard, ring, ring->capacity == 0 ? 16 : 2 * ring->capacity);
    *ring_at(ring, ring->count++) = item;
}

static void
ring_shrink(shard_t *shard, ring_t *ring)
{
    if (ring->capacity > 16 && ring->count < ring->capacity / 4)
        ring_resize(shard, ring, ring->capacity / 2);
}

static item_t
ring_pop_first(shard_t *shard, ring_t *ring)
{
    item_t item = *ring_at(ring, 0);

    ring->first = (ring->first + 1) & (ring->capacity - 1);
    ring->count--;
    ring_shrink(shard, ring);
    return item;
}

/* The last one takes its place. */
static item_t
ring_pop_random(shard_t *shard, ring_t *ring)
{
    item_t *at = ring_at(ring, bench_below(&shard->rng, ring->count));
    item_t item = *at;

    *at = *ring_at(ring, --ring->count);
    ring_shrink(shard, ring);
    return item;
}

static void
session_add(shard_t *shard, session_t *session)
{
    item_t part = item_new(shard, random_size(shard, 1));
    uint32_t capacity = session->capacity;
    size_t more = 0;

    if (session->count == capacity) {
        capacity = capacity == 0 ? 4 : 2 * capacity;
        more = (capacity - session->capacity) * sizeof(item_t);
        session->parts =
            bench_realloc(session->parts, capacity * sizeof(item_t));
        memset(&session->parts[session->capacity], 0, more);
        session->capacity = capacity;
        shard->operations++;
    }
    session->parts[session->count++] = part;
    shard->held += more;
    session->bytes += part.size + more;
    shard->session_bytes += part.size + more;
}

static void
session_start(shard_t *shard)
{
    item_t item = {bench_array(1, sizeof(session_t)), sizeof(session_t),
                   shard->tick};
    session_t *session = item.ptr;
    unsigned parts = 1 + bench_below(&shard->rng, 2 * SESSION_PARTS - 1);

    session->bytes = sizeof(*session);
    shard->held += sizeof(*session);
    shard->session_bytes += sizeof(*session);
    ring_push(shard, &shard->sessions, item);
    for (unsigned i = 0; i < parts; i++)
        session_add(shard, session);
}

static void
session_end(shard_t *shard)
{
    item_t item = ring_pop_random(shard, &shard->sessions);
    session_t *session = item.ptr;

    for (uint32_t i = 0; i < session->count; i++)
        shard_free(shard, session->parts[i].ptr, session->parts[i].size);
    shard->session_bytes -= session->bytes;
    shard->held -= session->capacity * sizeof(item_t) + sizeof(*session);
    free(session->parts);
    free(session);
}

static void
cache_add(shard_t *shard)
{
    size_t key = SIZE_LEAST + bench_below(&shard->rng, 48);

    ring_push(shard, &shard->cache, item_new(shard, key));
    ring_push(shard, &shard->cache, item_new(shard, random_size(shard, 3)));
}

static void
cache_drop(shard_t *shard)
{
    for (unsigned i = 0; i < 2; i++) {
        item_t item = ring_pop_first(shard, &shard->cache);
        shard_free(shard, item.ptr, item.size);
    }
}

static void
keep(shard_t *shard)
{
    item_t item = item_new(shard, random_size(shard, 1));

    ring_push(shard, &shard->kept, item);
    shard->kept_bytes += item.size;
}

static void
keep_no_more(shard_t *shard)
{
    item_t item = ring_pop_random(shard, &shard->kept);

    shard->kept_bytes -= item.size;
    shard_free(shard, item.ptr, item.size);
}

/* A buffer that is found too small until it is large enough. */
static item_t
answer_new(shard_t *shard)
{
    size_t wanted = random_size(shard, 8), size = ANSWER_FIRST;
    char *ptr = bench_malloc(size);

    memset(ptr, 0x5a, size);
    while (size < wanted) {
        ptr = bench_realloc(ptr, 2 * size);
        memset(ptr + size, 0x5a, size);
        size *= 2;
        shard->operations++;
    }
    bench_stamp(ptr, size);
    shard->held += size;
    shard->operations++;
    return (item_t){ptr, (uint32_t)size, shard->tick};
}

static void
serve(shard_t *shard)
{
    item_t parts[TEMPORARIES];

    for (unsigned i = 0; i < TEMPORARIES; i++)
        parts[i] = item_new(shard, random_size(shard, 0.5));
    ring_push(shard, &shard->queue, answer_new(shard));
    ring_push(shard, &shard->queue,
              item_new(shard, 80 + bench_below(&shard->rng, 120)));
    if (bench_below(&shard->rng, 4) == 0 && shard->sessions.count > 0) {
        uint32_t index = bench_below(&shard->rng, shard->sessions.count);
        session_add(shard, ring_at(&shard->sessions, index)->ptr);
    }
    if (bench_below(&shard->rng, 3) == 0)
        cache_add(shard);
    for (unsigned i = TEMPORARIES; i-- > 0;)
        shard_free(shard, parts[i].ptr, parts[i].size);
}

/* What was made long enough ago goes, at its time or at random. */
static void
expire(shard_t *shard, uint32_t tick)
{
    uint64_t ended =
        whole(&shard->rng, shard->sessions.count / (SESSION_LIFE * day.ticks));
    uint64_t replaced =
        whole(&shard->rng, shard->kept.count / (KEPT_LIFE * day.ticks));

    while (shard->queue.count > 0 &&
           ring_at(&shard->queue, 0)->tick + QUEUE_TICKS <= tick) {
        item_t item = ring_pop_first(shard, &shard->queue);
        shard_free(shard, item.ptr, item.size);
    }
    while (ended-- > 0 && shard->sessions.count > 0)
        session_end(shard);
    while (replaced-- > 0 && shard->kept.count > 0)
        keep_no_more(shard);
}

/* Bring sessions, cache and the rest to what the load wants of them. */
static void
follow(shard_t *shard, uint32_t tick)
{
    double target = (day.low + (day.high - day.low) * day_load(tick));
    double kept =
        day.low * (KEPT_FIRST + KEPT_MORE * day_fraction(tick)) / DAY_SHARDS;
    double sessions;

    target /= DAY_SHARDS;
    sessions = SESSION_SHARE * (target - kept);
    while ((double)shard->kept_bytes < kept)
        keep(shard);
    while ((double)shard->session_bytes > sessions)
        session_end(shard);
    while ((double)shard->session_bytes < sessions)
        session_start(shard);
    while ((double)shard->held > target && shard->cache.count > 0)
        cache_drop(shard);
    while ((double)shard->held < target)
        cache_add(shard);
}

static void
shard_step(shard_t *shard, uint32_t tick)
{
    double share = IDLE_RATE + (1 - IDLE_RATE) * day_load(tick);
    uint64_t requests = whole(&shard->rng, day.rate * share / DAY_SHARDS);

    shard->tick = tick;
    shard->median = day_median(tick);
    expire(shard, tick);
    for (uint64_t i = 0; i < requests; i++)
        serve(shard);
    follow(shard, tick);
    shard->live = shard->held;
}

void
shard_init(shard_t *shard, unsigned index)
{
    *shard = (shard_t){.rng = {day.seed + 1000 * (index + 1)}};
    pthread_mutex_init(&shard->mutex, NULL);
}

void
shard_run(shard_t *shard, uint32_t tick)
{
    pthread_mutex_lock(&shard->mutex);
    while (shard->tick < tick)
        shard_step(shard, shard->tick + 1);
    pthread_mutex_unlock(&shard->mutex);
}

static void
ring_end(shard_t *shard, ring_t *ring)
{
    free(ring->items);
    shard->held -= ring->capacity * sizeof(item_t);
    *ring = (ring_t){0};
}

void
shard_end(shard_t *shard)
{
    ring_t *const rings[] = {&shard->queue, &shard->sessions, &shard->cache,
                             &shard->kept};

    while (shard->sessions.count > 0)
        session_end(shard);
    for (unsigned i = 0; i < JE_ARRAY_LEN(rings); i++) {
        while (rings[i]->count > 0) {
            item_t item = ring_pop_first(shard, rings[i]);
            shard_free(shard, item.ptr, item.size);
        }
        ring_end(shard, rings[i]);
    }
    if (shard->held != 0)
        bench_die("%llu bytes are held that nobody has",
                  (unsigned long long)shard->held);
    pthread_mutex_destroy(&shard->mutex);
}
