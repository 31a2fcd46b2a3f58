#!/bin/sh
# Estimates from samples agree with what a program of known sizes did.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

compiled known -pthread <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP = 30000, DROP = 50000 };
static void *kept[4][KEEP];

/* Each thread keeps KEEP and drops DROP objects of its size. */
static void *
work(void *arg)
{
    static const size_t size[] = {60, 1000, 100, 3000};
    long id = (long)arg;
    for (int i = 0; i < KEEP; i++)
        kept[id][i] = malloc(size[id]);
    for (int i = 0; i < DROP; i++) {
        void *volatile p = malloc(size[id]);
        free(p);
    }
    return 0;
}

int
main(void)
{
    pthread_t t[4];
    for (long i = 0; i < 4; i++)
        pthread_create(&t[i], 0, work, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], 0);
    /* freed by another thread than made it */
    for (int i = 0; i < KEEP / 2; i++)
        free(kept[1][i]);
    /* above the interval: nearly always sampled; moved and resized */
    for (int i = 0; i < 20; i++) {
        char *volatile p = malloc(1000000);
        p = realloc(p, 2000000);
        p = realloc(p, 10000000);
        if (i % 2)
            free(p);
    }
    return 0;
}
END

# near NAME ESTIMATE SIGMA TRUTH: within six standard deviations, which one of
# the eight estimates below leaves by chance once in 10 million runs. The widest
# has 480 samples, and six of its deviations are 27 %.
near()
{
    ok "$1" awk -v e="$2" -v s="$3" -v t="$4" 'BEGIN {
        d = e - t; if (d < 0) d = -d
        if (d > 6 * s + 0.5) { print e, "+-", s, "is not", t; exit 1 } }'
}

# sized SIZE USABLE TOTAL LIVE
sized()
{
    # shellcheck disable=SC2046
    set -- "$@" $(query known estimate "$2")
    near "$1 bytes: all objects" "$5" "$6" "$3"
    near "$1 bytes: live objects" "$7" "$8" "$4"
    taken=$((${9} / $1 * $1))
    is "$1 bytes: requested sizes" "${9}" "$taken"
}

under sample:4000 ./known
is "status" "$status" 0
ok "the dump is sound" query known check
is "complete" "$(query known get jeprobe/complete)" true
is "nothing dropped" "$(query known json profile/dropped)" \
    '{"memory": 0, "recursion": 0, "unwind": 0}'
sized 60 64 80000 30000
sized 1000 1024 80000 15000
sized 100 112 80000 30000
sized 3000 3072 80000 30000
# shellcheck disable=SC2046
set -- $(query known estimate 10485760)
is "large objects that live" "$3" 10

under sample:1 ./known
# shellcheck disable=SC2046
set -- $(query known estimate 64)
is "sample:1 takes every object" "$1 $3" "80000 30000"
is "with its size" "$5 $6" "4800000 1800000"

under sample:0 ./known
is "sample:0 takes none" "$(query known get profile/samples_taken)" 0
is "and says so" "$(query known get profile/sample_interval)" 0
done_testing
