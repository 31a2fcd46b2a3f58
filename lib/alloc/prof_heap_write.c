/*
 * Writing heap_v2: see prof_heap.h.
 *
 *   heap_v2/<R>
 *     t*: <objects>: <bytes> [<accumulated objects>: <bytes>]
 *     t<thread>: …
 *   @ 0x<return address> …
 *     t*: …
 *     t<thread>: …
 *
 *   MAPPED_LIBRARIES:
 *   <as in /proc/self/maps>
 */
#include "alloc/prof_heap_write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/prof_copy.h"
#include "alloc/prof_exp.h"
#include "alloc/tsd.h"
#include "base/assert.h"

/* Objects and bytes of some samples: as they are, and scaled up by the chance
 * that each had to be sampled. */
typedef struct sum {
    uint64_t objects, bytes;
    double all_objects, all_bytes;
} sum_t;

static void
sum_add(sum_t *sum, uint64_t samples, uint64_t usable, uint64_t rate)
{
    double chance = prof_chance((double)usable / (double)rate);
    sum->objects += samples;
    sum->bytes += samples * usable;
    sum->all_objects += (double)samples / chance;
    sum->all_bytes += (double)samples * (double)usable / chance;
}

static uint64_t
rounded(double x)
{
    return (uint64_t)(x + 0.5);
}

/* What a reader that knows only objects, bytes and R scales to the sums. */
static void
sum_written(const sum_t *sum, uint64_t *objects, uint64_t *bytes)
{
    *objects = sum->objects;
    *bytes = sum->bytes;
    if (!conf.prof_unbias || sum->objects == 0) {
        return;
    }
    double mean = sum->all_bytes / sum->all_objects;
    double scale = prof_chance(mean / (double)atomic_load_rlx(&conf.sample));
    *objects = rounded(sum->all_objects * scale);
    *bytes = rounded(sum->all_bytes * scale);
    if (*objects == 0) { /* it must not vanish, nor its bytes be of nothing */
        *objects = 1;
        *bytes = rounded(mean);
    }
}

static void
write_counts(prof_file_t *f, const char *thread, const sum_t *live,
             const sum_t *all)
{
    static const sum_t none;
    char line[128];
    uint64_t objects, bytes, all_objects, all_bytes;
    sum_written(live, &objects, &bytes);
    sum_written(conf.prof_accum ? all : &none, &all_objects, &all_bytes);
    size_t n = je_format(
        line, sizeof(line), "  %s: %llu: %llu [%llu: %llu]", thread,
        (unsigned long long)objects, (unsigned long long)bytes,
        (unsigned long long)all_objects, (unsigned long long)all_bytes);
    prof_file_write(f, line, n);
}

static void
write_text(prof_file_t *f, const char *text)
{
    prof_file_write(f, text, strlen(text));
}

/* ---- threads ----------------------------------------------------------- */

/* The name that a live thread was given; *out empty: none. */
static void
thread_name(int32_t tid, char out[TSD_NAME_MAX])
{
    out[0] = '\0';
    list_t *all = tsd_list_lock();
    for (list_t *l = all->next; l != all; l = l->next) {
        const tsd_t *tsd = list_entry(l, tsd_t, link);
        if (tsd->tid == tid) {
            memcpy(out, tsd->name, TSD_NAME_MAX);
            out[TSD_NAME_MAX - 1] = '\0';
        }
    }
    tsd_list_unlock();
}

/* The samples from `at` on that have the same thread and, if `stack` is given,
 * that stack, as a line; returns the next one. */
static size_t
write_thread(prof_file_t *f, const prof_copy_t *c, size_t at,
             const prof_stack_t *stack, bool with_name)
{
    static const sum_t unknown; /* threads do not count what is gone */
    int32_t tid = c->samples[at].tid;
    sum_t live = {.objects = 0};
    for (; at < c->nsamples && c->samples[at].tid == tid &&
           (stack == NULL || c->samples[at].site->stack == stack);
         at++) {
        const prof_site_t *site = c->samples[at].site;
        sum_add(&live, 1, site->usable, site->rate);
    }
    char label[24], name[TSD_NAME_MAX];
    (void)je_format(label, sizeof(label), "t%u", (unsigned)tid);
    write_counts(f, label, &live, &unknown);
    if (with_name) {
        thread_name(tid, name);
        if (name[0] != '\0') {
            write_text(f, " ");
            write_text(f, name);
        }
    }
    write_text(f, "\n");
    return at;
}

/* ---- stacks ------------------------------------------------------------ */

typedef struct stack_sum {
    sum_t live, all;
} stack_sum_t;

static void
add_sites(const prof_copy_t *c, stack_sum_t *stacks, stack_sum_t *total)
{
    for (uint32_t id = 0; id < c->nsites; id++) {
        const prof_site_t *site = prof_site_at(id);
        if (site == NULL || site->stack->id >= c->nstacks) {
            continue;
        }
        uint64_t live = c->sites[id].samples;
        uint64_t all = JE_MAX(atomic_load_rlx(&site->total_samples), live);
        stack_sum_t *to[] = {&stacks[site->stack->id], total};
        for (unsigned i = 0; i < JE_ARRAY_LEN(to); i++) {
            sum_add(&to[i]->live, live, site->usable, site->rate);
            sum_add(&to[i]->all, all, site->usable, site->rate);
        }
    }
}

static void
write_stack(prof_file_t *f, const prof_stack_t *stack)
{
    write_text(f, "@");
    for (uint32_t i = 0; i < stack->depth; i++) {
        char frame[24];
        size_t n =
            je_format(frame, sizeof(frame), " 0x%zx", (size_t)stack->frames[i]);
        prof_file_write(f, frame, n);
    }
    write_text(f, "\n");
}

/* Stacks with something live, or with anything if accumulated counts show it.
 * Samples are sorted by stack. */
static void
write_stacks(prof_file_t *f, const prof_copy_t *c, const stack_sum_t *stacks)
{
    size_t at = 0;
    for (uint32_t id = 0; id < c->nstacks; id++) {
        const prof_stack_t *stack = prof_stack_at(id);
        const stack_sum_t *sum = &stacks[id];
        bool shows =
            sum->live.objects > 0 || (conf.prof_accum && sum->all.objects > 0);
        if (stack == NULL || !shows) {
            continue;
        }
        write_stack(f, stack);
        write_counts(f, "t*", &sum->live, &sum->all);
        write_text(f, "\n");
        while (at < c->nsamples && c->samples[at].site->stack == stack) {
            at = write_thread(f, c, at, stack, false);
        }
    }
}

static void
write_maps(prof_file_t *f)
{
    char buf[4096];
    ssize_t n = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    write_text(f, "\nMAPPED_LIBRARIES:\n");
    while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
        prof_file_write(f, buf, (size_t)n);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* A copy of the tables and the sums of each stack. */
typedef struct content {
    prof_copy_t copy;
    stack_sum_t *stacks;
    size_t mapped; /* of `stacks` */
    stack_sum_t total;
} content_t;

/* errors: false, no memory; there is then nothing in it. */
static bool
content_take(content_t *c)
{
    *c = (content_t){.stacks = NULL};
    bool ok = prof_copy_take(&c->copy);
    c->stacks = prof_copy_map(c->copy.nstacks * sizeof(*c->stacks), &c->mapped);
    if (!ok || c->stacks == NULL) {
        return false;
    }
    add_sites(&c->copy, c->stacks, &c->total);
    return true;
}

static void
content_drop(content_t *c)
{
    prof_copy_unmap(c->stacks, c->mapped);
    prof_copy_drop(&c->copy);
}

static void
write_content(prof_file_t *f, content_t *c)
{
    prof_copy_t *copy = &c->copy;
    char head[48];
    size_t n = je_format(head, sizeof(head), "heap_v2/%llu\n",
                         (unsigned long long)atomic_load_rlx(&conf.sample));
    prof_file_write(f, head, n);
    write_counts(f, "t*", &c->total.live, &c->total.all);
    write_text(f, "\n");
    prof_copy_sort(copy, PROF_BY_THREAD);
    for (size_t at = 0; at < copy->nsamples;) {
        at = write_thread(f, copy, at, NULL, true);
    }
    prof_copy_sort(copy, PROF_BY_STACK);
    write_stacks(f, copy, c->stacks);
    write_maps(f);
}

void
prof_heap_write(prof_file_t *f)
{
    content_t c;
    if (content_take(&c)) {
        write_content(f, &c);
    } else {
        f->error = ENOMEM;
    }
    content_drop(&c);
}

bool
prof_heap_write_leaks(const char *prefix)
{
    content_t c;
    unsigned contexts = 0;
    if (!content_take(&c)) {
        je_warn("no memory to look for leaks");
        content_drop(&c);
        return false;
    }
    for (uint32_t id = 0; id < c.copy.nstacks; id++) {
        contexts += c.stacks[id].live.objects > 0;
    }
    if (contexts > 0) {
        je_warn("Leak approximation summary: ~%llu bytes, ~%llu objects, "
                ">= %u contexts",
                (unsigned long long)rounded(c.total.live.all_bytes),
                (unsigned long long)rounded(c.total.live.all_objects),
                contexts);
        je_warn("who they are says jeprof of a heap profile (%s.*.heap)",
                prefix);
    }
    content_drop(&c);
    return contexts > 0;
}
