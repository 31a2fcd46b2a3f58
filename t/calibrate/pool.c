/*
 * Pool the reports of many runs of `sites` against the truth it printed.
 *
 * Usage: pool TRUTH REPORT.json…   For each group of sites and each of
 * the four figures: how many printed 95 % intervals cover the truth, and the
 * mean width over theory. Theory is the expected width of the exact Poisson
 * interval below 30 expected samples, 2 * 1.96 standard deviations of the
 * estimate above, both without any of the project's own statistics; the group
 * of single objects above the interval is known almost exactly and has none.
 * Ends with status 1 if the pooled coverage leaves 94 to 98.5 %.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRUTHS_MAX = 128, FIGURES = 4, GROUPS = 4 };

typedef struct truth {
    char name[32];
    double figure[FIGURES];
} truth_t;

typedef struct tally {
    unsigned long pairs, covered;
    double width_over_truth;
} tally_t;

static const char *const figure_names[FIGURES] = {
    "live_objects", "live_bytes", "alloc_objects", "alloc_bytes"};
static const char *const group_names[GROUPS] = {"five", "many", "most", "huge"};
static const double group_samples[GROUPS] = {5, 25, 200, 0};

static truth_t truths[TRUTHS_MAX];
static unsigned ntruths;
static tally_t tallies[GROUPS][FIGURES];

static void
read_truth(const char *path)
{
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        exit(4);
    }
    for (truth_t *t = truths;
         ntruths < TRUTHS_MAX &&
         fscanf(f, "%31s %lf %lf %lf %lf", t->name, &t->figure[0],
                &t->figure[1], &t->figure[2], &t->figure[3]) == 5;
         t = &truths[++ntruths]) {
    }
    fclose(f);
}

/* The site that this stack is, by its leaf's function. */
static const truth_t *
find_truth(const json_t *stack)
{
    const json_t *leaf = json_array_get(json_object_get(stack, "frames"), 0);
    const char *name = json_string_value(json_object_get(leaf, "function"));
    for (unsigned i = 0; name != NULL && i < ntruths; i++) {
        if (strcmp(truths[i].name, name) == 0) {
            return &truths[i];
        }
    }
    return NULL;
}

static unsigned
group_of(const truth_t *t)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        if (strncmp(t->name, group_names[g], 4) == 0) {
            return g;
        }
    }
    abort();
}

static void
pool_stack(const json_t *stack)
{
    const truth_t *t = find_truth(stack);
    if (t == NULL) {
        return;
    }
    for (unsigned f = 0; f < FIGURES; f++) {
        char key[32];
        snprintf(key, sizeof(key), "%s_ci", figure_names[f]);
        const json_t *ci = json_object_get(stack, key);
        if (!json_is_array(ci)) {
            continue; /* nothing live was sampled: no interval printed */
        }
        double low = json_number_value(json_array_get(ci, 0));
        double high = json_number_value(json_array_get(ci, 1));
        tally_t *tally = &tallies[group_of(t)][f];
        tally->pairs++;
        tally->covered += low <= t->figure[f] && t->figure[f] <= high;
        tally->width_over_truth += (high - low) / t->figure[f];
    }
}

static void
pool_report(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL) {
        fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
        exit(3);
    }
    json_t *stacks =
        json_object_get(json_object_get(root, "profile"), "stacks");
    size_t i;
    json_t *stack;
    json_array_foreach(stacks, i, stack)
    {
        pool_stack(stack);
    }
    json_decref(root);
}

/* P(Poisson(m) <= n) */
static double
poisson_cdf(unsigned n, double m)
{
    double term = exp(-m), sum = term;
    for (unsigned i = 1; i <= n; i++) {
        term *= m / i;
        sum += term;
    }
    return sum;
}

/* The mean at which P(X <= n) is p; bisection. */
static double
poisson_mean(unsigned n, double p)
{
    double low = 0, high = 50 + 4 * n;
    for (int i = 0; i < 200; i++) {
        double mid = (low + high) / 2;
        if (poisson_cdf(n, mid) > p) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Expected width over truth of a site with m expected samples, given that
 * there is at least one. */
static double
theory(double m)
{
    if (m >= 30) {
        return 2 * 1.959964 / sqrt(m);
    }
    double width = 0, pmf = exp(-m);
    for (unsigned n = 1; n < 100; n++) {
        pmf *= m / n;
        width += pmf * (poisson_mean(n, 0.025) - poisson_mean(n - 1, 0.975));
    }
    return width / (1 - exp(-m)) / m;
}

static void
print_tally(const char *group, const char *figure, const tally_t *t,
            double expected)
{
    if (t->pairs == 0) {
        return;
    }
    printf("%-6s %-14s %6lu pairs  covered %6.2f %%", group, figure, t->pairs,
           100.0 * (double)t->covered / (double)t->pairs);
    if (expected > 0) {
        printf("  width/theory %.3f",
               t->width_over_truth / (double)t->pairs / expected);
    }
    printf("\n");
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: pool TRUTH REPORT.json...\n");
        return 2;
    }
    read_truth(argv[1]);
    for (int i = 2; i < argc; i++) {
        pool_report(argv[i]);
    }
    int status = 0;
    for (unsigned f = 0; f < FIGURES; f++) {
        tally_t all = {0, 0, 0};
        for (unsigned g = 0; g < GROUPS; g++) {
            const tally_t *t = &tallies[g][f];
            double m = group_samples[g] * (f >= 2 ? 2 : 1);
            print_tally(group_names[g], figure_names[f], t,
                        m > 0 ? theory(m) : 0);
            all.pairs += t->pairs;
            all.covered += t->covered;
        }
        print_tally("all", figure_names[f], &all, 0);
        double share = (double)all.covered / (double)all.pairs;
        if (!(share >= 0.94 && share <= 0.985)) {
            status = 1;
        }
    }
    return status;
}
