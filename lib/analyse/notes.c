/* What was missing, repaired or left out in many dumps.
 *
 * The same sentence in dump after dump says no more than once, with how many.
 */
#include "analyse/several.h"

#include <stdio.h>
#include <stdlib.h>

/* "options, arenas" */
static const char *
missing_text(const struct jep_source *source, struct intern_text *texts)
{
    char text[160];
    size_t at = 0;

    for (size_t i = 0; i < source->missing_count && at < sizeof(text); i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
                               i > 0 ? ", " : "", source->missing[i]);
    return intern_text(texts, text);
}

bool
notes_take(const struct jep_source *source, struct intern_text *texts,
           struct jep_moment_note **notes, size_t *count)
{
    struct jep_moment_note *out =
        calloc(source->warning_count + 1, sizeof(*out));
    size_t n = 0;

    *notes = out;
    *count = 0;
    if (out == NULL)
        return false;
    if (source->missing_count > 0) {
        out[n] = (struct jep_moment_note){.is_missing = true};
        out[n].text = missing_text(source, texts);
        if (out[n++].text == NULL)
            return false;
    }
    for (size_t i = 0; i < source->warning_count; i++) {
        out[n] = (struct jep_moment_note){.line = source->warnings[i].line};
        out[n].text = intern_text(texts, source->warnings[i].text);
        if (out[n++].text == NULL)
            return false;
    }
    *count = n;
    return true;
}

/* Texts of one pool are the same if their places are. */
static void
note_add(struct jep_note *notes, size_t *count, const struct jep_moment *moment,
         const struct jep_moment_note *note)
{
    struct jep_note *at = notes;

    while (at < notes + *count &&
           (at->text != note->text || at->is_missing != note->is_missing))
        at++;
    if (at == notes + *count) {
        *at = (struct jep_note){.text = note->text,
                                .is_missing = note->is_missing,
                                .line = note->line,
                                .first = moment};
        (*count)++;
    }
    at->times++;
    at->dumps += at->last != moment;
    at->last = moment;
}

jep_status_t
jep_notes(const struct jep_moment *const *moments, size_t count,
          struct jep_note **notes, size_t *note_count)
{
    size_t most = 1;

    for (size_t i = 0; i < count; i++)
        most += moments[i]->note_count;
    *note_count = 0;
    *notes = calloc(most, sizeof(**notes));
    if (*notes == NULL)
        return JEP_ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < moments[i]->note_count; n++)
            note_add(*notes, note_count, moments[i], &moments[i]->notes[n]);
    }
    return JEP_OK;
}
