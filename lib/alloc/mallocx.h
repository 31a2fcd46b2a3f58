/*
 * jemalloc's extended allocation functions. `flags` combines a logarithm of an
 * alignment (bits 0-5), zeroing (bit 6), a thread cache (bits 8-19) and an
 * arena (bits 20-31). No errno.
 */
#ifndef JE_ALLOC_MALLOCX_H
#define JE_ALLOC_MALLOCX_H

#include <stddef.h>

void *je_mallocx(size_t size, int flags);
void *je_rallocx(void *p, size_t size, int flags);
/* Returns the usable size afterwards; the block does not move. */
size_t je_xallocx(void *p, size_t size, size_t extra, int flags);
size_t je_sallocx(const void *p, int flags);
void je_dallocx(void *p, int flags);
void je_sdallocx(void *p, size_t size, int flags);
/* The usable size that je_mallocx would give, 0 when it could not. */
size_t je_nallocx(size_t size, int flags);

#endif
