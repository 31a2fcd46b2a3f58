/*
 * When heap profiles are written and how they are named: see prof_heap.h. Their
 * content is in prof_heap_write.c.
 */
#include "alloc/prof_heap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/prof_dump.h"
#include "alloc/prof_heap_write.h"
#include "alloc/prof_hook.h"
#include "alloc/prof_name.h"
#include "base/assert.h"

static struct {
    char prefix[PROF_PREFIX_MAX];
    uint64_t number;                     /* of all */
    uint64_t numbers[PROF_HEAP_REASONS]; /* of each reason */
    bool gdump;
    size_t high_pages;
    uint64_t interval; /* bytes, 0 = none */
    uint64_t allocated;
} heap;

unsigned prof_heap_due; /* bits 1 << reason */

/* May run as often as options are read. */
void
prof_heap_boot(void)
{
    if (!conf.prof) {
        return;
    }
    je_check(prof_heap_set_prefix(conf.prof_prefix));
    heap.gdump = conf.prof_gdump;
    heap.interval =
        conf.lg_prof_interval >= 0 ? UINT64_C(1) << conf.lg_prof_interval : 0;
}

bool
prof_heap_set_prefix(const char *prefix)
{
    size_t n = strnlen(prefix, sizeof(heap.prefix));
    if (n == sizeof(heap.prefix)) {
        return false;
    }
    memcpy(heap.prefix, prefix, n + 1);
    return true;
}

/* "jeprof.4711.3.i2.heap" */
static bool
heap_name(char *out, size_t size, prof_heap_reason_t reason)
{
    static const char letters[] = "fimu";
    uint64_t number = atomic_add_rlx(&heap.number, 1u);
    uint64_t nth = atomic_add_rlx(&heap.numbers[reason], 1u);
    char count[24] = "";
    if (reason != PROF_HEAP_FINAL) {
        (void)je_format(count, sizeof(count), "%llu", (unsigned long long)nth);
    }
    size_t n =
        je_format(out, size, "%s.%d.%llu.%c%s.heap", heap.prefix, (int)getpid(),
                  (unsigned long long)number, letters[reason], count);
    return n < size;
}

int
prof_heap_name_log(char *out, size_t size, uint64_t number)
{
    if (heap.prefix[0] == '\0') {
        return EINVAL;
    }
    size_t n = je_format(out, size, "%s.%d.%llu.json", heap.prefix,
                         (int)getpid(), (unsigned long long)number);
    return n < size ? 0 : ENAMETOOLONG;
}

int
prof_heap_dump(const char *path, prof_heap_reason_t reason)
{
    char name[PROF_PATH_MAX];
    if (path == NULL) {
        if (heap.prefix[0] == '\0') {
            return EINVAL;
        }
        if (!heap_name(name, sizeof(name), reason)) {
            return ENAMETOOLONG;
        }
        path = name;
    }
    int error = je_dump_plain(path, prof_heap_write);
    prof_dumped_t *hook = prof_hook_dumped();
    if (error == 0 && hook != NULL) {
        hook(path);
    }
    return error;
}

bool
prof_heap_exit(void)
{
    bool has_leaks = false;
    if (!conf.prof) {
        return false;
    }
    if (conf.prof_final) {
        (void)prof_heap_dump(NULL, PROF_HEAP_FINAL);
    }
    if (conf.prof_leak) {
        has_leaks = prof_heap_write_leaks(heap.prefix);
    }
    return has_leaks && conf.prof_leak_error;
}

/* ---- profiles that come by themselves ---------------------------------- */

static size_t
active_pages(void)
{
    size_t pages = 0;
    for (unsigned i = 0; i < arena_count(); i++) {
        const arena_t *arena = arena_get(i);
        pages += arena != NULL ? atomic_load_rlx(&arena->pac.nactive) : 0;
    }
    return pages;
}

bool
prof_heap_gdump(void)
{
    return atomic_load_rlx(&heap.gdump);
}

void
prof_heap_set_gdump(bool on)
{
    atomic_store_rlx(&heap.gdump, on);
}

static void
heap_make_due(prof_heap_reason_t reason)
{
    (void)__atomic_fetch_or(&prof_heap_due, 1u << reason, __ATOMIC_RELAXED);
}

void
prof_heap_grown(void)
{
    size_t pages = active_pages();
    size_t high = atomic_load_rlx(&heap.high_pages);
    while (pages > high) {
        if (atomic_cas_acqrel(&heap.high_pages, &high, pages)) {
            heap_make_due(PROF_HEAP_GDUMP);
            return;
        }
    }
}

void
prof_heap_count(size_t bytes)
{
    if (heap.interval == 0) {
        return;
    }
    uint64_t before = atomic_add_rlx(&heap.allocated, (uint64_t)bytes);
    if (before / heap.interval != (before + bytes) / heap.interval) {
        heap_make_due(PROF_HEAP_INTERVAL);
    }
}

void
prof_heap_write_due(void)
{
    unsigned due = __atomic_exchange_n(&prof_heap_due, 0, __ATOMIC_RELAXED);
    for (unsigned r = 0; r < PROF_HEAP_REASONS; r++) {
        if ((due >> r & 1) != 0) {
            (void)prof_heap_dump(NULL, (prof_heap_reason_t)r);
        }
    }
}

/* Names have the child's number from here on. */
void
prof_heap_fork_child(void)
{
    prof_heap_due = 0;
    heap.number = 0;
    memset(heap.numbers, 0, sizeof(heap.numbers));
}
