/*
 * Slow paths of the futex lock: see mutex.h.
 *
 * source: the three-state lock of Drepper, "Futexes Are Tricky", 2011, with a
 * short spin first: a bin is held for well under a microsecond.
 */
#include "os/mutex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/clock.h"

static int64_t mutex_max_spin = 100;

/* Ranks this thread holds, one bit each. Debug builds only. */
static __thread uint32_t ranks_held;

void
os_mutex_set_max_spin(int64_t rounds)
{
    atomic_store_rlx(&mutex_max_spin, rounds);
}

void
os_mutex_init(os_mutex_t *m, os_rank_t rank)
{
    *m = (os_mutex_t){.rank = rank};
}

void
os_mutex_rank_enter(os_mutex_t *m)
{
    uint32_t not_below = ranks_held >> m->rank;
    if (not_below != 0) {
        je_fatal("lock order: rank %u taken while ranks 0x%x are held", m->rank,
                 ranks_held);
    }
    ranks_held |= 1u << m->rank;
}

void
os_mutex_rank_leave(os_mutex_t *m)
{
    ranks_held &= ~(1u << m->rank);
}

void
os_mutex_rank_reset(void)
{
    ranks_held = 0;
}

static void
mutex_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* raw system calls clobber errno, and an allocator must not */
static void
mutex_futex(uint32_t *word, int op, uint32_t value)
{
    int saved = errno;
    (void)syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL,
                  0);
    errno = saved;
}

static bool
mutex_spin(os_mutex_t *m)
{
    int64_t max = atomic_load_rlx(&mutex_max_spin);
    for (int64_t i = 0; i < max || max == -1; i++) {
        uint32_t expected = 0;
        if (atomic_load_rlx(&m->state) == 0 &&
            atomic_cas_acq(&m->state, &expected, 1u)) {
            return true;
        }
        mutex_pause();
    }
    return false;
}

void
os_mutex_lock_slow(os_mutex_t *m)
{
    if (mutex_spin(m)) {
        os_mutex_count(&m->num_spin_acq);
        return;
    }
    uint64_t start = os_clock_ns();
    uint32_t waiting = atomic_add_rlx(&m->num_waiting, 1u) + 1;
    while (atomic_xchg_acq(&m->state, 2u) != 0) {
        mutex_futex(&m->state, FUTEX_WAIT, 2);
    }
    atomic_sub_rlx(&m->num_waiting, 1u);
    uint64_t waited = os_clock_ns() - start;
    os_mutex_count(&m->num_wait);
    atomic_store_rlx(&m->total_wait_ns, m->total_wait_ns + waited);
    if (waited > m->max_wait_ns) {
        atomic_store_rlx(&m->max_wait_ns, waited);
    }
    if (waiting > m->max_num_thds) {
        atomic_store_rlx(&m->max_num_thds, waiting);
    }
}

void
os_mutex_unlock_slow(os_mutex_t *m)
{
    mutex_futex(&m->state, FUTEX_WAKE, 1);
}

void
os_mutex_stats_reset(os_mutex_t *m)
{
    atomic_store_rlx(&m->num_ops, 0u);
    atomic_store_rlx(&m->num_owner_switch, 0u);
    atomic_store_rlx(&m->num_wait, 0u);
    atomic_store_rlx(&m->num_spin_acq, 0u);
    atomic_store_rlx(&m->total_wait_ns, 0u);
    atomic_store_rlx(&m->max_wait_ns, 0u);
    atomic_store_rlx(&m->max_num_thds, 0u);
}
