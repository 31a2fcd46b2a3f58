/* How the figures of one process moved from dump to dump, and what that means.
 */
#include "analyse/several.h"

#include "analyse/trend.h"
#include "analyse/verdict_foreign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Growth has ended if the second half has less than this of the slope; fewer
 * dumps have no halves. */
#define LEVEL_SHARE 0.25
#define LEVEL_DUMPS 6

void
series_free(struct series *series)
{
    free(series->at);
    free(series->values);
}

static uint64_t
time_of(const struct jep_moment *moment, enum jep_clock clock)
{
    return clock == JEP_CLOCK_WALL ? moment->wall_ns.value
                                   : moment->uptime_ns.value;
}

/* Without a clock the dumps are taken to be equally far apart. */
static void
time_fill(const struct several_run *run, struct series *series)
{
    for (size_t i = 0; i < run->count; i++) {
        series->at[i] = (double)i;
        if (run->clock != JEP_CLOCK_NONE)
            series->at[i] = ((double)time_of(run->moments[i], run->clock) -
                             (double)time_of(run->moments[0], run->clock)) /
                            1e9;
    }
    series->out.clock = run->clock;
    if (run->clock == JEP_CLOCK_NONE)
        return;
    series->out.seconds = series->at[run->count - 1];
    series->out.at = series->at;
    if (!(series->out.seconds > 0.0)) {
        series->out.clock = JEP_CLOCK_NONE;
        series->out.at = NULL;
        for (size_t i = 0; i < run->count; i++)
            series->at[i] = (double)i;
    }
}

/* A figure over time; false: out of memory.  *fits is its line over the dumps
 * from `first` on that have it. */
static bool
line_of(const struct series *series, const struct jep_figure *values,
        size_t first, size_t count, struct trend_line *fit, size_t *known)
{
    double *x = malloc(2 * count * sizeof(*x)), *y;
    bool is_fine;

    *known = 0;
    if (x == NULL)
        return false;
    y = x + count;
    for (size_t i = first; i < count; i++) {
        if (!values[i].known)
            continue;
        x[*known] = series->at[i];
        y[(*known)++] = (double)values[i].value;
    }
    is_fine = trend_fit(x, y, *known, fit);
    free(x);
    return is_fine;
}

static void
ends_fill(struct jep_trend *trend, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!trend->values[i].known)
            continue;
        if (!trend->first.known)
            trend->first = trend->values[i];
        trend->last = trend->values[i];
    }
}

/* Whether chance alone may have moved it the other way. */
static bool
is_noise(const struct jep_trend *trend)
{
    return trend->has_interval && trend->low < 0.0 && trend->high > 0.0;
}

/* `trend` has its values.  False: out of memory; *is_known: two dumps tell. */
static bool
trend_of(const struct series *series, size_t count, uint64_t floor,
         struct jep_trend *trend, bool *is_known)
{
    double whole = series->at[count - 1];
    struct trend_line fit;
    size_t known;

    if (!line_of(series, trend->values, 0, count, &fit, &known))
        return false;
    *is_known = known >= 2;
    trend->change = fit.slope * whole;
    trend->has_interval = fit.has_interval;
    trend->low = fit.low * whole;
    trend->high = fit.high * whole;
    trend->is_steady = fabs(trend->change) < (double)floor || is_noise(trend);
    ends_fill(trend, count);
    return true;
}

static bool
trends_fill(const struct several_run *run, struct series *series,
            uint64_t floor)
{
    struct jep_series *out = &series->out;

    for (size_t t = 0; t < VERDICT_TOTALS; t++) {
        struct jep_figure *values = series->values + t * run->count;
        struct jep_trend *trend = &series->trends[out->trend_count];
        bool is_known;

        *trend = (struct jep_trend){.id = verdict_total_id(t),
                                    .what = verdict_total_what(t),
                                    .values = values};
        for (size_t i = 0; i < run->count; i++)
            values[i] = verdict_total(&run->moments[i]->summary, t);
        if (!trend_of(series, run->count, floor, trend, &is_known))
            return false;
        out->trend_count += is_known;
    }
    out->trends = series->trends;
    return true;
}

/* ---- another allocator's ----------------------------------------------- */

static bool
is_foreign(const struct several_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (!run->moments[i]->is_foreign ||
            run->moments[i]->allocator != run->moments[0]->allocator)
            return false;
    }
    return true;
}

/* Whether what the dumps count is the same thing in all of them. */
static bool
is_alike(const struct several_run *run)
{
    for (size_t i = 1; i < run->count; i++) {
        if (!verdict_is_alike(run->moments[0]->allocator,
                              run->moments[i]->allocator))
            return false;
    }
    return true;
}

static bool
has_parts(const struct several_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (!foreign_fits(run->moments[0], run->moments[i]))
            return false;
    }
    return true;
}

/* A part that one dump has and another has not is of no bytes there: the ledger
 * adds up.  False: none has it. */
static bool
part_values(const struct several_run *run, enum jep_part part,
            struct jep_figure *values)
{
    bool is_known = false;

    for (size_t i = 0; i < run->count; i++)
        is_known |= run->moments[i]->parts[part].known;
    for (size_t i = 0; i < run->count && is_known; i++)
        values[i] = figure_derived(run->moments[i]->parts[part].value);
    return is_known;
}

/* How the parts moved; those that are no total are trends, too. */
static bool
parts_fill(const struct several_run *run, struct series *series, uint64_t floor,
           int64_t changes[JEP_PARTS])
{
    struct jep_series *out = &series->out;

    for (enum jep_part part = 0; part < JEP_PARTS; part++) {
        struct jep_figure *values =
            series->values + (VERDICT_TOTALS + part) * run->count;
        struct jep_trend trend = {.id = foreign_part_id(part),
                                  .what = foreign_part_what(part),
                                  .values = values};
        bool is_known;

        if (!part_values(run, part, values))
            continue;
        if (!trend_of(series, run->count, floor, &trend, &is_known))
            return false;
        if (!is_noise(&trend))
            changes[part] = llround(trend.change);
        if (trend.id != NULL)
            series->trends[out->trend_count++] = trend;
    }
    return true;
}

/* ---- what that means --------------------------------------------------- */

static void
deciding_fill(struct jep_series *out)
{
    for (size_t i = 0; i < out->trend_count; i++) {
        if (out->verdict.figure != NULL &&
            strcmp(out->trends[i].id, out->verdict.figure) == 0)
            out->deciding = &out->trends[i];
    }
}

/* False: out of memory. */
static bool
verdict_fill(const struct several_run *run, struct series *series,
             uint64_t floor)
{
    struct jep_series *out = &series->out;
    struct jep_change changes[VERDICT_TOTALS];
    size_t count = out->trend_count;
    int64_t parts[JEP_PARTS] = {0};

    for (size_t i = 0; i < count; i++) {
        const struct jep_trend *trend = &out->trends[i];

        changes[i] = (struct jep_change){
            .id = trend->id,
            .bytes = trend->is_steady ? 0 : (int64_t)llround(trend->change)};
    }
    if (has_parts(run) && !parts_fill(run, series, floor, parts))
        return false;
    if (out->trend_count == 0)
        out->verdict = (struct jep_verdict){
            .id = "unknown",
            .text = "The dumps hold no figures that could be compared"};
    else if (!is_alike(run))
        out->verdict = verdict_apart(changes, count, floor);
    else if (is_foreign(run))
        out->verdict = foreign_verdict(parts, changes, count,
                                       run->moments[0]->allocator, floor);
    else
        out->verdict = verdict_of(changes, count, floor);
    deciding_fill(out);
    return true;
}

/* A start grows, too, and then it stops. */
static bool
level_fill(struct series *series)
{
    struct jep_series *out = &series->out;
    double slope;
    struct trend_line half;
    size_t known;

    if (!out->verdict.has_grown || out->deciding == NULL ||
        out->count < LEVEL_DUMPS)
        return true;
    if (!line_of(series, out->deciding->values, out->count / 2, out->count,
                 &half, &known))
        return false;
    slope = out->deciding->change / series->at[out->count - 1];
    out->has_levelled =
        known >= LEVEL_DUMPS / 2 && half.slope < LEVEL_SHARE * slope;
    return true;
}

bool
series_fill(const struct several_run *run, struct series *series)
{
    uint64_t floor = verdict_floor(&run->moments[0]->summary, JEP_CHANGE_MIN);

    series->at = calloc(run->count, sizeof(*series->at));
    series->values =
        calloc(run->count * SERIES_FIGURES, sizeof(*series->values));
    if (series->at == NULL || series->values == NULL)
        return false;
    series->out.moments = run->moments;
    series->out.count = run->count;
    series->out.is_restart = run->is_restart;
    series->out.is_assumed = run->is_assumed;
    series->out.is_reordered = run->is_reordered;
    series->out.floor = floor;
    time_fill(run, series);
    return trends_fill(run, series, floor) &&
           verdict_fill(run, series, floor) && level_fill(series);
}
