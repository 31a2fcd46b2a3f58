/* The analysis half of jeprobe: read a memory dump, say where the memory is.
 *
 * The command line is its caller.  Handles are opaque; what a report contains
 * is handed out as plain structures that stay valid until the handle is freed.
 * A figure that the dump does not hold is not known: it is never 0. */
#ifndef JEPROBE_H
#define JEPROBE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JEP_SCHEMA_DUMP   1 /* newest dump schema that is understood */
#define JEP_REPORT_SCHEMA "jeprobe.report/1"

typedef enum jep_status {
    JEP_OK = 0,
    JEP_ERR_MEMORY,  /* out of memory */
    JEP_ERR_IO,      /* the file cannot be opened or read */
    JEP_ERR_UNKNOWN, /* no format that is known */
    JEP_ERR_SYNTAX,  /* the format is known and broken here */
    JEP_ERR_LIMIT,   /* larger than anything sane */
    JEP_ERR_VERSION  /* written by a newer jeprobe */
} jep_status_t;

/* Line and column count from 1; 0 = not tied to a place. */
struct jep_error {
    jep_status_t code;
    uint64_t line, column;
    char source[256];
    char text[256];
};

/* A number and where it comes from. */
struct jep_figure {
    uint64_t value;
    uint32_t line; /* of the source, 0 = none */
    bool known;
    bool derived; /* computed, not read */
};

struct jep_ratio {
    double value; /* a fraction: 0.25 is 25 % */
    bool known;
};

enum jep_allocator {
    JEP_ALLOCATOR_UNKNOWN,
    JEP_ALLOCATOR_JEMALLOC,
    JEP_ALLOCATOR_JEALLOC,
    JEP_ALLOCATOR_TCMALLOC, /* google/tcmalloc */
    JEP_ALLOCATOR_GPERFTOOLS,
    JEP_ALLOCATOR_GLIBC,
    JEP_ALLOCATOR_MIMALLOC,
    JEP_ALLOCATORS
};

struct jep_warning {
    uint64_t line, column;
    const char *text;
};

#define JEP_MISSING_MAX 7

struct jep_source {
    const char *file;
    const char *format;  /* "jeprobe", "jemalloc-text", … see jeprobe(1) */
    const char *reason;  /* why a jeprobe dump was written; NULL = unknown */
    const char *version; /* of the allocator; NULL = unknown */
    /* Without a version: the releases that write such a dump, "5.1.0 to
     * 5.3.0"; empty = cannot be told. */
    char version_range[40];
    enum jep_allocator allocator;
    bool complete;
    /* Parts that dumps of its kind can have and this one has not. */
    const char *missing[JEP_MISSING_MAX]; /* "options", "bins", … */
    size_t missing_count;
    unsigned document; /* 1 is the first in its file */
    unsigned documents;
    const struct jep_warning *warnings;
    size_t warning_count;
};

struct jep_process {
    bool known;
    const char *exe;         /* NULL = unknown */
    const char *const *argv; /* argc of them */
    size_t argc;
    const char *kernel;
    const char *thp_enabled, *thp_defrag;
    struct jep_figure pid, threads, uptime_ns, page_size, cpus;
    struct jep_figure rss, pss, anonymous, file, shmem, anon_huge_pages, swap;
    struct jep_figure peak_rss, cgroup_limit, cgroup_usage;
};

struct jep_summary {
    struct jep_figure allocated, active, metadata, resident, mapped, retained;
    struct jep_figure rss, tcache, base, internal, dirty, muzzy;
    struct jep_figure slab_holes, padding, page, narenas, threads;
    struct jep_figure dirty_pages, large_objects; /* counts */
    struct jep_ratio internal_fragmentation, external_fragmentation;
    struct jep_ratio metadata_per_allocated, metadata_per_resident;
};

/* One line of the ledger.  Lines of depth 0 add up to `total`; deeper ones
 * break down the line above. */
struct jep_ledger_line {
    const char *id;   /* stable name for programs */
    const char *what; /* for people */
    const char *derived_from;
    int64_t bytes;
    double share; /* of the total */
    unsigned depth;
};

struct jep_ledger {
    const struct jep_ledger_line *lines;
    size_t count;
    const char *total_name; /* "RSS", "resident", "active"; NULL = no ledger */
    uint64_t total;
    bool has_unexplained; /* the last line checks the others */
};

struct jep_bin {
    uint64_t size, curregs, curslabs, regs_per_slab, wasted_bytes;
    uint32_t line;
    struct jep_ratio utilization;
};

/* A size class of an allocator other than jemalloc. */
struct jep_class {
    uint64_t size;
    struct jep_figure in_use, unused; /* bytes; unused: free in caches, spans */
    uint32_t line;
};

/* Whom memory is for, as the program has said: an owner label, a service. */
struct jep_owner {
    const char *id;   /* tells it apart from dump to dump */
    const char *name; /* for people */
    struct jep_figure live_bytes, live_objects;
    struct jep_figure total_bytes, total_objects; /* since the start */
};

struct jep_owners {
    const struct jep_owner *list; /* most live bytes first */
    size_t count;
    uint64_t live_bytes;     /* of all of them */
    struct jep_figure other; /* allocated, and nobody's */
    const char *other_name;  /* "without a label, or in thread caches" */
};

/* Of glibc a heap: allocated is in use, mapped is from the system. */
struct jep_arena {
    const char *name; /* "0", "merged", … */
    struct jep_figure threads, allocated, active, resident, mapped, retained;
    struct jep_figure dirty, muzzy, base, internal, tcache, slab_holes;
};

struct jep_frame {
    uint64_t address;     /* return address as dumped */
    const char *function; /* NULL = unknown */
    const char *file;     /* NULL = unknown */
    const char *module;   /* NULL = in no known mapping */
    uint64_t offset;      /* in the module's file, or the address itself */
    uint32_t line;        /* 0 = unknown */
    bool inlined;         /* into the frame that follows */
};

/* Live samples below which an estimate is weak, unless its interval is narrow
 * all the same: large objects are nearly all sampled. */
#define JEP_FEW_SAMPLES 8

/* An estimate with its 95 % interval. */
struct jep_estimate {
    double value, low, high;
};

struct jep_stack {
    const struct jep_frame *frames; /* leaf first */
    size_t frame_count;
    uint64_t live_samples, total_samples;
    struct jep_estimate live_bytes, live_objects;
    struct jep_estimate total_bytes, total_objects; /* only if has_total */
    struct jep_figure oldest_ns; /* age of the oldest live sample */
    uint32_t id;                 /* of the stack in its dump; sites have none */
    unsigned members;            /* stacks that were grouped into this one */
    const char *label; /* all live samples have it; NULL = none or several */
    bool has_total; /* what was ever allocated is known, not only what lives */
    bool is_weak;   /* fewer than JEP_FEW_SAMPLES, and not known well anyway */
};

struct jep_profile {
    bool known;
    struct jep_figure sample_interval;
    struct jep_figure samples_taken, live_samples;
    struct jep_figure dropped_memory, dropped_recursion, dropped_unwind;
    const char *unwinder;
    const struct jep_stack *stacks; /* by live bytes, few samples last */
    size_t stack_count;
    const struct jep_stack *sites; /* the same by place of allocation */
    size_t site_count;
    struct jep_estimate live_bytes, live_objects; /* of all stacks */
    double rounding_waste; /* live bytes above what was asked for */
};

enum jep_severity { JEP_INFO, JEP_LOW, JEP_MEDIUM, JEP_HIGH };

/* What a finding rests on: a figure or a setting of the dump, and its line. */
struct jep_evidence {
    const char *name;
    const char *text; /* the value as people read it, with its unit */
    double value;     /* only if is_number */
    bool is_number;
    uint32_t line;    /* of the source, 0 = derived or none */
    const char *file; /* it was read from; NULL = the dump */
};

#define JEP_EVIDENCE_MAX 12

/* What is wrong, why that is believed, and what to do.  All text is plain,
 * without line breaks. */
struct jep_finding {
    const char *rule; /* stable name: "slab-waste-high" */
    enum jep_severity severity;
    const char *title;       /* one sentence, with the figures of this dump */
    struct jep_figure bytes; /* what acting on it can win */
    struct jep_evidence evidence[JEP_EVIDENCE_MAX];
    size_t evidence_count;
    const char *causes;
    const char *action; /* for this allocator and version */
    const char *confirm;
    const char *false_alarm;
    /* Of doctor only, else NULL: why allocators suffer from it, and commands,
     * one a line, that change it until the next start or for good. */
    const char *why, *now, *keep;
};

/* Everything a renderer may print. */
struct jep_view {
    struct jep_source source;
    struct jep_process process;
    struct jep_summary summary;
    struct jep_ledger ledger;
    struct jep_profile profile;
    const struct jep_bin *bins; /* most wasted first */
    size_t bin_count;
    const struct jep_arena *arenas;
    size_t arena_count;
    const struct jep_class *classes; /* most unused first, then most in use */
    size_t class_count;
    struct jep_owners owners;           /* count 0 = the dump has none */
    const struct jep_finding *findings; /* most severe, then most bytes */
    size_t finding_count;
    bool follows;           /* it is a later dump of the process of `before` */
    const char *not_nested; /* why mapped, resident, active and allocated do
                             * not lie in one another; NULL: they do */
};

typedef struct jep_dumps jep_dumps_t;
typedef struct jep_report jep_report_t;

struct jep_moment;

struct jep_options {
    const char *debug_dir; /* extra directory of debug files, or NULL */
    const char *sysroot;   /* prefix of the modules' paths, or NULL */
    bool symbols;          /* resolve addresses */
    /* The report that comes before this one, or NULL.  If it is of the same
     * process, findings also say what changed.  It must outlive this one. */
    const jep_report_t *before;
    /* Dumps of the process that are known to come before this one, the oldest
     * first, the last of them that of `before`; 0 = only `before` is known. */
    const struct jep_moment *const *earlier;
    size_t earlier_count;
};

/* Read all documents of `path` ("-" = standard input; gzip is recognised).  Of
 * a large file a thread reads ahead, all signals blocked; it is gone when this
 * returns.  On failure *dumps is NULL, `error` says why, and there is nothing
 * to free. */
jep_status_t jep_read(const char *path, jep_dumps_t **dumps,
                      struct jep_error *error)
    __attribute__((warn_unused_result));
size_t jep_dumps_count(const jep_dumps_t *dumps);
void jep_dumps_free(jep_dumps_t *dumps);

/* Analyse document `index`.  The report borrows from `dumps`. */
jep_status_t jep_report_new(const jep_dumps_t *dumps, size_t index,
                            const struct jep_options *options,
                            jep_report_t **report, struct jep_error *error)
    __attribute__((warn_unused_result));
const struct jep_view *jep_report_view(const jep_report_t *report);
void jep_report_free(jep_report_t *report);

/* What can be explained: rules and names. */
enum jep_topic_kind {
    JEP_TOPIC_RULE,
    JEP_TOPIC_OPTION,
    JEP_TOPIC_STATISTIC,
    JEP_TOPIC_MALLCTL,
    JEP_TOPIC_KINDS
};

struct jep_topic {
    enum jep_topic_kind kind;
    const char *name;  /* "slab-waste-high", "opt.narenas" */
    const char *facts; /* type, default, unit, versions; NULL for a rule */
    const char *text;  /* of a rule: what one notices */
    /* Of rules only. */
    char section; /* 'A' to 'M' */
    const char *evidence, *threshold, *action, *confirm;
    const char *causes;      /* NULL = see why */
    const char *why;         /* allocators suffer from it; NULL = see causes */
    const char *false_alarm; /* NULL = none known */
    const char *source;
};

#define JEP_TOPICS_FOUND_MAX 64

/* All topics, sorted by kind and in each kind as they belong together. */
const struct jep_topic *jep_topics(size_t *count);

/* What section `letter` of the rules is about; NULL = there is none. */
const char *jep_rule_section(char letter);

/* The topics that `name` may mean, best first, at most JEP_TOPICS_FOUND_MAX:
 * one of that name, or those whose name ends with it.  Numbers stand where a
 * name has <i>; case does not matter.  Returns how many. */
size_t jep_topics_find(const char *name, const struct jep_topic **found);

#include "jeprobe_compare.h"
#include "jeprobe_doctor.h"

#endif
