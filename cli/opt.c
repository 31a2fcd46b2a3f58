#include "cli/opt.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/out.h"
#include "cli/text.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTS_MAX = 48,
    CODE_BASE = 256, /* + index in the table: a long option was met */
    CODE_HELP = CODE_BASE + OPTS_MAX,
    CODE_VERSION
};

const char *
opt_flag(const opt_t *opt, const char *arg, void *value)
{
    (void)opt;
    (void)arg;
    *(bool *)value = true;
    return NULL;
}

const char *
opt_string(const opt_t *opt, const char *arg, void *value)
{
    (void)opt;
    if (arg[0] == '\0')
        return "empty";
    *(const char **)value = arg;
    return NULL;
}

const char *
opt_size(const opt_t *opt, const char *arg, void *value)
{
    (void)opt;
    return text_parse_size(arg, value);
}

const char *
opt_count(const opt_t *opt, const char *arg, void *value)
{
    (void)opt;
    char *end = NULL;
    errno = 0;
    unsigned long n = strtoul(arg, &end, 10);
    if (arg[0] < '0' || arg[0] > '9' || *end != '\0')
        return "not a whole number";
    if (errno != 0 || n > UINT32_MAX)
        return "too large";
    *(unsigned *)value = (unsigned)n;
    return NULL;
}

static const char no_choice[] = "not one of the choices";

const char *
opt_choice(const opt_t *opt, const char *arg, void *value)
{
    size_t len = strlen(arg);
    const char *at = opt->arg;
    for (unsigned i = 0; at != NULL; i++) {
        const char *end = strchr(at, '|');
        size_t n = end != NULL ? (size_t)(end - at) : strlen(at);
        if (n == len && memcmp(at, arg, n) == 0) {
            *(unsigned *)value = i;
            return NULL;
        }
        at = end != NULL ? end + 1 : NULL;
    }
    return no_choice;
}

const char *
opt_signal(const opt_t *opt, const char *arg, void *value)
{
    int *number = value;
    const char *name = strncmp(arg, "SIG", 3) == 0 ? arg + 3 : arg;
    if (strcmp(arg, "none") == 0) {
        *number = 0;
        return NULL;
    }
    for (int sig = 1; sig < NSIG; sig++) {
        const char *abbrev = sigabbrev_np(sig);
        if (abbrev != NULL && strcmp(abbrev, name) == 0) {
            *number = sig;
            return NULL;
        }
    }
    unsigned n = 0;
    if (opt_count(opt, arg, &n) != NULL || n == 0 || n >= NSIG)
        return "not a signal; write a name as USR2, a number, or none";
    *number = (int)n;
    return NULL;
}

const char *
opt_list(const opt_t *opt, const char *arg, void *value)
{
    (void)opt;
    opt_list_t *list = value;
    if (list->count == OPT_LIST_MAX)
        return "given too often";
    list->item[list->count++] = arg;
    return NULL;
}

/* The table in getopt's form: long options and the short ones' letters. */
static void
opt_fill(const cmd_t *cmd, struct option *longs, char *letters)
{
    unsigned n = 0;
    if (cmd->stop_at_operand)
        *letters++ = '+';
    *letters++ = ':'; /* tell a missing argument from an unknown option */
    for (; cmd->opts[n].name != NULL && n < OPTS_MAX; n++) {
        const opt_t *opt = &cmd->opts[n];
        longs[n].name = opt->name;
        longs[n].has_arg = opt->arg != NULL ? required_argument : no_argument;
        longs[n].flag = NULL;
        longs[n].val = CODE_BASE + (int)n;
        if (opt->letter != 0) {
            *letters++ = opt->letter;
            if (opt->arg != NULL)
                *letters++ = ':';
        }
    }
    longs[n++] = (struct option){"help", no_argument, NULL, CODE_HELP};
    longs[n++] = (struct option){"version", no_argument, NULL, CODE_VERSION};
    longs[n] = (struct option){NULL, 0, NULL, 0};
    *letters++ = 'h';
    *letters = '\0';
}

static const opt_t *
opt_of_code(const cmd_t *cmd, int code)
{
    if (code >= CODE_BASE && code < CODE_HELP)
        return &cmd->opts[code - CODE_BASE];
    for (const opt_t *opt = cmd->opts; opt->name != NULL; opt++) {
        if (opt->letter == code)
            return opt;
    }
    return NULL;
}

/* The long option that `typed` (without dashes) was probably meant to be. */
static const char *
opt_nearest(const cmd_t *cmd, const char *typed, size_t len)
{
    char name[32];
    snprintf(name, sizeof(name), "%.*s", (int)(len < 31 ? len : 31), typed);
    const char *best = NULL;
    unsigned best_distance = 0;
    for (const opt_t *opt = cmd->opts; opt->name != NULL; opt++) {
        unsigned distance = text_distance(name, opt->name);
        if (text_is_near(name, opt->name) &&
            (best == NULL || distance < best_distance)) {
            best = opt->name;
            best_distance = distance;
        }
    }
    return best;
}

/* getopt refused: find out why. `word` is the argument it stopped at. */
JE_NORETURN static void
opt_die_unknown(const cmd_t *cmd, const char *word)
{
    if (optopt >= CODE_BASE)
        die_usage(cmd, "'%s': this option takes no argument", word);
    if (optopt != 0)
        die_usage(cmd, "there is no option '-%c'", optopt);
    size_t len = strcspn(word, "=");
    unsigned hits = 0;
    for (const opt_t *opt = cmd->opts; opt->name != NULL; opt++)
        hits += strncmp(opt->name, word + 2, len - 2) == 0;
    if (hits > 1)
        die_usage(cmd, "'%.*s' is short for several options", (int)len, word);
    const char *nearest = opt_nearest(cmd, word + 2, len - 2);
    if (nearest != NULL)
        die_usage(cmd, "there is no option '%.*s'; did you mean '--%s'?",
                  (int)len, word, nearest);
    die_usage(cmd, "there is no option '%.*s'", (int)len, word);
}

/* Act on one option that getopt found. */
static void
opt_apply(const cmd_t *cmd, int code, const char *word, char *values)
{
    if (code == CODE_HELP || code == 'h')
        exit(cmd_help(cmd));
    if (code == CODE_VERSION)
        exit(cmd_version());
    if (code == '?')
        opt_die_unknown(cmd, word);
    const opt_t *opt = opt_of_code(cmd, code == ':' ? optopt : code);
    if (code == ':')
        die_usage(cmd, "--%s: its argument is missing: %s", opt->name,
                  opt->arg);
    const char *fault = opt->parse(opt, optarg, values + opt->offset);
    if (fault == NULL)
        return;
    if (fault == no_choice)
        die_usage(cmd, "--%s '%s': not one of %s", opt->name, optarg, opt->arg);
    die_usage(cmd, "--%s '%s': %s", opt->name, optarg, fault);
}

int
opt_parse(const cmd_t *cmd, int argc, char **argv, void *values)
{
    struct option longs[OPTS_MAX + 3];
    char letters[2 * OPTS_MAX + 4];
    opt_fill(cmd, longs, letters);
    opterr = 0;
    optind = 0; /* also makes getopt forget an earlier scan */
    for (;;) {
        int at = optind > 0 ? optind : 1;
        optopt = 0;
        int code = getopt_long(argc, argv, letters, longs, NULL);
        if (code == -1)
            return optind;
        /* A refused word is the one before optind, unless letters of it are
         * still to be read. */
        const char *word = optind > at ? argv[optind - 1] : argv[at];
        opt_apply(cmd, code, word, values);
    }
}

void
opt_help(out_t *out, const opt_t *opts)
{
    static const opt_t help = {
        .name = "help", .help = "Print this and exit.", .letter = 'h'};

    enum { TEXT_COLUMN = 26 };

    for (const opt_t *opt = opts;; opt = opt->name != NULL ? opt + 1 : NULL) {
        const opt_t *o = opt->name != NULL ? opt : &help;
        char head[80];
        int n = snprintf(
            head, sizeof(head), "  %c%c%c --%s%s%s", o->letter ? '-' : ' ',
            o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
            o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
        if (n >= TEXT_COLUMN - 1)
            out_printf(out, "%s\n%*s", head, TEXT_COLUMN, "");
        else
            out_printf(out, "%-*s", TEXT_COLUMN, head);
        out_wrap(out, o->help, TEXT_COLUMN);
        if (o == &help)
            return;
    }
}
