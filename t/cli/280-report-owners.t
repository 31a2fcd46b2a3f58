#!/bin/sh
# Whom the memory is for: owner labels and services, exactly.
. "${0%/*}/../lib.sh"

# dump FILE ALLOCATED, of as many labels as lines come: BYTES OBJECTS NAME
dump()
{
    {
        printf '{"jeprobe":{"schema":1,"complete":true},"process":{"pid":7},'
        printf '"jemalloc":{"version":"5.3.0-0-gjeprobe",'
        printf '"stats":{"allocated":%s,"active":%s}},"labels":[' "$2" "$2"
        separator=
        while read -r bytes objects name; do
            printf '%s{"label":"%s","live_bytes":%s,"live_objects":%s}' \
                "$separator" "$name" "$bytes" "$objects"
            separator=,
        done
        printf ']}\n'
    } >"$1"
}

i=1
while [ $i -le 12 ]; do
    echo "$((i * 1048576)) $i number $i"
    i=$((i + 1))
done | dump twelve.json 104857600
run "$jeprobe" report twelve.json
is "status" "$status" 0
sed -n '/^Whom it is for/,/^$/p' "$out" >whom
is "ten by bytes, the rest together, what has none" \
    "$(awk 'NR > 1 { print $1, $2, $3, $4 }' whom | head -n 13 | tr '\n' ';')" \
    "number 12 12.0 MiB;number 11 11.0 MiB;number 10 10.0 MiB;number 9 9.0 MiB;number 8 8.0 MiB;number 7 7.0 MiB;number 6 6.0 MiB;number 5 5.0 MiB;number 4 4.0 MiB;number 3 3.0 MiB;2 others 3.0 MiB;without a label, or;   ;"
like "the rest has its objects" whom '^  2 others +3\.0 MiB +3\.0 % +3  #'
like "what has none: a share, no objects" whom \
    '^  without a label, or in thread caches  +22\.0 MiB +22\.0 %  +#+$'
is "the longest bar fills the line, and none is longer" \
    "$(awk '{ if (length > most) most = length } END { print most }' whom)" 80
unlike "exact figures have no interval" whom '95|±'
run "$jeprobe" report --top 2 twelve.json
like "--top 2: ten are summed" "$out" '^  10 others +55\.0 MiB +55\.0 % +55  '
run "$jeprobe" report --top 12 twelve.json
unlike "--top 12: none is" "$out" 'others'
like "--top 12: the last" "$out" '^  number 1 +1\.0 MiB'
run "$jeprobe" report --format markdown --top 11 twelve.json
like "markdown" "$out" '^\| number 12 \| 12\.0 MiB \| 12 \|$'
like "markdown: one is left" "$out" '^\| 1 other \| 1\.0 MiB \| 1 \|$'
like "markdown: what has none" "$out" '^\| without a label, .* \| 22\.0 MiB \| \|$'
run "$jeprobe" report --format json --top 1 twelve.json
is "json: --top" "$(grep -c '"name": "number' "$out")" 1
like "json: how many there are" "$out" '"count": 12,'

# More for labels than is allocated: they were read at another moment.
echo '2000 1 a' | dump more.json 1000
run "$jeprobe" report more.json
like "more than allocated: the label" "$out" '^  a +2\.0 KiB +100\.0 %'
unlike "more than allocated: nothing is without" "$out" '^  without a label'
echo '0 0 a' | dump none.json 0
run "$jeprobe" report none.json
like "nothing lives" "$out" '^  a +0 B +0\.0 % +0$'
dump empty.json 1000 </dev/null
run "$jeprobe" report empty.json
unlike "no labels, no section" "$out" '^Whom'
run "$jeprobe" report --format json empty.json
like "no labels: null" "$out" '^ "owners": null'

# A name from outside is escaped, and cut in the table.
printf '5 1 a\\u001b[31m|<b>%s\n' "$(printf 'x%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30)" |
    dump odd.json 10
run "$jeprobe" report odd.json
unlike "no escape reaches the terminal" "$out" "$(printf '\033')"
is "a long name: 80 columns" "$(sed -n '/^Whom/,/^$/p' "$out" | awk 'length > 80')" ""
run "$jeprobe" report --format markdown odd.json
like "markdown: nothing is markup" "$out" '^\| a.*\\\|&lt;b&gt;x'

# JSON of all sorts has labels.
echo '{"labels":[{"label":"a","live_bytes":1}]}' >other.json
run "$jeprobe" report other.json
is "labels alone are no dump" "$status" 3

# Sixty-five thousand of them.
awk 'BEGIN { for (i = 1; i <= 65535; i++) print i, 1, "label", i }' |
    awk 'BEGIN { printf "{\"jeprobe\":{\"schema\":1,\"complete\":true},\"labels\":[" }
        { printf "%s{\"label\":\"%s %s\",\"live_bytes\":%s}", (NR > 1 ? "," : ""), $3, $4, $1 }
        END { print "]}" }' >many.json
run "$jeprobe" report many.json
like "all labels there can be" "$out" '^  65,?525 others '

# What changed: growth, shrinking, one that is new and one that is gone.
printf '%s\n' '50331648 5 even' '10485760 5 grows' '41943040 5 shrinks' '2097152 1 ends' |
    dump before.json 134217728
printf '%s\n' '50331648 5 even' '73400320 9 grows' '20971520 5 shrinks' '3145728 1 begins' |
    dump now.json 167772160
run "$jeprobe" diff before.json now.json
sed -n '/^For whom/,/^$/p' "$out" | awk 'NR > 1 && /^  [^ ]/ && !/^  without/ { print $1, $6 $7, $8 }' >changed
is "diff: who changed, the largest first" "$(tr '\n' ';' <changed)" \
    "grows +60.0MiB +600.0;shrinks -20.0MiB -50.0;begins +3.0MiB ;ends -2.0MiB -100.0;"
like "diff: what has no label, with all of its name" "$out" \
    '^  without a label, or in thread caches$'
like "diff: its figures are below" "$out" \
    '^ {32} {4}28\.0 MiB +19\.0 MiB +-9\.0 MiB +-32\.1 %$'
is "diff: 80 columns" "$(awk 'length > 80' "$out")" ""
run "$jeprobe" diff --format json --top 1 before.json now.json
is "diff: json" "$(sed -n '/"owners"/,/^ *\]/p' "$out" | tr -d ' \n')" \
    '"owners":[{"name":"grows","before":10485760,"now":73400320,"change":62914560}],'
like "diff: json, what has no label" "$out" '"change": -9437184'
run "$jeprobe" report --series before.json now.json
like "series: who grew" "$out" '^  grows +10\.0 MiB +70\.0 MiB +\+60\.0 MiB'
like "series: whom the last one is for" "$out" '^  even +48\.0 MiB'
run "$jeprobe" report --series --format markdown before.json now.json
like "series: Markdown" "$out" '^\| grows \| 10\.0 MiB \| 70\.0 MiB \| \+60\.0 MiB \|$'
like "series: Markdown, what has none" "$out" \
    '^\| without a label, .* \| 28\.0 MiB \| 19\.0 MiB \| -9\.0 MiB \|$'
run "$jeprobe" report --series --format markdown --top 1 before.json now.json
unlike "series: Markdown, --top" "$out" '^\| shrinks \| 40\.0 MiB \| 20'
run "$jeprobe" report --series --format json before.json now.json
like "series: json" "$out" '"change": 62914560'
# Of a dump that was cut off nobody knows who is missing.
sed 's/,{"label":"shrinks.*//' now.json >cut.json
run "$jeprobe" diff before.json cut.json
like "diff: of a dump that is cut off what it has" "$out" '^  grows .*\+60\.0 MiB'
unlike "diff: and not what it may have lost" "$out" '^  shrinks '
run "$jeprobe" diff before.json empty.json
unlike "diff: without labels in both, no section" "$out" '^For whom'

# Names that begin alike stay apart, and none is wider than the line.
long=$(printf 'x%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35)
printf '%s\n' "10485760 5 ${long}1" "10485760 5 ${long}2" "1 1 $long$long$long" | dump before.json 134217728
printf '%s\n' "20971520 5 ${long}1" "31457280 5 ${long}2" "5 1 $long$long$long" | dump now.json 134217728
run "$jeprobe" diff before.json now.json
like "diff: a long name" "$out" "^  ${long}1\$"
like "diff: and the other one" "$out" "^  ${long}2\$"
is "diff: long names in 80 columns" "$(awk 'length > 80' "$out")" ""

# skynet: Lua and C of a service are one figure.
cat >console.txt <<END
mem
:00000004   1536.50 Kb (snlua cdummy)
:0000000a   512.25 Kb (snlua launcher)
<CMD OK>
cmem
:00000001   5000
:00000004   2000
:0000000A   3000
total   10000
block   77
<CMD OK>
jmem
stats.allocated 4194304 4.00 Mb
<CMD OK>
END
run "$jeprobe" report --format json console.txt
is "skynet: three services" "$(grep -c '"name": ":' "$out")" 3
like "skynet: Lua and C together" "$out" '"live_bytes": 1575376'
is "skynet: which is whose" "$(sed -n 's/.*"name": "\(:.*\)",/\1/p' "$out" | tr '\n' ';')" \
    ":00000004 snlua cdummy;:0000000a snlua launcher;:00000001;"
like "skynet: the rest of jmem" "$out" "\"other_bytes\": $((4194304 - 1575376 - 527544 - 5000))"
run "$jeprobe" report console.txt
like "skynet: as text" "$out" '^  :0000000a snlua launcher +515 KiB '
like "skynet: of none" "$out" '^  of no service +'
# The console asked twice: two dumps, and each service once in each.
cat console.txt console.txt | sed '14,$ s/^:0000000a   512/:0000000a   912/' >twice.txt
run "$jeprobe" report twice.txt
like "skynet: a series" "$out" '^2 dumps of one process$'
like "skynet: which service grew" "$out" \
    '^  :0000000a snlua launcher +515 KiB +915 KiB +\+400 KiB '
unlike "skynet: no other did" "$out" '^  :00000004.*\+'

# Whom a call site is for, where all of its live samples say the same.
# sites LABEL...: a stack for each word, with a sample for each of its labels
sites()
{
    {
        printf '{"jeprobe":{"schema":1,"complete":true},"process":{"pid":7},'
        printf '"jemalloc":{"version":"5.3.0-0-gjeprobe","stats":{"allocated":104857600,"active":104857600}},'
        printf '"profile":{"sample_interval":524288,"stacks":['
        n=0
        for word; do
            [ $n = 0 ] || printf ','
            printf '["0x1%d80"]' $n
            n=$((n + 1))
        done
        printf '],"mappings":[{"start":"0x1000","end":"0x9000","offset":"0x0","path":"/lib/a.so","build_id":null}],"sites":['
        n=0
        for word; do
            [ $n = 0 ] || printf ','
            printf '{"stack":%d,"size":1048576,"rate":524288,"live_samples":10,"total_samples":10}' $n
            n=$((n + 1))
        done
        printf ']},"samples":['
        n=0 separator=
        for word; do
            for label in $(echo "$word" | tr / ' '); do
                printf '%s{"stack":%d,"requested":1048576,"usable":1048576,"rate":524288,"age_ns":1,"thread":1' \
                    "$separator" $n
                [ "$label" = - ] || printf ',"label":"%s"' "$label"
                printf '}'
                separator=,
            done
            n=$((n + 1))
        done
        printf ']}\n'
    } >sites.json
}
# whom: "PLACE LABEL" of each site of the report
whom()
{
    awk '/^Who holds it/ { is_in = 1 }
         is_in && /^  [^ ]/ { place = $1 }
         is_in && /^    for / { print place, substr($0, 9) }' "$out"
}
sites red/red blue/red red/- green '-'
run "$jeprobe" report sites.json
is "sites: whom each is for" "$(whom | sort | tr '\n' ';')" \
    "a.so+0x37f green;a.so+0x7f red;"
run "$jeprobe" report --format markdown sites.json
is "sites: in Markdown" "$(grep -c '<br>for `\(red\|green\)` |' "$out")" 2
run "$jeprobe" report --format json sites.json
is "sites: in JSON, and their stacks" "$(grep -c '"label": "\(red\|green\)"' "$out")" 4
sites 'a\u001b[31mb|c'
run "$jeprobe" report sites.json
unlike "sites: no escape reaches the terminal" "$out" "$(printf '\033')"
like "sites: it can be seen" "$out" '^    for a.*b\|c$'

done_testing
