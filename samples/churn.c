/*
 * churn: much allocated, little held.
 *
 *   churn [REQUESTS]  default 300,000
 *
 * Each request makes and frees some strings, a list of headers and a body of
 * random length that grows by realloc. A ring of the last 1,000 bodies is all
 * that stays. Cumulative bytes are hundreds of times the live bytes, and
 * nothing is wrong: a report must not find a problem here.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

enum { RING = 1000, HEADERS = 8 };

static char *ring[RING];
static uint64_t random_state = 2463534242u;
static uint64_t total_bytes;

static uint64_t
random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void *
must(void *p, size_t size)
{
    if (p == NULL) {
        fputs("churn: out of memory\n", stderr);
        exit(1);
    }
    total_bytes += size;
    return p;
}

NOINLINE static char *
header_new(void)
{
    size_t size = 16 + random_next() % 112;
    char *s = must(malloc(size), size);
    memset(s, 'h', size);
    return s;
}

NOINLINE static char *
body_read(void)
{
    size_t size = 256;
    size_t wanted = 256 + random_next() % 8192;
    char *s = must(malloc(size), size);
    while (size < wanted) {
        size *= 2;
        s = must(realloc(s, size), size);
    }
    memset(s, 'b', wanted);
    return s;
}

NOINLINE static void
request_serve(void)
{
    char *headers[HEADERS];
    for (unsigned i = 0; i < HEADERS; i++)
        headers[i] = header_new();
    char **slot = &ring[random_next() % RING];
    free(*slot);
    *slot = body_read();
    for (unsigned i = 0; i < HEADERS; i++)
        free(headers[i]);
}

int
main(int argc, char **argv)
{
    long requests = argc > 1 ? strtol(argv[1], NULL, 10) : 300000;
    if (requests < 1) {
        fputs("usage: churn [REQUESTS]\n", stderr);
        return 2;
    }
    for (long i = 0; i < requests; i++)
        request_serve();
    printf("%ld requests, %llu bytes allocated in all\n", requests,
           (unsigned long long)total_bytes);
    return 0;
}
