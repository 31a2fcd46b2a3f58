#!/bin/sh
# diff: totals, verdicts by which figure grew, and stacks with what chance does.
. "${0%/*}/../lib.sh"

# dump ALLOCATED ACTIVE METADATA RESIDENT RETAINED, in MiB
dump()
{
    awk -v a="$1" -v b="$2" -v m="$3" -v r="$4" -v v="$5" 'BEGIN { M = 1048576
        print "___ Begin jemalloc statistics ___"
        print "Version: \"5.3.0-0-gabc\""
        printf "Allocated: %d, active: %d, metadata: %d (n_thp 0), ", a*M, b*M, m*M
        printf "resident: %d, mapped: %d, retained: %d\n", r*M, (r+1)*M, v*M
        print "--- End jemalloc statistics ---" }'
}

# verdict NAME STATUS ALLOCATED…: the new dump against 100 120 5 150 0.
verdict()
{
    name=$1
    wanted=$2
    shift 2
    dump "$@" >new.txt
    run "$jeprobe" diff --format json old.txt new.txt
    is "$name: status" "$status" "$wanted"
    like "$name: verdict" "$out" "\"verdict\": \"$name\""
}

dump 100 120 5 150 0 >old.txt
verdict same 0 109 129 5 159 0
verdict live-growth 1 150 170 5 200 0
verdict fragmentation 1 100 140 5 170 0
verdict metadata 1 100 120 30 175 0
verdict shrunk-not-returned 0 60 110 5 150 0
verdict resident 1 100 120 5 170 0
verdict address-space 0 100 120 5 150 500
verdict less 0 60 75 5 90 0

run "$jeprobe" diff old.txt old.txt
is "a dump and itself" "$status" 0
dump 150 170 5 200 0 >new.txt
run "$jeprobe" diff old.txt new.txt
like "the change and its share" "$out" \
    '^  allocated +100.0 MiB +150.0 MiB +\+50.0 MiB +\+50.0 %$'
is "80 columns" "$(awk 'length > 80' "$out")" ""
like "it names the next command" "$out" '^Next: jeprobe explain true-leak$'
run "$jeprobe" diff --min-size 60M old.txt new.txt
is "growth below the threshold" "$status" 0

# Without a total to take one per cent of, no change is still none.
echo 'Allocated: 10, active: 0' >tiny.txt
for file in tiny.txt "$top_srcdir/t/parse/valid/glibc-stats-236/input"; do
    run "$jeprobe" diff --min-size 0 --format json "$file" "$file"
    is "no change and no threshold" "$status" 0
    like "no change and no threshold: verdict" "$out" '"verdict": "same"'
done

# One process, ten seconds apart. Objects are of 1 MiB at an interval of 512 KiB:
# each sample stands for 1 / (1 - exp(-2)) = 1.156 of them.
# profile FILE SECONDS YOUNG OLD: live samples younger and older than 10 s
profile()
{
    {
        printf '{"jeprobe":{"schema":1,"complete":true,"monotonic_ns":%s000000000},' "$2"
        printf '"process":{"pid":7,"exe":"/bin/x"},"jemalloc":{"version":"5.3.0-0-gjeprobe",'
        printf '"stats":{"allocated":104857600,"active":104857600,"metadata":4096,"resident":104861696,"mapped":104865792}},'
        printf '"profile":{"sample_interval":524288,"stacks":[["0x1100"]],'
        printf '"mappings":[{"start":"0x1000","end":"0x2000","offset":"0x0","path":"/lib/a.so","build_id":null}],'
        printf '"sites":[{"stack":0,"size":1048576,"rate":524288,"live_samples":%d,"total_samples":%d}]},' $(($3 + $4)) $(($3 + $4))
        printf '"samples":['
        i=0
        while [ $i -lt $(($3 + $4)) ]; do
            [ $i = 0 ] || printf ','
            age=1000000000
            [ $i -ge "$3" ] && age=60000000000
            printf '{"stack":0,"requested":1048576,"usable":1048576,"rate":524288,"age_ns":%s,"thread":1}' $age
            i=$((i + 1))
        done
        printf ']}\n'
    } >"$1"
}

profile a.json 100 0 100
profile b.json 110 20 100
run "$jeprobe" diff a.json b.json
like "who it is, without names" "$out" '^  a\.so\+0xff +\+23\.1 MiB '
deep='["0x1100","0x1200"]'
long=/lib/$(printf 'x%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
long=$long$long$long$long$long.so
for file in a.json b.json; do
    sed "s|\\[\"0x1100\"\\]|$deep|; s|/lib/a.so|${long##*/}|" $file >deep-$file
done
run "$jeprobe" diff deep-a.json deep-b.json
like "a long name has a line" "$out" '^  x{20}\.so\+0xff +\+23\.1 MiB '
long=$(echo "$long" | tr / x)
for file in a.json b.json; do
    sed "s|\\[\"0x1100\"\\]|$deep|; s|/lib/a.so|$long|" $file >deep-$file
done
run "$jeprobe" diff deep-a.json deep-b.json
like "a longer one is cut" "$out" '^  xlibx{20}.*\.\.$'
like "its figures are below" "$out" '^ {32} +\+23\.1 MiB '
is "all in 80 columns" "$(awk 'length > 80' "$out")" ""
run "$jeprobe" diff --format json a.json b.json
like "as JSON" "$out" '"a\.so\+0xff"'
like "one process" "$out" '"same_process": true'
like "the time between" "$out" '"elapsed_ns": 10000000000'
like "old samples are shared" "$out" '"samples_shared": 100'
like "twenty fresh ones are no chance" "$out" '"significant": true'
# 20 * 1048576 / (1 - exp(-2)) = 24253930
like "the change is the fresh ones" "$out" '"change": 242539[0-9][0-9]'

# For an issue: nothing that a dump says is markup.
for file in a.json b.json; do
    sed 's/a\.so/a|<i>`@x.so/; s/"pid":7,"exe":".bin.x"/"pid":7/' $file >odd-$file
done
run "$jeprobe" diff --format markdown odd-a.json odd-b.json
is "Markdown: status" "$status" 0
like "Markdown: which dumps" "$out" '^### odd-a\.json -&gt; odd-b\.json: one process, 10\.0 s later$'
like "Markdown: the verdict" "$out" '^\*\*Nothing has changed by more than the threshold\.\*\*$'
like "Markdown: totals" "$out" '^\| active \| 100\.0 MiB \| 100\.0 MiB \| 0 B \|$'
like "Markdown: who" "$out" '^\| `` a\\\|<i>`@x\.so\+0xff `` \| \+23\.1 MiB \| 19\.[0-9] MiB to 26\.[0-9] MiB \|$'
is "Markdown: rows of four cells" "$(sed -n '/^| totals/,/^$/p' "$out" | awk -F'|' 'NF > 0 && NF != 6')" ""
run "$jeprobe" diff --format markdown old.txt new.txt
is "Markdown: growth is the status" "$status" 1
like "Markdown: the change" "$out" '^\| allocated \| 100\.0 MiB \| 150\.0 MiB \| \+50\.0 MiB \|$'
like "Markdown: the rule" "$out" '^See `jeprobe explain true-leak`\.$'

# The same counts from two processes, and fewer: 104 against 100 can be chance.
sed 's/"pid":7/"pid":8/' b.json >c.json
run "$jeprobe" diff --format json a.json c.json
like "two processes" "$out" '"same_process": false'
like "share nothing" "$out" '"samples_shared": 0'
profile d.json 110 0 104
sed 's/"pid":7/"pid":8/' d.json >e.json
run "$jeprobe" diff --format json a.json e.json
like "four more of a hundred are chance" "$out" '"significant": false'
run "$jeprobe" diff a.json e.json
like "and that is told" "$out" 'no call stack has changed by more than chance'

sed 's/157286400/157253711/' new.txt >less.txt
run "$jeprobe" diff new.txt less.txt
like "next to nothing is no less than nothing" "$out" '^  allocated .* -31\.9 KiB +0\.0 %$'
run "$jeprobe" diff old.txt
is "one file" "$status" 2
run "$jeprobe" diff old.txt missing.txt
is "a file that is not there" "$status" 3

# Who is not named is taken for one process, and that is said.
printf '___ Begin jemalloc statistics ___\nAllocated: 1000, active: 4096, metadata: 4096, resident: 9000, mapped: 9000\n--- End jemalloc statistics ---\n' >old.txt
cp old.txt same.txt
run "$jeprobe" diff same.txt same.txt
like "assumed" "$out" '^same.txt -> same.txt: taken for one process$'
cat old.txt same.txt >twice.txt
run "$jeprobe" report twice.txt
like "assumed in a file" "$out" '^Taken for one process, '

done_testing
