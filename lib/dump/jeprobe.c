/* Reader of our own dumps, schema 1: man jeprobe-dump(5) has every member.
 *
 * Members that are not known are skipped; a schema number that is not known is
 * an error, because the meaning of the known members may have changed. */
#include "base/macros.h"
#include "dump/json.h"
#include "dump/owner.h"
#include "dump/perr.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const struct json_edge jeprobe_edges[] = {
    {JSON_TOP, "jeprobe", JP_HEAD, 0},
    {JSON_TOP, "process", JP_PROCESS, 0},
    {JSON_TOP, "profile", JP_PROFILE, 0},
    {JSON_TOP, "samples", JP_SAMPLES, 0},
    {JP_PROCESS, "argv", JP_ARGV, 0},
    {JP_PROCESS, "thp", JP_THP, 0},
    {JP_PROCESS, "machine", JP_MACHINE, 0},
    {JP_PROCESS, "env", JP_ENV, 0},
    {JP_PROCESS, "smaps_rollup", JP_ROLLUP, 0},
    {JP_PROCESS, "status", JP_STATUS, 0},
    {JP_PROCESS, "residency", JP_RESIDENCY, 0},
    {JP_PROCESS, "cgroup", JP_CGROUP, 0},
    {JP_PROCESS, "rlimits", JP_RLIMITS, 0},
    {JP_PROFILE, "dropped", JP_DROPPED, 0},
    {JP_PROFILE, "mappings", JP_MAPPINGS, 0},
    {JP_MAPPINGS, NULL, JP_MAPPING, 0},
    {JP_PROFILE, "stacks", JP_STACKS, 0},
    {JP_STACKS, NULL, JP_STACK, 0},
    {JP_PROFILE, "sites", JP_SITES, 0},
    {JP_SITES, NULL, JP_SITE, 0},
    {JP_SAMPLES, NULL, JP_SAMPLE, 0},
    {JSON_TOP, "labels", JP_LABELS, 0},
    {JP_LABELS, NULL, JP_LABEL, 0},
    {JSON_SKIP, NULL, JSON_SKIP, 0},
};

const struct json_place jeprobe_places[] = {
    {JP_HEAD, DUMP_PROCESS, "jeprobe.", false},
    {JP_PROCESS, DUMP_PROCESS, "process.", false},
    {JP_ARGV, DUMP_SCOPES, "process.argv", false},
    {JP_THP, DUMP_SCOPES, "process.thp.", true},
    {JP_MACHINE, DUMP_MACHINE, NULL, false},
    {JP_ENV, DUMP_SCOPES, "process.env.", false},
    {JP_ROLLUP, DUMP_ROLLUP, NULL, false},
    {JP_STATUS, DUMP_STATUS, NULL, false},
    {JP_RESIDENCY, DUMP_RESIDENCY, NULL, false},
    {JP_CGROUP, DUMP_CGROUP, NULL, false},
    {JP_RLIMITS, DUMP_RLIMIT, NULL, false},
    {JP_PROFILE, DUMP_PROFILE, "profile.", false},
    {JP_DROPPED, DUMP_DROPPED, NULL, false},
    {JSON_SKIP, DUMP_SCOPES, NULL, false},
};

/* Members of an object that are whole numbers: name and place. */
struct member {
    const char *name;
    size_t offset;
};

#define SITE(name)                                                             \
    {                                                                          \
#        name, offsetof(struct dump_site, name)                                \
    }
#define SAMPLE(name)                                                           \
    {                                                                          \
#        name, offsetof(struct dump_sample, name)                              \
    }
#define MAPPING(name)                                                          \
    {                                                                          \
#        name, offsetof(struct dump_mapping, name)                             \
    }
#define LABEL(name, field)                                                     \
    [OWNER_##                                                                  \
        field] = {#name, offsetof(struct dump_owner, figures[OWNER_##field])}
static const struct member site_members[] = {
    SITE(stack),          SITE(size),          SITE(rate),
    SITE(live_samples),   SITE(total_samples), SITE(live_requested),
    SITE(total_requested)};
static const struct member sample_members[] = {
    SAMPLE(stack),  SAMPLE(usable),    SAMPLE(rate),
    SAMPLE(age_ns), SAMPLE(requested), SAMPLE(thread)};
static const struct member mapping_members[] = {MAPPING(start), MAPPING(end),
                                                MAPPING(offset)};
/* In the order of enum owner_field: bits of members are those of figures. */
static const struct member label_members[OWNER_COUNT] = {
    LABEL(live_bytes, LIVE_BYTES), LABEL(live_objects, LIVE_OBJECTS),
    LABEL(total_bytes, TOTAL_BYTES), LABEL(total_objects, TOTAL_OBJECTS)};
#undef SITE
#undef SAMPLE
#undef MAPPING
#undef LABEL

/* How many members, from the first, an entry cannot be without. */
#define SITE_NEEDS    5 /* stack to total_samples */
#define SAMPLE_NEEDS  3 /* stack, usable, rate */
#define MAPPING_NEEDS 2
#define LABEL_NEEDS   1 /* live_bytes */

/* Bits of the others. */
#define SITE_REQUESTED       (1u << 5)
#define SITE_TOTAL_REQUESTED (1u << 6)
#define SAMPLE_REQUESTED     (1u << 4)

/* More than any address space, any rate and any number of samples. */
#define SIZE_MOST    ((uint64_t)1 << 57)
#define SAMPLES_MOST ((uint64_t)1 << 40)

static const struct member *
members_of(enum json_state state, size_t *count)
{
    switch (state) {
    case JP_SITE:
        *count = sizeof(site_members) / sizeof(site_members[0]);
        return site_members;
    case JP_SAMPLE:
        *count = sizeof(sample_members) / sizeof(sample_members[0]);
        return sample_members;
    case JP_MAPPING:
        *count = sizeof(mapping_members) / sizeof(mapping_members[0]);
        return mapping_members;
    case JP_LABEL:
        *count = OWNER_COUNT;
        return label_members;
    default:
        *count = 0;
        return NULL;
    }
}

const char *
jeprobe_member(enum json_state state, int field)
{
    size_t count;
    const struct member *members = members_of(state, &count);

    return (size_t)field < count ? members[field].name : NULL;
}

bool
jeprobe_is_object(enum json_state state)
{
    return state == JP_SITE || state == JP_SAMPLE || state == JP_MAPPING ||
           state == JP_STACK || state == JP_LABEL;
}

static void *
object_of(struct json *json, enum json_state state)
{
    return state == JP_SITE     ? (void *)&json->object.site
           : state == JP_SAMPLE ? (void *)&json->object.sample
           : state == JP_LABEL  ? (void *)&json->object.owner
                                : (void *)&json->object.mapping;
}

/* A string "0x…". */
static bool
value_address(const struct json_value *value, uint64_t *number)
{
    uint64_t sum = 0;

    if (value->type != JSON_STRING || value->text.length < 3 ||
        value->text.length > 18 || memcmp(value->text.text, "0x", 2) != 0)
        return false;
    for (size_t i = 2; i < value->text.length; i++) {
        char c = value->text.text[i];

        if (c >= '0' && c <= '9')
            sum = sum << 4 | (uint64_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            sum = sum << 4 | (uint64_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *number = sum;
    return true;
}

static jep_status_t
member_store(struct json *json, const struct json_frame *frame,
             const struct json_value *value)
{
    size_t count;
    const struct member *members = members_of(frame->state, &count);
    int field = frame->member->field;
    char *object = object_of(json, frame->state);
    const char *wrong = NULL;
    uint64_t number;

    if (value->type == JSON_NULL)
        return JEP_OK;
    if (!value_address(value, &number))
        wrong = json_count(value, false, &number);
    if (wrong != NULL)
        return json_warn_member(json, frame->key, value, wrong);
    memcpy(object + members[field].offset, &number, sizeof(number));
    json->object.members |= 1u << field;
    return JEP_OK;
}

jep_status_t
jeprobe_head(struct json *json, const struct json_frame *frame,
             const struct json_value *value)
{
    uint64_t number;

    if (strcmp(frame->key, "complete") == 0) {
        if (value->type != JSON_BOOL)
            return json_warn_member(json, frame->key, value,
                                    "neither true nor false");
        json->complete = json->complete && token_is(value->text, "true");
    }
    if (strcmp(frame->key, "schema") != 0)
        return JEP_OK;
    if (json_count(value, false, &number) != NULL || number == 0)
        return perr_set(json->error, JEP_ERR_SYNTAX, json->line, json->column,
                        "the dump's schema is not a number");
    if (number > JEP_SCHEMA_DUMP)
        return perr_set(json->error, JEP_ERR_VERSION, json->line, json->column,
                        "dump schema %llu is newer than this jeprobe, "
                        "which reads up to %d",
                        (unsigned long long)number, JEP_SCHEMA_DUMP);
    return JEP_OK;
}

static jep_status_t
stack_value(struct json *json, const struct json_value *value)
{
    struct json_object *object = &json->object;
    uint64_t address;

    if (object->stack_broken)
        return JEP_OK;
    if (!value_address(value, &address) &&
        (value->type != JSON_NUMBER || !token_number(value->text, &address))) {
        object->stack_broken = true;
        return json_warn(json, "an address of a stack is no number: it and "
                               "its callers are left out");
    }
    if (object->stack_count < JSON_STACK_MAX)
        object->stack[object->stack_count++] = address;
    return JEP_OK;
}

static void
mapping_text(struct json *json, const char *key, const struct json_value *value)
{
    struct json_object *object = &json->object;

    if (strcmp(key, "path") == 0) {
        snprintf(object->path, sizeof(object->path), "%.*s",
                 (int)value->text.length, value->text.text);
        object->mapping.path = object->path;
    } else if (strcmp(key, "build_id") == 0) {
        snprintf(object->build_id, sizeof(object->build_id), "%.*s",
                 (int)value->text.length, value->text.text);
        object->mapping.build_id = object->build_id;
    }
}

/* The label of a sample, or a label itself. */
static void
label_text(struct json *json, enum json_state state,
           const struct json_value *value)
{
    struct json_object *object = &json->object;

    if (value->text.length == 0)
        return;
    snprintf(object->label, sizeof(object->label), "%.*s",
             (int)value->text.length, value->text.text);
    if (state == JP_SAMPLE)
        object->sample.label = object->label;
    else
        object->owner.id = object->label;
}

jep_status_t
jeprobe_value(struct json *json, const struct json_frame *frame,
              const struct json_value *value)
{
    if (frame->state == JP_STACK)
        return stack_value(json, value);
    if (frame->member != NULL && frame->member->field != FIELD_NONE)
        return member_store(json, frame, value);
    if (frame->state == JP_MAPPING && value->type == JSON_STRING)
        mapping_text(json, frame->key, value);
    if ((frame->state == JP_LABEL || frame->state == JP_SAMPLE) &&
        value->type == JSON_STRING && strcmp(frame->key, "label") == 0)
        label_text(json, frame->state, value);
    return JEP_OK;
}

jep_status_t
jeprobe_open(struct json *json, const struct json_frame *frame)
{
    struct json_object *object = &json->object;

    switch (frame->state) {
    case JP_HEAD:
        return json->sink->format(json->sink->context, DUMP_FORMAT_JEPROBE);
    case JP_MAPPING:
        object->mapping = (struct dump_mapping){0};
        break;
    case JP_STACK:
        object->stack_count = 0;
        object->stack_broken = false;
        break;
    case JP_SITE:
        object->site = (struct dump_site){0};
        break;
    case JP_SAMPLE:
        object->sample = (struct dump_sample){0};
        break;
    case JP_LABEL:
        object->owner = (struct dump_owner){.line = json->line};
        break;
    default:
        return JEP_OK;
    }
    object->members = 0;
    return JEP_OK;
}

static jep_status_t
leave_out(struct json *json, const char *what, const char *why)
{
    return json_warn(json, "this %s %s: left out", what, why);
}

/* What makes a site impossible; NULL = nothing. */
static const char *
site_fault(const struct dump_site *site, unsigned members)
{
    if (site->size == 0 || site->size > SIZE_MOST || site->rate > SIZE_MOST)
        return "has a size or a rate that cannot be";
    if (site->total_samples > SAMPLES_MOST)
        return "has more samples than can be";
    if (site->live_samples > site->total_samples)
        return "has more live samples than samples";
    if ((members & SITE_REQUESTED) != 0 &&
        (double)site->live_requested >
            (double)site->live_samples * (double)site->size)
        return "has requests that are larger than its objects";
    if ((members & SITE_TOTAL_REQUESTED) != 0 &&
        (double)site->total_requested >
            (double)site->total_samples * (double)site->size)
        return "has requests that are larger than its objects";
    return NULL;
}

static const char *
sample_fault(const struct dump_sample *sample, unsigned members)
{
    if (sample->usable == 0 || sample->usable > SIZE_MOST ||
        sample->rate > SIZE_MOST)
        return "has a size or a rate that cannot be";
    if ((members & SAMPLE_REQUESTED) != 0 && sample->requested > sample->usable)
        return "has a request that is larger than its object";
    return NULL;
}

static bool
has_needs(const struct json *json, unsigned count)
{
    unsigned needs = (1u << count) - 1;

    return (json->object.members & needs) == needs;
}

static jep_status_t
site_close(struct json *json)
{
    const struct dump_site *site = &json->object.site;
    const char *fault;

    if (!has_needs(json, SITE_NEEDS))
        return leave_out(json, "site", "lacks its stack, size, rate or counts");
    fault = site_fault(site, json->object.members);
    if (fault != NULL)
        return leave_out(json, "site", fault);
    return json->sink->site(json->sink->context, site);
}

static jep_status_t
sample_close(struct json *json)
{
    const struct dump_sample *sample = &json->object.sample;
    const char *fault;

    if (!has_needs(json, SAMPLE_NEEDS))
        return leave_out(json, "sample", "lacks its stack, size or rate");
    fault = sample_fault(sample, json->object.members);
    if (fault != NULL)
        return leave_out(json, "sample", fault);
    return json->sink->sample(json->sink->context, sample);
}

static jep_status_t
label_close(struct json *json)
{
    struct dump_owner *owner = &json->object.owner;
    const char *fault;

    if (owner->id == NULL || !has_needs(json, LABEL_NEEDS))
        return leave_out(json, "label", "lacks its name or its live bytes");
    owner->known = json->object.members;
    fault = owner_fault(owner);
    if (fault != NULL)
        return leave_out(json, "label", fault);
    return json->sink->owner(json->sink->context, owner);
}

static jep_status_t
mapping_close(struct json *json)
{
    const struct dump_mapping *mapping = &json->object.mapping;

    if (!has_needs(json, MAPPING_NEEDS))
        return leave_out(json, "mapping", "lacks its start or end");
    if (mapping->path == NULL)
        return JEP_OK;
    if (mapping->start >= mapping->end)
        return leave_out(json, "mapping", "ends before it starts");
    return json->sink->mapping(json->sink->context, mapping);
}

jep_status_t
jeprobe_close(struct json *json, const struct json_frame *frame)
{
    struct json_object *object = &json->object;

    switch (frame->state) {
    case JP_MAPPING:
        return mapping_close(json);
    case JP_STACK:
        return json->sink->stack(json->sink->context, object->stack,
                                 object->stack_count);
    case JP_SITE:
        return site_close(json);
    case JP_SAMPLE:
        return sample_close(json);
    case JP_LABEL:
        return label_close(json);
    default:
        return JEP_OK;
    }
}
