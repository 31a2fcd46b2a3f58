/*
 * The command table of jeprobe and what the frame offers to a command.
 *
 * A command is one file, cmd_<name>.c, that exports one `const cmd_t`. To add
 * one: write the file, list it in cmd_table.c and local.mk, describe it in
 * man/jeprobe.1, test it in t/cli. The help text, the option parser and the
 * list of commands all come from the table.
 *
 * A command gets its arguments without "jeprobe NAME", parses them with
 * opt_parse() and returns an exit status. Results go to an out_t, all else to
 * standard error by warn(), note() and die().
 */
#ifndef JE_CLI_CMD_H
#define JE_CLI_CMD_H

#include "base/macros.h"

#include <stdbool.h>

#include "cli/opt.h"

/* Exit statuses; the man page has the same list. */
enum {
    EXIT_FINE = 0,         /* done */
    EXIT_FOUND = 1,        /* check, diff: found what was asked for */
    EXIT_USAGE = 2,        /* the command line is wrong */
    EXIT_INPUT = 3,        /* an input cannot be read */
    EXIT_SYSTEM = 4,       /* the system refused something */
    EXIT_UNVERIFIABLE = 5, /* check: cannot tell */
    EXIT_LAUNCH = 125,     /* run: failed before the program started */
    EXIT_NOEXEC = 126,     /* run: the program cannot be executed */
    EXIT_NOTFOUND = 127    /* run: there is no such program */
};

typedef struct cmd {
    const char *name;
    const char *synopsis; /* operands, as in "[--] PROGRAM [ARG...]" */
    const char *summary;  /* for the list of commands: one line, no period */
    const char *text;     /* for the command's help: one paragraph */
    const opt_t *opts;    /* ends with a NULL name */
    bool stop_at_operand; /* what follows the first operand is not ours */
    int usage_status;     /* of a wrong command line; 0 = EXIT_USAGE */
    int (*run)(const struct cmd *self, int argc, char **argv);
} cmd_t;

extern const cmd_t cmd_check;
extern const cmd_t cmd_diff;
extern const cmd_t cmd_doctor;
extern const cmd_t cmd_explain;
extern const cmd_t cmd_report;
extern const cmd_t cmd_run;

/* All commands in alphabetical order, then NULL. */
extern const cmd_t *const cmd_table[];

/* NULL if there is none of that name. */
const cmd_t *cmd_find(const char *name);

/* Print what `jeprobe help NAME` prints; cmd == NULL: the list of commands. */
int cmd_help(const cmd_t *cmd);
int cmd_version(void);

/* Run the command that argv[1] names, and return its status. */
int cmd_dispatch(int argc, char **argv);

#endif
