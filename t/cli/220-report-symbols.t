#!/bin/sh
# Names of functions: from the program itself, from a debug file, below another
# root, from a symbol table, and not from a file that is not the one that ran.
. "${0%/*}/../lib.sh"
need "$CC" readelf objcopy

source=$top_srcdir/t/cli/dump_prog.c
mkdir here
$CC -std=gnu11 -g -O1 -w -Wl,--build-id=sha1 -o here/prog "$source" ||
    bail "cannot build the program"
id=$(readelf -n here/prog | sed -n 's/.*Build ID: *//p')
[ -n "$id" ] || bail "no build id"
# The report reads the program where the dump says it was.
here/prog "$id" >dump.json
mkdir kept
cp here/prog kept/prog

line_of()
{
    grep -n "/\* $1 \*/" "$source" | cut -d: -f1
}

# Does a stack of the report have the frames FUNCTION[@LINE]... in its order?
has_stack()
{
    name=$1
    shift
    wanted=$*
    awk -v wanted="$wanted" '
    { line = $0; sub(/^ */, "", line); sub(/,$/, "", line)
      split(line, part, ": "); key = part[1]; value = part[2]
      gsub(/"/, "", value) }
    key == "\"frames\"" { text = "" }
    key == "\"function\"" { function_name = value }
    key == "\"line\"" { text = text function_name "@" value " " }
    key == "\"live_bytes\"" && index(text, wanted " ") == 1 { found = 1 }
    END { exit !found }' "$out" && pass "$name" ||
        fail "$name" "$(grep -E '"(function|line)"' "$out" | head -n 20)"
}

report()
{
    run "$jeprobe" report --format json "$@" dump.json
    is "$case: status" "$status" 0
}

check_names()
{
    has_stack "$case: a function and its line" "plain_site@$(line_of PLAIN)"
    has_stack "$case: an inlined one and its caller" \
        "inner@$(line_of INNER) outer_site@$(line_of OUTER)"
    is "$case: what is inlined says so" \
        "$(grep -A 6 '"function": "inner"' "$out" | grep -m 1 inlined |
            tr -d ' ,')" '"inlined":true'
    has_stack "$case: a wrapper is skipped in sites" \
        "wrapped_site@$(line_of WRAPPED)"
}

case="the program itself"
report
check_names

case="moved, --sysroot"
root=$tmp/root
mkdir -p "$root$tmp/here"
mv here/prog "$root$tmp/here/prog"
report
unlike "moved: no names without it" "$out" '"plain_site"'
like "moved: module stays" "$out" '"module": ".*/here/prog"'
like "moved: offset stays" "$out" '"offset": [1-9]'
report --sysroot "$root"
check_names

case="stripped"
cp kept/prog here/prog
strip here/prog
report
unlike "stripped: no names" "$out" '"plain_site"'
case="stripped, --debug-dir"
hex=${id#??}
mkdir -p "debug/.build-id/${id%"$hex"}"
objcopy --only-keep-debug kept/prog "debug/.build-id/${id%"$hex"}/$hex.debug"
report --debug-dir debug
check_names

case="gone, --debug-dir"
rm here/prog
report --debug-dir debug
check_names

case="symbol table only"
cp kept/prog here/prog
strip --strip-debug here/prog
report
like "$case: the function" "$out" '"function": "plain_site"'
unlike "$case: no line" "$out" 'dump_prog.c'

case="another program"
cp /bin/ls here/prog
report
unlike "$case: its names are not used" "$out" '"function": "(plain_site|main)"'
like "$case: says so" "$out" 'is not the file that ran'

case="not a program"
echo hello >here/prog
report
unlike "$case: no names" "$out" '"plain_site"'
rm here/prog
mkfifo here/prog
run timeout 60 "$jeprobe" report dump.json
is "a pipe in its place does not hang" "$status" 0

# As text.
cp kept/prog here/prog.new
mv -f here/prog.new here/prog
run "$jeprobe" report dump.json
like "text: function, place, bytes, interval, samples" "$out" \
    "^  plain_site +cli/dump_prog.c:$(line_of PLAIN) +50.2 MiB +41.1-60.8 +100"
like "text: inlined" "$out" '^  inner \(inlined\) '
like "text: caller" "$out" "^    outer_site +cli/dump_prog.c:$(line_of OUTER)"
like "text: weak ones are last" "$out" 'fewer than 8 samples'
is "text: in 80 columns" "$(awk 'length > 80' "$out")" ""

done_testing
