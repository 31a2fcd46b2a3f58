/*
 * glibc's own questions about the heap, answered from a statistics snapshot.
 *
 * "In use" is what the program holds including what lies in thread caches;
 * small objects count as the heap, large ones as mapped regions.
 */
#ifndef JE_ALLOC_MALLINFO_H
#define JE_ALLOC_MALLINFO_H

#include <stddef.h>
#include <stdio.h>

#include "jealloc.h"

struct jea_mallinfo2 je_mallinfo2(void);
/* The same, each figure cut to INT_MAX. */
struct jea_mallinfo je_mallinfo(void);
/* Text on file descriptor 2. */
void je_malloc_stats(void);
/* XML. Returns 0, or EINVAL for options other than 0, or EIO. */
int je_malloc_info(int options, FILE *out);
/* Give back what is unused everywhere; 1 if there was anything, else 0. */
int je_malloc_trim(size_t pad);
/* 1 for the parameters that glibc has, which need no tuning here, else 0. */
int je_mallopt(int parameter, int value);

#endif
