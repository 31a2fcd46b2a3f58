/* Many dumps of one command line.
 *
 * All are read once and only what is needed to compare them is kept; those that
 * are printed in full are read again.  So hundreds of dumps take the memory of
 * a few. */
#ifndef JE_CLI_SEVERAL_H
#define JE_CLI_SEVERAL_H

#include "base/macros.h"

#include "jeprobe.h"

struct several_file;

struct several {
    struct several_file *files;
    size_t file_count, moment_count;
    struct jep_options options;
    jep_several_t *all;
    unsigned long ticks;
};

/* Read all files.  Returns EXIT_FINE, or EXIT_INPUT after a message for each
 * that cannot be read: the others are there all the same.  `paths` has to live
 * as long. */
int several_read(struct several *several, char *const *paths, size_t count,
                 struct jep_options options);
/* Find out what is whose. */
const struct jep_several_view *several_close(struct several *several,
                                             enum jep_several_kind kind);
void several_free(struct several *several);

/* The report of one of them, to be freed before two others are asked for.
 * `before` and `earlier` are as in jep_options. */
jep_report_t *several_report(struct several *several, size_t index,
                             const jep_report_t *before,
                             const struct jep_moment *const *earlier,
                             size_t earlier_count);

#endif
