/*
 * The log of freed samples: see prof_log.h.
 */
#include "alloc/prof_log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/ctl.h"
#include "alloc/prof_copy.h"
#include "alloc/prof_dump.h"
#include "alloc/prof_heap.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/emit.h"
#include "os/clock.h"

enum { LOG_CHUNK_EVENTS = 1000, LOG_THREADS_FIRST = 64 };

typedef struct event {
    uint32_t alloc_thread, free_thread; /* numbers in the log */
    uint32_t alloc_stack, free_stack;   /* ids of interned stacks */
    uint64_t alloc_ns, free_ns;
    uint64_t usable;
} event_t;

typedef struct chunk {
    struct chunk *next;
    size_t count;
    event_t events[LOG_CHUNK_EVENTS];
} chunk_t;

typedef struct log_thread {
    int32_t tid;
    char name[TSD_NAME_MAX];
} log_thread_t;

typedef enum { LOG_OFF, LOG_ON, LOG_WRITING } log_state_t;

/* Numbers of threads are found in a table of twice their room, open addressed
 * by tid, which holds them plus one. */
static struct {
    os_mutex_t mtx;
    log_state_t state;
    uint64_t number; /* of files without a name */
    uint64_t start_ns;
    uint64_t dropped;
    chunk_t *first, *last;
    chunk_t *spare; /* of logs that were written */
    log_thread_t *threads;
    uint32_t *by_tid;
    uint32_t nthreads, room;
    char path[PROF_PATH_MAX];
} events;

bool prof_log_is_on;

/* ---- threads ----------------------------------------------------------- */

/* Its place in the table, or the empty one where it belongs. */
static uint32_t *
thread_place_locked(int32_t tid)
{
    uint32_t mask = 2 * events.room - 1;
    uint32_t i = (uint32_t)bits_random((uint32_t)tid) & mask;
    while (events.by_tid[i] != 0 &&
           events.threads[events.by_tid[i] - 1].tid != tid) {
        i = (i + 1) & mask;
    }
    return &events.by_tid[i];
}

/* errors: false, unchanged. */
static bool
threads_grow_locked(void)
{
    uint32_t room = events.room > 0 ? 2 * events.room : LOG_THREADS_FIRST;
    log_thread_t *threads = prof_table_alloc(room * sizeof(*threads));
    uint32_t *by_tid =
        threads != NULL ? prof_table_alloc(2 * room * sizeof(*by_tid)) : NULL;
    if (by_tid == NULL) {
        return false;
    }
    if (events.nthreads > 0) {
        memcpy(threads, events.threads, events.nthreads * sizeof(*threads));
    }
    events.threads = threads;
    events.by_tid = by_tid;
    events.room = room;
    for (uint32_t i = 0; i < events.nthreads; i++) {
        *thread_place_locked(threads[i].tid) = i + 1;
    }
    return true;
}

/* The number of a thread, whose name (if not NULL) is the newest from now on.
 * errors: false, no memory. */
static bool
thread_number_locked(int32_t tid, const char *name, uint32_t *number)
{
    if (events.nthreads == events.room && !threads_grow_locked()) {
        return false;
    }
    uint32_t *place = thread_place_locked(tid);
    if (*place == 0) {
        events.threads[events.nthreads] = (log_thread_t){.tid = tid};
        *place = ++events.nthreads;
    }
    *number = *place - 1;
    if (name != NULL) {
        memcpy(events.threads[*number].name, name, TSD_NAME_MAX);
    }
    return true;
}

void
prof_log_thread(const prof_moment_t *m)
{
    uint32_t number;
    os_mutex_lock(&events.mtx);
    if (events.state == LOG_ON) {
        (void)thread_number_locked(m->tid, m->name, &number);
    }
    os_mutex_unlock(&events.mtx);
}

/* ---- events ------------------------------------------------------------ */

/* A chunk with room. errors: NULL. */
static chunk_t *
chunk_with_room_locked(void)
{
    if (events.last != NULL && events.last->count < LOG_CHUNK_EVENTS) {
        return events.last;
    }
    chunk_t *c = events.spare;
    if (c != NULL) {
        events.spare = c->next;
    } else if ((c = prof_table_alloc(sizeof(*c))) == NULL) {
        return NULL;
    }
    c->next = NULL;
    c->count = 0;
    if (events.last != NULL) {
        events.last->next = c;
    } else {
        events.first = c;
    }
    events.last = c;
    return c;
}

static bool
event_add_locked(const prof_sample_t *gone, const prof_moment_t *m)
{
    event_t event = {
        .alloc_stack = gone->site->stack->id,
        .alloc_ns = gone->time_ns,
        .free_ns = m->time_ns,
        .usable = gone->site->usable,
    };
    chunk_t *c = chunk_with_room_locked();
    if (c == NULL || m->stack == NULL ||
        !thread_number_locked(gone->tid, NULL, &event.alloc_thread) ||
        !thread_number_locked(m->tid, m->name, &event.free_thread)) {
        return false;
    }
    event.free_stack = m->stack->id;
    c->events[c->count++] = event;
    return true;
}

void
prof_log_free(const prof_sample_t *gone, const prof_moment_t *m)
{
    os_mutex_lock(&events.mtx);
    if (events.state == LOG_ON && !event_add_locked(gone, m)) {
        events.dropped++;
    }
    os_mutex_unlock(&events.mtx);
}

/* ---- start and end ----------------------------------------------------- */

/* Called before there is more than one thread, or with the lock. */
static void
log_begin(void)
{
    events.start_ns = os_clock_ns();
    events.dropped = 0;
    events.nthreads = 0;
    if (events.room > 0) {
        memset(events.by_tid, 0, 2 * events.room * sizeof(*events.by_tid));
    }
    events.state = LOG_ON;
    atomic_store_rlx(&prof_log_is_on, true);
}

static int
log_set_path(const char *path)
{
    size_t n = path != NULL ? strnlen(path, PROF_PATH_MAX) : 0;
    if (path == NULL) {
        return prof_heap_name_log(events.path, sizeof(events.path),
                                  events.number++);
    }
    if (n == PROF_PATH_MAX) {
        return ENAMETOOLONG;
    }
    memcpy(events.path, path, n + 1);
    return 0;
}

int
prof_log_start(const char *path)
{
    os_mutex_lock(&events.mtx);
    int error = events.state == LOG_OFF ? log_set_path(path) : EBUSY;
    if (error == 0) {
        log_begin();
    }
    os_mutex_unlock(&events.mtx);
    return error;
}

void
prof_log_boot(void)
{
    os_mutex_init(&events.mtx, OS_RANK_PROF);
    if (conf.prof && conf.prof_log && events.state == LOG_OFF &&
        log_set_path(NULL) == 0) {
        log_begin();
    }
}

void
prof_log_fork_child(void)
{
    /* what it holds may be half changed, and is the parent's to write */
    events.state = LOG_OFF;
    prof_log_is_on = false;
    events.number = 0;
    events.first = events.last = events.spare = NULL;
    events.threads = NULL;
    events.by_tid = NULL;
    events.nthreads = events.room = 0;
    os_mutex_init(&events.mtx, OS_RANK_PROF);
}

/* ---- writing ----------------------------------------------------------- */

/* Only the one who stopped the log gets here, and nobody adds to it. */

static void
write_piece(void *opaque, const char *text)
{
    prof_file_write(opaque, text, strlen(text));
}

static void
write_info(emit_t *e)
{
    uint64_t rate = atomic_load_rlx(&conf.sample);
    emit_object(e, "info");
    emit_member(e, "duration", emit_u64(os_clock_ns() - events.start_ns));
    emit_member(e, "version", emit_string(CTL_VERSION));
    emit_member(e, "lg_sample_rate",
                emit_u64(rate > 0 ? bits_lg_floor(rate) : 0));
    emit_member(e, "prof_time_resolution",
                emit_string(conf.prof_time_resolution == CONF_PROF_TIME_HIGH
                                ? "high"
                                : "default"));
    emit_member(e, "pid", emit_u64((uint64_t)getpid()));
    if (events.dropped > 0) {
        emit_member(e, "dropped", emit_u64(events.dropped));
    }
    emit_object_end(e);
}

static void
write_threads(emit_t *e)
{
    emit_array(e, "threads");
    for (uint32_t i = 0; i < events.nthreads; i++) {
        emit_object(e, NULL);
        emit_member(e, "thr_uid", emit_u64((uint32_t)events.threads[i].tid));
        emit_member(e, "thr_name", emit_string(events.threads[i].name));
        emit_object_end(e);
    }
    emit_array_end(e);
}

/* The stacks that there are, in the order of ids, of which numbers[] get those
 * in the file. */
static void
write_stacks(emit_t *e, uint32_t *numbers, uint32_t nstacks)
{
    uint32_t n = 0;
    for (const chunk_t *c = events.first; c != NULL; c = c->next) {
        for (size_t i = 0; i < c->count; i++) {
            je_assert(c->events[i].alloc_stack < nstacks);
            je_assert(c->events[i].free_stack < nstacks);
            numbers[c->events[i].alloc_stack] = 1;
            numbers[c->events[i].free_stack] = 1;
        }
    }
    emit_array(e, "stack_traces");
    for (uint32_t id = 0; id < nstacks; id++) {
        if (numbers[id] == 0) {
            continue;
        }
        numbers[id] = n++;
        prof_stack_emit(e, NULL, prof_stack_at(id));
    }
    emit_array_end(e);
}

static void
write_events(emit_t *e, const uint32_t *numbers)
{
    emit_array(e, "allocations");
    for (const chunk_t *c = events.first; c != NULL; c = c->next) {
        for (size_t i = 0; i < c->count; i++) {
            const event_t *x = &c->events[i];
            emit_object(e, NULL);
            emit_member(e, "alloc_thread", emit_u64(x->alloc_thread));
            emit_member(e, "free_thread", emit_u64(x->free_thread));
            emit_member(e, "alloc_trace", emit_u64(numbers[x->alloc_stack]));
            emit_member(e, "free_trace", emit_u64(numbers[x->free_stack]));
            emit_member(e, "alloc_timestamp", emit_u64(x->alloc_ns));
            emit_member(e, "free_timestamp", emit_u64(x->free_ns));
            emit_member(e, "usize", emit_u64(x->usable));
            emit_object_end(e);
        }
    }
    emit_array_end(e);
}

static void
log_write(prof_file_t *f)
{
    size_t mapped;
    uint32_t nstacks = prof_stack_count();
    uint32_t *numbers =
        prof_copy_map((nstacks + 1) * sizeof(*numbers), &mapped);
    if (numbers == NULL) {
        f->error = ENOMEM;
        return;
    }
    emit_t e;
    emit_begin(&e, EMIT_JSON, write_piece, f);
    emit_object(&e, NULL);
    write_info(&e);
    write_threads(&e);
    write_stacks(&e, numbers, nstacks);
    write_events(&e, numbers);
    emit_object_end(&e);
    emit_end(&e);
    prof_file_write(f, "\n", 1);
    prof_copy_unmap(numbers, mapped);
}

int
prof_log_stop(void)
{
    os_mutex_lock(&events.mtx);
    bool was_on = events.state == LOG_ON;
    if (was_on) {
        events.state = LOG_WRITING;
        atomic_store_rlx(&prof_log_is_on, false);
    }
    os_mutex_unlock(&events.mtx);
    if (!was_on) {
        return EINVAL;
    }
    int error = je_dump_plain(events.path, log_write);
    os_mutex_lock(&events.mtx);
    if (events.last != NULL) {
        events.last->next = events.spare;
        events.spare = events.first;
        events.first = events.last = NULL;
    }
    events.state = LOG_OFF;
    os_mutex_unlock(&events.mtx);
    return error;
}
