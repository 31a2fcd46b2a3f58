/*
 * Words for the main programs, and what these say before they give up.
 */
#include "runner.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void
runner_die(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

char *
copy_text(const char *text)
{
    char *result = strdup(text);

    if (result == NULL)
        runner_die("out of memory");
    return result;
}

bool
list_has(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (; list != NULL; list = strchr(list, ',')) {
        list += *list == ',';
        if (strncmp(list, name, length) == 0 &&
            (list[length] == ',' || list[length] == '\0'))
            return true;
    }
    return false;
}

unsigned
list_length(const char *list)
{
    unsigned count = 1;

    for (; (list = strchr(list, ',')) != NULL; list++)
        count++;
    return count;
}
