/*
 * The programs: our own, which have the shapes of others, real ones, and what
 * the command line adds.
 */
#include "runner.h"

#include <stdlib.h>
#include <string.h>

/* Several rows may be one program of ours with other arguments. */
static const struct {
    const char *name;
    const char *file; /* bench_FILE */
    const char *args; /* with blanks */
} synthetic[] = {
    {"smallobj", "smallobj", ""},
    {"liveset", "liveset", ""},
    {"prodcons", "prodcons", ""},
    {"server", "server", ""},
    {"churn", "churn", ""},
    {"batch", "batch", ""},
    {"large", "large", ""},
    {"realloc", "realloc", ""},
    {"columns", "realloc", "--tables=8"},
    {"phases", "phases", ""},
    {"larson", "larson", ""},
    {"xmalloc", "xmalloc", ""},
    {"mstress", "mstress", ""},
    {"cfrac", "cfrac", ""},
    {"espresso", "espresso", ""},
    {"barnes", "barnes", ""},
    {"alloc-test1", "workset", ""},
    {"alloc-test4", "workset", "--threads=4 --steps=16000000"},
    {"glibc-simple", "batch", "--glibc=1 --objects=900000"},
    {"glibc-thread", "workset", "--kind=1 --threads=4 --steps=40000000"},
    {"rptest", "rptest", ""},
    {"sh6bench", "shbench", ""},
    {"sh8bench", "shbench", "--swap=1"},
    {"cache-thrash", "cache", ""},
    {"cache-scratch", "cache", "--handed=1"},
};

/* Append the words of `text` to the arguments of a program. */
static void
add_words(program_t *program, char *text)
{
    unsigned count = 0;
    char *rest;

    while (program->args[count] != NULL)
        count++;
    for (char *word = strtok_r(text, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        if (count == ARGS_MAX - 1)
            runner_die("%s: too many words", program->name);
        program->args[count++] = word;
    }
}

void
programs_add_command(choice_t *choice, const char *name, char *command)
{
    program_t *program = &choice->commands[choice->command_count];

    if (choice->command_count == COMMANDS_MAX)
        runner_die("--command: too many");
    choice->command_count++;
    program->name = name;
    program->has_children = true;
    add_words(program, command);
    if (program->args[0] == NULL)
        runner_die("--command=%s: no command", name);
}

static void
set_synthetic(program_t *program, unsigned i, const choice_t *choice)
{
    char text[4200];

    *program = (program_t){.name = synthetic[i].name,
                           .group = "synthetic",
                           .reports = synthetic[i].file};
    snprintf(text, sizeof(text), "%s/bench_%s", choice->folder,
             synthetic[i].file);
    program->args[0] = copy_text(text);
    add_words(program, copy_text(synthetic[i].args));
    if (choice->scale != NULL) {
        snprintf(text, sizeof(text), "--scale=%s", choice->scale);
        add_words(program, copy_text(text));
    }
}

/* Was it asked for by its name, and is it to be run at all? */
static bool
is_chosen(const choice_t *choice, const char *name, const char *group,
          unsigned *named)
{
    bool is_named = choice->list != NULL && list_has(choice->list, name);

    *named += is_named;
    return is_named || choice->list == NULL || list_has(choice->list, group);
}

/* Each word of the list must be a program or a group. */
static void
check_list(const choice_t *choice, unsigned named)
{
    const char *list = choice->list;

    if (list == NULL || list[0] == '\0')
        return;
    named += list_has(list, "synthetic") + list_has(list, "real");
    if (named != list_length(list))
        runner_die("--programs=%s: there is one that does not exist", list);
}

int
programs_choose(const choice_t *choice, const start_t *start,
                results_t *results)
{
    const char *scale = choice->scale == NULL ? "1" : choice->scale;
    program_t *programs = calloc(PROGRAMS_MAX, sizeof(*programs));
    const char *wanted[PROGRAMS_MAX];
    unsigned count = 0, named = 0, real_count = 0;
    char text[64];
    int status = 0;

    if (programs == NULL)
        runner_die("out of memory");
    for (unsigned i = 0; i < JE_ARRAY_LEN(synthetic); i++) {
        if (is_chosen(choice, synthetic[i].name, "synthetic", &named))
            set_synthetic(&programs[count++], i, choice);
    }
    for (unsigned i = 0; real_names[i] != NULL; i++) {
        if (is_chosen(choice, real_names[i], "real", &named))
            wanted[real_count++] = real_names[i];
    }
    check_list(choice, named);
    for (unsigned i = 0; i < real_count; i++) {
        real_state_t state =
            real_prepare(start, results, wanted[i], scale, &programs[count]);

        count += state == REAL_READY;
        if (state == REAL_WRONG ||
            (state == REAL_MISSING && choice->list != NULL &&
             list_has(choice->list, wanted[i])))
            status = 1;
    }
    for (unsigned i = 0; i < choice->command_count; i++)
        programs[count++] = choice->commands[i];
    if (count == 0)
        runner_die("no program to run");
    snprintf(text, sizeof(text), "scale %s", scale);
    results->options = copy_text(text);
    results->programs = programs;
    results->program_count = count;
    return status;
}
