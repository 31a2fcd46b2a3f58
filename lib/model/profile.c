/* Sampled call stacks of one dump. */
#include "model/profile.h"

#include <stdlib.h>
#include <string.h>

bool
profile_add_mapping(struct profile *profile,
                    const struct profile_mapping *mapping)
{
    if (!intern_grow((void **)&profile->mappings, &profile->mapping_capacity,
                     profile->mapping_count, sizeof(*mapping)))
        return false;
    profile->mappings[profile->mapping_count++] = *mapping;
    return true;
}

bool
profile_add_stack(struct profile *profile, const uint64_t *addresses,
                  size_t count)
{
    struct profile_stack stack = {.first = profile->frame_count,
                                  .count = (uint32_t)count};

    for (size_t i = 0; i < count; i++) {
        frame_id_t id;

        if (!intern_address(&profile->addresses, addresses[i], &id) ||
            !intern_grow((void **)&profile->frames, &profile->frame_capacity,
                         profile->frame_count, sizeof(id)))
            return false;
        profile->frames[profile->frame_count++] = id;
    }
    if (!intern_grow((void **)&profile->stacks, &profile->stack_capacity,
                     profile->stack_count, sizeof(stack)))
        return false;
    profile->stacks[profile->stack_count++] = stack;
    return true;
}

bool
profile_add_site(struct profile *profile, const struct dump_site *site)
{
    if (!intern_grow((void **)&profile->sites, &profile->site_capacity,
                     profile->site_count, sizeof(*site)))
        return false;
    profile->sites[profile->site_count++] = *site;
    return true;
}

bool
profile_add_sample(struct profile *profile, const struct dump_sample *sample)
{
    if (!intern_grow((void **)&profile->samples, &profile->sample_capacity,
                     profile->sample_count, sizeof(*sample)))
        return false;
    profile->samples[profile->sample_count++] = *sample;
    return true;
}

bool
profile_add_symbol(struct profile *profile, const struct profile_symbol *symbol)
{
    if (!intern_grow((void **)&profile->symbols, &profile->symbol_capacity,
                     profile->symbol_count, sizeof(*symbol)))
        return false;
    profile->symbols[profile->symbol_count++] = *symbol;
    return true;
}

static int
compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int
symbol_order(const void *a, const void *b)
{
    const struct profile_symbol *x = a, *y = b;

    return compare(x->address, y->address);
}

const struct profile_symbol *
profile_symbol(const struct profile *profile, uint64_t address)
{
    const struct profile_symbol key = {.address = address};

    if (profile->symbol_count == 0)
        return NULL;
    return bsearch(&key, profile->symbols, profile->symbol_count, sizeof(key),
                   symbol_order);
}

static int
site_order(const void *a, const void *b)
{
    const struct dump_site *x = a, *y = b;
    int order = compare(x->stack, y->stack);

    if (order == 0)
        order = compare(x->size, y->size);
    return order != 0 ? order : compare(x->rate, y->rate);
}

/* Add up entries of the same stack, size and rate. */
static void
sites_merge(struct profile *profile)
{
    size_t out = 0;

    for (size_t i = 0; i < profile->site_count; i++) {
        const struct dump_site *site = &profile->sites[i];
        struct dump_site *last = out > 0 ? &profile->sites[out - 1] : NULL;

        if (last == NULL || site_order(last, site) != 0) {
            profile->sites[out++] = *site;
            continue;
        }
        last->live_samples += site->live_samples;
        last->live_requested += site->live_requested;
        last->total_samples += site->total_samples;
        last->total_requested += site->total_requested;
    }
    profile->site_count = out;
}

size_t
profile_finish(struct profile *profile)
{
    size_t out = 0, dropped;

    for (size_t i = 0; i < profile->site_count; i++) {
        if (profile->sites[i].stack < profile->stack_count)
            profile->sites[out++] = profile->sites[i];
    }
    dropped = profile->site_count - out;
    profile->site_count = out;
    if (out > 0)
        qsort(profile->sites, out, sizeof(*profile->sites), site_order);
    sites_merge(profile);
    if (profile->symbol_count > 0)
        qsort(profile->symbols, profile->symbol_count,
              sizeof(*profile->symbols), symbol_order);
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct dump_sample *sample = &profile->samples[i];
        struct profile_stack *stack;

        if (sample->stack >= profile->stack_count) {
            dropped++;
            continue;
        }
        stack = &profile->stacks[sample->stack];
        if (!stack->has_age)
            stack->label = sample->label;
        else if (stack->label != sample->label)
            stack->is_mixed = true;
        if (!stack->has_age || stack->oldest_ns < sample->age_ns)
            stack->oldest_ns = sample->age_ns;
        stack->has_age = true;
    }
    return dropped;
}

void
profile_free(struct profile *profile)
{
    free(profile->mappings);
    free(profile->frames);
    free(profile->stacks);
    free(profile->sites);
    free(profile->samples);
    free(profile->symbols);
    intern_addresses_free(&profile->addresses);
    *profile = (struct profile){0};
}
