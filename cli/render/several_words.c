/* Sentences about many dumps, which text and Markdown share. */
#include "cli/render/several.h"

#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Add to `words`; what does not fit is cut. */
static void add(char words[SEVERAL_WORDS_MAX], const char *fmt, ...)
    JE_PRINTF(2, 3);

static void
add(char words[SEVERAL_WORDS_MAX], const char *fmt, ...)
{
    size_t used = strlen(words);
    va_list args;

    va_start(args, fmt);
    vsnprintf(words + used, SEVERAL_WORDS_MAX - used, fmt, args);
    va_end(args);
}

bool
words_hourly(const struct jep_series *series, double *factor)
{
    if (series->clock == JEP_CLOCK_NONE)
        return false;
    *factor = 3600.0 / series->seconds;
    return true;
}

/* "allocated grew by 148 MiB in 12.0 h, 12.3 MiB an hour (95 %: 11.9 MiB to
 * 12.8 MiB)" */
static void
add_change(char *words, const struct jep_series *series)
{
    const struct jep_trend *trend = series->deciding;
    double factor = 1.0 / (double)(series->count - 1);
    bool has_time = words_hourly(series, &factor);
    char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX], c[TEXT_NUMBER_MAX];

    add(words, ": %s %s by %s", trend->what,
        trend->change < 0.0 ? "fell" : "grew",
        text_size(a, fabs(trend->change)));
    if (has_time)
        add(words, " in %s", text_duration(c, series->seconds));
    else
        add(words, " in %zu dumps", series->count);
    if (series->count < JEP_TREND_DUMPS)
        return;
    add(words, ", %s %s", text_size(a, fabs(trend->change) * factor),
        has_time ? "an hour" : "from one to the next");
    if (trend->has_interval)
        add(words, " (95 %%: %s to %s)", text_size(a, trend->low * factor),
            text_size(b, trend->high * factor));
}

static void
add_rss(char *words, const struct jep_series *series)
{
    const struct jep_trend *rss = &series->trends[0];
    char size[TEXT_NUMBER_MAX];

    if (series->trend_count == 0 || strcmp(rss->id, "rss") != 0 ||
        series->deciding == rss || series->deciding == NULL)
        return;
    if (rss->is_steady)
        add(words, "; RSS stood still");
    else
        add(words, "; RSS %s by %s", rss->change < 0.0 ? "fell" : "grew",
            text_size(size, fabs(rss->change)));
}

const char *
words_series(char words[SEVERAL_WORDS_MAX], const struct jep_series *series)
{
    char text[TEXT_NUMBER_MAX];

    words[0] = '\0';
    add(words, "%s", series->verdict.text);
    if (strcmp(series->verdict.id, "same") == 0)
        add(words, " of %s", text_size(text, (double)series->floor));
    if (series->deciding != NULL)
        add_change(words, series);
    else if (series->clock != JEP_CLOCK_NONE)
        add(words, ", in %s", text_duration(text, series->seconds));
    add_rss(words, series);
    add(words, ".");
    if (series->has_levelled)
        add(words, " In the second half of the dumps it no longer does: that "
                   "was a start, or a cache that is full now.");
    return words;
}

static bool
is_of_one_file(const struct jep_series *series)
{
    for (size_t i = 1; i < series->count; i++) {
        if (strcmp(series->moments[i]->file, series->moments[0]->file) != 0)
            return false;
    }
    return true;
}

const char *
words_assumed(char words[SEVERAL_WORDS_MAX], const struct jep_series *series)
{
    char text[TEXT_NUMBER_MAX];

    words[0] = '\0';
    if (series->is_restart)
        add(words, "The process was started anew before the first of these: "
                   "what only grows had fallen, or its allocator is of "
                   "another version. ");
    if (series->is_assumed)
        add(words,
            "Taken for one process, because %s; --fleet takes them for "
            "several. ",
            is_of_one_file(series)
                ? "they are in one file and nothing in them says otherwise"
                : "time and all counters only grow from one to the next");
    if (series->is_reordered)
        add(words, "Put in the order of their time. ");
    if (series->clock == JEP_CLOCK_NONE)
        add(words, "When they were made is not known: they are in the order "
                   "they were read in, and rates are from one to the next. ");
    if (series->count < JEP_TREND_DUMPS)
        add(words, "Two dumps show a change, not a trend. ");
    else if (series->clock != JEP_CLOCK_NONE &&
             series->seconds < JEP_TREND_SECONDS)
        add(words, "%s is too short to tell a start from a leak. ",
            text_duration(text, series->seconds));
    return words;
}

static void
add_mixed(char *words, const struct jep_fleet *fleet)
{
    if (fleet->is_mixed)
        add(words, " Dumps of different allocators in one file may be of one "
                   "process, which uses both.");
}

const char *
words_fleet(char words[SEVERAL_WORDS_MAX], const struct jep_fleet *fleet)
{
    size_t named = 0;
    char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];

    words[0] = '\0';
    if (fleet->count < JEP_FLEET_MIN) {
        add(words, "%zu processes: too few to say which is unusual.",
            fleet->count);
        add_mixed(words, fleet);
        return words;
    }
    if (fleet->unusual == 0)
        add(words, "None of %zu processes is unusual", fleet->count);
    else
        add(words, "%zu of %zu processes %s unusual", fleet->unusual,
            fleet->count, fleet->unusual == 1 ? "is" : "are");
    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        const struct jep_spread *spread = &fleet->figures[f];

        if (spread->unusual > 0)
            add(words, "%s%zu in %s", named++ > 0 ? ", " : ": ",
                spread->unusual, spread->what);
    }
    if (fleet->figures[JEP_FLEET_SIZE].known > 0)
        add(words, ". The median takes %s, the largest %s",
            text_size(a, fleet->figures[JEP_FLEET_SIZE].median),
            text_size(b, fleet->figures[JEP_FLEET_SIZE].most));
    add(words, ".");
    if (fleet->count < JEP_FLEET_FEW)
        add(words, " So few say little about what is usual.");
    add_mixed(words, fleet);
    return words;
}

const char *
words_column(const struct jep_fleet *fleet, enum jep_fleet_figure figure)
{
    static const char *const titles[JEP_FLEET_FIGURES] = {
        [JEP_FLEET_ALLOCATED] = "allocated",
        [JEP_FLEET_WASTE] = "waste",
        [JEP_FLEET_DIRTY] = "dirty",
        [JEP_FLEET_METADATA] = "metadata",
        [JEP_FLEET_OUTSIDE] = "outside"};

    return figure == JEP_FLEET_SIZE ? fleet->figures[figure].what
                                    : titles[figure];
}

const char *
words_common(void)
{
    return "Found in the latest dumps, each alone: what takes an earlier one "
           "to tell is found with the series.";
}

const char *
words_member(char words[SEVERAL_WORDS_MAX], const struct jep_fleet *fleet,
             const struct jep_member *member)
{
    char size[TEXT_NUMBER_MAX];

    words[0] = '\0';
    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        const struct jep_spread *spread = &fleet->figures[f];

        if (member->figures[f].is_unusual)
            add(words, "%s%s %s above the median", words[0] != '\0' ? ", " : "",
                spread->what,
                text_size(size, member->figures[f].value - spread->median));
    }
    return words;
}

const char *
words_name(char words[SEVERAL_WORDS_MAX], const struct jep_moment *moment)
{
    const char *file =
        strcmp(moment->file, "-") == 0 ? "(standard input)" : moment->file;

    if (moment->documents > 1)
        snprintf(words, SEVERAL_WORDS_MAX, "%s (%u)", file, moment->document);
    else
        snprintf(words, SEVERAL_WORDS_MAX, "%s", file);
    return words;
}

static const struct jep_trend *
trend_find(const struct jep_series *series, const char *id)
{
    for (size_t i = 0; i < series->trend_count; i++) {
        if (strcmp(series->trends[i].id, id) == 0)
            return &series->trends[i];
    }
    return NULL;
}

size_t
series_columns(const struct jep_series *series,
               const struct jep_trend *figures[SERIES_COLUMNS])
{
    static const char *const own[SERIES_COLUMNS] = {
        "rss", "resident", "active", "allocated", "dirty", "metadata"};
    static const char *const others[SERIES_COLUMNS] = {
        "rss", "resident", "allocated", "caches", "holes", "free_pages"};
    const char *const *ids = series->moments[0]->is_foreign ? others : own;
    size_t count = 0;

    for (size_t i = 0; i < SERIES_COLUMNS; i++) {
        const struct jep_trend *figure = trend_find(series, ids[i]);

        /* Others do not tell what of it is memory. */
        if (figure == NULL && strcmp(ids[i], "resident") == 0)
            figure = trend_find(series, "mapped");
        if (figure != NULL)
            figures[count++] = figure;
    }
    return count;
}

const char *
words_heading(const struct jep_trend *figure)
{
    if (strcmp(figure->id, "dirty") == 0 || strcmp(figure->id, "caches") == 0)
        return figure->id;
    return strcmp(figure->id, "free_pages") == 0 ? "pages" : figure->what;
}

const char *
words_when(char words[SEVERAL_WORDS_MAX], const struct jep_series *series,
           size_t at)
{
    char text[TEXT_NUMBER_MAX];

    if (series->clock == JEP_CLOCK_NONE)
        snprintf(words, SEVERAL_WORDS_MAX, "#%zu", at + 1);
    else
        snprintf(words, SEVERAL_WORDS_MAX, "+%s",
                 text_age(text, series->at[at]));
    return words;
}
