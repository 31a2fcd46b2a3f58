/* What the analysis of one snapshot is made of; report.c puts it together.
 *
 * Everything here is pure: a snapshot in, a view out, no input or output.  A
 * function that returns false ran out of memory. */
#ifndef JE_ANALYSE_REPORT_H
#define JE_ANALYSE_REPORT_H

#include "base/macros.h"

#include "model/snapshot.h"
#include "model/symbols.h"

/* Derived figures with a common rule: unknown inputs make unknown results. */
struct jep_figure figure_derived(uint64_t value);
struct jep_figure figure_times(struct jep_figure figure, uint64_t factor);
struct jep_figure figure_plus(struct jep_figure a, struct jep_figure b);
/* a - b; unknown if that is below zero. */
struct jep_figure figure_minus(struct jep_figure a, struct jep_figure b);
struct jep_figure figure_or(struct jep_figure first, struct jep_figure second);

/* summary.c */
/* More than any machine maps: a counter that went below zero. */
#define SUMMARY_IMPOSSIBLE ((uint64_t)1 << 46)
void summary_fill(const struct snapshot *snapshot, struct jep_summary *out);
/* What shares of the whole are shares of: RSS, else resident, else active,
 * else, of allocators that know none of these, mapped. */
struct jep_figure summary_whole(const struct jep_summary *summary);
/* Bytes of slabs that no region of `arena` uses. */
struct jep_figure summary_slab_holes(const struct snapshot *snapshot,
                                     const struct snapshot_arena *arena);
/* Base metadata in whole pages, as it is resident. */
struct jep_figure summary_base_resident(const struct snapshot *snapshot);
/* Release of jemalloc as major * 10000 + minor * 100 + patch; 0 = unknown. */
unsigned summary_release(const struct snapshot *snapshot);
/* The releases that a dump without a version can be of, judging by what it
 * holds; with one, that.  0 = open. */
void summary_releases(const struct snapshot *snapshot, unsigned *from,
                      unsigned *to);
/* Number of live large allocations of `arena`. */
struct jep_figure summary_large_count(const struct snapshot *snapshot,
                                      const struct snapshot_arena *arena);

/* What base metadata consists of, as far as the dump tells: entries of the
 * tree that maps pages to extents, and the structures of extents, in use and
 * kept for later.  Each is at least so much. */
struct summary_metadata {
    struct jep_figure tree, live, idle;
};

#define SUMMARY_EDATA_BYTES 128  /* of jemalloc's structure of an extent */
#define SUMMARY_PAGE_BYTES  4096 /* where a dump does not say */
struct summary_metadata summary_metadata(const struct snapshot *snapshot,
                                         const struct jep_summary *summary);
/* Extents that hold nothing, up to `size_max` bytes each: how many, and how
 * much of it has pages.  False: the dump has no table of them. */
bool summary_idle_extents(const struct snapshot *snapshot,
                          const struct snapshot_arena *arena, uint64_t size_max,
                          uint64_t *count, uint64_t *bytes);
/* NULL if mapped, resident, active and allocated lie in one another. */
const char *summary_not_nested(const struct jep_summary *summary);

/* missing.c */
void missing_fill(const struct snapshot *snapshot, struct jep_source *out);

/* ledger.c */
#define LEDGER_LINES_MAX 24

struct ledger {
    struct jep_ledger_line lines[LEDGER_LINES_MAX];
    size_t count;
};

/* Lines of depth 0 add up to the total, deeper ones break down the one above.
 */
void ledger_add(struct ledger *ledger, const char *id, const char *what,
                int64_t bytes, const char *derived_from, unsigned depth);
void ledger_fill(const struct snapshot *snapshot,
                 const struct jep_summary *summary, struct ledger *ledger,
                 struct jep_ledger *out);
/* Shares of out->total, and what the lines leave over; `is_checked` says
 * whether they are all counters of their own. */
void ledger_close(struct ledger *ledger, struct jep_ledger *out,
                  bool is_checked);

/* foreign.c: the same for allocators other than jemalloc */
bool foreign_is(const struct snapshot *snapshot);
void foreign_summary(const struct snapshot *snapshot, struct jep_summary *out);
void foreign_ledger(const struct snapshot *snapshot, struct ledger *ledger,
                    struct jep_ledger *out);
/* kernel.c: of nothing but /proc */
void kernel_ledger(const struct snapshot *snapshot,
                   const struct jep_summary *summary, struct ledger *ledger,
                   struct jep_ledger *out);
/* kernel.c: what lies between resident and RSS, by the kernel's account.
 * `muzzy`: pages that are not in resident; what they lost is seen. */
void kernel_beyond(const struct snapshot *snapshot,
                   const struct jep_summary *summary, struct jep_figure muzzy,
                   struct ledger *ledger);
/* account.c: break down the line of `objects` by the program's own account. */
void account_ledger(const struct snapshot *snapshot, uint64_t objects,
                    struct ledger *ledger);
/* foreign_tables.c */
bool classes_list(const struct snapshot *snapshot, struct jep_class **classes,
                  size_t *count) __attribute__((warn_unused_result));
bool heaps_list(const struct snapshot *snapshot, struct intern_text *texts,
                struct jep_arena **arenas, size_t *count)
    __attribute__((warn_unused_result));

/* owners.c: allocates *list. */
bool owners_rank(const struct snapshot *snapshot,
                 const struct jep_summary *summary, struct jep_owner **list,
                 struct jep_owners *out) __attribute__((warn_unused_result));

/* moment.c: what is kept of a report beside others, all but its findings. */
void moment_fill(const struct snapshot *snapshot, const struct jep_view *view,
                 struct jep_moment *out);
/* How long the process has run, or the allocator if that is all that is told.
 */
struct jep_figure moment_uptime(const struct snapshot *snapshot);

/* follow.c */
/* Whether `now` is a later dump of the process of `before`. */
bool moment_follows(const struct jep_moment *before,
                    const struct jep_moment *now);
/* The same, and both time and the counters of events say so. */
bool moment_goes_on(const struct jep_moment *before,
                    const struct jep_moment *now);
/* Whether `now`, of the same program, cannot be of the same process. */
bool moment_is_restart(const struct jep_moment *before,
                       const struct jep_moment *now);
/* Whether both tell the version of the allocator, and not the same. */
bool moment_has_other_version(const struct jep_moment *a,
                              const struct jep_moment *b);
/* Whether both say when their process started, and not the same time. */
bool moment_has_other_start(const struct jep_moment *a,
                            const struct jep_moment *b);
/* When its process started, by the clock on the wall. */
struct jep_figure moment_start(const struct jep_moment *moment);

/* redis.c */
void redis_summary(const struct snapshot *snapshot, struct jep_summary *out);
/* False: it is not Redis, or it did not say enough. */
bool redis_ledger(const struct snapshot *snapshot,
                  const struct jep_summary *summary, struct ledger *ledger,
                  struct jep_ledger *out);

/* The dump that a report is about. */
const struct snapshot *report_snapshot(const jep_report_t *report);
const struct jep_moment *report_moment(const jep_report_t *report);

/* diff_stacks.c: allocates *changes.  `elapsed_ns` 0: not the same process. */
bool diff_stacks(const jep_report_t *before, const jep_report_t *now,
                 uint64_t elapsed_ns, struct jep_stack_change **changes,
                 size_t *count) __attribute__((warn_unused_result));

/* diff_owners.c: allocates *changes, the largest first. */
bool diff_owners(const struct jep_view *before, const struct jep_view *now,
                 struct jep_change **changes, size_t *count)
    __attribute__((warn_unused_result));

/* bins.c */
bool bins_rank(const struct snapshot *snapshot, struct jep_bin **bins,
               size_t *count) __attribute__((warn_unused_result));
bool arenas_list(const struct snapshot *snapshot, struct intern_text *texts,
                 struct jep_arena **arenas, size_t *count)
    __attribute__((warn_unused_result));

/* sites.c */
struct sites {
    struct jep_frame *frames; /* of all addresses, resolved */
    size_t frame_count, frame_capacity;
    size_t *frame_first; /* of each interned address; one more at the end */
    struct jep_frame *stack_frames;
    size_t stack_frame_count, stack_frame_capacity;
    struct jep_stack *stacks, *groups;
};

/* `symbols` NULL: addresses stay addresses. */
bool sites_fill(const struct snapshot *snapshot, symbols_t *symbols,
                struct sites *sites, struct jep_profile *out)
    __attribute__((warn_unused_result));
void sites_free(struct sites *sites);

/* wrapper.c: whether a function only passes allocations on. */
bool wrapper_is(const char *function);

#endif
