/* The parts of `jeprobe check`: what it reads besides dumps, and what it makes
 * of the outcome. */
#ifndef JE_CLI_CHECK_H
#define JE_CLI_CHECK_H

#include "base/macros.h"

#include "jeprobe.h"

/* Limits of a configuration file, whose text they borrow. */
struct check_config;

/* Read `path` over the defaults in `limits`; what is wrong ends the program. */
struct check_config *check_config_read(const char *path,
                                       struct jep_limits *limits);
void check_config_free(struct check_config *config);

/* The baseline in `path`; NULL: there is no such file.  What cannot be read
 * ends the program. */
struct jep_baseline *check_baseline_read(const char *path);
void check_baseline_free(struct jep_baseline *baseline);
/* Write what `view` is like, and say whether that went well. */
int check_baseline_write(const char *path, const struct jep_view *view,
                         const char *allocator);

#endif
