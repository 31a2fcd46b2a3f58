/* What rules ask of an input. */
#include "analyse/rules.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 96

/* Where the value in force has a name of its own. */
static const struct {
    const char *option, *live;
} live_names[] = {
    {"dirty_decay_ms", "arenas.dirty_decay_ms"},
    {"muzzy_decay_ms", "arenas.muzzy_decay_ms"},
    {"lg_prof_sample", "prof.lg_sample"},
    {"prof_active", "prof.active"},
    {"prof_thread_active_init", "prof.thread_active_init"},
};

static const struct snapshot_setting *
setting_find(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->setting_count; i++) {
        if (strcmp(snapshot->settings[i].name, name) == 0)
            return &snapshot->settings[i];
    }
    return NULL;
}

const char *
rule_option_line(const struct rule_input *in, const char *name, uint32_t *line)
{
    static const char *const prefixes[] = {"", "opt.", "config."};
    const struct snapshot_setting *found = NULL;

    for (size_t i = 0; i < JE_ARRAY_LEN(live_names) && found == NULL; i++) {
        if (strcmp(live_names[i].option, name) == 0)
            found = setting_find(in->snapshot, live_names[i].live);
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(prefixes) && found == NULL; i++) {
        char full[NAME_MAX_LENGTH];

        snprintf(full, sizeof(full), "%s%s", prefixes[i], name);
        found = setting_find(in->snapshot, full);
    }
    *line = found != NULL ? found->line : 0;
    return found != NULL ? found->value : NULL;
}

const char *
rule_option(const struct rule_input *in, const char *name)
{
    uint32_t line;

    return rule_option_line(in, name, &line);
}

bool
rule_is_jemalloc(const struct rule_input *in)
{
    return in->view->source.allocator == JEP_ALLOCATOR_JEMALLOC;
}

bool
rule_release_in(const struct rule_input *in, unsigned from, unsigned to)
{
    return in->release != 0 && in->release >= from &&
           (to == 0 || in->release <= to);
}

bool
rule_change(struct jep_figure before, struct jep_figure now, int64_t *change)
{
    if (!before.known || !now.known || before.value > INT64_MAX ||
        now.value > INT64_MAX)
        return false;
    *change = (int64_t)now.value - (int64_t)before.value;
    return true;
}
