/*
 * Numbers of arbitrary length, as schools teach them, in digits of 16 bits.
 */
#include "number.h"

uint64_t numbers_made;

static number_t *
number_new(uint32_t length)
{
    number_t *number =
        bench_malloc(sizeof(*number) + length * sizeof(number->digits[0]));

    numbers_made++;
    number->holders = 1;
    number->length = length;
    return number;
}

number_t *
number_hold(number_t *number)
{
    number->holders++;
    return number;
}

void
number_drop(number_t *number)
{
    if (unlikely(number->holders == 0))
        bench_damaged(number, sizeof(*number));
    if (--number->holders == 0)
        free(number);
}

void
number_set(number_t **place, number_t *value)
{
    number_drop(*place);
    *place = value;
}

static number_t *
number_trim(number_t *number)
{
    while (number->length > 0 && number->digits[number->length - 1] == 0)
        number->length--;
    return number;
}

number_t *
number_from(uint64_t value)
{
    number_t *number = number_new(4);

    for (unsigned i = 0; i < 4; i++)
        number->digits[i] = (uint16_t)(value >> (16 * i));
    return number_trim(number);
}

int
number_compare(const number_t *a, const number_t *b)
{
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    for (uint32_t i = a->length; i-- > 0;) {
        if (a->digits[i] != b->digits[i])
            return a->digits[i] < b->digits[i] ? -1 : 1;
    }
    return 0;
}

number_t *
number_add(const number_t *a, const number_t *b)
{
    uint32_t length = JE_MAX(a->length, b->length), carry = 0;
    number_t *sum = number_new(length + 1);

    for (uint32_t i = 0; i < length; i++) {
        carry += (i < a->length ? a->digits[i] : 0u) +
                 (i < b->length ? b->digits[i] : 0u);
        sum->digits[i] = (uint16_t)carry;
        carry >>= 16;
    }
    sum->digits[length] = (uint16_t)carry;
    return number_trim(sum);
}

/* `a` is not less than `b`. */
number_t *
number_subtract(const number_t *a, const number_t *b)
{
    number_t *rest = number_new(a->length);
    int32_t borrow = 0;

    for (uint32_t i = 0; i < a->length; i++) {
        borrow += a->digits[i] - (i < b->length ? b->digits[i] : 0);
        rest->digits[i] = (uint16_t)borrow;
        borrow >>= 16;
    }
    if (borrow != 0)
        bench_damaged(a, a->length * sizeof(a->digits[0]));
    return number_trim(rest);
}

number_t *
number_multiply(const number_t *a, const number_t *b)
{
    number_t *product = number_new(a->length + b->length);

    memset(product->digits, 0, product->length * sizeof(product->digits[0]));
    for (uint32_t i = 0; i < a->length; i++) {
        uint32_t carry = 0;

        for (uint32_t j = 0; j < b->length; j++) {
            carry +=
                (uint32_t)a->digits[i] * b->digits[j] + product->digits[i + j];
            product->digits[i + j] = (uint16_t)carry;
            carry >>= 16;
        }
        product->digits[i + b->length] = (uint16_t)carry;
    }
    return number_trim(product);
}

number_t *
number_divide_small(const number_t *a, uint16_t by, uint16_t *rest)
{
    number_t *quotient = number_new(a->length);
    uint32_t left = 0;

    for (uint32_t i = a->length; i-- > 0;) {
        left = left << 16 | a->digits[i];
        quotient->digits[i] = (uint16_t)(left / by);
        left %= by;
    }
    *rest = (uint16_t)left;
    return number_trim(quotient);
}

static number_t *
number_shift(const number_t *a, unsigned bits)
{
    number_t *shifted = number_new(a->length + 1);
    uint32_t carry = 0;

    for (uint32_t i = 0; i < a->length; i++) {
        carry |= (uint32_t)a->digits[i] << bits;
        shifted->digits[i] = (uint16_t)carry;
        carry >>= 16;
    }
    shifted->digits[a->length] = (uint16_t)carry;
    return shifted;
}

/* One digit of a long division: of `rest`, from its `at`-th digit on, by `by`,
 * whose highest bit is set. What it leaves stays in `rest`. */
static uint16_t
divide_digit(number_t *rest, const number_t *by, uint32_t at)
{
    uint32_t n = by->length, carry = 0;
    uint32_t high =
        (uint32_t)rest->digits[at + n] << 16 | rest->digits[at + n - 1];
    uint32_t guess = JE_MIN(high / by->digits[n - 1], 0xffffu);
    int64_t borrow = 0;

    for (uint32_t i = 0; i <= n; i++) {
        borrow += rest->digits[at + i];
        if (i < n)
            borrow -= (int64_t)guess * by->digits[i];
        rest->digits[at + i] = (uint16_t)borrow;
        borrow >>= 16;
    }
    /* The guess is too large by at most two. */
    while (borrow < 0) {
        guess--;
        carry = 0;
        for (uint32_t i = 0; i <= n; i++) {
            carry += rest->digits[at + i] + (i < n ? by->digits[i] : 0u);
            rest->digits[at + i] = (uint16_t)carry;
            carry >>= 16;
        }
        borrow += carry;
    }
    return (uint16_t)guess;
}

number_t *
number_divide(const number_t *a, const number_t *by, number_t **left)
{
    uint16_t small, low;
    number_t *rest, *quotient, *scaled;
    unsigned bits;

    if (by->length == 0)
        bench_damaged(by, sizeof(*by));
    bits = (unsigned)__builtin_clz((uint32_t)by->digits[by->length - 1] << 16);
    scaled = number_trim(number_shift(by, bits));
    rest = number_shift(a, bits);
    quotient =
        number_new(a->length < by->length ? 0 : a->length - by->length + 1);
    for (uint32_t i = quotient->length; i-- > 0;)
        quotient->digits[i] = divide_digit(rest, scaled, i);
    number_drop(scaled);
    if (left != NULL) {
        low = (uint16_t)(1u << bits);
        *left = number_divide_small(number_trim(rest), low, &small);
    }
    number_drop(rest);
    return number_trim(quotient);
}

number_t *
number_modulo(const number_t *a, const number_t *by)
{
    number_t *rest;

    number_drop(number_divide(a, by, &rest));
    return rest;
}

number_t *
number_multiply_modulo(const number_t *a, const number_t *b, const number_t *n)
{
    number_t *product = number_multiply(a, b);
    number_t *rest = number_modulo(product, n);

    number_drop(product);
    return rest;
}

/* By Newton, from above. */
number_t *
number_root(const number_t *n)
{
    number_t *root = number_new(n->length / 2 + 2);
    uint16_t rest;

    memset(root->digits, 0, root->length * sizeof(root->digits[0]));
    root->digits[root->length - 1] = 1;
    for (;;) {
        number_t *other = number_divide(n, root, NULL);
        number_t *sum = number_add(root, other);
        number_t *half = number_divide_small(sum, 2, &rest);

        number_drop(other);
        number_drop(sum);
        if (number_compare(half, root) >= 0) {
            number_drop(half);
            return root;
        }
        number_set(&root, half);
    }
}

number_t *
number_gcd(number_t *a, number_t *b)
{
    number_hold(a);
    number_hold(b);
    while (b->length != 0) {
        number_t *rest = number_modulo(a, b);

        number_drop(a);
        a = b;
        b = rest;
    }
    number_drop(b);
    return a;
}
