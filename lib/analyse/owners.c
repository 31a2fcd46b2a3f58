/* Whom memory is for, the largest first. */
#include "analyse/report.h"

#include <stdlib.h>
#include <string.h>

static int
owner_order(const void *a, const void *b)
{
    const struct jep_owner *x = a, *y = b;

    if (x->live_bytes.value != y->live_bytes.value)
        return x->live_bytes.value > y->live_bytes.value ? -1 : 1;
    return strcmp(x->name, y->name);
}

static struct jep_figure
figure_of(const struct dump_owner *owner, enum owner_field field)
{
    return (struct jep_figure){
        .value = owner->figures[field],
        .line = owner->line < UINT32_MAX ? (uint32_t)owner->line : UINT32_MAX,
        .known = (owner->known >> field & 1) != 0};
}

static void
owner_fill(const struct dump_owner *from, struct jep_owner *out)
{
    out->id = from->id;
    out->name = from->name != NULL ? from->name : from->id;
    out->live_bytes = figure_of(from, OWNER_LIVE_BYTES);
    out->live_objects = figure_of(from, OWNER_LIVE_OBJECTS);
    out->total_bytes = figure_of(from, OWNER_TOTAL_BYTES);
    out->total_objects = figure_of(from, OWNER_TOTAL_OBJECTS);
}

bool
owners_rank(const struct snapshot *snapshot, const struct jep_summary *summary,
            struct jep_owner **list, struct jep_owners *out)
{
    const struct owners *from = &snapshot->owners;
    bool is_whole = !from->is_full;

    *out = (struct jep_owners){0};
    *list = NULL;
    if (from->count == 0)
        return true;
    *list = calloc(from->count, sizeof(**list));
    if (*list == NULL)
        return false;
    for (size_t i = 0; i < from->count; i++) {
        struct jep_owner *owner = &(*list)[out->count];

        owner_fill(&from->list[i], owner);
        /* A sum that is too large is no figure. */
        if (!owner->live_bytes.known ||
            owner->live_bytes.value > INT64_MAX - out->live_bytes) {
            is_whole = false;
            continue;
        }
        out->live_bytes += owner->live_bytes.value;
        out->count++;
    }
    qsort(*list, out->count, sizeof(**list), owner_order);
    out->list = *list;
    out->other_name =
        snapshot->skynet[SKYNET_LUA].known || snapshot->skynet[SKYNET_C].known
            ? "of no service"
            : "without a label, or in thread caches";
    if (is_whole)
        out->other =
            figure_minus(summary->allocated, figure_derived(out->live_bytes));
    return true;
}
