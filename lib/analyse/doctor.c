/* The engine of jeprobe doctor: reads the system, runs the checks. */
#include "analyse/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const char *id;
    bool (*fires)(const struct doctor_input *in, struct finding *finding);
    const char *why, *action, *confirm, *false_alarm;
};

static const struct check checks[] = {
#define CHECK(function, id, notice, if_, whence, why, what, then, unless,      \
              read)                                                            \
    {id, check_##function, why, what, then, unless},
#include "analyse/doctor.def"
#undef CHECK
};

struct jep_doctor {
    struct live live;
    struct jep_group *groups;
    struct jep_option_seen *options;
    size_t option_count;
    struct jep_finding findings[JE_ARRAY_LEN(checks)];
    struct jep_doctor_view view;
};

/* ---- what checks ask ---------------------------------------------------- */

const struct jep_fact *
doctor_fact(const struct doctor_input *in, enum live_id id)
{
    return &in->live->facts[id];
}

const struct jep_fact *
doctor_group_fact(const struct live_group *group, enum live_id id)
{
    return &group->facts[id - LIVE_GROUP];
}

bool
doctor_text_is(const struct jep_fact *fact, const char *text)
{
    return fact->text != NULL && strcmp(fact->text, text) == 0;
}

bool
doctor_number(const struct jep_fact *fact, uint64_t *value)
{
    *value = fact->figure.value;
    return fact->figure.known;
}

double
doctor_share(const struct jep_fact *part, const struct jep_fact *whole)
{
    if (!part->figure.known || !whole->figure.known || whole->figure.value == 0)
        return -1.0;
    return (double)part->figure.value / (double)whole->figure.value;
}

void
doctor_write(struct finding *finding, const char *value, const char *file)
{
    finding_now(finding, "echo %s > %s", value, file);
    finding_keep(finding,
                 "echo 'w %s - - - - %s' > /etc/tmpfiles.d/jeprobe-%s"
                 ".conf",
                 file, value, strrchr(file, '/') + 1);
}

void
doctor_sysctl(struct finding *finding, const char *name,
              unsigned long long value)
{
    const char *last = strrchr(name, '.') + 1;

    finding_now(finding, "sysctl -w %s=%llu", name, value);
    finding_keep(finding, "echo '%s = %llu' > /etc/sysctl.d/60-%s.conf", name,
                 value, last);
}

const char *
doctor_word(char word[DOCTOR_WORD_MAX], const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@:-,+=";
    size_t at = 1;

    if (*text != '\0' && text[strspn(text, plain)] == '\0' &&
        strlen(text) < DOCTOR_WORD_MAX) {
        snprintf(word, DOCTOR_WORD_MAX, "%s", text);
        return word;
    }
    word[0] = '\'';
    for (; *text != '\0' && at + 6 < DOCTOR_WORD_MAX; text++) {
        if (*text == '\'') {
            memcpy(word + at, "'\\''", 4);
            at += 4;
        } else {
            word[at++] = *text;
        }
    }
    word[at++] = '\'';
    word[at] = '\0';
    return word;
}

const struct jep_fact *
jep_fact_find(const struct jep_fact *facts, size_t count, const char *name)
{
    static const struct jep_fact none = {.file = NULL};

    for (size_t i = 0; i < count; i++) {
        if (strcmp(facts[i].name, name) == 0)
            return &facts[i];
    }
    return &none;
}

bool
jep_fact_is_known(const struct jep_fact *fact)
{
    return fact->figure.known || fact->is_unlimited || fact->text != NULL;
}

/* ---- all of them -------------------------------------------------------- */

/* Behind those that are as severe: the list has an order of its own. */
static void
add(struct jep_doctor *doctor, const struct jep_finding *finding)
{
    size_t at = doctor->view.finding_count++;

    for (; at > 0 && doctor->findings[at - 1].severity < finding->severity;
         at--)
        doctor->findings[at] = doctor->findings[at - 1];
    doctor->findings[at] = *finding;
}

static bool
run_checks(struct jep_doctor *doctor)
{
    const struct doctor_input in = {&doctor->live, doctor->options,
                                    doctor->option_count};

    for (size_t i = 0; i < JE_ARRAY_LEN(checks); i++) {
        const struct check *check = &checks[i];
        struct finding finding = {.texts = &doctor->live.texts};

        finding.out = (struct jep_finding){.rule = check->id,
                                           .action = check->action,
                                           .confirm = check->confirm,
                                           .false_alarm = check->false_alarm,
                                           .why = check->why};
        if (!check->fires(&in, &finding))
            continue;
        if (finding.is_failed)
            return false;
        add(doctor, &finding.out);
    }
    return !doctor->live.is_failed;
}

static bool
collect_groups(struct jep_doctor *doctor)
{
    const struct live *live = &doctor->live;

    if (live->group_count == 0)
        return true;
    doctor->groups = calloc(live->group_count, sizeof(*doctor->groups));
    if (doctor->groups == NULL)
        return false;
    for (size_t i = 0; i < live->group_count; i++)
        doctor->groups[i] = live->groups[i].out;
    return true;
}

static void
show(struct jep_doctor *doctor)
{
    const struct live *live = &doctor->live;

    doctor->view = (struct jep_doctor_view){
        .machine = live->facts,
        .machine_count = LIVE_PROCESS,
        .pid = {.value = live->pid, .known = live->pid != 0},
        .process = live->facts + LIVE_PROCESS,
        .process_count = live->pid != 0 ? LIVE_GROUP - LIVE_PROCESS : 0,
        .has_memory = live->has_memory,
        .groups = doctor->groups,
        .group_count = live->group_count,
        .group_version = live->group_version,
        .allocators = live->allocators,
        .allocator_count = live->allocator_count,
        .variables = live->variables,
        .variable_count = live->variable_count,
        .options = doctor->options,
        .option_count = doctor->option_count,
        .unread = live->unread,
        .unread_count = live->unread_count,
        .findings = doctor->findings,
        .finding_count = doctor->view.finding_count};
}

static jep_status_t
out_of_memory(struct jep_error *error)
{
    error->code = JEP_ERR_MEMORY;
    snprintf(error->text, sizeof(error->text), "out of memory");
    return JEP_ERR_MEMORY;
}

jep_status_t
jep_doctor_new(const char *root, uint64_t pid, jep_doctor_t **out,
               struct jep_error *error)
{
    struct jep_doctor *doctor = calloc(1, sizeof(*doctor));
    jep_status_t status;

    *out = NULL;
    *error = (struct jep_error){0};
    if (doctor == NULL)
        return out_of_memory(error);
    status = live_read(&doctor->live, root, pid, error);
    if (status != JEP_OK) {
        free(doctor);
        return status;
    }
    if (!collect_groups(doctor) ||
        !doctor_options(&doctor->live, &doctor->options,
                        &doctor->option_count) ||
        !run_checks(doctor)) {
        jep_doctor_free(doctor);
        return out_of_memory(error);
    }
    show(doctor);
    *out = doctor;
    return JEP_OK;
}

const struct jep_doctor_view *
jep_doctor_view(const jep_doctor_t *doctor)
{
    return &doctor->view;
}

void
jep_doctor_free(jep_doctor_t *doctor)
{
    if (doctor == NULL)
        return;
    live_free(&doctor->live);
    free(doctor->groups);
    free(doctor->options);
    free(doctor);
}
