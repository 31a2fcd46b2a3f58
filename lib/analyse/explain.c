/* Names and what they mean, from the lists of rules and of names. */
#include "jeprobe.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define RULE(function, id, letter, gate, notice, if_, why, whence, what, then, \
             unless, read)                                                     \
    {.kind = JEP_TOPIC_RULE,                                                   \
     .name = id,                                                               \
     .text = notice,                                                           \
     .section = letter,                                                        \
     .evidence = if_,                                                          \
     .threshold = why,                                                         \
     .causes = whence,                                                         \
     .action = what,                                                           \
     .confirm = then,                                                          \
     .false_alarm = unless,                                                    \
     .source = read},
#define OPTION(topic, about, words)                                            \
    {.kind = JEP_TOPIC_OPTION, .name = topic, .facts = about, .text = words},
#define STATISTIC(topic, about, words)                                         \
    {.kind = JEP_TOPIC_STATISTIC, .name = topic, .facts = about, .text = words},
#define MALLCTL(topic, about, words)                                           \
    {.kind = JEP_TOPIC_MALLCTL, .name = topic, .facts = about, .text = words},
#define ALIAS(other, topic)

#define CHECK(function, id, notice, if_, whence, matters, what, then, unless,  \
              read)                                                            \
    {.kind = JEP_TOPIC_RULE,                                                   \
     .name = id,                                                               \
     .text = notice,                                                           \
     .section = 'M',                                                           \
     .evidence = if_,                                                          \
     .threshold = whence,                                                      \
     .why = matters,                                                           \
     .action = what,                                                           \
     .confirm = then,                                                          \
     .false_alarm = unless,                                                    \
     .source = read},

static const struct jep_topic topics[] = {
#include "analyse/rules.def"

#include "analyse/doctor.def"

#include "analyse/explain.def"
};

#undef RULE
#undef CHECK
#undef OPTION
#undef STATISTIC
#undef MALLCTL
#undef ALIAS

#define OPTION(topic, about, words)
#define STATISTIC(topic, about, words)
#define MALLCTL(topic, about, words)
#define ALIAS(other, topic) {other, topic},

static const struct alias {
    const char *name, *topic;
} aliases[] = {

#include "analyse/explain.def"
};

#undef OPTION
#undef STATISTIC
#undef MALLCTL
#undef ALIAS

static const char *const sections[] = {
    "Inside active: allocated against active",
    "Dirty and muzzy pages, decay",
    "Metadata",
    "Virtual memory",
    "Huge pages",
    "Thread caches",
    "Arenas and threads",
    "Contention and churn",
    "Can the dump be trusted?",
    "The RSS against the allocator",
    "Applications",
    "Other allocators",
    "The machine and the process, as doctor sees them",
};

const struct jep_topic *
jep_topics(size_t *count)
{
    *count = JE_ARRAY_LEN(topics);
    return topics;
}

const char *
jep_rule_section(char letter)
{
    size_t index = (size_t)(unsigned char)letter - 'A';

    return index < JE_ARRAY_LEN(sections) ? sections[index] : NULL;
}

static const struct jep_topic *
topic_named(const char *name, size_t length)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(topics); i++) {
        if (strncasecmp(topics[i].name, name, length) == 0 &&
            topics[i].name[length] == '\0')
            return &topics[i];
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(aliases); i++) {
        if (strncasecmp(aliases[i].name, name, length) == 0 &&
            aliases[i].name[length] == '\0')
            return topic_named(aliases[i].topic, strlen(aliases[i].topic));
    }
    return NULL;
}

/* One part of a name, between dots: where it starts and how long it is. */
struct part {
    const char *text;
    size_t length;
};

/* The last part of `name` before `end`, which moves to its start. */
static bool
part_before(const char *name, const char **end, struct part *part)
{
    const char *at = *end;

    if (at == name)
        return false;
    if (at[0] == '.')
        at--;
    while (at > name && at[-1] != '.')
        at--;
    part->text = at;
    part->length = (size_t)(*end - at);
    *end = at > name ? at - 1 : name;
    return true;
}

static bool
is_index(const struct part *part)
{
    if (part->length == 1 && isalpha((unsigned char)part->text[0]))
        return true;
    if (part->text[0] == '<' || part->text[0] == '[')
        return true;
    for (size_t i = 0; i < part->length; i++) {
        if (!isdigit((unsigned char)part->text[i]))
            return false;
    }
    return part->length > 0;
}

static bool
part_fits(const struct part *own, const struct part *typed, bool *is_literal)
{
    *is_literal = false;
    if (own->text[0] == '<')
        return is_index(typed);
    if (own->text[0] == '{')
        return typed->text[0] == '{' ||
               topic_named(typed->text, typed->length) != NULL;
    *is_literal = own->length == typed->length &&
                  strncasecmp(own->text, typed->text, own->length) == 0;
    return *is_literal;
}

enum fit { FIT_NONE, FIT_END, FIT_ALL };

/* Whether `own`, up to `own_end`, is `typed`, or ends with it. */
static enum fit
name_fits(const char *own, const char *own_end, const char *typed)
{
    const char *typed_end = typed + strlen(typed);
    struct part own_part, typed_part;
    bool is_literal = false;

    while (part_before(typed, &typed_end, &typed_part)) {
        if (!part_before(own, &own_end, &own_part) ||
            !part_fits(&own_part, &typed_part, &is_literal))
            return FIT_NONE;
    }
    if (own_end == own)
        return FIT_ALL;
    return is_literal ? FIT_END : FIT_NONE;
}

static size_t
add(const struct jep_topic **found, size_t count, const struct jep_topic *topic)
{
    for (size_t i = 0; i < count; i++) {
        if (found[i] == topic)
            return count;
    }
    if (count < JEP_TOPICS_FOUND_MAX)
        found[count++] = topic;
    return count;
}

/* The same for a topic, whose {counter} at the end may be left out. */
static enum fit
topic_fits(const struct jep_topic *topic, const char *typed)
{
    const char *end = topic->name + strlen(topic->name);
    const char *counter = strstr(topic->name, ".{");
    enum fit fit = name_fits(topic->name, end, typed);

    return fit == FIT_NONE && counter != NULL
               ? name_fits(topic->name, counter, typed)
               : fit;
}

static size_t
add_fitting(const char *name, enum fit wanted, const struct jep_topic **found,
            size_t count)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(topics); i++) {
        if (topics[i].kind != JEP_TOPIC_RULE &&
            topic_fits(&topics[i], name) == wanted)
            count = add(found, count, &topics[i]);
    }
    return count;
}

size_t
jep_topics_find(const char *name, const struct jep_topic **found)
{
    const struct jep_topic *exact = topic_named(name, strlen(name));
    const char *last = strrchr(name, '.');
    size_t count = 0;

    if (*name == '\0')
        return 0;
    if (exact != NULL)
        count = add(found, count, exact);
    count = add_fitting(name, FIT_ALL, found, count);
    if (count == 0)
        count = add_fitting(name, FIT_END, found, count);
    /* What {counter} stood for. */
    if (count > 0 && exact == NULL && last != NULL &&
        strchr(found[0]->name, '{') != NULL)
        exact = topic_named(last + 1, strlen(last + 1));
    return exact != NULL ? add(found, count, exact) : count;
}
