/* Many dumps for programs: keys are described in jeprobe-report(5). */
#include "cli/render/several.h"

#include "cli/render/diff.h"
#include "cli/render/value.h"

#include <math.h>

static json_t *
range(double low, double high, double factor)
{
    json_t *array = value_need(json_array());

    value_append(array, value_number(round(low * factor)));
    value_append(array, value_number(round(high * factor)));
    return array;
}

static json_t *
trend_json(const struct jep_series *series, const struct jep_trend *trend)
{
    json_t *object = value_need(json_object());
    double factor;
    bool has_time = words_hourly(series, &factor);
    bool has_range = has_time && trend->has_interval;

    value_set(object, "what", value_text(trend->id));
    value_set(object, "first", value_figure(trend->first));
    value_set(object, "last", value_figure(trend->last));
    value_set(object, "change", value_number(round(trend->change)));
    value_set(object, "change_ci",
              trend->has_interval ? range(trend->low, trend->high, 1.0)
                                  : json_null());
    value_set(object, "per_hour",
              has_time ? value_number(round(trend->change * factor))
                       : json_null());
    value_set(object, "per_hour_ci",
              has_range ? range(trend->low, trend->high, factor) : json_null());
    value_set(object, "steady", json_boolean(trend->is_steady));
    return object;
}

static json_t *
row_json(const struct jep_moment *moment, size_t place)
{
    const struct jep_summary *s = &moment->summary;
    json_t *row = value_need(json_object());

    value_set(row, "report", value_whole(place));
    value_set(row, "file", value_text(moment->file));
    value_set(row, "document", value_whole(moment->document));
    value_set(row, "rss", value_figure(s->rss));
    value_set(row, "resident", value_figure(s->resident));
    value_set(row, "active", value_figure(s->active));
    value_set(row, "allocated", value_figure(s->allocated));
    value_set(row, "dirty", value_figure(s->dirty));
    value_set(row, "metadata", value_figure(s->metadata));
    return row;
}

static void
set_process(json_t *object, const struct jep_series *series)
{
    static const char *const clocks[] = {NULL, "wall", "uptime"};
    const struct jep_moment *first = series->moments[0];

    value_set(object, "pid", value_figure(first->pid));
    value_set(object, "exe", value_text(first->exe));
    value_set(object, "clock", value_text(clocks[series->clock]));
    value_set(object, "seconds",
              series->clock != JEP_CLOCK_NONE ? value_number(series->seconds)
                                              : json_null());
    value_set(object, "restart", json_boolean(series->is_restart));
    value_set(object, "assumed", json_boolean(series->is_assumed));
    value_set(object, "reordered", json_boolean(series->is_reordered));
}

static void
set_verdict(json_t *object, const struct jep_series *series)
{
    char words[SEVERAL_WORDS_MAX];

    value_set(object, "verdict", value_text(series->verdict.id));
    value_set(object, "text", value_text(words_series(words, series)));
    value_set(object, "rule", value_text(series->verdict.rule));
    value_set(object, "figure", value_text(series->verdict.figure));
    value_set(object, "grown", json_boolean(series->verdict.has_grown));
    value_set(object, "levelled", json_boolean(series->has_levelled));
}

json_t *
series_json(const struct jep_series *series, const struct jep_diff *diff,
            const size_t *places, unsigned top)
{
    json_t *object = value_need(json_object());
    json_t *trends = value_need(json_array());
    json_t *rows = value_need(json_array());
    json_t *stacks = value_need(json_array());

    set_process(object, series);
    set_verdict(object, series);
    for (size_t i = 0; i < series->trend_count; i++)
        value_append(trends, trend_json(series, &series->trends[i]));
    for (size_t i = 0; i < series->count; i++) {
        const struct jep_moment *moment = series->moments[i];
        json_t *row = row_json(moment, places[moment->index]);

        value_set(row, "seconds",
                  series->clock != JEP_CLOCK_NONE ? value_number(series->at[i])
                                                  : json_null());
        value_append(rows, row);
    }
    for (size_t i = 0; i < diff->stack_count && (top == 0 || i < top); i++)
        value_append(stacks, diff_stack_json(&diff->stacks[i]));
    value_set(object, "trends", trends);
    value_set(object, "rows", rows);
    value_set(object, "bins", diff_bins_json(diff));
    value_set(object, "owners", diff_owners_json(diff, top));
    value_set(object, "nobody", diff_nobody_json(diff));
    value_set(object, "stacks", stacks);
    return object;
}

static json_t *
spread_json(const struct jep_spread *spread)
{
    json_t *object = value_need(json_object());
    bool known = spread->known > 0;

    value_set(object, "what", value_text(spread->id));
    value_set(object, "processes", value_whole(spread->known));
    value_set(object, "median",
              known ? value_number(spread->median) : json_null());
    value_set(object, "deviation",
              known ? value_number(round(spread->deviation)) : json_null());
    value_set(object, "least",
              known ? value_number(spread->least) : json_null());
    value_set(object, "most", known ? value_number(spread->most) : json_null());
    value_set(object, "unusual", value_whole(spread->unusual));
    return object;
}

static json_t *
member_json(const struct jep_fleet *fleet, const struct jep_member *member,
            const size_t *places)
{
    json_t *row = row_json(member->moment, places[member->moment->index]);
    json_t *scores = value_need(json_object());
    json_t *unusual = value_need(json_array());

    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        const struct jep_member_figure *one = &member->figures[f];

        value_set(scores, fleet->figures[f].id,
                  one->known ? value_number(one->z) : json_null());
        if (one->is_unusual)
            value_append(unusual, value_text(fleet->figures[f].id));
    }
    value_set(row, "z", scores);
    value_set(row, "unusual", unusual);
    return row;
}

static json_t *
common_json(const struct jep_common *one)
{
    static const char *const severities[] = {[JEP_INFO] = "info",
                                             [JEP_LOW] = "low",
                                             [JEP_MEDIUM] = "medium",
                                             [JEP_HIGH] = "high"};
    json_t *object = value_need(json_object());

    value_set(object, "rule", value_text(one->rule));
    value_set(object, "severity", value_text(severities[one->severity]));
    value_set(object, "processes", value_whole(one->count));
    value_set(object, "bytes",
              one->bytes > 0 ? value_whole(one->bytes) : json_null());
    return object;
}

json_t *
fleet_json(const struct jep_fleet *fleet, const size_t *places)
{
    json_t *object = value_need(json_object());
    json_t *figures = value_need(json_array());
    json_t *rows = value_need(json_array());
    json_t *common = value_need(json_array());
    char words[SEVERAL_WORDS_MAX];

    value_set(object, "text", value_text(words_fleet(words, fleet)));
    value_set(object, "processes", value_whole(fleet->count));
    value_set(object, "unusual", value_whole(fleet->unusual));
    value_set(object, "floor", value_number(round(fleet->floor)));
    for (int f = 0; f < JEP_FLEET_FIGURES; f++)
        value_append(figures, spread_json(&fleet->figures[f]));
    for (size_t i = 0; i < fleet->count; i++)
        value_append(rows, member_json(fleet, &fleet->members[i], places));
    for (size_t i = 0; i < fleet->common_count; i++)
        value_append(common, common_json(&fleet->common[i]));
    value_set(object, "figures", figures);
    value_set(object, "rows", rows);
    value_set(object, "common", common);
    return object;
}
