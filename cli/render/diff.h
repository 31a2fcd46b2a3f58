/* Two dumps side by side, for people, for issues and for programs. */
#ifndef JE_CLI_RENDER_DIFF_H
#define JE_CLI_RENDER_DIFF_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

#include <jansson.h>

struct diff_view {
    const struct jep_diff *diff;
    const struct jep_view *before, *now;
    unsigned top; /* rows of each table; 0 = the usual few */
};

void diff_text(out_t *out, const struct diff_view *view);
void diff_markdown(out_t *out, const struct diff_view *view);
void diff_json(out_t *out, const struct diff_view *view);

/* "old.json -> new.json: one process, 10 s later" */
#define DIFF_WORDS_MAX 2048
const char *diff_sources(char words[DIFF_WORDS_MAX],
                         const struct diff_view *view);

/* How a table of what changed is written. */
struct diff_table {
    void (*heading)(out_t *out, const char *title);
    void (*row)(out_t *out, const struct jep_change *change);
};

/* Up to `most` rows, and for whom the memory is, with what is for nobody; no
 * table without a row. */
void diff_table_changes(out_t *out, const struct diff_table *table,
                        const char *title, const struct jep_change *changes,
                        size_t count, size_t most);
void diff_table_owners(out_t *out, const struct diff_table *table,
                       const char *title, const struct jep_diff *diff,
                       size_t most);

/* Its parts: size classes, and call stacks that changed by more than chance. */
void diff_print_bins(out_t *out, const struct jep_diff *diff, size_t most);
void diff_print_stacks(out_t *out, const struct jep_diff *diff, size_t most);
void diff_print_owners(out_t *out, const struct jep_diff *diff, size_t most);
/* The same as Markdown. */
void diff_markdown_stacks(out_t *out, const struct jep_diff *diff, size_t most);
void diff_markdown_owners(out_t *out, const struct jep_diff *diff, size_t most);
json_t *diff_owners_json(const struct jep_diff *diff, unsigned top);
/* null if it is not known */
json_t *diff_nobody_json(const struct jep_diff *diff);
json_t *diff_bins_json(const struct jep_diff *diff);
json_t *diff_stack_json(const struct jep_stack_change *change);

#endif
