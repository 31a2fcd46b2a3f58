/* Figures as allocators round them for people: "944.2 mb", "1.1 Ki", "0". */
#ifndef JE_DUMP_AMOUNT_H
#define JE_DUMP_AMOUNT_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct amount {
    uint64_t value; /* bytes, or a plain count */
    bool is_negative;
    bool has_unit;
};

/* Read an amount at *at and move *at behind it and its unit.  A unit is b, k,
 * m, g, t with or without "b", "i" or "iB" behind it; it counts by 1024, and
 * by 1000 where it is a single capital.  False, and *at stays: there is none,
 * or it does not fit. */
bool amount_read(const char **at, struct amount *amount);

/* A decimal number in thousandths ("0.031" is 31) at *at. */
bool amount_read_milli(const char **at, uint64_t *value);

#endif
