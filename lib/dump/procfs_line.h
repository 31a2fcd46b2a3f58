/* Lines of /proc and of sysfs that pastes have and live files, too. */
#ifndef JE_DUMP_PROCFS_LINE_H
#define JE_DUMP_PROCFS_LINE_H

#include "base/macros.h"

#include "dump/text.h"

/* The word in brackets of "always [madvise] never"; false if the line is not
 * such a choice. */
bool procfs_chosen(const char *text, size_t length, token_t *chosen);

/* What a choice is about. */
enum procfs_choice {
    CHOICE_NONE, /* it is no choice */
    CHOICE_ALL,  /* huge pages */
    CHOICE_HUGE, /* those of 2 MiB, unless it is "inherit" */
    CHOICE_SIZE, /* those of another size, or of one that is not said */
    CHOICE_DEFRAG
};

/* The same for a line of a paste, which may begin with the path of the file, as
 * grep prints it. */
enum procfs_choice procfs_choice(const char *text, size_t length,
                                 token_t *chosen);

/* Hundredths of a per cent in "some avg10=1.25 avg60=…"; *is_full tells which
 * of the two lines it is. */
bool procfs_pressure(const char *text, bool *is_full, uint64_t *hundredths);

/* A line of /proc/PID/limits: the soft limit of *field, an enum rlimit_field;
 * false if it is of something else or no such line. */
bool procfs_limit(const char *text, size_t length, int *field, uint64_t *value,
                  bool *is_unlimited);

#endif
