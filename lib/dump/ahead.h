/* Lines of a large file, read and repaired by a thread of their own while those
 * before them are understood.
 *
 * The thread starts only when enough was read, of a file, and where there is a
 * second processor; it ends with the lines.  What comes out does not depend on
 * it: without one, each line is read when it is asked for. */
#ifndef JE_DUMP_AHEAD_H
#define JE_DUMP_AHEAD_H

#include "base/macros.h"

#include "dump/repair.h"

#define AHEAD_FROM ((uint64_t)1 << 20) /* bytes after which it starts */

typedef struct ahead ahead_t;

/* NULL = out of memory.  Nobody else uses `reader` and `repairer` until
 * ahead_line() has returned without a line. */
ahead_t *ahead_new(reader_t *reader, repairer_t *repairer);
void ahead_free(ahead_t *ahead);

/* The next line as repair_line() gives it, valid until the next call; *line ==
 * NULL at the end, and before a line that is too long. */
jep_status_t ahead_line(ahead_t *ahead, const struct text_line **line,
                        struct jep_error *error)
    __attribute__((warn_unused_result));

#endif
