/* jeprobe report on more than one dump: which reports are needed in full, in
 * which order, and what is printed of each. */
#include "cli/report_several.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/inputs.h"
#include "cli/render/cell.h"
#include "cli/render/several.h"
#include "cli/render/value.h"

#include <stdio.h>
#include <stdlib.h>

/* Of so many series all is printed, of more only what grew. */
#define SERIES_FULL 3

/* The first report of a series against the last one. */
struct ends {
    jep_report_t *first, *before, *last;
    struct jep_diff *diff;
};

static void
ends_open(struct several *several, const struct jep_series *series,
          struct ends *ends)
{
    const struct jep_moment *const *moments = series->moments;
    size_t last = series->count - 1;

    *ends = (struct ends){0};
    ends->first = several_report(several, moments[0]->index, NULL, NULL, 0);
    if (last > 1)
        ends->before =
            several_report(several, moments[last - 1]->index, NULL, NULL, 0);
    ends->last =
        several_report(several, moments[last]->index,
                       last > 1 ? ends->before : ends->first, moments, last);
    if (jep_diff_new(ends->first, ends->last, JEP_CHANGE_MIN, &ends->diff) !=
        JEP_OK)
        die(EXIT_SYSTEM, "out of memory");
}

static void
ends_close(struct ends *ends)
{
    jep_diff_free(ends->diff);
    jep_report_free(ends->last);
    jep_report_free(ends->before);
    jep_report_free(ends->first);
}

static bool
is_shown_full(const struct jep_several_view *view,
              const struct jep_series *series)
{
    return view->series_count <= SERIES_FULL || series->verdict.has_grown;
}

static const struct jep_series *
series_of(const struct jep_several_view *view, const struct jep_moment *moment)
{
    for (size_t i = 0; i < view->series_count; i++) {
        for (size_t m = 0; m < view->series[i].count; m++) {
            if (view->series[i].moments[m] == moment)
                return &view->series[i];
        }
    }
    return NULL;
}

/* The notes of the dumps that are in no series, which prints its own. */
static void
rest_notes(out_t *out, const struct jep_several_view *view,
           bool (*print)(out_t *, const struct jep_moment *const *, size_t))
{
    const struct jep_moment **rest =
        inputs_need(calloc(view->count + 1, sizeof(*rest)));
    size_t count = 0;

    for (size_t i = 0; i < view->count; i++) {
        if (series_of(view, view->moments[i]) == NULL)
            rest[count++] = view->moments[i];
    }
    if (print(out, rest, count))
        out_puts(out, "\n");
    free(rest);
}

/* How many members of a fleet are printed in full. */
static size_t
members_shown(const struct jep_fleet *fleet,
              const struct render_options *options)
{
    size_t most = options->top > 0 ? options->top : 1;

    return most < fleet->count ? most : fleet->count;
}

/* ---- text -------------------------------------------------------------- */

static void
series_print(out_t *out, struct several *several,
             const struct jep_several_view *view,
             const struct jep_series *series,
             const struct render_options *options)
{
    struct ends ends;
    struct series_detail detail;

    if (!is_shown_full(view, series)) {
        series_text(out, series, NULL, options);
        return;
    }
    ends_open(several, series, &ends);
    detail = (struct series_detail){ends.diff, jep_report_view(ends.last)};
    series_text(out, series, &detail, options);
    ends_close(&ends);
}

/* Nothing that was read goes without a word. */
static void
alone_print(out_t *out, const struct jep_several_view *view)
{
    char words[SEVERAL_WORDS_MAX], line[SEVERAL_WORDS_MAX];

    if (view->alone_count == 0)
        return;
    words_name(words, view->alone[view->alone_count - 1]);
    if (view->alone_count == 1)
        snprintf(line, sizeof(line),
                 "Left out: %.1000s, the only dump of another start of the "
                 "process.",
                 words);
    else
        snprintf(line, sizeof(line),
                 "Left out: %zu dumps, each the only one of another start of "
                 "the process; the last is %.1000s.",
                 view->alone_count, words);
    out_puts(out, "\n");
    cell_paragraph(out, line, "", out_prose_width(out));
}

/* Why this one is printed in full. */
static void
member_introduce(out_t *out, const struct jep_fleet *fleet, size_t at)
{
    char words[SEVERAL_WORDS_MAX];

    if (at > 0)
        out_puts(out, "\n");
    words_member(words, fleet, &fleet->members[at]);
    if (words[0] != '\0')
        cell_hanging(out, words, "Unusual: ", "", out_prose_width(out));
    else if (at == 0)
        out_puts(out, "The largest:\n");
}

/* How a report is printed, and what before it; NULL = nothing. */
struct member_style {
    void (*print)(out_t *out, const struct jep_view *view,
                  const struct render_options *options);
    void (*introduce)(out_t *out, const struct jep_fleet *fleet, size_t at);
};

/* The reports of a fleet that are shown, unless there are series beside it. */
static void
members_print(out_t *out, struct several *several,
              const struct jep_several_view *view,
              const struct render_options *options,
              const struct member_style *style)
{
    struct render_options usual = *options;

    usual.top = 0;
    if (view->fleet == NULL || view->series_count > 0)
        return;
    for (size_t i = 0; i < members_shown(view->fleet, options); i++) {
        size_t index = view->fleet->members[i].moment->index;
        jep_report_t *report = several_report(several, index, NULL, NULL, 0);

        if (style->introduce != NULL)
            style->introduce(out, view->fleet, i);
        style->print(out, jep_report_view(report), &usual);
        jep_report_free(report);
    }
}

void
report_several_text(out_t *out, struct several *several,
                    const struct jep_several_view *view,
                    const struct render_options *options)
{
    static const struct member_style style = {render_text, member_introduce};
    struct render_options apart = *options;

    apart.has_notes = true;
    if (view->fleet != NULL)
        fleet_text(out, view->fleet, view->series_count > 0);
    for (size_t i = 0; i < view->series_count; i++) {
        if (i > 0)
            out_puts(out, "\n");
        series_print(out, several, view, &view->series[i], &apart);
    }
    alone_print(out, view);
    rest_notes(out, view, notes_text);
    members_print(out, several, view, &apart, &style);
}

/* ---- Markdown ---------------------------------------------------------- */

static void
series_print_markdown(out_t *out, struct several *several,
                      const struct jep_series *series,
                      const struct render_options *options)
{
    struct ends ends;
    struct series_detail detail;

    ends_open(several, series, &ends);
    detail = (struct series_detail){ends.diff, jep_report_view(ends.last)};
    series_markdown(out, series, &detail, options->top);
    render_markdown(out, detail.last, options);
    ends_close(&ends);
}

void
report_several_markdown(out_t *out, struct several *several,
                        const struct jep_several_view *view,
                        const struct render_options *options)
{
    static const struct member_style style = {render_markdown, NULL};
    struct render_options apart = *options;

    apart.has_notes = true;
    if (view->fleet != NULL)
        fleet_markdown(out, view->fleet, view->series_count > 0);
    for (size_t i = 0; i < view->series_count; i++) {
        if (is_shown_full(view, &view->series[i]))
            series_print_markdown(out, several, &view->series[i], &apart);
        else
            series_markdown(out, &view->series[i], NULL, 0);
    }
    rest_notes(out, view, notes_markdown);
    members_print(out, several, view, &apart, &style);
}

/* ---- JSON -------------------------------------------------------------- */

struct json_out {
    out_t *out;
    struct several *several;
    unsigned top;
    size_t *places; /* of each moment in the array; SIZE_MAX = not yet */
    size_t count;
};

static jep_report_t *
report_print(struct json_out *json, const struct jep_moment *moment,
             const jep_report_t *before,
             const struct jep_moment *const *earlier, size_t earlier_count)
{
    jep_report_t *report = several_report(json->several, moment->index, before,
                                          earlier, earlier_count);

    out_puts(json->out, json->count > 0 ? ",\n  " : "\n  ");
    value_print_inside(
        json->out, render_report(jep_report_view(report), json->top, false), 2);
    json->places[moment->index] = json->count++;
    return report;
}

/* A series in its order, so that the dump before is there for each. */
static void
reports_print_series(struct json_out *json, const struct jep_series *series)
{
    jep_report_t *before = NULL;

    for (size_t i = 0; i < series->count; i++) {
        jep_report_t *now =
            report_print(json, series->moments[i], before, series->moments, i);

        jep_report_free(before);
        before = now;
    }
    jep_report_free(before);
}

static void
reports_print(struct json_out *json, const struct jep_several_view *view)
{
    out_puts(json->out, " \"reports\": [");
    for (size_t i = 0; i < view->count; i++) {
        const struct jep_moment *moment = view->moments[i];
        const struct jep_series *series;

        if (json->places[i] != SIZE_MAX)
            continue;
        series = series_of(view, moment);
        if (series != NULL)
            reports_print_series(json, series);
        else
            jep_report_free(report_print(json, moment, NULL, NULL, 0));
    }
    out_puts(json->out, "\n ]");
}

static json_t *
processes_json(struct json_out *json, const struct jep_several_view *view)
{
    json_t *object = value_need(json_object());
    json_t *processes = value_need(json_array());

    for (size_t i = 0; i < view->series_count; i++) {
        const struct jep_series *series = &view->series[i];
        struct ends ends;

        ends_open(json->several, series, &ends);
        value_append(processes,
                     series_json(series, ends.diff, json->places, json->top));
        ends_close(&ends);
    }
    value_set(object, "processes", processes);
    return object;
}

void
report_several_json(out_t *out, struct several *several,
                    const struct jep_several_view *view,
                    const struct render_options *options)
{
    struct json_out json = {
        .out = out, .several = several, .top = options->top};

    json.places = inputs_need(calloc(view->count, sizeof(*json.places)));
    for (size_t i = 0; i < view->count; i++)
        json.places[i] = SIZE_MAX;
    out_puts(out, "{\n \"schema\": \"" JEP_REPORT_SCHEMA "\",\n");
    reports_print(&json, view);
    if (view->series_count > 0) {
        out_puts(out, ",\n \"series\": ");
        value_print_inside(out, processes_json(&json, view), 1);
    }
    if (view->fleet != NULL) {
        out_puts(out, ",\n \"fleet\": ");
        value_print_inside(out, fleet_json(view->fleet, json.places), 1);
    }
    out_puts(out, "\n}\n");
    free(json.places);
}
