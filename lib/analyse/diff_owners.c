/* What changed for each owner from one dump to another. */
#include "analyse/report.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const struct jep_owner *owner;
    bool is_now;
};

static int
entry_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->owner->id, y->owner->id);

    return order != 0 ? order : x->is_now - y->is_now;
}

static int
change_order(const void *a, const void *b)
{
    const struct jep_change *x = a, *y = b;
    int64_t ours = llabs(x->bytes), theirs = llabs(y->bytes);

    if (ours != theirs)
        return ours < theirs ? 1 : -1;
    return strcmp(x->what, y->what);
}

static void
entries_add(struct entry *entries, size_t *count, const struct jep_owners *from,
            bool is_now)
{
    for (size_t i = 0; i < from->count; i++)
        entries[(*count)++] = (struct entry){&from->list[i], is_now};
}

/* Who is not in a list that is whole has nothing.  False: unknown. */
static bool
bytes_of(const struct jep_owner *owner, const struct jep_view *view,
         struct jep_figure *bytes)
{
    *bytes = owner != NULL ? owner->live_bytes : figure_derived(0);
    return owner != NULL || view->source.complete;
}

/* *entry, and the next one if it is the same owner in the other dump. */
static void
change_add(const struct entry *entry, bool is_pair,
           const struct jep_view *before, const struct jep_view *now,
           struct jep_change *changes, size_t *count)
{
    const struct jep_owner *last = entry[is_pair].owner;
    const struct jep_owner *a = is_pair || !entry->is_now ? entry->owner : NULL;
    const struct jep_owner *b = is_pair || entry->is_now ? last : NULL;
    struct jep_change change = {.id = last->id, .what = last->name};

    if (!bytes_of(a, before, &change.before) ||
        !bytes_of(b, now, &change.now) ||
        change.before.value == change.now.value)
        return;
    change.bytes = (int64_t)change.now.value - (int64_t)change.before.value;
    changes[(*count)++] = change;
}

bool
diff_owners(const struct jep_view *before, const struct jep_view *now,
            struct jep_change **changes, size_t *count)
{
    size_t most = before->owners.count + now->owners.count, entry_count = 0;
    struct entry *entries;

    *changes = NULL;
    *count = 0;
    if (before->owners.count == 0 || now->owners.count == 0)
        return true;
    entries = calloc(most, sizeof(*entries));
    *changes = calloc(most, sizeof(**changes));
    if (entries == NULL || *changes == NULL) {
        free(entries);
        return false;
    }
    entries_add(entries, &entry_count, &before->owners, false);
    entries_add(entries, &entry_count, &now->owners, true);
    qsort(entries, entry_count, sizeof(*entries), entry_order);
    for (size_t i = 0; i < entry_count; i++) {
        bool is_pair =
            i + 1 < entry_count &&
            strcmp(entries[i].owner->id, entries[i + 1].owner->id) == 0;

        change_add(&entries[i], is_pair, before, now, *changes, count);
        i += is_pair;
    }
    qsort(*changes, *count, sizeof(**changes), change_order);
    free(entries);
    return true;
}
