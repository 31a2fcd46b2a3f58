/* What the rules of section L have in common. */
#ifndef JE_ANALYSE_RULES_OTHER_H
#define JE_ANALYSE_RULES_OTHER_H

#include "base/macros.h"

#include "analyse/rules_common.h"

#define RULE(function, ...)                                                    \
    bool rule_##function(const struct rule_input *in, struct finding *finding);
#include "analyse/rules_other.def"
#undef RULE

#endif
