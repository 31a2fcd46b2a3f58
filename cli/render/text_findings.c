/* What is wrong, how that is known, and what to do about it. */
#include "cli/render/text.h"

#include "cli/render/cell.h"
#include "cli/text.h"

#include <stdio.h>
#include <string.h>

enum { SEVERITY_COLUMNS = 10, NAME_COLUMNS_MAX = 44 };

const struct jep_finding *
text_top_finding(const struct jep_view *view)
{
    if (view->finding_count == 0 || view->findings[0].severity == JEP_INFO)
        return NULL;
    return &view->findings[0];
}

/* "CRITICAL  some-rule                      10.81 GiB to win" */
static void
print_heading(out_t *out, const struct jep_finding *finding, unsigned width)
{
    char size[TEXT_NUMBER_MAX], win[TEXT_NUMBER_MAX + 8] = "";

    if (finding->bytes.known && finding->bytes.value > 0 &&
        finding->severity != JEP_INFO)
        snprintf(win, sizeof(win), "%s to win",
                 text_size(size, (double)finding->bytes.value));
    cell_style(out, CELL_BOLD);
    cell_text(out, render_severity(finding->severity), SEVERITY_COLUMNS, false);
    out_puts(out, finding->rule);
    if (win[0] != '\0')
        out_printf(out, "%*s",
                   (int)(width - SEVERITY_COLUMNS - strlen(finding->rule)),
                   win);
    out_puts(out, "\n");
    cell_style(out, CELL_PLAIN);
}

/* "65530, /proc/sys/vm/max_map_count" */
static void
print_value(char *value, size_t size, const struct jep_evidence *one)
{
    if (one->file != NULL && one->line > 0)
        snprintf(value, size, "%s, %s:%u", one->text, one->file, one->line);
    else if (one->file != NULL)
        snprintf(value, size, "%s, %s", one->text, one->file);
    else if (one->line > 0)
        snprintf(value, size, "%s, line %u", one->text, one->line);
    else
        snprintf(value, size, "%s", one->text);
}

/* Names in a column of their own, then values, then where they were read. */
static void
print_evidence(out_t *out, const struct jep_finding *finding, unsigned width)
{
    unsigned names = 0;

    for (size_t i = 0; i < finding->evidence_count; i++) {
        size_t length = strlen(finding->evidence[i].name);

        if (length > names && length <= NAME_COLUMNS_MAX)
            names = (unsigned)length;
    }
    for (size_t i = 0; i < finding->evidence_count; i++) {
        const struct jep_evidence *one = &finding->evidence[i];
        char first[128], indent[64], value[4096];

        snprintf(first, sizeof(first), "    %-*s ", (int)names, one->name);
        snprintf(indent, sizeof(indent), "    %*s ", (int)names, "");
        print_value(value, sizeof(value), one);
        cell_hanging(out, value, first, indent, width);
    }
}

static void
print_part(out_t *out, const char *label, const char *text, unsigned width)
{
    if (text != NULL)
        cell_hanging(out, text, label, "          ", width);
}

/* Commands are not broken into lines: they are to be pasted. */
static void
print_commands(out_t *out, const char *label, const char *commands)
{
    while (commands != NULL && *commands != '\0') {
        size_t length = strcspn(commands, "\n");
        char line[4096];

        snprintf(line, sizeof(line), "%.*s", (int)length, commands);
        out_puts(out, label);
        out_text(out, line);
        out_puts(out, "\n");
        label = "          ";
        commands += length + (commands[length] == '\n');
    }
}

void
text_finding(out_t *out, const struct jep_finding *finding, unsigned width)
{
    char title[2048];

    print_heading(out, finding, width);
    snprintf(title, sizeof(title), "%s.", finding->title);
    cell_paragraph(out, title, "  ", width);
    print_evidence(out, finding, width);
    print_part(out, "  Likely: ", finding->causes, width);
    print_part(out, "  Why:    ", finding->why, width);
    print_part(out, "  Do:     ", finding->action, width);
    print_commands(out, "  Now:    ", finding->now);
    print_commands(out, "  Keep:   ", finding->keep);
    print_part(out, "  Then:   ", finding->confirm, width);
    print_part(out, "  Unless: ", finding->false_alarm, width);
    out_puts(out, "\n");
}

void
text_findings(out_t *out, const struct jep_view *view)
{
    unsigned width = out_prose_width(out);
    char text[RENDER_CALM_MAX];
    const char *calm = render_calm(view, text);

    if (calm != NULL) {
        cell_paragraph(out, calm, "", width);
        out_puts(out, "\n");
    }
    for (size_t i = 0; i < view->finding_count; i++)
        text_finding(out, &view->findings[i], width);
}
