/* The report for people: answer first, then proof, then what to do next. */
#include "cli/render/text.h"

#include "cli/render/cell.h"
#include "cli/text.h"

#include <stdio.h>
#include <string.h>

enum { BINS_DEFAULT = 5, BASELINE_PERCENT = 10 };

static bool
is_jemalloc(const struct jep_source *source)
{
    return source->allocator == JEP_ALLOCATOR_JEMALLOC ||
           source->allocator == JEP_ALLOCATOR_JEALLOC;
}

/* "jemalloc 5.3.0 (jemalloc-text, not all of it)" */
static void
allocator_text(char *text, size_t size, const struct jep_source *source)
{
    char version[64] = " ";

    /* The others do not print it. */
    if (source->version != NULL || is_jemalloc(source))
        snprintf(version + 1, sizeof(version) - 1, "%.60s",
                 source->version != NULL            ? source->version
                 : source->version_range[0] != '\0' ? source->version_range
                                                    : "of unknown version");
    version[strcspn(version, "-")] = '\0';
    snprintf(text, size, "%s%s (%s%s)", render_allocator(source->allocator),
             version[1] != '\0' ? version : "", source->format,
             source->complete ? "" : ", not all of it");
}

/* What does not fit behind the name of the file has a line of its own. */
static void
print_source(out_t *out, const struct jep_view *view)
{
    const struct jep_source *source = &view->source;
    const char *file =
        strcmp(source->file, "-") == 0 ? "(standard input)" : source->file;
    char text[256], part[64] = "";
    size_t used;

    if (source->documents > 1)
        snprintf(part, sizeof(part), " (%u of %u)", source->document,
                 source->documents);
    if (source->allocator == JEP_ALLOCATOR_UNKNOWN)
        snprintf(text, sizeof(text), "%s%s", source->format,
                 source->complete ? "" : " (not all of it)");
    else
        allocator_text(text, sizeof(text), source);
    used = strlen(file) + strlen(part) + strlen(text) + 2;
    out_text(out, file);
    out_printf(out, "%s:%s", part, used > out_width(out) ? "\n  " : " ");
    out_text(out, text);
    out_puts(out, "\n");
}

/* The RSS stands here where the ledger does not go on to it. */
static void
print_rss(out_t *out, const struct jep_view *view)
{
    const struct jep_process *process = &view->process;
    const char *total = view->ledger.total_name;
    bool is_told = total != NULL && strcmp(total, "RSS") == 0;
    struct jep_figure rss = view->summary.rss;
    char text[TEXT_NUMBER_MAX];

    if (!rss.known || (is_told && !process->peak_rss.known))
        return;
    out_puts(out, "RSS");
    if (!is_told)
        out_printf(out, " %s", text_size(text, (double)rss.value));
    if (process->peak_rss.known)
        out_printf(out, "%s peak %s", is_told ? "" : ",",
                   text_size(text, (double)process->peak_rss.value));
    if (process->swap.known && process->swap.value > 0)
        out_printf(out, ", swap %s",
                   text_size(text, (double)process->swap.value));
    if (process->cgroup_limit.known)
        out_printf(out, ", cgroup limit %s",
                   text_size(text, (double)process->cgroup_limit.value));
    out_puts(out, "\n");
}

static void
print_process(out_t *out, const struct jep_view *view)
{
    const struct jep_process *process = &view->process;
    char text[TEXT_NUMBER_MAX];

    if (!process->pid.known && process->exe == NULL)
        return;
    out_puts(out, "process");
    if (process->pid.known)
        out_printf(out, " %llu", (unsigned long long)process->pid.value);
    if (process->exe != NULL) {
        out_puts(out, " ");
        out_text(out, process->exe);
    }
    if (view->source.reason != NULL) {
        out_puts(out, ", dump: ");
        out_text(out, view->source.reason);
    }
    if (process->uptime_ns.known)
        out_printf(out, " after %s",
                   text_duration(text, (double)process->uptime_ns.value / 1e9));
    if (process->threads.known)
        out_printf(out, ", %llu thread%s",
                   (unsigned long long)process->threads.value,
                   process->threads.value == 1 ? "" : "s");
    out_puts(out, "\n");
}

static void
print_warnings(out_t *out, const struct jep_view *view)
{
    const struct jep_source *source = &view->source;

    char note[1024];

    if (source->missing_count > 0) {
        size_t at = (size_t)snprintf(note, sizeof(note), "note: not in it: ");

        render_missing(source, note + at, sizeof(note) - at);
        cell_paragraph(out, note, "", out_prose_width(out));
    }
    for (size_t i = 0; i < source->warning_count; i++) {
        const struct jep_warning *warning = &source->warnings[i];

        /* This one stands where the picture would be. */
        if (warning->text == view->not_nested)
            continue;
        if (warning->line > 0)
            snprintf(note, sizeof(note), "note: line %llu: %s",
                     (unsigned long long)warning->line, warning->text);
        else
            snprintf(note, sizeof(note), "note: %s", warning->text);
        cell_paragraph(out, note, "", out_prose_width(out));
    }
}

void
text_about(out_t *out, const struct jep_view *view,
           const struct render_options *options)
{
    print_source(out, view);
    print_process(out, view);
    print_rss(out, view);
    if (!options->has_notes)
        print_warnings(out, view);
    out_puts(out, "\n");
}

/* "12.1 %" in ten columns; what is beyond them as a multiple. */
static void
print_percent(out_t *out, const char *label, double fraction)
{
    cell_text(out, label, 22, false);
    if (fraction < 1000.0)
        out_printf(out, "%7.1f %%", fraction * 100.0);
    else
        out_printf(out, "%7.0f x", fraction);
}

static void
print_external(out_t *out, const struct jep_view *view)
{
    const struct jep_summary *s = &view->summary;
    const struct jep_ledger_line *base =
        text_ledger_line(&view->ledger, "metadata_base");
    const struct jep_ledger_line *dirty =
        text_ledger_line(&view->ledger, "dirty");
    double active = (double)s->active.value;

    if (!s->external_fragmentation.known)
        return;
    print_percent(out, "external fragmentation",
                  s->external_fragmentation.value);
    out_puts(out, "  (resident - active) / active");
    if (base != NULL && dirty != NULL)
        out_printf(out, "\n%*s  = metadata %.1f %% + dirty %.1f %%", 31, "",
                   (double)base->bytes / active * 100.0,
                   (double)dirty->bytes / active * 100.0);
    out_puts(out, "\n");
}

static void
print_ratios(out_t *out, const struct jep_view *view)
{
    const struct jep_summary *s = &view->summary;

    if (s->internal_fragmentation.known) {
        print_percent(out, "internal fragmentation",
                      s->internal_fragmentation.value);
        out_printf(out, "  (active - allocated) / allocated  baseline %d %%\n",
                   BASELINE_PERCENT);
    }
    print_external(out, view);
    if (s->metadata_per_resident.known && s->metadata_per_allocated.known) {
        print_percent(out, "metadata", s->metadata_per_resident.value);
        out_printf(out, "  of resident, %.1f %% of allocated\n",
                   s->metadata_per_allocated.value * 100.0);
    }
    if (s->internal_fragmentation.known || s->external_fragmentation.known ||
        (s->metadata_per_resident.known && s->metadata_per_allocated.known))
        out_puts(out, "\n");
}

static void
print_bins(out_t *out, const struct jep_view *view, unsigned top)
{
    size_t limit = top > 0 ? top : BINS_DEFAULT;

    if (view->bin_count == 0 || view->bins[0].wasted_bytes == 0)
        return;
    cell_style(out, CELL_BOLD);
    out_printf(out, "%-22s%10s%12s%10s%8s%14s\n", "Slabs, most unused", "size",
               "objects", "slabs", "used", "unused");
    cell_style(out, CELL_PLAIN);
    for (size_t i = 0; i < view->bin_count && i < limit; i++) {
        const struct jep_bin *bin = &view->bins[i];

        if (bin->wasted_bytes == 0)
            break;
        out_printf(out, "%22s%10llu", "", (unsigned long long)bin->size);
        cell_count(out, (double)bin->curregs, 12);
        cell_count(out, (double)bin->curslabs, 10);
        if (bin->utilization.known)
            cell_share(out, bin->utilization.value, 8);
        else
            cell_repeat(out, " ", 8);
        cell_size(out, (double)bin->wasted_bytes, 14);
        out_puts(out, "\n");
    }
    out_puts(out, "\n");
}

/* Whether the sites have names but some module has none. */
static bool
lacks_names(const struct jep_profile *profile)
{
    for (size_t i = 0; i < profile->site_count && i < 10; i++) {
        if (profile->sites[i].frame_count > 0 &&
            profile->sites[i].frames[0].function == NULL)
            return true;
    }
    return false;
}

void
text_next(out_t *out, const struct jep_view *view,
          const struct render_options *options)
{
    const struct jep_finding *top = text_top_finding(view);
    char quoted[4096];

    out_puts(out, "Next: jeprobe ");
    if (top != NULL) {
        out_printf(out, "explain %s\n", top->rule);
        return;
    }
    text_quote(quoted, sizeof(quoted), view->source.file);
    if (!view->profile.known || view->profile.site_count == 0) {
        out_puts(out, "run --report -- PROGRAM    (who allocates it)\n");
        return;
    }
    if (lacks_names(&view->profile) && !options->has_debug_dir)
        out_puts(out, "report --debug-dir DIR ");
    else if (options->top == 0 && view->profile.site_count > 10)
        out_puts(out, "report --top 50 ");
    else
        out_puts(out, "report --format json ");
    out_text(out, quoted);
    out_puts(out, "\n");
}

void
render_text(out_t *out, const struct jep_view *view,
            const struct render_options *options)
{
    text_about(out, view, options);
    text_headline(out, view);
    text_ledger(out, &view->ledger);
    text_nested(out, view);
    print_ratios(out, view);
    text_findings(out, view);
    print_bins(out, view, options->top);
    text_foreign(out, view, options->top);
    text_owners(out, view, options->top);
    text_sites(out, view, options->top);
    text_next(out, view, options);
}
