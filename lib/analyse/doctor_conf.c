/* Options of jemalloc, in the environment and elsewhere: what each of them
 * comes to.
 *
 * Names and versions are those that `jeprobe explain` knows. */
#include "analyse/doctor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH 64

struct listing {
    struct live *live;
    struct jep_option_seen *options;
    size_t count, capacity;
    bool is_failed;
};

/* ---- versions ----------------------------------------------------------- */

/* "5.3.1" is 50301, "4.x" from 40000 to 49999 and "5.2" from 50200 to 50299:
 * *last is the end of the range.  0 = there is no version. */
static unsigned
release(const char *text, unsigned *last)
{
    unsigned parts[3] = {0}, count = 0, value;

    *last = 0;
    while (count < 3 && isdigit((unsigned char)*text)) {
        char *end;

        parts[count++] = (unsigned)strtoul(text, &end, 10);
        if (*end != '.')
            break;
        text = end + 1;
    }
    if (count == 0 || parts[0] > 99 || parts[1] > 99 || parts[2] > 99)
        return 0;
    value = parts[0] * 10000 + parts[1] * 100 + parts[2];
    *last = value + (count == 1 ? 9999 : count == 2 ? 99 : 0);
    return value;
}

/* What follows `words` in `text`, if it is a version. */
static unsigned
release_after(const char *text, const char *words, unsigned *last)
{
    const char *at = strstr(text, words);

    *last = 0;
    return at == NULL ? 0 : release(at + strlen(words), last);
}

/* Whether an option with these facts ("bool, true, from 5.0") is in `version`
 * of jemalloc; an open end is in all. */
static bool
is_in(const char *facts, unsigned version)
{
    unsigned last, end, from = release_after(facts, ", from ", &last);
    unsigned gone, only;

    if (from == 0)
        from = release_after(facts, "can be set from ", &last);
    release_after(facts, ", up to ", &end);
    gone = release_after(facts, ", gone in ", &last);
    only = release_after(facts, ", 4.1 to ", &last);
    if (only != 0)
        end = last;
    /* "ratio or decay, 4.x", "bool, 3.x and 4.x" */
    if (strstr(facts, ".x") != NULL && end == 0 && from == 0)
        end = 49999;
    return version >= from && (end == 0 || version <= end) &&
           (gone == 0 || version < gone);
}

/* ---- one option --------------------------------------------------------- */

static const struct jep_topic *
topic_of(const char *name)
{
    size_t count;
    const struct jep_topic *topics = jep_topics(&count);

    for (size_t i = 0; i < count; i++) {
        if (topics[i].kind == JEP_TOPIC_OPTION &&
            strncmp(topics[i].name, "opt.", 4) == 0 &&
            strcmp(topics[i].name + 4, name) == 0)
            return &topics[i];
    }
    return NULL;
}

static bool
is_number(const char *value)
{
    char *end;

    if (*value == '\0' || isspace((unsigned char)*value))
        return false;
    strtoll(value, &end, 0);
    return *end == '\0';
}

/* Units that jemalloc writes as plain numbers. */
static bool
takes_number(const char *facts)
{
    static const char *const units[] = {
        "ms",      "size",    "unsigned", "arenas",  "log2",    "bytes",
        "threads", "rounds",  "objects",  "extents", "seconds", "slabs",
        "ranges",  "samples", "frames",   "parts"};
    size_t length = strcspn(facts, ", ");

    for (size_t i = 0; i < JE_ARRAY_LEN(units); i++) {
        if (strlen(units[i]) == length && strncmp(facts, units[i], length) == 0)
            return true;
    }
    return false;
}

static enum jep_option_verdict
judge(const struct jep_allocator_seen *allocator, const char *name,
      const char *value)
{
    const struct jep_topic *topic = topic_of(name);
    bool is_ours = allocator->kind == JEP_ALLOCATOR_JEALLOC;
    unsigned version, last;

    if (topic == NULL)
        return JEP_OPTION_UNKNOWN;
    version =
        allocator->version != NULL ? release(allocator->version, &last) : 0;
    if (!is_ours && strstr(topic->facts, "our allocator only") != NULL)
        return JEP_OPTION_UNKNOWN;
    if (!is_ours && version != 0 && !is_in(topic->facts, version))
        return JEP_OPTION_VERSION;
    if (strncmp(topic->facts, "bool", 4) == 0 && strcmp(value, "true") != 0 &&
        strcmp(value, "false") != 0)
        return JEP_OPTION_VALUE;
    return takes_number(topic->facts) && !is_number(value) ? JEP_OPTION_VALUE
                                                           : JEP_OPTION_FINE;
}

/* ---- all of them -------------------------------------------------------- */

static void
add(struct listing *list, const char *source, const char *name,
    const char *value, enum jep_option_verdict verdict)
{
    if (!intern_grow((void **)&list->options, &list->capacity, list->count,
                     sizeof(*list->options))) {
        list->is_failed = true;
        return;
    }
    list->options[list->count++] =
        (struct jep_option_seen){source, name, value, verdict};
}

/* "name:value,name:value": jemalloc stops at the first pair that is none. */
static void
read_options(struct listing *list, const char *source, const char *text,
             const struct jep_allocator_seen *allocator)
{
    bool is_over = false;

    while (*text != '\0' && !list->is_failed && !list->live->is_failed) {
        size_t length = strcspn(text, ",");
        size_t name = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789_.");
        bool is_pair = name > 0 && name < length && text[name] == ':';
        const char *own = live_piece(list->live, text, is_pair ? name : length);
        const char *value =
            is_pair ? live_piece(list->live, text + name + 1, length - name - 1)
                    : "";

        if (own == NULL || value == NULL)
            return;
        if (is_over || allocator == NULL)
            add(list, source, own, value, JEP_OPTION_UNREAD);
        else
            add(list, source, own, value,
                is_pair ? judge(allocator, own, value) : JEP_OPTION_MALFORMED);
        is_over |= !is_pair;
        text += length + (text[length] == ',');
    }
}

/* The allocator that reads `variable`. */
static const struct jep_allocator_seen *
reader_of(const struct live *live, const char *variable)
{
    for (size_t i = 0; i < live->allocator_count; i++) {
        const struct jep_allocator_seen *one = &live->allocators[i];

        if (one->variable != NULL && strcmp(one->variable, variable) == 0)
            return one;
        if (one->kind == JEP_ALLOCATOR_JEALLOC &&
            strcmp(variable, "JEPROBE_CONF") == 0)
            return one;
    }
    return NULL;
}

static bool
is_conf(const char *name)
{
    size_t length = strlen(name);

    return strcmp(name, "JEPROBE_CONF") == 0 ||
           (length >= 11 && strcmp(name + length - 11, "MALLOC_CONF") == 0);
}

bool
doctor_options(struct live *live, struct jep_option_seen **options,
               size_t *count)
{
    struct listing list = {.live = live};
    /* With more rights than its caller a program reads no variables. */
    bool is_secure = live->facts[LIVE_PROCESS_SECURE].figure.value != 0;

    for (size_t i = 0; !live->is_blind && i < live->conf_count; i++)
        read_options(&list, live->confs[i].source, live->confs[i].text,
                     live->confs[i].reader);
    for (size_t i = 0; !live->is_blind && i < live->variable_count; i++) {
        const struct jep_variable *one = &live->variables[i];

        if (is_conf(one->name))
            read_options(&list, one->name, one->value,
                         is_secure ? NULL : reader_of(live, one->name));
    }
    if (live->conf_link != NULL)
        read_options(&list, live->conf_link_path, live->conf_link,
                     live->conf_link_reader < live->allocator_count
                         ? &live->allocators[live->conf_link_reader]
                         : NULL);
    *options = list.options;
    *count = list.count;
    if (!list.is_failed && !live->is_failed)
        return true;
    free(list.options);
    *options = NULL;
    return false;
}
