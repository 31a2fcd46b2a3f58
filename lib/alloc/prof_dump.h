/*
 * Writing a dump: jeprobe-dump(5).
 *
 * One at a time; nothing here allocates through malloc. A failure is reported
 * in one line on stderr and through the status socket, leaves no file, and is
 * no reason for the program to stop.
 */
#ifndef JE_ALLOC_PROF_DUMP_H
#define JE_ALLOC_PROF_DUMP_H

#include "alloc/prof_file.h"
#include "base/macros.h"

/* `path` NULL: the name that the option dump_path makes. `reason`: one of exit,
 * signal, interval, peak, request, fatal. Not for signal handlers.
 * Returns 0 or the errno of the failure, which has been reported. */
int je_dump(const char *path, const char *reason);
/* Have `writer` write the file of that name, which is replaced. The same
 * rules. */
typedef void je_dump_writer_t(prof_file_t *f);
int je_dump_plain(const char *path, je_dump_writer_t *writer);

/* In the child of a fork: it writes its own, from the first on. */
void prof_dump_fork_child(void);

#endif
