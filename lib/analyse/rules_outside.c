/* What the rules of sections J and K have in common. */
#include "analyse/rules_outside.h"

#include <ctype.h>
#include <string.h>

struct jep_figure
outside_sum(const struct jep_figure *figures, size_t count)
{
    struct jep_figure sum = {0};

    for (size_t i = 0; i < count; i++) {
        if (!figures[i].known)
            continue;
        sum = sum.known ? figure_plus(sum, figures[i]) : figures[i];
    }
    return sum;
}

struct jep_figure
outside_glibc(const struct rule_input *in)
{
    const struct jep_figure *rollup = in->snapshot->rollup;
    struct jep_figure parts[] = {rollup[ROLLUP_HEAP],
                                 rollup[ROLLUP_GLIBC_HEAP]};

    /* Told to, jemalloc takes brk's memory first. */
    if (rule_option_is(in, "dss", "primary"))
        parts[0] = (struct jep_figure){0};
    return outside_sum(parts, JE_ARRAY_LEN(parts));
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* "python3.11" and "python" have the name "python", "pythonista" has not. */
static bool
has_name(const char *text, const char *const *names)
{
    for (; *names != NULL; names++) {
        size_t length = strlen(*names);

        if (strncmp(text, *names, length) == 0 &&
            !isalpha((unsigned char)text[length]))
            return true;
    }
    return false;
}

/* What the process is called, in the order of how sure it is. */
static const char *
called(const struct rule_input *in, const char *const *names, const char **how)
{
    static const char *const settings[] = {"process.exe", "process.comm"};
    const struct snapshot *snapshot = in->snapshot;

    for (size_t i = 0; i < JE_ARRAY_LEN(settings); i++) {
        const char *value = snapshot_setting(snapshot, settings[i]);

        *how = i == 0 ? "program" : "name";
        if (value != NULL && has_name(base_name(value), names))
            return value;
    }
    *how = "command";
    if (snapshot->argc > 0 && snapshot->argv[0] != NULL &&
        has_name(base_name(snapshot->argv[0]), names))
        return snapshot->argv[0];
    return NULL;
}

bool
program_is(const struct rule_input *in, const char *const *names)
{
    const char *how;

    return called(in, names, &how) != NULL;
}

const char *
program_maps(const struct rule_input *in, const char *const *names)
{
    static const char setting[] = "process.mapped.";
    const struct snapshot *snapshot = in->snapshot;
    const struct profile *profile = &snapshot->profile;

    for (size_t i = 0; i < snapshot->setting_count; i++) {
        const struct snapshot_setting *one = &snapshot->settings[i];

        if (strncmp(one->name, setting, sizeof(setting) - 1) == 0 &&
            has_name(one->name + sizeof(setting) - 1, names))
            return one->value;
    }
    for (size_t i = 0; i < profile->mapping_count; i++) {
        const char *path = profile->mappings[i].path;

        if (path != NULL && has_name(base_name(path), names))
            return path;
    }
    return NULL;
}

void
program_show(const struct rule_input *in, struct finding *finding,
             const char *const *names, const char *const *files)
{
    const char *how = "mapped", *what = called(in, names, &how);

    if (what == NULL) {
        how = "mapped";
        what = program_maps(in, files);
    }
    finding_text(finding, how, what, 0);
}

bool
program_is_redis(const struct rule_input *in)
{
    static const char *const names[] = {"redis-server", "valkey-server",
                                        "keydb-server", NULL};

    for (size_t i = 0; i < REDIS_COUNT; i++) {
        if (in->snapshot->redis[i].known)
            return true;
    }
    return in->snapshot->format == DUMP_FORMAT_REDIS || program_is(in, names);
}

bool
program_is_java(const struct rule_input *in)
{
    static const char *const names[] = {"java", NULL};
    static const char *const files[] = {"libjvm", NULL};

    return program_is(in, names) || program_maps(in, files) != NULL;
}
