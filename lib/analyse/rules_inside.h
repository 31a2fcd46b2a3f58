/* What the rules of sections A to C have in common. */
#ifndef JE_ANALYSE_RULES_INSIDE_H
#define JE_ANALYSE_RULES_INSIDE_H

#include "base/macros.h"

#include "analyse/report.h"
#include "analyse/rules.h"

#define RULE(function, ...)                                                    \
    bool rule_##function(const struct rule_input *in, struct finding *finding);
#include "analyse/rules_inside.def"
#undef RULE

#endif
