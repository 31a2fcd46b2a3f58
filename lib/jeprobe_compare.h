/* The part of jeprobe.h that holds one dump against limits, and two against
 * each other.  Include jeprobe.h. */
#ifndef JEPROBE_COMPARE_H
#define JEPROBE_COMPARE_H

#include "base/macros.h"

#include "jeprobe.h"

/* Checks of reports against limits, for automatic gates. */
enum jep_outcome {
    JEP_PASS,
    JEP_ALERT,
    JEP_CANNOT, /* a figure that it needs is not in the dump */
    JEP_NOTE,   /* a finding that is not severe enough, or known before */
    JEP_SUPPRESSED
};

enum jep_check_kind {
    JEP_CHECK_RATIO,   /* value and limit are fractions */
    JEP_CHECK_SIZE,    /* value and limit are bytes */
    JEP_CHECK_FINDING, /* a rule fired */
    JEP_CHECK_GROWTH,  /* value, before and limit are bytes */
    JEP_CHECK_SITE,    /* the same of one place of allocation */
    JEP_CHECK_BASELINE /* whether the baseline can be compared with */
};

struct jep_check {
    enum jep_check_kind kind;
    enum jep_outcome outcome;
    const char *name;  /* "internal-fragmentation", or the rule's */
    const char *title; /* "internal fragmentation" */
    const struct jep_view *view;
    const struct jep_finding *finding; /* JEP_CHECK_FINDING */
    const struct jep_stack *site;      /* JEP_CHECK_SITE */
    double value, limit, before;
    bool is_small;           /* above its limit, but below the byte floor */
    struct jep_figure bytes; /* what the limit is about */
    const char *reason;      /* JEP_CANNOT: what is missing.  JEP_SUPPRESSED */
};

struct jep_suppression {
    const char *name; /* of a check */
    const char *reason;
};

/* Sites of fewer samples than this never decide anything. */
#define JEP_GATE_SAMPLES 30

struct jep_baseline_site {
    uint64_t key;
    uint64_t samples;
    struct jep_estimate live_bytes;
};

enum jep_baseline_figure {
    JEP_BASE_ALLOCATED,
    JEP_BASE_ACTIVE,
    JEP_BASE_RESIDENT,
    JEP_BASE_METADATA,
    JEP_BASE_RSS,
    JEP_BASE_FIGURES
};

/* What an earlier dump was like. */
struct jep_baseline {
    const char *allocator, *version; /* as render_allocator names it; NULL */
    struct jep_figure sample_interval;
    struct jep_figure figures[JEP_BASE_FIGURES];
    const struct jep_baseline_site *sites;
    size_t site_count;
    const char *const *findings; /* rules that fired */
    size_t finding_count;
};

struct jep_limits {
    struct jep_ratio max_internal, max_external, max_metadata, max_growth;
    struct jep_figure max_allocated;
    uint64_t min_size;         /* less than this never alerts */
    enum jep_severity fail_on; /* findings from this severity on alert */
    bool ignore_findings;
    const struct jep_suppression *suppressions;
    size_t suppression_count;
};

/* Names of the baseline's figures, "allocated" first. */
extern const char *const jep_baseline_names[JEP_BASE_FIGURES];

/* The checks that are neither rules nor figures of a baseline. */
#define JEP_CHECK_NAMES 6
extern const char *const jep_check_names[JEP_CHECK_NAMES];
struct jep_figure jep_baseline_figure(const struct jep_view *view,
                                      enum jep_baseline_figure figure);
/* A number that stays the same for a place of allocation from run to run. */
uint64_t jep_site_key(const struct jep_stack *site);

/* Check one report.  *checks is for the caller to free; it borrows from all
 * arguments.  `baseline` may be NULL; `allocator` is what this report's is
 * called there. */
jep_status_t jep_check(const struct jep_view *view,
                       const struct jep_limits *limits,
                       const struct jep_baseline *baseline,
                       const char *allocator, struct jep_check **checks,
                       size_t *count) __attribute__((warn_unused_result));

/* What changed from one dump to another. */
struct jep_change {
    const char *id;   /* stable name for programs */
    const char *what; /* for people */
    struct jep_figure before, now;
    int64_t bytes; /* now - before */
};

/* Live bytes of one call stack in both dumps.  Samples that are in both are of
 * the same objects: they say nothing of the change and nothing of its error. */
struct jep_stack_change {
    const struct jep_stack *stack; /* its frames, from either dump */
    double before, now;            /* bytes */
    double change, low, high;      /* with its 95 % interval */
    uint64_t samples_before, samples_now, samples_shared;
    bool is_significant;
};

struct jep_bin_change {
    uint64_t size;
    int64_t used, unused; /* bytes */
};

/* Less is no change, unless the caller says otherwise. */
#define JEP_CHANGE_MIN ((uint64_t)10 << 20)

/* What memory grew by: live bytes, the pages that hold them, free pages,
 * metadata, or nothing that the allocator counts. */
struct jep_verdict {
    const char *id;     /* "live-growth", "metadata", "same" … */
    const char *text;   /* what that means, one sentence */
    const char *rule;   /* that explains it, or NULL */
    const char *figure; /* which decided it: "allocated"; NULL = none */
    bool has_grown;
};

struct jep_diff {
    bool same_process;
    struct jep_figure elapsed_ns; /* between the two, if it is one process */
    struct jep_verdict verdict;
    const struct jep_change *totals, *lines; /* in their order; by size */
    size_t total_count, line_count;
    const struct jep_bin_change *bins; /* by size of the change */
    size_t bin_count;
    const struct jep_change *owners; /* by size of the change */
    size_t owner_count;
    struct jep_change nobody; /* the rest of what is allocated; what NULL =
                               * unknown, or no owners to compare */
    const struct jep_stack_change *stacks; /* significant, then by size */
    size_t stack_count;
};

/* Compare two reports, which the result borrows from.  Less than `min_size`, or
 * than 1 % of the old total, is no change. */
jep_status_t jep_diff_new(const jep_report_t *before, const jep_report_t *now,
                          uint64_t min_size, struct jep_diff **diff)
    __attribute__((warn_unused_result));
void jep_diff_free(struct jep_diff *diff);

#include "jeprobe_several.h"

#endif
