/*
 * What the kernel may do to pages that it does not move in the end, with a
 * mremap() of our own in place of libc's.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/arena_choice.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/pac_internal.h"
#include "base/bits.h"
#include "jealloc.h"
#include "t/util.h"

#define MIB ((size_t)1 << 20)

/* What becomes of the next move. */
typedef enum {
    MOVE_ALL,
    MOVE_HALF, /* of two mappings, only the first */
    MOVE_NONE, /* but the new place is unmapped, and that is EINVAL */
    MOVE_STEAL /* another arena maps the new place */
} move_t;

static move_t move;
static unsigned nrefused;
static uintptr_t stolen;
static arena_t *thief;

static void
steal(void *to, size_t size)
{
    pac_run_t run = {(uintptr_t)to, size};
    ck_assert_ptr_eq(mmap(to, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     to);
    ck_assert(pac_adopt(&thief->pac, &thief->pac.retained, &run, true, true));
    stolen = run.addr;
}

/* glibc declares it only for _GNU_SOURCE. */
void *mremap(void *from, size_t size, size_t new_size, int flags, ...);

void *
mremap(void *from, size_t size, size_t new_size, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    void *to = va_arg(args, void *);
    va_end(args);
    if (move == MOVE_ALL || size == OS_PAGE) {
        return (void *)syscall(SYS_mremap, from, size, new_size, flags, to);
    }
    nrefused++;
    if (move == MOVE_HALF) {
        ck_assert_int_eq(
            syscall(SYS_mremap, from, size / 2, size / 2, flags, to), (long)to);
        errno = ENOMEM;
    } else if (move == MOVE_NONE) {
        ck_assert_int_eq(munmap(to, size), 0);
        errno = EINVAL;
    } else {
        steal(to, size);
        errno = EFAULT;
    }
    return MAP_FAILED;
}

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_ptr_nonnull(tsd_get());
}

/* An object that cannot grow where it is, of `size` bytes beginning with 0. */
static char *
object(size_t size)
{
    char *p = jea_malloc(size);
    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < size; i++) {
        p[i] = (char)(i * 7 >> (i & 8));
    }
    ck_assert_ptr_nonnull(jea_malloc(size));
    return p;
}

static void
expect_kept(const char *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ck_assert_int_eq(p[i], (char)(i * 7 >> (i & 8)));
    }
}

static void
expect_copied(move_t how)
{
    char *p = object(4 * MIB);
    move = how;
    char *q = jea_realloc(p, 20 * MIB);
    move = MOVE_ALL;
    ck_assert_ptr_nonnull(q);
    expect_kept(q, 4 * MIB);
    memset(q + 4 * MIB, 1, 16 * MIB);
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = arena_get(i);
        ck_assert(arena == NULL || pac_is_valid(&arena->pac));
    }
}

START_TEST(test_partly)
{
    expect_copied(MOVE_HALF);
}

END_TEST

START_TEST(test_unmapped)
{
    expect_copied(MOVE_NONE);
}

END_TEST

/* The page map says who has the addresses now. */
START_TEST(test_stolen)
{
    unsigned ind;
    size_t len = sizeof(ind);
    ck_assert_int_eq(jea_mallctl("arenas.create", &ind, &len, NULL, 0), 0);
    thief = arena_get(ind);
    expect_copied(MOVE_STEAL);
    if (nrefused > 0) {
        const extent_t *e = emap_extent(stolen);
        ck_assert_ptr_nonnull(e);
        ck_assert_uint_eq(e->arena_ind, ind);
    }
}

END_TEST

/* What a program mapped over a block is not in two places. */
START_TEST(test_shared)
{
    char *p = object(4 * MIB);
    char *page = (char *)bits_align_up((uintptr_t)p, OS_PAGE);
    ck_assert_ptr_eq(mmap(page, 2 * MIB, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     page);
    memset(p, 7, 4 * MIB);
    char *q = jea_realloc(p, 20 * MIB);
    ck_assert_ptr_ne(q, p);
    memset(page, 9, 2 * MIB);
    for (size_t i = 0; i < 4 * MIB; i++) {
        ck_assert_int_eq(q[i], 7);
    }
}

END_TEST

static bool has_returned;

static void *
cancel_self(void *arg)
{
    char *p = object(4 * MIB);
    ck_assert_int_eq(pthread_cancel(pthread_self()), 0);
    p = jea_realloc(p, 20 * MIB);
    has_returned = true;
    pthread_testcancel();
    return p != NULL ? p : arg;
}

/* realloc is no place to cancel a thread at. */
START_TEST(test_cancelled)
{
    pthread_t thread;
    void *end;
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_self, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &end), 0);
    ck_assert(has_returned);
    ck_assert_ptr_eq(end, PTHREAD_CANCELED);
}

END_TEST

static bool
is_locked(void *addr)
{
    return madvise(addr, OS_PAGE, MADV_DONTNEED) != 0 && errno == EINVAL;
}

/* What is mapped stays locked, whoever gets it next. */
START_TEST(test_locked)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        return;
    }
    /* it may be more than may be locked */
    char *p = jea_malloc(4 * MIB), *wall = jea_malloc(4 * MIB);
    if (p == NULL || wall == NULL) {
        return;
    }
    char *page = (char *)bits_align_up((uintptr_t)p, OS_PAGE);
    bool was_locked = is_locked(page);
    char *q = jea_realloc(p, 20 * MIB);
    if (q != NULL) {
        ck_assert_ptr_ne(q, p);
        ck_assert(!was_locked || is_locked(page));
    }
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("remap_refused");
    TCase *tc = tcase_create("remap_refused");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_partly);
    tcase_add_test(tc, test_unmapped);
    tcase_add_test(tc, test_stolen);
    tcase_add_test(tc, test_shared);
    tcase_add_test(tc, test_cancelled);
    tcase_add_test(tc, test_locked);
    suite_add_tcase(s, tc);
    return util_run(s);
}
