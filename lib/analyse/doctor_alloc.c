/* Checks of the process's allocator: which there are, and what they are told.
 */
#include "analyse/doctor.h"

#include <stdio.h>
#include <string.h>

#define GLIBC_HEAPS 16

/* An allocator beside that of the C library. */
static bool
is_extra(const struct jep_allocator_seen *one)
{
    return one->kind != JEP_ALLOCATOR_GLIBC &&
           strcmp(one->name, "the C library") != 0;
}

static void
show_allocators(const struct doctor_input *in, struct finding *finding)
{
    for (size_t i = 0; i < in->live->allocator_count; i++) {
        const struct jep_allocator_seen *one = &in->live->allocators[i];
        char name[96];

        /* The number says enough, the commit behind it is long. */
        snprintf(name, sizeof(name), "%s%s%.*s%s", one->name,
                 one->version != NULL ? " " : "",
                 one->version != NULL ? (int)strcspn(one->version, "-") : 0,
                 one->version != NULL ? one->version : "",
                 one->serves_malloc ? ", malloc" : "");
        finding_text(finding, name, one->path, 0);
    }
}

bool
check_preload_not_loaded(const struct doctor_input *in, struct finding *finding)
{
    const struct live_preload *missing = NULL;
    char word[DOCTOR_WORD_MAX];

    for (size_t i = 0; i < in->live->preload_count && missing == NULL; i++) {
        if (!in->live->preloads[i].is_mapped)
            missing = &in->live->preloads[i];
    }
    /* It may be one of those that could not be looked into. */
    if (missing == NULL || in->live->is_blind)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding, "%s was to be preloaded and is not there",
                  missing->name);
    finding_now(finding, "ls -l %s", doctor_word(word, missing->name));
    finding_text(finding,
                 missing->is_system ? "/etc/ld.so.preload" : "LD_PRELOAD",
                 missing->name, 0);
    finding_fact(finding, "program", doctor_fact(in, LIVE_PROCESS_EXE));
    finding_fact(finding, "more rights than the caller",
                 doctor_fact(in, LIVE_PROCESS_SECURE));
    return true;
}

/* A variable that an allocator in the process reads; NULL = none does. */
static const char *
variable_read(const struct live *live)
{
    for (size_t i = 0; i < live->allocator_count; i++) {
        if (live->allocators[i].variable != NULL)
            return live->allocators[i].variable;
    }
    return NULL;
}

static bool
has_option(const struct doctor_input *in, const char *source,
           enum jep_option_verdict verdict)
{
    for (size_t i = 0; i < in->option_count; i++) {
        if (in->options[i].verdict == verdict &&
            strcmp(in->options[i].source, source) == 0)
            return true;
    }
    return false;
}

/* What is set to options, by the name of where. */
static const char *
source_text(const struct live *live, const char *source)
{
    for (size_t i = 0; i < live->conf_count; i++) {
        if (strcmp(live->confs[i].source, source) == 0)
            return live->confs[i].text;
    }
    if (live->conf_link != NULL && strcmp(live->conf_link_path, source) == 0)
        return live->conf_link;
    return live_variable(live, source);
}

/* A variable of the program that an allocator in a library would read. */
static const struct live_conf *
hidden_conf(const struct live *live, const char *source)
{
    for (size_t i = 0; i < live->conf_count; i++) {
        if (strcmp(live->confs[i].source, source) == 0)
            return live->confs[i].is_hidden ? &live->confs[i] : NULL;
    }
    return NULL;
}

/* The first source of options that nobody reads; NULL = there is none. */
static const char *
source_unread(const struct doctor_input *in)
{
    for (size_t i = 0; i < in->option_count; i++) {
        const char *one = in->options[i].source;

        if (in->options[i].verdict == JEP_OPTION_UNREAD &&
            !has_option(in, one, JEP_OPTION_MALFORMED))
            return one;
    }
    return NULL;
}

static void
hidden_explain(struct finding *finding, const struct live_conf *conf)
{
    finding_title(finding,
                  "%s is set, and not exported: the allocator's library does "
                  "not see it",
                  conf->source);
    finding_action(finding,
                   "Link the program with -Wl,--export-dynamic-symbol=%s, or "
                   "give the options in the environment.",
                   conf->name);
}

bool
check_conf_unread(const struct doctor_input *in, struct finding *finding)
{
    const char *read = variable_read(in->live), *source = source_unread(in);
    const struct live_conf *hidden;
    const char *text;
    bool is_secure = doctor_fact(in, LIVE_PROCESS_SECURE)->figure.value != 0;

    if (source == NULL)
        return false;
    text = source_text(in->live, source);
    hidden = hidden_conf(in->live, source);
    is_secure &= live_variable(in->live, source) != NULL;
    finding_severity(finding, JEP_MEDIUM);
    if (hidden != NULL)
        hidden_explain(finding, hidden);
    else if (is_secure)
        finding_title(finding,
                      "%s is set, and ignored: the program has more rights "
                      "than its caller",
                      source);
    else if (read != NULL)
        finding_title(finding, "%s is set, and the allocator reads %s", source,
                      read);
    else
        finding_title(finding,
                      "%s is set, and no allocator in the process reads it",
                      source);
    if (read != NULL && !is_secure) {
        char word[DOCTOR_WORD_MAX];

        finding_keep(finding, "export %s=%s    # before the program starts",
                     read, doctor_word(word, text != NULL ? text : ""));
    }
    finding_text(finding, source, text, 0);
    show_allocators(in, finding);
    return true;
}

static const char *
verdict_text(enum jep_option_verdict verdict)
{
    switch (verdict) {
    case JEP_OPTION_UNKNOWN:
        return "there is no such option";
    case JEP_OPTION_VERSION:
        return "not an option of this version";
    case JEP_OPTION_VALUE:
        return "not a value that it takes";
    case JEP_OPTION_MALFORMED:
        return "not of the form name:value, the rest is not read";
    default:
        return NULL;
    }
}

bool
check_conf_rejected(const struct doctor_input *in, struct finding *finding)
{
    size_t count = 0;
    const char *first = NULL, *what = NULL;

    for (size_t i = 0; i < in->option_count; i++) {
        const struct jep_option_seen *one = &in->options[i];
        const char *text = verdict_text(one->verdict);
        char pair[256];

        if (text == NULL)
            continue;
        if (count++ == 0) {
            first = one->name;
            what = text;
        }
        snprintf(pair, sizeof(pair), "%s%s%s", one->name,
                 one->value[0] != '\0' ? ":" : "", one->value);
        finding_text(finding, pair, text, 0);
    }
    if (count == 0)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    if (count == 1)
        finding_title(finding, "An option is dropped, %s: %s", first, what);
    else
        finding_title(finding, "%zu options are dropped, the first is %s: %s",
                      count, first, what);
    show_allocators(in, finding);
    return true;
}

bool
check_allocators_several(const struct doctor_input *in, struct finding *finding)
{
    const char *names[2] = {NULL, NULL};
    unsigned count = 0;

    for (size_t i = 0; i < in->live->allocator_count; i++) {
        const struct jep_allocator_seen *one = &in->live->allocators[i];

        if (!is_extra(one))
            continue;
        if (count < 2)
            names[count] = one->name;
        count++;
    }
    if (count < 2)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding, "%u allocators are in the process, %s and %s%s",
                  count, names[0], names[1], count > 2 ? " among them" : "");
    show_allocators(in, finding);
    return true;
}

bool
check_allocator_aside(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_allocator_seen *main = in->live->allocators, *aside = NULL;

    if (in->live->allocator_count < 2 || !main->serves_malloc || is_extra(main))
        return false;
    for (size_t i = 1; i < in->live->allocator_count && aside == NULL; i++) {
        if (is_extra(&in->live->allocators[i]))
            aside = &in->live->allocators[i];
    }
    if (aside == NULL)
        return false;
    finding_severity(finding, JEP_INFO);
    if (aside->prefix != NULL && aside->prefix[0] != '\0')
        finding_title(finding,
                      "malloc is served by %s; %s serves only who calls "
                      "%smalloc",
                      main->name, aside->name, aside->prefix);
    else
        finding_title(finding,
                      "malloc is served by %s; %s serves only who calls it by "
                      "name",
                      main->name, aside->name);
    show_allocators(in, finding);
    return true;
}

/* Whether the environment limits them. */
static bool
has_arena_max(const struct live *live)
{
    const char *tunables = live_variable(live, "GLIBC_TUNABLES");

    return live_variable(live, "MALLOC_ARENA_MAX") != NULL ||
           (tunables != NULL && strstr(tunables, "malloc.arena_max") != NULL);
}

bool
check_glibc_arenas(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *heaps = doctor_fact(in, LIVE_PROCESS_GLIBC_HEAPS);
    uint64_t count;

    if (!doctor_number(heaps, &count) || count < GLIBC_HEAPS ||
        in->live->allocator_count == 0 ||
        in->live->allocators[0].kind != JEP_ALLOCATOR_GLIBC ||
        has_arena_max(in->live))
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding, "glibc has %llu heaps beside the main one",
                  (unsigned long long)count);
    finding_keep(finding,
                 "export MALLOC_ARENA_MAX=2    # before the program starts");
    finding_fact(finding, "heaps of 64 MiB", heaps);
    finding_fact(finding, "Threads", doctor_fact(in, LIVE_PROCESS_THREADS));
    finding_fact(finding, "VmSize", doctor_fact(in, LIVE_PROCESS_VM_SIZE));
    return true;
}
