/*
 * The decay schedule: see decay.h for the curve.
 */
#include "alloc/decay.h"

#include <string.h>

#include "base/assert.h"

/* h at (i + 1) / DECAY_STEPS in fixed point. */
static uint32_t decay_weight[DECAY_STEPS];

void
decay_boot(void)
{
    for (unsigned i = 0; i < DECAY_STEPS; i++) {
        double x = (double)(i + 1) / DECAY_STEPS;
        double h = x * x * x * (x * (x * 6 - 15) + 10);
        decay_weight[i] = (uint32_t)(h * (1u << DECAY_LG_FIXED) + 0.5);
    }
}

/* The end of a step is moved by up to one step, so that many arenas created
 * together do not purge together. */
static void
decay_new_deadline(decay_t *d)
{
    d->jitter =
        d->jitter * UINT64_C(6364136223846793005) + 1442695040888963407u;
    uint64_t random = d->step_ns > 0 ? (d->jitter >> 11) % d->step_ns : 0;
    atomic_store_rlx(&d->deadline_ns, d->epoch_ns + d->step_ns + random);
}

void
decay_set_time(decay_t *d, int64_t time_ms, uint64_t now_ns)
{
    atomic_store_rlx(&d->time_ms, time_ms);
    d->step_ns = time_ms > 0 ? (uint64_t)time_ms * 1000000u / DECAY_STEPS : 0;
    d->epoch_ns = now_ns;
    d->npages_seen = 0;
    memset(d->backlog, 0, sizeof(d->backlog));
    decay_new_deadline(d);
}

void
decay_init(decay_t *d, int64_t time_ms, uint64_t now_ns)
{
    memset(d, 0, sizeof(*d));
    d->jitter = (uintptr_t)d;
    decay_set_time(d, time_ms, now_ns);
}

size_t
decay_limit(decay_t *d, uint64_t now_ns, size_t npages)
{
    if (d->time_ms <= 0) {
        return d->time_ms < 0 ? SIZE_MAX : 0;
    }
    uint64_t steps = 0;
    if (now_ns >= d->epoch_ns + d->step_ns) {
        steps = (now_ns - d->epoch_ns) / d->step_ns;
        d->epoch_ns += steps * d->step_ns;
    }
    if (steps >= DECAY_STEPS) {
        memset(d->backlog, 0, sizeof(d->backlog));
    } else if (steps > 0) {
        memmove(d->backlog, d->backlog + steps,
                (DECAY_STEPS - steps) * sizeof(d->backlog[0]));
        memset(d->backlog + DECAY_STEPS - steps, 0,
               steps * sizeof(d->backlog[0]));
    }
    if (steps > 0) {
        decay_new_deadline(d);
    }
    if (npages > d->npages_seen) {
        d->backlog[DECAY_STEPS - 1] += npages - d->npages_seen;
    }
    d->npages_seen = npages;
    /* 2^40 pages times 2^24 still fits */
    uint64_t sum = 0;
    for (unsigned i = 0; i < DECAY_STEPS; i++) {
        sum += (uint64_t)d->backlog[i] * decay_weight[i];
    }
    size_t limit = (size_t)(sum >> DECAY_LG_FIXED);
    if (limit < npages) {
        d->npages_seen = limit;
    }
    return limit;
}

uint64_t
decay_ns_until_due(const decay_t *d, uint64_t now_ns, size_t npages)
{
    if (d->time_ms <= 0 || npages == 0) {
        return UINT64_MAX;
    }
    return d->deadline_ns > now_ns ? d->deadline_ns - now_ns : 0;
}
