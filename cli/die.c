#include "cli/die.h"

#include "cli/cmd.h"
#include "cli/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 4096 };

/* The one place that writes messages: escaped, in a single write, so that
 * lines of several processes do not mix. */
static void
die_vprint(const char *fmt, va_list ap)
{
    char raw[LINE_MAX_BYTES];
    char line[LINE_MAX_BYTES];
    vsnprintf(raw, sizeof(raw), fmt, ap);
    text_escape(line, sizeof(line), raw);
    fflush(stdout);
    fprintf(stderr, "jeprobe: %s\n", line);
}

void
die_usage(const cmd_t *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    die_vprint(fmt, ap);
    va_end(ap);
    if (cmd == NULL)
        note("try 'jeprobe --help'");
    else
        note("try 'jeprobe help %s'", cmd->name);
    exit(cmd != NULL && cmd->usage_status != 0 ? cmd->usage_status
                                               : EXIT_USAGE);
}

void
die(int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    die_vprint(fmt, ap);
    va_end(ap);
    exit(status);
}

void
die_advise(int status, const char *advice, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    die_vprint(fmt, ap);
    va_end(ap);
    note("%s", advice);
    exit(status);
}

void
warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    die_vprint(fmt, ap);
    va_end(ap);
}

void
note(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    die_vprint(fmt, ap);
    va_end(ap);
}
