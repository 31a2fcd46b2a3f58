/*
 * Page provider: every mmap, munmap, mprotect, madvise and mincore of the
 * allocator.
 *
 * Preconditions of all functions: os_pages_boot() has run, addresses and sizes
 * are multiples of the page size, sizes are > 0. Nothing here takes a lock or
 * allocates. Failure is a return value; errno is unspecified afterwards.
 */
#ifndef JE_OS_PAGES_H
#define JE_OS_PAGES_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_LG_PAGE   JE_LG_PAGE
#define OS_PAGE      ((size_t)1 << OS_LG_PAGE)
#define OS_PAGE_MASK (OS_PAGE - 1)
/* Size and alignment of a transparent huge page, and of our regions. */
#define OS_LG_HUGE 21
#define OS_HUGE    ((size_t)1 << OS_LG_HUGE)

typedef enum {
    OS_THP_UNKNOWN,
    OS_THP_ALWAYS,
    OS_THP_MADVISE,
    OS_THP_NEVER,
} os_thp_t;

/* Read the kernel's settings once. Returns false when the kernel's page size
 * is larger than the one this build was configured for. */
bool os_pages_boot(void);

/* Find out whether MADV_DONTNEED makes pages read as zero, which emulators of a
 * kernel may not do; if not, purged ranges are mapped anew. */
void os_pages_test_purge(void);

/* False under vm.overcommit_memory=2: a writable mapping is then charged at
 * once, so unused address space has to be kept inaccessible. */
bool os_pages_overcommits(void);
os_thp_t os_pages_thp(void);

/* Map `size` zeroed bytes at a multiple of `align` (a power of two >= page).
 * Accessible when `commit`. errors: NULL, nothing mapped. */
void *os_pages_map(size_t size, size_t align, bool commit);

/* errors: false, the range is still mapped: the kernel's limit on the number
 * of mappings can refuse to split one, and what lies below the program break
 * stays. */
bool os_pages_unmap(void *addr, size_t size);

/* Make accessible / inaccessible. Decommitting drops the content: the next
 * commit reads zeroes. errors: false, range unchanged. */
bool os_pages_commit(void *addr, size_t size);
bool os_pages_decommit(void *addr, size_t size);

/* What became of a move. */
typedef enum {
    OS_MOVED,
    OS_MOVE_REFUSED, /* all is as it was, or `to` reads as zero */
    OS_MOVE_LOST,    /* `to` is not mapped, or not ours any more */
} os_move_t;

/* Whether that is to be tried at all. Counts as a try. */
bool os_pages_may_move(void);

/* Give the pages of `from`, with their content, to `to` in place of its own.
 * Both are mapped and accessible, and `to` reads as zero; `from` stays so and
 * reads as zero. If it is lost others may have the addresses already. */
os_move_t os_pages_move(void *from, void *to, size_t size);

/* Let the kernel take the pages when it needs them (MADV_FREE); the content
 * may or may not survive. errors: false, not supported. */
bool os_pages_purge_lazy(void *addr, size_t size);

/* Drop the pages now; the range reads as zeroes. errors: false. */
bool os_pages_purge_forced(void *addr, size_t size);

/* Advise for or against huge pages. Errors are of no consequence. */
void os_pages_huge(void *addr, size_t size, bool want);

/* Bytes of [addr, addr + size) in physical memory now, by mincore(2); `vec`
 * receives one byte a page, bit 0 set where resident. errors: false. */
bool os_pages_resident(void *addr, size_t size, unsigned char *vec);

/* Test hook of debug builds: the n-th mapping or commit from now on fails, and
 * `count` of them in a row. 0 switches it off. */
void os_pages_fail_at(uint64_t n, uint64_t count);

#endif
