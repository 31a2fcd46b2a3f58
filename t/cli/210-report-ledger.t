#!/bin/sh
# The ledger adds up exactly, in every dump there is, and in text as in JSON.
. "${0%/*}/../lib.sh"

dumps=${JE_DUMPS:-$top_srcdir/../shared/dumps}

# Documents of a JSON report whose lines do not add up to what they should, or
# whose parts of a line are more than the line.
wrong_sums()
{
    awk '
    { line = $0; sub(/^ */, "", line); sub(/,$/, "", line)
      split(line, part, ": "); key = part[1]; value = part[2] }
    key == "\"summary\"" { sum = 0; in_lines = 0 }
    key == "\"resident\"" && !in_lines && !in_arenas { resident = value }
    key == "\"active\"" && !in_lines && !in_arenas { active = value }
    key == "\"rss\"" && !in_lines && !in_arenas { rss = value }
    key == "\"attribution_total\"" { total = value }
    key == "\"attribution_bytes\"" { bytes = value }
    key == "\"attribution\"" { in_lines = value == "[" ; count = 0 }
    in_lines && key == "\"parts\"" { in_parts = 1; parts = 0; next }
    in_parts && key == "\"bytes\"" { parts += value; next }
    in_parts && line == "]" {
        in_parts = 0
        if (parts > last)
            printf "parts are %.0f of %s\n", parts, last
        next
    }
    in_lines && key == "\"bytes\"" { sum += value; count++; last = value }
    in_lines && line == "]" {
        in_lines = 0
        # What the totals of jemalloc and of the kernel are stands elsewhere too.
        wanted = total == "\"RSS\"" ? rss : total == "\"resident\"" ? resident : total == "\"active\"" ? active : bytes
        if (sum != wanted)
            printf "%s: lines are %.0f, total is %s\n", total, sum, wanted
    }
    key == "\"arenas\"" && value != "" { in_arenas = 1 }
    key == "\"source\"" { in_arenas = 0 }'
}

for file in "$top_srcdir"/t/parse/valid/*/input "$dumps"/gen/* "$dumps"/pub/*
do
    [ -f "$file" ] || continue
    run "$jeprobe" report --format json "$file"
    name=${file%/input}
    case $status:$file in
        0:*) ;;
        *:"$top_srcdir"/*) fail "${name##*/} is read" "$(cat "$err")" ;;
        *) continue ;;
    esac
    is "${name##*/}" "$(wrong_sums <"$out")" ""
done

# A sum that is wrong would be seen, whatever line it is in.
file=$top_srcdir/t/parse/valid/jeprobe-full/input
run "$jeprobe" report --format json "$file"
lines=$(grep -c '"what":' "$out")
ok "there are lines" test "$lines" -gt 5
i=0
while [ $i -lt "$lines" ]; do
    i=$((i + 1))
    awk -v n=$i '/"what":/ { k++ }
        k == n && /"bytes":/ && !done { sub(/: /, ": 1"); done = 1 }
        { print }' "$out" >planted
    is "a wrong sum in line $i is found" "$(wrong_sums <planted | wc -l)" 1
done

# The same lines and sizes stand in the text.
run "$jeprobe" report "$file"
for line in \
    'objects in use +37.6 KiB +9.8 %' \
    'thread caches +640 B +0.2 %' \
    'holes in slabs +1.8 KiB +0.5 %' \
    'metadata \(base\) +12.0 KiB +3.1 %' \
    'dirty pages +16.0 KiB +4.2 %' \
    'muzzy pages still resident +4.0 KiB +1.0 %' \
    'of it never touched or swapped out +-8.0 KiB +-2.1 %' \
    'free pages filled by huge pages +20.0 KiB +5.2 %' \
    "anonymous, not the allocator's +96.0 KiB +25.0 %" \
    'files \(program, libraries\) +196 KiB +51.0 %' \
    'shared memory +4.0 KiB +1.0 %' \
    'unexplained +4.0 KiB +1.0 %' \
    'RSS +384 KiB +100.0 %'; do
    like "text: $line" "$out" "^  $line"
done

# What the kernel says of the process, pasted below the allocator's totals: 10
# MiB of objects, 2 of holes, 4 of metadata and dirty pages; 20 MiB of huge
# pages, so at least 4 of those hold free pages; 30 MiB of RSS, 4 not anonymous.
cat >joined <<'END'
___ Begin jemalloc statistics ___
Version: "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c"
Allocated: 10485760, active: 12582912, metadata: 1048576 (n_thp 0), resident: 16777216, mapped: 17825792, retained: 0
--- End jemalloc statistics ---
00400000-7ffd0d1e3000 ---p 00000000 00:00 0          [rollup]
Rss:               30720 kB
Anonymous:         26624 kB
LazyFree:              0 kB
AnonHugePages:     20480 kB
Swap:               1024 kB
END
run "$jeprobe" report --format json joined
is "joined: sums" "$(wrong_sums <"$out")" ""
run "$jeprobe" report joined
for line in \
    'objects in use or cached +10.0 MiB +33.3 %' \
    'free, filled by huge pages, at least +4.0 MiB +13.3 %' \
    'files and shared memory +4.0 MiB +13.3 %' \
    'of it swapped out +-1.0 MiB +-3.3 %' \
    'unexplained +7.0 MiB +23.3 %' \
    'RSS +30.0 MiB +100.0 %'; do
    like "joined: $line" "$out" "^  $line"
done

# What Redis counts is part of the objects; an account of more than there is,
# from another moment, is left out.
for used in 8388608 10485761; do
    sed '/rollup/,$d' joined >with_redis
    printf '# Memory\nused_memory:%s\nused_memory_rss:31457280\n' $used \
        >>with_redis
    run "$jeprobe" report with_redis
    cp "$out" redis.$used
done
like "Redis: its account" redis.8388608 '^    used by Redis +8.0 MiB +26.7 %'
like "Redis: the rest" redis.8388608 '^    not counted by Redis +2.0 MiB +6.7 %'
like "Redis: RSS" redis.8388608 '^  unexplained +14.0 MiB +46.7 %'
unlike "Redis: too much" redis.10485761 'by Redis'
like "Redis: RSS all the same" redis.10485761 '^  unexplained +14.0 MiB'

# Muzzy pages are counted as resident up to 5.2.1, which this cannot be.
for more in '' ',"zero_reallocs":1'; do
    printf '{"jemalloc":{"stats":{"allocated":10485760,"active":11534336,"metadata":1048576,"resident":20971520,"mapped":31457280%s},"stats.arenas":{"merged":{"base":1048576}}}}\n' \
        "$more" >any.json
    wanted='dirty pages (muzzy too, up to 5.2.1)'
    [ -z "$more" ] || wanted='dirty pages'
    run "$jeprobe" report any.json
    is "free pages${more:+ of 5.3.0}" \
        "$(sed -n 's/^ *\(dirty pages\( (.*)\)*\)  *[0-9.]* MiB .*/\1/p' "$out")" \
        "$wanted"
done

done_testing
