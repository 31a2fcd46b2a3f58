/* Logs that wrap each line into a JSON object. */
#ifndef JE_DUMP_REPAIR_LOG_H
#define JE_DUMP_REPAIR_LOG_H

#include "base/macros.h"

#include "dump/text.h"

/* Whether input that starts like this is such a log. */
bool log_is_line(const char *data, size_t length);

/* The key of an object that says nothing of the process. */
#define LOG_NOBODY UINT64_C(14695981039346656037)

/* Make `line`, which starts with a brace, what was logged.  *key: of what the
 * log says of the process, never 0.  False: nothing was logged there. */
bool log_take_line(struct text_line *line, uint64_t *key);

#endif
