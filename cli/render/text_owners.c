/* Whom the memory is for: owner labels or services, exact figures. */
#include "cli/render/text.h"

#include "cli/render/cell.h"

enum {
    NAME_COLUMNS = 40,
    SIZE_COLUMNS = 10,
    SHARE_COLUMNS = 9,
    COUNT_COLUMNS = 10,
    BAR_MOST = 60,
    TOP_DEFAULT = 10
};

/* What all rows have in common. */
struct layout {
    double whole; /* what shares are of */
    double full;  /* the share of a bar of full length */
    bool has_objects;
    unsigned bar;
};

static bool
has_objects(const struct jep_owners *owners)
{
    for (size_t i = 0; i < owners->count; i++) {
        if (owners->list[i].live_objects.known)
            return true;
    }
    return false;
}

static struct layout
layout_of(const out_t *out, const struct jep_owners *owners)
{
    struct layout layout = {.has_objects = has_objects(owners)};
    unsigned used = NAME_COLUMNS + SIZE_COLUMNS + SHARE_COLUMNS + 2 +
                    (layout.has_objects ? COUNT_COLUMNS : 0);
    unsigned width = out_width(out);
    uint64_t most = owners->list[0].live_bytes.value;

    if (owners->other.known && owners->other.value > most)
        most = owners->other.value;
    layout.whole = (double)owners->live_bytes + (double)owners->other.value;
    layout.full = layout.whole > 0.0 ? (double)most / layout.whole : 1.0;
    layout.bar = JE_MIN(width > used + 8 ? width - used : 8, BAR_MOST);
    return layout;
}

static void
row(out_t *out, const struct layout *layout, const char *name, double bytes,
    struct jep_figure objects)
{
    double share = layout->whole > 0.0 ? bytes / layout->whole : 0.0;

    out_puts(out, "  ");
    cell_text(out, name, NAME_COLUMNS - 2, false);
    cell_size(out, bytes, SIZE_COLUMNS);
    cell_share(out, share, SHARE_COLUMNS);
    if (layout->has_objects && objects.known)
        cell_count(out, (double)objects.value, COUNT_COLUMNS);
    else if (layout->has_objects)
        cell_repeat(out, " ", COUNT_COLUMNS);
    if (bytes > 0.0) {
        out_puts(out, "  ");
        cell_bar(out, share / layout->full, layout->bar);
    }
    out_puts(out, "\n");
}

static void
heading(out_t *out, const struct layout *layout)
{
    cell_style(out, CELL_BOLD);
    cell_text(out, "Whom it is for", NAME_COLUMNS, false);
    out_printf(out, "%*s%*s", SIZE_COLUMNS, "live", SHARE_COLUMNS, "share");
    if (layout->has_objects)
        out_printf(out, "%*s", COUNT_COLUMNS, "objects");
    out_puts(out, "\n");
    cell_style(out, CELL_PLAIN);
}

void
text_owners(out_t *out, const struct jep_view *view, unsigned top)
{
    const struct jep_owners *owners = &view->owners;
    size_t shown = JE_MIN(owners->count, top > 0 ? top : TOP_DEFAULT);
    struct layout layout;

    if (owners->count == 0)
        return;
    layout = layout_of(out, owners);
    heading(out, &layout);
    for (size_t i = 0; i < shown; i++)
        row(out, &layout, owners->list[i].name,
            (double)owners->list[i].live_bytes.value,
            owners->list[i].live_objects);
    if (shown < owners->count) {
        struct render_owner_rest rest = render_owner_rest(owners, shown);

        row(out, &layout, rest.name, (double)rest.bytes, rest.objects);
    }
    if (owners->other.known)
        row(out, &layout, owners->other_name, (double)owners->other.value,
            (struct jep_figure){0});
    out_puts(out, "\n");
}
