#!/bin/sh
# Dumps that a real jemalloc writes now: text and JSON, all letters.
. "${0%/*}/../lib.sh"

library=
for file in /usr/lib/*/libjemalloc.so.2 /usr/lib64/libjemalloc.so.2 \
    /usr/lib/libjemalloc.so.2; do
    [ -f "$file" ] && library=$file
done
[ -n "$library" ] || skip_all "no libjemalloc.so.2"
build prog <<'END' || bail "cannot build the program"
#include <stdlib.h>
#include <string.h>

static void *kept[20000];

int
main(void)
{
    for (size_t i = 0; i < 20000; i++) {
        kept[i] = malloc(i % 700 + 1 + (i % 500 == 0) * 20000);
        memset(kept[i], 1, i % 700 + 1);
    }
    for (size_t i = 0; i < 20000; i++)
        if (i % 7 != 0)
            free(kept[i]);
    return 0;
}
END

# jemalloc writes its statistics to standard error when the program ends.
dump()
{
    LD_PRELOAD=$library MALLOC_CONF=$1 ./prog 2>"$2"
}

value()
{
    sed -n "s/^ *\"$1\": \([^,]*\),*$/\1/p" "$out" | head -n 1
}

for letters in '' J a Jmdablxe bl Jbl x Jx g; do
    dump "stats_print:true,narenas:2,stats_print_opts:$letters" dump.txt
    run "$jeprobe" report --format json dump.txt
    is "opts '$letters' is read" "$status" 0
    is "opts '$letters' is complete" "$(value complete)" true
    is "opts '$letters': no warning" "$(value warnings)" '[]'
    like "opts '$letters': allocated is known" "$out" '"allocated": [0-9]'
done

dump "stats_print:true,narenas:2" text.txt
run "$jeprobe" report --format json text.txt
# A run of one process: the identities hold to 8 KiB.
rest=$(awk '/"what": "unexplained"/ { getline; getline
            gsub(/[^-0-9]/, ""); print }' "$out")
[ -n "$rest" ] && [ "$rest" -le 8192 ] && [ "$rest" -ge -8192 ] &&
    pass "nearly nothing is unexplained" ||
    fail "nearly nothing is unexplained" "rest: $rest"
for key in dirty slab_holes padding tcache base; do
    like "$key is known" "$out" "\"$key\": [0-9]"
done

done_testing
