/* Lines that came before one that shows what the logger writes before each.
 *
 * The first line of a dump may say too little for that.  The last few lines
 * before are kept, to be read again without their prefix once it is known. */
#ifndef JE_DUMP_REPAIR_EARLY_H
#define JE_DUMP_REPAIR_EARLY_H

#include "base/macros.h"

#include "dump/text.h"

#define EARLY_LINES      4
#define EARLY_LENGTH_MAX 500 /* a longer line is not kept */

struct early_line {
    char text[EARLY_LENGTH_MAX + 1];
    size_t length;
    uint64_t number;
};

struct early {
    struct early_line lines[EARLY_LINES];
    unsigned first, count;
};

void early_keep(struct early *early, const struct text_line *line);

/* Take the oldest out; its text stays until the next is kept.  False: there is
 * none. */
bool early_take(struct early *early, struct text_line *line);

#endif
