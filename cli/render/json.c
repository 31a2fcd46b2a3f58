/* The report for programs: schema jeprobe.report/1, man jeprobe-report(5).
 *
 * jansson builds and prints it: see value.h. */
#include "cli/render/render.h"

#include "cli/render/value.h"

#include <math.h>
#include <stdio.h>

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
    json_t *array = value_need(json_array());

    value_append(array, estimate(value->low));
    value_append(array, estimate(value->high));
    return array;
}

static json_t *
source(const struct jep_source *from)
{
    json_t *object = value_need(json_object()),
           *missing = value_need(json_array()),
           *warnings = value_need(json_array());

    value_set(object, "file", value_text(from->file));
    value_set(object, "document", value_whole(from->document));
    value_set(object, "format", value_text(from->format));
    value_set(object, "allocator",
              from->allocator == JEP_ALLOCATOR_UNKNOWN
                  ? json_null()
                  : value_text(render_allocator(from->allocator)));
    value_set(object, "version", value_text(from->version));
    value_set(object, "version_range",
              from->version_range[0] != '\0' ? value_text(from->version_range)
                                             : json_null());
    value_set(object, "reason", value_text(from->reason));
    value_set(object, "complete", json_boolean(from->complete));
    for (size_t i = 0; i < from->missing_count; i++)
        value_append(missing, value_text(from->missing[i]));
    value_set(object, "missing", missing);
    for (size_t i = 0; i < from->warning_count; i++) {
        const struct jep_warning *warning = &from->warnings[i];
        json_t *one = value_need(json_object());

        value_set(one, "line",
                  warning->line > 0 ? value_whole(warning->line) : json_null());
        value_set(one, "column",
                  warning->column > 0 ? value_whole(warning->column)
                                      : json_null());
        value_set(one, "text", value_text(warning->text));
        value_append(warnings, one);
    }
    value_set(object, "warnings", warnings);
    return object;
}

static json_t *
process(const struct jep_process *from)
{
    json_t *object, *argv;

    if (!from->known)
        return json_null();
    object = value_need(json_object());
    argv = value_need(json_array());
    value_set(object, "pid", value_figure(from->pid));
    value_set(object, "exe", value_text(from->exe));
    for (size_t i = 0; i < from->argc; i++)
        value_append(argv, value_text(from->argv[i]));
    value_set(object, "argv", argv);
    value_set(object, "threads", value_figure(from->threads));
    value_set(object, "uptime_ns", value_figure(from->uptime_ns));
    value_set(object, "page_size", value_figure(from->page_size));
    value_set(object, "cpus", value_figure(from->cpus));
    value_set(object, "kernel", value_text(from->kernel));
    value_set(object, "thp_enabled", value_text(from->thp_enabled));
    value_set(object, "thp_defrag", value_text(from->thp_defrag));
    value_set(object, "rss", value_figure(from->rss));
    value_set(object, "pss", value_figure(from->pss));
    value_set(object, "anonymous", value_figure(from->anonymous));
    value_set(object, "file", value_figure(from->file));
    value_set(object, "shmem", value_figure(from->shmem));
    value_set(object, "anon_huge_pages", value_figure(from->anon_huge_pages));
    value_set(object, "swap", value_figure(from->swap));
    value_set(object, "peak_rss", value_figure(from->peak_rss));
    value_set(object, "cgroup_limit", value_figure(from->cgroup_limit));
    value_set(object, "cgroup_usage", value_figure(from->cgroup_usage));
    return object;
}

static json_t *
summary(const struct jep_summary *from)
{
    json_t *object = value_need(json_object());

    value_set(object, "allocated", value_figure(from->allocated));
    value_set(object, "active", value_figure(from->active));
    value_set(object, "metadata", value_figure(from->metadata));
    value_set(object, "resident", value_figure(from->resident));
    value_set(object, "mapped", value_figure(from->mapped));
    value_set(object, "retained", value_figure(from->retained));
    value_set(object, "rss", value_figure(from->rss));
    value_set(object, "tcache", value_figure(from->tcache));
    value_set(object, "base", value_figure(from->base));
    value_set(object, "internal", value_figure(from->internal));
    value_set(object, "dirty", value_figure(from->dirty));
    value_set(object, "muzzy", value_figure(from->muzzy));
    value_set(object, "slab_holes", value_figure(from->slab_holes));
    value_set(object, "padding", value_figure(from->padding));
    value_set(object, "page", value_figure(from->page));
    value_set(object, "dirty_pages", value_figure(from->dirty_pages));
    value_set(object, "large_objects", value_figure(from->large_objects));
    value_set(object, "internal_fragmentation",
              value_ratio(from->internal_fragmentation));
    value_set(object, "external_fragmentation",
              value_ratio(from->external_fragmentation));
    value_set(object, "metadata_per_allocated",
              value_ratio(from->metadata_per_allocated));
    value_set(object, "metadata_per_resident",
              value_ratio(from->metadata_per_resident));
    return object;
}

static json_t *
attribution_line(const struct jep_ledger_line *line)
{
    json_t *one = value_need(json_object());

    value_set(one, "what", value_text(line->id));
    value_set(one, "title", value_text(line->what));
    value_set(one, "bytes", json_integer(line->bytes));
    value_set(one, "share", json_real(line->share));
    value_set(one, "derived_from", value_text(line->derived_from));
    return one;
}

/* The array adds up to the total; what breaks a line down is inside it. */
static json_t *
attribution(const struct jep_ledger *from)
{
    json_t *array = value_need(json_array()), *parts = NULL, *line = NULL;

    for (size_t i = 0; i < from->count; i++) {
        json_t *one = attribution_line(&from->lines[i]);

        if (from->lines[i].depth == 0 || line == NULL) {
            value_append(array, one);
            line = one;
            parts = NULL;
            continue;
        }
        if (parts == NULL) {
            parts = value_need(json_array());
            value_set(line, "parts", parts);
        }
        value_append(parts, one);
    }
    return array;
}

static json_t *
bins(const struct jep_view *view)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->bin_count; i++) {
        const struct jep_bin *bin = &view->bins[i];
        json_t *one = value_need(json_object());

        value_set(one, "size", value_whole(bin->size));
        value_set(one, "curregs", value_whole(bin->curregs));
        value_set(one, "curslabs", value_whole(bin->curslabs));
        value_set(one, "regs_per_slab", value_whole(bin->regs_per_slab));
        value_set(one, "utilization", value_ratio(bin->utilization));
        value_set(one, "wasted_bytes", value_whole(bin->wasted_bytes));
        value_append(array, one);
    }
    return array;
}

static json_t *
classes(const struct jep_view *view)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->class_count; i++) {
        const struct jep_class *class = &view->classes[i];
        json_t *one = value_need(json_object());

        value_set(one, "size", value_whole(class->size));
        value_set(one, "in_use", value_figure(class->in_use));
        value_set(one, "unused", value_figure(class->unused));
        value_append(array, one);
    }
    return array;
}

static json_t *
owner(const struct jep_owner *from)
{
    json_t *object = value_need(json_object());

    value_set(object, "name", value_text(from->name));
    value_set(object, "live_bytes", value_figure(from->live_bytes));
    value_set(object, "live_objects", value_figure(from->live_objects));
    value_set(object, "total_bytes", value_figure(from->total_bytes));
    value_set(object, "total_objects", value_figure(from->total_objects));
    return object;
}

static json_t *
owners(const struct jep_owners *from, unsigned top)
{
    json_t *object, *list;

    if (from->count == 0)
        return json_null();
    object = value_need(json_object());
    list = value_need(json_array());
    for (size_t i = 0; i < from->count && (top == 0 || i < top); i++)
        value_append(list, owner(&from->list[i]));
    value_set(object, "count", value_whole(from->count));
    value_set(object, "live_bytes", value_whole(from->live_bytes));
    value_set(object, "other_bytes", value_figure(from->other));
    value_set(object, "list", list);
    return object;
}

static json_t *
arenas(const struct jep_view *view)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->arena_count; i++) {
        const struct jep_arena *arena = &view->arenas[i];
        json_t *one = value_need(json_object());

        value_set(one, "index", value_text(arena->name));
        value_set(one, "threads", value_figure(arena->threads));
        value_set(one, "allocated", value_figure(arena->allocated));
        value_set(one, "active", value_figure(arena->active));
        value_set(one, "resident", value_figure(arena->resident));
        value_set(one, "mapped", value_figure(arena->mapped));
        value_set(one, "retained", value_figure(arena->retained));
        value_set(one, "dirty", value_figure(arena->dirty));
        value_set(one, "muzzy", value_figure(arena->muzzy));
        value_set(one, "base", value_figure(arena->base));
        value_set(one, "internal", value_figure(arena->internal));
        value_set(one, "tcache", value_figure(arena->tcache));
        value_set(one, "slab_holes", value_figure(arena->slab_holes));
        value_append(array, one);
    }
    return array;
}

static json_t *
frame(const struct jep_frame *from)
{
    json_t *object = value_need(json_object());
    char address[32];

    snprintf(address, sizeof(address), "0x%llx",
             (unsigned long long)from->address);
    value_set(object, "function", value_text(from->function));
    value_set(object, "file", value_text(from->file));
    value_set(object, "line",
              from->line > 0 ? value_whole(from->line) : json_null());
    value_set(object, "module", value_text(from->module));
    value_set(object, "offset", value_whole(from->offset));
    value_set(object, "inlined", json_boolean(from->inlined));
    value_set(object, "address", value_text(address));
    return object;
}

/* What was ever allocated. */
static void
set_total(json_t *object, const struct jep_stack *from)
{
    const struct jep_estimate *bytes = &from->total_bytes;
    const struct jep_estimate *objects = &from->total_objects;
    bool known = from->has_total;

    value_set(object, "alloc_samples",
              known ? value_whole(from->total_samples) : json_null());
    value_set(object, "alloc_bytes",
              known ? estimate(bytes->value) : json_null());
    value_set(object, "alloc_bytes_ci", known ? range(bytes) : json_null());
    value_set(object, "alloc_objects",
              known ? estimate(objects->value) : json_null());
    value_set(object, "alloc_objects_ci", known ? range(objects) : json_null());
}

static json_t *
stack(const struct jep_stack *from)
{
    json_t *object = value_need(json_object()),
           *frames = value_need(json_array());

    for (size_t i = 0; i < from->frame_count; i++)
        value_append(frames, frame(&from->frames[i]));
    value_set(object, "frames", frames);
    value_set(object, "samples", value_whole(from->live_samples));
    value_set(object, "live_bytes", estimate(from->live_bytes.value));
    value_set(object, "live_bytes_ci", range(&from->live_bytes));
    value_set(object, "live_objects", estimate(from->live_objects.value));
    value_set(object, "live_objects_ci", range(&from->live_objects));
    set_total(object, from);
    value_set(object, "oldest_ns", value_figure(from->oldest_ns));
    value_set(object, "stacks", value_whole(from->members));
    value_set(object, "label", value_text(from->label));
    return object;
}

static json_t *
stacks(const struct jep_stack *from, size_t count, unsigned top)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < count && (top == 0 || i < top); i++)
        value_append(array, stack(&from[i]));
    return array;
}

static json_t *
profile(const struct jep_profile *from, unsigned top)
{
    json_t *object, *dropped;

    if (!from->known)
        return json_null();
    object = value_need(json_object());
    dropped = value_need(json_object());
    value_set(object, "sample_interval", value_figure(from->sample_interval));
    value_set(object, "unwinder", value_text(from->unwinder));
    value_set(object, "samples_taken", value_figure(from->samples_taken));
    value_set(object, "live_samples", value_figure(from->live_samples));
    value_set(dropped, "memory", value_figure(from->dropped_memory));
    value_set(dropped, "recursion", value_figure(from->dropped_recursion));
    value_set(dropped, "unwind", value_figure(from->dropped_unwind));
    value_set(object, "dropped", dropped);
    value_set(object, "live_bytes", estimate(from->live_bytes.value));
    value_set(object, "live_bytes_ci", range(&from->live_bytes));
    value_set(object, "rounding_waste", estimate(from->rounding_waste));
    value_set(object, "stacks", stacks(from->stacks, from->stack_count, top));
    value_set(object, "sites", stacks(from->sites, from->site_count, top));
    return object;
}

static json_t *
evidence(const struct jep_evidence *from)
{
    json_t *object = value_need(json_object());

    value_set(object, "name", value_text(from->name));
    value_set(object, "value",
              from->is_number ? value_number(from->value) : json_null());
    value_set(object, "text", value_text(from->text));
    value_set(object, "line",
              from->line > 0 ? value_whole(from->line) : json_null());
    if (from->file != NULL)
        value_set(object, "file", value_text(from->file));
    return object;
}

json_t *
render_finding(const struct jep_finding *from)
{
    static const char *const severities[] = {[JEP_INFO] = "info",
                                             [JEP_LOW] = "low",
                                             [JEP_MEDIUM] = "medium",
                                             [JEP_HIGH] = "high"};
    json_t *object = value_need(json_object()),
           *array = value_need(json_array());

    value_set(object, "rule", value_text(from->rule));
    value_set(object, "severity", value_text(severities[from->severity]));
    value_set(object, "title", value_text(from->title));
    value_set(object, "bytes", value_figure(from->bytes));
    for (size_t i = 0; i < from->evidence_count; i++)
        value_append(array, evidence(&from->evidence[i]));
    value_set(object, "evidence", array);
    value_set(object, "causes", value_text(from->causes));
    value_set(object, "action", value_text(from->action));
    value_set(object, "confirm", value_text(from->confirm));
    value_set(object, "false_alarm", value_text(from->false_alarm));
    return object;
}

static json_t *
findings(const struct jep_view *view)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->finding_count; i++)
        value_append(array, render_finding(&view->findings[i]));
    return array;
}

json_t *
render_report(const struct jep_view *view, unsigned top, bool is_alone)
{
    json_t *object = value_need(json_object());

    if (is_alone)
        value_set(object, "schema", value_text(JEP_REPORT_SCHEMA));
    value_set(object, "source", source(&view->source));
    value_set(object, "process", process(&view->process));
    value_set(object, "summary", summary(&view->summary));
    value_set(object, "attribution_total", value_text(view->ledger.total_name));
    value_set(object, "attribution_bytes",
              view->ledger.total_name != NULL ? value_whole(view->ledger.total)
                                              : json_null());
    value_set(object, "attribution", attribution(&view->ledger));
    value_set(object, "bins", bins(view));
    value_set(object, "arenas", arenas(view));
    value_set(object, "classes", classes(view));
    value_set(object, "owners", owners(&view->owners, top));
    value_set(object, "findings", findings(view));
    value_set(object, "profile", profile(&view->profile, top));
    return object;
}

void
render_json(out_t *out, const struct jep_view *view,
            const struct render_options *options)
{
    value_print(out, render_report(view, options->top, true));
}
