/*
 * The shape of cfrac (one of the allocation-intensive programs of Zorn and
 * Grunwald): numbers of arbitrary length are factored by continued fractions
 * (Morrison and Brillhart, A Method of Factoring and the Factorization of F7,
 * 1975).
 *
 * As in the original, a number is an object of its own with 16-bit digits and a
 * count of who holds it; each operation makes a new one, each trial division
 * a quotient, and most are dropped a few operations later. So objects have 10
 * to 60 bytes and live shortly, nearly as on a stack. What proves them sound is
 * the arithmetic: every relation is squared and compared, and the factors that
 * come out are the ones that went in.
 */
#include "bench.h"
#include "number.h"

#define BASE_MAX  400
#define SPARE     20 /* more relations than primes: as many chances */
#define ROW_WORDS ((BASE_MAX + 1 + BASE_MAX + SPARE + 63) / 64)

typedef struct relation {
    number_t *value; /* its square is the product of the powers, mod N */
    uint8_t *powers; /* of -1 and of each prime of the base */
} relation_t;

/* A product of relations: which powers are odd in it, then which these are. */
typedef struct row {
    uint64_t words[ROW_WORDS];
} row_t;

typedef struct factoring {
    number_t *n;
    uint16_t base[BASE_MAX];
    unsigned base_count;
    relation_t *relations;
    unsigned relation_count;
    unsigned wanted;
} factoring_t;

static uint64_t
power_modulo(uint64_t base, uint64_t power, uint64_t n)
{
    unsigned __int128 result = 1, factor = base % n;

    for (; power > 0; power >>= 1) {
        if ((power & 1) != 0)
            result = result * factor % n;
        factor = factor * factor % n;
    }
    return (uint64_t)result;
}

/* Fermat's test to a few bases: what passes and is no prime would show as a
 * factor that was not asked for. */
static uint64_t
random_prime(bench_rng_t *rng, unsigned bits)
{
    for (;;) {
        uint64_t n = bench_next(rng) >> (64 - bits);

        n |= (UINT64_C(3) << (bits - 2)) | 1;
        if (power_modulo(2, n - 1, n) == 1 && power_modulo(3, n - 1, n) == 1 &&
            power_modulo(5, n - 1, n) == 1 && power_modulo(7, n - 1, n) == 1)
            return n;
    }
}

/* The primes of which N is a square. */
static void
choose_base(factoring_t *job, unsigned count)
{
    for (unsigned p = 2; job->base_count < count; p++) {
        uint16_t rest;
        unsigned d = 2;

        while (d * d <= p && p % d != 0)
            d++;
        if (d * d <= p)
            continue;
        number_drop(number_divide_small(job->n, (uint16_t)p, &rest));
        if (p == 2 || power_modulo(rest, (p - 1) / 2, p) == 1)
            job->base[job->base_count++] = (uint16_t)p;
    }
}

/* Keep the relation value^2 = (-1)^is_negative q mod N if the primes of the
 * base are all there is in `q`. */
static void
try_relation(factoring_t *job, number_t *value, number_t *q, bool is_negative)
{
    uint8_t powers[BASE_MAX + 1] = {is_negative};
    relation_t *relation;

    number_hold(q);
    for (unsigned i = 0; i < job->base_count; i++) {
        for (;;) {
            uint16_t rest;
            number_t *quotient = number_divide_small(q, job->base[i], &rest);

            if (rest != 0) {
                number_drop(quotient);
                break;
            }
            powers[i + 1]++;
            number_set(&q, quotient);
        }
    }
    if (q->length == 1 && q->digits[0] == 1) {
        relation = &job->relations[job->relation_count++];
        relation->value = number_hold(value);
        relation->powers = bench_malloc(job->base_count + 1);
        memcpy(relation->powers, powers, job->base_count + 1);
    }
    number_drop(q);
}

/* value^2 + q or value^2 - q is a multiple of N. */
static void
check_relation(const factoring_t *job, const number_t *value, const number_t *q,
               bool is_negative)
{
    number_t *square = number_multiply_modulo(value, value, job->n);
    number_t *wanted = is_negative ? number_subtract(job->n, q)
                                   : number_hold((number_t *)(uintptr_t)q);

    if (number_compare(square, wanted) != 0)
        bench_die("a square is wrong: memory was damaged");
    number_drop(wanted);
    number_drop(square);
}

/* The state of the continued fraction of the root of N: `a` and `a_last` are
 * numerators, (p + root) / q is what is still to be expanded. */
typedef struct fraction {
    number_t *root, *p, *q, *a, *a_last;
} fraction_t;

static void
fraction_step(const factoring_t *job, fraction_t *at)
{
    number_t *sum = number_add(at->root, at->p), *rest;
    number_t *term = number_divide(sum, at->q, &rest);
    number_t *square, *difference, *product, *numerator;

    number_set(&sum, number_multiply(term, at->a));
    product = number_add(sum, at->a_last);
    numerator = number_modulo(product, job->n);
    number_drop(at->a_last);
    at->a_last = at->a;
    at->a = numerator;
    number_set(&at->p, number_subtract(at->root, rest));
    square = number_multiply(at->p, at->p);
    difference = number_subtract(job->n, square);
    number_set(&at->q, number_divide(difference, at->q, NULL));
    number_drop(sum);
    number_drop(rest);
    number_drop(term);
    number_drop(square);
    number_drop(difference);
    number_drop(product);
}

static void
find_relations(factoring_t *job)
{
    fraction_t at = {.root = number_root(job->n),
                     .p = number_from(0),
                     .q = number_from(1),
                     .a = number_from(1),
                     .a_last = number_from(0)};

    for (unsigned step = 1; job->relation_count < job->wanted; step++) {
        fraction_step(job, &at);
        if (step % 64 == 0)
            check_relation(job, at.a, at.q, step & 1);
        try_relation(job, at.a, at.q, step & 1);
    }
    number_drop(at.root);
    number_drop(at.p);
    number_drop(at.q);
    number_drop(at.a);
    number_drop(at.a_last);
}

static bool
row_has(const row_t *row, unsigned bit)
{
    return (row->words[bit / 64] >> (bit % 64) & 1) != 0;
}

static void
row_toggle(row_t *row, unsigned bit)
{
    row->words[bit / 64] ^= UINT64_C(1) << (bit % 64);
}

static row_t *
make_rows(const factoring_t *job)
{
    row_t *rows = bench_array(job->relation_count, sizeof(*rows));

    for (unsigned i = 0; i < job->relation_count; i++) {
        for (unsigned j = 0; j <= job->base_count; j++) {
            if ((job->relations[i].powers[j] & 1) != 0)
                row_toggle(&rows[i], j);
        }
        row_toggle(&rows[i], job->base_count + 1 + i);
    }
    return rows;
}

/* Multiply rows until those from the returned one on are squares. */
static unsigned
eliminate(const factoring_t *job, row_t *rows)
{
    unsigned done = 0;

    for (unsigned j = 0; j <= job->base_count; j++) {
        unsigned pivot = done;
        row_t row;

        while (pivot < job->relation_count && !row_has(&rows[pivot], j))
            pivot++;
        if (pivot == job->relation_count)
            continue;
        row = rows[pivot];
        rows[pivot] = rows[done];
        rows[done++] = row;
        for (unsigned i = done; i < job->relation_count; i++) {
            if (!row_has(&rows[i], j))
                continue;
            for (unsigned k = 0; k < ROW_WORDS; k++)
                rows[i].words[k] ^= row.words[k];
        }
    }
    return done;
}

/* The greatest common divisor of N and the sum of the two roots of a square. */
static number_t *
try_row(const factoring_t *job, const row_t *row)
{
    unsigned powers[BASE_MAX + 1] = {0};
    number_t *x = number_from(1), *y = number_from(1), *sum, *factor;

    for (unsigned i = 0; i < job->relation_count; i++) {
        if (!row_has(row, job->base_count + 1 + i))
            continue;
        number_set(&x,
                   number_multiply_modulo(x, job->relations[i].value, job->n));
        for (unsigned j = 0; j <= job->base_count; j++)
            powers[j] += job->relations[i].powers[j];
    }
    for (unsigned j = 1; j <= job->base_count; j++) {
        number_t *prime = number_from(job->base[j - 1]);

        for (unsigned k = 0; k < powers[j] / 2; k++)
            number_set(&y, number_multiply_modulo(y, prime, job->n));
        number_drop(prime);
    }
    sum = number_add(x, y);
    factor = number_gcd(sum, job->n);
    number_drop(x);
    number_drop(y);
    number_drop(sum);
    return factor;
}

static void
factor(uint64_t p, uint64_t q, unsigned primes)
{
    number_t *wanted_p = number_from(p), *wanted_q = number_from(q);
    factoring_t job = {.n = number_multiply(wanted_p, wanted_q),
                       .wanted = primes + SPARE};
    bool is_found = false;
    row_t *rows;

    choose_base(&job, primes);
    job.relations = bench_array(job.wanted, sizeof(*job.relations));
    find_relations(&job);
    rows = make_rows(&job);
    for (unsigned i = eliminate(&job, rows); i < job.relation_count; i++) {
        number_t *found = try_row(&job, &rows[i]);

        is_found |= number_compare(found, wanted_p) == 0 ||
                    number_compare(found, wanted_q) == 0;
        number_drop(found);
    }
    if (!is_found)
        bench_die("%llu x %llu was not factored", (unsigned long long)p,
                  (unsigned long long)q);
    for (unsigned i = 0; i < job.relation_count; i++) {
        number_drop(job.relations[i].value);
        free(job.relations[i].powers);
    }
    free(rows);
    free(job.relations);
    number_drop(job.n);
    number_drop(wanted_p);
    number_drop(wanted_q);
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"numbers", 8, "to factor"},
        {"bits", 84, "of each"},
        {"primes", 100, "to factor by"},
        {"seed", 10, "of the random numbers"},
        {NULL, 0, NULL},
    };
    unsigned bits, primes;
    uint64_t numbers;
    bench_rng_t rng;

    bench_init(argc, argv, "cfrac", params);
    numbers = bench_work(bench_get("numbers"), 1);
    bits = (unsigned)bench_get("bits");
    primes = (unsigned)bench_get("primes");
    rng.state = bench_get("seed");
    if (bits < 40 || bits > 120 || primes < 10 || primes > BASE_MAX)
        bench_die("40 to 120 bits and 10 to %d primes", BASE_MAX);
    for (uint64_t i = 0; i < numbers; i++)
        factor(random_prime(&rng, bits / 2), random_prime(&rng, bits / 2),
               primes);
    return bench_done(numbers_made);
}
