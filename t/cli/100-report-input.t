#!/bin/sh
# jeprobe report: where input comes from, where output goes, and what happens
# when either fails.
. "${0%/*}/../lib.sh"
need gzip

text=$top_srcdir/t/parse/valid/jetext-53/input
dump=$top_srcdir/t/parse/valid/jeprobe-full/input

run "$jeprobe" report
is "no file: usage" "$status" 2
like "no file: says so" "$err" 'a dump is needed'

run "$jeprobe" report --format xml "$text"
is "unknown format: usage" "$status" 2

# Under a short name: a long one takes more than the first line.
cp "$text" dump.txt
run "$jeprobe" report dump.txt
is "a file" "$status" 0
sed 1d "$out" >file.txt
run "$jeprobe" report - <"$text"
is "standard input" "$status" 0
like "standard input has a name" "$out" '^\(standard input\): '
sed 1d "$out" >stdin.txt
same_file "standard input gives the same" stdin.txt file.txt
gzip -c "$text" >dump.gz
run "$jeprobe" report dump.gz
sed 1d "$out" >gz.txt
same_file "gzip gives the same" gz.txt file.txt
run "$jeprobe" report - <dump.gz
sed 1d "$out" >gz2.txt
same_file "gzip on standard input gives the same" gz2.txt file.txt

run "$jeprobe" report does-not-exist
is "no such file: status" "$status" 3
is "no such file: one line" "$(cat "$err")" \
    "jeprobe: does-not-exist: cannot open: No such file or directory"
run "$jeprobe" report .
is "a directory: status" "$status" 3
head -c 12 dump.gz >cut.gz
run "$jeprobe" report cut.gz
is "nothing but the start of gzip: status" "$status" 3
like "nothing but the start of gzip: says why" "$err" \
    'compressed data has no end'
head -c $(($(wc -c <dump.gz) - 300)) dump.gz >cut.gz
run "$jeprobe" report cut.gz
is "cut-off gzip: status" "$status" 0
like "cut-off gzip: says so" "$out" 'compressed data has no end: read as'
like "cut-off gzip: reads what is there" "$out" '^The allocator holds'
printf '\037\213garbage' >bad.gz
run "$jeprobe" report bad.gz
is "broken gzip: status" "$status" 3
is "broken gzip: one line" "$(wc -l <"$err")" 1
# One line is longer than any that is kept: the rest is read.
head -c 3000000 /dev/zero | tr '\0' x >long
run "$jeprobe" report long
is "nothing but a long line: status" "$status" 3
is "nothing but a long line: where" "$(cat "$err")" \
    "jeprobe: long:1:1: line is longer than 1 MiB, and no other line is of a \
dump that jeprobe knows"
numberless()
{
    sed -n -e 's/line [0-9]*/line N/' -e '/^The allocator/,$p' "$1"
}
numberless file.txt >first.txt
for place in 0 20 999; do
    head -n "$place" "$text" >before
    { cat before long; echo; tail -n +$((place + 1)) "$text"; } >mixed
    gzip -c mixed >mixed.gz
    for file in mixed mixed.gz; do
        run "$jeprobe" report $file
        is "long line behind $place others, $file: status" "$status" 0
        is "long line behind $place others, $file: said once" \
            "$(grep '^note: line' "$out")" \
            "note: line $(($(wc -l <before) + 1)): the line is longer than \
1 MiB: 3000000 bytes of it were skipped"
        numberless "$out" >rest.txt
        same_file "long line behind $place others, $file: nothing is lost" \
            rest.txt first.txt
    done
done
run "$jeprobe" report --format json mixed
like "a long line is told in JSON" "$out" \
    '"text": "the line is longer than 1 MiB: 3000000 bytes of it were skipped"'

# It is told with the dump that it stands in or behind, and never left out.
{ cat "$text" long; echo; cat "$text"; } >between
run "$jeprobe" report --format json between
is "a long line between two dumps" \
    "$(sed '/^ "series"/,$d' "$out" | tr -d ' \n' |
        grep -o '"document":.,\|bytesofitwereskipped' | tr -d '\n')" \
    '"document":1,bytesofitwereskipped"document":2,'
{
    printf '{"jemalloc":{"stats":{"active":1'
    seq 25 | sed 's/.*/,"allocated":"x"/'
    echo '}}}'
    cat long
} >many
run "$jeprobe" report many
like "many warnings" "$out" '^note: [0-9]* more like these'
like "a long line besides many warnings" "$out" 'of it were skipped'

# An object of a log that is too long is a line like any other.
docker=$top_srcdir/t/parse/valid/repair-docker/input
{
    printf '{"log":"'
    cat long
    printf '\\n","stream":"stderr"}\r\n'
    cat "$docker"
} >logged
run "$jeprobe" report "$docker"
numberless "$out" >docker.txt
run "$jeprobe" report logged
is "a long log object: status" "$status" 0
like "a long log object: said" "$out" \
    '^note: line 1: the line is longer than 1 MiB: 3000031 bytes of it were'
numberless "$out" >logged.txt
same_file "a long log object: the others are read" logged.txt docker.txt

# JSON has no lines: among text it may be as long as it likes, and what comes
# behind is text again.
head -c 2000000 /dev/zero | tr '\0' ' ' >blanks
tr -d '\n' <"$top_srcdir/t/parse/valid/jejson-53/input" >json
{ head -c 12 json; cat blanks; tail -c +13 json; } >wide
{ echo '$ cat stats.json'; cat wide; echo; cat "$text"; } >pasted
run "$jeprobe" report --format json pasted
is "JSON in a long line among text: status" "$status" 0
is "JSON in a long line among text: and what follows" \
    "$(sed -n 's/^ *"format": //p' "$out" | tr -d '\n')" \
    '"jemalloc-json","jemalloc-text",'
unlike "JSON in a long line among text: nothing is skipped" "$out" skipped
{ echo paste; head -c -1 wide; } >cut
run "$jeprobe" report cut
like "JSON in a long line that is cut off: where" "$out" \
    '^note: line 2: the file ends inside'
{ head -c 200 pasted; cat long; echo; cat "$text"; } >broken
run "$jeprobe" report --format json broken
is "JSON that breaks in a long line: what follows" \
    "$(sed -n 's/^ *"format": //p' "$out" | tr -d '\n')" \
    '"jemalloc-json","jemalloc-text",'
like "JSON that breaks in a long line: the rest of the line" "$out" \
    'longer than 1 MiB: 3000000 bytes of it were skipped'
seq 200000 | gzip -n | tail -c +100 >noise
run "$jeprobe" report noise
is "noise: status" "$status" 3
is "noise: one line" "$(wc -l <"$err")" 1

run "$jeprobe" report -o result.json --format json "$dump"
is "-o: status" "$status" 0
is "-o: nothing on standard output" "$(cat "$out")" ""
like "-o: the file has it" result.json '"schema": "jeprobe.report/1"'
run "$jeprobe" report -o no/such/folder "$dump"
is "-o that cannot be written" "$status" 4
if [ -w /dev/full ]; then
    status=0
    "$jeprobe" report "$dump" >/dev/full 2>"$err" || status=$?
    is "a full disk is an error" "$status" 4
else
    skip "a full disk is an error" "no /dev/full"
fi

run "$jeprobe" report "$text" "$dump"
is "two files" "$status" 0
is "two files, one in full" "$(grep -c '^Where it is' "$out")" 1
like "two files, side by side" "$out" '^Process +'
run "$jeprobe" report --top 2 "$text" "$dump"
is "two files, both in full" "$(grep -c '^Where it is' "$out")" 2
run "$jeprobe" report "$text" does-not-exist "$dump"
is "one of three cannot be read: status" "$status" 3
like "one of three cannot be read: the others are" "$out" '^2 processes'
run "$jeprobe" report --format json "$text" "$dump"
like "two files in one document" "$out" '^ "reports": \['
like "two files are a fleet" "$out" '^ "fleet": '
run "$jeprobe" report --format json "$dump" "$dump"
like "one process is a series" "$out" '^ "series": '

run "$jeprobe" report --top 1 --format json "$dump"
is "--top 1: one stack" "$(grep -c '"live_bytes_ci"' "$out")" 3

done_testing
