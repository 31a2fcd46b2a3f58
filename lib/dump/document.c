/* The document that a reader of text writes to a sink. */
#include "dump/document.h"

#include <stdarg.h>
#include <stdio.h>

#define VALUE_MAX_LENGTH   1024
#define WARNING_MAX_LENGTH 256

void
document_line(struct document *document, const struct text_line *line)
{
    document->line = line->number;
    document->line_ended = line->ended;
    document->evidence = TEXT_NOTHING;
}

jep_status_t
document_end(struct document *document, bool complete)
{
    if (!document->is_open)
        return JEP_OK;
    document->is_open = false;
    return document->sink->end(document->sink->context, complete);
}

jep_status_t
document_need(struct document *document, unsigned evidence)
{
    document->evidence += evidence;
    if (document->is_open)
        return JEP_OK;
    document->is_open = true;
    return document->sink->begin(document->sink->context, document->format,
                                 document->line);
}

jep_status_t
document_cell(struct document *document, enum dump_scope scope, uint32_t row,
              int field, uint64_t value)
{
    struct dump_where where = {
        .scope = scope, .row = row, .line = document->line};

    return document->sink->number(document->sink->context, &where, field,
                                  value);
}

jep_status_t
document_number(struct document *document, enum dump_scope scope, int field,
                uint64_t value)
{
    return document_cell(document, scope, 0, field, value);
}

jep_status_t
document_text(struct document *document, const char *name, token_t value)
{
    char text[VALUE_MAX_LENGTH];

    value = token_trim(value);
    snprintf(text, sizeof(text), "%.*s", (int)value.length, value.text);
    return document->sink->text(document->sink->context, name, text,
                                document->line);
}

jep_status_t
document_warn(struct document *document, uint64_t column, const char *format,
              ...)
{
    char text[WARNING_MAX_LENGTH];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return document->sink->warn(document->sink->context, document->line, column,
                                text);
}
