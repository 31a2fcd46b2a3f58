/* The nested picture: mapped around resident around active around allocated.
 *
 * It is drawn from the same figures as the ledger.  Where they do not lie in
 * one another there is a sentence instead of a drawing that would lie. */
#include "cli/render/text.h"

#include "cli/render/cell.h"
#include "cli/text.h"

#include <stdio.h>
#include <string.h>

enum { BOX_WIDTH = 80, ACTIVE_WIDTH = 34, LINE_MAX_TEXT = 128 };

/* Lines of a box, in both character sets. */
struct strokes {
    const char *top_left, *top_right, *bottom_left, *bottom_right;
    const char *across, *down;
};

static const struct strokes utf8 = {"┌", "┐", "└", "┘", "─", "│"};
static const struct strokes ascii = {"+", "+", "+", "+", "-", "|"};

/* The canvas: where the boxes around the current line are. */
struct picture {
    out_t *out;
    const struct strokes *s;
};

/* The left edges of `depth` boxes around. */
static void
edge_left(struct picture *p, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        out_printf(p->out, "%s ", p->s->down);
}

static void
edge_right(struct picture *p, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        out_printf(p->out, " %s", p->s->down);
    out_puts(p->out, "\n");
}

/* Top or bottom of a box of `width` columns, with a title in it. */
static void
bar(struct picture *p, bool is_top, const char *title, unsigned width)
{
    unsigned used = 2;

    out_puts(p->out, is_top ? p->s->top_left : p->s->bottom_left);
    if (title != NULL) {
        out_printf(p->out, " %s ", title);
        used += (unsigned)strlen(title) + 2;
    }
    cell_repeat(p->out, p->s->across, width > used ? width - used : 0);
    out_puts(p->out, is_top ? p->s->top_right : p->s->bottom_right);
}

/* "name size", or nothing. */
static void
label(char *text, const char *name, double bytes)
{
    char size[TEXT_NUMBER_MAX];

    snprintf(text, LINE_MAX_TEXT, "%s %s", name, text_size(size, bytes));
}

/* One line inside the box of resident: active's box and what is beside it. */
static void
inner_line(struct picture *p, const char *inside, const char *beside)
{
    edge_left(p, 3);
    cell_text(p->out, inside, ACTIVE_WIDTH - 4, false);
    out_printf(p->out, " %s  ", p->s->down);
    cell_text(p->out, beside, BOX_WIDTH - 8 - ACTIVE_WIDTH - 2, false);
    edge_right(p, 2);
}

static void
active_box(struct picture *p, const struct jep_view *view)
{
    const struct jep_summary *s = &view->summary;
    const struct jep_ledger_line *base =
        text_ledger_line(&view->ledger, "metadata_base");
    uint64_t beyond = s->resident.value - s->active.value;
    char text[LINE_MAX_TEXT], beside[LINE_MAX_TEXT] = "";

    label(text, "active", (double)s->active.value);
    edge_left(p, 2);
    bar(p, true, text, ACTIVE_WIDTH);
    cell_repeat(p->out, " ", BOX_WIDTH - 8 - ACTIVE_WIDTH);
    edge_right(p, 2);
    label(text, "allocated", (double)s->allocated.value);
    if (base != NULL && base->bytes >= 0 && (uint64_t)base->bytes <= beyond)
        label(beside, "metadata", (double)base->bytes);
    else
        label(beside, "metadata and dirty pages", (double)beyond);
    inner_line(p, text, beside);
    label(text, "holes and padding",
          (double)(s->active.value - s->allocated.value));
    beside[0] = '\0';
    if (base != NULL && base->bytes >= 0 && (uint64_t)base->bytes <= beyond)
        label(beside, "dirty pages", (double)beyond - (double)base->bytes);
    inner_line(p, text, beside);
    edge_left(p, 2);
    bar(p, false, NULL, ACTIVE_WIDTH);
    cell_repeat(p->out, " ", BOX_WIDTH - 8 - ACTIVE_WIDTH);
    edge_right(p, 2);
}

static void
draw(struct picture *p, const struct jep_view *view)
{
    const struct jep_summary *s = &view->summary;
    char text[LINE_MAX_TEXT];

    label(text, "mapped", (double)s->mapped.value);
    bar(p, true, text, BOX_WIDTH);
    out_puts(p->out, "\n");
    label(text, "resident", (double)s->resident.value);
    edge_left(p, 1);
    bar(p, true, text, BOX_WIDTH - 4);
    edge_right(p, 1);
    active_box(p, view);
    edge_left(p, 1);
    bar(p, false, NULL, BOX_WIDTH - 4);
    edge_right(p, 1);
    label(text, "not counted as resident",
          (double)(s->mapped.value - s->resident.value));
    edge_left(p, 1);
    cell_text(p->out, text, BOX_WIDTH - 4, false);
    edge_right(p, 1);
    bar(p, false, NULL, BOX_WIDTH);
    out_puts(p->out, "\n");
}

void
text_nested(out_t *out, const struct jep_view *view)
{
    const struct jep_summary *s = &view->summary;
    struct picture picture = {out, out_is_utf8(out) ? &utf8 : &ascii};
    char size[TEXT_NUMBER_MAX];

    if (view->not_nested != NULL) {
        cell_paragraph(out, view->not_nested, "", BOX_WIDTH);
        out_puts(out, "\n");
        return;
    }
    if (s->mapped.known && s->resident.known && s->active.known &&
        s->allocated.known)
        draw(&picture, view);
    else if (!s->retained.known || s->retained.value == 0)
        return;
    if (s->retained.known && s->retained.value > 0)
        out_printf(out,
                   "  beside it: retained %s of address space, no memory\n",
                   text_size(size, (double)s->retained.value));
    out_puts(out, "\n");
}
