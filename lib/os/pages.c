/*
 * Page provider for Linux: see pages.h for the contract of each function.
 */
#include "os/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "os/brk.h"
#include "os/file.h"

#ifndef MADV_FREE
#    define MADV_FREE 8
#endif
#ifndef MREMAP_DONTUNMAP
#    define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#    define MAP_FIXED_NOREPLACE 0x100000
#endif

static bool overcommits = true;
/* Under mode 1 only: in mode 0 the kernel would then let through what could
 * never be backed, and malloc of more than all memory must fail. */
static bool has_no_limit;
static bool purge_keeps_content;
static os_thp_t thp_mode = OS_THP_UNKNOWN;
static uint64_t fail_from;  /* countdown to the first failure, 0 = never */
static uint64_t fail_count; /* how many fail once it has been reached */

void
os_pages_fail_at(uint64_t n, uint64_t count)
{
    atomic_store_rlx(&fail_count, count);
    atomic_store_rlx(&fail_from, n);
}

static bool
pages_should_fail(void)
{
    if (!je_config_debug || likely(atomic_load_rlx(&fail_from) == 0)) {
        return false;
    }
    if (atomic_load_rlx(&fail_from) > 1) {
        atomic_sub_rlx(&fail_from, 1);
        return false;
    }
    if (atomic_load_rlx(&fail_count) == 0) {
        atomic_store_rlx(&fail_from, 0);
        return false;
    }
    atomic_sub_rlx(&fail_count, 1);
    return true;
}

static os_thp_t
pages_read_thp(void)
{
    char buf[128];
    if (os_file_read("/sys/kernel/mm/transparent_hugepage/enabled", buf,
                     sizeof(buf)) <= 0) {
        return OS_THP_UNKNOWN;
    }
    if (strstr(buf, "[always]") != NULL) {
        return OS_THP_ALWAYS;
    }
    if (strstr(buf, "[madvise]") != NULL) {
        return OS_THP_MADVISE;
    }
    return strstr(buf, "[never]") != NULL ? OS_THP_NEVER : OS_THP_UNKNOWN;
}

bool
os_pages_boot(void)
{
    char buf[16];
    if (os_file_read("/proc/sys/vm/overcommit_memory", buf, sizeof(buf)) > 0) {
        overcommits = buf[0] != '2';
        has_no_limit = buf[0] == '1';
    }
    thp_mode = pages_read_thp();
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 && (size_t)page <= OS_PAGE;
}

bool
os_pages_overcommits(void)
{
    return overcommits;
}

os_thp_t
os_pages_thp(void)
{
    return thp_mode;
}

static void *
pages_mmap(void *at, size_t size, bool commit, int extra)
{
    if (pages_should_fail()) {
        return NULL;
    }
    int prot = commit ? PROT_READ | PROT_WRITE : PROT_NONE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | extra;
    if (has_no_limit) {
        flags |= MAP_NORESERVE;
    }
    void *p = mmap(at, size, prot, flags, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *
os_pages_map(size_t size, size_t align, bool commit)
{
    je_assert((size & OS_PAGE_MASK) == 0 && bits_is_pow2(align));
    void *p = pages_mmap(NULL, size, commit, 0);
    if (p == NULL || ((uintptr_t)p & (align - 1)) == 0) {
        return p;
    }
    (void)munmap(p, size);
    size_t over = size + align - OS_PAGE;
    if (over < size) {
        return NULL;
    }
    char *wide = pages_mmap(NULL, over, commit, 0);
    if (wide == NULL) {
        return NULL;
    }
    char *start = (char *)bits_align_up((uintptr_t)wide, align);
    size_t lead = (size_t)(start - wide);
    size_t trail = over - lead - size;
    if (lead != 0) {
        (void)munmap(wide, lead);
    }
    if (trail != 0) {
        (void)munmap(start + size, trail);
    }
    return start;
}

bool
os_pages_unmap(void *addr, size_t size)
{
    return !os_brk_contains((uintptr_t)addr) && munmap(addr, size) == 0;
}

bool
os_pages_commit(void *addr, size_t size)
{
    return pages_mmap(addr, size, true, MAP_FIXED) != NULL;
}

bool
os_pages_decommit(void *addr, size_t size)
{
    return pages_mmap(addr, size, false, MAP_FIXED) != NULL;
}

/* ---- moving ------------------------------------------------------------ */

enum { MOVES_PER_LOOK = 256 };

static bool cannot_move;
static uint64_t nmoves; /* asked for */
static bool is_crowded; /* by mappings, when that was last looked at */

static bool
pages_mremap(void *from, void *to, size_t size)
{
    return mremap(from, size, size,
                  MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to;
}

/* Read a number into a page that was moved away: an emulator of a kernel may
 * move it and take its old place for unmapped. Then nothing is moved any more.
 * errors: 0. */
static size_t
pages_read_number(const char *path)
{
    char *page = mmap(NULL, 2 * OS_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return 0;
    }
    if (!pages_mremap(page, page + OS_PAGE, OS_PAGE)) {
        atomic_store_rlx(&cannot_move, true);
        (void)munmap(page, OS_PAGE); /* whose the other one is is not known */
        return 0;
    }
    ssize_t n = os_file_read(path, page, OS_PAGE);
    if (n == 0) {
        atomic_store_rlx(&cannot_move, true);
    }
    size_t number = n > 0 ? strtoul(page, NULL, 10) : 0;
    (void)munmap(page, 2 * OS_PAGE);
    return number;
}

/* What is moved becomes a mapping of its own. Half of those that the kernel
 * allows are left to others. Looked at now and then: it takes long where they
 * are many. */
static bool
pages_are_crowded(void)
{
    if (atomic_add_rlx(&nmoves, 1u) % MOVES_PER_LOOK == 0) {
        size_t most = pages_read_number("/proc/sys/vm/max_map_count");
        ssize_t n = os_file_count_lines("/proc/self/maps");
        atomic_store_rlx(&is_crowded, n < 0 || (size_t)n > most / 2);
    }
    return atomic_load_rlx(&is_crowded);
}

bool
os_pages_may_move(void)
{
    return !atomic_load_rlx(&cannot_move) && !pages_are_crowded() &&
           !atomic_load_rlx(&cannot_move);
}

/* What mlockall(MCL_FUTURE) asked for would not hold for the addresses that a
 * move leaves. */
static bool
pages_are_locked(void *addr)
{
    return madvise(addr, OS_PAGE, MADV_DONTNEED) != 0;
}

static bool
pages_are_mapped(void *addr)
{
    unsigned char vec;
    return mincore(addr, OS_PAGE, &vec) == 0;
}

/* What a program mapped there itself may be shared: then it is in both places,
 * of which only the new one may be. */
static void
pages_leave(void *from, size_t size)
{
    unsigned char vec = 0;
    if (unlikely(mincore(from, OS_PAGE, &vec) == 0 && (vec & 1) != 0)) {
        (void)os_pages_commit(from, size);
    }
}

static bool
page_is_zero(const void *page)
{
    const uint64_t *words = page;
    uint64_t any = 0;
    for (size_t i = 0; i < OS_PAGE / sizeof(*words); i++) {
        any |= words[i];
    }
    return any == 0;
}

/* Since Linux 6.17 `from` may be several mappings, which are moved one by one:
 * if one cannot be, those before it stay moved. What of `to` is not zero was
 * moved, and is copied back. */
static JE_COLD JE_NOINLINE void
pages_take_back(char *from, char *to, size_t size)
{
    size_t taken = 0;
    for (size_t at = 0;
         at < size && page_is_zero(from + at) && pages_are_mapped(to + at);
         at += OS_PAGE) {
        if (!page_is_zero(to + at)) {
            memcpy(from + at, to + at, OS_PAGE);
            taken = at + OS_PAGE;
        }
    }
    (void)os_pages_purge_forced(to, taken);
}

/* The kernel refused to. Most often it has unmapped `to` before: then the
 * addresses are claimed again. If somebody has them already it may as well be
 * that they never were unmapped: that cannot be told, so they are given up, and
 * nothing is moved any more. */
static os_move_t
pages_after_refusal(void *to, size_t size, int error)
{
    if (error == EINVAL) { /* an older kernel, or an emulator of one */
        atomic_store_rlx(&cannot_move, true);
        if (pages_are_mapped(to)) {
            return OS_MOVE_REFUSED;
        }
    }
    void *p = pages_mmap(to, size, true, MAP_FIXED_NOREPLACE);
    if (p == to) {
        return OS_MOVE_REFUSED;
    }
    if (p != NULL) {
        (void)munmap(p, size);
    }
    atomic_store_rlx(&cannot_move, true);
    return OS_MOVE_LOST;
}

static bool
pages_refuse(void *to, size_t size)
{
    bool fails = pages_should_fail();
    if (fails) {
        (void)munmap(to, size); /* as the kernel leaves it */
        errno = ENOMEM;
    }
    return fails;
}

/* From Linux 5.7 on; before Linux 6.17 not of two mappings at once. The first
 * byte is not zero meanwhile, and so tells where its page is. */
os_move_t
os_pages_move(void *from, void *to, size_t size)
{
    if (os_brk_contains((uintptr_t)from) || os_brk_contains((uintptr_t)to) ||
        pages_are_locked(to)) {
        return OS_MOVE_REFUSED;
    }
    volatile char *mark = from;
    char was = *mark;
    if (was == 0) {
        *mark = 1;
    }
    os_move_t done = OS_MOVED;
    if (likely(!pages_refuse(to, size) && pages_mremap(from, to, size))) {
        mark = to;
        pages_leave(from, size);
    } else if (*mark != 0) {
        done = pages_after_refusal(to, size, errno);
    } else {
        atomic_store_rlx(&cannot_move, true);
        pages_take_back(from, to, size);
        done = OS_MOVE_LOST;
    }
    if (was == 0) {
        *mark = 0;
    }
    return done;
}

/* ---- giving back ------------------------------------------------------- */

bool
os_pages_purge_lazy(void *addr, size_t size)
{
    return madvise(addr, size, MADV_FREE) == 0;
}

void
os_pages_test_purge(void)
{
    volatile char *page = os_pages_map(OS_PAGE, OS_PAGE, true);
    if (page == NULL) {
        return;
    }
    page[0] = 1;
    bool done = os_pages_purge_forced((void *)(uintptr_t)page, OS_PAGE);
    purge_keeps_content = done && page[0] != 0;
    (void)munmap((void *)(uintptr_t)page, OS_PAGE);
}

bool
os_pages_purge_forced(void *addr, size_t size)
{
    if (unlikely(purge_keeps_content)) {
        return os_pages_commit(addr, size);
    }
    return madvise(addr, size, MADV_DONTNEED) == 0;
}

void
os_pages_huge(void *addr, size_t size, bool want)
{
    (void)madvise(addr, size, want ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

bool
os_pages_resident(void *addr, size_t size, unsigned char *vec)
{
    return mincore(addr, size, vec) == 0;
}
