#!/bin/sh
# Series of real processes: dumps of our own allocator while a program leaks,
# fragments, churns; and statistics that jemalloc prints again and again.
. "${0%/*}/../lib.sh"
need "$CC"
need_preload

build prog -rdynamic -ldl <<'END' || bail "cannot build the program"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *volatile forgotten;
static void *kept[400000];
static int (*dump)(const char *);
static void (*print)(void (*)(void *, const char *), void *, const char *);

/* Without a dump it is jemalloc that runs. */
static void
tell(const char *name, int n)
{
    char path[100];

    snprintf(path, sizeof(path), "%s.%d.json", name, n);
    if (dump != NULL)
        dump(path);
    else if (print != NULL)
        print(NULL, NULL, "");
}

__attribute__((noinline)) static void
forget_some(void)
{
    for (int i = 0; i < 8192; i++)
        forgotten = memset(malloc(1024), 1, 1024);
}

__attribute__((noinline)) static void
keep_some(int n)
{
    for (int i = 0; i < n; i++)
        kept[i] = memset(malloc(256), 1, 256);
}

int
main(int argc, char **argv)
{
    const char *mode = argv[1];

    dump = (int (*)(const char *))dlsym(RTLD_DEFAULT, "jea_dump");
    print = dlsym(RTLD_DEFAULT, "malloc_stats_print");
    if (strcmp(mode, "frag") == 0) {
        keep_some(400000);
        tell(mode, 0);
        for (int i = 0; i < 400000; i++)
            if (i % 16 != 0)
                free(kept[i]);
        tell(mode, 1);
        return 0;
    }
    for (int n = 0; n < 6; n++) {
        if (strcmp(mode, "leak") == 0)
            forget_some();
        else
            for (int i = 0; i < 20000; i++)
                free(memset(malloc(1000 + i % 3000), 1, 1000));
        tell(mode, n);
    }
    return 0;
}
END

for mode in leak frag churn; do
    ok "$mode: runs" env LD_PRELOAD="$preload" \
        JEPROBE_CONF=prof:true,lg_prof_sample:16 ./prog $mode
done

# How fast it goes is the machine's: the slope over time only says about how much.
run "$jeprobe" report leak.?.json
is "leak: status" "$status" 0
like "leak: is one process" "$out" '^6 dumps of one process, number [0-9]+, .*/prog, over [0-9]'
tr '\n' ' ' <"$out" >flat
like "leak: the verdict" flat 'holds more live objects.* allocated grew by [1-9][0-9]\.[0-9] MiB'
like "leak: RSS with it" flat '; RSS grew by'
like "leak: the size class" "$out" '^ +1024 +\+(3[89]|4[01])\.[0-9] MiB'
like "leak: who did it" "$out" '^  forget_some +\+'
like "leak: it is said to be short" "$out" 'too short to tell a start from a leak'
run "$jeprobe" report leak.5.json leak.0.json leak.3.json leak.1.json leak.4.json leak.2.json
like "leak, shuffled: the order of time" "$out" '^leak.0.json to leak.5.json'
like "leak, shuffled: which is told" "$out" 'in the order of their time'

run "$jeprobe" report frag.?.json
like "frag: the verdict" "$out" 'freed objects, but most of their pages are still in'
like "frag: the rule of two dumps" "$out" ' frag-after-shrink'
like "frag: nothing is left" "$out" '^  allocated .* -[0-9.]+ MiB'

run "$jeprobe" report --format json churn.?.json
like "churn: the verdict" "$out" '"verdict": "same"'

run "$jeprobe" report leak.?.json frag.?.json churn.?.json
like "all: three processes" "$out" ' of 3 processes'
is "all: a series each" "$(grep -c ' dumps of one process' "$out")" 3

# check looks at each dump as it did.
run "$jeprobe" check --max-allocated 1G leak.?.json
is "check: a line for each" "$(grep -c '^ok .*allocated' "$out")" 6

jemalloc=
for file in /usr/lib/*/libjemalloc.so.2 /usr/lib/libjemalloc.so.2; do
    [ -f "$file" ] && jemalloc=$file
done
if [ -n "$jemalloc" ]; then
    LD_PRELOAD=$jemalloc ./prog leak 2>stats.txt
    run "$jeprobe" report stats.txt
    like "jemalloc: six prints in one file" "$out" '^6 dumps of one process, over'
    tr '\n' ' ' <"$out" >flat
    like "jemalloc: the verdict" flat 'holds more live objects.* allocated grew by [1-9][0-9]\.[0-9] MiB'
    like "jemalloc: the size class" "$out" '^ +1024 +\+(3[89]|4[01])\.[0-9] MiB'
    MALLOC_CONF=stats_print:false LD_PRELOAD=$jemalloc ./prog churn 2>>stats.txt
    run "$jeprobe" report stats.txt
    like "jemalloc: a second start in the file" "$out" 'The process was started anew'
    is "jemalloc: is another series" "$(grep -c '^6 dumps of one process' "$out")" 2
else
    for name in "six prints in one file" "the verdict" "the size class" \
        "a second start in the file" "is another series"; do
        skip "jemalloc: $name" "no libjemalloc.so.2"
    done
fi

done_testing
