/*
 * Facts about start-up; je_boot() itself is declared in malloc.h.
 */
#ifndef JE_ALLOC_INIT_H
#define JE_ALLOC_INIT_H

#include "base/macros.h"

#include <stdint.h>

/* Monotonic clock when the allocator started; 0 before. */
uint64_t init_start_ns(void);

#endif
