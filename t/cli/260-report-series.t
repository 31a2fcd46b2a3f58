#!/bin/sh
# Several dumps of one process: what they are taken for, the verdict with bytes
# and rates, the rows, and the forms for issues and programs.
. "${0%/*}/../lib.sh"

# series N SECONDS ALLOCATED ACTIVE METADATA DIRTY RETAINED: N statistics that
# far apart, each figure growing by so many MiB from one to the next.
series()
{
    awk -v n="$1" -v step="$2" -v a="$3" -v b="$4" -v m="$5" -v d="$6" \
        -v v="$7" -v from="${8:-600}" 'BEGIN { M = 1048576
        for (i = 0; i < n; i++) {
            A = (200 + a * i) * M; B = (240 + b * i) * M; D = (10 + d * i) * M
            E = (5 + m * i) * M; R = B + D + E; V = (50 + v * i) * M
            print "___ Begin jemalloc statistics ___"
            print "Version: \"5.3.0-0-gabc\""
            printf "Allocated: %d, active: %d, metadata: %d (n_thp 0), ", A, B, E
            printf "resident: %d, mapped: %d, retained: %d\n", R, R + M, V
            print "Page size: 4096"
            print "Merged arenas stats:"
            print "assigned threads: 4"
            printf "uptime: %.0f\n", (from + i * step) * 1e9
            print "dss allocation precedence: \"secondary\""
            print "decaying:  time       npages       sweeps     madvises       purged"
            printf "   dirty:   N/A %12d %12d %12d %12d\n", D / 4096, 10 + i, 20 + i, 100 + i
            print "   muzzy:   N/A            0            0            0            0"
            print "                            allocated         nmalloc         ndalloc       nrequests"
            printf "small: %36d %15d %15d %15d\n", A, 1000 + 50 * i + from, 500 + 20 * i, 1000
            printf "large: %36d %15d %15d %15d\n", 0, 0, 0, 0
            printf "total: %36d %15d %15d %15d\n", A, 1000 + 50 * i + from, 500 + 20 * i, 1000
            print ""
            printf "active: %35d\n", B
            printf "mapped: %35d\n", R + M
            printf "retained: %33d\n", V
            printf "base: %37d\n", E
            printf "internal: %33d\n", 0
            printf "tcache_bytes: %29d\n", 0
            printf "resident: %33d\n", R
            print "--- End jemalloc statistics ---"
        } }'
}

# verdict ID GROWN GROWTH...: of eight dumps that are half an hour apart
verdict()
{
    name=$1
    grown=$2
    shift 2
    series 8 1800 "$@" >in.txt
    run "$jeprobe" report --format json in.txt
    is "$name: status" "$status" 0
    like "$name: verdict" "$out" "^    \"verdict\": \"$name\""
    like "$name: grown" "$out" "^    \"grown\": $grown"
}

#                           allocated active metadata dirty retained
verdict live-growth true            8      8        0     0        0
verdict fragmentation true          0      8        0     0        0
verdict metadata true               0      0        4     0        0
verdict freed-not-purged false      0      0        0     4        0
verdict shrunk-not-returned false -10     -1        0     0        0
verdict address-space false         0      0        0     0       80
verdict less false                -10    -10        0     0        0
verdict same false                0.1    0.1        0     0        0

# 7 steps of 8 MiB in 3.5 hours are 56 MiB, 16 MiB an hour.
series 8 1800 8 9.6 0 0 0 >leak.txt
run "$jeprobe" report leak.txt
is "one file: status" "$status" 0
like "how many, over what time" "$out" '^8 dumps of one process, over 3 h 30 min$'
tr '\n' ' ' <"$out" >flat
like "the verdict has bytes and a rate" flat \
    'a leak, or more to do: allocated grew by 56.0 MiB in 3 h 30 min, 16.0 MiB an hour \(95 %: 16.0 MiB to 16.0 MiB\)\.'
like "each figure" "$out" \
    '^  allocated +200.0 MiB 256.0 MiB +\+56.0 MiB +\+16.0 MiB  [_.,=+*#-]{8}$'
like "what stands still" "$out" '^  metadata +5.0 MiB +5.0 MiB +steady'
is "a row for each dump" "$(grep -c '^+[0-9]' "$out")" 8
like "the first row" "$out" '^\+0.00 s .* 200.0 MiB'
like "the last row" "$out" '^\+3.50 h .* 256.0 MiB'
like "the findings are of the last dump" "$out" '^leak.txt \(8 of 8\): jemalloc 5.3.0'
is "one ledger" "$(grep -c '^Where it is' "$out")" 1
like "a leak without a pause is found" "$out" '^CRITICAL  true-leak'
is "80 columns" "$(awk 'length > 80' "$out")" ""
unlike "no blank at the end of a line" "$out" ' $'

COLUMNS=50 "$jeprobe" report leak.txt >narrow
unlike "narrow: no blank at the end of a line" narrow ' $'
like "narrow: no bar, no heading of it" narrow '^Time .* metadata$'

# One peak among the dumps bends nothing.
{ series 4 1800 0 0 0 0 0; series 1 1 0 0 0 0 0 7800 |
    sed 's/209715200/909715200/g; s/251658240/951658240/g; s/267386880/967386880/g'
  series 4 1800 0 0 0 0 0 9600; } >peak.txt
run "$jeprobe" report --format json peak.txt
like "one peak is no growth" "$out" '"verdict": "same"'
like "all are one series" "$out" '"allocated": 909715200'

# Growth that ends in the middle.
{ series 6 1800 20 20 0 0 0; series 6 1800 0 0 0 0 0 11400 |
    sed 's/209715200/314572800/g; s/251658240/356515840/g; s/267386880/372244480/g'; } >level.txt
run "$jeprobe" report --format json level.txt
like "growth that has ended: verdict" "$out" '"verdict": "live-growth"'
like "growth that has ended: said" "$out" '"levelled": true'
run "$jeprobe" report --format json leak.txt
like "growth that goes on" "$out" '"levelled": false'

# Hundreds of dumps take no more room than some.
series 300 60 1 1 0 0 0 >many.txt
run "$jeprobe" report many.txt
like "rows in the middle are left out" "$out" '^\.\.\. +281 dumps between are left out$'
is "a screenful" "$(grep -c '^+[0-9]' "$out")" 19

# Too few, and too short.
series 2 1800 8 8 0 0 0 >two.txt
run "$jeprobe" report two.txt
like "two dumps are no trend" "$out" 'Two dumps show a change, not a trend'
unlike "two dumps have no rate in words" "$out" ', [0-9.]+ MiB an hour'
series 5 10 8 8 0 0 0 >short.txt
run "$jeprobe" report short.txt
like "forty seconds are no trend" "$out" '40.0 s is too short to tell a start'

# The process was started anew: counters fall.
{ cat leak.txt; series 3 1800 8 8 0 0 0 60; } >again.txt
run "$jeprobe" report again.txt
is "a new start makes two series" "$(grep -c ' dumps of one process' "$out")" 2
like "the first of them" "$out" '^8 dumps of one process'
like "the second of them" "$out" '^3 dumps of one process'
like "and is told" "$out" 'The process was started anew'
unlike "they are no fleet" "$out" 'processes'

{ cat leak.txt; series 1 1800 8 8 0 0 0 60; } >once.txt
run "$jeprobe" report once.txt
like "one dump after it is no series" "$out" '^8 dumps of one process'
like "but not kept quiet" "$out" '^Left out: once.txt \(9\), the only dump of another start'

# Several files.
i=0
while [ $i -lt 4 ]; do
    series 1 1 0 0 0 0 0 $((600 + i * 3600)) |
        sed "s/209715200/$((209715200 + i * 31457280))/g" >f$i.txt
    i=$((i + 1))
done
run "$jeprobe" report f0.txt f1.txt f2.txt f3.txt
like "files in a row are one process" "$out" '^4 dumps of one process, over 3 h'
tr '\n' ' ' <"$out" >flat
like "what that rests on is told" flat 'Taken for one process, because time and all counters only grow'
# In one file time and counters are enough, and without them it is a guess.
run "$jeprobe" report leak.txt
unlike "one file that shows it: no guess" "$out" 'Taken for'
run "$jeprobe" report --format json leak.txt
like "one file that shows it: JSON" "$out" '"assumed": false'
grep -v '^uptime' leak.txt >timeless.txt
run "$jeprobe" report timeless.txt
tr '\n' ' ' <"$out" >flat
like "one file without time" flat 'Taken for one process, because they are in one file and nothing'
run "$jeprobe" report --format json timeless.txt
like "one file without time: JSON" "$out" '"assumed": true'
grep -vE '^(small|large|total):|^   (dirty|muzzy):' leak.txt >callless.txt
run "$jeprobe" report callless.txt
like "one file without counters" "$out" '^Taken for one process'
run "$jeprobe" report --series callless.txt
unlike "asked for it is no guess" "$out" 'Taken for'
# What names it ends all guessing, and another version is another process.
for i in 0 1; do
    series 1 1 0 0 0 0 0 0 | grep -vE '^uptime|^(small|large|total):'
    printf 'Name:\tserver\nPid:\t4711\nVmRSS:\t  400000 kB\nThreads:\t4\n'
done >named.txt
run "$jeprobe" report named.txt
like "a status that names it" "$out" '^2 dumps of one process, number 4711, server'
unlike "is no guess" "$out" 'Taken for'
{ series 3 1800 0 0 0 0 0; series 3 1800 0 0 0 0 0 6000 | sed 's/5\.3\.0/5.2.1/'; } >versions.txt
run "$jeprobe" report versions.txt
is "two versions are two series" "$(grep -c '^3 dumps of one process' "$out")" 2
tr '\n' ' ' <"$out" >flat
like "and is told" flat 'started anew before the first of these: .* its allocator is of another version'
run "$jeprobe" report --series versions.txt
like "unless one series is asked for" "$out" '^6 dumps of one process'
run "$jeprobe" report f3.txt f2.txt f1.txt f0.txt
like "backwards, too" "$out" '^4 dumps of one process, over 3 h'
like "and that is told" "$out" 'in the order of their time'
run "$jeprobe" report f1.txt f0.txt f3.txt f2.txt
like "in no order they are a fleet" "$out" 'of 4 processes'
run "$jeprobe" report --series f1.txt f0.txt f3.txt f2.txt
like "unless that is asked for" "$out" '^4 dumps of one process'
run "$jeprobe" report --fleet f0.txt f1.txt f2.txt f3.txt
like "or the other" "$out" 'of 4 processes'
run "$jeprobe" report --fleet --series f0.txt f1.txt
is "not both" "$status" 2
# More files than are kept, and one that cannot be read twice.
cp f0.txt a0.txt
for i in 1 2 3 4 5 6; do
    series 1 1 0 0 0 0 0 $((600 + i * 3600)) >a$i.txt
done
run "$jeprobe" report a0.txt a1.txt a2.txt a3.txt a4.txt a5.txt a6.txt
like "seven files" "$out" '^7 dumps of one process, over 6 h'
series 1 1 0 0 0 0 0 60000 | "$jeprobe" report a0.txt a1.txt a2.txt a3.txt \
    a4.txt a5.txt a6.txt - >piped 2>&1
like "and standard input" piped '^8 dumps of one process'
like "which is the last" piped '^\(standard input\): jemalloc'
run "$jeprobe" report a0.txt missing.txt a1.txt
is "one that is missing: status" "$status" 3
like "one that is missing: the others" "$out" '^2 dumps of one process'

# Programs.
run "$jeprobe" report --format json leak.txt
for line in '"clock": "uptime"' '"seconds": 12600' '"change": 58720256' \
    '"per_hour": 16777216' '"steady": false' '"restart": false' \
    '"report": 7' '"figure": "allocated"' '"rule": "true-leak"'; do
    like "JSON: $line" "$out" "$line"
done
is "JSON: all reports" "$(grep -c '^   "source"' "$out")" 8
if command -v python3 >/dev/null; then
    ok "JSON is JSON" python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
p = d["series"]["processes"][0]
assert d["reports"][p["rows"][7]["report"]]["summary"]["allocated"] == 268435456
assert any(f["rule"] == "true-leak" for f in d["reports"][7]["findings"])
assert "fleet" not in d' "$out"
else
    skip "JSON is JSON" "there is no python3"
fi

run "$jeprobe" report --format markdown leak.txt
like "Markdown: the verdict" "$out" '^\*\*The program holds more live objects.*56\.0 MiB'
like "Markdown: figures" "$out" '^\| allocated \| 200.0 MiB \| 256.0 MiB \| 56.0 MiB \| 16.0 MiB \|$'
is "Markdown: a row for each dump" "$(grep -c '`leak.txt ([0-9])` |$' "$out")" 8

# Notes of all of them, and not of the last one alone: each names its file, and
# what is the same in many of them is said once.
series 1 1 0 0 0 0 0 4200 | sed 's/^/    /' >n1.txt
series 1 1 0 0 0 0 0 7800 | sed 's/$/\r/' >n2.txt
series 1 1 0 0 0 0 0 11400 | sed '/^Version/d; s/$/\r/' >n3.txt
# notes FORMAT: of the three, on one line
notes()
{
    run "$jeprobe" report --series --format "$1" n1.txt n2.txt n3.txt
    tr '\n' ' ' <"$out" >flat
}
for format in text markdown; do
    notes $format
    like "$format: a note of the first" flat 'note: n1\.txt, line 1: [^:]*indented'
    like "$format: the same of two" flat \
        'note: in 2 of 3 dumps, first in n2\.txt, line 1: lines end in carriage'
    like "$format: what is missing in all" flat \
        'note: in 2 of 3 dumps, first in n1\.txt: not in it: options'
    like "$format: what is missing in one" flat 'note: n3\.txt: not in it: version, options'
    is "$format: no more than once" "$(grep -o 'carriage returns' "$out" | wc -l | tr -d ' ')" 1
done
run "$jeprobe" report --fleet n1.txt n2.txt n3.txt
like "a fleet: a note of the first" "$out" '^note: n1\.txt, line 1: '
is "a fleet: no more than once" "$(grep -o 'carriage returns' "$out" | wc -l | tr -d ' ')" 1
cp n2.txt n1.txt
run "$jeprobe" report --series n1.txt n2.txt
tr '\n' ' ' <"$out" >flat
like "both have it" flat 'note: in both dumps, first in n1\.txt, line 1: lines end in'
like "both lack it" flat 'note: in both dumps: not in it: options'
run "$jeprobe" report --series n1.txt n2.txt n2.txt
like "all lack it" "$out" '^note: in all 3 dumps: not in it: options'
# Twice in one of them is not in two of them.
for i in 1 2; do
    printf '{"jeprobe":{"schema":1,"complete":true},"jemalloc":{"stats":{"active":4096%s}%s}}\n' \
        "$([ $i = 2 ] || echo ',"allocated":-7')" \
        "$([ $i = 2 ] || echo ',"stats.arenas":{"merged":{"small":{"allocated":-7}}}')" >t$i.json
done
run "$jeprobe" report --series t1.json t2.json
tr '\n' ' ' <"$out" >flat
like "twice in one dump" flat 'note: 2 times, first in t1\.json, line 1: "allocated" is '

# Hundreds of notes are no report: four times ten of them.
i=0
while [ $i -lt 4 ]; do
    {
        printf '{"jeprobe":{"schema":1,"complete":true},"jemalloc":{"stats":{"mapped":%d' $i
        for key in allocated active metadata resident retained; do
            printf ',"%s":-%d' $key $((i + 1))
        done
        printf '},"stats.arenas":{"merged":{"nthreads":4'
        for key in base internal pdirty pmuzzy tcache_bytes; do
            printf ',"%s":-%d' $key $((i + 1))
        done
        printf '}}}}\n'
    } >m$i.json
    i=$((i + 1))
done
run "$jeprobe" report --series m0.json m1.json m2.json m3.json
is "hundreds of notes: some" "$(grep -c '^note: m[0-3].json, line 1: ' "$out")" 30
like "hundreds of notes: the rest" "$out" '^note: 10 more notes are in the JSON report'
run "$jeprobe" report --series --format json m0.json m1.json m2.json m3.json
is "hundreds of notes: they are" "$(grep -c '"text": ".*: left out"' "$out")" 40

done_testing
