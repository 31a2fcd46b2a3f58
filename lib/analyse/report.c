/* A snapshot's analysis as one view. */
#include "analyse/report.h"

#include "analyse/rules.h"
#include "model/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MAX 64 /* dumps of one process that rules look back at */

struct jep_report {
    struct jep_view view;
    const struct snapshot *snapshot;
    const jep_report_t *before; /* of the same process, or NULL */
    struct jep_moment moment;
    struct jep_finding *findings;
    struct ledger ledger;
    struct jep_bin *bins;
    struct jep_arena *arenas;
    struct jep_class *classes;
    struct jep_owner *owners;
    struct sites sites;
    struct intern_text texts;
    struct jep_warning *warnings;
    size_t warning_count, warning_capacity;
};

void
jep_report_free(jep_report_t *report)
{
    if (report == NULL)
        return;
    free(report->bins);
    free(report->arenas);
    free(report->classes);
    free(report->owners);
    free(report->warnings);
    free(report->findings);
    sites_free(&report->sites);
    intern_text_free(&report->texts);
    free(report);
}

const struct jep_view *
jep_report_view(const jep_report_t *report)
{
    return &report->view;
}

const struct snapshot *
report_snapshot(const jep_report_t *report)
{
    return report->snapshot;
}

const struct jep_moment *
report_moment(const jep_report_t *report)
{
    return &report->moment;
}

static bool
warn(jep_report_t *report, const struct jep_warning *warning)
{
    if (!intern_grow((void **)&report->warnings, &report->warning_capacity,
                     report->warning_count, sizeof(*warning)))
        return false;
    report->warnings[report->warning_count++] = *warning;
    return true;
}

static void
process_fill(const struct snapshot *snapshot, struct jep_process *out)
{
    const struct jep_figure *p = snapshot->process;
    const struct jep_figure *rollup = snapshot->rollup;

    out->known = p[PROCESS_PID].known || rollup[ROLLUP_RSS].known ||
                 snapshot->status[STATUS_VM_RSS].known;
    out->exe = snapshot_setting(snapshot, "process.exe");
    if (out->exe == NULL)
        out->exe = snapshot_setting(snapshot, "process.comm");
    out->argv = snapshot->argv;
    out->argc = snapshot->argc;
    out->kernel = snapshot_setting(snapshot, "process.kernel");
    out->thp_enabled = snapshot_setting(snapshot, "process.thp.enabled");
    out->thp_defrag = snapshot_setting(snapshot, "process.thp.defrag");
    out->pid = p[PROCESS_PID];
    out->threads = p[PROCESS_THREADS];
    out->uptime_ns = p[PROCESS_UPTIME_NS];
    out->page_size = p[PROCESS_PAGE_SIZE];
    out->cpus = p[PROCESS_CPUS];
    out->rss = rollup[ROLLUP_RSS];
    out->pss = rollup[ROLLUP_PSS];
    out->anonymous = rollup[ROLLUP_ANONYMOUS];
    out->file = rollup[ROLLUP_FILE];
    out->shmem = rollup[ROLLUP_SHMEM];
    out->anon_huge_pages = rollup[ROLLUP_ANON_HUGE_PAGES];
    out->swap = rollup[ROLLUP_SWAP];
    out->peak_rss = snapshot->status[STATUS_VM_HWM];
    out->cgroup_limit = snapshot->cgroup[CGROUP_LIMIT];
    out->cgroup_usage = snapshot->cgroup[CGROUP_USAGE];
}

/* Where a format is of several: what its reader found out. */
static enum jep_allocator
allocator_named(const char *name, enum jep_allocator otherwise)
{
    static const struct {
        const char *name;
        enum jep_allocator allocator;
    } names[] = {{"tcmalloc", JEP_ALLOCATOR_TCMALLOC},
                 {"gperftools", JEP_ALLOCATOR_GPERFTOOLS},
                 {"jemalloc", JEP_ALLOCATOR_JEMALLOC},
                 {"glibc", JEP_ALLOCATOR_GLIBC}};

    for (size_t i = 0; i < JE_ARRAY_LEN(names); i++) {
        if (strcmp(names[i].name, name) == 0)
            return names[i].allocator;
    }
    return otherwise;
}

/* "5.1.0 to 5.3.0", from what the dump holds. */
static void
version_range(const struct snapshot *snapshot, char *text, size_t size)
{
    unsigned from, to;

    summary_releases(snapshot, &from, &to);
    text[0] = '\0';
    if (snapshot->version != NULL || from == 0)
        return;
    if (to != 0)
        snprintf(text, size, "%u.%u.%u to %u.%u.%u", from / 10000,
                 from / 100 % 100, from % 100, to / 10000, to / 100 % 100,
                 to % 100);
    else
        snprintf(text, size, "%u.%u.%u or later", from / 10000,
                 from / 100 % 100, from % 100);
}

static void
source_fill(const jep_dumps_t *dumps, size_t index, struct jep_source *out)
{
    static const char *const names[] = {
        [DUMP_FORMAT_JEPROBE] = "jeprobe",
        [DUMP_FORMAT_JEMALLOC_TEXT] = "jemalloc-text",
        [DUMP_FORMAT_JEMALLOC_JSON] = "jemalloc-json",
        [DUMP_FORMAT_HEAP_PROFILE] = "heap-profile",
        [DUMP_FORMAT_REDIS] = "redis",
        [DUMP_FORMAT_SKYNET] = "skynet",
        [DUMP_FORMAT_ROCKSDB] = "rocksdb",
        [DUMP_FORMAT_TCMALLOC] = "tcmalloc",
        [DUMP_FORMAT_GLIBC] = "glibc",
        [DUMP_FORMAT_MIMALLOC] = "mimalloc",
        [DUMP_FORMAT_PROC] = "proc",
    };

    static const enum jep_allocator allocators[DUMP_FORMATS] = {
        [DUMP_FORMAT_JEPROBE] = JEP_ALLOCATOR_JEALLOC,
        [DUMP_FORMAT_JEMALLOC_TEXT] = JEP_ALLOCATOR_JEMALLOC,
        [DUMP_FORMAT_JEMALLOC_JSON] = JEP_ALLOCATOR_JEMALLOC,
        [DUMP_FORMAT_SKYNET] = JEP_ALLOCATOR_JEMALLOC,
        [DUMP_FORMAT_TCMALLOC] = JEP_ALLOCATOR_TCMALLOC,
        [DUMP_FORMAT_GLIBC] = JEP_ALLOCATOR_GLIBC,
        [DUMP_FORMAT_MIMALLOC] = JEP_ALLOCATOR_MIMALLOC,
    };
    const struct snapshot *snapshot = dumps->snapshots[index];
    const char *named = snapshot_setting(snapshot, "allocator");

    out->file = dumps->path;
    out->format = names[snapshot->format];
    out->reason = snapshot->reason;
    out->version = snapshot->version;
    version_range(snapshot, out->version_range, sizeof(out->version_range));
    missing_fill(snapshot, out);
    out->allocator = allocators[snapshot->format];
    if (named != NULL)
        out->allocator = allocator_named(named, out->allocator);
    if (snapshot->format == DUMP_FORMAT_JEPROBE ||
        (snapshot->version != NULL &&
         strstr(snapshot->version, "gjeprobe") != NULL))
        out->allocator = JEP_ALLOCATOR_JEALLOC;
    out->complete = snapshot->complete;
    out->document = (unsigned)index + 1;
    out->documents = (unsigned)dumps->count;
}

/* Warnings of the reader, then of the analysis. */
static bool
warnings_fill(jep_report_t *report, const struct snapshot *snapshot,
              const symbols_t *symbols)
{
    struct jep_view *view = &report->view;
    const char *module;

    for (size_t i = 0; i < snapshot->warning_count; i++) {
        if (!warn(report, &snapshot->warnings[i]))
            return false;
    }
    if (view->not_nested != NULL) {
        struct jep_warning warning = {.text = view->not_nested};

        if (!warn(report, &warning))
            return false;
    }
    for (size_t i = 0; symbols != NULL && i < 5 &&
                       (module = symbols_mismatch(symbols, i)) != NULL;
         i++) {
        char text[512];
        struct jep_warning warning = {0};

        snprintf(text, sizeof(text),
                 "%s is not the file that ran (its build id differs): no "
                 "names from it",
                 module);
        warning.text = intern_text(&report->texts, text);
        if (warning.text == NULL || !warn(report, &warning))
            return false;
    }
    view->source.warnings = report->warnings;
    view->source.warning_count = report->warning_count;
    return true;
}

/* All dumps of the process that are known, the oldest first.  Of too many some
 * between are left out, evenly. */
static size_t
history_fill(const jep_report_t *report, const struct jep_options *options,
             const struct jep_moment **series)
{
    const jep_report_t *at = report->before;
    size_t earlier = options->earlier_count, count = 0, most = SERIES_MAX - 1;

    if (earlier > 0) {
        size_t kept = earlier < most ? earlier : most;

        for (size_t i = 0; i < kept; i++)
            series[count++] =
                options->earlier[kept > 1 ? i * (earlier - 1) / (kept - 1) : 0];
    } else {
        for (; at != NULL && count < most; at = at->before)
            series[most - ++count] = &at->moment;
        memmove(series, series + most - count, count * sizeof(*series));
    }
    series[count++] = &report->moment;
    return count;
}

static bool
findings_fill(jep_report_t *report, const struct jep_options *options)
{
    struct jep_view *view = &report->view;
    const struct jep_summary *s = &view->summary;
    const jep_report_t *before = options->before;
    struct rule_input in = {.snapshot = report->snapshot, .view = view};
    const struct jep_moment *series[SERIES_MAX];

    view->follows =
        before != NULL && (options->earlier_count > 0 ||
                           moment_follows(&before->moment, &report->moment));
    if (view->follows) {
        report->before = before;
        in.before = before->snapshot;
        in.before_view = &before->view;
    }
    in.series_count = history_fill(report, options, series);
    in.series = series;
    in.rss = summary_whole(s).value;
    in.release = summary_release(report->snapshot);
    summary_releases(report->snapshot, &in.release_from, &in.release_to);
    if (!rules_run(&in, &report->texts, &report->findings,
                   &view->finding_count))
        return false;
    view->findings = report->findings;
    return true;
}

static bool
fill(jep_report_t *report, const struct snapshot *snapshot, symbols_t *symbols)
{
    struct jep_view *view = &report->view;

    process_fill(snapshot, &view->process);
    summary_fill(snapshot, &view->summary);
    view->not_nested = summary_not_nested(&view->summary);
    ledger_fill(snapshot, &view->summary, &report->ledger, &view->ledger);
    if (!bins_rank(snapshot, &report->bins, &view->bin_count) ||
        !arenas_list(snapshot, &report->texts, &report->arenas,
                     &view->arena_count) ||
        !classes_list(snapshot, &report->classes, &view->class_count) ||
        !owners_rank(snapshot, &view->summary, &report->owners,
                     &view->owners) ||
        !sites_fill(snapshot, symbols, &report->sites, &view->profile))
        return false;
    view->bins = report->bins;
    view->arenas = report->arenas;
    view->classes = report->classes;
    moment_fill(snapshot, view, &report->moment);
    return warnings_fill(report, snapshot, symbols);
}

jep_status_t
jep_report_new(const jep_dumps_t *dumps, size_t index,
               const struct jep_options *options, jep_report_t **out,
               struct jep_error *error)
{
    const struct snapshot *snapshot = dumps->snapshots[index];
    jep_report_t *report = calloc(1, sizeof(*report));
    symbols_t *symbols = NULL;
    bool is_fine = report != NULL;

    *out = NULL;
    if (is_fine && options->symbols && snapshot->profile.site_count > 0) {
        symbols = symbols_new(&snapshot->profile, options->debug_dir,
                              options->sysroot, &report->texts);
        is_fine = symbols != NULL;
    }
    if (is_fine) {
        source_fill(dumps, index, &report->view.source);
        report->snapshot = snapshot;
        is_fine =
            fill(report, snapshot, symbols) && findings_fill(report, options);
    }
    symbols_free(symbols);
    if (is_fine) {
        *out = report;
        return JEP_OK;
    }
    jep_report_free(report);
    *error = (struct jep_error){.code = JEP_ERR_MEMORY};
    snprintf(error->source, sizeof(error->source), "%s", dumps->path);
    snprintf(error->text, sizeof(error->text), "out of memory");
    return JEP_ERR_MEMORY;
}
