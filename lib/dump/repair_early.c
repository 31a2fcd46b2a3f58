/* Lines that came before one that shows what the logger writes before each. */
#include "dump/repair_early.h"

#include <string.h>

void
early_keep(struct early *early, const struct text_line *line)
{
    struct early_line *to;

    if (line->length > EARLY_LENGTH_MAX)
        return;
    to = &early->lines[(early->first + early->count) % EARLY_LINES];
    if (early->count < EARLY_LINES)
        early->count++;
    else
        early->first = (early->first + 1) % EARLY_LINES;
    memcpy(to->text, line->text, line->length);
    to->text[line->length] = '\0';
    to->length = line->length;
    to->number = line->number;
}

bool
early_take(struct early *early, struct text_line *line)
{
    struct early_line *from = &early->lines[early->first];

    if (early->count == 0)
        return false;
    early->first = (early->first + 1) % EARLY_LINES;
    early->count--;
    *line = (struct text_line){.text = from->text,
                               .length = from->length,
                               .number = from->number,
                               .ended = true};
    return true;
}
