/* The parts of a text report; text.c puts them in order. */
#ifndef JE_CLI_RENDER_TEXT_H
#define JE_CLI_RENDER_TEXT_H

#include "base/macros.h"

#include "cli/render/render.h"

/* text_ledger.c */
/* How much there is and what of it is not the program's, as one paragraph;
 * false = that is not known. */
#define TEXT_ANSWER_MAX 512
bool text_answer(const struct jep_view *view, char *text, size_t length);
void text_headline(out_t *out, const struct jep_view *view);
void text_ledger(out_t *out, const struct jep_ledger *ledger);
/* text_findings.c: what is wrong and what to do, or that nothing is */
void text_findings(out_t *out, const struct jep_view *view);
void text_finding(out_t *out, const struct jep_finding *finding,
                  unsigned width);
/* The finding to act on first; NULL = nothing is wrong. */
const struct jep_finding *text_top_finding(const struct jep_view *view);
/* text_foreign.c: tables of allocators other than jemalloc */
void text_foreign(out_t *out, const struct jep_view *view, unsigned top);
/* text_nested.c: mapped, resident, active and allocated as boxes */
void text_nested(out_t *out, const struct jep_view *view);
/* text_owners.c: whom it is for */
void text_owners(out_t *out, const struct jep_view *view, unsigned top);
/* text_sites.c */
void text_sites(out_t *out, const struct jep_view *view, unsigned top);

/* text.c: which dump it is, of what, and what is wrong with it */
void text_about(out_t *out, const struct jep_view *view,
                const struct render_options *options);
/* The command to go on with */
void text_next(out_t *out, const struct jep_view *view,
               const struct render_options *options);

/* The line of `ledger` with that id, or NULL. */
const struct jep_ledger_line *text_ledger_line(const struct jep_ledger *ledger,
                                               const char *id);

#endif
