/*
 * The commands, what `jeprobe --help` prints of them, and the dispatch.
 */
#include "cli/cmd.h"

#include "cli/die.h"
#include "cli/out.h"
#include "cli/text.h"

#include <stdio.h>
#include <string.h>

const cmd_t *const cmd_table[] = {
    &cmd_check,  &cmd_diff, &cmd_doctor, &cmd_explain,
    &cmd_report, &cmd_run,  NULL,
};

const cmd_t *
cmd_find(const char *name)
{
    for (unsigned i = 0; cmd_table[i] != NULL; i++) {
        if (strcmp(cmd_table[i]->name, name) == 0)
            return cmd_table[i];
    }
    return NULL;
}

/* The command that `typed` was probably meant to be, or NULL. */
static const cmd_t *
cmd_nearest(const char *typed)
{
    const cmd_t *best = NULL;
    unsigned best_distance = 0;
    for (unsigned i = 0; cmd_table[i] != NULL; i++) {
        const char *name = cmd_table[i]->name;
        unsigned distance = text_distance(typed, name);
        if (!text_is_near(typed, name))
            continue;
        if (best == NULL || distance < best_distance) {
            best = cmd_table[i];
            best_distance = distance;
        }
    }
    return best;
}

static const cmd_t *
cmd_find_or_die(const char *name)
{
    const cmd_t *cmd = cmd_find(name);
    if (cmd != NULL)
        return cmd;
    const cmd_t *nearest = cmd_nearest(name);
    if (nearest != NULL)
        die_usage(NULL, "there is no command '%s'; did you mean '%s'?", name,
                  nearest->name);
    die_usage(NULL, "there is no command '%s'", name);
}

static void
cmd_help_list(out_t *out)
{
    out_puts(out, "usage: jeprobe COMMAND [OPTION...] [ARGUMENT...]\n\n"
                  "Shows where a program's memory is, who allocated it, and "
                  "what to change.\n\ncommands:\n");
    for (unsigned i = 0; cmd_table[i] != NULL; i++)
        out_printf(out, "  %-10s %s\n", cmd_table[i]->name,
                   cmd_table[i]->summary);
    out_printf(out, "  %-10s %s\n", "help", "describe a command");
    out_puts(out, "\noptions:\n"
                  "  -h, --help     print this, or after a command its help\n"
                  "      --version  print the version\n\n"
                  "Next: jeprobe help run\n");
}

static void
cmd_help_one(out_t *out, const cmd_t *cmd)
{
    out_printf(out, "usage: jeprobe %s [OPTION...] %s\n\n", cmd->name,
               cmd->synopsis);
    out_wrap(out, cmd->text, 0);
    out_puts(out, "\noptions:\n");
    opt_help(out, cmd->opts);
    out_puts(out, "\nMore, with examples: man jeprobe\n");
}

int
cmd_help(const cmd_t *cmd)
{
    out_t *out = out_open(NULL);
    if (cmd == NULL)
        cmd_help_list(out);
    else
        cmd_help_one(out, cmd);
    return out_close(out);
}

int
cmd_version(void)
{
    out_t *out = out_open(NULL);
    out_printf(out, "jeprobe %s\n", PACKAGE_VERSION);
    return out_close(out);
}

/* `jeprobe help`, `jeprobe help NAME`, and the same as options. */
static int
cmd_run_help(int argc, char **argv)
{
    if (argc > 1)
        die_usage(NULL, "help takes one command name");
    if (argc == 0 || strcmp(argv[0], "help") == 0)
        return cmd_help(NULL);
    return cmd_help(cmd_find_or_die(argv[0]));
}

int
cmd_dispatch(int argc, char **argv)
{
    if (argc < 2)
        die_usage(NULL, "a command is missing");
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0)
        return cmd_run_help(argc - 2, argv + 2);
    if (strcmp(name, "--version") == 0)
        return cmd_version();
    if (name[0] == '-')
        die_usage(NULL, "there is no option '%s' before a command", name);
    const cmd_t *cmd = cmd_find_or_die(name);
    return cmd->run(cmd, argc - 1, argv + 1);
}
