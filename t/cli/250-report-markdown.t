#!/bin/sh
# report --format markdown: tables as both forges read them, and no name from a
# dump that becomes markup.
. "${0%/*}/../lib.sh"

cat >hostile.json <<'END'
{"jeprobe":{"schema":1,"complete":true},
"process":{"pid":1,"exe":"/bin/a`b|c<script>"},
"jemalloc":{"version":"5.3.0-0-g``x","stats":{"allocated":40960,"active":49152,"metadata":4096,"resident":57344,"mapped":65536}},
"profile":{"sample_interval":524288,"stacks":[["0x1100"]],
"mappings":[{"start":"0x1000","end":"0x2000","offset":"0x0","path":"/lib/@team|`<img src=x>`","build_id":null}],
"sites":[{"stack":0,"size":64,"rate":524288,"live_samples":10,"total_samples":10}]}}
END
run "$jeprobe" report --format markdown hostile.json
is "status" "$status" 0
like "the answer first" "$out" '^\*\*The allocator holds 56\.0 KiB \(resident\); objects and thread caches'
# Outside code spans no character of the names may mean anything.
sed -E 's/(`+)([^`]|[^`]`+[^`])*\1//g' "$out" >outside
unlike "no tag from a name" outside '<script|<img'
unlike "nobody is notified" outside '@team'
like "a span with a backquote has a longer fence" "$out" '`` /bin/a`b'
# 4 cells between 5 bars that are not escaped.
sed -n '/^| who holds it/,/^$/p' "$out" | sed '/^$/d; s/\\|//g' >table
is "rows of the table of sites" "$(wc -l <table | tr -d ' ')" 3
is "each has four cells" "$(awk -F'|' 'NF != 6' table | wc -l | tr -d ' ')" 0

# The figures are those of the dump: 49152 active, 40960 allocated.
like "the ledger has a total" "$out" '^\| \*\*resident\*\* \| \*\*56.0 KiB\*\* \|'
like "internal fragmentation" "$out" '^\| internal fragmentation \| 20.0 %'

# Other allocators have their tables, too, with the figures of the text.
for name in tcmalloc-gperf-210 glibc-info-236; do
    input=$top_srcdir/t/parse/valid/$name/input
    "$jeprobe" report "$input" >text
    run "$jeprobe" report --format markdown "$input"
    sed -n '/^\(Sizes\|Heaps\), /,/^$/p' text | sed '1d; /^$/d' |
        tr -s ' ' | sed 's/^ //' >wanted
    sed -n '/<summary>\(size classes\|heaps\), /,/^<.details/p' "$out" |
        sed '/^| *[0-9]/!d; s/^| //; s/ |$//; s/ | / /g' >got
    ok "$name: there is a table" test -s wanted
    same_file "$name: its rows" got wanted
done

# The page lists every key that the JSON has.
run "$jeprobe" report --format json \
    "$top_srcdir/t/parse/valid/jeprobe-full/input"
cp "$out" report.json
tr -s ' (),' '\n\n\n\n' <"$top_srcdir/man/jeprobe-report.5" | sort -u >words
grep -oE '"[a-z_]+":' report.json | tr -d '":' | sort -u >keys
is "there are keys" "$([ "$(wc -l <keys)" -gt 80 ] && echo yes)" yes
is "jeprobe-report(5) has them all" "$(comm -23 keys words)" ""

done_testing
