#!/bin/sh
# diff of two dumps of gperftools, glibc or mimalloc: what grew, when caches and
# free pages are not among the objects and what is mapped is memory.
. "${0%/*}/../lib.sh"
. "${0%/*}/others.sh"

# verdict NAME STATUS RULE: of old.txt and new.txt.
verdict()
{
    run "$jeprobe" diff --format json old.txt new.txt
    is "$allocator, $1: status" "$status" "$2"
    like "$allocator: $1" "$out" "\"verdict\": \"$1\""
    like "$allocator, $1: the rule" "$out" "\"rule\": $3,"
}

allocator=tcmalloc
tcmalloc 100 20 30 5 3 40 >old.txt
# tcmalloc_to NAME STATUS RULE FIGURE...
tcmalloc_to()
{
    name=$1 wanted=$2 rule=$3
    shift 3
    tcmalloc "$@" >new.txt
    verdict "$name" "$wanted" "$rule"
}
tcmalloc_to same 0 null 109 20 30 5 3 40
tcmalloc_to live-growth 1 '"true-leak"' 150 20 30 5 3 40
# Caches are no part of what is in use: that they grew, too, makes no leak less.
tcmalloc_to live-growth 1 '"true-leak"' 140 20 30 25 3 40
tcmalloc_to thread-caches 1 '"tcmalloc-percpu-cache"' 100 20 30 25 3 40
tcmalloc_to fragmentation 1 '"tcmalloc-central"' 100 20 60 5 3 40
tcmalloc_to shrunk-not-returned 0 '"tcmalloc-central"' 60 20 70 5 3 40
tcmalloc_to freed-not-purged 0 '"tcmalloc-pageheap"' 60 60 30 5 3 40
tcmalloc_to freed-not-purged 1 '"tcmalloc-pageheap"' 100 60 30 5 3 40
tcmalloc_to metadata 1 null 100 20 30 5 20 40
# Two kinds gain less than the threshold, together they do not.
tcmalloc_to resident 1 null 100 29 39 5 3 40
tcmalloc_to same 0 null 100 24 34 5 3 40
# All that was freed went back.
tcmalloc_to less 0 null 60 20 30 5 3 80
tcmalloc_to address-space 0 '"retained-benign"' 100 20 30 5 3 80

allocator=glibc
glibc 200 180 30 >old.txt
# glibc_to NAME STATUS RULE FIGURE...
glibc_to()
{
    name=$1 wanted=$2 rule=$3
    shift 3
    glibc "$@" >new.txt
    verdict "$name" "$wanted" "$rule"
}
glibc_to same 0 null 205 186 30
glibc_to live-growth 1 '"true-leak"' 230 210 30
glibc_to live-growth 1 '"true-leak"' 200 180 50
glibc_to fragmentation 1 '"glibc-untrimmed"' 260 180 30
glibc_to shrunk-not-returned 0 '"glibc-untrimmed"' 200 120 30
glibc_to less 0 null 140 120 30
run "$jeprobe" diff old.txt old.txt
like "free chunks are told" "$out" 'Nothing has changed'
{ cat old.txt; printf '\nVmRSS:\t  240000 kB\n'; } >with_rss.txt
mv with_rss.txt old.txt
{ glibc 200 180 30; printf '\nVmRSS:\t  300000 kB\n'; } >new.txt
verdict outside 1 '"rss-above-allocator"'

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
# mimalloc_to NAME STATUS RULE FIGURE...
mimalloc_to()
{
    name=$1 wanted=$2 rule=$3
    shift 3
    mimalloc "$@" >new.txt
    verdict "$name" "$wanted" "$rule"
}
mimalloc 300 200 >old.txt
mimalloc_to same 0 null 305 202
mimalloc_to live-growth 1 '"true-leak"' 400 300
mimalloc_to fragmentation 1 '"mimalloc-purge-idle"' 400 200
mimalloc_to shrunk-not-returned 0 '"mimalloc-purge-idle"' 300 100
mimalloc_to less 0 null 200 100
mimalloc 300 >old.txt
mimalloc_to resident 1 '"mimalloc-purge-idle"' 400
mimalloc_to same 0 null 300
mimalloc_to less 0 null 200

# Two moments of a process know each other by what only grows.
at()
{
    mimalloc 300
    printf '   elapsed: %s s\n   commits: %s\n' "$1" "$2"
}
at 10.000 5 | sed '/process:/d' >old.txt
at 20.000 9 | sed '/process:/d' >new.txt
run "$jeprobe" diff --format json old.txt new.txt
like "time and counters grow" "$out" '"same_process": true'
run "$jeprobe" diff --format json new.txt old.txt
like "they never fall" "$out" '"same_process": false'
# Of different allocators only the RSS compares; other figures do not even if
# they have one name.
rollup()
{
    echo '5581a0000000-7ffd00000000 ---p 00000000 00:00 0    [rollup]'
    echo "Rss:            $(($1 * 1024)) kB"
}
allocator=different
{ tcmalloc 100 20 30 5 3 40 && rollup 200; } >old.txt
totals='Allocated: %d, active: %d, metadata: 4194304, resident: %d, mapped: %d\n'
# jemalloc ALLOCATED RSS, in MiB
jemalloc()
{
    # shellcheck disable=SC2059
    printf "$totals" "$(($1 << 20))" "$((($1 + 1) << 20))" \
        "$((($1 + 8) << 20))" "$((($1 + 9) << 20))"
    rollup "$2"
}
jemalloc 150 205 >new.txt
verdict not-comparable 0 null
run "$jeprobe" report --series --format json old.txt new.txt
like "a series of them: verdict" "$out" '"verdict": "not-comparable"'
like "a series of them: no growth" "$out" '"grown": false'
jemalloc 150 230 >new.txt
verdict not-comparable 1 null
run "$jeprobe" report --series --format json old.txt new.txt
like "a series of them: growth of the RSS" "$out" '"grown": true'
# Those of one allocator do.
jemalloc 100 200 >old.txt
verdict live-growth 1 '"true-leak"'

# Where active is unknown nothing is said of the pages of freed objects.
allocator="jemalloc without active"
echo '{"jemalloc": {"stats": {"allocated": 209715200}}}' >old.txt
echo '{"jemalloc": {"stats": {"allocated": 104857600}}}' >new.txt
verdict less 0 null

done_testing
