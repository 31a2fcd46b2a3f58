/* Section H: caches and slabs that come and go.
 *
 * The counters run since the start of the process; with an earlier dump it is
 * what happened since. */
#include "analyse/rules_common.h"

#include <math.h>

#define RATE_SECONDS    10.0 /* before it a program starts */
#define THRASH_SHARE    0.1
#define THRASH_BOTH     0.25    /* of one for the other: not mere growth */
#define THRASH_REQUESTS 10000.0 /* per second */
#define SLABS_RATE      1000.0
#define RESLAB_RATIO    10.0

/* What a bin counted since the earlier dump, or since the start. */
static bool
bin_since(const struct rule_input *in, size_t row, enum bin_field field,
          double *count)
{
    const struct snapshot_arena *now = in->snapshot->subject;
    uint64_t value, before = 0;

    if (!table_get(&now->bins, row, field, &value))
        return false;
    if (in->before != NULL && in->before->subject != NULL)
        (void)table_get(&in->before->subject->bins, row, field, &before);
    *count = (double)(value >= before ? value - before : value);
    return true;
}

static uint64_t
bin_size(const struct rule_input *in, size_t row)
{
    uint64_t size;

    return snapshot_bin(in->snapshot, in->snapshot->subject, row, BIN_SIZE,
                        &size)
               ? size
               : 0;
}

bool
rule_tcache_thrash(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot_arena *subject = in->snapshot->subject;
    double time = rule_elapsed(in), worst_moves = 0.0, worst_requests = 0.0;
    size_t worst = 0;

    if (subject == NULL || time < RATE_SECONDS)
        return false;
    for (size_t row = 0; row < subject->bins.rows; row++) {
        double fills, flushes, requests;

        if (!bin_since(in, row, BIN_NFILLS, &fills) ||
            !bin_since(in, row, BIN_NFLUSHES, &flushes) ||
            !bin_since(in, row, BIN_NREQUESTS, &requests) ||
            requests < THRASH_REQUESTS * time ||
            fills + flushes < THRASH_SHARE * requests ||
            fmin(fills, flushes) < THRASH_BOTH * fmax(fills, flushes) ||
            fills + flushes <= worst_moves)
            continue;
        worst = row;
        worst_moves = fills + flushes;
        worst_requests = requests;
    }
    if (worst_moves <= 0.0)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding,
                  "The thread caches of size %llu are filled or flushed for "
                  "%.0f %% of %.0f requests a second",
                  (unsigned long long)bin_size(in, worst),
                  worst_moves / worst_requests * 100.0, worst_requests / time);
    if (!rule_is_jemalloc(in))
        finding_action(finding, "Free in batches, or raise the option "
                                "tcache_thread_max.");
    else if (rule_release_in(in, 50301, 0))
        finding_action(finding,
                       "MALLOC_CONF=tcache_ncached_max:%llu-%llu:400 lets the "
                       "caches of this size hold more; or free in batches.",
                       (unsigned long long)bin_size(in, worst),
                       (unsigned long long)bin_size(in, worst));
    else if (rule_release_in(in, 50300, 0))
        finding_action(finding, "Raise lg_tcache_nslots_mul (1 is the default) "
                                "and tcache_nslots_small_max, or free in "
                                "batches.");
    else
        finding_action(finding, "Free in batches, so that the caches of a "
                                "thread are not filled and emptied in turn.");
    finding_size(finding, "size class", figure_derived(bin_size(in, worst)));
    finding_count(finding, "requests",
                  figure_derived((uint64_t)worst_requests));
    finding_count(finding, "fills and flushes",
                  figure_derived((uint64_t)worst_moves));
    return true;
}

/* Slabs of one bin: dropped again, and taken up again when part-empty. */
struct churn {
    size_t row;
    double gone, again;
};

/* Slabs that were made and are no more: those that stay are growth. */
static bool
slabs_gone(const struct rule_input *in, size_t row, double *gone)
{
    const struct snapshot *before = in->before;
    uint64_t now, old = 0;

    if (!bin_since(in, row, BIN_NSLABS, gone) ||
        !table_get(&in->snapshot->subject->bins, row, BIN_CURSLABS, &now))
        return false;
    if (before != NULL && before->subject != NULL)
        (void)table_get(&before->subject->bins, row, BIN_CURSLABS, &old);
    *gone = fmax(*gone - ((double)now - (double)old), 0.0);
    return true;
}

static bool
churns(const struct churn *churn, double time)
{
    return churn->gone >= SLABS_RATE * time ||
           (churn->again >= SLABS_RATE * time &&
            churn->again >= RESLAB_RATIO * churn->gone);
}

bool
rule_slab_churn(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot_arena *subject = in->snapshot->subject;
    struct churn worst = {0};
    double time = rule_elapsed(in);

    if (subject == NULL || time < RATE_SECONDS)
        return false;
    for (size_t row = 0; row < subject->bins.rows; row++) {
        struct churn churn = {.row = row};

        if (!slabs_gone(in, row, &churn.gone))
            continue;
        if (!bin_since(in, row, BIN_NRESLABS, &churn.again))
            churn.again = 0.0;
        if (churns(&churn, time) &&
            churn.gone + churn.again > worst.gone + worst.again)
            worst = churn;
    }
    if (!churns(&worst, time))
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding,
                  "Slabs of size %llu come and go: %.0f dropped and %.0f "
                  "taken up again each second",
                  (unsigned long long)bin_size(in, worst.row),
                  worst.gone / time, worst.again / time);
    finding_size(finding, "size class",
                 figure_derived(bin_size(in, worst.row)));
    finding_count(finding, "slabs made and dropped",
                  figure_derived((uint64_t)worst.gone));
    finding_count(finding, "slabs taken up again",
                  figure_derived((uint64_t)worst.again));
    finding_ratio(finding, "dropped per second", worst.gone / time);
    return true;
}
