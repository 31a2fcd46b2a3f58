/* The rules of sections A to C: everything they need is in rules_common.h. */
#ifndef JE_ANALYSE_RULES_INSIDE_H
#define JE_ANALYSE_RULES_INSIDE_H

#include "base/macros.h"

#include "analyse/rules_common.h"

#endif
