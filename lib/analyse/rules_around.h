/* What the rules of sections D to I have in common. */
#ifndef JE_ANALYSE_RULES_AROUND_H
#define JE_ANALYSE_RULES_AROUND_H

#include "base/macros.h"

#include "analyse/report.h"
#include "analyse/rules.h"

#define RULE(function, ...)                                                    \
    bool rule_##function(const struct rule_input *in, struct finding *finding);
#include "analyse/rules_around.def"
#undef RULE

/* "11.82 GiB", valid to the end of the block. */
#define SIZE_TEXT(bytes)                                                       \
    finding_size_text((char[FINDING_SIZE_MAX]){0}, (double)(bytes))

/* part / whole; 0 if either is unknown or the whole is 0. */
double around_share(struct jep_figure part, struct jep_figure whole);

/* Option `name` is in force with that value. */
bool around_option_is(const struct rule_input *in, const char *name,
                      const char *value);
/* An option that is a number; -1 is one. */
bool around_option_number(const struct rule_input *in, const char *name,
                          int64_t *value);

/* "always", "madvise", "never"; NULL = not known. */
const char *around_thp_mode(const struct snapshot *snapshot);

/* What the allocator counts as being in memory, muzzy pages included. */
struct jep_figure around_counted(const struct snapshot *snapshot,
                                 const struct jep_summary *summary);
/* RSS that can be the allocator's: anonymous memory if that is known. */
struct jep_figure around_heap_rss(const struct snapshot *snapshot,
                                  const struct jep_summary *summary);

/* Processors that the process may keep busy; 0 = unknown. */
double around_cpus(const struct snapshot *snapshot);

/* The time that counters of events cover: since the earlier dump if there is
 * one, else since the start.  0 = unknown. */
double around_seconds(const struct rule_input *in);

#endif
