/* How jeprobe doctor shows a machine and a process. */
#ifndef JE_CLI_RENDER_DOCTOR_H
#define JE_CLI_RENDER_DOCTOR_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

void doctor_text(out_t *out, const struct jep_doctor_view *view);
void doctor_json(out_t *out, const struct jep_doctor_view *view);
void doctor_markdown(out_t *out, const struct jep_doctor_view *view);

/* doctor_text.c: one fact as people read it, "-" if it is not known. */
#define DOCTOR_FACT_MAX 256
const char *doctor_fact_text(char text[DOCTOR_FACT_MAX],
                             const struct jep_fact *fact);
/* "preloaded by LD_PRELOAD" */
const char *doctor_loaded(enum jep_loaded loaded);
/* "unknown": a word for programs. */
const char *doctor_verdict(enum jep_option_verdict verdict);

#endif
