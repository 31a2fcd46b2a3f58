/* The outcome of `jeprobe check` in each form that a CI system takes.
 *
 * Names in dumps and file names come from outside.  None of them may become a
 * command of the CI system, a tag or a control character: each writer escapes
 * for its own format, after control characters have been made visible. */
#ifndef JE_CLI_RENDER_CHECK_H
#define JE_CLI_RENDER_CHECK_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

struct check_set {
    struct jep_check *checks;
    size_t count;
    unsigned alerts, cannots;
};

enum { CHECK_SENTENCE_MAX = 1024 };

/* "external fragmentation 41.2 % is above 30 % (412 MiB beyond active)" */
void check_sentence(char *text, size_t size, const struct jep_check *check);
/* Where it was read, from 1. */
uint32_t check_line(const struct jep_check *check);
/* Sixteen hexadecimal digits that stay the same while the trouble does. */
void check_fingerprint(char text[17], const struct check_set *set,
                       const struct jep_check *check);
/* "error", "warning", "note": how bad an alert is. */
const char *check_level(const struct jep_check *check);

void check_text(out_t *out, const struct check_set *set);
void check_json(out_t *out, const struct check_set *set);
void check_github(out_t *out, const struct check_set *set);
/* Fold what is printed between the two. */
void check_gitlab_begin(out_t *out);
void check_gitlab_end(out_t *out);
void check_sarif(out_t *out, const struct check_set *set);
void check_junit(out_t *out, const struct check_set *set);
void check_code_quality(out_t *out, const struct check_set *set);

#endif
