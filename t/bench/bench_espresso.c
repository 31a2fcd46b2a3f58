/*
 * The shape of espresso (the minimizer of programmable logic arrays that Zorn
 * and Grunwald measured): sets of a few words, lists of them, and families that
 * grow.
 *
 * Each job is a random logic function, a list of cubes. Its complement
 * is made by splitting at the most binate variable; then each cube is expanded
 * as far as the complement lets it, and cubes that the others cover are left
 * out. So there are many sets of 12 to 24 bytes that live shortly, lists of
 * pointers of as many sizes as there are sub-problems, and families of sets
 * whose room grows by realloc, half of it at a time. At the end the smaller
 * function is compared to the one given.
 */
#include "bench.h"

/* Two bits a variable: it may be 0, it may be 1. An empty pair is no cube. */
#define VARIABLES_MAX 32
#define VARIABLES_IN  16 /* a word */

typedef struct cube {
    uint32_t words; /* how many follow: known to all, kept as a mark */
    uint32_t pairs[];
} cube_t;

/* Cubes side by side in one block. */
typedef struct family {
    uint32_t *pairs;
    size_t count;
    size_t capacity;
} family_t;

/* Some cubes of families. What is set in `freed` counts as set in all. */
typedef struct list {
    cube_t *freed;
    size_t count;
    const uint32_t *cubes[];
} list_t;

static unsigned variables, words;
static uint64_t made;

static uint32_t
all_of(unsigned word)
{
    unsigned left = variables - word * VARIABLES_IN;

    return left >= VARIABLES_IN ? UINT32_MAX : (1u << (2 * left)) - 1;
}

static unsigned
pair_of(const uint32_t *pairs, unsigned variable)
{
    return pairs[variable / VARIABLES_IN] >> (variable % VARIABLES_IN * 2) & 3;
}

static void
pair_set(uint32_t *pairs, unsigned variable, unsigned bits)
{
    pairs[variable / VARIABLES_IN] |= bits << (variable % VARIABLES_IN * 2);
}

static cube_t *
cube_new(const uint32_t *pairs)
{
    cube_t *cube = bench_malloc(sizeof(*cube) + words * sizeof(uint32_t));

    made++;
    cube->words = words;
    if (pairs == NULL)
        memset(cube->pairs, 0, words * sizeof(uint32_t));
    else
        memcpy(cube->pairs, pairs, words * sizeof(uint32_t));
    return cube;
}

static void
cube_free(cube_t *cube)
{
    if (cube->words != words)
        bench_damaged(cube, sizeof(*cube) + words * sizeof(uint32_t));
    cube->words = 0;
    free(cube);
}

static const uint32_t *
family_at(const family_t *family, size_t at)
{
    return family->pairs + at * words;
}

static void
family_add(family_t *family, const uint32_t *pairs)
{
    if (family->count == family->capacity) {
        family->capacity += family->capacity / 2 + 1;
        family->pairs = bench_realloc(family->pairs, family->capacity * words *
                                                         sizeof(uint32_t));
        made++;
    }
    memcpy(family->pairs + family->count++ * words, pairs,
           words * sizeof(uint32_t));
}

static list_t *
list_new(size_t most, const cube_t *freed)
{
    list_t *list = bench_malloc(sizeof(*list) + most * sizeof(list->cubes[0]));

    made++;
    list->freed = cube_new(freed == NULL ? NULL : freed->pairs);
    list->count = 0;
    return list;
}

static void
list_free(list_t *list)
{
    cube_free(list->freed);
    free(list);
}

static list_t *
list_of(const family_t *family)
{
    list_t *list = list_new(family->count, NULL);

    for (size_t i = 0; i < family->count; i++)
        list->cubes[list->count++] = family_at(family, i);
    return list;
}

/* What the list says when the variable has the value: 1 or 2. */
static list_t *
list_split(const list_t *list, unsigned variable, unsigned value)
{
    list_t *half = list_new(list->count, list->freed);

    for (size_t i = 0; i < list->count; i++) {
        if ((pair_of(list->cubes[i], variable) & value) != 0)
            half->cubes[half->count++] = list->cubes[i];
    }
    pair_set(half->freed->pairs, variable, 3);
    return half;
}

/* Is the first cube everywhere where the second is, with what is freed? */
static bool
covers(const uint32_t *outer, const uint32_t *freed, const uint32_t *inner)
{
    for (unsigned i = 0; i < words; i++) {
        if ((inner[i] & ~(outer[i] | (freed == NULL ? 0 : freed[i]))) != 0)
            return false;
    }
    return true;
}

static bool
intersect(const uint32_t *a, const uint32_t *b)
{
    for (unsigned i = 0; i < words; i++) {
        uint32_t both = a[i] & b[i];

        if (((both | both >> 1) & 0x55555555) != (all_of(i) & 0x55555555))
            return false;
    }
    return true;
}

static bool
has_whole(const list_t *list)
{
    uint32_t whole[VARIABLES_MAX / VARIABLES_IN];

    for (unsigned i = 0; i < words; i++)
        whole[i] = all_of(i);
    for (size_t i = 0; i < list->count; i++) {
        if (covers(list->cubes[i], list->freed->pairs, whole))
            return true;
    }
    return false;
}

/* The variable that most cubes need to be 0 or to be 1; `*is_unate`: none is
 * needed both ways. */
static unsigned
choose_variable(const list_t *list, bool *is_unate)
{
    unsigned best = 0, best_both = 0, best_any = 0;

    for (unsigned v = 0; v < variables; v++) {
        unsigned zeros = 0, ones = 0, both;

        if (pair_of(list->freed->pairs, v) == 3)
            continue;
        for (size_t i = 0; i < list->count; i++) {
            unsigned pair = pair_of(list->cubes[i], v);
            zeros += pair == 1;
            ones += pair == 2;
        }
        both = JE_MIN(zeros, ones);
        if (both > best_both ||
            (both == best_both && zeros + ones > best_any)) {
            best = v;
            best_both = both;
            best_any = zeros + ones;
        }
    }
    *is_unate = best_both == 0;
    return best;
}

static bool
is_tautology(const list_t *list)
{
    bool is_unate, result = true;
    unsigned variable;

    if (has_whole(list))
        return true;
    variable = choose_variable(list, &is_unate);
    if (is_unate)
        return false;
    for (unsigned value = 1; value <= 2 && result; value++) {
        list_t *half = list_split(list, variable, value);

        result = is_tautology(half);
        list_free(half);
    }
    return result;
}

/* All that is not in the only cube of the list: one cube a variable. */
static void
complement_one(const list_t *list, family_t *result)
{
    for (unsigned v = 0; v < variables; v++) {
        unsigned pair = pair_of(list->cubes[0], v);
        cube_t *cube;

        if (pair == 3 || pair_of(list->freed->pairs, v) == 3)
            continue;
        cube = cube_new(NULL);
        for (unsigned other = 0; other < variables; other++)
            pair_set(cube->pairs, other, other == v ? pair ^ 3 : 3);
        family_add(result, cube->pairs);
        cube_free(cube);
    }
}

/* Put the two halves together: cubes that both have need no value. */
static void
merge(family_t *result, const family_t *zero, const family_t *one,
      unsigned variable)
{
    bool *is_used = bench_array(one->count + 1, sizeof(*is_used));
    uint32_t mask = 3u << (variable % VARIABLES_IN * 2);

    made++;
    for (size_t i = 0; i < zero->count; i++) {
        cube_t *cube = cube_new(family_at(zero, i));
        size_t j = 0;

        while (j < one->count &&
               (is_used[j] || memcmp(family_at(one, j), cube->pairs,
                                     words * sizeof(uint32_t)) != 0))
            j++;
        if (j < one->count)
            is_used[j] = true;
        else
            cube->pairs[variable / VARIABLES_IN] &= ~(mask & 0xaaaaaaaa);
        family_add(result, cube->pairs);
        cube_free(cube);
    }
    for (size_t j = 0; j < one->count; j++) {
        cube_t *cube;

        if (is_used[j])
            continue;
        cube = cube_new(family_at(one, j));
        cube->pairs[variable / VARIABLES_IN] &= ~(mask & 0x55555555);
        family_add(result, cube->pairs);
        cube_free(cube);
    }
    free(is_used);
}

static family_t
complement(const list_t *list)
{
    family_t result = {NULL, 0, 0}, halves[2];
    unsigned variable;
    bool is_unate;

    if (has_whole(list))
        return result;
    if (list->count == 0) {
        cube_t *whole = cube_new(NULL);

        for (unsigned i = 0; i < words; i++)
            whole->pairs[i] = all_of(i);
        family_add(&result, whole->pairs);
        cube_free(whole);
        return result;
    }
    if (list->count == 1) {
        complement_one(list, &result);
        return result;
    }
    variable = choose_variable(list, &is_unate);
    for (unsigned i = 0; i < 2; i++) {
        list_t *half = list_split(list, variable, i + 1);

        halves[i] = complement(half);
        list_free(half);
    }
    merge(&result, &halves[0], &halves[1], variable);
    free(halves[0].pairs);
    free(halves[1].pairs);
    return result;
}

/* Make each cube as large as the complement lets it be. */
static family_t
expand(const family_t *on, const family_t *off)
{
    family_t result = {NULL, 0, 0};

    for (size_t i = 0; i < on->count; i++) {
        cube_t *cube = cube_new(family_at(on, i));
        bool is_covered = false;

        for (unsigned v = 0; v < variables; v++) {
            cube_t *larger = cube_new(cube->pairs);
            bool is_free = true;

            pair_set(larger->pairs, v, 3);
            for (size_t j = 0; j < off->count && is_free; j++)
                is_free = !intersect(larger->pairs, family_at(off, j));
            cube_free(is_free ? cube : larger);
            if (is_free)
                cube = larger;
        }
        for (size_t j = 0; j < result.count && !is_covered; j++)
            is_covered = covers(family_at(&result, j), NULL, cube->pairs);
        if (!is_covered)
            family_add(&result, cube->pairs);
        cube_free(cube);
    }
    return result;
}

/* Is the cube in what the others of the family make up together? */
static bool
is_redundant(const family_t *family, const bool *is_out, size_t at)
{
    const uint32_t *cube = family_at(family, at);
    list_t *others = list_new(family->count, NULL);
    bool result;

    for (size_t i = 0; i < family->count; i++) {
        if (i != at && !is_out[i] && intersect(family_at(family, i), cube))
            others->cubes[others->count++] = family_at(family, i);
    }
    for (unsigned v = 0; v < variables; v++) {
        if (pair_of(cube, v) != 3)
            pair_set(others->freed->pairs, v, 3);
    }
    result = is_tautology(others);
    list_free(others);
    return result;
}

static family_t
irredundant(const family_t *family)
{
    family_t result = {NULL, 0, 0};
    bool *is_out = bench_array(family->count + 1, sizeof(*is_out));

    made++;
    for (size_t i = 0; i < family->count; i++) {
        is_out[i] = is_redundant(family, is_out, i);
        if (!is_out[i])
            family_add(&result, family_at(family, i));
    }
    free(is_out);
    return result;
}

static bool
contains(const family_t *family, const uint32_t *point)
{
    for (size_t i = 0; i < family->count; i++) {
        if (covers(family_at(family, i), NULL, point))
            return true;
    }
    return false;
}

/* A random cube; of `fixed` in 256 variables the value is said. */
static void
random_cube(bench_rng_t *rng, uint32_t *pairs, unsigned fixed)
{
    memset(pairs, 0, words * sizeof(*pairs));
    for (unsigned v = 0; v < variables; v++) {
        uint64_t bits = bench_next(rng);

        pair_set(pairs, v, (bits & 0xff) >= fixed ? 3 : 1 + (bits >> 8 & 1));
    }
}

/* A random point of a cube: each variable has a value. */
static void
random_point(bench_rng_t *rng, uint32_t *pairs, const uint32_t *cube)
{
    memset(pairs, 0, words * sizeof(*pairs));
    for (unsigned v = 0; v < variables; v++) {
        unsigned pair = pair_of(cube, v);

        pair_set(pairs, v, pair == 3 ? 1 + bench_below(rng, 2) : pair);
    }
}

/* The three are the same function: tried where each is on and where it is off.
 */
static void
compare(bench_rng_t *rng, const family_t *on, const family_t *off,
        const family_t *least)
{
    const family_t *all[] = {on, off, least};
    uint32_t point[VARIABLES_MAX / VARIABLES_IN];

    for (size_t i = 0; i < 300; i++) {
        const family_t *family = all[i % 3];
        bool is_on;

        if (family->count == 0)
            continue;
        random_point(rng, point, family_at(family, i / 3 % family->count));
        is_on = contains(on, point);
        if (is_on != (family != off) || is_on != contains(least, point) ||
            is_on == contains(off, point))
            bench_die("a function became another: memory was damaged");
    }
}

static void
minimize(bench_rng_t *rng, size_t cubes, unsigned fixed)
{
    uint32_t pairs[VARIABLES_MAX / VARIABLES_IN];
    family_t on = {NULL, 0, 0}, off, expanded, least;
    list_t *list;

    for (size_t i = 0; i < cubes; i++) {
        random_cube(rng, pairs, fixed);
        family_add(&on, pairs);
    }
    list = list_of(&on);
    off = complement(list);
    list_free(list);
    expanded = expand(&on, &off);
    least = irredundant(&expanded);
    compare(rng, &on, &off, &least);
    free(on.pairs);
    free(off.pairs);
    free(expanded.pairs);
    free(least.pairs);
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"functions", 130, "to minimize"},
        {"variables", 24, "of each"},
        {"cubes", 30, "of each"},
        {"fixed", 128, "of 256 variables have a value in a cube"},
        {"seed", 11, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t functions, cubes;
    bench_rng_t rng;

    bench_init(argc, argv, "espresso", params);
    functions = bench_work(bench_get("functions"), 1);
    variables = (unsigned)bench_get("variables");
    if (variables == 0 || variables > VARIABLES_MAX)
        bench_die("1 to %d variables", VARIABLES_MAX);
    words = (variables + VARIABLES_IN - 1) / VARIABLES_IN;
    cubes = bench_get("cubes");
    rng.state = bench_get("seed");
    for (uint64_t i = 0; i < functions; i++)
        minimize(&rng, cubes, (unsigned)bench_get("fixed"));
    return bench_done(made);
}
