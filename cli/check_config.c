/* The configuration file of `jeprobe check`: limits, and which checks are
 * silenced for what reason.  JSON, read by jansson. */
#include "cli/check.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/text.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct check_config {
    json_t *root; /* owner of all text */
    struct jep_suppression *suppressions;
};

static JE_NORETURN void
wrong(const char *path, const char *key, const char *why)
{
    die(EXIT_INPUT, "%s: \"%s\" %s", path, key, why);
}

static void
percent(const char *path, const char *key, const json_t *value,
        struct jep_ratio *out)
{
    double number = json_number_value(value);

    if (!json_is_number(value) || !(number >= 0.0) || !isfinite(number))
        wrong(path, key, "has to be a number of per cent, 0 or more");
    *out = (struct jep_ratio){number / 100.0, true};
}

static uint64_t
size(const char *path, const char *key, const json_t *value)
{
    uint64_t bytes = 0;

    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return (uint64_t)json_integer_value(value);
    if (!json_is_string(value) ||
        text_parse_size(json_string_value(value), &bytes) != NULL)
        wrong(path, key, "has to be a size: 1048576, or \"1MiB\"");
    return bytes;
}

static void
severity(const char *path, const char *key, const json_t *value,
         struct jep_limits *limits)
{
    static const struct {
        const char *name;
        enum jep_severity severity;
    } names[] = {{"low", JEP_LOW}, {"medium", JEP_MEDIUM}, {"high", JEP_HIGH}};

    const char *text = json_string_value(value);

    limits->ignore_findings = text != NULL && strcmp(text, "never") == 0;
    if (limits->ignore_findings)
        return;
    for (size_t i = 0; text != NULL && i < JE_ARRAY_LEN(names); i++) {
        if (strcmp(names[i].name, text) == 0) {
            limits->fail_on = names[i].severity;
            return;
        }
    }
    wrong(path, key, "has to be \"low\", \"medium\", \"high\" or \"never\"");
}

struct nearest {
    const char *typed, *name;
    unsigned distance; /* 0 = it is the name */
};

static void
consider(struct nearest *nearest, const char *name)
{
    unsigned distance = text_distance(nearest->typed, name);

    if (nearest->name != NULL && nearest->distance <= distance)
        return;
    nearest->name = name;
    nearest->distance = distance;
}

/* What is misspelt would silence nothing, and nobody would know. */
static void
check_name(const char *path, const char *name)
{
    struct nearest nearest = {.typed = name};
    size_t count;
    const struct jep_topic *topics = jep_topics(&count);

    for (size_t i = 0; i < count; i++) {
        if (topics[i].kind == JEP_TOPIC_RULE)
            consider(&nearest, topics[i].name);
    }
    for (size_t i = 0; i < JEP_CHECK_NAMES; i++)
        consider(&nearest, jep_check_names[i]);
    for (size_t i = 0; i < JEP_BASE_FIGURES; i++)
        consider(&nearest, jep_baseline_names[i]);
    if (nearest.distance == 0)
        return;
    if (text_is_near(name, nearest.name))
        die(EXIT_INPUT,
            "%s: there is no check \"%s\" to suppress; did you mean \"%s\"?",
            path, name, nearest.name);
    die(EXIT_INPUT,
        "%s: there is no check \"%s\" to suppress; jeprobe explain lists all "
        "rules",
        path, name);
}

static void
suppressions(const char *path, const json_t *array, struct check_config *config,
             struct jep_limits *limits)
{
    size_t count = json_array_size(array), i;
    json_t *one;

    if (!json_is_array(array))
        wrong(path, "suppress", "has to be an array");
    config->suppressions = calloc(count + 1, sizeof(*config->suppressions));
    if (config->suppressions == NULL)
        die(EXIT_SYSTEM, "out of memory");
    json_array_foreach(array, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "check"));
        const char *reason = json_string_value(json_object_get(one, "reason"));

        if (name == NULL || name[0] == '\0')
            wrong(path, "suppress", "has an entry without a \"check\"");
        if (reason == NULL || reason[0] == '\0')
            die(EXIT_INPUT, "%s: the suppression of \"%s\" has no \"reason\"",
                path, name);
        check_name(path, name);
        config->suppressions[i] = (struct jep_suppression){name, reason};
    }
    limits->suppressions = config->suppressions;
    limits->suppression_count = count;
}

static void
apply(const char *path, const char *key, const json_t *value,
      struct check_config *config, struct jep_limits *limits)
{
    if (strcmp(key, "max-internal") == 0)
        percent(path, key, value, &limits->max_internal);
    else if (strcmp(key, "max-external") == 0)
        percent(path, key, value, &limits->max_external);
    else if (strcmp(key, "max-metadata") == 0)
        percent(path, key, value, &limits->max_metadata);
    else if (strcmp(key, "max-growth") == 0)
        percent(path, key, value, &limits->max_growth);
    else if (strcmp(key, "max-allocated") == 0)
        limits->max_allocated =
            (struct jep_figure){.value = size(path, key, value), .known = true};
    else if (strcmp(key, "min-size") == 0)
        limits->min_size = size(path, key, value);
    else if (strcmp(key, "fail-on") == 0)
        severity(path, key, value, limits);
    else if (strcmp(key, "suppress") == 0)
        suppressions(path, value, config, limits);
    else
        wrong(path, key, "is not known; see jeprobe(1)");
}

struct check_config *
check_config_read(const char *path, struct jep_limits *limits)
{
    struct check_config *config = calloc(1, sizeof(*config));
    json_error_t error;
    const char *key;
    json_t *value;

    if (config == NULL)
        die(EXIT_SYSTEM, "out of memory");
    errno = 0;
    config->root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (config->root == NULL && error.line > 0)
        die(EXIT_INPUT, "%s:%d:%d: %s", path, error.line, error.column,
            error.text);
    if (config->root == NULL)
        die(EXIT_INPUT, "%s: %s%s", path, errno != 0 ? "cannot open: " : "",
            errno != 0 ? strerror(errno) : error.text);
    if (!json_is_object(config->root))
        die(EXIT_INPUT, "%s: has to be a JSON object", path);
    json_object_foreach(config->root, key, value)
        apply(path, key, value, config, limits);
    return config;
}

void
check_config_free(struct check_config *config)
{
    if (config == NULL)
        return;
    json_decref(config->root);
    free(config->suppressions);
    free(config);
}
