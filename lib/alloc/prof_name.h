/*
 * Names of dump files, made from the pattern of JEPROBE_DUMP_PATH or of the
 * option dump_path.
 *
 * In the child of a fork, a name that has no %p in it gets the process's id
 * before the extension. What is too long for the file system is shortened: the
 * program's name first.
 */
#ifndef JE_ALLOC_PROF_NAME_H
#define JE_ALLOC_PROF_NAME_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROF_PATH_MAX = 4096 };

/* Remember what names depend on, before the program changes it: current
 * directory, JEPROBE_DUMP_PATH, the first process. */
void prof_name_boot(void);

/* The functions below return false when the name is too long; `out` is then
 * cut. */

/* `path` itself, or what the pattern makes when it is NULL; `sequence` is %n.
 */
JE_NODISCARD bool prof_name_make(char out[PROF_PATH_MAX], const char *path,
                                 uint64_t sequence);
/* `path` with ".<number>" before its extension. */
JE_NODISCARD bool prof_name_numbered(char out[PROF_PATH_MAX], const char *path,
                                     uint64_t number);
/* The name in the same directory under which `path` is written;
 * "<directory>/.<base name>.<attempt>.tmp". */
JE_NODISCARD bool prof_name_temporary(char out[PROF_PATH_MAX], const char *path,
                                      unsigned attempt);

#endif
