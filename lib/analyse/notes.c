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

/* Notes that are the same, found by where their text is: texts of one pool are
 * the same if their places are. */
struct notes {
    struct jep_note *list;
    size_t count;
    size_t *slots; /* of the list, from 1; 0 = free */
    size_t size;   /* of slots, a power of two and more than notes */
};

static bool
notes_new(struct notes *notes, size_t most)
{
    *notes = (struct notes){.size = 16};
    while (notes->size < most * 2)
        notes->size *= 2;
    notes->list = calloc(most + 1, sizeof(*notes->list));
    notes->slots = calloc(notes->size, sizeof(*notes->slots));
    return notes->list != NULL && notes->slots != NULL;
}

/* The slot of `note`, or the free one where it is to be. */
static size_t *
slot_of(const struct notes *notes, const struct jep_moment_note *note)
{
    uint64_t hash =
        (uint64_t)(uintptr_t)note->text * UINT64_C(0x9e3779b97f4a7c15);

    for (size_t at = (size_t)(hash >> 20) + note->is_missing;; at++) {
        size_t *slot = &notes->slots[at & (notes->size - 1)];
        const struct jep_note *has =
            *slot != 0 ? &notes->list[*slot - 1] : NULL;

        if (has == NULL ||
            (has->text == note->text && has->is_missing == note->is_missing))
            return slot;
    }
}

static void
note_add(struct notes *notes, const struct jep_moment *moment,
         const struct jep_moment_note *note)
{
    size_t *slot = slot_of(notes, note);
    struct jep_note *at;

    if (*slot == 0) {
        notes->list[notes->count] =
            (struct jep_note){.text = note->text,
                              .is_missing = note->is_missing,
                              .line = note->line,
                              .first = moment};
        *slot = ++notes->count;
    }
    at = &notes->list[*slot - 1];
    at->times++;
    at->dumps += at->last != moment;
    at->last = moment;
}

jep_status_t
jep_notes(const struct jep_moment *const *moments, size_t count,
          struct jep_note **out, size_t *note_count)
{
    struct notes notes;
    size_t most = 0;
    bool is_fine;

    for (size_t i = 0; i < count; i++)
        most += moments[i]->note_count;
    is_fine = notes_new(&notes, most);
    for (size_t i = 0; i < count && is_fine; i++) {
        for (size_t n = 0; n < moments[i]->note_count; n++)
            note_add(&notes, moments[i], &moments[i]->notes[n]);
    }
    free(notes.slots);
    if (!is_fine) {
        free(notes.list);
        notes = (struct notes){.list = NULL};
    }
    *out = notes.list;
    *note_count = notes.count;
    return is_fine ? JEP_OK : JEP_ERR_MEMORY;
}
