#!/bin/sh
# Series and fleets just on each side of what decides.
. "${0%/*}/../lib.sh"

# track: from lines "ALLOCATED ACTIVE" in MiB, - for what a dump does not tell,
# dumps of one process an hour apart.
track()
{
    awk 'function figure(name, mib) {
            if (mib != "-")
                printf "\"%s\":%.0f,", name, mib * 1048576
        }
        {
            printf "{\"jeprobe\":{\"schema\":1,\"complete\":true,"
            printf "\"wall_ns\":%d000000000,\"monotonic_ns\":1},", 1000000 + NR * 3600
            printf "\"process\":{\"pid\":5,\"uptime_ns\":%d000000000},", NR * 3600
            printf "\"jemalloc\":{\"version\":\"5.3.0-0-gjeprobe\",\"stats\":{"
            figure("allocated", $1)
            figure("active", $2)
            print "\"metadata\":4096}}}"
        }' >track.json
}

# steps VALUE...: allocated, with $pages that do not change.
pages=900
steps()
{
    for value; do
        echo "$value $pages"
    done | track
    run "$jeprobe" report --format json track.json
}

# trend ID KEY: of the last report.
trend()
{
    sed -n "/\"what\": \"$1\"/,/\"steady\"/s/^ *\"$2\": //p" "$out" | tr -d ','
}

# Growth has ended if the second half has less than a quarter of the slope: the
# whole has 85 and 91 an hour, its second half 17 and 27.
steps 100 200 300 400 417 434
like "a fifth of the slope" "$out" '"levelled": true'
steps 100 200 300 400 427 454
like "three tenths of the slope" "$out" '"levelled": false'
steps 100 200 300 300 300
like "five dumps have no halves" "$out" '"levelled": false'
steps 100 200 300 400 - -
like "half of which little is known" "$out" '"levelled": false'
steps 900 800 700 600 500 400
like "what falls has not ended to grow" "$out" '"levelled": false'

# By 10 MiB it moves, by less it is steady.
steps 100 107
is "7 MiB" "$(trend allocated steady)" true
steps 100 113
is "13 MiB" "$(trend allocated steady)" false
# Of 2000 MiB one percent is more.
pages=2000
steps 100 118
is "18 MiB of 2000" "$(trend allocated steady)" true
steps 100 122
is "22 MiB of 2000" "$(trend allocated steady)" false

# What moves about as much back and forth is no growth.
steps 100 190 110 180 120 150
is "to and fro" "$(trend allocated steady)" true
like "to and fro: the verdict" "$out" '"verdict": "same"'

# A figure of one dump has no trend, one of two has.
steps 100 - - -
is "one dump tells" "$(trend allocated first)" ""
steps 100 - - 200
is "two dumps tell" "$(trend allocated first)" 104857600

# ---- fleets ---------------------------------------------------------------

# pod NAME ALLOCATED ACTIVE RESIDENT [RSS], in MiB
pod()
{
    {
        echo '___ Begin jemalloc statistics ___'
        echo 'Version: "5.3.0-0-gabc"'
        awk -v a="$2" -v b="$3" -v r="$4" 'BEGIN { M = 1048576
            printf "Allocated: %.0f, active: %.0f, metadata: %.0f (n_thp 0), ", a * M, b * M, M
            printf "resident: %.0f, mapped: %.0f, retained: 0\n", r * M, (r + 1) * M }'
        echo '--- End jemalloc statistics ---'
        [ $# -lt 5 ] || echo "VmRSS: $(($5 * 1024)) kB"
    } >"$1.txt"
}

fleet()
{
    run "$jeprobe" report --format json ./*.txt
    sed -n '/^ "fleet"/,$p' "$out" >fleet
    order=$(sed -n 's/^ *"file": "\.\/\(.*\)\.txt",/\1/p' fleet | tr '\n' ' ')
}

# The least that is unusual is 10 MiB, where 5 % of the median are less.
for name in a b c d e; do
    pod $name 90 95 100
done
pod f 99 104 109
fleet
like "9 MiB above" fleet '^  "unusual": 0'
pod f 102 107 112
fleet
like "12 MiB above" fleet '^  "unusual": 1'

# Three are enough to say which is unlike the others.
rm ./*.txt
pod a 90 95 100
pod b 90 95 100
pod c 490 495 500
fleet
like "one of three" fleet '^  "unusual": 1'

# The first is who is most above the median in anything, then comes size.
rm ./*.txt
for name in a b c d e; do
    pod $name 900 950 1000
done
pod d 910 960 1010
pod e 905 955 1005
pod x 800 1400 1450
pod y 1350 1400 1475
fleet
is "order" "$order" "x y d e a b c "

# RSS below resident tells nothing of what is outside the allocator, and where
# not all tell the RSS nobody is compared by it.
rm ./*.txt
for name in a b c d e; do
    pod $name 900 950 1000 1001
done
pod f 900 950 1000 990
fleet
like "RSS below resident" fleet '^  "unusual": 0'
is "RSS below resident: who is outside" "$(grep -c '"outside": null' fleet)" 1
pod f 900 950 1000
fleet
is "no RSS: who is outside" "$(grep -c '"outside": null' fleet)" 6

# Muzzy pages are free as dirty ones are.
rm ./*.txt
for name in a b c d e; do
    printf '{"jemalloc":{"version":"5.3.0","stats":{"allocated":943718400,"active":996147200,"metadata":4096,"resident":1048576000,"mapped":1048576000},"stats.arenas":{"merged":{"pdirty":10,"pmuzzy":20}},"arenas":{"page":4096}}}' \
        >$name.txt
done
sed 's/"pmuzzy":20/"pmuzzy":99999/' a.txt >f.txt
fleet
like "muzzy pages" fleet ': 1 in dirty and muzzy pages'

# What is wrong in several: the most bytes first, and the worst severity.
rm ./*.txt
pod a 1000 1400 1420
pod b 1000 2000 2020 6000
severity()
{
    sed -n '/"rule": "slab-waste-high"/,/"severity"/s/^ *"severity": //p' "$1"
}
run "$jeprobe" report --format json a.txt
is "this is worse" "$(severity "$out")" '"medium",'
run "$jeprobe" report --format json b.txt
is "than that" "$(severity "$out")" '"high",'
fleet
is "the worst" "$(severity fleet)" '"high",'
is "the most bytes" "$(sed -n 's/^ *"rule": //p' fleet | head -n 2 | tr -d '\n')" \
    '"rss-above-allocator","slab-waste-high",'

# ---- who is who -----------------------------------------------------------

# process FILE EXE VERSION SECONDS: number 1, as in containers.
process()
{
    printf '{"jeprobe":{"schema":1,"complete":true,"wall_ns":%s000000000,"monotonic_ns":1},"process":{"pid":1,"exe":"%s","uptime_ns":%s000000000},"jemalloc":{"version":"%s","stats":{"allocated":1000,"active":4096,"metadata":4096,"resident":9000,"mapped":9000}}}\n' \
        $((1000000 + $4)) "$2" "$4" "$3" >"$1"
}
process 1.json /app 5.3.0-0-gjeprobe 60
process 2.json /app 5.3.0-0-gjeprobe 120
run "$jeprobe" report 1.json 2.json
like "one program" "$out" '^2 dumps of one process'
process 2.json /other 5.3.0-0-gjeprobe 120
run "$jeprobe" report 1.json 2.json
like "two programs" "$out" '^2 processes'
process 2.json /app 5.3.0-0-gjeprobe 120
process 3.json /other 5.3.0-0-gjeprobe 60
process 4.json /other 5.3.0-0-gjeprobe 120
run "$jeprobe" report --format json 4.json 1.json 3.json 2.json
is "a fleet is of the latest" "$(sed -n '/^ "fleet"/,$s/^ *"file": //p' "$out" |
    sort | tr -d '\n')" '"2.json","4.json",'
{
    cat a.txt
    printf 'Arena 0:\nsystem bytes     =     135168\nin use bytes     =      75168\nTotal (incl. mmap):\nsystem bytes     =     135168\nin use bytes     =      75168\nmax mmap regions =          0\nmax mmap bytes   =          0\n'
} >two.txt
run "$jeprobe" report two.txt
like "two allocators in a file" "$out" '^2 processes'

# A process that has a name says nothing of those that have none.
mimalloc()
{
    echo 'heap stats:     peak       total       freed     current        unit       count'
    printf ' committed: 300 MiB   300 MiB       0     300 MiB\n'
    printf '   elapsed: %s s\n   commits: %s\n' "$1" "$2"
}
mimalloc 10.000 5 >m1.log
mimalloc 20.000 9 >m2.log
run "$jeprobe" report m1.log m2.log 1.json
like "two without a name beside one with" "$out" '^2 dumps of one process'

# Time since the start puts dumps of one run in order; of two it would mix them.
# ran FILE SECONDS ALLOCATIONS
ran()
{
    printf '{"jeprobe":{"schema":1,"complete":true},"process":{"pid":1,"exe":"/app","uptime_ns":%s000000000},"jemalloc":{"version":"5.3.0-0-gjeprobe","stats":{"allocated":1000,"active":4096,"metadata":4096,"resident":9000,"mapped":9000},"stats.arenas":{"merged":{"small":{"allocated":1000,"nmalloc":%s,"ndalloc":0}}}}}\n' \
        "$2" "$3" >"$1"
}
ran 1.json 100 100
ran 2.json 200 200
ran 3.json 150 150
run "$jeprobe" report 1.json 2.json 3.json
like "one run is put in order" "$out" '^1.json to 2.json'
ran 3.json 150 10
ran 4.json 250 20
run "$jeprobe" report 1.json 2.json 3.json 4.json
is "two runs are not mixed" "$(grep -c '^2 dumps of one process' "$out")" 2

# Two clocks may disagree by five seconds on when a process started.
start()
{
    process 1.json /app 5.3.0-0-gjeprobe 3600
    process 2.json /app 5.3.0-0-gjeprobe 7200
    sed "s/\"wall_ns\":1007200/\"wall_ns\":$((1007200 + $1))/" 2.json >x
    mv x 2.json
    run "$jeprobe" report 1.json 2.json
}
start 4
like "four seconds" "$out" '^2 dumps of one process'
start 7
unlike "seven seconds" "$out" '^2 dumps of one process'

# Options do not change while a process lives; what else is set may.
# opted FILE NARENAS SECONDS
opted()
{
    printf '{"jemalloc":{"version":"5.3.0","opt":{"narenas":%s},"stats":{"allocated":1000,"active":4096,"resident":9000},"stats.arenas":{"merged":{"uptime_ns":%s000000000,"small":{"allocated":1000,"nmalloc":%s,"ndalloc":0}}}}}\n' \
        "$2" "$3" "$3" >"$1"
}
opted 1.json 4 60
opted 2.json 4 120
run "$jeprobe" diff --format json 1.json 2.json
like "the same options" "$out" '"same_process": true'
opted 2.json 5 120
run "$jeprobe" diff --format json 1.json 2.json
like "other options" "$out" '"same_process": false'
# Only time grows, or only counters do: not enough without a name.
opted 2.json 4 120
sed 's/"nmalloc":120,"ndalloc":0/"x":0/' 2.json >3.json
run "$jeprobe" diff --format json 1.json 3.json
like "time alone" "$out" '"same_process": false'
sed 's/"uptime_ns":120000000000,//' 2.json >3.json
run "$jeprobe" diff --format json 1.json 3.json
like "counters alone" "$out" '"same_process": false'
sed 's/"nmalloc":120/"nmalloc":59/' 2.json >3.json
run "$jeprobe" diff --format json 1.json 3.json
like "time grows, a counter falls" "$out" '"same_process": false'
# Who runs for longer than there is time since 1970 has a wrong clock, which
# says nothing of when it started.
process 1.json /app 5.3.0-0-gjeprobe 60
process 2.json /app 5.3.0-0-gjeprobe 120
sed 's/"wall_ns":[0-9]*/"wall_ns":5/' 1.json >3.json
run "$jeprobe" diff --format json 3.json 2.json
like "a clock before the start" "$out" '"same_process": true'
# The statistics of mimalloc tell how long it ran.
run "$jeprobe" diff --format json m1.log m2.log
like "mimalloc later" "$out" '"same_process": true'
run "$jeprobe" diff --format json m2.log m1.log
like "mimalloc earlier" "$out" '"same_process": false'

# ---- verdicts of two dumps ------------------------------------------------

# glibc SYSTEM IN-USE RSS, in MiB
glibc()
{
    awk -v s="$1" -v u="$2" 'BEGIN { M = 1048576
        printf "Arena 0:\nsystem bytes     = %10.0f\n", s * M
        printf "in use bytes     = %10.0f\n", u * M
        printf "Total (incl. mmap):\nsystem bytes     = %10.0f\n", s * M
        printf "in use bytes     = %10.0f\n", u * M
        printf "max mmap regions =          9\nmax mmap bytes   = %10.0f\n", 99 * M
    }'
    printf 'VmRSS:\t %d kB\n' $(($3 * 1024))
}
# becomes VERDICT SYSTEM IN-USE RSS
becomes()
{
    wanted=$1
    shift
    glibc "$@" >new
    run "$jeprobe" diff --format json old new
    like "$*: $wanted" "$out" "\"verdict\": \"$wanted\""
}
glibc 200 180 300 >old
becomes same 200 180 307
becomes outside 200 180 313
becomes same 200 180 293
becomes less 200 180 287
becomes same 200 187 300
becomes live-growth 213 193 300
becomes same 193 173 300
becomes less 187 167 300

# jemalloc ALLOCATED ACTIVE MAPPED RETAINED, in MiB
jemalloc()
{
    awk -v a="$1" -v b="$2" -v m="$3" -v r="$4" 'BEGIN { M = 1048576
        printf "{\"jemalloc\":{\"version\":\"5.3.0\",\"stats\":{\"allocated\":%.0f,\"active\":%.0f,\"mapped\":%.0f,\"retained\":%.0f}}}\n", a * M, b * M, m * M, r * M }'
}
turns()
{
    wanted=$1
    shift
    jemalloc "$@" >new
    run "$jeprobe" diff --format json old new
    like "jemalloc $*: $wanted" "$out" "\"verdict\": \"$wanted\""
}
jemalloc 300 400 600 100 >old
turns same 307 400 600 100
turns live-growth 310 400 600 100
turns fragmentation 300 413 600 100
turns same 293 400 600 100
turns less 287 387 600 100
turns shrunk-not-returned 260 385 600 100
turns less 260 370 600 100
turns address-space 300 400 613 100
turns address-space 300 400 600 113
# Of several parts that grew, the one that grew most; what is active holds what
# is allocated.
turns live-growth 320 432 600 100
turns fragmentation 320 448 600 100

# of_parts WANTED GROWTH...: of allocated, tcache, active, metadata and dirty.
parts()
{
    awk -v a="$1" -v t="$2" -v c="$3" -v m="$4" -v d="$5" -v r="$6" 'BEGIN {
        M = 1048576
        printf "{\"jemalloc\":{\"version\":\"5.3.0\",\"arenas\":{\"page\":4096},"
        printf "\"stats\":{\"allocated\":%.0f,", (300 + a) * M
        printf "\"active\":%.0f,\"metadata\":%.0f,", (400 + c) * M, (20 + m) * M
        printf "\"resident\":%.0f,\"mapped\":%.0f},", (500 + r) * M, 900 * M
        printf "\"stats.arenas\":{\"merged\":{\"pdirty\":%.0f,\"tcache_bytes\":%.0f}}}}\n", (40 + d) * 256, (5 + t) * M }'
}
of_parts()
{
    wanted=$1
    shift
    parts "$@" >new
    run "$jeprobe" diff --format json old new
    like "parts $*: $wanted" "$out" "\"verdict\": \"$wanted\""
}
parts 0 0 0 0 0 0 >old
of_parts live-growth 23 0 23 0 0 23
of_parts freed-not-purged 23 0 23 0 91 114
is "which has grown" "$status" 1
of_parts freed-not-purged 23 0 23 0 24 47
of_parts live-growth 23 0 23 0 22 45
of_parts metadata 23 0 23 24 0 47
of_parts live-growth 23 0 23 22 0 45
of_parts metadata 0 0 0 24 23 47
# Free pages alone are what the objects left.
of_parts freed-not-purged -91 0 -91 0 91 0
is "which has not grown" "$status" 0
# Half of the growth, or more, in thread caches.
of_parts thread-caches 24 13 24 0 0 24
of_parts live-growth 24 11 24 0 0 24

done_testing
