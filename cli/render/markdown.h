/* Pieces of Markdown, for every renderer that writes it. */
#ifndef JE_CLI_RENDER_MARKDOWN_H
#define JE_CLI_RENDER_MARKDOWN_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

/* Text from outside: nothing in it is markup, HTML or a mention. */
void markdown_prose(out_t *out, const char *text);
/* The same as a code span, also in a table. */
void markdown_code(out_t *out, const char *text);
/* A function and where it is. */
void markdown_frame(out_t *out, const struct jep_frame *frame);
/* A cell of a table and the bar behind it; of what is not known, empty. */
void markdown_size(out_t *out, double bytes);
void markdown_figure(out_t *out, struct jep_figure bytes);
/* A finding; its evidence is folded. */
void markdown_finding(out_t *out, const struct jep_finding *finding);

#endif
