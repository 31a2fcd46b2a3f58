/*
 * Allocation at every moment of a process, by libc's names: before the
 * constructors, in them, in destructors of threads of both kinds, in atexit
 * functions, and in destructors of the program. What one moment gets, a later
 * one frees. Speaks TAP; the last lines come from the end of the process.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp,
            size_t newlen) __attribute__((weak));

/* The C++ runtime's way to register a destructor of a thread_local. */
int __cxa_thread_atexit_impl(void (*fn)(void *), void *arg, void *dso);
extern void *__dso_handle;

enum { PIECES = 40, KEYS = 40 };

typedef struct pieces {
    unsigned char *at[PIECES];
} pieces_t;

static size_t
size_of(unsigned i)
{
    return ((size_t)1 << (i % 19)) + i;
}

/* A block of this allocator? */
static bool
is_known(void *p)
{
    unsigned arena;
    size_t len = sizeof(arena);
    return mallctl != NULL &&
           mallctl("arenas.lookup", &arena, &len, &p, sizeof(p)) == 0;
}

static bool
take(pieces_t *t)
{
    for (unsigned i = 0; i < PIECES; i++) {
        void *p = NULL;
        switch (i % 4) {
        case 0:
            p = malloc(size_of(i));
            break;
        case 1:
            p = calloc(1, size_of(i));
            break;
        case 2:
            p = realloc(malloc(1), size_of(i));
            break;
        default:
            if (posix_memalign(&p, 256, size_of(i)) != 0) {
                p = NULL;
            }
            break;
        }
        if (p == NULL || !is_known(p)) {
            return false;
        }
        t->at[i] = memset(p, (int)i, size_of(i));
    }
    return true;
}

static bool
give(pieces_t *t)
{
    bool good = true;
    for (unsigned i = 0; i < PIECES; i++) {
        unsigned char *p = t->at[i];
        good = good && p != NULL && p[0] == (unsigned char)i &&
               p[size_of(i) - 1] == (unsigned char)i;
        free(p);
        t->at[i] = NULL;
    }
    return good;
}

/* stdio may be gone by the time that the last of these are said. */
static void
say(bool good, const char *name)
{
    static int count;
    char line[128];
    int n = snprintf(line, sizeof(line), "%sok %d - %s\n", good ? "" : "not ",
                     ++count, name);
    if (write(STDOUT_FILENO, line, (size_t)n) != n) {
        abort();
    }
}

static pieces_t preinit_pieces, constructor_pieces, destructor_pieces;
static bool preinit_good, constructor_good;

static void
at_preinit(void)
{
    preinit_good = take(&preinit_pieces);
}

__attribute__((section(".preinit_array"),
               used)) static void (*preinit)(void) = at_preinit;

__attribute__((constructor(101))) static void
construct(void)
{
    constructor_good = take(&constructor_pieces);
}

__attribute__((destructor(101))) static void
destruct(void)
{
    say(give(&destructor_pieces), "what main had, freed by a destructor");
    say(take(&destructor_pieces) && give(&destructor_pieces),
        "a destructor allocates and frees");
    say(true, "the process ends");
}

static void
at_exit(void)
{
    pieces_t t;
    say(take(&t) && give(&t), "an atexit function");
}

/* ---- threads ----------------------------------------------------------- */

static pthread_key_t keys[KEYS];
static unsigned rounds, failures, locals;
static __thread pieces_t of_thread;

/* Sets its key again, as long as there are rounds. */
static void
key_destructor(void *arg)
{
    pieces_t *t = arg, fresh;
    if (!give(t) || !take(&fresh) || !give(&fresh) || !take(t)) {
        __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    }
    __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < KEYS; i++) {
        if (pthread_getspecific(keys[i]) == NULL) {
            (void)pthread_setspecific(keys[i], t);
            return;
        }
    }
}

/* Comes before those of keys, and frees what the thread has. */
static void
local_destructor(void *arg)
{
    pieces_t fresh;
    if (!give(arg) || !take(&fresh) || !give(&fresh)) {
        __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    }
    __atomic_add_fetch(&locals, 1, __ATOMIC_RELAXED);
}

static void *
thread(void *arg)
{
    if (!take(&of_thread) ||
        __cxa_thread_atexit_impl(local_destructor, &of_thread, &__dso_handle) !=
            0 ||
        !take(arg) || pthread_setspecific(keys[0], arg) != 0) {
        __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void
run_threads(void)
{
    enum { THREADS = 8 };

    static pieces_t t[THREADS];
    pthread_t id[THREADS];
    for (unsigned i = 0; i < KEYS; i++) {
        if (pthread_key_create(&keys[i], key_destructor) != 0) {
            failures++;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        if (pthread_create(&id[i], NULL, thread, &t[i]) != 0) {
            failures++;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(id[i], NULL);
    }
    bool good = true;
    for (unsigned i = 0; i < THREADS; i++) {
        good = give(&t[i]) && good;
    }
    say(locals == THREADS, "destructors of thread_local variables");
    say(rounds >= THREADS * 4, "destructors of keys, four rounds");
    say(failures == 0, "all of them allocate and free");
    say(good, "what the last round had is freed after the thread");
}

int
main(void)
{
    printf("1..12\n");
    fflush(stdout);
    say(preinit_good, "allocation before the constructors");
    say(constructor_good, "in a constructor");
    say(give(&preinit_pieces), "freed in main");
    say(give(&constructor_pieces), "both");
    run_threads();
    if (atexit(at_exit) != 0 || !take(&destructor_pieces)) {
        return 1;
    }
    return 0;
}
