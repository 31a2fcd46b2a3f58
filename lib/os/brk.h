/*
 * The program break as a source of pages.
 *
 * It belongs to the whole program: others move it as well, between two calls of
 * ours, so what comes from it is not contiguous and is never given back; only
 * its content can be dropped. Needs os_pages_boot() as pages.h does.
 */
#ifndef JE_OS_BRK_H
#define JE_OS_BRK_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Take `size` bytes, a multiple of the page, at a multiple of `align`, a power
 * of two >= page; they are accessible and read as zero. errors: NULL. */
void *os_brk_map(size_t size, size_t align);

/* Does `addr`, of a page that is ours, come from there? */
bool os_brk_contains(uintptr_t addr);

void os_brk_fork_child(void);

#endif
