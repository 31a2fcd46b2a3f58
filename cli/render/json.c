/* The report for programs: schema jeprobe.report/1, man jeprobe-report(5).
 *
 * jansson builds and prints it; a value that cannot be built (out of memory)
 * ends the program rather than leaving a hole in the document. */
#include "cli/render/render.h"

#include "cli/cmd.h"
#include "cli/die.h"

#include <jansson.h>
#include <math.h>

static json_t *
need(json_t *value)
{
    if (value == NULL)
        die(EXIT_SYSTEM, "out of memory");
    return value;
}

static void
set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, need(value)) != 0)
        die(EXIT_SYSTEM, "out of memory");
}

static void
append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, need(value)) != 0)
        die(EXIT_SYSTEM, "out of memory");
}

/* jansson refuses text that is not UTF-8: bytes that are not ASCII then come
 * as "\xNN", as they do in text reports. */
static json_t *
text(const char *value)
{
    json_t *string;
    char safe[4096];
    size_t at = 0;

    if (value == NULL)
        return json_null();
    string = json_string(value);
    if (string != NULL)
        return string;
    for (; *value != '\0' && at + 5 < sizeof(safe); value++) {
        unsigned char c = (unsigned char)*value;

        if (c < 0x80)
            safe[at++] = (char)c;
        else
            at += (size_t)snprintf(safe + at, 5, "\\x%02x", c);
    }
    safe[at] = '\0';
    return json_string(safe);
}

static json_t *
whole(uint64_t value)
{
    if (value > INT64_MAX)
        return json_null();
    return json_integer((json_int_t)value);
}

static json_t *
figure(struct jep_figure value)
{
    return value.known ? whole(value.value) : json_null();
}

static json_t *
ratio(struct jep_ratio value)
{
    return value.known && isfinite(value.value) ? json_real(value.value)
                                                : json_null();
}

/* A whole number is written as one: bytes stay exact. */
static json_t *
number(double value)
{
    if (!isfinite(value))
        return json_null();
    if (value == floor(value) && fabs(value) < 9e15)
        return json_integer((json_int_t)value);
    return json_real(value);
}

/* Estimates are whole bytes and objects. */
static json_t *
estimate(double value)
{
    if (!(value >= 0.0) || value > 9e18)
        return json_null();
    return json_integer((json_int_t)llround(value));
}

static json_t *
range(const struct jep_estimate *value)
{
    json_t *array = need(json_array());

    append(array, estimate(value->low));
    append(array, estimate(value->high));
    return array;
}

static json_t *
source(const struct jep_source *from)
{
    json_t *object = need(json_object()), *warnings = need(json_array());

    set(object, "file", text(from->file));
    set(object, "document", whole(from->document));
    set(object, "format", text(from->format));
    set(object, "allocator",
        from->allocator == JEP_ALLOCATOR_UNKNOWN
            ? json_null()
            : text(render_allocator(from->allocator)));
    set(object, "version", text(from->version));
    set(object, "version_range",
        from->version_range[0] != '\0' ? text(from->version_range)
                                       : json_null());
    set(object, "reason", text(from->reason));
    set(object, "complete", json_boolean(from->complete));
    for (size_t i = 0; i < from->warning_count; i++) {
        const struct jep_warning *warning = &from->warnings[i];
        json_t *one = need(json_object());

        set(one, "line",
            warning->line > 0 ? whole(warning->line) : json_null());
        set(one, "column",
            warning->column > 0 ? whole(warning->column) : json_null());
        set(one, "text", text(warning->text));
        append(warnings, one);
    }
    set(object, "warnings", warnings);
    return object;
}

static json_t *
process(const struct jep_process *from)
{
    json_t *object, *argv;

    if (!from->known)
        return json_null();
    object = need(json_object());
    argv = need(json_array());
    set(object, "pid", figure(from->pid));
    set(object, "exe", text(from->exe));
    for (size_t i = 0; i < from->argc; i++)
        append(argv, text(from->argv[i]));
    set(object, "argv", argv);
    set(object, "threads", figure(from->threads));
    set(object, "uptime_ns", figure(from->uptime_ns));
    set(object, "page_size", figure(from->page_size));
    set(object, "cpus", figure(from->cpus));
    set(object, "kernel", text(from->kernel));
    set(object, "thp_enabled", text(from->thp_enabled));
    set(object, "thp_defrag", text(from->thp_defrag));
    set(object, "rss", figure(from->rss));
    set(object, "pss", figure(from->pss));
    set(object, "anonymous", figure(from->anonymous));
    set(object, "file", figure(from->file));
    set(object, "shmem", figure(from->shmem));
    set(object, "anon_huge_pages", figure(from->anon_huge_pages));
    set(object, "swap", figure(from->swap));
    set(object, "peak_rss", figure(from->peak_rss));
    set(object, "cgroup_limit", figure(from->cgroup_limit));
    set(object, "cgroup_usage", figure(from->cgroup_usage));
    return object;
}

static json_t *
summary(const struct jep_summary *from)
{
    json_t *object = need(json_object());

    set(object, "allocated", figure(from->allocated));
    set(object, "active", figure(from->active));
    set(object, "metadata", figure(from->metadata));
    set(object, "resident", figure(from->resident));
    set(object, "mapped", figure(from->mapped));
    set(object, "retained", figure(from->retained));
    set(object, "rss", figure(from->rss));
    set(object, "tcache", figure(from->tcache));
    set(object, "base", figure(from->base));
    set(object, "internal", figure(from->internal));
    set(object, "dirty", figure(from->dirty));
    set(object, "muzzy", figure(from->muzzy));
    set(object, "slab_holes", figure(from->slab_holes));
    set(object, "padding", figure(from->padding));
    set(object, "page", figure(from->page));
    set(object, "internal_fragmentation", ratio(from->internal_fragmentation));
    set(object, "external_fragmentation", ratio(from->external_fragmentation));
    set(object, "metadata_per_allocated", ratio(from->metadata_per_allocated));
    set(object, "metadata_per_resident", ratio(from->metadata_per_resident));
    return object;
}

static json_t *
attribution_line(const struct jep_ledger_line *line)
{
    json_t *one = need(json_object());

    set(one, "what", text(line->id));
    set(one, "title", text(line->what));
    set(one, "bytes", json_integer(line->bytes));
    set(one, "share", json_real(line->share));
    set(one, "derived_from", text(line->derived_from));
    return one;
}

/* The array adds up to the total; what breaks a line down is inside it. */
static json_t *
attribution(const struct jep_ledger *from)
{
    json_t *array = need(json_array()), *parts = NULL, *line = NULL;

    for (size_t i = 0; i < from->count; i++) {
        json_t *one = attribution_line(&from->lines[i]);

        if (from->lines[i].depth == 0 || line == NULL) {
            append(array, one);
            line = one;
            parts = NULL;
            continue;
        }
        if (parts == NULL) {
            parts = need(json_array());
            set(line, "parts", parts);
        }
        append(parts, one);
    }
    return array;
}

static json_t *
bins(const struct jep_view *view)
{
    json_t *array = need(json_array());

    for (size_t i = 0; i < view->bin_count; i++) {
        const struct jep_bin *bin = &view->bins[i];
        json_t *one = need(json_object());

        set(one, "size", whole(bin->size));
        set(one, "curregs", whole(bin->curregs));
        set(one, "curslabs", whole(bin->curslabs));
        set(one, "regs_per_slab", whole(bin->regs_per_slab));
        set(one, "utilization", ratio(bin->utilization));
        set(one, "wasted_bytes", whole(bin->wasted_bytes));
        append(array, one);
    }
    return array;
}

static json_t *
arenas(const struct jep_view *view)
{
    json_t *array = need(json_array());

    for (size_t i = 0; i < view->arena_count; i++) {
        const struct jep_arena *arena = &view->arenas[i];
        json_t *one = need(json_object());

        set(one, "index", text(arena->name));
        set(one, "threads", figure(arena->threads));
        set(one, "allocated", figure(arena->allocated));
        set(one, "active", figure(arena->active));
        set(one, "resident", figure(arena->resident));
        set(one, "mapped", figure(arena->mapped));
        set(one, "retained", figure(arena->retained));
        set(one, "dirty", figure(arena->dirty));
        set(one, "muzzy", figure(arena->muzzy));
        set(one, "base", figure(arena->base));
        set(one, "internal", figure(arena->internal));
        set(one, "tcache", figure(arena->tcache));
        set(one, "slab_holes", figure(arena->slab_holes));
        append(array, one);
    }
    return array;
}

static json_t *
frame(const struct jep_frame *from)
{
    json_t *object = need(json_object());
    char address[32];

    snprintf(address, sizeof(address), "0x%llx",
             (unsigned long long)from->address);
    set(object, "function", text(from->function));
    set(object, "file", text(from->file));
    set(object, "line", from->line > 0 ? whole(from->line) : json_null());
    set(object, "module", text(from->module));
    set(object, "offset", whole(from->offset));
    set(object, "inlined", json_boolean(from->inlined));
    set(object, "address", text(address));
    return object;
}

static json_t *
stack(const struct jep_stack *from)
{
    json_t *object = need(json_object()), *frames = need(json_array());

    for (size_t i = 0; i < from->frame_count; i++)
        append(frames, frame(&from->frames[i]));
    set(object, "frames", frames);
    set(object, "samples", whole(from->live_samples));
    set(object, "live_bytes", estimate(from->live_bytes.value));
    set(object, "live_bytes_ci", range(&from->live_bytes));
    set(object, "live_objects", estimate(from->live_objects.value));
    set(object, "live_objects_ci", range(&from->live_objects));
    set(object, "alloc_samples", whole(from->total_samples));
    set(object, "alloc_bytes", estimate(from->total_bytes.value));
    set(object, "alloc_bytes_ci", range(&from->total_bytes));
    set(object, "alloc_objects", estimate(from->total_objects.value));
    set(object, "alloc_objects_ci", range(&from->total_objects));
    set(object, "oldest_ns", figure(from->oldest_ns));
    set(object, "stacks", whole(from->members));
    return object;
}

static json_t *
stacks(const struct jep_stack *from, size_t count, unsigned top)
{
    json_t *array = need(json_array());

    for (size_t i = 0; i < count && (top == 0 || i < top); i++)
        append(array, stack(&from[i]));
    return array;
}

static json_t *
profile(const struct jep_profile *from, unsigned top)
{
    json_t *object, *dropped;

    if (!from->known)
        return json_null();
    object = need(json_object());
    dropped = need(json_object());
    set(object, "sample_interval", figure(from->sample_interval));
    set(object, "unwinder", text(from->unwinder));
    set(object, "samples_taken", figure(from->samples_taken));
    set(object, "live_samples", figure(from->live_samples));
    set(dropped, "memory", figure(from->dropped_memory));
    set(dropped, "recursion", figure(from->dropped_recursion));
    set(dropped, "unwind", figure(from->dropped_unwind));
    set(object, "dropped", dropped);
    set(object, "live_bytes", estimate(from->live_bytes.value));
    set(object, "live_bytes_ci", range(&from->live_bytes));
    set(object, "rounding_waste", estimate(from->rounding_waste));
    set(object, "stacks", stacks(from->stacks, from->stack_count, top));
    set(object, "sites", stacks(from->sites, from->site_count, top));
    return object;
}

static json_t *
evidence(const struct jep_evidence *from)
{
    json_t *object = need(json_object());

    set(object, "name", text(from->name));
    set(object, "value", from->is_number ? number(from->value) : json_null());
    set(object, "text", text(from->text));
    set(object, "line", from->line > 0 ? whole(from->line) : json_null());
    return object;
}

static json_t *
finding(const struct jep_finding *from)
{
    static const char *const severities[] = {[JEP_INFO] = "info",
                                             [JEP_LOW] = "low",
                                             [JEP_MEDIUM] = "medium",
                                             [JEP_HIGH] = "high"};
    json_t *object = need(json_object()), *array = need(json_array());

    set(object, "rule", text(from->rule));
    set(object, "severity", text(severities[from->severity]));
    set(object, "title", text(from->title));
    set(object, "bytes", figure(from->bytes));
    for (size_t i = 0; i < from->evidence_count; i++)
        append(array, evidence(&from->evidence[i]));
    set(object, "evidence", array);
    set(object, "causes", text(from->causes));
    set(object, "action", text(from->action));
    set(object, "confirm", text(from->confirm));
    set(object, "false_alarm", text(from->false_alarm));
    return object;
}

static json_t *
findings(const struct jep_view *view)
{
    json_t *array = need(json_array());

    for (size_t i = 0; i < view->finding_count; i++)
        append(array, finding(&view->findings[i]));
    return array;
}

static json_t *
report(const struct jep_view *view, const struct render_options *options,
       bool with_schema)
{
    json_t *object = need(json_object());

    if (with_schema)
        set(object, "schema", text(JEP_REPORT_SCHEMA));
    set(object, "source", source(&view->source));
    set(object, "process", process(&view->process));
    set(object, "summary", summary(&view->summary));
    set(object, "attribution_total", text(view->ledger.total_name));
    set(object, "attribution", attribution(&view->ledger));
    set(object, "bins", bins(view));
    set(object, "arenas", arenas(view));
    set(object, "findings", findings(view));
    set(object, "profile", profile(&view->profile, options->top));
    return object;
}

/* One row a report: what a table over all of them needs. */
static json_t *
overview(const struct render_set *set_of)
{
    json_t *object = need(json_object()), *rows = need(json_array());

    for (size_t i = 0; i < set_of->count; i++) {
        const struct jep_view *view = set_of->views[i];
        json_t *row = need(json_object());

        set(row, "file", text(view->source.file));
        set(row, "document", whole(view->source.document));
        set(row, "rss", figure(view->summary.rss));
        set(row, "resident", figure(view->summary.resident));
        set(row, "active", figure(view->summary.active));
        set(row, "allocated", figure(view->summary.allocated));
        append(rows, row);
    }
    set(object, "rows", rows);
    return object;
}

static int
print(const char *buffer, size_t size, void *out)
{
    out_write(out, buffer, size);
    return 0;
}

void
render_json(out_t *out, const struct render_set *set_of,
            const struct render_options *options)
{
    json_t *root;

    if (set_of->count == 1) {
        root = report(set_of->views[0], options, true);
    } else {
        json_t *reports = need(json_array());

        root = need(json_object());
        set(root, "schema", text(JEP_REPORT_SCHEMA));
        for (size_t i = 0; i < set_of->count; i++)
            append(reports, report(set_of->views[i], options, false));
        set(root, "reports", reports);
        set(root, render_is_series(set_of) ? "series" : "fleet",
            overview(set_of));
    }
    if (json_dump_callback(root, print, out,
                           JSON_INDENT(1) | JSON_REAL_PRECISION(15)) != 0)
        die(EXIT_SYSTEM, "out of memory");
    json_decref(root);
    out_puts(out, "\n");
}
