/*
 * The file of a dump and its appearance under its name as a whole.
 *
 * Who writes under a temporary name holds a lock (flock) on the file until it
 * has its own name. One without a lock was left by a process that was killed:
 * the next dump of that name removes it, and `jeprobe run` does at its end.
 *
 * It is written under a temporary name in the same directory and renamed; what
 * is there already is never replaced, whoever wrote it: a number is put before
 * the extension instead.
 */
#ifndef JE_ALLOC_PROF_FILE_H
#define JE_ALLOC_PROF_FILE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloc/prof_name.h"

typedef struct prof_file {
    int fd;
    int error; /* errno of the first failure, 0 = none */
    uint64_t bytes;
    size_t used; /* in buf */
    char path[PROF_PATH_MAX];
    char temporary[PROF_PATH_MAX];
    char buf[16 << 10];
} prof_file_t;

/* Begin a file named by `path`, or by the pattern when it is NULL; `sequence`
 * is its %n. errors: false, f->error and f->path are set. */
JE_NODISCARD bool prof_file_open(prof_file_t *f, const char *path,
                                 uint64_t sequence);
/* The same for a file that is written where it is, replacing what is there:
 * whoever asked for it may have it open. */
JE_NODISCARD bool prof_file_open_plain(prof_file_t *f, const char *path);
/* After the first failure nothing is written. */
void prof_file_write(prof_file_t *f, const char *data, size_t n);
/* Begin the content anew. */
void prof_file_rewind(prof_file_t *f);
/* Finish it under its name, which is in f->path. errors: false, f->error is
 * set and no file is left. */
JE_NODISCARD bool prof_file_close(prof_file_t *f);

/* Text of an errno, without libc's tables, which may allocate. */
const char *prof_file_error(int error, char *buf, size_t size);

#endif
