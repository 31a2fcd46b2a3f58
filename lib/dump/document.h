/* The document that a reader of text writes to a sink.
 *
 * Readers differ in what they look for and agree on the rest: a document is
 * begun by the first line that is understood, ended by the next one or by the
 * end of the file, and every figure carries the number of its line. */
#ifndef JE_DUMP_DOCUMENT_H
#define JE_DUMP_DOCUMENT_H

#include "base/macros.h"

#include "dump/text.h"

struct document {
    const struct dump_sink *sink;
    enum dump_format format;
    uint64_t line;
    bool line_ended;
    bool is_open;
    unsigned evidence;   /* of the current line */
    jep_status_t status; /* of the sink: once it fails, it gets no more */
};

/* A new line: nothing of it is understood yet. */
void document_line(struct document *document, const struct text_line *line);

/* The line says that much for the format. */
void document_says(struct document *document, unsigned evidence);

/* End the open document, if there is one. */
jep_status_t document_end(struct document *document, bool complete)
    __attribute__((warn_unused_result));

/* The line was understood: see to it that there is a document for it. */
jep_status_t document_need(struct document *document, unsigned evidence)
    __attribute__((warn_unused_result));

jep_status_t document_number(struct document *document, enum dump_scope scope,
                             int field, uint64_t value)
    __attribute__((warn_unused_result));
/* The cell of a table that does not belong to an arena. */
jep_status_t document_cell(struct document *document, enum dump_scope scope,
                           uint32_t row, int field, uint64_t value)
    __attribute__((warn_unused_result));

/* The line is about an owner. */
jep_status_t document_owner(struct document *document, struct dump_owner *owner)
    __attribute__((warn_unused_result));

/* `value` is trimmed, and cut if it is very long. */
jep_status_t document_text(struct document *document, const char *name,
                           token_t value) __attribute__((warn_unused_result));

/* Column 0: the whole line. */
jep_status_t document_warn(struct document *document, uint64_t column,
                           const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));

/* The current line was understood and has no end, as if it were cut off: say
 * that the number there may be half of one. */
jep_status_t document_warn_end(struct document *document,
                               const struct text_line *line)
    __attribute__((warn_unused_result));

#endif
