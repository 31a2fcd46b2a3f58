/* Reader of our own dumps, schema 1: man jeprobe-dump(5) has every member.
 *
 * Members that are not known are skipped; a schema number that is not known is
 * an error, because the meaning of the known members may have changed. */
#include "base/macros.h"
#include "dump/json.h"
#include "dump/perr.h"

#include <stdio.h>
#include <string.h>

const struct json_edge jeprobe_edges[] = {
    {JSON_TOP, "jeprobe", JP_HEAD},
    {JSON_TOP, "process", JP_PROCESS},
    {JSON_TOP, "profile", JP_PROFILE},
    {JSON_TOP, "samples", JP_SAMPLES},
    {JP_PROCESS, "argv", JP_ARGV},
    {JP_PROCESS, "thp", JP_THP},
    {JP_PROCESS, "machine", JP_MACHINE},
    {JP_PROCESS, "env", JP_ENV},
    {JP_PROCESS, "smaps_rollup", JP_ROLLUP},
    {JP_PROCESS, "status", JP_STATUS},
    {JP_PROCESS, "residency", JP_RESIDENCY},
    {JP_PROCESS, "cgroup", JP_CGROUP},
    {JP_PROCESS, "rlimits", JP_RLIMITS},
    {JP_PROFILE, "dropped", JP_DROPPED},
    {JP_PROFILE, "mappings", JP_MAPPINGS},
    {JP_MAPPINGS, NULL, JP_MAPPING},
    {JP_PROFILE, "stacks", JP_STACKS},
    {JP_STACKS, NULL, JP_STACK},
    {JP_PROFILE, "sites", JP_SITES},
    {JP_SITES, NULL, JP_SITE},
    {JP_SAMPLES, NULL, JP_SAMPLE},
    {JSON_SKIP, NULL, JSON_SKIP},
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
static const struct member site_members[] = {
    SITE(stack),          SITE(size),          SITE(rate),
    SITE(live_samples),   SITE(total_samples), SITE(live_requested),
    SITE(total_requested)};
static const struct member sample_members[] = {
    SAMPLE(stack), SAMPLE(requested), SAMPLE(usable),
    SAMPLE(rate),  SAMPLE(age_ns),    SAMPLE(thread)};
static const struct member mapping_members[] = {MAPPING(start), MAPPING(end),
                                                MAPPING(offset)};
#undef SITE
#undef SAMPLE
#undef MAPPING

/* Without these there is no entry. */
#define SITE_NEEDS   0x1fu /* stack to total_samples */
#define SAMPLE_NEEDS 0x0du /* stack, usable, rate */

/* A decimal number, or a string "0x…". */
static bool
value_number(const struct json_value *value, uint64_t *number)
{
    uint64_t sum = 0;

    if (value->type == JSON_NUMBER)
        return token_number(value->text, number);
    if (value->type != JSON_STRING || value->text.length < 3 ||
        value->text.length > 18 || memcmp(value->text.text, "0x", 2) != 0)
        return false;
    for (size_t i = 2; i < value->text.length; i++) {
        char c = value->text.text[i];
        const char *digits = "0123456789abcdef";
        const char *digit = c != '\0' ? strchr(digits, c | 0x20) : NULL;

        if (digit == NULL)
            return false;
        sum = sum << 4 | (uint64_t)(digit - digits);
    }
    *number = sum;
    return true;
}

static void
member_store(struct json *json, const struct member *members, size_t count,
             void *object, const char *key, const struct json_value *value)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number;

        if (strcmp(members[i].name, key) != 0 || !value_number(value, &number))
            continue;
        memcpy((char *)object + members[i].offset, &number, sizeof(number));
        json->members |= 1u << i;
    }
}

#define STORE(json, members, object, key, value)                               \
    member_store(json, members, sizeof(members) / sizeof((members)[0]),        \
                 object, key, value)

static jep_status_t
malformed(struct json *json, const char *what)
{
    return perr_set(json->error, JEP_ERR_SYNTAX, json->line, json->column, "%s",
                    what);
}

static jep_status_t
head_value(struct json *json, const struct json_frame *frame,
           const struct json_value *value)
{
    uint64_t number;

    if (strcmp(frame->key, "schema") == 0) {
        if (!value_number(value, &number) || number == 0)
            return malformed(json, "the dump's schema is not a number");
        if (number > JEP_SCHEMA_DUMP)
            return perr_set(json->error, JEP_ERR_VERSION, json->line,
                            json->column,
                            "dump schema %llu is newer than this jeprobe, "
                            "which reads up to %d",
                            (unsigned long long)number, JEP_SCHEMA_DUMP);
        return JEP_OK;
    }
    if (strcmp(frame->key, "complete") == 0) {
        json->complete = json->complete && token_is(value->text, "true");
        return JEP_OK;
    }
    if (strcmp(frame->key, "reason") == 0 || strcmp(frame->key, "version") == 0)
        return json_text(json, "jeprobe.", frame, value);
    return json_number(json, frame, value, DUMP_PROCESS, 0);
}

static jep_status_t
stack_value(struct json *json, const struct json_value *value)
{
    uint64_t address;

    if (!value_number(value, &address))
        return malformed(json, "a stack's address is not a number");
    if (json->stack_count < JSON_STACK_MAX)
        json->stack[json->stack_count++] = address;
    return JEP_OK;
}

static void
mapping_value(struct json *json, const char *key,
              const struct json_value *value)
{
    bool is_path = strcmp(key, "path") == 0;
    bool is_build_id = strcmp(key, "build_id") == 0;

    STORE(json, mapping_members, &json->mapping, key, value);
    if (value->type != JSON_STRING)
        return;
    if (is_path) {
        snprintf(json->path, sizeof(json->path), "%.*s",
                 (int)value->text.length, value->text.text);
        json->mapping.path = json->path;
    } else if (is_build_id) {
        snprintf(json->build_id, sizeof(json->build_id), "%.*s",
                 (int)value->text.length, value->text.text);
        json->mapping.build_id = json->build_id;
    }
}

static jep_status_t
process_value(struct json *json, const struct json_frame *frame,
              const struct json_value *value)
{
    if (value->type == JSON_STRING)
        return json_text(json, "process.", frame, value);
    return json_number(json, frame, value, DUMP_PROCESS, 0);
}

jep_status_t
jeprobe_value(struct json *json, const struct json_frame *frame,
              const struct json_value *value)
{
    switch (frame->state) {
    case JP_HEAD:
        return head_value(json, frame, value);
    case JP_PROCESS:
        return process_value(json, frame, value);
    case JP_ARGV:
        return json_text(json, "process.argv", frame, value);
    case JP_THP:
        return json_text(json, "process.thp.", frame, value);
    case JP_MACHINE:
        return json_number(json, frame, value, DUMP_MACHINE, 0);
    case JP_ENV:
        return json_text(json, "process.env.", frame, value);
    case JP_ROLLUP:
        return json_number(json, frame, value, DUMP_ROLLUP, 0);
    case JP_STATUS:
        return json_number(json, frame, value, DUMP_STATUS, 0);
    case JP_RESIDENCY:
        return json_number(json, frame, value, DUMP_RESIDENCY, 0);
    case JP_CGROUP:
        return json_number(json, frame, value, DUMP_CGROUP, 0);
    case JP_RLIMITS:
        return json_number(json, frame, value, DUMP_RLIMIT, 0);
    case JP_PROFILE:
        if (value->type == JSON_STRING)
            return json_text(json, "profile.", frame, value);
        return json_number(json, frame, value, DUMP_PROFILE, 0);
    case JP_DROPPED:
        return json_number(json, frame, value, DUMP_DROPPED, 0);
    case JP_MAPPING:
        mapping_value(json, frame->key, value);
        return JEP_OK;
    case JP_STACK:
        return stack_value(json, value);
    case JP_SITE:
        STORE(json, site_members, &json->site, frame->key, value);
        return JEP_OK;
    case JP_SAMPLE:
        STORE(json, sample_members, &json->sample, frame->key, value);
        return JEP_OK;
    default:
        return JEP_OK;
    }
}

jep_status_t
jeprobe_open(struct json *json, const struct json_frame *frame)
{
    json->members = 0;
    switch (frame->state) {
    case JP_HEAD:
        return json->sink->format(json->sink->context, DUMP_FORMAT_JEPROBE);
    case JP_MAPPING:
        json->mapping = (struct dump_mapping){0};
        return JEP_OK;
    case JP_STACK:
        json->stack_count = 0;
        return JEP_OK;
    case JP_SITE:
        json->site = (struct dump_site){0};
        return JEP_OK;
    case JP_SAMPLE:
        json->sample = (struct dump_sample){0};
        return JEP_OK;
    default:
        return JEP_OK;
    }
}

jep_status_t
jeprobe_close(struct json *json, const struct json_frame *frame)
{
    const struct dump_sink *sink = json->sink;

    switch (frame->state) {
    case JP_MAPPING:
        if ((json->members & 3) != 3 || json->mapping.path == NULL)
            return JEP_OK;
        return sink->mapping(sink->context, &json->mapping);
    case JP_STACK:
        return sink->stack(sink->context, json->stack, json->stack_count);
    case JP_SITE:
        if ((json->members & SITE_NEEDS) != SITE_NEEDS)
            return malformed(json, "a site lacks stack, size, rate or counts");
        return sink->site(sink->context, &json->site);
    case JP_SAMPLE:
        if ((json->members & SAMPLE_NEEDS) != SAMPLE_NEEDS)
            return malformed(json, "a sample lacks stack, size or rate");
        return sink->sample(sink->context, &json->sample);
    default:
        return JEP_OK;
    }
}
