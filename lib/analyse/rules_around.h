/* The rules of sections D to I: everything they need is in rules_common.h. */
#ifndef JE_ANALYSE_RULES_AROUND_H
#define JE_ANALYSE_RULES_AROUND_H

#include "base/macros.h"

#include "analyse/rules_common.h"

#define around_share         rule_ratio
#define around_option_is     rule_option_is
#define around_option_number rule_option_number
#define around_thp_mode      rule_thp_mode
#define around_counted       rule_counted
#define around_heap_rss      rule_heap_rss
#define around_cpus          rule_cpus
#define around_seconds       rule_elapsed

#endif
