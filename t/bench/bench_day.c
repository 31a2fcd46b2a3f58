/*
 * A day of a service in twenty minutes, four waves of load in it.
 *
 * The work is by the clock: each 20 ms are a tick, and whoever is slow catches
 * up, so that each allocator has the same live bytes at the same time. Threads
 * come with the load and go with it. A shard (day.h) is run by another thread
 * each second, and what it frees was made by several. After the last wave comes
 * a night of little work, then a time of none at all.
 *
 * A line a second is printed: live bytes, which are known exactly, for they are
 * the sum of what was asked for, and what the kernel says of the process.
 */
#include "day.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define THREADS_LEAST 2
#define THREADS_MOST  64
#define WORKING       0.94 /* of the day: the waves */
#define QUIET         0.97 /* from here on, nothing */
#define SECOND_TICKS  (1000 / DAY_TICK_MS)

static shard_t shards[DAY_SHARDS];

/* What the workers are to do, as one: they take it under the mutex. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t tick;
    unsigned workers;
} order = {.mutex = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER};

static pthread_t threads[THREADS_MOST];
static unsigned thread_count;

/* A worker has every n-th shard; which ones, changes every second. */
static void *
work(void *arg)
{
    unsigned index = (unsigned)((pthread_t *)arg - threads);
    uint32_t done = 0;

    for (;;) {
        uint32_t tick;
        unsigned workers;

        pthread_mutex_lock(&order.mutex);
        while (order.tick == done && index < order.workers)
            pthread_cond_wait(&order.changed, &order.mutex);
        tick = order.tick;
        workers = order.workers;
        pthread_mutex_unlock(&order.mutex);
        if (index >= workers)
            return NULL;
        for (unsigned i = 0; i < DAY_SHARDS; i++) {
            if ((i + tick / SECOND_TICKS) % workers == index)
                shard_run(&shards[i], tick);
        }
        done = tick;
    }
}

static void
command_workers(uint32_t tick, unsigned workers)
{
    pthread_mutex_lock(&order.mutex);
    order.tick = tick;
    order.workers = workers;
    pthread_cond_broadcast(&order.changed);
    pthread_mutex_unlock(&order.mutex);
    while (thread_count > workers)
        pthread_join(threads[--thread_count], NULL);
    for (; thread_count < workers; thread_count++)
        bench_thread_start(&threads[thread_count], work,
                           &threads[thread_count]);
}

static unsigned
wanted_workers(uint32_t tick)
{
    double more = (double)(day.most - THREADS_LEAST) * day_load(tick);

    return THREADS_LEAST + (unsigned)(more + 0.5);
}

static unsigned long
resident(int statm)
{
    unsigned long size, pages;
    char text[128];
    ssize_t length = pread(statm, text, sizeof(text) - 1, 0);

    if (length <= 0)
        bench_die("/proc/self/statm: %s", strerror(errno));
    text[length] = '\0';
    if (sscanf(text, "%lu %lu", &size, &pages) != 2)
        bench_die("/proc/self/statm: %s", text);
    return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

static double
seconds_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) +
           (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static double
processor_s(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Late is how long ago the slowest shard should have been where it is. */
static void
print_sample(int statm, const struct timespec *start, uint32_t tick)
{
    uint32_t due = (uint32_t)(seconds_since(start) * SECOND_TICKS);
    uint32_t slowest = day.quiet - 1;
    struct rusage usage;
    uint64_t live = 0;

    due = JE_MIN(due, slowest);
    for (unsigned i = 0; i < DAY_SHARDS; i++) {
        live += shards[i].live;
        slowest = JE_MIN(slowest, shards[i].tick);
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%.2f,%llu,%lu,%ld,%.2f,%u,%u\n", tick * DAY_TICK_MS / 1000.0,
           (unsigned long long)live, resident(statm), usage.ru_maxrss * 1024,
           processor_s(), thread_count,
           due > slowest ? (due - slowest) * DAY_TICK_MS : 0);
    fflush(stdout);
}

static void
wait_for_tick(const struct timespec *start, uint32_t tick)
{
    uint64_t ns =
        (uint64_t)tick * DAY_TICK_MS * 1000000 + (uint64_t)start->tv_nsec;
    struct timespec due = {start->tv_sec + (time_t)(ns / 1000000000),
                           (long)(ns % 1000000000)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0)
        ;
}

/* Whoever is behind at the end does all of the work nevertheless. */
static void
finish(void)
{
    for (unsigned i = 0; i < DAY_SHARDS; i++)
        shard_run(&shards[i], day.quiet - 1);
}

/* A sample is taken just before the next tick, when the last one is done. */
static void
run_day(uint32_t sample_ticks)
{
    int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    struct timespec start;

    printf("seconds,live,rss,peak_rss,processor_s,threads,late_ms\n");
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint32_t tick = 1; tick <= day.ticks; tick++) {
        if (tick < day.quiet)
            command_workers(tick, wanted_workers(tick));
        wait_for_tick(&start, tick);
        if (tick == day.ticks)
            finish();
        if (tick % sample_ticks == 0 || tick == day.ticks)
            print_sample(statm, &start, tick);
    }
    close(statm);
}

static void
set_day(void)
{
    uint64_t seconds = bench_get("seconds");

    if (seconds == 0 || seconds > 7 * 86400)
        bench_die("--seconds=%llu: 1 to 604800 are possible",
                  (unsigned long long)seconds);
    day.ticks = (uint32_t)seconds * SECOND_TICKS;
    day.working = (uint32_t)(WORKING * day.ticks);
    day.quiet = (uint32_t)(QUIET * day.ticks);
    day.low = (double)bench_get("low") * 1048576;
    day.high = (double)bench_get("high") * 1048576;
    day.rate = (double)bench_get("rate") / SECOND_TICKS;
    day.most = (unsigned)bench_get("threads");
    day.seed = bench_get("seed");
    if (day.low > day.high)
        bench_die("--low is more than --high");
    if (day.most < THREADS_LEAST || day.most > THREADS_MOST)
        bench_die("--threads=%u: %d to %d are possible", day.most,
                  THREADS_LEAST, THREADS_MOST);
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"seconds", 1200, "that the day lasts"},
        {"low", 60, "MiB live at night"},
        {"high", 400, "MiB live at the highest load"},
        {"rate", 15000, "requests a second at full load"},
        {"threads", 16, "at full load"},
        {"sample-ms", 1000, "between two lines"},
        {"seed", 1, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t operations = 0;

    bench_init(argc, argv, "day", params);
    set_day();
    for (unsigned i = 0; i < DAY_SHARDS; i++)
        shard_init(&shards[i], i);
    run_day(JE_MAX(1U, (uint32_t)bench_get("sample-ms") / DAY_TICK_MS));
    command_workers(order.tick, 0);
    for (unsigned i = 0; i < DAY_SHARDS; i++) {
        operations += shards[i].operations;
        shard_end(&shards[i]);
    }
    return bench_done(operations);
}
