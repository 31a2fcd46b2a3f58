/* Call stacks of two dumps side by side.
 *
 * Two dumps of one process share samples: an object that lives through both was
 * sampled once, and is in both estimates with the same error.  So the change is
 * the fresh samples less those that are gone, and only these make it uncertain.
 * A live sample that is older than the time between the dumps is a shared one.
 *
 * Between two processes nothing is shared, and the errors of both add up. */
#include "analyse/report.h"

#include <math.h>
#include <stdlib.h>

#define Z95 1.959964 /* standard deviations on each side of 95 % */

/* Fewer samples than this can differ by chance in one of 32 cases. */
#define DIFFERING_MIN 6

struct entry {
    uint64_t key;
    const struct jep_stack *stack;
    bool is_now;
    uint64_t fresh; /* of the live samples of `now`: not in `before` */
};

static uint64_t
stack_key(const struct jep_stack *stack)
{
    uint64_t key = stack->frame_count;

    /* Every frame counts here, unlike for a site that has to outlive a change
     * of the program. */
    for (size_t i = 0; i < stack->frame_count; i++) {
        const struct jep_stack one = {.frames = &stack->frames[i],
                                      .frame_count = 1};

        key = (key ^ jep_site_key(&one)) * 0x9e3779b97f4a7c15u;
        key ^= key >> 29;
    }
    return key;
}

static int
entry_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->is_now - y->is_now;
}

/* Count the samples of each stack that are younger than `elapsed_ns`. */
static uint64_t *
count_fresh(const struct profile *profile, uint64_t elapsed_ns)
{
    uint64_t *fresh = calloc(profile->stack_count + 1, sizeof(*fresh));

    for (size_t i = 0; fresh != NULL && i < profile->sample_count; i++) {
        const struct dump_sample *sample = &profile->samples[i];

        if (sample->stack < profile->stack_count && sample->age_ns < elapsed_ns)
            fresh[sample->stack]++;
    }
    return fresh;
}

static void
entries_add(struct entry *entries, size_t *count, const struct jep_view *view,
            bool is_now, const uint64_t *fresh)
{
    for (size_t i = 0; i < view->profile.stack_count; i++) {
        const struct jep_stack *stack = &view->profile.stacks[i];
        uint64_t young = stack->live_samples;

        if (stack->live_samples == 0)
            continue;
        if (fresh != NULL && fresh[stack->id] < young)
            young = fresh[stack->id];
        entries[(*count)++] =
            (struct entry){stack_key(stack), stack, is_now, young};
    }
}

/* Of one sample, from the interval of all of them. */
static double
variance(const struct jep_stack *stack)
{
    double sd = (stack->live_bytes.high - stack->live_bytes.low) / (2 * Z95);

    return sd * sd / (double)stack->live_samples;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Make one change of entries[0…count), which have the same key. */
static struct jep_stack_change
change_of(const struct entry *entries, size_t count)
{
    struct jep_stack_change change = {.stack = entries[count - 1].stack};
    uint64_t fresh = 0, gone;
    double each_before = 0.0, each_now = 0.0, sd;

    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        double value = e->stack->live_bytes.value;
        double each = variance(e->stack);

        if (e->is_now) {
            change.now += value;
            change.samples_now += e->stack->live_samples;
            fresh += e->fresh;
            each_now = each > each_now ? each : each_now;
        } else {
            change.before += value;
            change.samples_before += e->stack->live_samples;
            each_before = each > each_before ? each : each_before;
        }
    }
    change.samples_shared =
        least(change.samples_now - fresh, change.samples_before);
    fresh = change.samples_now - change.samples_shared;
    gone = change.samples_before - change.samples_shared;
    sd = sqrt(each_now * (double)fresh + each_before * (double)gone);
    change.change = change.now - change.before;
    change.low = change.change - Z95 * sd;
    change.high = change.change + Z95 * sd;
    change.is_significant = fresh + gone >= DIFFERING_MIN &&
                            (change.low > 0.0 || change.high < 0.0);
    return change;
}

static int
change_order(const void *a, const void *b)
{
    const struct jep_stack_change *x = a, *y = b;
    double ours = fabs(x->change), theirs = fabs(y->change);

    if (x->is_significant != y->is_significant)
        return x->is_significant ? -1 : 1;
    return (ours < theirs) - (ours > theirs);
}

bool
diff_stacks(const jep_report_t *before, const jep_report_t *now,
            uint64_t elapsed_ns, struct jep_stack_change **changes,
            size_t *count)
{
    const struct jep_view *old = jep_report_view(before);
    const struct jep_view *new = jep_report_view(now);
    size_t most = old->profile.stack_count + new->profile.stack_count + 1;
    struct entry *entries = calloc(most, sizeof(*entries));
    uint64_t *fresh = NULL;
    size_t entry_count = 0;

    *changes = calloc(most, sizeof(**changes));
    *count = 0;
    if (elapsed_ns > 0)
        fresh = count_fresh(&report_snapshot(now)->profile, elapsed_ns);
    if (entries == NULL || *changes == NULL ||
        (elapsed_ns > 0 && fresh == NULL)) {
        free(entries);
        free(fresh);
        return false;
    }
    entries_add(entries, &entry_count, old, false, NULL);
    entries_add(entries, &entry_count, new, true, fresh);
    qsort(entries, entry_count, sizeof(*entries), entry_order);
    for (size_t i = 0, next; i < entry_count; i = next) {
        for (next = i + 1; next < entry_count; next++) {
            if (entries[next].key != entries[i].key)
                break;
        }
        (*changes)[(*count)++] = change_of(&entries[i], next - i);
    }
    qsort(*changes, *count, sizeof(**changes), change_order);
    free(entries);
    free(fresh);
    return true;
}
