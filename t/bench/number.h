/*
 * Numbers of arbitrary length for bench_cfrac: objects that are counted and do
 * not change, none of them negative.
 *
 * Functions take numbers that stay their caller's and give a new one, to be
 * dropped by the caller. An operation that cannot be, such as a difference
 * below zero, means that memory was damaged.
 */
#ifndef BENCH_NUMBER_H
#define BENCH_NUMBER_H

#include "bench.h"

typedef struct number {
    uint32_t holders;
    uint32_t length; /* digits that count: the highest is not 0 */
    uint16_t digits[];
} number_t;

/* How many objects were made so far. */
extern uint64_t numbers_made;

number_t *number_from(uint64_t value);

number_t *number_hold(number_t *number);
void number_drop(number_t *number);

/* Put `value` in the place of what was there. */
void number_set(number_t **place, number_t *value);

/* Below, equal to or above 0, as `a` is to `b`. */
int number_compare(const number_t *a, const number_t *b);

number_t *number_add(const number_t *a, const number_t *b);
number_t *number_subtract(const number_t *a, const number_t *b);
number_t *number_multiply(const number_t *a, const number_t *b);

/* The quotient; the rest goes to `rest`, which a long division may not want:
 * NULL. */
number_t *number_divide(const number_t *a, const number_t *by, number_t **rest);
number_t *number_divide_small(const number_t *a, uint16_t by, uint16_t *rest);

number_t *number_modulo(const number_t *a, const number_t *by);
number_t *number_multiply_modulo(const number_t *a, const number_t *b,
                                 const number_t *n);

/* The largest number whose square is not more than `n`. */
number_t *number_root(const number_t *n);
number_t *number_gcd(number_t *a, number_t *b);

#endif
