/* JSON values of figures and of text from outside, for every renderer that
 * writes JSON.  None of them returns NULL. */
#ifndef JE_CLI_RENDER_VALUE_H
#define JE_CLI_RENDER_VALUE_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

#include <jansson.h>

/* `value`, or the end of the program if it is NULL. */
json_t *value_need(json_t *value);
void value_set(json_t *object, const char *key, json_t *value);
void value_append(json_t *array, json_t *value);

/* Text, null for NULL; bytes that are not UTF-8 come as "\\xNN". */
json_t *value_text(const char *value);
json_t *value_whole(uint64_t value);
/* null where they are not known. */
json_t *value_figure(struct jep_figure value);
json_t *value_ratio(struct jep_ratio value);
/* A whole number is written as one: bytes stay exact. */
json_t *value_number(double value);

/* json.c: a finding as jeprobe-report(5) describes it. */
json_t *render_finding(const struct jep_finding *finding);

/* json.c: a whole report; one of several has no schema of its own. */
json_t *render_report(const struct jep_view *view, unsigned top, bool is_alone);

/* Print and free it. */
void value_print(out_t *out, json_t *root);
/* The same inside of another value: each line after the first begins with
 * `depth` blanks, and there is no end of line. */
void value_print_inside(out_t *out, json_t *value, unsigned depth);

#endif
