/*
 * Content of a dump: see prof_dump.h. The order is that in which things go
 * stale: memory figures first, then statistics, then samples.
 */
#include "alloc/prof_dump.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc/bin.h"
#include "alloc/emap.h"
#include "alloc/init.h"
#include "alloc/label.h"
#include "alloc/label_print.h"
#include "alloc/procinfo.h"
#include "alloc/prof.h"
#include "alloc/prof_bt.h"
#include "alloc/prof_copy.h"
#include "alloc/prof_maps.h"
#include "alloc/prof_status.h"
#include "alloc/prof_table.h"
#include "alloc/stats.h"
#include "base/assert.h"
#include "base/emit.h"
#include "os/clock.h"
#include "os/thread.h"

enum { DUMP_SCHEMA = 1, WAIT_STEPS = 300 };

#define WAIT_STEP_NS UINT64_C(100000000)

static struct {
    uint32_t busy; /* 1 while somebody writes */
    uint64_t sequence;
    prof_file_t file;
    emit_t emit;
    procinfo_memory_t memory;
} dump;

void
prof_dump_fork_child(void)
{
    dump.busy = 0;
    dump.sequence = 0;
}

/* ---- values ------------------------------------------------------------ */

static void
dump_write(void *opaque, const char *text)
{
    prof_file_write(opaque, text, strlen(text));
}

/* Text as it is; what the emitter has gathered comes before it. */
static void
dump_raw(emit_t *e, const char *text)
{
    emit_end(e);
    dump_write(e->opaque, text);
}

static void
dump_number(emit_t *e, const char *key, uint64_t value)
{
    emit_member(e, key, emit_u64(value));
}

static void
dump_address(emit_t *e, const char *key, uintptr_t value)
{
    char text[24];
    (void)je_format(text, sizeof(text), "0x%zx", (size_t)value);
    emit_member(e, key, emit_string(text));
}

/* ---- sections ---------------------------------------------------------- */

static void
dump_head(emit_t *e, const char *reason, bool is_complete)
{
    uint64_t now = os_clock_ns();
    emit_object(e, "jeprobe");
    dump_number(e, "schema", DUMP_SCHEMA);
    emit_member(e, "version", emit_string(PACKAGE_VERSION));
    emit_member(e, "reason", emit_string(reason));
    dump_number(e, "sequence", dump.sequence);
    dump_number(e, "wall_ns", os_clock_wall_ns());
    dump_number(e, "monotonic_ns", now);
    if (init_start_ns() != 0) {
        dump_number(e, "uptime_ns", now - init_start_ns());
    }
    emit_member(e, "complete", emit_bool(is_complete));
    emit_object_end(e);
}

static void
dump_stacks(emit_t *e, const prof_copy_t *c)
{
    emit_array(e, "stacks");
    for (uint32_t id = 0; id < c->nstacks; id++) {
        prof_stack_emit(e, NULL, prof_stack_at(id));
    }
    emit_array_end(e);
}

static void
dump_sites(emit_t *e, const prof_copy_t *c)
{
    emit_array(e, "sites");
    for (uint32_t id = 0; id < c->nsites; id++) {
        const prof_site_t *site = prof_site_at(id);
        if (site == NULL || site->stack->id >= c->nstacks) {
            continue;
        }
        /* a sample is live before it is counted */
        uint64_t total = atomic_load_rlx(&site->total_samples);
        uint64_t requested = atomic_load_rlx(&site->total_requested);
        const prof_live_t *live = &c->sites[id];
        emit_object(e, NULL);
        dump_number(e, "stack", site->stack->id);
        dump_number(e, "size", site->usable);
        dump_number(e, "rate", site->rate);
        dump_number(e, "live_samples", live->samples);
        dump_number(e, "live_requested", live->requested);
        dump_number(e, "total_samples", JE_MAX(total, live->samples));
        dump_number(e, "total_requested", JE_MAX(requested, live->requested));
        emit_object_end(e);
    }
    emit_array_end(e);
}

static void
dump_profile(emit_t *e, const prof_copy_t *c)
{
    prof_stats_t stats;
    prof_stats(&stats);
    emit_object(e, "profile");
    dump_number(e, "sample_interval", stats.interval);
    emit_member(e, "unwinder", emit_string(prof_bt_name()));
    dump_number(e, "samples_taken", stats.samples_taken);
    emit_object(e, "dropped");
    dump_number(e, "memory", stats.dropped_memory);
    dump_number(e, "recursion", stats.dropped_recursion);
    dump_number(e, "unwind", stats.no_stack);
    emit_object_end(e);
    dump_number(e, "live_samples", c->nsamples);
    (void)prof_maps_emit(e);
    dump_stacks(e, c);
    dump_sites(e, c);
    emit_object_end(e);
}

static void
dump_samples(emit_t *e, const prof_copy_t *c)
{
    uint64_t now = os_clock_ns();
    emit_array(e, "samples");
    for (size_t i = 0; i < c->nsamples; i++) {
        const prof_sample_t *s = &c->samples[i];
        emit_object(e, NULL);
        dump_number(e, "stack", s->site->stack->id);
        dump_number(e, "requested", s->requested);
        dump_number(e, "usable", s->site->usable);
        dump_number(e, "rate", s->site->rate);
        dump_number(e, "age_ns", now > s->time_ns ? now - s->time_ns : 0);
        dump_number(e, "thread", (uint64_t)(uint32_t)s->tid);
        if (s->label != 0) {
            emit_member(e, "label", emit_string(label_name(s->label)));
        }
        dump_address(e, "address", s->addr);
        if (s->slab != 0) {
            dump_address(e, "slab", s->slab);
            dump_number(e, "slot", s->slot);
        }
        emit_object_end(e);
    }
    emit_array_end(e);
}

/* Occupancy of the slabs that hold samples. Read without their locks: a slab
 * may just have been given back. */
static void
dump_slabs(emit_t *e, const prof_copy_t *c)
{
    emit_array(e, "slabs");
    for (size_t i = 0; i < c->nsamples; i++) {
        uintptr_t addr = c->samples[i].slab;
        if (addr == 0 || (i > 0 && c->samples[i - 1].slab == addr)) {
            continue;
        }
        const extent_t *x = emap_extent(addr);
        if (x == NULL || x->addr != addr || !x->is_slab ||
            x->szind >= SC_NBINS) {
            continue;
        }
        const bin_info_t *info = &bin_infos[x->szind];
        unsigned nfree = atomic_load_rlx(&x->nfree);
        if (nfree > info->nregs) {
            continue;
        }
        emit_object(e, NULL);
        dump_address(e, "address", addr);
        dump_number(e, "size", info->size);
        dump_number(e, "nregs", info->nregs);
        dump_number(e, "used", info->nregs - nfree);
        emit_object_end(e);
    }
    emit_array_end(e);
}

/* Write all of it. Returns whether everything was there to be written. */
static bool
dump_content(const char *reason, const prof_copy_t *copy, bool is_complete)
{
    emit_t *e = &dump.emit;
    bool is_whole = false;
    emit_begin(e, EMIT_JSON, dump_write, &dump.file);
    emit_object(e, NULL);
    dump_head(e, reason, is_complete);
    dump_raw(e, "\n");
    procinfo_emit(e, &dump.memory);
    dump_raw(e, ",\n\"jemalloc\":");
    if (!je_stats_emit_json(dump_write, &dump.file, false, &is_whole)) {
        dump_raw(e, "null");
        is_whole = false;
    }
    dump_raw(e, "\n");
    label_print(e);
    dump_raw(e, "\n");
    dump_profile(e, copy);
    dump_raw(e, "\n");
    dump_samples(e, copy);
    dump_raw(e, "\n");
    dump_slabs(e, copy);
    emit_object_end(e);
    dump_raw(e, "\n");
    return is_whole;
}

static int
dump_to_file(const char *path, const char *reason)
{
    prof_copy_t copy;
    prof_stats_t stats;
    if (!prof_file_open(&dump.file, path, dump.sequence)) {
        return dump.file.error;
    }
    procinfo_memory_read(&dump.memory);
    bool is_complete = prof_copy_take(&copy);
    prof_stats(&stats);
    is_complete = is_complete && stats.is_complete;
    if (!dump_content(reason, &copy, is_complete) && is_complete) {
        /* known only afterwards, and said at the beginning */
        prof_file_rewind(&dump.file);
        (void)dump_content(reason, &copy, false);
    }
    prof_copy_drop(&copy);
    return prof_file_close(&dump.file) ? 0 : dump.file.error;
}

/* ---- around it --------------------------------------------------------- */

static void
dump_report(int error)
{
    char number[32], line[PROF_PATH_MAX + 128];
    const char *path = dump.file.path[0] != '\0' ? dump.file.path : "dump";
    size_t n = je_format(line, sizeof(line) - 1, "jeprobe: %s: %s", path,
                         prof_file_error(error, number, sizeof(number)));
    prof_status_error(line + strlen("jeprobe: "));
    line[n] = '\n';
    line[n + 1] = '\0';
    je_message(line);
}

/* Signals that writing can send, and whose default is to end the program. */
static void
signals_block(sigset_t *blocked, sigset_t *before)
{
    sigset_t pending;
    sigemptyset(blocked);
    sigaddset(blocked, SIGPIPE);
    sigaddset(blocked, SIGXFSZ);
    (void)sigprocmask(SIG_BLOCK, blocked, before);
    /* those that were on their way are the program's own */
    if (sigpending(&pending) == 0) {
        for (int i = 0; i < 2; i++) {
            int sig = i == 0 ? SIGPIPE : SIGXFSZ;
            if (sigismember(&pending, sig) == 1) {
                sigdelset(blocked, sig);
            }
        }
    }
}

static void
signals_restore(const sigset_t *blocked, const sigset_t *before)
{
    const struct timespec now = {.tv_sec = 0};
    while (sigtimedwait(blocked, NULL, &now) > 0) {
        continue;
    }
    (void)sigprocmask(SIG_SETMASK, before, NULL);
}

/* errors: false, somebody else writes and does not come to an end. */
static bool
dump_enter(void)
{
    for (unsigned i = 0; i < WAIT_STEPS; i++) {
        uint32_t free = 0;
        if (atomic_cas_acq(&dump.busy, &free, 1u)) {
            return true;
        }
        os_thread_wait(&dump.busy, 1, WAIT_STEP_NS);
    }
    return false;
}

static void
dump_leave(void)
{
    atomic_store_rel(&dump.busy, 0u);
    os_thread_wake(&dump.busy);
}

static int
plain_to_file(const char *path, je_dump_writer_t *writer)
{
    if (!prof_file_open_plain(&dump.file, path)) {
        return dump.file.error;
    }
    writer(&dump.file);
    return prof_file_close(&dump.file) ? 0 : dump.file.error;
}

/* One at a time; `writer` NULL: a dump. */
static int
dump_alone(const char *path, const char *reason, je_dump_writer_t *writer)
{
    int saved = errno;
    if (!dump_enter()) {
        return EBUSY;
    }
    sigset_t blocked, before;
    signals_block(&blocked, &before);
    int error = writer == NULL ? dump_to_file(path, reason)
                               : plain_to_file(path, writer);
    if (error != 0) {
        dump_report(error);
    } else if (writer == NULL) {
        prof_status_dump(dump.file.path, dump.file.bytes);
        dump.sequence++;
    }
    signals_restore(&blocked, &before);
    dump_leave();
    errno = saved;
    return error;
}

int
je_dump(const char *path, const char *reason)
{
    return dump_alone(path, reason, NULL);
}

int
je_dump_plain(const char *path, je_dump_writer_t *writer)
{
    return dump_alone(path, NULL, writer);
}
