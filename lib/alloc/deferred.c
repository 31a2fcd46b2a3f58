/*
 * The queue of deferred frees and its helper thread: see deferred.h.
 */
#include "alloc/deferred.h"

#include "alloc/label.h"
#include "alloc/malloc.h"
#include "base/assert.h"
#include "os/thread.h"

enum { HELPER_NONE, HELPER_STARTING, HELPER_RUNS, HELPER_FAILED, BATCH = 32 };

_Static_assert((DEFERRED_SLOTS & (DEFERRED_SLOTS - 1)) == 0,
               "positions may wrap");

static struct {
    os_mutex_t mtx;
    uint32_t helper; /* HELPER_… */
    uint32_t sleeps; /* futex word: 1 while the helper waits for work */
    uint32_t head;   /* next to be freed; positions, not slots */
    uint32_t tail;   /* next to be filled */
    uint64_t queued_bytes;
    uint64_t ndeferred;
    uint64_t ninlined;
    void *slots[DEFERRED_SLOTS];
} queue;

void
deferred_boot(void)
{
    os_mutex_init(&queue.mtx, OS_RANK_DEFERRED);
}

os_mutex_t *
deferred_mutex(void)
{
    return &queue.mtx;
}

/* Take up to BATCH objects out; the position changes last, so that a fork finds
 * each either in the queue or not. */
static unsigned
queue_take(void **out)
{
    unsigned n = 0;
    os_mutex_lock(&queue.mtx);
    uint32_t head = queue.head;
    for (; n < BATCH && head != queue.tail; n++, head++) {
        out[n] = queue.slots[head % DEFERRED_SLOTS];
    }
    atomic_fence_compiler();
    atomic_store_rlx(&queue.head, head);
    os_mutex_unlock(&queue.mtx);
    return n;
}

/* false: it is full. */
static bool
queue_put(void *p, size_t usable)
{
    os_mutex_lock(&queue.mtx);
    bool has_room = queue.tail - queue.head < DEFERRED_SLOTS;
    if (has_room) {
        atomic_add_rlx(&queue.queued_bytes, (uint64_t)usable);
        queue.slots[queue.tail % DEFERRED_SLOTS] = p;
        atomic_fence_compiler();
        atomic_store_rlx(&queue.tail, queue.tail + 1);
        atomic_bump_rlx(&queue.ndeferred, 1u);
    }
    os_mutex_unlock(&queue.mtx);
    return has_room;
}

size_t
deferred_flush(void)
{
    void *batch[BATCH];
    size_t freed = 0;
    if (atomic_load_rlx(&queue.head) == atomic_load_rlx(&queue.tail)) {
        return 0;
    }
    for (unsigned n; (n = queue_take(batch)) > 0; freed += n) {
        for (unsigned i = 0; i < n; i++) {
            size_t usable = je_usable_size(batch[i]);
            je_free(batch[i], ALLOC_CACHE_NONE);
            atomic_sub_rlx(&queue.queued_bytes, (uint64_t)usable);
        }
    }
    return freed;
}

/* ---- the helper -------------------------------------------------------- */

static void *
helper_run(void *arg)
{
    (void)arg;
    for (;;) {
        atomic_store_rel(&queue.sleeps, 1u);
        /* who puts something in after this looks at `sleeps` */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (deferred_flush() == 0) {
            os_thread_wait(&queue.sleeps, 1, UINT64_MAX);
        }
    }
    return NULL;
}

static void
helper_wake(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (atomic_load_rlx(&queue.sleeps) != 0) {
        atomic_store_rlx(&queue.sleeps, 0u);
        os_thread_wake(&queue.sleeps);
    }
}

/* libc allocates for a thread, which is nobody's: no lock is held. */
static bool
helper_is_there(void)
{
    uint32_t state = atomic_load_acq(&queue.helper);
    if (state == HELPER_NONE &&
        atomic_cas_acqrel(&queue.helper, &state, (uint32_t)HELPER_STARTING)) {
        uint64_t handle;
        unsigned label = label_swap(0);
        bool ok = os_thread_start(&handle, "jealloc_free", helper_run, NULL);
        (void)label_swap(label);
        state = ok ? HELPER_RUNS : HELPER_FAILED;
        atomic_store_rel(&queue.helper, state);
    }
    return state == HELPER_RUNS || state == HELPER_STARTING;
}

void
deferred_free(void *p)
{
    size_t usable = je_usable_size(p);
    if (usable >= DEFERRED_LEAST && helper_is_there() && queue_put(p, usable)) {
        helper_wake();
        return;
    }
    atomic_add_rlx(&queue.ninlined, 1u);
    je_dalloc(p, false);
}

/* ---- statistics and fork ----------------------------------------------- */

void
deferred_stats(deferred_stats_t *out)
{
    *out = (deferred_stats_t){
        .queued_objects = (uint32_t)(atomic_load_rlx(&queue.tail) -
                                     atomic_load_rlx(&queue.head)),
        .queued_bytes = atomic_load_rlx(&queue.queued_bytes),
        .deferred = atomic_load_rlx(&queue.ndeferred),
        .inlined = atomic_load_rlx(&queue.ninlined),
    };
}

/* What waits stays. What the parent's helper had taken out is lost to the
 * child, as is what any other thread was about to free. */
void
deferred_fork_child(void)
{
    os_mutex_init(&queue.mtx, OS_RANK_DEFERRED);
    queue.helper = HELPER_NONE;
    queue.sleeps = 0;
    queue.queued_bytes = 0;
    for (uint32_t at = queue.head; at != queue.tail; at++) {
        queue.queued_bytes += je_usable_size(queue.slots[at % DEFERRED_SLOTS]);
    }
}
