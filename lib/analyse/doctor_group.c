/* Checks of control groups: a limit of any of them holds. */
#include "analyse/doctor.h"

#include <stdio.h>
#include <string.h>

#define NEAR_SHARE      0.80 /* of the limit */
#define LEAST_SHARE     0.95
#define THROTTLED_SHARE 0.98 /* of memory.high */
#define RAISE           1.5  /* a limit that gives room to look around */

static const struct jep_fact *
fact(const struct live_group *group, enum live_id id)
{
    return doctor_group_fact(group, id);
}

/* Usage less the files that can be dropped; that of a group whose memory.stat
 * cannot be read is its usage. */
static double
working_set(const struct live_group *group)
{
    const struct jep_fact *usage = fact(group, LIVE_GROUP_USAGE);
    const struct jep_fact *files = fact(group, LIVE_GROUP_INACTIVE_FILE);
    double bytes = (double)usage->figure.value;

    if (files->figure.known && (double)files->figure.value < bytes)
        bytes -= (double)files->figure.value;
    return bytes;
}

/* The group that is fullest by `part` of `whole`; NULL = none is known. */
static const struct live_group *
fullest(const struct live *live, double part(const struct live_group *),
        enum live_id whole, double *share)
{
    const struct live_group *best = NULL;

    *share = -1.0;
    for (size_t i = 0; i < live->group_count; i++) {
        const struct live_group *group = &live->groups[i];
        struct jep_figure most = fact(group, whole)->figure;
        double own;

        if (!most.known || most.value == 0 ||
            !fact(group, LIVE_GROUP_USAGE)->figure.known)
            continue;
        own = part(group) / (double)most.value;
        if (own <= *share)
            continue;
        *share = own;
        best = group;
    }
    return best;
}

static double
usage(const struct live_group *group)
{
    return (double)fact(group, LIVE_GROUP_USAGE)->figure.value;
}

static bool
ends(const char *text, size_t length, const char *end)
{
    size_t n = strlen(end);

    return length > n && strncmp(text + length - n, end, n) == 0;
}

/* The last part of the path, if systemd manages it. */
static const char *
unit_of(const struct live_group *group)
{
    static const char *const kinds[] = {".service", ".scope", ".slice"};
    const char *slash = strrchr(group->out.path, '/');

    for (size_t i = 0; slash != NULL && i < JE_ARRAY_LEN(kinds); i++) {
        if (ends(slash + 1, strlen(slash + 1), kinds[i]))
            return slash + 1;
    }
    return NULL;
}

/* The number of a container of docker in a path, 12 digits of it. */
static bool
container_of(const struct live_group *group, char id[13])
{
    const char *at = strstr(group->out.path, "/docker/");

    if (at == NULL)
        at = strstr(group->out.path, "/docker-");
    if (at == NULL || strspn(at + 8, "0123456789abcdef") < 12)
        return false;
    snprintf(id, 13, "%s", at + 8);
    return true;
}

/* How whoever made the group changes a limit of it. */
static void
limit_commands(const struct doctor_input *in, struct finding *finding,
               const struct live_group *group, bool is_high, double bytes)
{
    unsigned long long value = (unsigned long long)bytes;
    const char *unit = unit_of(group);
    const char *file = is_high ? "memory.high" : "memory.max";
    char word[DOCTOR_WORD_MAX], id[13];

    value = (value + (1 << 20) - 1) >> 20;
    if (in->live->group_version == 1)
        file = "memory.limit_in_bytes";
    if (strstr(group->out.path, "kubepods") != NULL) {
        finding_keep(finding,
                     "kubectl set resources deployment NAME "
                     "--limits=memory=%lluMi",
                     value);
        return;
    }
    if (container_of(group, id) && !is_high) {
        finding_now(finding,
                    "docker update --memory %llum --memory-swap %llum %s",
                    value, value, id);
        finding_keep(finding, "docker run --memory %llum ...", value);
        return;
    }
    if (unit != NULL) {
        doctor_word(word, unit);
        finding_now(finding, "systemctl set-property --runtime %s %s=%lluM",
                    word, is_high ? "MemoryHigh" : "MemoryMax", value);
        finding_keep(finding, "systemctl set-property %s %s=%lluM", word,
                     is_high ? "MemoryHigh" : "MemoryMax", value);
        return;
    }
    finding_now(finding, "echo %lluM > %s/%s", value,
                doctor_word(word, group->out.directory), file);
}

static void
show_group(struct finding *finding, const struct live_group *group)
{
    finding_text(finding, "control group", group->out.path, 0);
    finding_fact(finding, "limit", fact(group, LIVE_GROUP_LIMIT));
    finding_fact(finding, "high", fact(group, LIVE_GROUP_HIGH));
    finding_fact(finding, "usage", fact(group, LIVE_GROUP_USAGE));
    finding_fact(finding, "inactive_file",
                 fact(group, LIVE_GROUP_INACTIVE_FILE));
    finding_fact(finding, "anon", fact(group, LIVE_GROUP_ANON));
    finding_fact(finding, "limit reached", fact(group, LIVE_GROUP_LIMIT_HITS));
    finding_fact(finding, "killed", fact(group, LIVE_GROUP_OOM_KILLS));
}

bool
check_group_near_limit(const struct doctor_input *in, struct finding *finding)
{
    double share;
    const struct live_group *group =
        fullest(in->live, working_set, LIVE_GROUP_LIMIT, &share);

    if (group == NULL || share < NEAR_SHARE)
        return false;
    finding_severity(finding, share >= LEAST_SHARE ? JEP_HIGH : JEP_MEDIUM);
    finding_title(
        finding, "%.1f %% of the limit on memory is in use, %s%s",
        share * 100.0, DOCTOR_SIZE(fact(group, LIVE_GROUP_LIMIT)->figure.value),
        group == in->live->groups ? "" : " of a control group further out");
    limit_commands(in, finding, group, false, working_set(group) * RAISE);
    show_group(finding, group);
    return true;
}

/* The innermost group that counts some. */
static const struct live_group *
counting(const struct live *live, enum live_id id)
{
    for (size_t i = 0; i < live->group_count; i++) {
        struct jep_figure count = fact(&live->groups[i], id)->figure;

        if (count.known && count.value > 0)
            return &live->groups[i];
    }
    return NULL;
}

/* How to raise the limit of `group`, and what it is at. */
static void
limit_raise(const struct doctor_input *in, struct finding *finding,
            const struct live_group *group)
{
    const struct jep_fact *limit = fact(group, LIVE_GROUP_LIMIT);

    if (limit->figure.known)
        limit_commands(in, finding, group, false,
                       (double)limit->figure.value * RAISE);
    show_group(finding, group);
}

bool
check_group_oom_kills(const struct doctor_input *in, struct finding *finding)
{
    const struct live_group *group = counting(in->live, LIVE_GROUP_OOM_KILLS);

    if (group == NULL)
        return false;
    /* Groups further out count what happens to all below them. */
    finding_severity(finding, group == in->live->groups ? JEP_HIGH : JEP_LOW);
    finding_title(
        finding,
        "%llu processes were killed for a limit of memory in this "
        "control group or below it",
        (unsigned long long)fact(group, LIVE_GROUP_OOM_KILLS)->figure.value);
    limit_raise(in, finding, group);
    return true;
}

bool
check_group_limit_hits(const struct doctor_input *in, struct finding *finding)
{
    const struct live_group *group = counting(in->live, LIVE_GROUP_LIMIT_HITS);

    if (group == NULL || counting(in->live, LIVE_GROUP_OOM_KILLS) != NULL)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(
        finding, "The limit of a control group was reached %llu times",
        (unsigned long long)fact(group, LIVE_GROUP_LIMIT_HITS)->figure.value);
    limit_raise(in, finding, group);
    return true;
}

bool
check_group_throttled(const struct doctor_input *in, struct finding *finding)
{
    double share;
    const struct live_group *group =
        fullest(in->live, usage, LIVE_GROUP_HIGH, &share);

    if (group == NULL || share < THROTTLED_SHARE)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding,
                  "Threads are slowed down: usage is %.1f %% of memory.high, "
                  "%s",
                  share * 100.0,
                  DOCTOR_SIZE(fact(group, LIVE_GROUP_HIGH)->figure.value));
    limit_commands(in, finding, group, true, usage(group) * RAISE);
    show_group(finding, group);
    return true;
}

bool
check_group_mostly_files(const struct doctor_input *in, struct finding *finding)
{
    double share, working;
    const struct live_group *group =
        fullest(in->live, usage, LIVE_GROUP_LIMIT, &share);

    if (group == NULL || share < NEAR_SHARE)
        return false;
    working = working_set(group) /
              (double)fact(group, LIVE_GROUP_LIMIT)->figure.value;
    if (working >= NEAR_SHARE)
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "Usage is %.1f %% of the limit, and %.1f %% without files "
                  "that can be dropped",
                  share * 100.0, working * 100.0);
    show_group(finding, group);
    return true;
}
