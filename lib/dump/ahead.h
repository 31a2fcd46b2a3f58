/* Bytes that are read before anybody asks for them.
 *
 * What the kernel copies and zlib inflates needs no look at what it means, so
 * that of a large file another thread does it meanwhile.  How much it may be
 * ahead is bounded. */
#ifndef JE_DUMP_AHEAD_H
#define JE_DUMP_AHEAD_H

#include "base/macros.h"

#include <stddef.h>
#include <zlib.h>

typedef struct ahead ahead_t;

/* Read `file` from where it is, `step` bytes at a time, until it ends or fails;
 * nobody else may use it until ahead_stop().  NULL: there is no thread or no
 * memory to be had. */
ahead_t *ahead_start(gzFile file, unsigned step);

#define AHEAD_ROOM ((size_t)64 << 10)

/* The next bytes: how many, or what gzread() returned in their place at last,
 * with errno as it left it.  The caller may write to them, to AHEAD_ROOM bytes
 * before them and to one behind. */
int ahead_next(ahead_t *ahead, char **bytes);
/* Of those that are in use, the first are not any more. */
void ahead_give_back(ahead_t *ahead);

/* Wait for the thread to be done with what it is at. */
void ahead_stop(ahead_t *ahead);

#endif
