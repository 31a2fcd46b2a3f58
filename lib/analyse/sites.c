/* Who allocated it: estimates by stack, and by the place that stacks share.
 *
 * Each address is resolved once.  A site is the first frame that is not a mere
 * wrapper of malloc; the samples of all stacks that allocate there are summed
 * by size class first and estimated afterwards, as one stack's are. */
#include "analyse/report.h"

#include "analyse/unbias.h"

#include <stdlib.h>
#include <string.h>

#define NARROW 0.25 /* of the estimate: as some 250 samples give */

/* Samples that are estimated together. */
struct batch {
    struct unbias_class *live, *total;
    size_t count, capacity_live, capacity_total;
};

static void
batch_free(struct batch *batch)
{
    free(batch->live);
    free(batch->total);
}

static bool
batch_add(struct batch *batch, const struct dump_site *site)
{
    if (!intern_grow((void **)&batch->live, &batch->capacity_live, batch->count,
                     sizeof(*batch->live)) ||
        !intern_grow((void **)&batch->total, &batch->capacity_total,
                     batch->count, sizeof(*batch->total)))
        return false;
    batch->live[batch->count] =
        (struct unbias_class){site->live_samples, site->size, site->rate};
    batch->total[batch->count] =
        (struct unbias_class){site->total_samples, site->size, site->rate};
    batch->count++;
    return true;
}

static int
class_order(const void *a, const void *b)
{
    const struct unbias_class *x = a, *y = b;

    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return (x->rate > y->rate) - (x->rate < y->rate);
}

/* Add up classes of equal size and rate; returns how many are left. */
static size_t
classes_merge(struct unbias_class *classes, size_t count)
{
    size_t out = 0;

    if (count > 1)
        qsort(classes, count, sizeof(*classes), class_order);
    for (size_t i = 0; i < count; i++) {
        if (out > 0 && class_order(&classes[out - 1], &classes[i]) == 0)
            classes[out - 1].samples += classes[i].samples;
        else
            classes[out++] = classes[i];
    }
    return out;
}

static double
relative_width(const struct jep_estimate *estimate)
{
    return (estimate->high - estimate->low) / estimate->value;
}

static void
batch_estimate(struct batch *batch, struct jep_stack *stack)
{
    struct unbias_estimate e;

    unbias_sum(batch->live, classes_merge(batch->live, batch->count), &e);
    stack->live_samples = e.samples;
    stack->live_bytes =
        (struct jep_estimate){e.bytes, e.bytes_low, e.bytes_high};
    stack->live_objects =
        (struct jep_estimate){e.objects, e.objects_low, e.objects_high};
    unbias_sum(batch->total, classes_merge(batch->total, batch->count), &e);
    stack->total_samples = e.samples;
    stack->total_bytes =
        (struct jep_estimate){e.bytes, e.bytes_low, e.bytes_high};
    stack->total_objects =
        (struct jep_estimate){e.objects, e.objects_low, e.objects_high};
    stack->is_weak = stack->live_samples < JEP_FEW_SAMPLES &&
                     (stack->live_samples == 0 ||
                      relative_width(&stack->live_bytes) > NARROW);
    batch->count = 0;
}

/* By live bytes, the weak ones last; without any, by all bytes. */
static int
stack_order(const void *a, const void *b)
{
    const struct jep_stack *x = a, *y = b;

    if (x->is_weak != y->is_weak)
        return x->is_weak ? 1 : -1;
    if (x->live_bytes.value != y->live_bytes.value)
        return x->live_bytes.value > y->live_bytes.value ? -1 : 1;
    if (x->total_bytes.value != y->total_bytes.value)
        return x->total_bytes.value > y->total_bytes.value ? -1 : 1;
    return 0;
}

/* Resolve all addresses, in the order of their numbers. */
static bool
frames_resolve(const struct profile *profile, symbols_t *symbols,
               struct sites *sites)
{
    size_t count = profile->addresses.count;

    sites->frame_first = calloc(count + 1, sizeof(*sites->frame_first));
    if (sites->frame_first == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t address = profile->addresses.addresses[i];
        struct jep_frame found[SYMBOL_INLINE_MAX] = {
            {.address = address, .offset = address}};
        const struct profile_symbol *named = profile_symbol(profile, address);
        size_t n = 1;

        if (named != NULL) {
            found[0].function = named->function;
            found[0].file = named->file;
            found[0].line = named->line;
        } else if (symbols != NULL) {
            n = symbols_resolve(symbols, address, found);
        }
        if (n == 0)
            return false;
        sites->frame_first[i] = sites->frame_count;
        for (size_t k = 0; k < n; k++) {
            if (!intern_grow((void **)&sites->frames, &sites->frame_capacity,
                             sites->frame_count, sizeof(*sites->frames)))
                return false;
            sites->frames[sites->frame_count++] = found[k];
        }
    }
    sites->frame_first[count] = sites->frame_count;
    return true;
}

/* Append the frames of one stack; `stack->frames` is set when all are there,
 * because the array moves. */
static bool
stack_expand(const struct profile *profile, const struct profile_stack *from,
             struct sites *sites, struct jep_stack *stack)
{
    size_t before = sites->stack_frame_count;

    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t id = profile->frames[from->first + i].index;

        for (size_t k = sites->frame_first[id]; k < sites->frame_first[id + 1];
             k++) {
            if (!intern_grow(
                    (void **)&sites->stack_frames, &sites->stack_frame_capacity,
                    sites->stack_frame_count, sizeof(*sites->stack_frames)))
                return false;
            sites->stack_frames[sites->stack_frame_count++] = sites->frames[k];
        }
    }
    stack->frame_count = sites->stack_frame_count - before;
    return true;
}

/* Estimate each stack that has samples.  Sites are ordered by stack. */
static bool
stacks_fill(const struct profile *profile, struct sites *sites,
            struct batch *batch, uint32_t *origin, size_t *count)
{
    size_t i = 0;

    while (i < profile->site_count) {
        uint64_t id = profile->sites[i].stack;
        const struct profile_stack *from = &profile->stacks[id];
        struct jep_stack *stack = &sites->stacks[*count];

        for (; i < profile->site_count && profile->sites[i].stack == id; i++) {
            if (!batch_add(batch, &profile->sites[i]))
                return false;
        }
        batch_estimate(batch, stack);
        if (!stack_expand(profile, from, sites, stack))
            return false;
        if (from->has_age)
            stack->oldest_ns =
                (struct jep_figure){.value = from->oldest_ns, .known = true};
        if (from->has_age && !from->is_mixed)
            stack->label = from->label;
        stack->members = 1;
        stack->id = (uint32_t)id;
        origin[(*count)++] = (uint32_t)id;
    }
    return true;
}

/* A stack's place of allocation, for grouping. */
struct place {
    const char *function, *file, *module;
    uint64_t where; /* the line, or the offset without one */
    size_t stack;   /* index of the stack */
    size_t skip;    /* wrapper frames before the place */
};

static struct place
place_of(const struct jep_stack *stack, size_t index)
{
    struct place place = {.stack = index};
    const struct jep_frame *frame;

    while (place.skip < stack->frame_count &&
           wrapper_is(stack->frames[place.skip].function))
        place.skip++;
    if (place.skip == stack->frame_count)
        place.skip = 0;
    if (stack->frame_count == 0)
        return place;
    frame = &stack->frames[place.skip];
    place.function = frame->function;
    place.file = frame->file;
    place.module = frame->module;
    if (frame->line != 0)
        place.where = frame->line;
    else if (frame->function == NULL)
        place.where = frame->offset;
    return place;
}

static int
pointer_order(const void *a, const void *b)
{
    return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

/* Interned text is equal if its pointer is. */
static int
place_same_order(const struct place *x, const struct place *y)
{
    int order = pointer_order(x->function, y->function);

    if (order == 0)
        order = pointer_order(x->file, y->file);
    if (order == 0)
        order = pointer_order(x->module, y->module);
    return order != 0 ? order : (x->where > y->where) - (x->where < y->where);
}

static int
place_order(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = place_same_order(x, y);

    return order != 0 ? order : (x->stack > y->stack) - (x->stack < y->stack);
}

/* Samples of the stack with number `id`: sites are ordered by stack. */
static bool
batch_add_stack(struct batch *batch, const struct profile *profile, uint64_t id)
{
    size_t low = 0, high = profile->site_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (profile->sites[mid].stack < id)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < profile->site_count && profile->sites[low].stack == id;
         low++) {
        if (!batch_add(batch, &profile->sites[low]))
            return false;
    }
    return true;
}

/* The label that all stacks of places[0…count) have which hold something; NULL
 * = they differ, or have none. */
static const char *
label_of(const struct jep_stack *stacks, const struct place *places,
         size_t count)
{
    const char *label = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct jep_stack *stack = &stacks[places[i].stack];

        if (stack->live_samples == 0)
            continue;
        /* Interned text is equal if its pointer is. */
        if (stack->label == NULL || (label != NULL && label != stack->label))
            return NULL;
        label = stack->label;
    }
    return label;
}

/* One group out of the stacks of places[0…count). */
static bool
group_fill(const struct profile *profile, const struct place *places,
           size_t count, const uint32_t *origin, struct sites *sites,
           struct batch *batch, struct jep_stack *group)
{
    const struct place *heaviest = &places[0];

    group->label = label_of(sites->stacks, places, count);
    for (size_t i = 0; i < count; i++) {
        const struct jep_stack *stack = &sites->stacks[places[i].stack];

        if (stack_order(stack, &sites->stacks[heaviest->stack]) < 0)
            heaviest = &places[i];
        if (stack->oldest_ns.known &&
            (!group->oldest_ns.known ||
             group->oldest_ns.value < stack->oldest_ns.value))
            group->oldest_ns = stack->oldest_ns;
        if (!batch_add_stack(batch, profile, origin[places[i].stack]))
            return false;
    }
    batch_estimate(batch, group);
    group->frames = sites->stacks[heaviest->stack].frames;
    if (heaviest->skip > 0)
        group->frames += heaviest->skip;
    group->frame_count =
        sites->stacks[heaviest->stack].frame_count - heaviest->skip;
    group->members = (unsigned)count;
    return true;
}

static bool
groups_fill(const struct profile *profile, struct place *places, size_t count,
            const uint32_t *origin, struct sites *sites, struct batch *batch,
            size_t *group_count)
{
    for (size_t i = 0; i < count; i++)
        places[i] = place_of(&sites->stacks[i], i);
    if (count > 0)
        qsort(places, count, sizeof(*places), place_order);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count; next++) {
            if (place_same_order(&places[i], &places[next]) != 0)
                break;
        }
        if (!group_fill(profile, &places[i], next - i, origin, sites, batch,
                        &sites->groups[(*group_count)++]))
            return false;
    }
    return true;
}

/* Estimate everything together, and what rounding costs. */
static bool
whole_fill(const struct profile *profile, struct batch *batch,
           struct jep_profile *out, bool *has_total)
{
    struct jep_stack all = {0};

    for (size_t i = 0; i < profile->site_count; i++) {
        const struct dump_site *site = &profile->sites[i];
        double p = unbias_probability(site->size, site->rate);
        double waste = (double)(site->live_samples * site->size) -
                       (double)site->live_requested;

        if (p > 0.0 && waste > 0.0 && site->live_requested > 0)
            out->rounding_waste += waste / p;
        if (!batch_add(batch, site))
            return false;
    }
    batch_estimate(batch, &all);
    out->live_bytes = all.live_bytes;
    out->live_objects = all.live_objects;
    /* jemalloc accumulates only with prof_accum and prints zeros without. */
    *has_total = all.total_samples >= all.live_samples;
    return true;
}

static bool
fill(const struct profile *profile, struct sites *sites, struct batch *batch,
     struct place *places, uint32_t *origin, struct jep_profile *out)
{
    size_t at = 0;
    bool has_total;

    if (!stacks_fill(profile, sites, batch, origin, &out->stack_count))
        return false;
    /* Without an array all stacks are empty. */
    for (size_t i = 0; i < out->stack_count && sites->stack_frames != NULL;
         i++) {
        sites->stacks[i].frames = sites->stack_frames + at;
        at += sites->stacks[i].frame_count;
    }
    if (!groups_fill(profile, places, out->stack_count, origin, sites, batch,
                     &out->site_count) ||
        !whole_fill(profile, batch, out, &has_total))
        return false;
    for (size_t i = 0; i < out->stack_count; i++)
        sites->stacks[i].has_total = has_total;
    for (size_t i = 0; i < out->site_count; i++)
        sites->groups[i].has_total = has_total;
    if (out->stack_count > 0)
        qsort(sites->stacks, out->stack_count, sizeof(*sites->stacks),
              stack_order);
    if (out->site_count > 0)
        qsort(sites->groups, out->site_count, sizeof(*sites->groups),
              stack_order);
    out->stacks = sites->stacks;
    out->sites = sites->groups;
    return true;
}

bool
sites_fill(const struct snapshot *snapshot, symbols_t *symbols,
           struct sites *sites, struct jep_profile *out)
{
    const struct profile *profile = &snapshot->profile;
    struct batch batch = {0};
    struct place *places;
    uint32_t *origin;
    bool is_fine;

    out->known = snapshot->has_profile;
    out->sample_interval = profile->figures[PROFILE_SAMPLE_INTERVAL];
    out->samples_taken = profile->figures[PROFILE_SAMPLES_TAKEN];
    out->live_samples = profile->figures[PROFILE_LIVE_SAMPLES];
    out->dropped_memory = profile->dropped[DROPPED_MEMORY];
    out->dropped_recursion = profile->dropped[DROPPED_RECURSION];
    out->dropped_unwind = profile->dropped[DROPPED_UNWIND];
    out->unwinder = snapshot_setting(snapshot, "profile.unwinder");
    if (profile->site_count == 0)
        return true;
    sites->stacks = calloc(profile->stack_count, sizeof(*sites->stacks));
    sites->groups = calloc(profile->stack_count, sizeof(*sites->groups));
    places = calloc(profile->stack_count, sizeof(*places));
    origin = calloc(profile->stack_count, sizeof(*origin));
    is_fine = sites->stacks != NULL && sites->groups != NULL &&
              places != NULL && origin != NULL &&
              frames_resolve(profile, symbols, sites) &&
              fill(profile, sites, &batch, places, origin, out);
    free(places);
    free(origin);
    batch_free(&batch);
    return is_fine;
}

void
sites_free(struct sites *sites)
{
    free(sites->frames);
    free(sites->frame_first);
    free(sites->stack_frames);
    free(sites->stacks);
    free(sites->groups);
}
