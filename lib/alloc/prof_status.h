/*
 * Telling the program that started us: one message per event into a socket
 * whose number the environment gives (JEPROBE_STATUS_FD).
 *
 *   start <pid>
 *   begin <pid> <temporary path>
 *   dump <bytes> <path>
 *   error <text>
 *
 * The socket keeps messages apart (SOCK_SEQPACKET), so that any byte may be in
 * a path, processes may share it, and none arrives in part. The program runs on
 * whatever becomes of the socket: nothing is sent when it is full, has no
 * reader or is not that socket any more.
 */
#ifndef JE_ALLOC_PROF_STATUS_H
#define JE_ALLOC_PROF_STATUS_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

/* Take the socket over; `inherit`: executed children keep it. */
void prof_status_boot(bool inherit);

void prof_status_start(void);
/* A file of that name may be left behind if the process is killed. */
void prof_status_begin(const char *temporary);
void prof_status_dump(const char *path, uint64_t bytes);
void prof_status_error(const char *text);

#endif
