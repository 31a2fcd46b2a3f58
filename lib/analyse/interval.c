/* Quantiles of the distributions behind a sampled count.
 *
 * The question is always the reverse one: n samples were seen, how many
 * allocations N were there?  With a chance p each, n is Binomial(N, p), and
 * the classical exact limits are
 *
 *   lower: the least N with    P(Binomial(N, p) >= n) > 2.5 %
 *   upper: the greatest N with P(Binomial(N, p) <= n) > 2.5 %
 *
 * Both tails count the observed value in full, which makes few samples cover
 * 97 to 99 % instead of 95 and the intervals some 15 % wider than they need
 * to be.  The mid-P form counts the observed value half in each tail; it stays
 * exact in the same distribution and covers 95 % on average.
 *
 * Seen from N the two tails are negative binomial distributions: N - n, the
 * allocations not seen, is NB(n, p) for the lower limit and NB(n + 1, p) for
 * the upper, and mid-P takes the quantiles of their even mixture.  For small p
 * these are gamma distributions, the Poisson case (Garwood 1936); for p near 1
 * nothing is unseen and the interval closes.  A sum over several size classes
 * has no closed form: its unseen part is matched by mean and variance to a
 * gamma distribution (Fay and Feuer 1997; mid-P form Fay and Kim 2017). */
#include "analyse/interval.h"

#include <math.h>
#include <stdbool.h>

#define TAIL          0.025  /* probability left out on each side */
#define SHAPE_NORMAL  200.0  /* from here Wilson-Hilferty is exact to 1e-4 */
#define DRAWS_EXACT_P 0.02   /* below it the gamma limit is as good */
#define DRAWS_EXACT_N 1000.0 /* above it too, and the sums get long */
#define SERIES_MAX    5000
#define EPSILON       1e-12

/* P(X <= x) for a gamma distribution of large shape: the cube root of a
 * chi-square variable is nearly normal (Wilson and Hilferty 1931). */
static double
gamma_cdf_large(double shape, double x)
{
    double t = 1.0 / (9.0 * shape);
    double z = (cbrt(x / shape) - (1.0 - t)) / sqrt(t);

    return 0.5 * erfc(-z / M_SQRT2);
}

/* Power series of the lower function; converges fast for x < shape + 1. */
static double
gamma_series(double shape, double x)
{
    double term = 1.0 / shape, sum = term, a = shape;

    for (int i = 0; i < SERIES_MAX; i++) {
        a += 1.0;
        term *= x / a;
        sum += term;
        if (term < sum * EPSILON)
            break;
    }
    return sum * exp(-x + shape * log(x) - lgamma(shape));
}

/* Evaluate b0 + a1/(b1 + a2/(b2 + …)) by Lentz's method. `next` yields the
 * i-th pair. */
struct fraction {
    double (*numerator)(const struct fraction *, int);
    double (*denominator)(const struct fraction *, int);
    double a, b, x;
};

static double
fraction_value(const struct fraction *f)
{
    const double tiny = 1e-300;
    double value = f->denominator(f, 0);
    double c, d = 0.0;

    if (fabs(value) < tiny)
        value = tiny;
    c = value;
    for (int i = 1; i < SERIES_MAX; i++) {
        double num = f->numerator(f, i), den = f->denominator(f, i);

        d = den + num * d;
        c = den + num / c;
        if (fabs(d) < tiny)
            d = tiny;
        if (fabs(c) < tiny)
            c = tiny;
        d = 1.0 / d;
        value *= c * d;
        if (fabs(c * d - 1.0) < EPSILON)
            break;
    }
    return value;
}

static double
gamma_numerator(const struct fraction *f, int i)
{
    return -i * (i - f->a);
}

static double
gamma_denominator(const struct fraction *f, int i)
{
    return f->x - f->a + 1.0 + 2.0 * i;
}

double
interval_gamma_cdf(double shape, double x)
{
    struct fraction f = {gamma_numerator, gamma_denominator, shape, 0.0, x};
    double front;

    if (x <= 0.0)
        return shape > 0.0 ? 0.0 : 1.0;
    if (shape <= 0.0)
        return 1.0;
    if (shape > SHAPE_NORMAL)
        return gamma_cdf_large(shape, x);
    if (x < shape + 1.0)
        return gamma_series(shape, x);
    front = exp(-x + shape * log(x) - lgamma(shape));
    return 1.0 - front / fraction_value(&f);
}

static double
beta_numerator(const struct fraction *f, int i)
{
    int m = i / 2;

    if (i % 2 == 0)
        return m * (f->b - m) * f->x /
               ((f->a + 2.0 * m - 1.0) * (f->a + 2.0 * m));
    return -(f->a + m) * (f->a + f->b + m) * f->x /
           ((f->a + 2.0 * m) * (f->a + 2.0 * m + 1.0));
}

static double
beta_denominator(const struct fraction *f, int i)
{
    (void)f;
    (void)i;
    return 1.0;
}

/* Regularised incomplete beta function I_x(a, b). */
static double
beta_cdf(double a, double b, double x)
{
    struct fraction f = {beta_numerator, beta_denominator, a, b, x};
    double front;

    if (x <= 0.0)
        return 0.0;
    if (x >= 1.0)
        return 1.0;
    if (x > (a + 1.0) / (a + b + 2.0))
        return 1.0 - beta_cdf(b, a, 1.0 - x);
    front =
        exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return front / (a * fraction_value(&f));
}

double
interval_binomial_tail(double total, double n, double p)
{
    if (n <= 0.0)
        return 1.0;
    if (n > total)
        return 0.0;
    return beta_cdf(n, total - n + 1.0, p);
}

/* Mid-P probability that `total` draws show more than `n`. */
static double
draws_above(double total, double n, double p)
{
    return 0.5 * (interval_binomial_tail(total, n, p) +
                  interval_binomial_tail(total, n + 1.0, p));
}

/* The least total at which the mid-P probability of more than `n` reaches
 * `level`; the function rises with the total. */
static double
draws_search(double n, double p, double level)
{
    double low = n - 1.0, high = n;

    while (draws_above(high, n, p) < level) {
        low = high;
        high = 2.0 * high + 1.0;
    }
    while (high - low > 1.0) {
        double mid = floor((low + high) / 2.0);

        if (draws_above(mid, n, p) < level)
            low = mid;
        else
            high = mid;
    }
    return high;
}

static struct interval
draws_by_gamma(double n, double p)
{
    double q = 1.0 - p;
    struct interval_unseen unseen = {
        .mean_low = n * q / p,
        .var_low = n * q / (p * p),
        .zero_low = pow(p, n),
        .mean_high = (n + 1.0) * q / p,
        .var_high = (n + 1.0) * q / (p * p),
        .zero_high = pow(p, n + 1.0),
    };
    struct interval hidden = interval_unseen(&unseen);

    return (struct interval){n + floor(hidden.low), n + ceil(hidden.high)};
}

struct interval
interval_draws(uint64_t samples, double p)
{
    double n = (double)samples;
    struct interval draws = {n, n};

    if (p >= 1.0)
        return draws;
    if (p < DRAWS_EXACT_P || n > DRAWS_EXACT_N)
        return draws_by_gamma(n, p);
    draws.low = draws_search(n, p, TAIL);
    /* The greatest total that is not rejected is one below the least that
     * shows more than n too surely. */
    draws.high = draws_search(n, p, 1.0 - TAIL);
    if (draws_above(draws.high, n, p) > 1.0 - TAIL)
        draws.high -= 1.0;
    if (draws.high < n)
        draws.high = n;
    return draws;
}

/* P(unseen part <= t) under the even mixture of both distributions. */
static double
unseen_cdf(const struct interval_unseen *u, double t)
{
    double low = 1.0, high = 1.0;

    if (u->mean_low > 0.0)
        low = interval_gamma_cdf(u->mean_low * u->mean_low / u->var_low,
                                 t * u->mean_low / u->var_low);
    if (u->mean_high > 0.0)
        high = interval_gamma_cdf(u->mean_high * u->mean_high / u->var_high,
                                  t * u->mean_high / u->var_high);
    return 0.5 * (low + high);
}

/* The t at which the distribution reaches `level`: bracketed false position
 * (Illinois form), which needs about ten evaluations. */
static double
unseen_quantile(const struct interval_unseen *u, double level)
{
    double low = 0.0, high = u->mean_high + 2.0 * sqrt(u->var_high);
    double flow = unseen_cdf(u, low) - level, fhigh;
    int side = 0;

    if (flow >= 0.0)
        return 0.0;
    while ((fhigh = unseen_cdf(u, high) - level) < 0.0) {
        low = high;
        flow = fhigh;
        high *= 2.0;
    }
    for (int i = 0; i < 100 && high - low > 1e-7 * high; i++) {
        double mid = i % 8 == 7 ? 0.5 * (low + high)
                                : (low * fhigh - high * flow) / (fhigh - flow);
        double fmid = unseen_cdf(u, mid) - level;

        if (fmid < 0.0) {
            low = mid;
            flow = fmid;
            if (side == -1)
                fhigh *= 0.5;
            side = -1;
        } else {
            high = mid;
            fhigh = fmid;
            if (side == 1)
                flow *= 0.5;
            side = 1;
        }
        if (fabs(fmid) < 1e-9)
            return mid;
    }
    return 0.5 * (low + high);
}

struct interval
interval_unseen(const struct interval_unseen *unseen)
{
    double zero = 0.5 * (unseen->zero_low + unseen->zero_high);
    struct interval hidden = {0.0, 0.0};

    /* The gamma distributions are continuous; the true ones have a step at
     * nothing, and where it reaches over a limit that limit is exact. */
    if (unseen->mean_high <= 0.0)
        return hidden;
    if (zero < TAIL)
        hidden.low = unseen_quantile(unseen, TAIL);
    if (zero < 1.0 - TAIL)
        hidden.high = unseen_quantile(unseen, 1.0 - TAIL);
    return hidden;
}
