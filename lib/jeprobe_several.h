/* The part of jeprobe.h that looks at many dumps together: those of one process
 * over time, a series, or those of many processes, a fleet.  Include jeprobe.h.
 *
 * Reports are large; what is kept of each here is not, so that hundreds of
 * dumps can be compared while only one of them is in memory. */
#ifndef JEPROBE_SEVERAL_H
#define JEPROBE_SEVERAL_H

#include "base/macros.h"

#include "jeprobe.h"

struct jep_moment_finding {
    const char *rule;
    enum jep_severity severity;
    struct jep_figure bytes;
};

/* What was repaired or left out in a dump, or which parts it lacks. */
struct jep_moment_note {
    const char *text;
    uint64_t line; /* 0 = not tied to one */
    bool is_missing;
};

/* Counters that only grow while a process lives. */
#define JEP_MOMENT_EVENTS 18

/* Kinds of memory that ledgers of allocators other than jemalloc tell apart. */
enum jep_part {
    JEP_PART_OBJECTS,
    JEP_PART_CACHES,
    JEP_PART_HOLES, /* free between what is in use */
    JEP_PART_PAGES, /* free and whole: could go back */
    JEP_PART_METADATA,
    JEP_PART_MIXED, /* objects and free memory, which the dump does not tell */
    JEP_PARTS
};

/* One dump, as far as it matters beside others. */
struct jep_moment {
    size_t index; /* in the order of reading */
    const char *file;
    unsigned document, documents;
    unsigned stream; /* which of the processes that wrote the file, if lines
                      * of a log tell them apart */
    enum jep_allocator allocator;
    const char *version, *exe; /* NULL = unknown */
    struct jep_figure pid, wall_ns, uptime_ns;
    struct jep_figure events[JEP_MOMENT_EVENTS];
    uint64_t options; /* a number for all options together; 0 = none known */
    struct jep_summary summary;
    bool
        is_foreign; /* the statistics are another allocator's than jemalloc's */
    const char *whole; /* what their ledger adds up to; NULL = has none */
    struct jep_figure parts[JEP_PARTS]; /* of it; unknown = has no such line */
    const struct jep_moment_finding *findings; /* as in the report */
    size_t finding_count;
    const struct jep_moment_note *notes;
    size_t note_count;
};

/* How one figure moved.  The slope is the median of the slopes between all
 * pairs of dumps (Theil and Sen): single peaks do not bend it. */
struct jep_trend {
    const char *id, *what;
    struct jep_figure first, last;
    double change;     /* slope times the whole time: bytes */
    double low, high;  /* its 95 % interval; only if has_interval */
    bool has_interval; /* there were enough dumps for one */
    bool is_steady;    /* too little, or not distinguishable from none */
    const struct jep_figure *values; /* of each dump */
};

enum jep_clock { JEP_CLOCK_NONE, JEP_CLOCK_WALL, JEP_CLOCK_UPTIME };

/* Fewer dumps than this show a change and no trend. */
#define JEP_TREND_DUMPS 3

/* In less time than this a start cannot be told from a leak. */
#define JEP_TREND_SECONDS 600

struct jep_series {
    const struct jep_moment *const *moments; /* the oldest first */
    size_t count;                            /* two or more */
    enum jep_clock clock;
    const double *at;  /* seconds since the first; only with a clock */
    double seconds;    /* from the first to the last; 0 = unknown */
    bool is_restart;   /* it is the series before, after a new start */
    bool is_assumed;   /* nothing names the process, and little shows that it
                        * is one */
    bool is_reordered; /* in another order than they were read in */
    bool has_levelled; /* it grew at first, and no longer in the second half */
    const struct jep_trend *trends;
    size_t trend_count;
    uint64_t floor; /* bytes: less is steady */
    struct jep_verdict verdict;
    const struct jep_trend *deciding; /* of the verdict; NULL = none */
};

enum jep_fleet_figure {
    JEP_FLEET_SIZE, /* RSS; resident where not all know it */
    JEP_FLEET_ALLOCATED,
    JEP_FLEET_WASTE, /* active - allocated */
    JEP_FLEET_DIRTY, /* and muzzy */
    JEP_FLEET_METADATA,
    JEP_FLEET_OUTSIDE, /* RSS - resident, if all know it */
    JEP_FLEET_FIGURES
};

/* A process is unusual in a figure if it is above the median by this many
 * standard deviations, as the median absolute deviation estimates them.  None
 * is taken to be so small that less than the floor in bytes were unusual. */
#define JEP_FLEET_Z 3.5

/* In fewer processes nothing can be called usual; in fewer than the second
 * number it is said that they are few. */
#define JEP_FLEET_MIN 3
#define JEP_FLEET_FEW 5

struct jep_spread {
    const char *id, *what;
    size_t known; /* processes that tell it */
    double median, deviation;
    double least, most;
    size_t unusual; /* processes */
};

struct jep_member_figure {
    double value, z; /* only if known */
    bool known, is_unusual;
};

struct jep_member {
    const struct jep_moment *moment; /* the latest of its process */
    struct jep_member_figure figures[JEP_FLEET_FIGURES];
    size_t unusual; /* figures */
    double excess;  /* bytes above the median, of the most unusual */
};

/* A finding that several processes have. */
struct jep_common {
    const char *rule;
    enum jep_severity severity; /* the worst of them */
    size_t count;               /* processes */
    uint64_t bytes;             /* together */
};

struct jep_fleet {
    const struct jep_member *members; /* unusual ones first, then by size */
    size_t count, unusual;
    bool is_mixed; /* some of them may be one process: they are of different
                    * allocators, in one file, and nothing names it */
    double floor;  /* bytes */
    struct jep_spread figures[JEP_FLEET_FIGURES];
    const struct jep_common *common; /* by severity, then bytes */
    size_t common_count;
};

/* Everything that was read: any number of series, and if there is more than
 * one process a fleet of the latest dump of each. */
struct jep_several_view {
    const struct jep_moment *const *moments; /* in the order of reading */
    size_t count;
    const struct jep_series *series;
    size_t series_count;
    const struct jep_fleet *fleet; /* NULL = one process */
    /* Single dumps of another start of a process: in none of these. */
    const struct jep_moment *const *alone;
    size_t alone_count;
};

enum jep_several_kind {
    JEP_SEVERAL_AUTO,
    JEP_SEVERAL_SERIES,
    JEP_SEVERAL_FLEET
};

typedef struct jep_several jep_several_t;

/* A note that one or more dumps have. */
struct jep_note {
    const char *text; /* the parts that are missing, or a sentence */
    bool is_missing;
    uint64_t line;                         /* in the first dump; 0 = none */
    const struct jep_moment *first, *last; /* that have it */
    size_t dumps, times;
};

/* NULL when out of memory. */
jep_several_t *jep_several_new(void);
void jep_several_free(jep_several_t *several);

/* Take what is needed of a report, which may be freed then. */
jep_status_t jep_several_add(jep_several_t *several, const jep_report_t *report)
    __attribute__((warn_unused_result));
/* All were added: find out what is whose, and compute the rest. */
jep_status_t jep_several_close(jep_several_t *several,
                               enum jep_several_kind kind)
    __attribute__((warn_unused_result));
const struct jep_several_view *jep_several_view(const jep_several_t *several);

/* The notes of some of them, those that are the same as one.  *notes is for the
 * caller to free. */
jep_status_t jep_notes(const struct jep_moment *const *moments, size_t count,
                       struct jep_note **notes, size_t *note_count)
    __attribute__((warn_unused_result));

#endif
