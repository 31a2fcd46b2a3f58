/* Numbers for things that repeat, and text that lives as long as its pool.
 *
 * Open addressing with linear probing, at most half full. */
#include "model/intern.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64

bool
intern_grow(void **items, size_t *capacity, size_t count, size_t size)
{
    size_t more;
    void *grown;

    if (count < *capacity)
        return true;
    more = *capacity == 0 ? 8 : *capacity * 2;
    if (more > SIZE_MAX / size)
        return false;
    grown = realloc(*items, more * size);
    if (grown == NULL)
        return false;
    *items = grown;
    *capacity = more;
    return true;
}

static uint64_t
mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

static uint64_t
text_hash(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return mix(hash);
}

static void
slot_put(uint32_t *slots, size_t slot_count, uint64_t hash, size_t index)
{
    size_t i = hash & (slot_count - 1);

    while (slots[i] != 0)
        i = (i + 1) & (slot_count - 1);
    slots[i] = (uint32_t)index + 1;
}

/* A table of twice the size, empty; NULL when out of memory. */
static uint32_t *
slots_bigger(size_t *slot_count)
{
    size_t count = *slot_count == 0 ? FIRST_SLOTS : *slot_count * 2;
    uint32_t *slots = calloc(count, sizeof(*slots));

    if (slots != NULL)
        *slot_count = count;
    return slots;
}

static bool
addresses_rehash(struct intern_addresses *set)
{
    uint32_t *slots = slots_bigger(&set->slot_count);

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < set->count; i++)
        slot_put(slots, set->slot_count, mix(set->addresses[i]), i);
    free(set->slots);
    set->slots = slots;
    return true;
}

bool
intern_address(struct intern_addresses *set, uint64_t address, frame_id_t *id)
{
    uint64_t hash = mix(address);

    if (set->count * 2 >= set->slot_count && !addresses_rehash(set))
        return false;
    for (size_t i = hash & (set->slot_count - 1); set->slots[i] != 0;
         i = (i + 1) & (set->slot_count - 1)) {
        id->index = set->slots[i] - 1;
        if (set->addresses[id->index] == address)
            return true;
    }
    if (set->count >= UINT32_MAX - 1 ||
        !intern_grow((void **)&set->addresses, &set->capacity, set->count,
                     sizeof(*set->addresses)))
        return false;
    id->index = (uint32_t)set->count;
    set->addresses[set->count] = address;
    slot_put(set->slots, set->slot_count, hash, set->count);
    set->count++;
    return true;
}

void
intern_addresses_free(struct intern_addresses *set)
{
    free(set->addresses);
    free(set->slots);
    *set = (struct intern_addresses){0};
}

static bool
text_rehash(struct intern_text *pool)
{
    uint32_t *slots = slots_bigger(&pool->slot_count);

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < pool->count; i++)
        slot_put(slots, pool->slot_count, text_hash(pool->texts[i]), i);
    free(pool->slots);
    pool->slots = slots;
    return true;
}

const char *
intern_text(struct intern_text *pool, const char *text)
{
    uint64_t hash = text_hash(text);
    size_t size = strlen(text) + 1;
    char *copy;

    if (pool->count * 2 >= pool->slot_count && !text_rehash(pool))
        return NULL;
    for (size_t i = hash & (pool->slot_count - 1); pool->slots[i] != 0;
         i = (i + 1) & (pool->slot_count - 1)) {
        if (strcmp(pool->texts[pool->slots[i] - 1], text) == 0)
            return pool->texts[pool->slots[i] - 1];
    }
    if (pool->count >= UINT32_MAX - 1 ||
        !intern_grow((void **)&pool->texts, &pool->capacity, pool->count,
                     sizeof(*pool->texts)))
        return NULL;
    copy = malloc(size);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, size);
    pool->texts[pool->count] = copy;
    slot_put(pool->slots, pool->slot_count, hash, pool->count);
    pool->count++;
    return copy;
}

void
intern_text_free(struct intern_text *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        free(pool->texts[i]);
    free(pool->texts);
    free(pool->slots);
    *pool = (struct intern_text){0};
}
