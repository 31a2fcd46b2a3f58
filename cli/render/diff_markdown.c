/* Two dumps side by side, for pasting into an issue; parts of it also for a
 * series. */
#include "cli/render/diff.h"

#include "cli/render/markdown.h"
#include "cli/text.h"

enum { ROWS_DEFAULT = 8, FRAMES = 4 };

static void
change_cell(out_t *out, double bytes)
{
    char text[TEXT_NUMBER_MAX];

    out_printf(out, " %s%s |", bytes > 0.0 ? "+" : "", text_size(text, bytes));
}

/* A line of the ledger may be below zero, and its figure wraps then. */
static void
change_row(out_t *out, const struct jep_change *change)
{
    out_puts(out, "| ");
    markdown_prose(out, change->what);
    out_puts(out, " |");
    markdown_size(out, (double)(int64_t)change->before.value);
    markdown_size(out, (double)(int64_t)change->now.value);
    change_cell(out, (double)change->bytes);
    out_puts(out, "\n");
}

static void
heading(out_t *out, const char *title)
{
    out_printf(out,
               "| %s | before | now | change |\n"
               "| --- | ---: | ---: | ---: |\n",
               title);
}

static const struct diff_table table = {heading, change_row};

void
diff_markdown_owners(out_t *out, const struct jep_diff *diff, size_t most)
{
    diff_table_owners(out, &table, "for whom, most changed", diff, most);
}

static void
print_bins(out_t *out, const struct jep_diff *diff, size_t most)
{
    if (diff->bin_count == 0 ||
        (diff->bins[0].used == 0 && diff->bins[0].unused == 0))
        return;
    out_puts(out, "<details><summary>size classes</summary>\n\n"
                  "| size | objects | unused |\n| ---: | ---: | ---: |\n");
    for (size_t i = 0; i < diff->bin_count && i < most; i++) {
        const struct jep_bin_change *bin = &diff->bins[i];

        if (bin->used == 0 && bin->unused == 0)
            break;
        out_printf(out, "| %llu |", (unsigned long long)bin->size);
        change_cell(out, (double)bin->used);
        change_cell(out, (double)bin->unused);
        out_puts(out, "\n");
    }
    out_puts(out, "\n</details>\n\n");
}

void
diff_markdown_stacks(out_t *out, const struct jep_diff *diff, size_t most)
{
    char low[TEXT_NUMBER_MAX], high[TEXT_NUMBER_MAX];

    if (diff->stack_count == 0 || !diff->stacks[0].is_significant)
        return;
    out_puts(out, "| who | change | 95 % interval |\n"
                  "| --- | ---: | ---: |\n");
    for (size_t i = 0; i < diff->stack_count && i < most; i++) {
        const struct jep_stack_change *one = &diff->stacks[i];

        if (!one->is_significant)
            break;
        out_puts(out, "| ");
        for (size_t f = 0; f < one->stack->frame_count && f < FRAMES; f++) {
            out_puts(out, f > 0 ? "<br>" : "");
            markdown_frame(out, &one->stack->frames[f]);
        }
        out_puts(out, " |");
        change_cell(out, one->change);
        out_printf(out, " %s to %s |\n", text_size(low, one->low),
                   text_size(high, one->high));
    }
    out_puts(out, "\n");
}

void
diff_markdown(out_t *out, const struct diff_view *view)
{
    const struct jep_diff *diff = view->diff;
    size_t most = view->top > 0 ? view->top : ROWS_DEFAULT;
    char text[DIFF_WORDS_MAX];

    out_puts(out, "### ");
    markdown_prose(out, diff_sources(text, view));
    out_puts(out, "\n\n**");
    markdown_prose(out, diff->verdict.text);
    out_puts(out, ".**\n\n");
    diff_table_changes(out, &table, "totals", diff->totals, diff->total_count,
                       diff->total_count);
    diff_table_changes(out, &table, "where, most changed", diff->lines,
                       diff->line_count, most);
    diff_markdown_owners(out, diff, most);
    print_bins(out, diff, most);
    diff_markdown_stacks(out, diff, most);
    if (diff->verdict.rule != NULL)
        out_printf(out, "See `jeprobe explain %s`.\n", diff->verdict.rule);
}
