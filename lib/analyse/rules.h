/* Rules: what a dump's figures mean and what to do about it.
 *
 * rules.def lists them; each is a row of text and one function that looks at
 * an input and writes a finding.  The engine applies what all of them share:
 *
 *  - bytes before ratios: a finding above `info` is dropped unless what it can
 *    win is at least max(10 MiB, 1 % of RSS), RSS being resident (or what was
 *    taken from the system) where it is not known;
 *  - unless the rule chose a severity, bytes do: high from 25 % of RSS or
 *    1 GiB, medium from 10 % of RSS, low below;
 *  - most severe first, then most bytes;
 *  - one cause gives one finding: rules.c lists which rule is only what another
 *    one looks like. */
#ifndef JE_ANALYSE_RULES_H
#define JE_ANALYSE_RULES_H

#include "base/macros.h"

#include "analyse/finding.h"
#include "model/snapshot.h"

/* What a rule may look at.  Everything is optional but snapshot and view: a
 * rule whose figures are missing does not fire. */
struct rule_input {
    const struct snapshot *snapshot;
    const struct jep_view *view;   /* all but its findings */
    const struct snapshot *before; /* an earlier dump of the process, or NULL */
    const struct jep_view *before_view;
    uint64_t rss;     /* as summary_whole has it, or 0 */
    unsigned release; /* jemalloc's, 50300 for 5.3.0; 0 = unknown */
    /* The releases that it can be, judging by what the dump holds; 0 = open. */
    unsigned release_from, release_to;
    /* All dumps of the process up to this one, the oldest first. */
    const struct jep_moment *const *series;
    size_t series_count;
};

enum rule_gate {
    RULE_BYTES, /* fires only with bytes above the floor */
    RULE_FREE   /* says something that bytes do not measure: time, limits */
};

struct rule {
    const char *id; /* "slab-waste-high" */
    char section;   /* 'A' to 'L', see rule_sections */
    enum rule_gate gate;
    bool (*fires)(const struct rule_input *in, struct finding *finding);
    const char *symptom;   /* what one notices */
    const char *evidence;  /* the condition, with its figures */
    const char *threshold; /* why there */
    const char *causes;
    const char *action; /* in general; the finding has it for its version */
    const char *confirm;
    const char *false_alarm; /* NULL = none known */
    const char *source;
};

extern const struct rule rules[];
extern const size_t rule_count;

/* NULL if there is none. */
const struct rule *rule_find(const char *id);

/* Run all rules.  *findings is allocated, NULL if *count is 0; text lives in
 * `texts`.  False = out of memory. */
bool rules_run(const struct rule_input *in, struct intern_text *texts,
               struct jep_finding **findings, size_t *count)
    __attribute__((warn_unused_result));

/* Whether that rule says that the figures mean nothing: no other one was
 * applied then. */
bool rule_is_stop(const char *id);

/* What rules ask of an input. */
/* "true", "false", "10000": option `name` ("narenas") as it is in force: the
 * live value where the dump shows both.  NULL = not in the dump. */
const char *rule_option(const struct rule_input *in, const char *name);
/* The same, with the line where it stands. */
const char *rule_option_line(const struct rule_input *in, const char *name,
                             uint32_t *line);
/* Whether so many bytes are worth a finding above `info`. */
bool rule_is_worth(const struct rule_input *in, uint64_t bytes);
/* Whether jemalloc's advice may be given: it is jemalloc, not ours. */
bool rule_is_jemalloc(const struct rule_input *in);
/* The release is known and in [from, to]; 0 as a bound is open. */
bool rule_release_in(const struct rule_input *in, unsigned from, unsigned to);
/* What changed since `before`: false if either is unknown. */
bool rule_change(struct jep_figure before, struct jep_figure now,
                 int64_t *change);

#endif
