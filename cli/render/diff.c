/* Two dumps side by side: the verdict, then what makes it. */
#include "cli/render/diff.h"

#include "cli/render/cell.h"
#include "cli/render/render.h"
#include "cli/render/value.h"
#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS_DEFAULT = 8,
    NAME_COLUMNS = 32,
    SIZE_COLUMNS = 12,
    CALLERS = 2,
    FRAME_MAX = 1024
};

static void
heading(out_t *out, const char *title)
{
    cell_style(out, CELL_BOLD);
    cell_text(out, title, NAME_COLUMNS, false);
    out_printf(out, "%*s%*s%*s\n", SIZE_COLUMNS, "before", SIZE_COLUMNS, "now",
               SIZE_COLUMNS, "change");
    cell_style(out, CELL_PLAIN);
}

/* A line of the ledger may be below zero, and its figure wraps then. */
static double
signed_value(struct jep_figure figure)
{
    return (double)(int64_t)figure.value;
}

/* Nothing has no sign, however it was rounded. */
static void
percent_cell(out_t *out, double percent)
{
    if (fabs(percent) < 0.05)
        out_printf(out, "%*.1f %%", SIZE_COLUMNS - 2, 0.0);
    else
        out_printf(out, "%+*.1f %%", SIZE_COLUMNS - 2, percent);
}

static void
change_row(out_t *out, const struct jep_change *change)
{
    double before = signed_value(change->before);
    double now = signed_value(change->now);

    cell_name(out, change->what, 2, NAME_COLUMNS);
    cell_size(out, before, SIZE_COLUMNS);
    cell_size(out, now, SIZE_COLUMNS);
    cell_change(out, (double)change->bytes, SIZE_COLUMNS);
    /* Of next to nothing any change is thousands of per cent. */
    if (before >= 65536.0 && now >= 0.0)
        percent_cell(out, (now / before - 1.0) * 100.0);
    out_puts(out, "\n");
}

void
diff_table_changes(out_t *out, const struct diff_table *table,
                   const char *title, const struct jep_change *changes,
                   size_t count, size_t most)
{
    if (count == 0)
        return;
    table->heading(out, title);
    for (size_t i = 0; i < count && i < most; i++)
        table->row(out, &changes[i]);
    out_puts(out, "\n");
}

void
diff_table_owners(out_t *out, const struct diff_table *table, const char *title,
                  const struct jep_diff *diff, size_t most)
{
    if (diff->owner_count == 0 && diff->nobody.bytes == 0)
        return;
    table->heading(out, title);
    for (size_t i = 0; i < diff->owner_count && i < most; i++)
        table->row(out, &diff->owners[i]);
    if (diff->nobody.what != NULL)
        table->row(out, &diff->nobody);
    out_puts(out, "\n");
}

static const struct diff_table text_table = {heading, change_row};

void
diff_print_owners(out_t *out, const struct jep_diff *diff, size_t most)
{
    diff_table_owners(out, &text_table, "For whom, most changed", diff, most);
}

void
diff_print_bins(out_t *out, const struct jep_diff *diff, size_t most)
{
    if (diff->bin_count == 0 ||
        (diff->bins[0].used == 0 && diff->bins[0].unused == 0))
        return;
    cell_style(out, CELL_BOLD);
    out_printf(out, "%-*s%*s%*s%*s\n", NAME_COLUMNS, "Size classes",
               SIZE_COLUMNS, "size", SIZE_COLUMNS, "objects", SIZE_COLUMNS,
               "unused");
    cell_style(out, CELL_PLAIN);
    for (size_t i = 0; i < diff->bin_count && i < most; i++) {
        const struct jep_bin_change *bin = &diff->bins[i];

        if (bin->used == 0 && bin->unused == 0)
            break;
        out_printf(out, "%*s%*llu", NAME_COLUMNS, "", SIZE_COLUMNS,
                   (unsigned long long)bin->size);
        cell_change(out, (double)bin->used, SIZE_COLUMNS);
        cell_change(out, (double)bin->unused, SIZE_COLUMNS);
        out_puts(out, "\n");
    }
    out_puts(out, "\n");
}

static void
stack_row(out_t *out, const struct jep_stack_change *change)
{
    const struct jep_stack *stack = change->stack;
    char low[TEXT_NUMBER_MAX], high[TEXT_NUMBER_MAX], range[80];
    char name[FRAME_MAX] = "?";

    if (stack->frame_count > 0)
        render_frame(&stack->frames[0], name, sizeof(name));
    cell_name(out, name, 2, NAME_COLUMNS);
    cell_change(out, change->change, SIZE_COLUMNS);
    snprintf(range, sizeof(range), "%s to %s", text_size(low, change->low),
             text_size(high, change->high));
    out_printf(out, "%26s", range);
    out_printf(out, "%10llu\n",
               (unsigned long long)(change->samples_before +
                                    change->samples_now -
                                    2 * change->samples_shared));
    for (size_t i = 1; i < stack->frame_count && i <= CALLERS; i++) {
        render_frame(&stack->frames[i], name, sizeof(name));
        cell_line(out, name, 4);
        out_puts(out, "\n");
    }
}

void
diff_print_stacks(out_t *out, const struct jep_diff *diff, size_t most)
{
    size_t shown = 0;

    if (diff->stack_count == 0)
        return;
    cell_style(out, CELL_BOLD);
    cell_text(out, "Who", NAME_COLUMNS, false);
    out_printf(out, "%*s%26s%10s\n", SIZE_COLUMNS, "change", "95 %", "samples");
    cell_style(out, CELL_PLAIN);
    for (; shown < diff->stack_count && shown < most &&
           diff->stacks[shown].is_significant;
         shown++)
        stack_row(out, &diff->stacks[shown]);
    if (shown == 0)
        out_puts(out, "  no call stack has changed by more than chance\n");
    else if (diff->elapsed_ns.known)
        out_puts(out, "  samples: those that are in one of the dumps only\n");
    out_puts(out, "\n");
}

const char *
diff_sources(char words[DIFF_WORDS_MAX], const struct diff_view *view)
{
    char text[TEXT_NUMBER_MAX];
    bool is_named =
        view->before->process.pid.known && view->now->process.pid.known;
    const char *one = is_named ? "one process" : "taken for one process";
    size_t at;

    snprintf(words, DIFF_WORDS_MAX, "%.900s -> %.900s: %s",
             view->before->source.file, view->now->source.file,
             view->diff->same_process ? one : "two processes");
    at = strlen(words);
    if (view->diff->elapsed_ns.known)
        snprintf(
            words + at, DIFF_WORDS_MAX - at, ", %s later",
            text_duration(text, (double)view->diff->elapsed_ns.value / 1e9));
    return words;
}

void
diff_text(out_t *out, const struct diff_view *view)
{
    const struct jep_diff *diff = view->diff;
    size_t most = view->top > 0 ? view->top : ROWS_DEFAULT;
    unsigned width = out_prose_width(out);
    char sentence[1024], sources[DIFF_WORDS_MAX];

    out_text(out, diff_sources(sources, view));
    out_puts(out, "\n\n");
    snprintf(sentence, sizeof(sentence), "%s.", diff->verdict.text);
    cell_style(out, CELL_BOLD);
    cell_paragraph(out, sentence, "", width);
    cell_style(out, CELL_PLAIN);
    out_puts(out, "\n");
    diff_table_changes(out, &text_table, "Totals", diff->totals,
                       diff->total_count, diff->total_count);
    diff_table_changes(out, &text_table, "Where, most changed", diff->lines,
                       diff->line_count, most);
    diff_print_owners(out, diff, most);
    diff_print_bins(out, diff, most);
    diff_print_stacks(out, diff, most);
    if (diff->verdict.rule != NULL)
        out_printf(out, "Next: jeprobe explain %s\n", diff->verdict.rule);
    else
        out_puts(out, "Next: jeprobe report NEW\n");
}

static json_t *
change_json(const char *key, const char *name, const struct jep_change *change)
{
    json_t *one = value_need(json_object());

    value_set(one, key, value_text(name));
    value_set(one, "before", value_number(signed_value(change->before)));
    value_set(one, "now", value_number(signed_value(change->now)));
    value_set(one, "change", json_integer(change->bytes));
    return one;
}

json_t *
diff_owners_json(const struct jep_diff *diff, unsigned top)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < diff->owner_count && (top == 0 || i < top); i++)
        value_append(
            array, change_json("name", diff->owners[i].what, &diff->owners[i]));
    return array;
}

json_t *
diff_nobody_json(const struct jep_diff *diff)
{
    return diff->nobody.what != NULL
               ? change_json("name", diff->nobody.what, &diff->nobody)
               : json_null();
}

static json_t *
changes_json(const struct jep_change *changes, size_t count)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < count; i++)
        value_append(array, change_json("what", changes[i].id, &changes[i]));
    return array;
}

json_t *
diff_stack_json(const struct jep_stack_change *change)
{
    json_t *object = value_need(json_object());
    json_t *frames = value_need(json_array());
    json_t *range = value_need(json_array());
    char name[FRAME_MAX];

    for (size_t i = 0; i < change->stack->frame_count; i++)
        value_append(frames, value_text(render_frame(&change->stack->frames[i],
                                                     name, sizeof(name))));
    value_append(range, value_number(round(change->low)));
    value_append(range, value_number(round(change->high)));
    value_set(object, "frames", frames);
    value_set(object, "before", value_number(round(change->before)));
    value_set(object, "now", value_number(round(change->now)));
    value_set(object, "change", value_number(round(change->change)));
    value_set(object, "change_ci", range);
    value_set(object, "samples_before", value_whole(change->samples_before));
    value_set(object, "samples_now", value_whole(change->samples_now));
    value_set(object, "samples_shared", value_whole(change->samples_shared));
    value_set(object, "significant", json_boolean(change->is_significant));
    return object;
}

json_t *
diff_bins_json(const struct jep_diff *diff)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < diff->bin_count; i++) {
        json_t *one = value_need(json_object());

        value_set(one, "size", value_whole(diff->bins[i].size));
        value_set(one, "used", json_integer(diff->bins[i].used));
        value_set(one, "unused", json_integer(diff->bins[i].unused));
        value_append(array, one);
    }
    return array;
}

void
diff_json(out_t *out, const struct diff_view *view)
{
    const struct jep_diff *diff = view->diff;
    json_t *root = value_need(json_object());
    json_t *stacks = value_need(json_array());

    for (size_t i = 0;
         i < diff->stack_count && (view->top == 0 || i < view->top); i++)
        value_append(stacks, diff_stack_json(&diff->stacks[i]));
    value_set(root, "schema", value_text("jeprobe.diff/1"));
    value_set(root, "before", value_text(view->before->source.file));
    value_set(root, "now", value_text(view->now->source.file));
    value_set(root, "same_process", json_boolean(diff->same_process));
    value_set(root, "elapsed_ns", value_figure(diff->elapsed_ns));
    value_set(root, "verdict", value_text(diff->verdict.id));
    value_set(root, "text", value_text(diff->verdict.text));
    value_set(root, "rule", value_text(diff->verdict.rule));
    value_set(root, "totals", changes_json(diff->totals, diff->total_count));
    value_set(root, "attribution", changes_json(diff->lines, diff->line_count));
    value_set(root, "bins", diff_bins_json(diff));
    value_set(root, "owners", diff_owners_json(diff, view->top));
    value_set(root, "nobody", diff_nobody_json(diff));
    value_set(root, "stacks", stacks);
    value_print(out, root);
}
