/* Many dumps, grouped by process; several.c puts it together. */
#ifndef JE_ANALYSE_SEVERAL_H
#define JE_ANALYSE_SEVERAL_H

#include "base/macros.h"

#include "analyse/report.h"
#include "analyse/verdict.h"

/* One process from its start to its end, or as much of it as there is. */
struct several_run {
    const struct jep_moment **moments;
    size_t count;
    bool is_restart, is_assumed, is_reordered;
    enum jep_clock clock;
};

/* series.c: totals, and parts of the ledger of another allocator. */
#define SERIES_FIGURES (VERDICT_TOTALS + JEP_PARTS)

struct series {
    struct jep_series out; /* first: what is handed out */
    double *at;
    struct jep_figure *values; /* of each figure, for each dump */
    struct jep_trend trends[SERIES_FIGURES];
};

/* `run` has two moments or more, and lives as long as `series`. */
bool series_fill(const struct several_run *run, struct series *series)
    __attribute__((warn_unused_result));
void series_free(struct series *series);

/* notes.c: allocates *notes, also if it returns false: out of memory. */
bool notes_take(const struct jep_source *source, struct intern_text *texts,
                struct jep_moment_note **notes, size_t *count)
    __attribute__((warn_unused_result));

/* fleet.c */
struct fleet {
    struct jep_fleet out; /* first: what is handed out */
    struct jep_member *members;
    struct jep_common *common;
    const char *size_name; /* which figure the size of a process is */
};

bool fleet_fill(const struct jep_moment *const *moments, size_t count,
                struct fleet *fleet) __attribute__((warn_unused_result));
void fleet_free(struct fleet *fleet);

#endif
