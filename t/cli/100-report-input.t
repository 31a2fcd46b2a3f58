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

run "$jeprobe" report "$text"
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
head -c 3000000 /dev/zero | tr '\0' x >long
run "$jeprobe" report long
is "a line without end: status" "$status" 3
is "a line without end: where" "$(cat "$err")" \
    "jeprobe: long:1:1: line is longer than 1 MiB"
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
