/* Lines that came before one that shows what the logger writes before each.
 *
 * The first lines of a dump may say too little for that, above all where a log
 * begins in the midst of one.  The last lines whose prefix is not known are
 * kept, to be read again without it once it is. */
#ifndef JE_DUMP_REPAIR_EARLY_H
#define JE_DUMP_REPAIR_EARLY_H

#include "base/macros.h"

#include "dump/text.h"

#define EARLY_LINES      64
#define EARLY_LENGTH_MAX 500 /* a longer line is not kept */

struct early_line {
    char text[EARLY_LENGTH_MAX + 1];
    size_t length;
    uint64_t number, key;
    bool is_taken;
};

struct early {
    struct early_line lines[EARLY_LINES];
    unsigned first, count;
    unsigned at; /* of the next to look at, from the first */
};

/* `key`: of what the log says of the process elsewhere. */
void early_keep(struct early *early, const struct text_line *line,
                uint64_t key);

/* Look at them from the oldest on. */
void early_rewind(struct early *early);

/* The next; its text stays until another line is kept.  False: no more. */
bool early_next(struct early *early, struct text_line *line, uint64_t *key);

/* The line that early_next gave was read: it will not come again. */
void early_take(struct early *early);

#endif
