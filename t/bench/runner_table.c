/*
 * Compare the subject with each of its peers.
 *
 * A cell is the median of the paired ratios subject / peer, one for each
 * round: the two runs of a pair were made within seconds of each other, so
 * what slows the whole machine down for a while cancels out. The spread is the
 * median absolute deviation, scaled to what it is for a normal distribution
 * (times 1.4826): one disturbed round does not change it. A loss is resolved
 * when the gap of the medians is more than either spread and more than 1 %.
 */
#include "runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NORMAL_SCALE 1.4826
#define LEAST_LOSS   1.01
/* Fewer values than this have no spread worth the name. */
#define SPREAD_LEAST 3
#define GROUPS_MAX   4

typedef struct metric {
    const char *title;
    const char *unit;
    double scale; /* of the figures printed */
    bool is_more_better;
    double (*value)(const result_t *result);
} metric_t;

/* The middle of some values, and how far from it they are. */
typedef struct centre {
    unsigned count;
    double median;
    double spread; /* NAN when unknown */
} centre_t;

/* Logarithms of the ratios of some programs, by peer and to the best peer. */
typedef struct sums {
    const char *name; /* of the group */
    unsigned programs;
    double peers[PEERS_MAX];
    unsigned counts[PEERS_MAX];
    double best;
    unsigned best_count;
} sums_t;

static double
wall(const result_t *result)
{
    return result->wall_s;
}

static double
processor(const result_t *result)
{
    return result->user_s + result->system_s;
}

static double
peak(const result_t *result)
{
    return result->peak_kib;
}

static double
average(const result_t *result)
{
    return result->samples > 0 ? result->average_kib : NAN;
}

static double
faults(const result_t *result)
{
    return result->faults;
}

static double
figure(const result_t *result)
{
    return result->figure;
}

static const metric_t metrics[] = {
    [TIME_WALL] = {"wall time", "s", 1, false, wall},
    [TIME_PROCESSOR] = {"processor time", "s", 1, false, processor},
    {"peak RSS", "MiB", 1024, false, peak},
    {"time-averaged RSS", "MiB", 1024, false, average},
    {"page faults", "thousands", 1000, false, faults},
};

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts `values`. */
static double
median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return count % 2 != 0 ? values[count / 2]
                          : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static centre_t
centre(double *values, unsigned count)
{
    centre_t result = {count, NAN, NAN};

    if (count == 0)
        return result;
    result.median = median(values, count);
    for (unsigned i = 0; i < count; i++)
        values[i] = fabs(values[i] - result.median);
    if (count >= SPREAD_LEAST)
        result.spread = NORMAL_SCALE * median(values, count);
    return result;
}

static centre_t
centre_of(const results_t *results, const metric_t *metric, unsigned program,
          unsigned peer)
{
    double values[ROUNDS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < results->rounds; i++) {
        const result_t *result = results_at(results, program, peer, i);
        double value = result->is_done ? metric->value(result) : NAN;
        if (!isnan(value))
            values[count++] = value;
    }
    return centre(values, count);
}

static centre_t
centre_of_ratios(const results_t *results, const metric_t *metric,
                 unsigned program, unsigned peer)
{
    double values[ROUNDS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < results->rounds; i++) {
        const result_t *a = results_at(results, program, results->subject, i);
        const result_t *b = results_at(results, program, peer, i);
        double ratio;

        if (!a->is_done || !b->is_done)
            continue;
        ratio = metric->value(a) / metric->value(b);
        if (isfinite(ratio) && ratio > 0)
            values[count++] = ratio;
    }
    return centre(values, count);
}

double
table_median(const results_t *results, time_kind_t kind, unsigned program,
             unsigned peer)
{
    return centre_of(results, &metrics[kind], program, peer).median;
}

double
table_ratio(const results_t *results, time_kind_t kind, unsigned program,
            unsigned peer)
{
    return centre_of_ratios(results, &metrics[kind], program, peer).median;
}

static bool
is_resolved_loss(const metric_t *metric, const centre_t *subject,
                 const centre_t *peer)
{
    const centre_t *more = metric->is_more_better ? peer : subject;
    const centre_t *less = metric->is_more_better ? subject : peer;

    return more->median > LEAST_LOSS * less->median &&
           more->median - less->median > subject->spread &&
           more->median - less->median > peer->spread;
}

static bool
is_worse(const metric_t *metric, double ratio, double than)
{
    return metric->is_more_better ? ratio < than : ratio > than;
}

static void
print_spread(double spread)
{
    if (isnan(spread))
        printf(" ±?   ");
    else
        printf(" ±%-4.2f", spread);
}

static void
print_row(const results_t *results, const metric_t *metric, unsigned program,
          sums_t *row)
{
    centre_t subject = centre_of(results, metric, program, results->subject);
    double worst = NAN;

    printf("%-14s", results->programs[program].name);
    if (subject.count == 0)
        printf("%13s", "failed");
    else {
        printf("%7.2f", subject.median / metric->scale);
        print_spread(subject.spread / metric->scale);
    }
    for (unsigned i = 0; i < results->peer_count; i++) {
        centre_t peer, ratio;

        if (i == results->subject || !results->peers[i].is_present)
            continue;
        peer = centre_of(results, metric, program, i);
        ratio = centre_of_ratios(results, metric, program, i);
        if (ratio.count == 0) {
            printf("%14s", "-");
            continue;
        }
        printf("  %5.2f", ratio.median);
        print_spread(ratio.spread);
        putchar(is_resolved_loss(metric, &subject, &peer) ? '!' : ' ');
        row->peers[i] = log(ratio.median);
        row->counts[i] = 1;
        if (isnan(worst) || is_worse(metric, ratio.median, worst))
            worst = ratio.median;
    }
    if (!isnan(worst)) {
        row->best = log(worst);
        row->best_count = 1;
        printf("  %5.2f", worst);
    }
    putchar('\n');
}

static void
print_head(const results_t *results, const metric_t *metric)
{
    bool has_peers = false;

    printf("\n%s, %s: median ± spread of %u round%s; ratio %s / peer%s\n",
           metric->title, metric->unit, results->rounds,
           results->rounds == 1 ? "" : "s",
           results->peers[results->subject].name,
           metric->is_more_better ? "; more is better" : "");
    printf("%-14s%10s   ", "program", results->peers[results->subject].name);
    for (unsigned i = 0; i < results->peer_count; i++) {
        if (i == results->subject || !results->peers[i].is_present)
            continue;
        printf("   %-11.11s", results->peers[i].name);
        has_peers = true;
    }
    puts(has_peers ? "   to best" : "");
}

/* The sums of a program's group, which may be new; NULL: it has none. */
static sums_t *
sums_of(sums_t *groups, unsigned *count, const char *name)
{
    if (name == NULL)
        return NULL;
    for (unsigned i = 0; i < *count; i++) {
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    }
    groups[*count].name = name;
    return &groups[(*count)++];
}

static void
sums_add(sums_t *to, const sums_t *row)
{
    to->programs += row->programs;
    to->best += row->best;
    to->best_count += row->best_count;
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        to->peers[i] += row->peers[i];
        to->counts[i] += row->counts[i];
    }
}

static void
print_means(const results_t *results, const sums_t *sums)
{
    printf("%-14s%13s", sums->name, "");
    for (unsigned i = 0; i < results->peer_count; i++) {
        if (i == results->subject || !results->peers[i].is_present)
            continue;
        if (sums->counts[i] == 0) {
            printf("%14s", "-");
            continue;
        }
        printf("  %5.2f", exp(sums->peers[i] / sums->counts[i]));
        if (sums->counts[i] < sums->programs)
            printf(" of %-4u", sums->counts[i]);
        else
            printf("%7s", "");
    }
    if (sums->best_count > 0)
        printf("  %5.2f", exp(sums->best / sums->best_count));
    putchar('\n');
}

static void
print_metric(const results_t *results, const metric_t *metric)
{
    sums_t groups[GROUPS_MAX] = {{0}}, all = {.name = "geomean"};
    unsigned group_count = 0;

    print_head(results, metric);
    for (unsigned i = 0; i < results->program_count; i++) {
        sums_t row = {.programs = 1}, *group;

        print_row(results, metric, i, &row);
        group = sums_of(groups, &group_count, results->programs[i].group);
        if (group != NULL)
            sums_add(group, &row);
        sums_add(&all, &row);
    }
    /* The mean of a group that has all programs is that of all. */
    for (unsigned i = 0; i < group_count; i++) {
        if (groups[i].programs < all.programs)
            print_means(results, &groups[i]);
    }
    print_means(results, &all);
}

static void
print_failures(const results_t *results)
{
    for (unsigned i = 0; i < results->program_count; i++) {
        for (unsigned j = 0; j < results->peer_count; j++) {
            for (unsigned k = 0; k < results->rounds; k++) {
                const result_t *result = results_at(results, i, j, k);
                if (results->peers[j].is_present && !result->is_done &&
                    result->why[0] != '\0')
                    printf("failed: %s under %s, round %u: %s\n",
                           results->programs[i].name, results->peers[j].name,
                           k + 1, result->why);
            }
        }
    }
}

void
table_print_figures(const results_t *results, const char *title,
                    const char *unit, double scale, bool is_more_better)
{
    metric_t metric = {title, unit, scale, is_more_better, figure};

    print_metric(results, &metric);
}

void
table_print(const results_t *results)
{
    for (unsigned i = 0; i < JE_ARRAY_LEN(metrics); i++)
        print_metric(results, &metrics[i]);
    printf("\nA ratio below 1 is better than the peer's. ! marks a resolved "
           "loss: the gap of the\nmedians is more than either spread and more "
           "than 1 %%.\n");
    print_failures(results);
}
