/* The table of owner labels in the text of our own allocator.
 *
 * Unlike those of other tables its rows end with a name, which may hold blanks.
 */
#include "dump/jetext.h"

#include "dump/owner.h"

#include <stdio.h>

/* Figures of a row, in the order of enum owner_field. */
static const char *const columns[OWNER_COUNT] = {
    "live_bytes", "live_objects", "total_bytes", "total_objects"};

jep_status_t
jetext_labels_heading(struct jetext *t, const token_t *tokens, size_t count,
                      bool *is_heading)
{
    *is_heading = count > OWNER_COUNT && token_is(tokens[0], "Labels:");
    for (size_t i = 0; *is_heading && i < OWNER_COUNT; i++)
        *is_heading = token_is(tokens[i + 1], columns[i]);
    if (!*is_heading)
        return JEP_OK;
    jetext_table_begin(t, TABLE_LABELS);
    return jetext_need(t, TEXT_SURE);
}

jep_status_t
jetext_labels_row(struct jetext *t, token_t line, const token_t *tokens,
                  size_t count, bool *is_row)
{
    struct dump_owner owner = {.known = (1u << OWNER_COUNT) - 1,
                               .line = t->line};
    char name[1024], text[128];
    const char *fault;

    *is_row =
        t->grid.table == TABLE_LABELS && t->is_open && count > OWNER_COUNT;
    for (size_t i = 0; *is_row && i < OWNER_COUNT; i++)
        *is_row = token_number(tokens[i], &owner.figures[i]);
    if (!*is_row)
        return JEP_OK;
    t->evidence += TEXT_WEAK;
    line.length -= (size_t)(tokens[OWNER_COUNT].text - line.text);
    line.text = tokens[OWNER_COUNT].text;
    line = token_trim(line);
    snprintf(name, sizeof(name), "%.*s", (int)line.length, line.text);
    owner.id = name;
    fault = owner_fault(&owner);
    if (fault == NULL)
        return t->sink->owner(t->sink->context, &owner);
    snprintf(text, sizeof(text), "this label %s: left out", fault);
    return jetext_warn(t, 0, text);
}
