/*
 * Options that choose arenas: see arena_choice.h.
 */
#include "alloc/arena_choice.h"

#include "alloc/conf.h"
#include "base/assert.h"
#include "os/cpu.h"

size_t arena_oversize_min = SIZE_MAX;
bool arena_is_by_processor;

/* ---- how many ---------------------------------------------------------- */

/* narenas_ratio for each processor, rounded; one processor has one arena. */
static unsigned
choice_by_ratio(void)
{
    unsigned cpus = os_cpu_count();
    uint64_t ratio = conf_fraction(conf.narenas_ratio);
    uint64_t n = (cpus * ratio + (1 << 15)) >> 16;
    return cpus == 1 || n == 0 ? 1 : (unsigned)JE_MIN(n, ARENA_LIMIT);
}

/* One for each processor that there can be, or for two; 0: unknown. */
static unsigned
choice_by_processor(void)
{
    unsigned n = os_cpu_limit();
    if (conf.percpu_arena == CONF_PERCPU_PHYCPU) {
        n = (n + 1) / 2;
    }
    return n <= ARENA_LIMIT ? n : 0;
}

static void
choice_boot_oversize(void)
{
    if (conf.oversize_threshold < sz_size(SC_NBINS) ||
        conf.oversize_threshold > SZ_LARGE_MAX) {
        conf.oversize_threshold = 0;
        return;
    }
    arena_oversize_min = pac_default_oversize = conf.oversize_threshold;
    arena_reserve(); /* the one after the automatic ones */
}

void
arena_choice_boot(void)
{
    unsigned n = 0;
    if (conf.percpu_arena != CONF_PERCPU_DISABLED) {
        n = choice_by_processor();
        if (n == 0) {
            je_warn("percpu_arena: the number of processors is unknown");
            conf.percpu_arena = CONF_PERCPU_DISABLED;
        }
        arena_is_by_processor = n > 0;
    }
    if (n == 0) {
        n = conf.narenas != 0 ? (unsigned)conf.narenas : choice_by_ratio();
    }
    arena_boot(n);
    choice_boot_oversize();
}

/* ---- oversize ---------------------------------------------------------- */

/* Pages of oversize objects are worth more to the system than to the next such
 * object, unless somebody purges them in the background anyway. */
static void
choice_purge_at_once(arena_t *arena)
{
    if (!conf.background_thread) {
        (void)pac_set_decay_ms(&arena->pac, PAC_DIRTY, 0);
        (void)pac_set_decay_ms(&arena->pac, PAC_MUZZY, 0);
    }
}

static arena_t *
choice_oversize(const tsd_t *tsd)
{
    if (tsd != NULL && tsd->arena->ind >= arenas_auto) {
        return NULL; /* the program has chosen */
    }
    arena_t *arena = arena_get(arenas_auto);
    if (arena == NULL) {
        arena = arena_get_or_make(arenas_auto);
        if (arena != NULL) {
            choice_purge_at_once(arena);
        }
    }
    return arena != NULL && !arena->is_quarantined ? arena : NULL;
}

/* ---- groups ------------------------------------------------------------ */

/* An arena that a program made different is used as it was made. */
arena_t *
arena_of_group(arena_t *arena)
{
    if (arena->ind >= arenas_auto || arena_is_by_processor) {
        return arena;
    }
    arena_t *first = arena_get(arena->ind - arena->ind % ARENA_GROUP);
    bool is_shared = first != NULL && !first->is_quarantined &&
                     pac_is_alike(&first->pac, &arena->pac);
    return is_shared ? first : arena;
}

arena_t *
arena_for_large(const tsd_t *tsd, size_t usable)
{
    arena_t *arena =
        unlikely(usable >= arena_oversize_min) ? choice_oversize(tsd) : NULL;
    if (arena == NULL && usable >= ARENA_SHARED_MIN && tsd != NULL &&
        !tsd->is_arena_chosen) {
        arena = arena_of_group(tsd->arena);
    }
    return arena;
}

/* ---- by processor ------------------------------------------------------ */

/* Two threads of one core are taken to be half of all numbers apart. */
static unsigned
choice_processor(void)
{
    unsigned cpu = os_cpu_current();
    return cpu < arenas_auto ? cpu : cpu % arenas_auto;
}

/* Count a thread of the arena of this processor. NULL: it cannot be used. */
static arena_t *
choice_bind_to_processor(const arena_t *except)
{
    arena_t *arena = arena_get_or_make(choice_processor());
    if (arena == NULL || arena == except || arena->is_quarantined) {
        return NULL;
    }
    atomic_add_rlx(&arena->nthreads, 1u);
    return arena;
}

arena_t *
arena_bind_here(void)
{
    arena_t *arena =
        arena_is_by_processor ? choice_bind_to_processor(NULL) : NULL;
    return arena != NULL ? arena : arena_bind();
}

void
arena_move_thread(tsd_t *tsd)
{
    if (tsd->arena->ind >= arenas_auto) {
        return; /* the program has chosen */
    }
    arena_t *arena = choice_bind_to_processor(tsd->arena);
    if (arena != NULL) {
        arena_unbind(tsd->arena);
        atomic_store_rel(&tsd->arena, arena);
    }
}
