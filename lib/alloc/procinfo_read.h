/*
 * Reading /proc line by line and finding numbers in it: no stdio, no
 * allocation. For procinfo.c, residency.c and prof_maps.c.
 */
#ifndef JE_ALLOC_PROCINFO_READ_H
#define JE_ALLOC_PROCINFO_READ_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROC_LINE_MAX = 8192 };

/* About 8 KiB: mind the stack. */
typedef struct proc_lines {
    int fd;
    size_t start, end; /* unread bytes in buf */
    char buf[PROC_LINE_MAX];
} proc_lines_t;

/* errors: false, nothing to close. */
bool proc_lines_open(proc_lines_t *r, const char *path);
/* The next line without its end, valid until the next call; NULL at the end.
 * What is longer than the buffer comes in pieces. */
char *proc_lines_next(proc_lines_t *r);
void proc_lines_close(proc_lines_t *r);

/* Read a number and move *s behind it. errors: false. */
bool proc_decimal(const char **s, uint64_t *value);
bool proc_hex(const char **s, uint64_t *value);

/* "<key>   123 kB" -> bytes, where `line` starts with key. errors: false. */
bool proc_kib_field(const char *line, const char *key, uint64_t *bytes);

/* A small file that holds one number. errors: false, also for "max". */
bool proc_number_file(const char *path, uint64_t *value);

#endif
