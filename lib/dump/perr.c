/* How a reader says what is wrong and where. */
#include "dump/perr.h"

#include <stdio.h>
#include <string.h>

jep_status_t
perr_set(struct jep_error *error, jep_status_t code, uint64_t line,
         uint64_t column, const char *format, ...)
{
    va_list args;

    if (error == NULL || error->code != JEP_OK)
        return code;
    error->code = code;
    error->line = line;
    error->column = column;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return code;
}

jep_status_t
perr_memory(struct jep_error *error)
{
    return perr_set(error, JEP_ERR_MEMORY, 0, 0, "out of memory");
}

void
perr_source(struct jep_error *error, const char *source)
{
    snprintf(error->source, sizeof(error->source), "%s", source);
}

void
perr_quote(char *out, size_t size, const char *text, size_t length)
{
    size_t n = length < size - 1 ? length : size - 1;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        out[i] = text[i];
        if (c < 0x20 || c >= 0x7f)
            out[i] = '?';
    }
    out[n] = '\0';
}
