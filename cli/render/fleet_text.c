/* Many processes side by side: the unusual ones first, then what all share. */
#include "cli/render/several.h"

#include "cli/render/cell.h"
#include "cli/text.h"

#include <math.h>

enum {
    WIDTH_WIDE = 120,
    ROWS_MAX = 24,    /* of processes, if none of those left out is unusual */
    UNUSUAL_MAX = 40, /* of unusual ones */
    COMMON_MAX = 12,
    SIZE_COLUMNS = 10,
    RULE_COLUMNS = 34,
    NAME_LEAST = 19,
    NAME_MOST = 46
};

/* What the figures leave over, and where there is room the worst finding. */
static unsigned
name_columns(const out_t *out, const struct jep_fleet *fleet)
{
    unsigned used = out_width(out) >= WIDTH_WIDE ? RULE_COLUMNS : 0;

    for (int f = 0; f < JEP_FLEET_FIGURES; f++)
        used += fleet->figures[f].known > 0 ? SIZE_COLUMNS : 0;
    return out_width(out) > used + NAME_LEAST
               ? JE_MIN(out_width(out) - used, NAME_MOST)
               : NAME_LEAST;
}

static void
print_heading(out_t *out, const struct jep_fleet *fleet)
{
    cell_style(out, CELL_BOLD);
    cell_text(out, "Process", name_columns(out, fleet), false);
    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        if (fleet->figures[f].known > 0)
            out_printf(out, "%*s", SIZE_COLUMNS, words_column(fleet, f));
    }
    out_puts(out, "\n");
    cell_style(out, CELL_PLAIN);
}

static void
print_cell(out_t *out, const struct jep_member_figure *figure)
{
    if (!figure->known)
        out_printf(out, "%*s", SIZE_COLUMNS, "-");
    else if (figure->is_unusual)
        cell_marked_size(out, figure->value, SIZE_COLUMNS);
    else
        cell_size(out, figure->value, SIZE_COLUMNS);
}

static void
print_member(out_t *out, const struct jep_fleet *fleet,
             const struct jep_member *member)
{
    char words[SEVERAL_WORDS_MAX];

    cell_text(out, words_name(words, member->moment), name_columns(out, fleet),
              true);
    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        if (fleet->figures[f].known > 0)
            print_cell(out, &member->figures[f]);
    }
    if (out_width(out) >= WIDTH_WIDE && member->moment->finding_count > 0 &&
        member->moment->findings[0].severity != JEP_INFO)
        out_printf(out, "  %s", member->moment->findings[0].rule);
    out_puts(out, "\n");
}

static void
print_median(out_t *out, const struct jep_fleet *fleet)
{
    cell_text(out, "median", name_columns(out, fleet), false);
    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        const struct jep_spread *spread = &fleet->figures[f];

        if (spread->known > 0)
            cell_size(out, spread->median, SIZE_COLUMNS);
    }
    out_puts(out, "\n");
}

/* What is left out after `shown` members. */
static void
print_more(out_t *out, const struct jep_fleet *fleet, size_t shown)
{
    double least = INFINITY, most = 0.0;
    char low[TEXT_NUMBER_MAX], high[TEXT_NUMBER_MAX];

    for (size_t i = shown; i < fleet->count; i++) {
        const struct jep_member_figure *size =
            &fleet->members[i].figures[JEP_FLEET_SIZE];

        if (!size->known)
            continue;
        least = fmin(least, size->value);
        most = fmax(most, size->value);
    }
    out_printf(out, "... and %zu more", fleet->count - shown);
    if (most >= least)
        out_printf(out, " of %s to %s", text_size(low, least),
                   text_size(high, most));
    if (fleet->unusual > shown)
        out_printf(out, ", %zu of them unusual", fleet->unusual - shown);
    out_puts(out, "\n");
}

static void
print_members(out_t *out, const struct jep_fleet *fleet)
{
    size_t shown = fleet->unusual > ROWS_MAX ? fleet->unusual : ROWS_MAX;
    char low[TEXT_NUMBER_MAX];

    if (shown > UNUSUAL_MAX)
        shown = UNUSUAL_MAX;
    print_heading(out, fleet);
    for (size_t i = 0; i < fleet->count && i < shown; i++)
        print_member(out, fleet, &fleet->members[i]);
    if (fleet->count > shown)
        print_more(out, fleet, shown);
    print_median(out, fleet);
    if (fleet->unusual > 0)
        out_printf(out, "* above the median by %.1f deviations and by %s\n",
                   JEP_FLEET_Z, text_size(low, fleet->floor));
    out_puts(out, "\n");
}

/* One change for all is worth more than one for each. */
static void
print_common(out_t *out, const struct jep_fleet *fleet, bool has_series)
{
    size_t shown = 0;

    for (size_t i = 0; i < fleet->common_count && shown < COMMON_MAX; i++) {
        const struct jep_common *one = &fleet->common[i];

        if (one->severity == JEP_INFO && !render_leaves_open(one))
            continue;
        if (shown++ == 0) {
            cell_style(out, CELL_BOLD);
            out_printf(out, "%-*s%10s%12s%12s\n", RULE_COLUMNS + 10,
                       "Findings, in how many", "processes", "together",
                       "each");
            cell_style(out, CELL_PLAIN);
        }
        cell_text(out, render_severity(one->severity), 10, false);
        cell_text(out, one->rule, RULE_COLUMNS, false);
        cell_count(out, (double)one->count, 10);
        if (one->bytes > 0 && one->severity != JEP_INFO) {
            cell_size(out, (double)one->bytes, 12);
            cell_size(out, (double)one->bytes / (double)one->count, 12);
        }
        out_puts(out, "\n");
    }
    if (shown > 0 && has_series)
        cell_paragraph(out, words_common(), "", out_prose_width(out));
    if (shown > 0)
        out_puts(out, "\n");
}

void
fleet_text(out_t *out, const struct jep_fleet *fleet, bool has_series)
{
    char words[SEVERAL_WORDS_MAX];

    cell_style(out, CELL_BOLD);
    cell_paragraph(out, words_fleet(words, fleet), "", out_prose_width(out));
    cell_style(out, CELL_PLAIN);
    out_puts(out, "\n");
    print_members(out, fleet);
    print_common(out, fleet, has_series);
}
