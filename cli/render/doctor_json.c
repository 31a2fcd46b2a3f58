/* The schema jeprobe.doctor/1, described in jeprobe(1). */
#include "cli/render/doctor.h"

#include "cli/render/render.h"
#include "cli/render/value.h"

/* A limit that does not exist is "max", as the kernel writes it. */
static json_t *
fact_value(const struct jep_fact *fact)
{
    if (fact->is_unlimited)
        return value_text("max");
    if (fact->kind == JEP_FACT_TEXT)
        return value_text(fact->text);
    if (!fact->figure.known)
        return json_null();
    if (fact->kind == JEP_FACT_SIGNED)
        return json_integer((json_int_t)fact->figure.value);
    if (fact->kind == JEP_FACT_PRESSURE)
        return json_real((double)fact->figure.value / 10000.0);
    return value_whole(fact->figure.value);
}

static void
set_facts(json_t *object, const struct jep_fact *facts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        value_set(object, facts[i].name, fact_value(&facts[i]));
}

static json_t *
process(const struct jep_doctor_view *view)
{
    json_t *object;

    if (!view->pid.known)
        return json_null();
    object = value_need(json_object());
    value_set(object, "pid", value_figure(view->pid));
    set_facts(object, view->process, view->process_count);
    return object;
}

static json_t *
groups(const struct jep_doctor_view *view)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->group_count; i++) {
        const struct jep_group *group = &view->groups[i];
        json_t *one = value_need(json_object());

        value_set(one, "path", value_text(group->path));
        value_set(one, "directory", value_text(group->directory));
        value_set(one, "tightest", json_boolean(group->is_tightest));
        set_facts(one, group->facts, group->fact_count);
        value_append(array, one);
    }
    return array;
}

static json_t *
allocators(const struct jep_doctor_view *view)
{
    static const char *const names[] = {[JEP_LOADED_PROGRAM] = "program",
                                        [JEP_LOADED_PRELOAD] = "preload",
                                        [JEP_LOADED_SYSTEM] = "system-preload",
                                        [JEP_LOADED_LINKED] = "linked",
                                        [JEP_LOADED_OTHERWISE] = "otherwise"};
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->allocator_count; i++) {
        const struct jep_allocator_seen *from = &view->allocators[i];
        json_t *one = value_need(json_object());

        value_set(one, "name", value_text(from->name));
        value_set(one, "version", value_text(from->version));
        value_set(one, "path", value_text(from->path));
        value_set(one, "loaded", value_text(names[from->loaded]));
        value_set(one, "malloc", json_boolean(from->serves_malloc));
        value_set(one, "prefix", value_text(from->prefix));
        value_set(one, "variable", value_text(from->variable));
        value_append(array, one);
    }
    return array;
}

static json_t *
environment(const struct jep_doctor_view *view)
{
    json_t *object = value_need(json_object());

    for (size_t i = 0; i < view->variable_count; i++) {
        json_t *name = value_text(view->variables[i].name);

        /* A name may have bytes that are no text, too. */
        value_set(object, json_string_value(value_need(name)),
                  value_text(view->variables[i].value));
        json_decref(name);
    }
    return object;
}

static json_t *
options(const struct jep_doctor_view *view)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->option_count; i++) {
        const struct jep_option_seen *from = &view->options[i];
        json_t *one = value_need(json_object());

        value_set(one, "source", value_text(from->source));
        value_set(one, "name", value_text(from->name));
        value_set(one, "value", value_text(from->value));
        value_set(one, "verdict", value_text(doctor_verdict(from->verdict)));
        value_append(array, one);
    }
    return array;
}

static json_t *
unread(const struct jep_doctor_view *view)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->unread_count; i++) {
        json_t *one = value_need(json_object());

        value_set(one, "file", value_text(view->unread[i].file));
        value_set(one, "why", value_text(view->unread[i].why));
        value_append(array, one);
    }
    return array;
}

static json_t *
findings(const struct jep_doctor_view *view)
{
    json_t *array = value_need(json_array());

    for (size_t i = 0; i < view->finding_count; i++) {
        const struct jep_finding *from = &view->findings[i];
        json_t *one = render_finding(from);

        value_set(one, "why", value_text(from->why));
        value_set(one, "now", value_text(from->now));
        value_set(one, "keep", value_text(from->keep));
        value_append(array, one);
    }
    return array;
}

void
doctor_json(out_t *out, const struct jep_doctor_view *view)
{
    json_t *root = value_need(json_object());
    json_t *machine = value_need(json_object());

    set_facts(machine, view->machine, view->machine_count);
    value_set(root, "schema", value_text(JEP_DOCTOR_SCHEMA));
    value_set(root, "machine", machine);
    value_set(root, "process", process(view));
    value_set(root, "cgroup_version",
              view->group_version > 0 ? value_whole(view->group_version)
                                      : json_null());
    value_set(root, "cgroups", groups(view));
    value_set(root, "allocators", allocators(view));
    value_set(root, "environment", environment(view));
    value_set(root, "options", options(view));
    value_set(root, "unread", unread(view));
    value_set(root, "findings", findings(view));
    value_print(out, root);
}
