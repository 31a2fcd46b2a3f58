/*
 * Telling the program that started us: one line per event into a pipe whose
 * number the environment gives (JEPROBE_STATUS_FD).
 *
 *   start <pid>
 *   dump <path> <bytes>
 *   error <text>
 *
 * The program runs on whatever becomes of the pipe: nothing is written when it
 * is full, has no reader or is not that pipe any more.
 */
#ifndef JE_ALLOC_PROF_STATUS_H
#define JE_ALLOC_PROF_STATUS_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

/* Take the pipe over; `inherit`: executed children keep it. */
void prof_status_boot(bool inherit);

void prof_status_start(void);
void prof_status_dump(const char *path, uint64_t bytes);
void prof_status_error(const char *text);

#endif
