/*
 * Copying the tables of samples: see prof_copy.h.
 */
#include "alloc/prof_copy.h"

#include "base/assert.h"
#include "base/bits.h"
#include "os/pages.h"

static uint64_t
sort_key(const prof_sample_t *s, prof_order_t order)
{
    switch (order) {
    case PROF_BY_SLAB:
        return s->slab;
    case PROF_BY_THREAD:
        return (uint32_t)s->tid;
    default:
        return (uint64_t)s->site->stack->id << 32 | (uint32_t)s->tid;
    }
}

/* Heapsort: libc's sort may allocate. */
static void
sift(prof_sample_t *s, size_t i, size_t n, prof_order_t order)
{
    for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n &&
            sort_key(&s[child + 1], order) > sort_key(&s[child], order)) {
            child++;
        }
        if (sort_key(&s[i], order) >= sort_key(&s[child], order)) {
            return;
        }
        prof_sample_t t = s[i];
        s[i] = s[child];
        s[child] = t;
        i = child;
    }
}

void
prof_copy_sort(prof_copy_t *c, prof_order_t order)
{
    prof_sample_t *s = c->samples;
    for (size_t i = c->nsamples / 2; i-- > 0;) {
        sift(s, i, c->nsamples, order);
    }
    for (size_t end = c->nsamples; end > 1; end--) {
        prof_sample_t t = s[0];
        s[0] = s[end - 1];
        s[end - 1] = t;
        sift(s, 0, end - 1, order);
    }
}

void *
prof_copy_map(size_t size, size_t *mapped)
{
    *mapped = bits_align_up(size + 1, OS_PAGE);
    return os_pages_map(*mapped, OS_PAGE, true);
}

void
prof_copy_unmap(void *p, size_t mapped)
{
    if (p != NULL) {
        (void)os_pages_unmap(p, mapped);
    }
}

bool
prof_copy_take(prof_copy_t *c)
{
    *c = (prof_copy_t){.nsamples = 0};
    size_t room = prof_table_live() + 1024;
    c->samples = prof_copy_map(room * sizeof(prof_sample_t), &c->samples_size);
    size_t n = c->samples != NULL ? prof_table_copy(c->samples, room) : 0;
    c->nsites = prof_site_count();
    c->nstacks = prof_stack_count();
    c->sites = prof_copy_map(c->nsites * sizeof(prof_live_t), &c->sites_size);
    if (c->samples == NULL || c->sites == NULL) {
        c->nsites = 0;
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const prof_sample_t *s = &c->samples[i];
        if (s->site->id < c->nsites) {
            c->sites[s->site->id].samples++;
            c->sites[s->site->id].requested += s->requested;
            c->samples[c->nsamples++] = *s;
        }
    }
    return n < room;
}

void
prof_copy_drop(prof_copy_t *c)
{
    prof_copy_unmap(c->samples, c->samples_size);
    prof_copy_unmap(c->sites, c->sites_size);
}

void
prof_stack_emit(emit_t *e, const char *key, const prof_stack_t *stack)
{
    char text[24];
    emit_array(e, key);
    for (uint32_t i = 0; stack != NULL && i < stack->depth; i++) {
        (void)je_format(text, sizeof(text), "0x%zx", (size_t)stack->frames[i]);
        emit_member(e, NULL, emit_string(text));
    }
    emit_array_end(e);
}
