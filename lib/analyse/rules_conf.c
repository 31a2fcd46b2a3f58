/* Section I: options that were set and do nothing. */
#include "analyse/rules_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_MAX           256
#define OVERSIZE_DEFAULT   8388608
#define MUZZY_DEFAULT_OLD  10000 /* ms, in 5.0 and 5.1 */
#define MUZZY_OFF_FROM     50200
#define RELEASE_5_3_0      50300
#define THP_OPTION_FROM    50100
#define THP_METADATA_AFTER 50201

/* "key:value" at the start of `conf`, without what follows; returns where the
 * next pair is.  *value is NULL if there is no colon or no room. */
static const char *
pair_next(const char *conf, char pair[PAIR_MAX], char **value)
{
    size_t length = strcspn(conf, ",");
    char *colon;

    *value = NULL;
    if (length < PAIR_MAX) {
        snprintf(pair, PAIR_MAX, "%.*s", (int)length, conf);
        colon = strchr(pair, ':');
        if (colon != NULL) {
            *colon = '\0';
            *value = colon + 1;
        }
    }
    return conf[length] == ',' ? conf + length + 1 : NULL;
}

/* Numbers may be written in other ways than they are printed. */
static bool
is_same_value(const char *a, const char *b)
{
    char *end_a, *end_b;
    long long x = strtoll(a, &end_a, 0), y = strtoll(b, &end_b, 0);

    if (strcmp(a, b) == 0)
        return true;
    return *a != '\0' && *b != '\0' && *end_a == '\0' && *end_b == '\0' &&
           x == y;
}

/* How many pairs of `conf` the dump has with that value, and with another. */
static void
conf_compare(const struct snapshot *snapshot, const char *conf,
             unsigned *in_force, unsigned *ignored)
{
    *in_force = *ignored = 0;
    while (conf != NULL) {
        char pair[PAIR_MAX], name[PAIR_MAX + 8], *value;
        const char *option;

        conf = pair_next(conf, pair, &value);
        if (value == NULL)
            continue;
        snprintf(name, sizeof(name), "opt.%s", pair);
        option = snapshot_setting(snapshot, name);
        if (option == NULL)
            continue;
        if (is_same_value(option, value))
            ++*in_force;
        else
            ++*ignored;
    }
}

bool
rule_conf_wrong_prefix(const struct rule_input *in, struct finding *finding)
{
    const char *conf =
        snapshot_setting(in->snapshot, "process.env.MALLOC_CONF");
    unsigned in_force, ignored;

    if (conf == NULL || !rule_is_jemalloc(in))
        return false;
    conf_compare(in->snapshot, conf, &in_force, &ignored);
    if (in_force > 0 || ignored == 0)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding, "MALLOC_CONF is set, and nothing of it is in force");
    finding_text(finding, "MALLOC_CONF", conf, 0);
    finding_count(finding, "options with another value",
                  figure_derived(ignored));
    finding_text(finding, "program", in->view->process.exe, 0);
    return true;
}

/* Whether the environment sets option `name`. */
static bool
conf_sets(const struct snapshot *snapshot, const char *name)
{
    const char *conf = snapshot_setting(snapshot, "process.env.MALLOC_CONF");

    while (conf != NULL) {
        char pair[PAIR_MAX], *value;

        conf = pair_next(conf, pair, &value);
        if (value != NULL && strcmp(pair, name) == 0)
            return true;
    }
    return false;
}

static bool
muzzy_is_inert(const struct rule_input *in)
{
    int64_t dirty, muzzy;

    if (!rule_option_number(in, "dirty_decay_ms", &dirty) || dirty != 0 ||
        !rule_option_number(in, "muzzy_decay_ms", &muzzy) || muzzy == 0)
        return false;
    return rule_release_in(in, MUZZY_OFF_FROM, 0) || muzzy != MUZZY_DEFAULT_OLD;
}

static bool
thp_is_inert(const struct rule_input *in)
{
    const char *mode = rule_thp_mode(in->snapshot);

    return rule_release_in(in, THP_OPTION_FROM, THP_METADATA_AFTER) &&
           rule_option_is(in, "thp", "never") &&
           (mode == NULL || strcmp(mode, "always") == 0);
}

/* An option that this version takes and does not act on: its name, and in
 * *title and *action what to say.  NULL = none. */
static const char *
inert_option(const struct rule_input *in, const char **title,
             const char **action)
{
    bool is_530 = rule_release_in(in, RELEASE_5_3_0, RELEASE_5_3_0);
    int64_t oversize;

    if (is_530 && conf_sets(in->snapshot, "cache_oblivious")) {
        *title = "jemalloc 5.3.0 shows cache_oblivious and does not accept it";
        *action = "Build with --disable-cache-oblivious, or take 5.3.1.";
        return "cache_oblivious";
    }
    if (is_530 && rule_option_number(in, "oversize_threshold", &oversize) &&
        oversize > OVERSIZE_DEFAULT) {
        *title = "oversize_threshold is raised, but in 5.3.0 arena 0 still "
                 "purges from 8 MiB on at once";
        *action = "Do the work with large buffers outside the main thread, or "
                  "in an arena of its own (MALLOCX_ARENA), or take 5.3.1.";
        return "oversize_threshold";
    }
    if (thp_is_inert(in)) {
        *title = "thp:never does not reach the allocator's metadata before "
                 "5.3.0";
        *action = "Set transparent huge pages to madvise for the machine, or "
                  "take 5.3.0 or later.";
        return "thp";
    }
    if (muzzy_is_inert(in)) {
        *title = "muzzy_decay_ms does nothing with dirty_decay_ms:0: pages "
                 "skip the muzzy state";
        *action = "Take muzzy_decay_ms out of MALLOC_CONF, or give "
                  "dirty_decay_ms a time above 0.";
        return "muzzy_decay_ms";
    }
    return NULL;
}

bool
rule_conf_rejected_or_inert(const struct rule_input *in,
                            struct finding *finding)
{
    const char *rejected = snapshot_setting(in->snapshot, "conf.rejected");
    const char *title = NULL, *action = NULL, *name;

    if (!rule_is_jemalloc(in))
        return false;
    name = rejected == NULL ? inert_option(in, &title, &action) : NULL;
    if (rejected == NULL && name == NULL)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    if (rejected != NULL) {
        finding_title(finding, "The allocator rejected an option: %s",
                      rejected);
        finding_text(finding, "rejected", rejected, 0);
        return true;
    }
    finding_title(finding, "%s", title);
    finding_action(finding, "%s", action);
    finding_text(finding, name, rule_option(in, name), 0);
    finding_text(finding, "MALLOC_CONF",
                 snapshot_setting(in->snapshot, "process.env.MALLOC_CONF"), 0);
    return true;
}
