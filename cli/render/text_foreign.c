/* Tables of allocators other than jemalloc: size classes, heaps. */
#include "cli/render/text.h"

#include "cli/render/cell.h"

enum {
    TITLE_COLUMNS = 22,
    SIZE_COLUMNS = 12,
    BYTES_COLUMNS = 14,
    ROWS_DEFAULT = 5
};

static void
heading(out_t *out, const char *title, const char *first,
        const char *const *sizes)
{
    cell_style(out, CELL_BOLD);
    cell_text(out, title, TITLE_COLUMNS, false);
    out_printf(out, "%*s", SIZE_COLUMNS, first);
    for (; *sizes != NULL; sizes++)
        out_printf(out, "%*s", BYTES_COLUMNS, *sizes);
    out_puts(out, "\n");
    cell_style(out, CELL_PLAIN);
}

static void
print_classes(out_t *out, const struct jep_view *view, size_t limit)
{
    bool has_unused = render_has_column(view, true);
    bool has_in_use = render_has_column(view, false);
    const char *columns[3] = {0};
    size_t count = 0;

    if (view->class_count == 0)
        return;
    if (has_in_use)
        columns[count++] = "in use";
    if (has_unused)
        columns[count++] = "unused";
    heading(out, has_unused ? "Sizes, most unused" : "Sizes, most in use",
            "size", columns);
    for (size_t i = 0; i < view->class_count && i < limit; i++) {
        const struct jep_class *class = &view->classes[i];

        if (i > 0 && class->unused.value == 0 && class->in_use.value == 0)
            break;
        cell_repeat(out, " ", TITLE_COLUMNS);
        out_printf(out, "%*llu", SIZE_COLUMNS, (unsigned long long)class->size);
        if (has_in_use)
            cell_figure(out, class->in_use, BYTES_COLUMNS);
        if (has_unused)
            cell_figure(out, class->unused, BYTES_COLUMNS);
        out_puts(out, "\n");
    }
    out_puts(out, "\n");
}

static void
print_heaps(out_t *out, const struct jep_view *view, size_t limit)
{
    static const char *const sizes[] = {"from system", "in use", "free", NULL};
    const struct jep_arena *heap = NULL;

    if (view->arena_count < 2)
        return;
    heading(out, "Heaps, largest first", "heap", sizes);
    for (size_t i = 0; i < limit; i++) {
        heap = render_next_heap(view, heap);
        if (heap == NULL)
            break;
        cell_repeat(out, " ", TITLE_COLUMNS);
        out_printf(out, "%*s", SIZE_COLUMNS, heap->name);
        cell_figure(out, heap->mapped, BYTES_COLUMNS);
        cell_figure(out, heap->allocated, BYTES_COLUMNS);
        cell_figure(out, render_heap_free(heap), BYTES_COLUMNS);
        out_puts(out, "\n");
    }
    out_puts(out, "\n");
}

void
text_foreign(out_t *out, const struct jep_view *view, unsigned top)
{
    size_t limit = top > 0 ? top : ROWS_DEFAULT;

    print_classes(out, view, limit);
    if (view->source.allocator == JEP_ALLOCATOR_GLIBC)
        print_heaps(out, view, limit);
}
