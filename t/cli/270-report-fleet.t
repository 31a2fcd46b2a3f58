#!/bin/sh
# Many processes: who is unlike the others and in what, what all have in common,
# and details of the worst alone.
. "${0%/*}/../lib.sh"

# pod FILE ALLOCATED ACTIVE METADATA RESIDENT, in MiB
pod()
{
    awk -v a="$2" -v b="$3" -v m="$4" -v r="$5" 'BEGIN { M = 1048576
        print "___ Begin jemalloc statistics ___"
        print "Version: \"5.3.0-0-gabc\""
        printf "Allocated: %.0f, active: %.0f, metadata: %.0f (n_thp 0), ", a*M, b*M, m*M
        printf "resident: %.0f, mapped: %.0f, retained: 0\n", r*M, (r+1)*M
        print "--- End jemalloc statistics ---" }' >"$1"
}

# Twelve of about 1000 MiB that waste 400; one holds 700 more objects, one 600
# more metadata.
i=10
while [ $i -lt 22 ]; do
    pod pod$i.txt $((1000 + i)) $((1400 + i)) 20 $((1430 + i))
    i=$((i + 1))
done
pod pod30.txt 1710 2110 20 2140
pod pod31.txt 1010 1410 620 2040
run "$jeprobe" report pod*.txt
is "status" "$status" 0
tr '\n' ' ' <"$out" >flat
like "who is unusual, and in what" flat \
    '^2 of 14 processes are unusual: 2 in resident, 1 in allocated, 1 in metadata\. '
like "the worst comes first" "$out" '^pod30.txt +\*2.09 GiB +\*1.67 GiB +400.0 MiB +20.0 MiB$'
is "then the other" "$(sed -n '/^Process/,$ s/^pod31.*/it is/p' "$out" | head -n 1)" "it is"
is "one line each" "$(grep -c '^pod[0-9]*.txt  ' "$out")" 14
# Of 1440 to 1451, 2040 and 2140 those in the middle are 1446 and 1447; of 1010,
# 1010 to 1021 and 1710, 1015 and 1016.
like "the median" "$out" '^median +1.41 GiB +1015 MiB'
like "one is in full" "$out" '^Unusual: resident [0-9.]+ MiB above the median, allocated'
is "one ledger" "$(grep -c '^Where it is' "$out")" 1
# Of the thirteenth it is worth a note alone.
like "what they have in common" "$out" '^[A-Z]+ +slab-waste-high +13 +1\.86 GiB +146.2 MiB$'
is "80 columns" "$(awk 'length > 80' "$out")" ""
unlike "no blank at the end of a line" "$out" ' $'
# Wherever the table ends, no line is wider than the terminal.
mkdir "a-directory-with-a-rather-long-name-for-a-fleet"
for pod in pod*.txt; do
    { cat $pod; printf 'Name:\tpod\nVmRSS:\t 2500000 kB\n'; } \
        >"a-directory-with-a-rather-long-name-for-a-fleet/$pod"
done
for width in 80 100 119 120 140 160; do
    COLUMNS=$width "$jeprobe" report a-directory*/pod*.txt >wide
    is "$width columns" "$(awk -v w=$width 'length > w' wide)" ""
done
like "wide: the worst finding" wide '^\.\..*pod31.txt .* metadata-edata-fragmented-vm$'
run "$jeprobe" report --top 2 pod*.txt
is "--top 2: two in full" "$(grep -c '^Where it is' "$out")" 2

# All alike: the floor keeps 20 MiB of 1446 from being unusual.
pod pod30.txt 1020 1420 20 1462
pod pod31.txt 1010 1410 20 1441
run "$jeprobe" report pod*.txt
like "none is unusual" "$out" '^None of 14 processes is unusual\. '
like "the largest is in full" "$out" '^The largest:'
# 5 % of the median of 1445.5 MiB are 72.3: just below, and just above.
pod pod30.txt 1016 1416 20 1517
run "$jeprobe" report --format json pod*.txt
like "below the floor" "$out" '^  "unusual": 0'
pod pod30.txt 1016 1416 20 1519
run "$jeprobe" report --format json pod*.txt
like "above the floor" "$out" '^  "unusual": 1'

run "$jeprobe" report pod10.txt pod11.txt
like "two say nothing" "$out" '^2 processes: too few'
run "$jeprobe" report pod10.txt pod11.txt pod30.txt
like "three say little" "$out" 'So few say little'

# Hundreds.
i=100
while [ $i -lt 400 ]; do
    pod big$i.txt $((1000 + i % 9)) $((1100 + i % 9)) 20 $((1130 + i % 9))
    i=$((i + 1))
done
pod big250.txt 3000 3100 20 3130
run "$jeprobe" report big*.txt
is "hundreds: status" "$status" 0
like "hundreds: one is found" "$out" '^1 of 300 processes is unusual'
like "hundreds: the rest are counted" "$out" '^\.\.\. and 276 more'
ok "hundreds: two screens" test "$(wc -l <"$out")" -lt 90

# Processes with several dumps each, among others: a fleet of the latest ones,
# and a series each. In containers all have the number 1.
# own FILE PID START UPTIME ALLOCATED: seconds, MiB
own()
{
    printf '{"jeprobe":{"schema":1,"complete":true,"wall_ns":%s000000000,"monotonic_ns":1},"process":{"pid":%s,"exe":"/app","uptime_ns":%s000000000},"jemalloc":{"version":"5.3.0-0-gjeprobe","stats":{"allocated":%s,"active":%s,"metadata":4096,"resident":%s,"mapped":%s}}}\n' \
        $(($3 + $4)) "$2" "$4" $(($5 * 1048576)) $(($5 * 1048576)) \
        $(($5 * 1048576 + 4096)) $(($5 * 1048576 + 8192)) >"$1"
}
for i in 1 2 3; do
    own a$i.json 1 1000000 $((i * 3600)) $((100 + i * 50))
    own b$i.json 1 1000900 $((i * 3600)) 100
    own c$i.json 7 1000000 $((i * 3600)) 100
done
run "$jeprobe" report c3.json a2.json b1.json a1.json b3.json c1.json a3.json b2.json c2.json
is "nine dumps: status" "$status" 0
like "are of three processes" "$out" '^None of 3 processes|of 3 processes'
is "each a series" "$(grep -c '^3 dumps of one process' "$out")" 3
like "in the order of time" "$out" '^a1.json to a3.json'
like "one of which grows" "$out" '^  allocated +150.0 MiB 250.0 MiB +\+100.0 MiB +\+50.0 MiB'
unlike "no finding, no word on where it is from" "$out" 'Found in the latest'
# What is wrong in each is counted from its latest dump alone; what takes time
# is told with the series.
for i in 1 2 3; do
    for p in 3 4; do
        live=$((1000 + i * 100))
        own w$p$i.json $p 1000000 $((i * 3600)) $((live * 13 / 10))
        sed "s/\"allocated\":[0-9]*/\"allocated\":$((live * 1048576))/" \
            w$p$i.json >x
        mv x w$p$i.json
    done
done
run "$jeprobe" report w??.json
like "findings of the latest" "$out" '^[A-Z]+ +slab-waste-high +2 '
like "what they are not" "$out" '^Found in the latest dumps, each alone: what takes'
is "no leak among them" \
    "$(sed -n '/^Findings/,/^Found/p' "$out" | grep -c true-leak)" 0
like "the leak is told with the series" "$out" '^[A-Z]+ +true-leak'
run "$jeprobe" report --format markdown w??.json
like "what they are not, in Markdown" "$out" '^Found in the latest dumps, each'
run "$jeprobe" report w?3.json
like "findings of single dumps" "$out" '^[A-Z]+ +slab-waste-high +2 '
unlike "single dumps need no word" "$out" 'Found in the latest'
# The same number and a later start: after the end it is a restart.
own d1.json 1 1000000 3600 100
own d2.json 1 1000000 7200 100
own d3.json 1 1010000 3600 100
own d4.json 1 1010000 7200 100
run "$jeprobe" report d?.json
is "a restart is two series" "$(grep -c '^2 dumps of one process' "$out")" 2
like "and is told" "$out" 'The process was started anew'
unlike "and no fleet" "$out" 'processes'
own d4.json 1 1002000 7200 100
run "$jeprobe" report d1.json d2.json d4.json
like "at the same time it is another process" "$out" '^2 processes'

# Mixed allocators.
printf 'MALLOC:     1073741824 ( 1024.0 MiB) Bytes in use by application\nMALLOC: +            0 (    0.0 MiB) Bytes in page heap freelist\nMALLOC: +            0 (    0.0 MiB) Bytes in central cache freelist\nMALLOC: +            0 (    0.0 MiB) Bytes in transfer cache freelist\nMALLOC: +            0 (    0.0 MiB) Bytes in thread cache freelists\nMALLOC: +      4194304 (    4.0 MiB) Bytes in malloc metadata\nMALLOC:   ------------\nMALLOC: =   1077936128 ( 1028.0 MiB) Actual memory used (physical + swap)\n' >tc.txt
run "$jeprobe" report pod1*.txt tc.txt
is "mixed allocators: status" "$status" 0
like "mixed allocators" "$out" '^tc.txt +1.00 GiB'

# What a program printed of two allocators: one of them has nothing.
unlike "files of their own are no sign of one process" "$out" 'may be of one process'
. "$top_srcdir/t/cli/others.sh"
pod unused.txt 0 0 3 3
glibc 90 80 10 >>unused.txt
run "$jeprobe" report unused.txt
tr '\n' ' ' <"$out" >flat
like "two allocators in one file" flat \
    'Dumps of different allocators in one file may be of one process, which uses both\.'
like "one of them is not used" "$out" '^NOTE +stats-disabled +1$'
# What glibc took from the system, as its totals have it.
like "size: of other allocators" "$out" '^unused.txt \(2\) +100\.0 MiB +90\.0 MiB '
run "$jeprobe" report --format markdown unused.txt
like "Markdown: it is told, too" "$out" '^\*\*2 processes: .* may be of one process'
like "Markdown: so is what is not used" "$out" '^\| `stats-disabled` \| NOTE \| 1 \|  \|$'
like "Markdown: the columns that there are" "$out" \
    '^\| process \| size \| allocated \| waste \| metadata \| unusual in \|$'
like "Markdown: as many cells" "$out" '^\| `unused.txt \(2\)` \| 100.0 MiB \| 90.0 MiB \|  \|  \|  \|$'

# Programs and issues.
run "$jeprobe" report --format json pod*.txt
is "JSON: all reports" "$(grep -c '^   "source"' "$out")" 14
like "JSON: what it is unusual in" "$out" '^     "size"$'
like "JSON: common findings" "$out" '"rule": "slab-waste-high"'
if command -v python3 >/dev/null; then
    ok "JSON is JSON" python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
f = d["fleet"]
assert f["processes"] == 14 and "series" not in d
assert f["rows"][0]["file"] == "pod30.txt"
assert d["reports"][f["rows"][0]["report"]]["source"]["file"] == "pod30.txt"
assert f["rows"][0]["z"]["dirty"] is None' "$out"
else
    skip "JSON is JSON" "there is no python3"
fi
cp pod30.txt 'a|b<i>.txt'
run "$jeprobe" report --format markdown pod*.txt 'a|b<i>.txt'
like "Markdown: the unusual one is bold" "$out" '^\| `pod30.txt` \| \*\*1.48 GiB\*\* \|'
unlike "Markdown: no bar ends a cell" "$out" 'a[|]b'

# Two processes in one log, told apart by what the logger writes before each
# line: one grows, the other does not, and neither jumps between the two.
awk 'BEGIN {
    for (i = 1; i <= 5; i++)
        for (p = 1; p <= 2; p++) {
            a = p == 1 ? i * 104857600 : 419430400
            t = sprintf("Nov 27 10:0%d:00 host app[7%d]: ", i, p)
            print t "___ Begin jemalloc statistics ___"
            printf "%sAllocated: %.0f, active: %.0f, metadata: 4096000, resident: %.0f, mapped: %.0f, retained: 0\n",
                t, a, a + 4194304, a + 8388608, a + 16777216
            print t "--- End jemalloc statistics ---"
        }
}' </dev/null >two.log
run "$jeprobe" report --format json two.log
is "two processes of a log" "$(grep '"verdict": "' "$out" | tr -d ' ,')" \
    '"verdict":"live-growth"
"verdict":"same"'
run "$jeprobe" report two.log
like "each with its dumps" "$out" '^two\.log \(1\) to two\.log \(9\)$'
like "and the other" "$out" '^two\.log \(2\) to two\.log \(10\)$'

# More processes in one log than are followed at the same time: a later one is
# not the one whose place it takes.
i=1
while [ $i -le 10 ]; do
    pod one.txt $((100 * i)) $((100 * i + 10)) 1 $((200 * i))
    sed "s/^/[worker $i] /" one.txt
    i=$((i + 1))
done >log.txt
run "$jeprobe" report log.txt
tr '\n' ' ' <"$out" >flat
like "each is a process" flat '^None of 10 processes is unusual\.'

# Nor are its mappings of that one's dump.
grep -v '^.worker \(9\|10\)\]' log.txt >mappings.txt
sed 's/^/[worker 9] /' >>mappings.txt <<'EOS'
7f5500000000-7f5500040000 rw-p 00000000 00:00 0
Size:                256 kB
Rss:                 100 kB
Pss:                 100 kB
Private_Dirty:       100 kB
EOS
run "$jeprobe" report --format json mappings.txt
is "mappings of a ninth process join no dump" \
    "$(grep -c '"document": 9,\{0,1\}$' "$out" | sed 's/^[1-9].*/some/')" some

done_testing
