/* The answer in a few sentences, and the ledger that proves it. */
#include "cli/render/text.h"

#include "cli/render/cell.h"
#include "cli/text.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_COLUMNS = 40, SIZE_COLUMNS = 10, SHARE_COLUMNS = 9 };

#define UNEXPLAINED_MUCH 0.05 /* of the total, from where it is said */

const struct jep_ledger_line *
text_ledger_line(const struct jep_ledger *ledger, const char *id)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (strcmp(ledger->lines[i].id, id) == 0)
            return &ledger->lines[i];
    }
    return NULL;
}

/* What a line is called in the middle of a sentence. */
static const char *
line_phrase(const struct jep_ledger_line *line)
{
    static const struct {
        const char *id, *phrase;
    } phrases[] = {
        {"thread_caches", "free memory kept in thread caches"},
        {"metadata_internal", "the allocator's own metadata"},
        {"slab_holes", "holes in part-empty slabs"},
        {"large_padding", "padding of large objects"},
        {"holes_and_padding", "holes in part-empty slabs, and padding"},
        {"metadata_base", "the allocator's own metadata"},
        {"metadata_and_dirty",
         "the allocator's own metadata and freed pages not yet returned"},
        {"dirty", "freed pages not yet returned (dirty)"},
        {"muzzy", "freed pages that the kernel may take back (muzzy)"},
        {"huge_page_fill", "free pages that huge pages filled"},
        {"other_anonymous", "anonymous memory outside the allocator"},
        {"file", "the program's and its libraries' files"},
        {"shmem", "shared memory"},
        {"redis_overhead", "the overhead of Redis"},
        {"uncounted", "allocated and not counted by Redis"},
        {"beyond_allocator", "outside the allocator or filled by huge pages"},
        {"beyond_used", "the allocator's and the process's own"},
        {"anonymous_maps", "anonymous memory"},
        {"brk_heap", "the heap (brk)"},
        {"anonymous", "anonymous memory"},
        {"page_heap", "free pages that are kept for the next use"},
        {"central_cache", "free objects between others in use"},
        {"cpu_caches", "free memory kept in caches of the CPUs"},
        {"transfer_cache", "free memory kept in the transfer cache"},
        {"metadata", "the allocator's own metadata"},
        {"fast_bins", "free chunks in fast bins"},
        {"bins", "free chunks between others in use"},
        {"top", "free at the end of heaps"},
        {"bins_and_top", "free chunks"},
        {"free_chunks", "free chunks"},
        {"beyond_blocks", "free memory in pages, and metadata"},
    };

    for (size_t i = 0; i < JE_ARRAY_LEN(phrases); i++) {
        if (strcmp(phrases[i].id, line->id) == 0)
            return phrases[i].phrase;
    }
    return NULL;
}

/* The largest line that is neither objects nor the remainder. */
static const struct jep_ledger_line *
largest_overhead(const struct jep_ledger *ledger)
{
    const struct jep_ledger_line *largest = NULL;

    for (size_t i = 0; i < ledger->count; i++) {
        const struct jep_ledger_line *line = &ledger->lines[i];

        if (line->depth == 0 && line->bytes > 0 && line_phrase(line) != NULL &&
            (largest == NULL || line->bytes > largest->bytes))
            largest = line;
    }
    return largest;
}

/* The line that the first sentence is about, and what to call it; NULL = there
 * is none. */
static const struct jep_ledger_line *
main_part(const struct jep_ledger *ledger, const char **what)
{
    static const struct {
        const char *id, *what;
    } parts[] = {{"objects", "the application's objects are"},
                 {"objects_and_caches", "objects and thread caches are"},
                 {"redis_dataset", "the data set is"},
                 {"redis_used", "Redis uses"}};

    for (size_t i = 0; i < JE_ARRAY_LEN(parts); i++) {
        const struct jep_ledger_line *line =
            text_ledger_line(ledger, parts[i].id);

        *what = parts[i].what;
        if (line != NULL)
            return line;
    }
    return NULL;
}

static void
first_sentence(char *text, size_t size, const struct jep_ledger *ledger)
{
    const char *what;
    const struct jep_ledger_line *part = main_part(ledger, &what);
    const char *who = strcmp(ledger->total_name, "RSS") == 0
                          ? "The process holds"
                          : "The allocator holds";
    char total[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX];

    text_size(total, (double)ledger->total);
    if (part == NULL)
        snprintf(text, size, "%s %s (%s).", who, total, ledger->total_name);
    else
        snprintf(text, size, "%s %s (%s); %s %s of it (%.1f %%).", who, total,
                 ledger->total_name, what,
                 text_size(bytes, (double)part->bytes), part->share * 100.0);
}

static double
largest_share(const struct jep_ledger *ledger)
{
    double largest = 0.0;

    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->lines[i].share > largest)
            largest = ledger->lines[i].share;
    }
    return largest;
}

bool
text_answer(const struct jep_view *view, char *text, size_t length)
{
    const struct jep_ledger *ledger = &view->ledger;
    const struct jep_ledger_line *most = largest_overhead(ledger);
    const struct jep_ledger_line *rest =
        text_ledger_line(ledger, "unexplained");
    const struct jep_finding *top = text_top_finding(view);
    char size[TEXT_NUMBER_MAX];
    size_t at;

    if (ledger->total_name == NULL || ledger->total == 0)
        return false;
    first_sentence(text, length, ledger);
    at = strlen(text);
    if (most != NULL && most->share >= 0.01)
        snprintf(text + at, length - at,
                 " The largest %spart, %s (%.1f %%), is %s.",
                 strcmp(view->source.format, "proc") != 0 ? "other " : "",
                 text_size(size, (double)most->bytes), most->share * 100.0,
                 line_phrase(most));
    at = strlen(text);
    if (rest != NULL &&
        (rest->share > UNEXPLAINED_MUCH || rest->share < -UNEXPLAINED_MUCH))
        snprintf(text + at, length - at,
                 " %.1f %% is not explained by the dump's own counters.",
                 rest->share * 100.0);
    at = strlen(text);
    if (top != NULL)
        snprintf(text + at, length - at, " See %s below.", top->rule);
    return true;
}

void
text_headline(out_t *out, const struct jep_view *view)
{
    char text[TEXT_ANSWER_MAX];

    if (!text_answer(view, text, sizeof(text)))
        return;
    cell_style(out, CELL_BOLD);
    cell_paragraph(out, text, "", out_prose_width(out));
    cell_style(out, CELL_PLAIN);
    out_puts(out, "\n");
}

static void
ledger_row(out_t *out, const char *label, unsigned depth, double bytes,
           double share)
{
    cell_repeat(out, "  ", depth + 1);
    cell_text(out, label, LABEL_COLUMNS - 2 * (depth + 1), false);
    cell_size(out, bytes, SIZE_COLUMNS);
    cell_share(out, share, SHARE_COLUMNS);
}

void
text_ledger(out_t *out, const struct jep_ledger *ledger)
{
    unsigned used = LABEL_COLUMNS + SIZE_COLUMNS + SHARE_COLUMNS + 2;
    unsigned width = out_width(out) > used + 8 ? out_width(out) - used : 8;
    double full = largest_share(ledger);

    if (ledger->total_name == NULL)
        return;
    if (width > 60)
        width = 60;
    cell_style(out, CELL_BOLD);
    cell_text(out, "Where it is", LABEL_COLUMNS, false);
    out_printf(out, "%*s%*s\n", SIZE_COLUMNS, "bytes", SHARE_COLUMNS, "share");
    cell_style(out, CELL_PLAIN);
    for (size_t i = 0; i < ledger->count; i++) {
        const struct jep_ledger_line *line = &ledger->lines[i];

        ledger_row(out, line->what, line->depth, (double)line->bytes,
                   line->share);
        if (line->bytes > 0) {
            out_puts(out, "  ");
            cell_bar(out, line->share / full, width);
        }
        out_puts(out, "\n");
    }
    ledger_row(out, ledger->total_name, 0, (double)ledger->total, 1.0);
    out_puts(out, "\n\n");
}
