/* Who holds the memory: sampled places of allocation with their error. */
#include "cli/render/text.h"

#include "cli/render/cell.h"
#include "cli/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    SIZE_COLUMNS = 10,
    RANGE_COLUMNS = 12,
    SAMPLES_COLUMNS = 8,
    AGE_COLUMNS = 9,
    NUMBERS_COLUMNS =
        SIZE_COLUMNS + RANGE_COLUMNS + SAMPLES_COLUMNS + AGE_COLUMNS,
    CALLERS = 3, /* shown below each site */
    TOP_DEFAULT = 10,
    WEAK_DEFAULT = 3, /* of those with few samples */
    WIDTH_LEAST = 80,
    WIDTH_MOST = 160
};

/* The last two components of a path say enough in a table. */
static const char *
short_path(const char *path)
{
    const char *end = path + strlen(path);
    unsigned slashes = 0;

    while (end > path && slashes < 2) {
        end--;
        slashes += *end == '/';
    }
    return slashes == 2 ? end + 1 : path;
}

/* Where it is, in at most `width` columns if that can be; may be empty. */
static void
frame_place(const struct jep_frame *frame, unsigned width, char *place,
            size_t size)
{
    place[0] = '\0';
    if (frame->file != NULL && frame->line > 0) {
        snprintf(place, size, "%s:%u", short_path(frame->file), frame->line);
        if (strlen(place) > width)
            snprintf(place, size, "%s:%u", render_base_name(frame->file),
                     frame->line);
    } else if (frame->file != NULL) {
        snprintf(place, size, "%s", render_base_name(frame->file));
    } else if (frame->function != NULL && frame->module != NULL) {
        snprintf(place, size, "%s", render_base_name(frame->module));
    }
}

/* Name and place in `width` columns, the first `indent` of them blank; the
 * last cell of a line is not padded. */
static void
frame_cells(out_t *out, const struct jep_frame *frame, unsigned indent,
            unsigned width, bool is_last)
{
    char name[1024], place[1024];
    unsigned name_width = width * 5 / 9, place_width = width - name_width - 1;

    render_frame(frame, name, sizeof(name));
    frame_place(frame, place_width, place, sizeof(place));
    cell_repeat(out, " ", indent);
    if (place[0] == '\0') {
        cell_text(out, name, is_last ? 0 : width - indent, false);
        return;
    }
    cell_text(out, name, name_width - indent, false);
    out_puts(out, " ");
    cell_text(out, place, is_last ? 0 : place_width, true);
}

/* Frames from here outwards say nothing about the program. */
static bool
is_start(const struct jep_frame *frame)
{
    static const char *const starts[] = {"_start",
                                         "__libc_start_main",
                                         "__libc_start_main_impl",
                                         "start_thread",
                                         "clone",
                                         "clone3",
                                         "__clone3",
                                         "__libc_start_call_main"};

    for (size_t i = 0; frame->function != NULL && i < JE_ARRAY_LEN(starts);
         i++) {
        if (strcmp(frame->function, starts[i]) == 0)
            return true;
    }
    return false;
}

/* "27.1-35.6" in the unit in which the value itself is printed. */
static void
range_cell(out_t *out, const struct jep_estimate *estimate)
{
    const char *dash = out_is_utf8(out) ? "–" : "-";
    double unit = 1.0, largest = estimate->value;
    char text[64];
    int digits;

    /* The value's own unit, by the rule of text_size(). */
    while (largest >= 1023.95) {
        largest /= 1024.0;
        unit *= 1024.0;
    }
    digits = unit > 1.0 && estimate->high / unit < 99.5 ? 1 : 0;
    snprintf(text, sizeof(text), "%.*f%s%.*f", digits, estimate->low / unit,
             dash, digits, estimate->high / unit);
    cell_repeat(out, " ", 2);
    cell_text(out, text, RANGE_COLUMNS - 2, false);
}

/* With `all`, what was ever allocated instead of what is live. */
static void
site_row(out_t *out, const struct jep_stack *site, unsigned width, bool all)
{
    static const struct jep_frame unknown;
    const struct jep_frame *leaf =
        site->frame_count > 0 ? &site->frames[0] : &unknown;
    const struct jep_estimate *bytes =
        all ? &site->total_bytes : &site->live_bytes;
    char age[TEXT_NUMBER_MAX];

    frame_cells(out, leaf, 2, width, false);
    cell_size(out, bytes->value, SIZE_COLUMNS);
    range_cell(out, bytes);
    cell_count(out, (double)(all ? site->total_samples : site->live_samples),
               SAMPLES_COLUMNS);
    if (site->oldest_ns.known)
        out_printf(out, "%*s", AGE_COLUMNS,
                   text_age(age, (double)site->oldest_ns.value / 1e9));
    out_puts(out, "\n");
    for (size_t i = 1; i < site->frame_count && i <= CALLERS; i++) {
        if (is_start(&site->frames[i]))
            break;
        frame_cells(out, &site->frames[i], 4, width, true);
        out_puts(out, "\n");
    }
    if (site->label != NULL) {
        out_puts(out, "    for ");
        out_text(out, site->label);
        out_puts(out, "\n");
    }
}

/* Why there is nothing to list; NULL if there is. */
static const char *
nothing_because(const struct jep_profile *profile)
{
    if (!profile->known)
        return "the dump has no profile";
    if (profile->sample_interval.known && profile->sample_interval.value == 0)
        return "sampling was off";
    if (profile->site_count == 0)
        return "no allocation was sampled";
    return NULL;
}

static void
print_note(out_t *out, const struct jep_profile *profile)
{
    char rate[TEXT_NUMBER_MAX], live[TEXT_NUMBER_MAX];
    char waste[TEXT_NUMBER_MAX];
    uint64_t dropped = 0;

    if (profile->sample_interval.known && profile->sample_interval.value == 1)
        out_puts(out, "  every allocation was recorded; ");
    else if (profile->sample_interval.known)
        out_printf(out, "  sampled every %s on average; ",
                   text_size(rate, (double)profile->sample_interval.value));
    else
        out_puts(out, "  ");
    out_printf(out, "all sites together hold %s live\n",
               text_size(live, profile->live_bytes.value));
    if (profile->rounding_waste > 0.0)
        out_printf(out,
                   "  of it %s is rounding of requests up to size classes\n",
                   text_size(waste, profile->rounding_waste));
    if (profile->dropped_memory.known)
        dropped += profile->dropped_memory.value;
    if (profile->dropped_recursion.known)
        dropped += profile->dropped_recursion.value;
    if (profile->dropped_unwind.known)
        dropped += profile->dropped_unwind.value;
    if (dropped > 0)
        out_printf(out, "  samples dropped: %llu, so figures are too low\n",
                   (unsigned long long)dropped);
}

static void
print_heading(out_t *out, const char *title, const char *bytes, unsigned width)
{
    cell_style(out, CELL_BOLD);
    cell_text(out, title, width, false);
    out_printf(out, "%*s  %s%*s", SIZE_COLUMNS, bytes,
               out_is_utf8(out) ? "±95 %     " : "95 %      ", SAMPLES_COLUMNS,
               "samples");
    out_printf(out, "%*s\n", AGE_COLUMNS, "oldest");
    cell_style(out, CELL_PLAIN);
}

/* Sites from `first` on, up to `limit`, while they are weak or not. */
static void
print_live(out_t *out, const struct jep_profile *profile, size_t first,
           size_t limit, unsigned width)
{
    bool is_weak = profile->sites[first].is_weak;

    for (size_t i = first; i < profile->site_count && i - first < limit; i++) {
        const struct jep_stack *site = &profile->sites[i];

        if (site->is_weak != is_weak || site->live_samples == 0)
            break;
        site_row(out, site, width, false);
    }
}

static void
print_sites(out_t *out, const struct jep_profile *profile, unsigned top,
            unsigned width)
{
    size_t strong = 0, weak;

    print_heading(out, "Who holds it", "live", width);
    while (strong < profile->site_count && !profile->sites[strong].is_weak)
        strong++;
    if (strong > 0)
        print_live(out, profile, 0, top > 0 ? top : TOP_DEFAULT, width);
    weak = top > strong ? top - strong : top > 0 ? 0 : WEAK_DEFAULT;
    if (weak == 0 || strong == profile->site_count ||
        profile->sites[strong].live_samples == 0)
        return;
    cell_style(out, CELL_GREY);
    out_printf(out, "  fewer than %d samples: the order of size at best\n",
               JEP_FEW_SAMPLES);
    print_live(out, profile, strong, weak, width);
    cell_style(out, CELL_PLAIN);
}

/* Nothing is left, as usual at a program's end: what it allocated. */
static void
print_freed(out_t *out, const struct jep_profile *profile, unsigned top,
            unsigned width)
{
    out_puts(out, "Who holds it: nothing is live any more\n\n");
    print_heading(out, "Who allocated it", "all", width);
    for (size_t i = 0;
         i < profile->site_count && i < (top > 0 ? top : TOP_DEFAULT); i++)
        site_row(out, &profile->sites[i], width, true);
}

/* Columns in which name and place of a frame are not cut: see frame_cells. */
static unsigned
frame_width(const struct jep_frame *frame, unsigned indent)
{
    char name[1024], place[1024];
    unsigned by_name, by_place;

    render_frame(frame, name, sizeof(name));
    frame_place(frame, UINT_MAX, place, sizeof(place));
    by_name = indent + (unsigned)strlen(name);
    if (place[0] == '\0')
        return by_name;
    by_name = by_name * 9 / 5 + 2;
    by_place = (unsigned)(strlen(place) + 1) * 9 / 4 + 1;
    return by_name > by_place ? by_name : by_place;
}

/* As wide as the names need: far from them the figures are hard to follow. */
static unsigned
sites_width(const out_t *out, const struct jep_profile *profile, unsigned top)
{
    unsigned least = WIDTH_LEAST - NUMBERS_COLUMNS, width = least;
    unsigned most = JE_MIN(out_width(out), WIDTH_MOST);
    size_t shown = top > 0 ? top : TOP_DEFAULT + WEAK_DEFAULT;

    for (size_t i = 0; i < profile->site_count && i < shown; i++) {
        const struct jep_stack *site = &profile->sites[i];

        for (size_t f = 0; f < site->frame_count && f <= CALLERS; f++) {
            unsigned needed = frame_width(&site->frames[f], f == 0 ? 2 : 4);

            width = needed > width ? needed : width;
        }
    }
    if (most < WIDTH_LEAST)
        return least;
    return JE_MIN(width, most - NUMBERS_COLUMNS);
}

void
text_sites(out_t *out, const struct jep_view *view, unsigned top)
{
    const struct jep_profile *profile = &view->profile;
    const char *because = nothing_because(profile);
    unsigned width = sites_width(out, profile, top);

    if (because != NULL) {
        out_printf(out, "Who holds it: %s\n\n", because);
        return;
    }
    if (profile->sites[0].live_samples == 0)
        print_freed(out, profile, top, width);
    else
        print_sites(out, profile, top, width);
    print_note(out, profile);
    out_puts(out, "\n");
}
