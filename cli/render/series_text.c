/* One process over time: what grew, how fast, in which sizes and by whom. */
#include "cli/render/several.h"

#include "cli/render/cell.h"
#include "cli/render/diff.h"
#include "cli/render/text.h"
#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH_WIDE = 120,
    ROWS_MAX = 20, /* of dumps; more are left out in the middle */
    ROWS_TOP = 8,  /* of size classes and stacks */
    WHEN_COLUMNS = 9,
    SIZE_COLUMNS = 10,
    CHANGE_COLUMNS = 12,
    NAME_COLUMNS = 28,
    CURVE_COLUMNS = 18,
    BAR_COLUMNS = 30 /* at most */
};

static void
print_head(out_t *out, const struct jep_series *series)
{
    const struct jep_moment *first = series->moments[0];
    const struct jep_moment *last = series->moments[series->count - 1];
    char words[SEVERAL_WORDS_MAX], text[TEXT_NUMBER_MAX];
    size_t used;

    out_printf(out, "%zu dumps of one process", series->count);
    if (first->pid.known)
        out_printf(out, ", number %llu", (unsigned long long)first->pid.value);
    if (first->exe != NULL) {
        out_puts(out, ", ");
        out_text(out, first->exe);
    }
    if (series->clock != JEP_CLOCK_NONE)
        out_printf(out, ", over %s", text_duration(text, series->seconds));
    out_puts(out, "\n");
    out_text(out, words_name(words, first));
    used = strlen(words) + strlen(words_name(words, last)) + 4;
    out_puts(out, used > out_width(out) ? "\nto " : " to ");
    out_text(out, words);
    out_puts(out, "\n");
    if (words_assumed(words, series)[0] != '\0')
        cell_paragraph(out, words, "", out_prose_width(out));
    notes_text(out, series->moments, series->count);
    out_puts(out, "\n");
    cell_style(out, CELL_BOLD);
    cell_paragraph(out, words_series(words, series), "", out_prose_width(out));
    cell_style(out, CELL_PLAIN);
    out_puts(out, "\n");
}

/* ---- what moved -------------------------------------------------------- */

/* The value at one of `columns` places of the curve. */
static const struct jep_figure *
curve_at(const struct jep_trend *trend, size_t count, unsigned column,
         unsigned columns)
{
    return &trend->values[column * (count - 1) / (columns - 1)];
}

/* From the least to the most; what moves little is drawn as a line. */
static void
print_curve(out_t *out, const struct jep_trend *trend, size_t count)
{
    static const char *const steps[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char plain[] = "_.,-=+*#";
    unsigned columns = count < CURVE_COLUMNS ? (unsigned)count : CURVE_COLUMNS;
    double least = INFINITY, most = 0.0, range;
    unsigned shown = columns;

    for (size_t i = 0; i < count; i++) {
        double value = (double)trend->values[i].value;

        if (!trend->values[i].known)
            continue;
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    range = most - least > most / 10.0 ? most - least : most / 10.0;
    while (!curve_at(trend, count, shown - 1, columns)->known)
        shown--;
    for (unsigned c = 0; c < shown; c++) {
        const struct jep_figure *one = curve_at(trend, count, c, columns);
        unsigned step = 0;

        if (range > 0.0)
            step = (unsigned)lround(((double)one->value - least) / range * 7.0);
        if (!one->known)
            out_puts(out, " ");
        else if (out_is_utf8(out))
            out_puts(out, steps[step]);
        else
            out_printf(out, "%c", plain[step]);
    }
}

/* Whether there is a column of intervals: room for it, and something in it. */
static bool
has_ranges(const out_t *out, const struct jep_series *series)
{
    double factor;

    if (out_width(out) < WIDTH_WIDE || !words_hourly(series, &factor))
        return false;
    for (size_t i = 0; i < series->trend_count; i++) {
        if (series->trends[i].has_interval && !series->trends[i].is_steady)
            return true;
    }
    return false;
}

static void
print_trend(out_t *out, const struct jep_series *series,
            const struct jep_trend *trend)
{
    double factor = 0.0;
    bool has_time = words_hourly(series, &factor);
    char low[TEXT_NUMBER_MAX], high[TEXT_NUMBER_MAX], range[80] = "";

    out_puts(out, "  ");
    cell_text(out, trend->what, 14, false);
    cell_figure(out, trend->first, SIZE_COLUMNS);
    cell_figure(out, trend->last, SIZE_COLUMNS);
    if (trend->is_steady)
        out_printf(out, "%*s", CHANGE_COLUMNS, "steady");
    else
        cell_change(out, trend->change, CHANGE_COLUMNS);
    if (has_time && !trend->is_steady)
        cell_change(out, trend->change * factor, CHANGE_COLUMNS);
    else if (has_time)
        cell_repeat(out, " ", CHANGE_COLUMNS);
    if (has_ranges(out, series)) {
        if (trend->has_interval && !trend->is_steady)
            snprintf(range, sizeof(range), "%s to %s",
                     text_size(low, trend->low * factor),
                     text_size(high, trend->high * factor));
        out_printf(out, "%26s", range);
    }
    out_puts(out, "  ");
    print_curve(out, trend, series->count);
    out_puts(out, "\n");
}

/* Counters of what this program does not use are 0 all the time. */
static bool
is_nothing(const struct jep_trend *trend)
{
    return trend->is_steady && trend->first.value == 0 &&
           trend->last.value == 0;
}

static void
print_trends(out_t *out, const struct jep_series *series)
{
    size_t shown = 0;
    double factor;

    for (size_t i = 0; i < series->trend_count; i++)
        shown += !is_nothing(&series->trends[i]);
    if (shown == 0)
        return;
    cell_style(out, CELL_BOLD);
    out_printf(out, "%-16s%*s%*s%*s", "What moved", SIZE_COLUMNS, "first",
               SIZE_COLUMNS, "last", CHANGE_COLUMNS, "change");
    if (words_hourly(series, &factor))
        out_printf(out, "%*s", CHANGE_COLUMNS, "an hour");
    if (has_ranges(out, series))
        out_printf(out, "%26s", "95 %");
    out_puts(out, "  over time\n");
    cell_style(out, CELL_PLAIN);
    for (size_t i = 0; i < series->trend_count; i++) {
        if (!is_nothing(&series->trends[i]))
            print_trend(out, series, &series->trends[i]);
    }
    out_puts(out, "\n");
}

/* ---- a row a dump ------------------------------------------------------ */

struct table {
    const struct jep_series *series;
    const struct jep_trend *figures[SERIES_COLUMNS];
    size_t columns;              /* of them */
    const struct jep_trend *bar; /* the first of them; NULL = there is none */
    double most;
    bool is_wide;
    unsigned bar_columns;
};

static void
table_fill(struct table *table, const struct jep_series *series, unsigned width)
{
    bool is_wide = width >= WIDTH_WIDE;
    unsigned used = WHEN_COLUMNS + 1;

    *table = (struct table){.series = series, .is_wide = is_wide};
    table->columns = series_columns(series, table->figures);
    table->bar = table->columns > 0 ? table->figures[0] : NULL;
    used += (unsigned)table->columns * SIZE_COLUMNS;
    if (is_wide)
        used += CHANGE_COLUMNS + 2 + NAME_COLUMNS;
    table->bar_columns = width > used ? JE_MIN(width - used, BAR_COLUMNS) : 0;
    for (size_t i = 0; table->bar != NULL && i < series->count; i++) {
        double value = (double)table->bar->values[i].value;

        table->most = value > table->most ? value : table->most;
    }
}

static void
table_heading(out_t *out, const struct table *table)
{
    cell_style(out, CELL_BOLD);
    out_printf(out, "%-*s", WHEN_COLUMNS,
               table->series->clock == JEP_CLOCK_NONE ? "Dump" : "Time");
    for (size_t i = 0; i < table->columns; i++)
        out_printf(out, "%*s", SIZE_COLUMNS, words_heading(table->figures[i]));
    if (table->is_wide) {
        out_printf(out, "%*s", CHANGE_COLUMNS, "change");
        out_puts(out, "  ");
        cell_text(out, "file", NAME_COLUMNS, false);
    }
    if (table->bar_columns > 0)
        out_printf(out, " %s", table->bar->what);
    out_puts(out, "\n");
    cell_style(out, CELL_PLAIN);
}

/* In a table of several dumps a blank cell would look like a slip. */
static void
figure_cell(out_t *out, struct jep_figure figure, unsigned width)
{
    if (figure.known)
        cell_figure(out, figure, width);
    else
        out_printf(out, "%*s", (int)width, "-");
}

static void
table_change(out_t *out, const struct table *table, size_t at)
{
    const struct jep_figure *values = table->bar->values;

    if (at == 0 || !values[at].known || !values[at - 1].known)
        out_printf(out, "%*s", CHANGE_COLUMNS, "-");
    else
        cell_change(out,
                    (double)values[at].value - (double)values[at - 1].value,
                    CHANGE_COLUMNS);
}

static void
table_row(out_t *out, const struct table *table, size_t at)
{
    char words[SEVERAL_WORDS_MAX];

    cell_text(out, words_when(words, table->series, at), WHEN_COLUMNS, false);
    for (size_t i = 0; i < table->columns; i++)
        figure_cell(out, table->figures[i]->values[at], SIZE_COLUMNS);
    if (table->is_wide) {
        table_change(out, table, at);
        out_puts(out, "  ");
        cell_text(out, words_name(words, table->series->moments[at]),
                  NAME_COLUMNS, true);
    }
    if (table->bar->values[at].value > 0 && table->bar_columns > 0) {
        out_puts(out, " ");
        cell_bar(out, (double)table->bar->values[at].value / table->most,
                 table->bar_columns);
    }
    out_puts(out, "\n");
}

static void
print_table(out_t *out, const struct jep_series *series)
{
    size_t count = series->count, head = count, tail = count;
    struct table table;

    table_fill(&table, series, out_width(out));
    if (count > ROWS_MAX) {
        head = ROWS_MAX / 2 - 1;
        tail = count - ROWS_MAX / 2;
    }
    if (table.bar == NULL)
        return;
    table_heading(out, &table);
    for (size_t i = 0; i < head; i++)
        table_row(out, &table, i);
    if (tail > head)
        out_printf(out, "...      %zu dumps between are left out\n",
                   tail - head);
    for (size_t i = tail; i < count; i++)
        table_row(out, &table, i);
    out_puts(out, "\n");
}

/* ---- together ---------------------------------------------------------- */

static void
print_detail(out_t *out, const struct series_detail *detail,
             const struct render_options *options)
{
    size_t most = options->top > 0 ? options->top : ROWS_TOP;

    diff_print_owners(out, detail->diff, most);
    diff_print_bins(out, detail->diff, most);
    diff_print_stacks(out, detail->diff, most);
    out_puts(out, "The last dump:\n");
    text_about(out, detail->last, options);
    text_findings(out, detail->last);
    text_headline(out, detail->last);
    text_ledger(out, &detail->last->ledger);
    text_foreign(out, detail->last, options->top);
    text_owners(out, detail->last, options->top);
    text_sites(out, detail->last, options->top);
}

void
series_text(out_t *out, const struct jep_series *series,
            const struct series_detail *detail,
            const struct render_options *options)
{
    print_head(out, series);
    print_trends(out, series);
    print_table(out, series);
    if (detail == NULL)
        return;
    print_detail(out, detail, options);
    if (text_top_finding(detail->last) == NULL && series->verdict.rule != NULL)
        out_printf(out, "Next: jeprobe explain %s\n", series->verdict.rule);
    else
        text_next(out, detail->last, options);
}
