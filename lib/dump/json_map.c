/* What each member of each object is, found in one step.
 *
 * The lists that say so are short and in three places; here they become one
 * table with the state and the name as the key. */
#include "dump/json.h"

#include "base/assert.h"

#include <string.h>

static size_t
slot_first(enum json_state state, const char *key, size_t length)
{
    uint64_t hash = (uint64_t)state << 32 | length << 24;

    if (length > 0)
        hash |= (uint64_t)(unsigned char)key[0] << 16 |
                (uint64_t)(unsigned char)key[length / 2] << 8 |
                (unsigned char)key[length - 1];
    return (size_t)(hash * 0x9e3779b97f4a7c15u >> 48) & (JSON_SLOTS - 1);
}

const struct json_member *
json_map_find(const struct json_map *map, enum json_state state,
              const char *key, size_t length)
{
    size_t i = slot_first(state, key, length);

    for (; map->slots[i] != 0; i = (i + 1) & (JSON_SLOTS - 1)) {
        const struct json_member *member = &map->members[map->slots[i] - 1];

        if (member->from == state && member->length == length &&
            memcmp(member->key, key, length) == 0)
            return member;
    }
    return NULL;
}

/* The member of that name, made if it is new. */
static struct json_member *
member_get(struct json_map *map, enum json_state state, const char *key)
{
    size_t length = key != NULL ? strlen(key) : 0;
    size_t i = slot_first(state, key, length);
    struct json_member *member;

    if (key != NULL) {
        const struct json_member *old = json_map_find(map, state, key, length);

        if (old != NULL)
            return &map->members[old - map->members];
    }
    je_assert(map->count < JSON_MEMBERS_MAX);
    member = &map->members[map->count++];
    *member = (struct json_member){.from = state,
                                   .key = key,
                                   .length = length,
                                   .to = JSON_SKIP,
                                   .scope = DUMP_SCOPES,
                                   .field = FIELD_NONE};
    if (key == NULL) {
        map->elements[state] = member;
        return member;
    }
    while (map->slots[i] != 0)
        i = (i + 1) & (JSON_SLOTS - 1);
    map->slots[i] = (uint16_t)map->count;
    return member;
}

static void
edges_add(struct json_map *map, const struct json_edge *edges)
{
    for (; edges->from != JSON_SKIP; edges++) {
        struct json_member *member = member_get(map, edges->from, edges->key);

        member->to = edges->to;
        member->row = edges->row;
    }
}

static void
places_add(struct json_map *map, const struct json_place *places)
{
    for (; places->state != JSON_SKIP; places++) {
        const char *name;

        map->places[places->state] = places;
        for (int i = 0;
             places->scope != DUMP_SCOPES && i < field_count(places->scope);
             i++) {
            struct json_member *member;

            name = field_json(places->scope, i);
            if (name == NULL)
                continue;
            member = member_get(map, places->state, name);
            member->scope = places->scope;
            member->field = i;
        }
    }
}

static void
aliases_add(struct json_map *map)
{
    for (const struct json_alias *alias = jejson_aliases;
         alias->state != JSON_SKIP; alias++) {
        struct json_member *member = member_get(map, alias->state, alias->key);

        member->scope = alias->scope;
        member->field = alias->field;
    }
}

static void
objects_add(struct json_map *map)
{
    for (enum json_state state = JSON_SKIP; state < JSON_STATES; state++) {
        const char *name;

        for (int i = 0; (name = jeprobe_member(state, i)) != NULL; i++)
            member_get(map, state, name)->field = i;
    }
}

void
json_map_init(struct json_map *map)
{
    memset(map, 0, sizeof(*map));
    edges_add(map, jejson_edges);
    edges_add(map, jeprobe_edges);
    places_add(map, jejson_places);
    places_add(map, jeprobe_places);
    aliases_add(map);
    objects_add(map);
}
