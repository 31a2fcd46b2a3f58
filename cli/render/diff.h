/* Two dumps side by side, for people, for issues and for programs. */
#ifndef JE_CLI_RENDER_DIFF_H
#define JE_CLI_RENDER_DIFF_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

struct diff_view {
    const struct jep_diff *diff;
    const struct jep_view *before, *now;
    unsigned top; /* rows of each table; 0 = the usual few */
};

void diff_text(out_t *out, const struct diff_view *view);
void diff_json(out_t *out, const struct diff_view *view);

#endif
