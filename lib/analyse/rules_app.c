/* Section K: other programs.
 *
 * No figure of an allocator tells which program it is in.  So these rules ask
 * for a sign of it first: the program's file, its name, what it maps, or its
 * own console. */
#include "analyse/rules_outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP_SHARE       0.30 /* of allocated */
#define GC_FREED        0.40 /* of allocated before */
#define GC_RETURNED     0.20 /* of active before */
#define BLOCK_CLASS     20480
#define BLOCK_SHARE     0.50 /* of all large objects */
#define CACHE_TIMES     2.0  /* the RSS to the block cache */
#define CACHE_EXPLAINED 0.80 /* of allocated */
#define INTERNAL_SHARE  0.10 /* of active - allocated */
#define GLIBC_HEAPS     8
#define GLIBC_SHARE     0.25 /* of the RSS */
#define ARENA_MAX_FEW   2
#define JAVA_SHARE      0.20 /* of the RSS */
#define BUDGET_SHARE    0.05 /* of the limit */
#define BUDGET_SOFT     0.90 /* of the limit */

static const char *const rocksdb_programs[] = {
    "tikv", "arangod", "kvrocks", "qdrant", "rocksdb", "db_bench", NULL};
static const char *const rocksdb_files[] = {"librocksdb", "librocksdbjni",
                                            NULL};
static const char *const java_programs[] = {"java", NULL};
static const char *const java_files[] = {"libjvm", NULL};

/* ---- skynet ----------------------------------------------------------------
 */

static bool
is_skynet(const struct snapshot *snapshot)
{
    return snapshot->format == DUMP_FORMAT_SKYNET ||
           snapshot->skynet[SKYNET_LUA].known ||
           snapshot->skynet[SKYNET_C].known;
}

bool
rule_skynet_accounting_gap(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *skynet = in->snapshot->skynet;
    struct jep_figure allocated = in->view->summary.allocated;
    struct jep_figure counted =
        figure_plus(skynet[SKYNET_LUA], skynet[SKYNET_C]);
    struct jep_figure gap = figure_minus(allocated, counted);

    if (!rule_is_part(gap, GAP_SHARE, allocated))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, gap.value);
    finding_title(finding,
                  "Services account for %s of %s: the rest passes by skynet's "
                  "counters, or nobody frees it",
                  SIZE_TEXT(counted.value), SIZE_TEXT(allocated.value));
    finding_size(finding, "allocated", allocated);
    finding_size(finding, "mem, all services", skynet[SKYNET_LUA]);
    finding_size(finding, "cmem, total", skynet[SKYNET_C]);
    finding_size(finding, "not accounted for", gap);
    finding_count(finding, "services", skynet[SKYNET_SERVICES]);
    return true;
}

bool
rule_skynet_gc_frag(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *now = &in->view->summary, *was;
    int64_t freed, returned;

    if (in->before == NULL ||
        (!is_skynet(in->snapshot) && !is_skynet(in->before)))
        return false;
    was = &in->before_view->summary;
    if (!rule_change(now->allocated, was->allocated, &freed) ||
        !rule_change(now->active, was->active, &returned) ||
        (double)freed < GC_FREED * (double)was->allocated.value ||
        (double)returned > GC_RETURNED * (double)was->active.value ||
        now->active.value <= now->allocated.value)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, now->active.value - now->allocated.value);
    finding_title(finding,
                  "Collecting garbage freed %s, and only %s of pages became "
                  "empty",
                  SIZE_TEXT(freed), SIZE_TEXT(returned > 0 ? returned : 0));
    finding_size(finding, "allocated before", was->allocated);
    finding_size(finding, "allocated", now->allocated);
    finding_size(finding, "active before", was->active);
    finding_size(finding, "active", now->active);
    finding_size(finding, "resident", now->resident);
    return true;
}

/* ---- RocksDB ----------------------------------------------------------------
 */

/* Live objects of 20 KiB: blocks of 16 KiB with what is in front of them. */
static struct jep_figure
blocks_count(const struct snapshot *snapshot)
{
    const struct table *larges;
    uint64_t size, count;

    if (snapshot->subject == NULL)
        return (struct jep_figure){0};
    larges = &snapshot->subject->larges;
    for (size_t row = 0; row < larges->rows; row++) {
        if ((table_get(larges, row, LARGE_SIZE, &size) ||
             table_get(&snapshot->large_classes, row, LARGE_SIZE, &size)) &&
            size == BLOCK_CLASS &&
            table_get(larges, row, LARGE_CUREXTENTS, &count))
            return figure_derived(count);
    }
    return (struct jep_figure){0};
}

bool
rule_rocksdb_block_padding(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure blocks = blocks_count(in->snapshot);
    struct jep_figure pad = figure_times(blocks, s->page.value);

    if (!rule_is_jemalloc(in) || !s->padding.known || s->padding.value == 0 ||
        !rule_is_part(blocks, BLOCK_SHARE, s->large_objects) || !pad.known ||
        (!program_is(in, rocksdb_programs) &&
         program_maps(in, rocksdb_files) == NULL))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, pad.value);
    finding_title(finding,
                  "%llu blocks of RocksDB are just above 16 KiB: each takes 20 "
                  "KiB and a page of padding, %s in all",
                  (unsigned long long)blocks.value, SIZE_TEXT(pad.value));
    finding_count(finding, "objects of 20480 bytes", blocks);
    finding_count(finding, "large objects", s->large_objects);
    finding_size(finding, "page x objects of 20480 bytes", pad);
    finding_size(finding, "allocated", s->allocated);
    program_show(in, finding, rocksdb_programs, rocksdb_files);
    rule_padding_action(in, finding);
    return true;
}

bool
rule_rocksdb_outside_cache(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *rocksdb = in->snapshot->rocksdb;
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure cache = rocksdb[ROCKSDB_CACHE];
    struct jep_figure outside[] = {
        figure_or(rocksdb[ROCKSDB_MEMTABLES], rocksdb[ROCKSDB_MEMTABLES_NOW]),
        rocksdb[ROCKSDB_TABLE_READERS]};
    struct jep_figure beside = outside_sum(outside, JE_ARRAY_LEN(outside));
    struct jep_figure sum = figure_plus(cache, beside);

    if (!cache.known || (double)in->rss < CACHE_TIMES * (double)cache.value ||
        !rule_is_part(sum, CACHE_EXPLAINED, s->allocated))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, beside.value);
    finding_title(finding,
                  "RocksDB itself holds %s outside of its block cache: the "
                  "allocator is not at fault",
                  SIZE_TEXT(beside.value));
    finding_size(finding, "block cache", cache);
    finding_size(finding, "of it pinned", rocksdb[ROCKSDB_CACHE_PINNED]);
    finding_size(finding, "memtables", outside[0]);
    finding_size(finding, "indexes and filters of open tables", outside[1]);
    finding_size(finding, "allocated", s->allocated);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "RSS", s->rss);
    return true;
}

bool
rule_tikv_frag_formula(const struct rule_input *in, struct finding *finding)
{
    static const char *const names[] = {"tikv", NULL};
    static const char *const files[] = {NULL};
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure gap = figure_minus(s->active, s->allocated);
    struct jep_figure shown = figure_minus(gap, s->internal);

    if (!program_is(in, names) || !s->internal.known || !gap.known ||
        gap.value == 0 || !rule_is_part(s->internal, INTERNAL_SHARE, gap) ||
        !rule_is_worth(in, s->internal.value))
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "TiKV's panel shows %s of fragmentation, where it is %s",
                  SIZE_TEXT(shown.value), SIZE_TEXT(gap.value));
    finding_size(finding, "active - allocated", gap);
    finding_size(finding, "internal", s->internal);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "metadata", s->metadata);
    finding_size(finding, "dirty", s->dirty);
    program_show(in, finding, names, files);
    return true;
}

/* ---- languages
 * --------------------------------------------------------------- */

static bool
has_few_arenas(const struct rule_input *in)
{
    const char *text =
        snapshot_setting(in->snapshot, "process.env.MALLOC_ARENA_MAX");
    unsigned long most = text != NULL ? strtoul(text, NULL, 10) : 0;

    return most > 0 && most <= ARENA_MAX_FEW;
}

/* What they can give back: all of it at most, and what is free by malloc_info
 * or malloc_stats where there is one. */
static uint64_t
arenas_spare(const struct rule_input *in, struct jep_figure held)
{
    const struct jep_figure *glibc = in->snapshot->glibc;
    struct jep_figure spare =
        figure_minus(glibc[GLIBC_SYSTEM], glibc[GLIBC_IN_USE]);

    return spare.known && spare.value < held.value ? spare.value : held.value;
}

bool
rule_ruby_python_arenas(const struct rule_input *in, struct finding *finding)
{
    static const char *const names[] = {"ruby",     "python",  "puma",
                                        "sidekiq",  "unicorn", "uwsgi",
                                        "gunicorn", NULL};
    static const char *const files[] = {"libruby", "libpython", "ruby",
                                        "python", NULL};
    const struct jep_figure *rollup = in->snapshot->rollup;
    struct jep_figure heaps = rollup[ROLLUP_GLIBC_HEAPS];
    struct jep_figure bytes = rollup[ROLLUP_GLIBC_HEAP];

    if (!heaps.known || heaps.value < GLIBC_HEAPS ||
        !rule_is_part(bytes, GLIBC_SHARE, in->view->summary.rss) ||
        has_few_arenas(in) ||
        (!program_is(in, names) && program_maps(in, files) == NULL))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, arenas_spare(in, bytes));
    finding_title(finding,
                  "%llu heaps of glibc's arenas hold %s: threads keep what "
                  "others could use",
                  (unsigned long long)heaps.value, SIZE_TEXT(bytes.value));
    finding_count(finding, "heaps of 64 MiB", heaps);
    finding_size(finding, "in memory of them", bytes);
    finding_size(finding, "[heap]", rollup[ROLLUP_HEAP]);
    finding_size(finding, "RSS", in->view->summary.rss);
    finding_count(finding, "threads", in->view->process.threads);
    program_show(in, finding, names, files);
    return true;
}

/* "-Xmx4g" of the command line; NULL = not there. */
static const char *
java_heap_option(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->argc; i++) {
        if (snapshot->argv[i] != NULL &&
            strncmp(snapshot->argv[i], "-Xmx", 4) == 0)
            return snapshot->argv[i];
    }
    return NULL;
}

bool
rule_jvm_native(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure libc = outside_glibc(in);
    struct jep_figure parts[] = {libc, s->resident};
    struct jep_figure native = outside_sum(parts, JE_ARRAY_LEN(parts));

    if (!program_is_java(in) || !rule_is_part(native, JAVA_SHARE, s->rss))
        return false;
    finding_bytes(finding, native.value);
    finding_title(finding,
                  "%s of the Java process is native memory that -Xmx does not "
                  "limit",
                  SIZE_TEXT(native.value));
    finding_size(finding, "RSS", s->rss);
    finding_size(finding, "glibc's malloc", libc);
    finding_size(finding, "heaps of glibc's arenas",
                 in->snapshot->rollup[ROLLUP_GLIBC_HEAP]);
    finding_size(finding, "resident of the allocator", s->resident);
    finding_size(finding, "allocated", s->allocated);
    finding_text(finding, "maximum heap", java_heap_option(in->snapshot), 0);
    program_show(in, finding, java_programs, java_files);
    if (s->resident.known)
        finding_action(finding,
                       "Ask who holds it: -XX:NativeMemoryTracking=summary and "
                       "jcmd PID VM.native_memory, and a heap profile of the "
                       "allocator. In a container set narenas by its quota.");
    return true;
}

/* ---- analytical databases
 * ----------------------------------------------------- */

static const char *const olap_programs[] = {
    "doris_be", "starrocks_be", "palo_be", "clickhouse", "milvus", NULL};

static void
budget_action(const struct rule_input *in, struct finding *finding)
{
    static const char *const clickhouse[] = {"clickhouse", NULL};

    if (program_is(in, clickhouse))
        finding_action(finding, "SYSTEM JEMALLOC PURGE gives the pages back "
                                "now; from 26.1 on ClickHouse has a setting "
                                "for the ratio at which it does so by itself. "
                                "dirty_decay_ms:5000 with "
                                "background_thread:true keeps them fewer.");
    else
        finding_action(finding,
                       "Purge when dirty pages pass a budget (mallctl "
                       "arena.4096.purge is all arenas), and set "
                       "dirty_decay_ms:5000 with background_thread:true.");
}

bool
rule_olap_dirty_budget(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure limit = in->snapshot->cgroup[CGROUP_LIMIT];
    struct jep_figure high = in->snapshot->cgroup[CGROUP_HIGH];
    static const char *const files[] = {NULL};
    bool is_above = high.known ? rule_is_part(s->resident, 1.0, high)
                               : rule_is_part(s->resident, BUDGET_SOFT, limit);

    if (!program_is(in, olap_programs) || !is_above ||
        !rule_is_part(s->dirty, BUDGET_SHARE, limit))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, s->dirty.value);
    finding_title(finding, "The limit is near, and %s of it are free pages",
                  SIZE_TEXT(s->dirty.value));
    finding_size(finding, "dirty", s->dirty);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "limit", limit);
    finding_size(finding, "high", high);
    program_show(in, finding, olap_programs, files);
    budget_action(in, finding);
    return true;
}
