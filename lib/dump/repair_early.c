/* Lines that came before one that shows what the logger writes before each. */
#include "dump/repair_early.h"

#include <string.h>

void
early_keep(struct early *early, const struct text_line *line, uint64_t key)
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
    to->key = key;
    to->is_taken = false;
}

static struct early_line *
line_at(struct early *early, unsigned at)
{
    return &early->lines[(early->first + at) % EARLY_LINES];
}

void
early_rewind(struct early *early)
{
    early->at = 0;
}

bool
early_next(struct early *early, struct text_line *line, uint64_t *key)
{
    struct early_line *from;

    while (early->at < early->count && line_at(early, early->at)->is_taken)
        early->at++;
    if (early->at == early->count)
        return false;
    from = line_at(early, early->at++);
    *line = (struct text_line){.text = from->text,
                               .length = from->length,
                               .number = from->number,
                               .ended = true};
    *key = from->key;
    return true;
}

void
early_take(struct early *early)
{
    line_at(early, early->at - 1)->is_taken = true;
}
