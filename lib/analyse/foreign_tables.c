/* Size classes and heaps of allocators other than jemalloc. */
#include "analyse/report.h"

#include <stdio.h>
#include <stdlib.h>

static struct jep_figure
cell(const struct table *table, size_t row, size_t field)
{
    struct jep_figure figure = {0};

    figure.known = table_get(table, row, field, &figure.value);
    if (figure.known)
        figure.line = table_line(table, row);
    return figure;
}

static struct jep_figure
product(struct jep_figure a, struct jep_figure b)
{
    return b.known && a.known ? figure_times(a, b.value)
                              : (struct jep_figure){0};
}

/* tcmalloc prints what is free, and of google's the pages of the class. */
static void
class_fill(const struct snapshot *snapshot, size_t row, struct jep_class *out)
{
    const struct table *t = &snapshot->classes;
    struct jep_figure size = cell(t, row, CLASS_SIZE), pages;

    *out = (struct jep_class){.size = size.value, .line = table_line(t, row)};
    out->in_use = cell(t, row, CLASS_CURRENT);
    out->unused = product(cell(t, row, CLASS_FREE_OBJECTS), size);
    pages = product(cell(t, row, CLASS_LIVE_PAGES),
                    snapshot->tcmalloc[TCMALLOC_PAGE]);
    if (pages.known && out->unused.known && pages.value >= out->unused.value) {
        out->in_use = figure_derived(pages.value - out->unused.value);
        out->in_use.line = out->line;
    }
}

/* By what is unused, else by what is in use. */
static int
class_order(const void *a, const void *b)
{
    const struct jep_class *x = a, *y = b;

    if (x->unused.value != y->unused.value)
        return x->unused.value > y->unused.value ? -1 : 1;
    if (x->in_use.value != y->in_use.value)
        return x->in_use.value > y->in_use.value ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

bool
classes_list(const struct snapshot *snapshot, struct jep_class **classes,
             size_t *count)
{
    const struct table *t = &snapshot->classes;

    *classes = NULL;
    *count = 0;
    if (t->rows == 0)
        return true;
    *classes = calloc(t->rows, sizeof(**classes));
    if (*classes == NULL)
        return false;
    for (size_t row = 0; row < t->rows; row++) {
        struct jep_class *class = &(*classes)[*count];

        class_fill(snapshot, row, class);
        if (class->size > 0 && (class->in_use.known || class->unused.known))
            (*count)++;
    }
    qsort(*classes, *count, sizeof(**classes), class_order);
    return true;
}

bool
heaps_list(const struct snapshot *snapshot, struct intern_text *texts,
           struct jep_arena **arenas, size_t *count)
{
    const struct table *t = &snapshot->heaps;

    *arenas = NULL;
    *count = 0;
    if (t->rows == 0)
        return true;
    *arenas = calloc(t->rows, sizeof(**arenas));
    if (*arenas == NULL)
        return false;
    for (size_t row = 0; row < t->rows; row++) {
        struct jep_arena *to = &(*arenas)[*count];
        char name[24];

        if (table_known(t, row) == 0)
            continue;
        snprintf(name, sizeof(name), "%zu", row);
        to->name = intern_text(texts, name);
        if (to->name == NULL)
            return false;
        to->allocated = cell(t, row, HEAP_IN_USE);
        to->mapped = cell(t, row, HEAP_SYSTEM);
        (*count)++;
    }
    return true;
}
