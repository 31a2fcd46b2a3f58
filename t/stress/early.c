/*
 * Allocation before main, by constructors and before them, and after it.
 */
#include "t/stress/stress.h"

#include <string.h>

#include "jealloc.h"

enum { PIECES = 50 };

static unsigned char *before_all[PIECES];
static unsigned char *by_constructor[PIECES];

static void
take(unsigned char **p, int mark)
{
    for (unsigned i = 0; i < PIECES; i++) {
        size_t size = (size_t)1 << (i % 18);
        p[i] = i % 2 ? jea_malloc(size) : jea_calloc(1, size);
        if (p[i] == NULL) {
            abort();
        }
        memset(p[i], mark, size);
    }
}

static void
give(unsigned char **p, int mark)
{
    for (unsigned i = 0; i < PIECES; i++) {
        stress_check_eq(p[i][0], mark);
        stress_check_eq(p[i][((size_t)1 << (i % 18)) - 1], mark);
        jea_free(p[i]);
    }
}

static void
at_preinit(void)
{
    take(before_all, 1);
}

__attribute__((section(".preinit_array"),
               used)) static void (*preinit)(void) = at_preinit;

__attribute__((constructor(101))) static void
construct(void)
{
    take(by_constructor, 2);
}

static unsigned char *for_exit[PIECES];

__attribute__((destructor)) static void
destruct(void)
{
    give(for_exit, 3); /* a failure ends the program with status 1 */
    take(for_exit, 4);
    give(for_exit, 4);
}

static void
at_exit(void)
{
    jea_free(jea_malloc(100000));
    jea_free(jea_malloc(10));
}

int
main(void)
{
    give(before_all, 1);
    stress_ok("blocks from before the constructors");
    give(by_constructor, 2);
    stress_ok("blocks from a constructor");
    take(for_exit, 3);
    stress_check_eq(atexit(at_exit), 0);
    return stress_done();
}
