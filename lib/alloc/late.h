/*
 * What the library does when the program starts and when it ends, beyond the
 * allocator's own start-up in init.c: these parts may allocate and need libc.
 */
#ifndef JE_ALLOC_LATE_H
#define JE_ALLOC_LATE_H

/* Prepare sampling and dumping. Runs as a constructor; who needs it earlier may
 * call it, further calls do nothing. */
void je_boot_late(void);

#endif
