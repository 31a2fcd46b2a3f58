/*
 * The last sampled allocations: see prof_recent.h.
 */
#include "alloc/prof_recent.h"

#include "alloc/conf.h"
#include "alloc/prof_copy.h"
#include "base/assert.h"

enum { RECENT_CAPACITY_FIRST = 64 };

typedef struct recent {
    uint64_t number; /* 0: void */
    uint64_t requested, usable;
    bool is_released;
    prof_moment_t alloc, dalloc; /* time_ns 0: not known */
} recent_t;

static struct {
    os_mutex_t mtx;
    int64_t max;
    uint64_t first, next; /* numbers; from 1 on */
    size_t capacity;
    recent_t *ring;
} recents;

void
prof_recent_boot(void)
{
    os_mutex_init(&recents.mtx, OS_RANK_PROF);
    recents.first = recents.next = 1;
    recents.max = conf.prof ? conf.prof_recent_alloc_max : 0;
}

os_mutex_t *
prof_recent_mutex(void)
{
    return &recents.mtx;
}

/* What a thread that is not here was changing is not to be trusted. */
void
prof_recent_fork_child(void)
{
    if (os_mutex_is_held(&recents.mtx)) {
        recents.ring = NULL;
        recents.capacity = 0;
        recents.first = recents.next;
    }
    os_mutex_init(&recents.mtx, OS_RANK_PROF);
}

static recent_t *
recent_at(uint64_t number)
{
    return &recents.ring[number & (recents.capacity - 1)];
}

/* Its record, or NULL if it has been displaced. */
static recent_t *
recent_find_locked(uint64_t number)
{
    if (number < recents.first || number >= recents.next) {
        return NULL;
    }
    recent_t *r = recent_at(number);
    return r->number == number ? r : NULL;
}

bool
prof_recent_is_valid(void)
{
    os_mutex_lock(&recents.mtx);
    uint64_t n = recents.next - recents.first;
    je_assert_op(recents.first, <=, recents.next);
    je_assert_op(n, <=, recents.capacity);
    je_assert_op(recents.capacity & (recents.capacity - 1), ==, 0);
    bool ok = recents.max < 0 || n <= (uint64_t)recents.max;
    je_assert(ok);
    for (uint64_t i = recents.first; i < recents.next; i++) {
        uint64_t number = recent_at(i)->number;
        ok = ok && (number == i || number == 0);
        je_assert(ok);
    }
    os_mutex_unlock(&recents.mtx);
    return ok;
}

/* Displace the oldest until there are `most` at most. */
static void
recent_cut_locked(uint64_t most)
{
    if (recents.next - recents.first > most) {
        recents.first = recents.next - most;
    }
}

int64_t
prof_recent_max(void)
{
    return atomic_load_rlx(&recents.max);
}

void
prof_recent_set_max(int64_t max)
{
    os_mutex_lock(&recents.mtx);
    atomic_store_rlx(&recents.max, max);
    if (max >= 0) {
        recent_cut_locked((uint64_t)max);
    }
    os_mutex_unlock(&recents.mtx);
}

void
prof_recent_reset(void)
{
    os_mutex_lock(&recents.mtx);
    recent_cut_locked(0);
    os_mutex_unlock(&recents.mtx);
}

/* Twice the places. The old ones are not used again, all together as many as
 * the last. errors: false, unchanged. */
static bool
recent_grow_locked(void)
{
    recent_t *old = recents.ring;
    size_t old_capacity = recents.capacity;
    size_t capacity =
        old_capacity > 0 ? 2 * old_capacity : RECENT_CAPACITY_FIRST;
    recent_t *fresh = prof_table_alloc(capacity * sizeof(*fresh));
    if (fresh == NULL) {
        return false;
    }
    for (uint64_t n = recents.first; n < recents.next; n++) {
        fresh[n & (capacity - 1)] = old[n & (old_capacity - 1)];
    }
    recents.ring = fresh;
    recents.capacity = capacity;
    return true;
}

/* A place for one more. errors: false, there is none at all. */
static bool
recent_make_room_locked(void)
{
    int64_t max = recents.max;
    if (max == 0) {
        return false;
    }
    if (max > 0) {
        recent_cut_locked((uint64_t)max - 1);
    }
    if (recents.next - recents.first < recents.capacity) {
        return true;
    }
    if (!recent_grow_locked()) {
        /* no memory: the oldest goes, as if there were a smaller maximum */
        recents.first += recents.capacity > 0;
    }
    return recents.capacity > 0;
}

uint64_t
prof_recent_add(const prof_moment_t *m, uint64_t requested, uint64_t usable)
{
    uint64_t number = 0;
    os_mutex_lock(&recents.mtx);
    if (recent_make_room_locked()) {
        number = recents.next++;
        *recent_at(number) = (recent_t){
            .number = number,
            .requested = requested,
            .usable = usable,
            .alloc = *m,
        };
    }
    os_mutex_unlock(&recents.mtx);
    return number;
}

void
prof_recent_void(uint64_t number)
{
    os_mutex_lock(&recents.mtx);
    recent_t *r = recent_find_locked(number);
    if (r != NULL) {
        r->number = 0;
    }
    os_mutex_unlock(&recents.mtx);
}

void
prof_recent_release(uint64_t number, const prof_moment_t *m, bool is_nested)
{
    if (number == 0) {
        return;
    }
    if (!is_nested) {
        os_mutex_lock(&recents.mtx);
    } else if (!os_mutex_trylock(&recents.mtx)) {
        return;
    }
    recent_t *r = recent_find_locked(number);
    if (r != NULL) {
        r->is_released = true;
        if (m != NULL) {
            r->dalloc = *m;
        }
    }
    os_mutex_unlock(&recents.mtx);
}

/* ---- writing ----------------------------------------------------------- */

/* The keys of one moment, which begin with `what`. */
static void
dump_moment(emit_t *e, const char *what, const prof_moment_t *m)
{
    char key[32];
    (void)je_format(key, sizeof(key), "%s_thread_uid", what);
    emit_member(e, key, emit_u64((uint32_t)m->tid));
    if (m->name[0] != '\0') {
        (void)je_format(key, sizeof(key), "%s_thread_name", what);
        emit_member(e, key, emit_string(m->name));
    }
    (void)je_format(key, sizeof(key), "%s_time", what);
    emit_member(e, key, emit_u64(m->time_ns));
    (void)je_format(key, sizeof(key), "%s_trace", what);
    prof_stack_emit(e, key, m->stack);
}

static void
dump_record(emit_t *e, const recent_t *r)
{
    emit_object(e, NULL);
    emit_member(e, "size", emit_u64(r->requested));
    emit_member(e, "usize", emit_u64(r->usable));
    emit_member(e, "released", emit_bool(r->is_released));
    dump_moment(e, "alloc", &r->alloc);
    if (r->dalloc.time_ns != 0) {
        dump_moment(e, "dalloc", &r->dalloc);
    }
    emit_object_end(e);
}

/* A copy of the newest records, at most `room`: who writes may take his time,
 * and allocate. */
static size_t
dump_copy(recent_t *out, size_t room)
{
    size_t n = 0;
    os_mutex_lock(&recents.mtx);
    uint64_t first = recents.first;
    if (recents.next - first > room) {
        first = recents.next - room;
    }
    for (uint64_t i = first; i < recents.next; i++) {
        const recent_t *r = recent_at(i);
        if (r->number != 0) {
            out[n++] = *r;
        }
    }
    os_mutex_unlock(&recents.mtx);
    return n;
}

bool
prof_recent_dump(emit_write_t *write, void *opaque)
{
    size_t mapped;
    /* the older one first: then it is not the larger */
    uint64_t first = atomic_load_acq(&recents.first);
    size_t room = (size_t)(atomic_load_rlx(&recents.next) - first);
    recent_t *records = prof_copy_map((room + 1) * sizeof(*records), &mapped);
    if (records == NULL) {
        return false;
    }
    size_t n = dump_copy(records, room);
    emit_t e;
    emit_begin(&e, EMIT_JSON, write, opaque);
    emit_object(&e, NULL);
    emit_member(&e, "sample_interval", emit_u64(atomic_load_rlx(&conf.sample)));
    emit_member(&e, "recent_alloc_max", emit_i64(prof_recent_max()));
    emit_array(&e, "recent_alloc");
    for (size_t i = 0; i < n; i++) {
        dump_record(&e, &records[i]);
    }
    emit_array_end(&e);
    emit_object_end(&e);
    emit_end(&e);
    prof_copy_unmap(records, mapped);
    return true;
}
