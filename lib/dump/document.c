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

void
document_says(struct document *document, unsigned evidence)
{
    if (document->evidence < evidence)
        document->evidence = evidence;
}

static jep_status_t
keep(struct document *document, jep_status_t status)
{
    document->status = status;
    return status;
}

jep_status_t
document_end(struct document *document, bool complete)
{
    if (!document->is_open || document->status != JEP_OK)
        return document->status;
    document->is_open = false;
    return keep(document,
                document->sink->end(document->sink->context, complete));
}

jep_status_t
document_need(struct document *document, unsigned evidence)
{
    document_says(document, evidence);
    if (document->is_open || document->status != JEP_OK)
        return document->status;
    document->is_open = true;
    return keep(document,
                document->sink->begin(document->sink->context, document->format,
                                      document->line));
}

jep_status_t
document_cell(struct document *document, enum dump_scope scope, uint32_t row,
              int field, uint64_t value)
{
    struct dump_where where = {
        .scope = scope, .row = row, .line = document->line};

    if (document->status != JEP_OK)
        return document->status;
    return keep(document, document->sink->number(document->sink->context,
                                                 &where, field, value));
}

jep_status_t
document_number(struct document *document, enum dump_scope scope, int field,
                uint64_t value)
{
    return document_cell(document, scope, 0, field, value);
}

jep_status_t
document_owner(struct document *document, struct dump_owner *owner)
{
    if (document->status != JEP_OK)
        return document->status;
    owner->line = document->line;
    return keep(document,
                document->sink->owner(document->sink->context, owner));
}

jep_status_t
document_text(struct document *document, const char *name, token_t value)
{
    char text[VALUE_MAX_LENGTH];

    if (document->status != JEP_OK)
        return document->status;
    value = token_trim(value);
    snprintf(text, sizeof(text), "%.*s", (int)value.length, value.text);
    return keep(document, document->sink->text(document->sink->context, name,
                                               text, document->line));
}

jep_status_t
document_warn(struct document *document, uint64_t column, const char *format,
              ...)
{
    char text[WARNING_MAX_LENGTH];
    va_list args;

    if (document->status != JEP_OK)
        return document->status;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return keep(document, document->sink->warn(document->sink->context,
                                               document->line, column, text));
}

jep_status_t
document_warn_end(struct document *document, const struct text_line *line)
{
    if (line->ended || line->length == 0 || !document->is_open ||
        document->evidence == TEXT_NOTHING)
        return JEP_OK;
    return document_warn(document, line->length,
                         "the last line has no end: a number there may be cut "
                         "off");
}
