/*
 * Printing a snapshot as jemalloc 5.3.0 prints its statistics: the same
 * sections, keys, columns and units, in the same order. See stats.h.
 *
 * Each table is described once, as columns over a record, and serves JSON and
 * text. What jemalloc has and this allocator has not is printed as 0.
 */
#include "alloc/stats_print.h"

#include <string.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/ctl.h"
#include "alloc/label.h"
#include "alloc/label_print.h"
#include "alloc/percpu.h"
#include "base/assert.h"
#include "os/file.h"

/* ---- settings ---------------------------------------------------------- */

static const char *const config_names[] = {
    "cache_oblivious",
    "debug",
    "fill",
    "lazy_lock",
    "malloc_conf",
    "opt_safety_checks",
    "prof",
    "prof_libgcc",
    "prof_libunwind",
    "stats",
    "utrace",
    "xmalloc",
};

/* An option and the setting that may have left it behind. */
static const struct option_line {
    const char *name;
    const char *live;
} option_lines[] = {
    {"abort", NULL},
    {"abort_conf", NULL},
    {"cache_oblivious", NULL},
    {"confirm_conf", NULL},
    {"retain", NULL},
    {"dss", NULL},
    {"narenas", NULL},
    {"percpu_arena", NULL},
    {"oversize_threshold", NULL},
    {"hpa", NULL},
    {"hpa_slab_max_alloc", NULL},
    {"hpa_hugification_threshold", NULL},
    {"hpa_hugify_delay_ms", NULL},
    {"hpa_min_purge_interval_ms", NULL},
    {"hpa_dirty_mult", NULL},
    {"hpa_sec_nshards", NULL},
    {"hpa_sec_max_alloc", NULL},
    {"hpa_sec_max_bytes", NULL},
    {"hpa_sec_bytes_after_flush", NULL},
    {"hpa_sec_batch_fill_extra", NULL},
    {"metadata_thp", NULL},
    {"mutex_max_spin", NULL},
    {"background_thread", "background_thread"},
    {"dirty_decay_ms", "arenas.dirty_decay_ms"},
    {"muzzy_decay_ms", "arenas.muzzy_decay_ms"},
    {"lg_extent_max_active_fit", NULL},
    {"junk", NULL},
    {"zero", NULL},
    {"experimental_infallible_new", NULL},
    {"tcache", NULL},
    {"tcache_max", NULL},
    {"tcache_nslots_small_min", NULL},
    {"tcache_nslots_small_max", NULL},
    {"tcache_nslots_large", NULL},
    {"lg_tcache_nslots_mul", NULL},
    {"tcache_gc_incr_bytes", NULL},
    {"tcache_gc_delay_bytes", NULL},
    {"lg_tcache_flush_small_div", NULL},
    {"lg_tcache_flush_large_div", NULL},
    {"thp", NULL},
    {"prof", NULL},
    {"prof_prefix", NULL},
    {"prof_active", "prof.active"},
    {"prof_thread_active_init", "prof.thread_active_init"},
    {"lg_prof_sample", "prof.lg_sample"},
    {"prof_accum", NULL},
    {"lg_prof_interval", NULL},
    {"prof_gdump", NULL},
    {"prof_final", NULL},
    {"prof_leak", NULL},
    {"prof_leak_error", NULL},
    {"stats_print", NULL},
    {"stats_print_opts", NULL},
    {"stats_interval", NULL},
    {"stats_interval_opts", NULL},
    {"zero_realloc", NULL},
};

/* What jemalloc has no such thing of; left out where it is not asked for. */
static const struct option_line percpu_lines[] = {
    {"percpu_cache", NULL},
    {"percpu_cache_max", NULL},
};

static const char *const prof_names[] = {
    "thread_active_init", "active", "gdump", "interval", "lg_sample",
};

/* Value of "group.name"; false when this build has none. */
static bool
setting(const char *group, const char *name, emit_value_t *value, char *full,
        size_t size)
{
    je_format(full, size, "%s.%s", group, name);
    return ctl_read_constant(full, value);
}

static void
print_group(printer_t *p, const char *group, const char *heading,
            const char *const *names, size_t n)
{
    emit_t *e = &p->emit;
    emit_text(e, "%s\n", heading);
    emit_object(e, group);
    for (size_t i = 0; i < n; i++) {
        char full[64], label[66];
        emit_value_t value;
        if (setting(group, names[i], &value, full, sizeof(full))) {
            je_format(label, sizeof(label), "  %s", full);
            emit_pair(e, names[i], label, value);
        }
    }
    emit_object_end(e);
}

static void
print_option_lines(emit_t *e, const struct option_line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct option_line *o = &lines[i];
        char full[64], label[66];
        emit_value_t value, live;
        if (!setting("opt", o->name, &value, full, sizeof(full))) {
            continue;
        }
        je_format(label, sizeof(label), "  %s", full);
        if (o->live != NULL && ctl_read_constant(o->live, &live)) {
            emit_pair_note(e, o->name, label, value, o->live, live);
        } else {
            emit_pair(e, o->name, label, value);
        }
    }
}

static void
print_options(printer_t *p)
{
    emit_t *e = &p->emit;
    emit_text(e, "Run-time option settings\n");
    emit_object(e, "opt");
    print_option_lines(e, option_lines, JE_ARRAY_LEN(option_lines));
    if (conf.percpu_cache) {
        print_option_lines(e, percpu_lines, JE_ARRAY_LEN(percpu_lines));
    }
    emit_object_end(e);
}

/* ---- the classes ------------------------------------------------------- */

typedef struct class_facts {
    size_t size, slab_size;
    uint32_t nregs, nshards;
} class_facts_t;

static const emit_column_t bin_facts[] = {
    {"size", NULL, offsetof(class_facts_t, size), EMIT_SIZE, 0, 0},
    {"nregs", NULL, offsetof(class_facts_t, nregs), EMIT_U32, 0, 0},
    {"slab_size", NULL, offsetof(class_facts_t, slab_size), EMIT_SIZE, 0, 0},
    {"nshards", NULL, offsetof(class_facts_t, nshards), EMIT_U32, 0, 0},
};

static void
print_class_arrays(printer_t *p)
{
    emit_t *e = &p->emit;
    emit_array(e, "bin");
    for (unsigned i = 0; i < SC_NBINS; i++) {
        class_facts_t f = {.size = bin_infos[i].size,
                           .slab_size = bin_infos[i].slab_size,
                           .nregs = bin_infos[i].nregs,
                           .nshards = bin_shards[i].count};
        emit_object(e, NULL);
        emit_fields(e, COLUMNS(bin_facts), &f, 0);
        emit_object_end(e);
    }
    emit_array_end(e);
}

static void
print_lextent_array(printer_t *p)
{
    emit_t *e = &p->emit;
    emit_array(e, "lextent");
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        emit_object(e, NULL);
        emit_member(e, "size", emit_u64(sz_size(SC_NBINS + i)));
        emit_object_end(e);
    }
    emit_array_end(e);
}

static void
print_arenas_pair(printer_t *p, const char *key, const char *label)
{
    emit_value_t value;
    char full[64];
    if (!setting("arenas", key, &value, full, sizeof(full))) {
        return;
    }
    if (label != NULL) {
        emit_pair(&p->emit, key, label, value);
    } else {
        emit_member(&p->emit, key, value);
    }
}

static void
print_arenas(printer_t *p)
{
    emit_object(&p->emit, "arenas");
    print_arenas_pair(p, "narenas", "Arenas");
    print_arenas_pair(p, "dirty_decay_ms", NULL);
    print_arenas_pair(p, "muzzy_decay_ms", NULL);
    print_arenas_pair(p, "quantum", "Quantum size");
    print_arenas_pair(p, "page", "Page size");
    print_arenas_pair(p, "tcache_max", "Maximum thread-cached size class");
    print_arenas_pair(p, "nbins", "Number of bin size classes");
    print_arenas_pair(p, "nhbins", "Number of thread-cache bin size classes");
    print_class_arrays(p);
    print_arenas_pair(p, "nlextents", "Number of large size classes");
    print_lextent_array(p);
    emit_object_end(&p->emit);
}

static void
print_general(printer_t *p)
{
    emit_value_t version;
    if (ctl_read_constant("version", &version)) {
        emit_pair(&p->emit, "version", "Version", version);
    }
    print_group(p, "config", "Build-time option settings", config_names,
                JE_ARRAY_LEN(config_names));
    print_options(p);
    emit_value_t has_prof;
    if (ctl_read_constant("config.prof", &has_prof) && has_prof.b) {
        print_group(p, "prof", "Profiling settings", prof_names,
                    JE_ARRAY_LEN(prof_names));
    }
    print_arenas(p);
}

/* ---- totals and the whole ---------------------------------------------- */

static const emit_column_t total_members[] = {
    {"allocated", NULL, offsetof(stats_t, allocated), EMIT_SIZE, 0, 0},
    {"active", NULL, offsetof(stats_t, active), EMIT_SIZE, 0, 0},
    {"metadata", NULL, offsetof(stats_t, metadata), EMIT_SIZE, 0, 0},
    {"metadata_thp", NULL, offsetof(stats_t, metadata_thp), EMIT_SIZE, 0, 0},
    {"resident", NULL, offsetof(stats_t, resident), EMIT_SIZE, 0, 0},
    {"mapped", NULL, offsetof(stats_t, mapped), EMIT_SIZE, 0, 0},
    {"retained", NULL, offsetof(stats_t, retained), EMIT_SIZE, 0, 0},
};

static void
print_percpu(printer_t *p, const stats_percpu_t *s)
{
    emit_t *e = &p->emit;
    emit_object(e, "percpu_cache");
    emit_member(e, "caches", emit_u64(s->caches));
    emit_member(e, "objects", emit_u64(s->objects));
    emit_member(e, "bytes", emit_u64(s->bytes));
    emit_text(e, "Per-CPU caches: %zu, objects: %zu, bytes: %zu\n", s->caches,
              s->objects, s->bytes);
    emit_object_end(e);
}

static void
print_totals(printer_t *p)
{
    emit_t *e = &p->emit;
    const stats_t *s = p->stats;
    emit_object(e, "stats");
    emit_fields(e, COLUMNS(total_members), s, 0);
    emit_text(e,
              "Allocated: %zu, active: %zu, metadata: %zu (n_thp %zu), "
              "resident: %zu, mapped: %zu, retained: %zu\n",
              s->allocated, s->active, s->metadata, s->metadata_thp,
              s->resident, s->mapped, s->retained);
    emit_pair(e, "zero_reallocs", "Count of realloc(non-null-ptr, 0) calls",
              emit_u64(s->zero_reallocs));
    emit_object(e, "background_thread");
    emit_member(e, "num_threads", emit_u64(s->background.num_threads));
    emit_member(e, "num_runs", emit_u64(s->background.num_runs));
    emit_member(e, "run_interval", emit_u64(s->background.run_interval_ns));
    emit_text(e,
              "Background threads: %zu, num_runs: %llu, run_interval: %llu "
              "ns\n",
              s->background.num_threads,
              (unsigned long long)s->background.num_runs,
              (unsigned long long)s->background.run_interval_ns);
    emit_object_end(e);
    if (percpu_is_on) {
        print_percpu(p, &s->percpu);
    }
    stats_print_mutexes(p, s->mutexes, stats_global_mutex_names,
                        STATS_GLOBAL_NMUTEXES, s->merged.uptime_ns);
    emit_object_end(e);
}

static void
print_arenas_stats(printer_t *p)
{
    emit_t *e = &p->emit;
    const stats_t *s = p->stats;
    if (!p->parts.merged && !p->parts.destroyed && !p->parts.each) {
        return;
    }
    emit_object(e, "stats.arenas");
    if (p->parts.merged && (s->npresent > 1 || !p->parts.each)) {
        emit_text(e, "Merged arenas stats:\n");
        emit_object(e, "merged");
        stats_print_arena(p, &s->merged);
        emit_object_end(e);
    }
    if (p->parts.destroyed && s->destroyed.is_present) {
        emit_text(e, "Destroyed arenas stats:\n");
        emit_object(e, "destroyed");
        stats_print_arena(p, &s->destroyed);
        emit_object_end(e);
    }
    for (unsigned i = 0; p->parts.each && i < s->narenas; i++) {
        const stats_arena_t *a = stats_arena(s, i);
        if (a != NULL) {
            char name[16];
            je_format(name, sizeof(name), "%u", i);
            emit_text(e, "arenas[%s]:\n", name);
            emit_object(e, name);
            stats_print_arena(p, a);
            emit_object_end(e);
        }
    }
    emit_object_end(e);
}

static void
print_members(printer_t *p)
{
    if (p->parts.general) {
        print_general(p);
    }
    print_totals(p);
    print_arenas_stats(p);
}

static parts_t
parts_from(const char *opts)
{
    if (opts == NULL) {
        opts = "";
    }
    return (parts_t){
        .json = strchr(opts, 'J') != NULL,
        .general = strchr(opts, 'g') == NULL,
        .merged = strchr(opts, 'm') == NULL,
        .destroyed = strchr(opts, 'd') == NULL,
        .each = strchr(opts, 'a') == NULL,
        .bins = strchr(opts, 'b') == NULL,
        .large = strchr(opts, 'l') == NULL,
        .mutexes = strchr(opts, 'x') == NULL,
        .extents = strchr(opts, 'e') == NULL,
        .hpa = strchr(opts, 'h') == NULL,
    };
}

static void
write_to_stderr(void *opaque, const char *text)
{
    (void)opaque;
    (void)os_file_write_all(STDERR_FILENO, text, strlen(text));
}

void
je_stats_print(stats_write_t *write, void *opaque, const char *opts)
{
    printer_t p = {.parts = parts_from(opts)};
    stats_t *s = ctl_refresh_and_hold();
    if (s == NULL) {
        je_warn("no memory for statistics");
        return;
    }
    p.stats = s;
    emit_t *e = &p.emit;
    if (write == NULL) {
        write = je_message_hook();
    }
    emit_begin(e, p.parts.json ? EMIT_JSON : EMIT_TEXT,
               write != NULL ? write : write_to_stderr, opaque);
    emit_object(e, NULL);
    emit_object(e, "jemalloc");
    emit_text(e, "___ Begin jemalloc statistics ___\n");
    print_members(&p);
    if (label_end() > 1) {
        label_print(e);
    }
    emit_text(e, "--- End jemalloc statistics ---\n");
    emit_object_end(e);
    emit_object_end(e);
    emit_end(e);
    stats_release(s);
}

bool
je_stats_emit_json(stats_write_t *write, void *opaque, bool nonblocking,
                   bool *is_complete)
{
    printer_t p = {.parts = parts_from("J")};
    stats_t *s = stats_new();
    if (s == NULL) {
        return false;
    }
    bool ok = stats_fill(s, nonblocking);
    if (is_complete != NULL) {
        *is_complete = s->is_complete;
    }
    if (ok) {
        p.stats = s;
        emit_begin(&p.emit, EMIT_JSON, write, opaque);
        emit_object(&p.emit, NULL);
        print_members(&p);
        emit_object_end(&p.emit);
        emit_end(&p.emit);
    }
    stats_release(s);
    return ok;
}
