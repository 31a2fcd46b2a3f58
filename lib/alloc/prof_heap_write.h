/*
 * Content of heap profiles: see prof_heap.h.
 */
#ifndef JE_ALLOC_PROF_HEAP_WRITE_H
#define JE_ALLOC_PROF_HEAP_WRITE_H

#include "alloc/prof_file.h"

/* Write all of it. Takes no lock but those of the tables. */
void prof_heap_write(prof_file_t *f);

/* Say on stderr what is live, if anything is. Returns whether. */
bool prof_heap_write_leaks(const char *prefix);

#endif
