/* Many dumps for pasting into an issue. */
#include "cli/render/several.h"

#include "cli/render/diff.h"
#include "cli/render/markdown.h"
#include "cli/text.h"

#include <stdio.h>

enum { ROWS_MAX = 20, ROWS_MOST = 8, COMMON_MAX = 12 };

static void
print_trends(out_t *out, const struct jep_series *series)
{
    char text[TEXT_NUMBER_MAX];
    double factor = 0.0;
    bool has_time = words_hourly(series, &factor);

    out_printf(out, "| what moved | first | last | change |%s\n",
               has_time ? " an hour |" : "");
    out_printf(out, "| --- | ---: | ---: | ---: |%s\n",
               has_time ? " ---: |" : "");
    for (size_t i = 0; i < series->trend_count; i++) {
        const struct jep_trend *trend = &series->trends[i];

        out_puts(out, "| ");
        markdown_prose(out, trend->what);
        out_puts(out, " |");
        markdown_figure(out, trend->first);
        markdown_figure(out, trend->last);
        out_printf(out, " %s |",
                   trend->is_steady ? "steady"
                                    : text_size(text, trend->change));
        if (has_time)
            out_printf(out, " %s |",
                       trend->is_steady
                           ? ""
                           : text_size(text, trend->change * factor));
        out_puts(out, "\n");
    }
    out_puts(out, "\n");
}

static void
print_row(out_t *out, const struct jep_series *series,
          const struct jep_trend *const *figures, size_t columns, size_t at)
{
    char words[SEVERAL_WORDS_MAX];

    out_puts(out, "| ");
    markdown_prose(out, words_when(words, series, at));
    out_puts(out, " |");
    for (size_t i = 0; i < columns; i++)
        markdown_figure(out, figures[i]->values[at]);
    out_puts(out, " ");
    markdown_code(out, words_name(words, series->moments[at]));
    out_puts(out, " |\n");
}

static void
print_rows(out_t *out, const struct jep_series *series)
{
    const struct jep_trend *figures[SERIES_COLUMNS];
    size_t columns = series_columns(series, figures);
    size_t count = series->count, skipped = 0;

    if (columns == 0)
        return;
    if (count > ROWS_MAX)
        skipped = count - ROWS_MAX;
    out_puts(out, "<details><summary>each dump</summary>\n\n| when |");
    for (size_t i = 0; i < columns; i++)
        out_printf(out, " %s |", words_heading(figures[i]));
    out_puts(out, " file |\n| ---: |");
    for (size_t i = 0; i < columns; i++)
        out_puts(out, " ---: |");
    out_puts(out, " --- |\n");
    for (size_t i = 0; i < count; i++) {
        if (skipped > 0 && i == ROWS_MAX / 2) {
            out_printf(out, "| %zu left out |", skipped);
            for (size_t c = 0; c <= columns; c++)
                out_puts(out, " |");
            out_puts(out, "\n");
            i += skipped;
        }
        print_row(out, series, figures, columns, i);
    }
    out_puts(out, "\n</details>\n\n");
}

void
series_markdown(out_t *out, const struct jep_series *series,
                const struct series_detail *detail, unsigned top)
{
    char words[SEVERAL_WORDS_MAX];

    out_printf(out, "### %zu dumps of one process\n\n**", series->count);
    markdown_prose(out, words_series(words, series));
    out_puts(out, "**\n\n");
    if (words_assumed(words, series)[0] != '\0') {
        out_puts(out, "> ");
        markdown_prose(out, words);
        out_puts(out, "\n\n");
    }
    if (notes_markdown(out, series->moments, series->count))
        out_puts(out, "\n");
    print_trends(out, series);
    print_rows(out, series);
    if (detail == NULL)
        return;
    diff_markdown_owners(out, detail->diff, top > 0 ? top : ROWS_MOST);
    diff_markdown_stacks(out, detail->diff, top > 0 ? top : ROWS_MOST);
}

/* ---- fleet ------------------------------------------------------------- */

static void
print_member(out_t *out, const struct jep_fleet *fleet,
             const struct jep_member *member)
{
    char words[SEVERAL_WORDS_MAX], text[TEXT_NUMBER_MAX];

    out_puts(out, "| ");
    markdown_code(out, words_name(words, member->moment));
    out_puts(out, " |");
    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        const struct jep_member_figure *one = &member->figures[f];

        if (fleet->figures[f].known == 0)
            continue;
        out_printf(out, one->is_unusual ? " **%s** |" : " %s |",
                   one->known ? text_size(text, one->value) : "");
    }
    out_puts(out, " ");
    markdown_prose(out, words_member(words, fleet, member));
    out_puts(out, " |\n");
}

static void
print_common(out_t *out, const struct jep_fleet *fleet, bool has_series)
{
    char text[TEXT_NUMBER_MAX];
    size_t shown = 0;

    for (size_t i = 0; i < fleet->common_count && shown < COMMON_MAX; i++) {
        const struct jep_common *one = &fleet->common[i];

        if (one->severity == JEP_INFO && !render_leaves_open(one))
            continue;
        if (shown++ == 0)
            out_puts(out, "| in common | severity | processes | together |\n"
                          "| --- | --- | ---: | ---: |\n");
        out_printf(out, "| `%s` | %s | %zu | %s |\n", one->rule,
                   render_severity(one->severity), one->count,
                   one->bytes > 0 && one->severity != JEP_INFO
                       ? text_size(text, (double)one->bytes)
                       : "");
    }
    if (shown > 0 && has_series)
        out_printf(out, "\n%s\n", words_common());
    if (shown > 0)
        out_puts(out, "\n");
}

/* Figures that no dump tells have no column. */
static void
print_members(out_t *out, const struct jep_fleet *fleet, size_t count)
{
    out_puts(out, "| process |");
    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        if (fleet->figures[f].known > 0)
            out_printf(out, " %s |", words_column(fleet, f));
    }
    out_puts(out, " unusual in |\n| --- |");
    for (int f = 0; f < JEP_FLEET_FIGURES; f++)
        out_puts(out, fleet->figures[f].known > 0 ? " ---: |" : "");
    out_puts(out, " --- |\n");
    for (size_t i = 0; i < count; i++)
        print_member(out, fleet, &fleet->members[i]);
    out_puts(out, "\n");
}

void
fleet_markdown(out_t *out, const struct jep_fleet *fleet, bool has_series)
{
    size_t most = fleet->unusual > ROWS_MAX ? fleet->unusual : ROWS_MAX;
    size_t shown = JE_MIN(most, fleet->count);
    char words[SEVERAL_WORDS_MAX];

    out_printf(out, "### %zu processes\n\n**", fleet->count);
    markdown_prose(out, words_fleet(words, fleet));
    out_puts(out, "**\n\n");
    print_members(out, fleet, shown);
    if (fleet->count > shown)
        out_printf(out, "and %zu more, none of them unusual\n\n",
                   fleet->count - shown);
    print_common(out, fleet, has_series);
}
