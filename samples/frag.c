/*
 * frag: a few survivors that hold many pages.
 *
 *   frag [MIB]        memory at the peak, default 128
 *
 * A server answers requests. Each request makes message objects that die soon,
 * and now and then an index entry of the same size that stays. Both come from
 * the same slabs, in the order of the requests. When the messages are gone,
 * nearly every slab still has an entry or two in it, so that no page can be
 * returned: the program's objects are a tenth of the memory that it holds.
 * What follows needs other sizes and cannot use the holes.
 *
 * The cure is in the program: allocate what lives long apart from what dies
 * soon. With an argument more, `frag MIB apart`, it does just that, and the
 * same work then leaves whole slabs empty.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

enum { KEPT_ONE_IN = 12 };

static const size_t sizes[] = {96, 256, 320};

enum { NSIZES = sizeof(sizes) / sizeof(*sizes) };

typedef struct object {
    struct object *next;
} object_t;

static object_t *messages; /* freed when all requests are answered */
static object_t *index_entries;
static uint64_t random_state = 88172645463325252u;

/* xorshift64: the same numbers in every run. */
static uint64_t
random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static object_t *
object_link(object_t *o, size_t size, object_t **list)
{
    if (o == NULL) {
        fputs("frag: out of memory\n", stderr);
        exit(1);
    }
    memset(o, 0x5a, size);
    o->next = *list;
    *list = o;
    return o;
}

NOINLINE static void
message_new(size_t size)
{
    object_link(malloc(size), size, &messages);
}

NOINLINE static void
index_entry_new(size_t size)
{
    object_link(malloc(size), size, &index_entries);
}

NOINLINE static void
result_buffer_new(void)
{
    object_link(malloc(1500), 1500, &index_entries);
}

static void
messages_free(void)
{
    while (messages != NULL) {
        object_t *o = messages;
        messages = o->next;
        free(o);
    }
}

/* Requests for `bytes` in objects of `size`: the kept ones among the others,
 * or all of them after the others. Returns the bytes kept. */
NOINLINE static size_t
requests_serve(size_t bytes, size_t size, bool is_apart)
{
    size_t count = bytes / size;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_kept = random_next() % KEPT_ONE_IN == 0;
        kept += is_kept;
        if (is_kept && !is_apart)
            index_entry_new(size);
        else if (!is_kept)
            message_new(size);
    }
    for (size_t i = 0; is_apart && i < kept; i++)
        index_entry_new(size);
    return kept * size;
}

int
main(int argc, char **argv)
{
    long mib = argc > 1 ? strtol(argv[1], NULL, 10) : 128;
    bool is_apart = argc > 2 && strcmp(argv[2], "apart") == 0;
    if (mib < 1 || mib > 65536 || argc > 3 || (argc > 2 && !is_apart)) {
        fputs("usage: frag [MIB [apart]]\n", stderr);
        return 2;
    }
    size_t peak = (size_t)mib << 20;
    size_t kept = 0;
    for (unsigned i = 0; i < NSIZES; i++)
        kept += requests_serve(peak / NSIZES, sizes[i], is_apart);
    messages_free();
    size_t buffers = peak / 64 / 1500;
    for (size_t i = 0; i < buffers; i++)
        result_buffer_new();
    kept += buffers * 1500;
    printf("peak %zu bytes, kept %zu\n", peak, kept);
    return 0;
}
