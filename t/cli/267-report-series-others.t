#!/bin/sh
# Series of dumps of gperftools, glibc or mimalloc: their caches and free pages
# are not among the objects, and what is mapped is memory.
. "${0%/*}/../lib.sh"
. "${0%/*}/others.sh"

# verdict NAME RULE FIGURE: of series.txt.
verdict()
{
    run "$jeprobe" report --format json series.txt
    is "$allocator, $1: status" "$status" 0
    sed -n '/^ "series"/,/"trends"/p' "$out" >series.json
    like "$allocator: $1" series.json "\"verdict\": \"$1\""
    like "$allocator, $1: the rule" series.json "\"rule\": $2,"
    like "$allocator, $1: the figure" series.json "\"figure\": $3,"
}

# steps FUNCTION FROM TO: six dumps, each figure evenly from one to the other.
steps()
{
    for n in 0 1 2 3 4 5; do
        # shellcheck disable=SC2046
        "$1" $(awk -v from="$2" -v to="$3" -v n=$n 'BEGIN {
            count = split(from, a, " ")
            split(to, b, " ")
            for (i = 1; i <= count; i++)
                printf "%g ", a[i] + (b[i] - a[i]) * n / 5
        }')
    done >series.txt
}

allocator=tcmalloc
# tcmalloc_to NAME RULE FIGURE FIGURES
tcmalloc_to()
{
    steps tcmalloc '100 20 30 5 3 40' "$4"
    verdict "$1" "$2" "$3"
}
tcmalloc_to same null null '109 20 30 5 3 40'
tcmalloc_to live-growth '"true-leak"' '"allocated"' '150 20 30 5 3 40'
# Caches are no part of what is in use: that they grew, too, makes no leak less.
tcmalloc_to live-growth '"true-leak"' '"allocated"' '140 20 30 25 3 40'
tcmalloc_to thread-caches '"tcmalloc-percpu-cache"' '"caches"' \
    '100 20 30 25 3 40'
tcmalloc_to fragmentation '"tcmalloc-central"' '"holes"' '100 20 60 5 3 40'
like "it has grown" series.json '"grown": true'
tcmalloc_to shrunk-not-returned '"tcmalloc-central"' '"holes"' \
    '60 20 70 5 3 40'
like "it has not grown" series.json '"grown": false'
tcmalloc_to freed-not-purged '"tcmalloc-pageheap"' '"free_pages"' \
    '60 60 30 5 3 40'
tcmalloc_to metadata null '"metadata"' '100 20 30 5 20 40'
tcmalloc_to less null null '60 20 30 5 3 80'
tcmalloc_to address-space '"retained-benign"' '"retained"' '100 20 30 5 3 80'
# Two kinds gain less than the threshold, together they do not.
tcmalloc_to resident null '"resident"' '100 29 39 5 3 40'
tcmalloc_to same null null '100 24 34 5 3 40'

# What goes up and down is no growth, wherever it ends.
for p in 20 60 15 55 10 40; do
    tcmalloc 100 $p 30 5 3 40
done >series.txt
verdict same null null
like "up and down is steady" "$out" '"what": "free_pages",'

# The figures of the parts are in the tables.
steps tcmalloc '100 20 30 5 3 40' '100 20 60 5 3 40'
run "$jeprobe" report series.txt
like "answer" "$out" '^There is more free memory between what is in use'
tr '\n' ' ' <"$out" >flat
like "answer: how much" flat ': holes grew by 30.0 MiB in 6 dumps, 6.0 MiB'
like "what moved" "$out" '^  holes +30.0 MiB +60.0 MiB +\+30.0 MiB'
like "what did not" "$out" '^  free pages +20.0 MiB +20.0 MiB +steady'
like "each dump" "$out" \
    '^#6 +189.0 MiB +100.0 MiB +6.0 MiB +60.0 MiB +20.0 MiB #+$'
like "each dump: what it tells" "$out" \
    '^Dump +resident +allocated +caches +holes +pages resident$'

run "$jeprobe" report --format markdown series.txt
like "Markdown: each dump has the same" "$out" \
    '^\| .#6 \| 189.0 MiB \| 100.0 MiB \| 6.0 MiB \| 60.0 MiB \| 20.0 MiB \| `series.txt \(6\)` \|$'
like "Markdown: what it tells" "$out" \
    '^\| when \| resident \| allocated \| caches \| holes \| pages \| file \|$'
unlike "Markdown: without time no rates" "$out" 'an hour'

allocator=glibc
glibc_to()
{
    steps glibc '200 180 30' "$4"
    verdict "$1" "$2" "$3"
}
glibc_to same null null '205 186 30'
glibc_to live-growth '"true-leak"' '"allocated"' '200 180 50'
glibc_to fragmentation '"glibc-untrimmed"' '"holes"' '260 180 30'
glibc_to shrunk-not-returned '"glibc-untrimmed"' '"holes"' '200 120 30'
glibc_to less null null '140 120 30'

# mimalloc COMMITTED [BLOCKS], in MiB
mimalloc()
{
    echo 'heap stats:     peak       total       freed     current        unit       count'
    [ $# -lt 2 ] || printf '     total: %5d MiB   %5d MiB       0     %5d MiB\n' \
        "$2" "$2" "$2"
    printf '  reserved:   1.0 GiB     1.0 GiB       0       1.0 GiB\n'
    printf ' committed: %5d MiB   %5d MiB       0     %5d MiB\n' "$1" "$1" "$1"
    printf '   process: user: 9.4 s, system: 0.8 s, faults: 3, rss: 900.0 MiB, commit: 900.0 MiB\n'
}

allocator=mimalloc
mimalloc_to()
{
    steps mimalloc "$4" "$5"
    verdict "$1" "$2" "$3"
}
mimalloc_to live-growth '"true-leak"' '"allocated"' '300 200' '400 300'
mimalloc_to fragmentation '"mimalloc-purge-idle"' '"holes"' '300 200' '400 200'
mimalloc_to resident '"mimalloc-purge-idle"' '"mapped"' 300 400
mimalloc_to less null null 300 200

# ---- of real processes ----------------------------------------------------

need "$CC"
case $JE_SANITIZERS in
    '' | no) ;;
    *)
        skip "real processes" "sanitizer: $JE_SANITIZERS"
        done_testing
        exit
        ;;
esac
build prog -rdynamic -ldl <<'END' || bail "cannot build the program"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 16 << 20 };

static void *objects[6][STEP / 256];

static void
put(const char *text, void *unused)
{
    (void)unused;
    fputs(text, stdout);
}

/* The statistics of the allocator that runs, whichever it is. */
static void
tell(const char *how)
{
    static char text[1 << 16];
    void (*tc)(char *, int) = dlsym(RTLD_DEFAULT, "MallocExtension_GetStats");
    void (*mi)(void (*)(const char *, void *), void *) =
        dlsym(RTLD_DEFAULT, "mi_stats_print_out");

    if (tc != NULL) {
        tc(text, sizeof(text));
        puts(text);
    } else if (mi != NULL) {
        mi(put, NULL);
    } else if (strcmp(how, "info") == 0) {
        malloc_info(0, stdout);
    } else {
        fflush(stdout);
        malloc_stats();
    }
    fflush(stdout);
}

static void
fill(int step, size_t size)
{
    for (size_t i = 0; i < STEP / size; i++)
        objects[step][i] = memset(malloc(size), 1, size);
}

int
main(int argc, char **argv)
{
    static char buffer[1 << 16];
    const char *mode = argc > 2 ? argv[1] : "";
    size_t size = 256;

    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    for (int step = 0; step < 4; step++) {
        if (strcmp(mode, "leak") == 0) {
            fill(step, 1024);
        } else if (strcmp(mode, "holes") == 0) {
            /* Three of four go, and nothing after them fits in between:
             * four objects in a row, or none of another size. */
            fill(step, size);
            for (size_t i = 0; i < STEP / size; i++)
                if (i % 4 != 0)
                    free(objects[step][i]);
            size *= strcmp(argv[2], "apart") == 0 ? 2 : 4;
        } else if (step == 0) {
            for (int i = 0; i < 4; i++)
                fill(i, 4096);
        } else {
            for (size_t i = 0; i < STEP / 4096; i++)
                free(objects[step][i]);
        }
        tell(argv[2]);
    }
    return 0;
}
END

library()
{
    found=
    for file in /usr/lib/*/$1 /usr/lib/$1; do
        [ -f "$file" ] && found=$file
    done
    [ -n "$found" ]
}

# real NAME RULE FIGURE MODE: under the library $found, told as $how says.
real()
{
    LD_PRELOAD=$found TCMALLOC_RELEASE_RATE=0 MIMALLOC_SHOW_STATS=0 \
        ./prog "$4" "$how" >series.txt 2>&1
    verdict "$1" "$2" "$3"
    run "$jeprobe" report series.txt
    like "$allocator, $4: is one process" "$out" '^4 dumps of one process'
}

found=
for how in info stats; do
    allocator="real glibc, $how"
    real live-growth '"true-leak"' '"allocated"' leak
    like "$allocator: how much" "$out" '^  allocated +16\.[0-9] MiB +6[4-9]\.'
    real fragmentation '"glibc-untrimmed"' '"holes"' holes
    like "$allocator: how much" "$out" '^  holes .* \+(3[5-9]|4[0-9])\.'
done
how=apart
allocator="real gperftools"
if library libtcmalloc_minimal.so.4; then
    real live-growth '"true-leak"' '"allocated"' leak
    like "$allocator: how much" "$out" '^  allocated +1[67]\.[0-9] MiB +6[4-9]\.'
    real fragmentation '"tcmalloc-central"' '"holes"' holes
    like "$allocator: how much" "$out" '^  holes .* \+(2[0-9]|3[0-9])\.'
    real freed-not-purged '"tcmalloc-pageheap"' '"free_pages"' free
else
    skip "$allocator" "no libtcmalloc_minimal.so.4"
fi
allocator="real mimalloc"
if library 'libmimalloc.so.2*'; then
    real resident '"mimalloc-purge-idle"' '"mapped"' leak
    like "$allocator: how much" "$out" '^  mapped .* \+(4[0-9]|5[0-9]|6[0-9])\.'
else
    skip "$allocator" "no libmimalloc.so.2"
fi

done_testing
