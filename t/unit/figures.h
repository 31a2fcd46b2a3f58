/* Figures as a unit test writes them down. */
#ifndef JE_T_UNIT_FIGURES_H
#define JE_T_UNIT_FIGURES_H

#include "base/macros.h"

#include "jeprobe.h"
#include "t/util.h"

static inline struct jep_figure
figure(uint64_t value)
{
    return (struct jep_figure){.value = value, .known = true};
}

static inline void
is(struct jep_figure got, uint64_t wanted)
{
    ck_assert_msg(got.known && got.value == wanted, "%s %llu, wanted %llu",
                  got.known ? "got" : "unknown", (unsigned long long)got.value,
                  (unsigned long long)wanted);
}

static inline void
unknown(struct jep_figure got)
{
    ck_assert_msg(!got.known, "got %llu", (unsigned long long)got.value);
}

#endif
