/* The baseline of `jeprobe check`: what a dump was like when all was well.
 * JSON, schema jeprobe.baseline/1. */
#include "cli/check.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/render/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA "jeprobe.baseline/1"

/* A baseline and what its text lives in. */
struct loaded {
    struct jep_baseline baseline; /* first: the handle */
    json_t *root;
    struct jep_baseline_site *sites;
    const char **findings;
};

static struct jep_figure
figure(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return (struct jep_figure){0};
    return (struct jep_figure){.value = (uint64_t)json_integer_value(value),
                               .known = true};
}

static void *
room(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    if (memory == NULL)
        die(EXIT_SYSTEM, "out of memory");
    return memory;
}

static void
read_sites(const char *path, const json_t *array, struct loaded *loaded)
{
    size_t i;
    json_t *one;

    loaded->sites = room(json_array_size(array), sizeof(*loaded->sites));
    json_array_foreach(array, i, one)
    {
        const char *key = json_string_value(json_object_get(one, "key"));
        char *end = NULL;

        loaded->sites[i] = (struct jep_baseline_site){
            .key = key != NULL ? strtoull(key, &end, 16) : 0,
            .samples = figure(one, "samples").value,
            .live_bytes = {(double)figure(one, "live_bytes").value,
                           (double)figure(one, "low").value,
                           (double)figure(one, "high").value}};
        if (key == NULL || end == key || *end != '\0')
            die(EXIT_INPUT, "%s: site %zu has no \"key\"", path, i);
    }
    loaded->baseline.sites = loaded->sites;
    loaded->baseline.site_count = json_array_size(array);
}

static void
read_findings(const json_t *array, struct loaded *loaded)
{
    struct jep_baseline *baseline = &loaded->baseline;
    size_t i;
    json_t *one;

    loaded->findings = room(json_array_size(array), sizeof(char *));
    json_array_foreach(array, i, one)
    {
        if (json_is_string(one))
            loaded->findings[baseline->finding_count++] =
                json_string_value(one);
    }
    baseline->findings = loaded->findings;
}

static json_t *
load(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    const char *schema;

    if (root == NULL && error.line > 0)
        die(EXIT_INPUT, "%s:%d:%d: %s", path, error.line, error.column,
            error.text);
    if (root == NULL)
        die(EXIT_INPUT, "%s: %s", path, error.text);
    schema = json_string_value(json_object_get(root, "schema"));
    if (schema == NULL || strcmp(schema, SCHEMA) != 0)
        die_advise(EXIT_INPUT, "--update-baseline makes a new one",
                   "%s: is no baseline of the schema " SCHEMA, path);
    return root;
}

struct jep_baseline *
check_baseline_read(const char *path)
{
    struct loaded *loaded;
    const json_t *figures;
    json_t *root;

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return NULL;
    root = load(path);
    loaded = room(1, sizeof(*loaded));
    loaded->root = root;
    loaded->baseline.allocator =
        json_string_value(json_object_get(loaded->root, "allocator"));
    loaded->baseline.version =
        json_string_value(json_object_get(loaded->root, "version"));
    loaded->baseline.sample_interval = figure(loaded->root, "sample_interval");
    figures = json_object_get(loaded->root, "figures");
    for (int i = 0; i < JEP_BASE_FIGURES; i++)
        loaded->baseline.figures[i] = figure(figures, jep_baseline_names[i]);
    read_sites(path, json_object_get(loaded->root, "sites"), loaded);
    read_findings(json_object_get(loaded->root, "findings"), loaded);
    return &loaded->baseline;
}

void
check_baseline_free(struct jep_baseline *baseline)
{
    struct loaded *loaded = (struct loaded *)baseline;

    if (loaded == NULL)
        return;
    json_decref(loaded->root);
    free(loaded->sites);
    free(loaded->findings);
    free(loaded);
}

static json_t *
site(const struct jep_stack *from)
{
    json_t *object = value_need(json_object());
    char key[17];

    snprintf(key, sizeof(key), "%016" PRIx64, jep_site_key(from));
    value_set(object, "key", value_text(key));
    value_set(
        object, "name",
        value_text(from->frame_count > 0 ? from->frames[0].function : NULL));
    value_set(object, "samples", value_whole(from->live_samples));
    value_set(object, "live_bytes",
              value_whole((uint64_t)from->live_bytes.value));
    value_set(object, "low", value_whole((uint64_t)from->live_bytes.low));
    value_set(object, "high", value_whole((uint64_t)from->live_bytes.high));
    return object;
}

int
check_baseline_write(const char *path, const struct jep_view *view,
                     const char *allocator)
{
    json_t *root = value_need(json_object());
    json_t *figures = value_need(json_object());
    json_t *sites = value_need(json_array());
    json_t *findings = value_need(json_array());
    out_t *out = out_open(path);

    for (int i = 0; i < JEP_BASE_FIGURES; i++)
        value_set(figures, jep_baseline_names[i],
                  value_figure(
                      jep_baseline_figure(view, (enum jep_baseline_figure)i)));
    for (size_t i = 0; i < view->profile.site_count; i++)
        value_append(sites, site(&view->profile.sites[i]));
    for (size_t i = 0; i < view->finding_count; i++)
        value_append(findings, value_text(view->findings[i].rule));
    value_set(root, "schema", value_text(SCHEMA));
    value_set(root, "allocator", value_text(allocator));
    value_set(root, "version", value_text(view->source.version));
    value_set(root, "sample_interval",
              value_figure(view->profile.sample_interval));
    value_set(root, "figures", figures);
    value_set(root, "findings", findings);
    value_set(root, "sites", sites);
    value_print(out, root);
    return out_close(out);
}
