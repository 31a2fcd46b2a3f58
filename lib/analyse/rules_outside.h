/* What the rules of sections J and K have in common: the process around the
 * allocator, and the program in it. */
#ifndef JE_ANALYSE_RULES_OUTSIDE_H
#define JE_ANALYSE_RULES_OUTSIDE_H

#include "base/macros.h"

#include "analyse/rules_common.h"

#define RULE(function, ...)                                                    \
    bool rule_##function(const struct rule_input *in, struct finding *finding);
#include "analyse/rules_app.def"

#include "analyse/rules_outside.def"
#undef RULE

/* The sum of those that are known; unknown if none is. */
struct jep_figure outside_sum(const struct jep_figure *figures, size_t count);

/* Memory that glibc's malloc holds, by smaps: [heap] unless jemalloc has it,
 * and heaps of arenas. */
struct jep_figure outside_glibc(const struct rule_input *in);

/* The process runs one of the programs (their names' beginnings, ended by
 * NULL), as far as the dump tells: its file, command line or task name. */
bool program_is(const struct rule_input *in, const char *const *names);
/* One of those files is mapped; NULL = none, or not known. */
const char *program_maps(const struct rule_input *in, const char *const *names);
/* Which of the two says so, as evidence. */
void program_show(const struct rule_input *in, struct finding *finding,
                  const char *const *names, const char *const *files);

bool program_is_redis(const struct rule_input *in);
bool program_is_java(const struct rule_input *in);

#endif
