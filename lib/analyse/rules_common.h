/* What several rules ask: options, shares, releases, time, events. */
#ifndef JE_ANALYSE_RULES_COMMON_H
#define JE_ANALYSE_RULES_COMMON_H

#include "base/macros.h"

#include "analyse/report.h"
#include "analyse/rules.h"

#define RULE(function, ...)                                                    \
    bool rule_##function(const struct rule_input *in, struct finding *finding);
#include "analyse/rules.def"
#undef RULE

#define RELEASE_4_0   40000
#define RELEASE_5_0   50000
#define RELEASE_5_1   50100
#define RELEASE_5_2   50200
#define RELEASE_5_2_1 50201
#define RELEASE_5_3   50300
#define RELEASE_5_3_1 50301

#define RULE_MIB ((uint64_t)1 << 20)
#define RULE_GIB ((uint64_t)1 << 30)
#define RULE_TIB ((uint64_t)1 << 40)

/* "11.82 GiB", valid to the end of the block. */
#define SIZE_TEXT(bytes)                                                       \
    finding_size_text((char[FINDING_SIZE_MAX]){0}, (double)(bytes))

/* Parts of a whole; 0 if the whole is. */
double rule_share(uint64_t part, uint64_t whole);
/* The same of figures; 0 if either is unknown. */
double rule_ratio(struct jep_figure part, struct jep_figure whole);
/* Both are known and first >= share * second. */
bool rule_is_part(struct jep_figure first, double share,
                  struct jep_figure second);
/* Whether what the option says is that text. */
bool rule_option_is(const struct rule_input *in, const char *name,
                    const char *value);
/* An option that is a number; -1 is one. */
bool rule_option_number(const struct rule_input *in, const char *name,
                        int64_t *value);
/* An option as evidence, where the dump has it. */
void rule_show_option(const struct rule_input *in, struct finding *finding,
                      const char *name);

/* A page for each large object, and what it is known by. */
struct rule_padding {
    struct jep_figure gap, padding;
    const char *what;
};

/* Whether that is most of what active has above allocated. */
bool rule_padding(const struct rule_input *in, struct rule_padding *out);
/* What this version can do against it. */
void rule_padding_action(const struct rule_input *in, struct finding *finding);

/* A figure of the arena that stands for the process. */
struct jep_figure rule_arena(const struct rule_input *in,
                             enum arena_field field);
struct jep_figure rule_arena_before(const struct rule_input *in,
                                    enum arena_field field);

/* Every release that this dump can be of is at least `release`, or below it.
 * Neither holds if that cannot be told. */
bool rule_is_from(const struct rule_input *in, unsigned release);
bool rule_is_below(const struct rule_input *in, unsigned release);

enum rule_background { BACKGROUND_UNKNOWN, BACKGROUND_OFF, BACKGROUND_ON };

/* Whether threads purge in the background now, not whether it was asked for. */
enum rule_background rule_background(const struct rule_input *in);

/* "always", "madvise", "never"; NULL = not known. */
const char *rule_thp_mode(const struct snapshot *snapshot);

/* What the allocator counts as being in memory, muzzy pages included. */
struct jep_figure rule_counted(const struct snapshot *snapshot,
                               const struct jep_summary *summary);
/* RSS that can be the allocator's: anonymous memory if that is known. */
struct jep_figure rule_heap_rss(const struct snapshot *snapshot,
                                const struct jep_summary *summary);

/* Processors that the process may keep busy; 0 = unknown. */
double rule_cpus(const struct snapshot *snapshot);

/* The time that the counters of events cover: since the dump before, else
 * since the start.  0 = unknown. */
double rule_elapsed(const struct rule_input *in);
/* The same; false = unknown. */
bool rule_seconds(const struct rule_input *in, double *seconds);
/* Events in that time. */
bool rule_events(const struct rule_input *in, struct jep_figure before,
                 struct jep_figure now, double *events);
/* Allocations, and frees, of all sizes in that time. */
bool rule_allocations(const struct rule_input *in, double *count);
bool rule_frees(const struct rule_input *in, double *count);

#endif
