/* The report for pasting into an issue: GitHub's and GitLab's Markdown.
 *
 * The answer and the tables are open, evidence and long lists are folded.  Text
 * from outside may hold anything, so what Markdown or HTML would read as markup
 * is escaped everywhere but in code spans, which get a fence that is longer
 * than any in them. */
#include "cli/render/markdown.h"

#include "cli/render/text.h"

#include "cli/text.h"

#include <stdio.h>
#include <string.h>

enum { BINS_DEFAULT = 5, SITES_DEFAULT = 10, OWNERS_DEFAULT = 10, CALLERS = 3 };

/* Prose: what is markup gets a backslash, what is HTML an entity. */
void
markdown_prose(out_t *out, const char *text)
{
    char safe[8192], piece[2] = "";

    text_escape(safe, sizeof(safe), text);
    for (const char *c = safe; *c != '\0'; c++) {
        if (*c == '<')
            out_puts(out, "&lt;");
        else if (*c == '>')
            out_puts(out, "&gt;");
        else if (*c == '&')
            out_puts(out, "&amp;");
        else if (*c == '@')
            out_puts(out, "&#64;"); /* else it notifies somebody */
        else if (strchr("\\`*_{}[]#|~!$", *c) != NULL)
            out_printf(out, "\\%c", *c);
        else {
            piece[0] = *c;
            out_write(out, piece, 1);
        }
    }
}

/* The longest run of backquotes in `text`. */
static unsigned
backquotes(const char *text)
{
    unsigned longest = 0, run = 0;

    for (; *text != '\0'; text++) {
        run = *text == '`' ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    return longest;
}

/* A code span; in a table a bar would end the cell even there. */
void
markdown_code(out_t *out, const char *text)
{
    char safe[8192];
    unsigned fence;

    text_escape(safe, sizeof(safe), text);
    fence = backquotes(safe) + 1;
    for (unsigned i = 0; i < fence; i++)
        out_puts(out, "`");
    if (fence > 1)
        out_puts(out, " ");
    for (const char *c = safe; *c != '\0'; c++) {
        if (*c == '|')
            out_puts(out, "\\|");
        else
            out_write(out, c, 1);
    }
    if (fence > 1)
        out_puts(out, " ");
    for (unsigned i = 0; i < fence; i++)
        out_puts(out, "`");
}

void
markdown_size(out_t *out, double bytes)
{
    char text[TEXT_NUMBER_MAX];

    out_printf(out, " %s |", text_size(text, bytes));
}

void
markdown_figure(out_t *out, struct jep_figure bytes)
{
    if (bytes.known)
        markdown_size(out, (double)bytes.value);
    else
        out_puts(out, "  |");
}

static void
print_notes(out_t *out, const struct jep_source *source)
{
    if (source->missing_count > 0) {
        char text[128];

        out_printf(out, "> note: not in it: %s\n%s\n",
                   render_missing(source, text, sizeof(text)),
                   source->warning_count > 0 ? ">" : "");
    }
    for (size_t i = 0; i < source->warning_count; i++) {
        out_puts(out, "> note: ");
        if (source->warnings[i].line > 0)
            out_printf(out, "line %llu: ",
                       (unsigned long long)source->warnings[i].line);
        markdown_prose(out, source->warnings[i].text);
        out_puts(out, "\n>\n");
    }
    if (source->warning_count > 0)
        out_puts(out, "\n");
}

static void
print_source(out_t *out, const struct jep_view *view)
{
    const struct jep_source *source = &view->source;

    out_puts(out, "### ");
    markdown_prose(out, source->file);
    if (source->documents > 1)
        out_printf(out, " (%u of %u)", source->document, source->documents);
    out_puts(out, "\n\n");
    out_puts(out, render_allocator(source->allocator));
    if (source->version != NULL) {
        out_puts(out, " ");
        markdown_code(out, source->version);
    }
    out_printf(out, ", read as %s%s", source->format,
               source->complete ? "" : ", not all of it");
    if (view->process.exe != NULL) {
        out_puts(out, "; process ");
        markdown_code(out, view->process.exe);
    }
    out_puts(out, "\n\n");
}

static void
print_ledger(out_t *out, const struct jep_ledger *ledger)
{
    if (ledger->total_name == NULL)
        return;
    out_puts(out, "| where it is | bytes | share |\n| --- | ---: | ---: |\n");
    for (size_t i = 0; i < ledger->count; i++) {
        const struct jep_ledger_line *line = &ledger->lines[i];

        out_puts(out, "| ");
        for (unsigned d = 0; d < line->depth; d++)
            out_puts(out, "&nbsp;&nbsp;");
        markdown_prose(out, line->what);
        out_puts(out, " |");
        markdown_size(out, (double)line->bytes);
        out_printf(out, " %.1f %% |\n", line->share * 100.0);
    }
    out_printf(out, "| **%s** | **", ledger->total_name);
    {
        char text[TEXT_NUMBER_MAX];

        out_puts(out, text_size(text, (double)ledger->total));
    }
    out_puts(out, "** | 100.0 % |\n\n");
}

static void
print_ratio(out_t *out, const char *name, struct jep_ratio ratio,
            const char *formula)
{
    if (ratio.known)
        out_printf(out, "| %s | %.1f %% | %s |\n", name, ratio.value * 100.0,
                   formula);
}

static void
print_ratios(out_t *out, const struct jep_summary *s)
{
    if (!s->internal_fragmentation.known && !s->external_fragmentation.known &&
        !s->metadata_per_resident.known)
        return;
    out_puts(out, "| ratio | | formula |\n| --- | ---: | --- |\n");
    print_ratio(out, "internal fragmentation", s->internal_fragmentation,
                "(active - allocated) / allocated");
    print_ratio(out, "external fragmentation", s->external_fragmentation,
                "(resident - active) / active");
    print_ratio(out, "metadata", s->metadata_per_resident,
                "metadata / resident");
    out_puts(out, "\n");
}

static void
print_part(out_t *out, const char *label, const char *text)
{
    if (text == NULL)
        return;
    out_printf(out, "- **%s** ", label);
    markdown_prose(out, text);
    out_puts(out, "\n");
}

/* One a line, so that each can be pasted. */
static void
print_commands(out_t *out, const char *when, const char *commands)
{
    if (commands == NULL)
        return;
    while (*commands != '\0') {
        size_t length = strcspn(commands, "\n");
        char line[4096];

        snprintf(line, sizeof(line), "%.*s", (int)length, commands);
        out_printf(out, "  - %s: ", when);
        markdown_code(out, line);
        out_puts(out, "\n");
        commands += length + (commands[length] == '\n');
    }
}

void
markdown_finding(out_t *out, const struct jep_finding *finding)
{
    char size[TEXT_NUMBER_MAX];

    out_printf(out, "**%s** `%s`", render_severity(finding->severity),
               finding->rule);
    if (finding->bytes.known && finding->bytes.value > 0 &&
        finding->severity != JEP_INFO)
        out_printf(out, ", %s to win",
                   text_size(size, (double)finding->bytes.value));
    out_puts(out, ": ");
    markdown_prose(out, finding->title);
    out_puts(out, ".\n\n");
    print_part(out, "Likely:", finding->causes);
    print_part(out, "Matters:", finding->why);
    print_part(out, "Do:", finding->action);
    print_commands(out, "now", finding->now);
    print_commands(out, "to keep it", finding->keep);
    print_part(out, "Then:", finding->confirm);
    print_part(out, "Unless:", finding->false_alarm);
    if (finding->evidence_count == 0)
        return;
    out_puts(out, "\n<details><summary>evidence</summary>\n\n"
                  "| figure | value | line |\n| --- | --- | ---: |\n");
    for (size_t i = 0; i < finding->evidence_count; i++) {
        const struct jep_evidence *one = &finding->evidence[i];

        out_puts(out, "| ");
        markdown_code(out, one->name);
        out_puts(out, " | ");
        markdown_prose(out, one->text);
        out_puts(out, " | ");
        if (one->file != NULL)
            markdown_code(out, one->file);
        if (one->line > 0)
            out_printf(out, "%s%u", one->file != NULL ? " line " : "",
                       one->line);
        out_puts(out, one->file != NULL || one->line > 0 ? " |\n" : "|\n");
    }
    out_puts(out, "\n</details>\n");
}

static void
print_bins(out_t *out, const struct jep_view *view, unsigned top)
{
    size_t limit = top > 0 ? top : BINS_DEFAULT;
    char count[TEXT_NUMBER_MAX];

    if (view->bin_count == 0 || view->bins[0].wasted_bytes == 0)
        return;
    out_puts(out, "<details><summary>slabs, most unused</summary>\n\n"
                  "| size | objects | slabs | used | unused |\n"
                  "| ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < view->bin_count && i < limit; i++) {
        const struct jep_bin *bin = &view->bins[i];

        if (bin->wasted_bytes == 0)
            break;
        out_printf(out, "| %llu |", (unsigned long long)bin->size);
        out_printf(out, " %s |", text_count(count, (double)bin->curregs));
        out_printf(out, " %s |", text_count(count, (double)bin->curslabs));
        if (bin->utilization.known)
            out_printf(out, " %.1f %%", bin->utilization.value * 100.0);
        out_puts(out, " |");
        markdown_size(out, (double)bin->wasted_bytes);
        out_puts(out, "\n");
    }
    out_puts(out, "\n</details>\n\n");
}

/* Size classes of other allocators. */
static void
print_classes(out_t *out, const struct jep_view *view, size_t limit)
{
    bool has_unused = render_has_column(view, true);
    bool has_in_use = render_has_column(view, false);

    if (view->class_count == 0)
        return;
    out_printf(out, "<details><summary>size classes, most %s</summary>\n\n",
               has_unused ? "unused" : "in use");
    out_printf(out, "| size |%s%s\n| ---: |%s%s\n",
               has_in_use ? " in use |" : "", has_unused ? " unused |" : "",
               has_in_use ? " ---: |" : "", has_unused ? " ---: |" : "");
    for (size_t i = 0; i < view->class_count && i < limit; i++) {
        const struct jep_class *class = &view->classes[i];

        if (i > 0 && class->unused.value == 0 && class->in_use.value == 0)
            break;
        out_printf(out, "| %llu |", (unsigned long long)class->size);
        if (has_in_use)
            markdown_figure(out, class->in_use);
        if (has_unused)
            markdown_figure(out, class->unused);
        out_puts(out, "\n");
    }
    out_puts(out, "\n</details>\n\n");
}

/* Heaps of glibc. */
static void
print_heaps(out_t *out, const struct jep_view *view, size_t limit)
{
    const struct jep_arena *heap = NULL;

    if (view->source.allocator != JEP_ALLOCATOR_GLIBC || view->arena_count < 2)
        return;
    out_puts(out, "<details><summary>heaps, largest first</summary>\n\n"
                  "| heap | from system | in use | free |\n"
                  "| --- | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < limit; i++) {
        heap = render_next_heap(view, heap);
        if (heap == NULL)
            break;
        out_puts(out, "| ");
        markdown_prose(out, heap->name);
        out_puts(out, " |");
        markdown_figure(out, heap->mapped);
        markdown_figure(out, heap->allocated);
        markdown_figure(out, render_heap_free(heap));
        out_puts(out, "\n");
    }
    out_puts(out, "\n</details>\n\n");
}

void
markdown_frame(out_t *out, const struct jep_frame *frame)
{
    char name[1024], place[1024];

    markdown_code(out, render_frame(frame, name, sizeof(name)));
    if (frame->file == NULL)
        return;
    snprintf(place, sizeof(place), "%s:%u", frame->file, frame->line);
    out_puts(out, " ");
    markdown_prose(out, place);
}

static void
owner_row(out_t *out, const char *name, double bytes, struct jep_figure objects)
{
    char count[TEXT_NUMBER_MAX];

    out_puts(out, "| ");
    markdown_prose(out, name);
    out_puts(out, " |");
    markdown_size(out, bytes);
    if (objects.known)
        out_printf(out, " %s", text_count(count, (double)objects.value));
    out_puts(out, " |\n");
}

static void
print_owners(out_t *out, const struct jep_view *view, unsigned top)
{
    const struct jep_owners *owners = &view->owners;
    size_t shown = JE_MIN(owners->count, top > 0 ? top : OWNERS_DEFAULT);
    struct render_owner_rest rest = render_owner_rest(owners, shown);

    if (owners->count == 0)
        return;
    out_puts(out, "| whom it is for | live | objects |\n"
                  "| --- | ---: | ---: |\n");
    for (size_t i = 0; i < shown; i++)
        owner_row(out, owners->list[i].name,
                  (double)owners->list[i].live_bytes.value,
                  owners->list[i].live_objects);
    if (shown < owners->count)
        owner_row(out, rest.name, (double)rest.bytes, rest.objects);
    if (owners->other.known)
        owner_row(out, owners->other_name, (double)owners->other.value,
                  (struct jep_figure){0});
    out_puts(out, "\n");
}

static void
print_sites(out_t *out, const struct jep_profile *profile, unsigned top)
{
    size_t limit = top > 0 ? top : SITES_DEFAULT;
    char low[TEXT_NUMBER_MAX], high[TEXT_NUMBER_MAX];

    if (!profile->known || profile->site_count == 0 ||
        profile->sites[0].live_samples == 0)
        return;
    out_puts(out, "| who holds it | live | 95 % interval | samples |\n"
                  "| --- | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < profile->site_count && i < limit; i++) {
        const struct jep_stack *site = &profile->sites[i];

        if (site->live_samples == 0)
            break;
        out_puts(out, "| ");
        for (size_t f = 0; f < site->frame_count && f <= CALLERS; f++) {
            out_puts(out, f > 0 ? "<br>" : "");
            markdown_frame(out, &site->frames[f]);
        }
        if (site->label != NULL) {
            out_puts(out, "<br>for ");
            markdown_code(out, site->label);
        }
        out_puts(out, " |");
        markdown_size(out, site->live_bytes.value);
        out_printf(out, " %s to %s | %llu |\n",
                   text_size(low, site->live_bytes.low),
                   text_size(high, site->live_bytes.high),
                   (unsigned long long)site->live_samples);
    }
    out_puts(out, "\n");
}

void
render_markdown(out_t *out, const struct jep_view *view,
                const struct render_options *options)
{
    char text[RENDER_CALM_MAX], answer[TEXT_ANSWER_MAX];
    const char *calm = render_calm(view, text);

    print_source(out, view);
    if (text_answer(view, answer, sizeof(answer))) {
        out_puts(out, "**");
        markdown_prose(out, answer);
        out_puts(out, "**\n\n");
    }
    if (!options->has_notes)
        print_notes(out, &view->source);
    print_ledger(out, &view->ledger);
    print_ratios(out, &view->summary);
    if (calm != NULL)
        out_printf(out, "%s\n\n", calm);
    for (size_t i = 0; i < view->finding_count; i++) {
        markdown_finding(out, &view->findings[i]);
        out_puts(out, "\n");
    }
    print_bins(out, view, options->top);
    print_classes(out, view, options->top > 0 ? options->top : BINS_DEFAULT);
    print_heaps(out, view, options->top > 0 ? options->top : BINS_DEFAULT);
    print_owners(out, view, options->top);
    print_sites(out, &view->profile, options->top);
}
