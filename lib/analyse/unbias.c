/* From sampled allocations to what the program really holds.
 *
 * For one class with n samples: objects = n/p, bytes = n*size/p, and n of the
 * objects are known for certain.  The rest, the unseen part, has mean n*q/p
 * and variance n*q/p^2 with q = 1 - p.  One class alone gets the exact
 * interval for N; several classes add up the moments of their unseen parts,
 * weighted by 1 (objects) or by size (bytes).
 *
 * The upper distribution has one sample more, of the class whose samples weigh
 * most.  What a stack allocates in sizes of which no sample was taken is beyond
 * any interval: object counts of stacks that mix very small objects with large
 * ones are the only figures where this matters, because in bytes every sample
 * of a small object weighs the same.
 *
 * t/unit/check_unbias.c draws programs of known size and holds coverage and
 * width against theory. */
#include "analyse/unbias.h"

#include "analyse/interval.h"
#include <math.h>

double
unbias_probability(uint64_t size, uint64_t rate)
{
    if (rate == 0)
        return 1.0;
    return -expm1(-(double)size / (double)rate);
}

/* The unseen part of a weighted sum while it is being added up. */
struct sum {
    struct interval_unseen unseen;
    double log_zero; /* log of the chance that nothing is unseen */
    double heaviest; /* mean of what one sample of a class leaves unseen */
    double heaviest_weight, heaviest_p; /* of the class where it is most */
};

static void
sum_add(struct sum *sum, double weight, double n, double p)
{
    double mean = weight * (1.0 - p) / p;

    sum->unseen.mean_low += n * mean;
    sum->unseen.var_low += n * weight * mean / p;
    sum->log_zero += n * log(p);
    if (mean > sum->heaviest) {
        sum->heaviest = mean;
        sum->heaviest_weight = weight;
        sum->heaviest_p = p;
    }
}

/* Let the upper distribution have one sample more than the lower. */
static struct interval
sum_interval(struct sum *sum)
{
    struct interval_unseen *u = &sum->unseen;

    u->mean_high = u->mean_low + sum->heaviest;
    u->var_high =
        u->var_low + sum->heaviest * sum->heaviest_weight / sum->heaviest_p;
    u->zero_low = exp(sum->log_zero);
    u->zero_high = u->zero_low * sum->heaviest_p;
    return interval_unseen(u);
}

static void
sum_one_class(const struct unbias_class *class, struct unbias_estimate *out)
{
    struct interval draws = interval_draws(
        class->samples, unbias_probability(class->size, class->rate));

    out->objects_low = draws.low;
    out->objects_high = draws.high;
    out->bytes_low = draws.low * (double)class->size;
    out->bytes_high = draws.high * (double)class->size;
}

void
unbias_sum(const struct unbias_class *classes, size_t count,
           struct unbias_estimate *out)
{
    struct sum objects = {0}, bytes = {0};
    const struct unbias_class *last = NULL;
    double seen_bytes = 0.0, seen = 0.0;
    size_t used = 0;
    struct interval hidden;

    *out = (struct unbias_estimate){0};
    for (size_t i = 0; i < count; i++) {
        double n = (double)classes[i].samples;
        double size = (double)classes[i].size;
        double p = unbias_probability(classes[i].size, classes[i].rate);

        if (classes[i].samples == 0 || p <= 0.0)
            continue;
        used++;
        last = &classes[i];
        out->samples += classes[i].samples;
        out->objects += n / p;
        out->bytes += n * size / p;
        seen += n;
        seen_bytes += n * size;
        sum_add(&objects, 1.0, n, p);
        sum_add(&bytes, size, n, p);
    }
    if (used == 0)
        return;
    if (used == 1) {
        sum_one_class(last, out);
        return;
    }
    hidden = sum_interval(&objects);
    out->objects_low = floor(seen + hidden.low);
    out->objects_high = ceil(seen + hidden.high);
    hidden = sum_interval(&bytes);
    out->bytes_low = floor(seen_bytes + hidden.low);
    out->bytes_high = ceil(seen_bytes + hidden.high);
}
