/*
 * Whole small files by raw system calls: no stdio, no locale, no allocation.
 * Usable before libc is initialised and in a signal handler.
 */
#ifndef JE_OS_FILE_H
#define JE_OS_FILE_H

#include "base/macros.h"

#include <stddef.h>
#include <sys/types.h>

/* Read up to size - 1 bytes of `path` into `buf` and end them with a NUL.
 * Returns the number of bytes, or -1 (buf is then unspecified). */
ssize_t os_file_read(const char *path, char *buf, size_t size);

/* Lines of a file, of whatever size. errors: -1. */
ssize_t os_file_count_lines(const char *path);

/* Write all of `buf`, resuming after short writes and EINTR.
 * Returns 0, or the errno of the failure. */
int os_file_write_all(int fd, const char *buf, size_t size);

#endif
