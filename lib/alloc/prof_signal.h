/*
 * Dumps on a signal of the user's choice (option dump_signal).
 *
 * The handler only wakes a helper thread, which writes: a handler may run while
 * its thread holds any lock there is. The helper exists only when such a signal
 * is configured; the child of a fork gets its own.
 */
#ifndef JE_ALLOC_PROF_SIGNAL_H
#define JE_ALLOC_PROF_SIGNAL_H

void prof_signal_boot(void);
/* In the child of a fork, last of all: starting a thread allocates. */
void prof_signal_fork_child(void);

#endif
