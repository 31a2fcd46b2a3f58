/* What was missing, repaired or left out in many dumps. */
#include "cli/render/several.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/render/cell.h"
#include "cli/render/markdown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than this are counted. */
enum { NOTES_MOST = 30 };

/* "in 3 of 12 dumps, first in a.txt, line 7: the last line is cut off" */
static void
note_words(char words[SEVERAL_WORDS_MAX], const struct jep_note *note,
           size_t all)
{
    char name[SEVERAL_WORDS_MAX], line[40] = "", count[80] = "";

    words_name(name, note->first);
    if (note->line > 0)
        snprintf(line, sizeof(line), ", line %llu",
                 (unsigned long long)note->line);
    if (note->dumps == 2 && all == 2)
        snprintf(count, sizeof(count), "in both dumps");
    else if (note->dumps > 1 && note->dumps == all)
        snprintf(count, sizeof(count), "in all %zu dumps", all);
    else if (note->dumps > 1)
        snprintf(count, sizeof(count), "in %zu of %zu dumps", note->dumps, all);
    else if (note->times > 1)
        snprintf(count, sizeof(count), "%zu times", note->times);
    /* Whose all of them are need not be said, unless it is a place. */
    if (note->dumps == all && note->dumps > 1 && note->line == 0)
        snprintf(words, SEVERAL_WORDS_MAX, "%s: ", count);
    else
        snprintf(words, SEVERAL_WORDS_MAX, "%s%s%.1000s%s: ", count,
                 count[0] != '\0' ? ", first in " : "", name, line);
    snprintf(name, sizeof(name), "%s%s", note->is_missing ? "not in it: " : "",
             note->text);
    snprintf(words + strlen(words), SEVERAL_WORDS_MAX - strlen(words), "%s",
             name);
}

static void
more_words(char words[SEVERAL_WORDS_MAX], size_t count)
{
    snprintf(words, SEVERAL_WORDS_MAX,
             "%zu more notes are in the JSON report (--format json)", count);
}

/* Returns whether there are any. */
static bool
notes_print(out_t *out, const struct jep_moment *const *moments, size_t count,
            void (*print)(out_t *, const char *))
{
    char words[SEVERAL_WORDS_MAX];
    struct jep_note *notes;
    size_t note_count;

    if (jep_notes(moments, count, &notes, &note_count) != JEP_OK)
        die(EXIT_SYSTEM, "out of memory");
    for (size_t i = 0; i < note_count && i < NOTES_MOST; i++) {
        note_words(words, &notes[i], count);
        print(out, words);
    }
    if (note_count > NOTES_MOST) {
        more_words(words, note_count - NOTES_MOST);
        print(out, words);
    }
    free(notes);
    return note_count > 0;
}

static void
print_text(out_t *out, const char *words)
{
    cell_hanging(out, words, "note: ", "", out_prose_width(out));
}

bool
notes_text(out_t *out, const struct jep_moment *const *moments, size_t count)
{
    return notes_print(out, moments, count, print_text);
}

/* A line of a quotation that goes on. */
static void
print_markdown(out_t *out, const char *words)
{
    out_puts(out, "> note: ");
    markdown_prose(out, words);
    out_puts(out, "\n>\n");
}

bool
notes_markdown(out_t *out, const struct jep_moment *const *moments,
               size_t count)
{
    return notes_print(out, moments, count, print_markdown);
}
