/* Which reader an input needs.
 *
 * JSON starts with a brace or a bracket; everything else is lines of text,
 * whose reader looks for what it knows and refuses the rest. */
#include "base/macros.h"
#include "dump/perr.h"
#include "dump/sink.h"

#include <string.h>

static bool
is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

jep_status_t
dump_read(reader_t *reader, const struct dump_sink *sink,
          struct jep_error *error)
{
    const char *data;
    size_t length, i = 0;
    jep_status_t status = reader_peek(reader, &data, &length, error);

    if (status != JEP_OK)
        return status;
    while (i < length && is_white(data[i]))
        i++;
    if (i < length && (data[i] == '{' || data[i] == '['))
        return json_read(reader, sink, error);
    return jetext_read(reader, sink, error);
}
