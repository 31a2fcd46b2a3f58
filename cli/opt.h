/*
 * Options as a table beside the command; getopt_long does the reading.
 *
 * Each entry names its parser and the place in the command's own structure, so
 * that the table is constant:
 *
 *     typedef struct report_opts { const char *output; bool quiet; } ...;
 *     static const opt_t report_opt_table[] = {
 *         OPT('o', "output", "FILE", opt_string, report_opts_t, output, "..."),
 *         OPT(0, "quiet", NULL, opt_flag, report_opts_t, quiet, "..."),
 *         OPT_END};
 *
 * --help and --version exist for every command and need no entry.
 */
#ifndef JE_CLI_OPT_H
#define JE_CLI_OPT_H

#include "base/macros.h"

#include <stddef.h>

struct cmd;
struct opt;

/* Store the value of argument `arg` (NULL for a flag) in *value. Returns NULL,
 * or what is wrong with it, to be printed after "--name: ". */
typedef const char *opt_parse_fn(const struct opt *opt, const char *arg,
                                 void *value);

typedef struct opt {
    const char *name; /* without "--" */
    const char *arg;  /* how help calls the argument; NULL: a flag */
    const char *help; /* one or two sentences */
    opt_parse_fn *parse;
    size_t offset; /* of the value in the command's structure */
    char letter;   /* short form, 0 = none */
} opt_t;

#define OPT(letter_, name_, arg_, parse_, type_, field_, help_)                \
    {                                                                          \
        .name = (name_), .arg = (arg_), .help = (help_), .parse = (parse_),    \
        .offset = offsetof(type_, field_), .letter = (letter_)                 \
    }
#define OPT_END                                                                \
    {                                                                          \
        .name = NULL                                                           \
    }

opt_parse_fn opt_flag;   /* bool: set to true */
opt_parse_fn opt_string; /* const char *: the last one wins */
opt_parse_fn opt_size;   /* uint64_t, bytes: 524288, 512K, 1.5M, 2GiB, 0 */
opt_parse_fn opt_count;  /* unsigned: a plain decimal number */
opt_parse_fn opt_choice; /* unsigned: which of `arg`, "text|json", it is */
opt_parse_fn opt_signal; /* int: USR2, SIGUSR2 or 12; none = 0 */

/* Repeatable: an opt_list_t collects the arguments in their order. */
enum { OPT_LIST_MAX = 64 };

typedef struct opt_list {
    const char *item[OPT_LIST_MAX];
    unsigned count;
} opt_list_t;

opt_parse_fn opt_list;

/*
 * Read the options of `cmd` into `values`, which the caller has filled with
 * the defaults. Returns the index of the first operand: argv[that] to
 * argv[argc - 1] are operands, options having been moved before them. A wrong
 * command line, --help and --version do not return.
 */
int opt_parse(const struct cmd *cmd, int argc, char **argv, void *values);

/* Print the options with their help. */
struct out;
void opt_help(struct out *out, const opt_t *opts);

#endif
