#!/bin/sh
# A sampled object stays where it would have been.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

compiled place <<'END'
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned long long state = 42;
static unsigned
next(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return state >> 33;
}

/* Where every object lies, and how large it is. */
int
main(void)
{
    static void *slot[2000];
    static char line[64], buf[1 << 20];
    setvbuf(stdout, buf, _IOFBF, sizeof(buf));
    char *first = malloc(16);
    for (int i = 0; i < 50000; i++) {
        unsigned k = next() % 2000, size = next() % 10 ? next() % 300 : next() % 9000;
        free(slot[k]);
        slot[k] = malloc(size);
        if (i % 7 == 0)
            slot[k] = realloc(slot[k], size / 2 + 1);
        printf("%ld %zu\n", (long)((char *)slot[k] - first),
               malloc_usable_size(slot[k]));
    }
    return 0;
}
END

# A sample takes a lock: what is said of locks is left out. It takes time, too,
# and where pages go when they are due is not what this is about.
locks='s/"max_num_thds".*"total_wait_time": [0-9]*}//'
under sample:0,dirty_decay_ms:-1 ./place
cp "$out" plain
cp "$(the_dump place)" plain.json
for interval in 524288 4096 1; do
    no_dumps
    under sample:$interval,dirty_decay_ms:-1 ./place
    ok "sample:$interval: places and sizes" cmp plain "$out"
    for part in bins lextents; do
        "$dumpq" plain.json json jemalloc/stats.arenas/0/$part |
            tr '{' '\n' | sed "$locks" >one
        query place json jemalloc/stats.arenas/0/$part |
            tr '{' '\n' | sed "$locks" >two
        ok "sample:$interval: there are $part" test "$(wc -l <one)" -gt 10
        ok "sample:$interval: statistics of $part" cmp one two
    done
done
is "which has been sampled" "$(query place get profile/sample_interval)" 1
done_testing
