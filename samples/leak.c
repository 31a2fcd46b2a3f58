/*
 * leak: four places that allocate and forget, and one that gives back.
 *
 *   leak [SCALE]      default 1; everything below is multiplied by it
 *
 *   session_new    40,000 objects of 160 bytes     6.1 MiB  never freed
 *   log_append     50,000 objects of 112 bytes     5.3 MiB  never freed
 *   cache_insert    8,000 objects of 1,000 bytes   7.6 MiB  never freed
 *   table_load          1 object of 4 MiB          4.0 MiB  never freed
 *   request_parse 200,000 objects of 1,024 bytes   0        freed at once
 *
 * The program prints the same as numbers, so that a report of it can be
 * compared with the truth: name, objects alive, bytes requested for them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

/* What is forgotten must still look used to the compiler. */
static void *volatile forgotten;

static void *
must(void *p)
{
    if (p == NULL) {
        fputs("leak: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

NOINLINE static void
session_new(void)
{
    char *s = must(malloc(160));
    memset(s, 's', 160);
    forgotten = s;
}

NOINLINE static void
log_append(void)
{
    char *s = must(malloc(112));
    memset(s, 'l', 112);
    forgotten = s;
}

NOINLINE static void
cache_insert(void)
{
    char *s = must(calloc(10, 100));
    s[0] = 'c';
    forgotten = s;
}

NOINLINE static void
table_load(void)
{
    char *s = must(malloc((size_t)4 << 20));
    memset(s, 't', (size_t)4 << 20);
    forgotten = s;
}

NOINLINE static void
request_parse(void)
{
    char *s = must(malloc(1024));
    s[0] = 'r';
    forgotten = s;
    free(s);
}

static void
repeat(const char *name, void (*site)(void), long count, long kept_bytes)
{
    for (long i = 0; i < count; i++)
        site();
    printf("%-14s %8ld %12ld\n", name, kept_bytes != 0 ? count : 0,
           kept_bytes * count);
}

int
main(int argc, char **argv)
{
    long scale = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    if (scale < 1 || scale > 1000) {
        fputs("usage: leak [SCALE]   1 to 1000\n", stderr);
        return 2;
    }
    repeat("session_new", session_new, 40000 * scale, 160);
    repeat("log_append", log_append, 50000 * scale, 112);
    repeat("cache_insert", cache_insert, 8000 * scale, 1000);
    repeat("table_load", table_load, scale, 4L << 20);
    repeat("request_parse", request_parse, 200000 * scale, 0);
    return 0;
}
