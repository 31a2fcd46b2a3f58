/* Many dumps at once: one process over time, or many processes side by side;
 * for people, for issues and for programs. */
#ifndef JE_CLI_RENDER_SEVERAL_H
#define JE_CLI_RENDER_SEVERAL_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"
#include "cli/render/render.h"

#include <jansson.h>

#define SEVERAL_WORDS_MAX 2048

/* What was found in one series beside its figures. */
struct series_detail {
    const struct jep_diff *diff; /* the first dump against the last */
    const struct jep_view *last;
};

/* several_words.c: sentences that text and Markdown share.  Each returns
 * `words`, which may be empty. */
/* What the series means, with bytes and rates. */
const char *words_series(char words[SEVERAL_WORDS_MAX],
                         const struct jep_series *series);
/* What the dumps were taken for, and how much that is worth. */
const char *words_assumed(char words[SEVERAL_WORDS_MAX],
                          const struct jep_series *series);
/* How many processes are unusual, and in what. */
const char *words_fleet(char words[SEVERAL_WORDS_MAX],
                        const struct jep_fleet *fleet);
/* "allocated", "outside": a column of a fleet's table. */
const char *words_column(const struct jep_fleet *fleet,
                         enum jep_fleet_figure figure);
/* What the findings of a fleet that has series besides are not. */
const char *words_common(void);
/* What a member is unusual in; empty = nothing. */
const char *words_member(char words[SEVERAL_WORDS_MAX],
                         const struct jep_fleet *fleet,
                         const struct jep_member *member);
/* "app.json (2)": the file, and which dump of several in it. */
const char *words_name(char words[SEVERAL_WORDS_MAX],
                       const struct jep_moment *moment);
/* "+12.0 h", "#3": where in the series it is. */
const char *words_when(char words[SEVERAL_WORDS_MAX],
                       const struct jep_series *series, size_t at);
/* The figures that a row of each dump has: those that two dumps or more tell,
 * of those that matter most.  Returns how many. */
#define SERIES_COLUMNS 6
size_t series_columns(const struct jep_series *series,
                      const struct jep_trend *figures[SERIES_COLUMNS]);
/* What such a column is called: as the trend, but shorter. */
const char *words_heading(const struct jep_trend *figure);
/* Of the change of a trend what is an hour's; false = time is not known. */
bool words_hourly(const struct jep_series *series, double *factor);

/* several_notes.c: what was missing, repaired or left out, the same in many
 * dumps as one note.  False: there is nothing to say. */
bool notes_text(out_t *out, const struct jep_moment *const *moments,
                size_t count);
bool notes_markdown(out_t *out, const struct jep_moment *const *moments,
                    size_t count);

/* `detail` NULL: no more than the figures over time. */
void series_text(out_t *out, const struct jep_series *series,
                 const struct series_detail *detail,
                 const struct render_options *options);
void fleet_text(out_t *out, const struct jep_fleet *fleet, bool has_series);

void series_markdown(out_t *out, const struct jep_series *series,
                     const struct series_detail *detail, unsigned top);
void fleet_markdown(out_t *out, const struct jep_fleet *fleet, bool has_series);

/* `places` says which element of the array of reports each moment became. */
json_t *series_json(const struct jep_series *series,
                    const struct jep_diff *diff, const size_t *places,
                    unsigned top);
json_t *fleet_json(const struct jep_fleet *fleet, const size_t *places);

#endif
