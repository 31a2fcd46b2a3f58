#!/bin/sh
# One part of a paste inside of another, cut in at every place: a program whose
# output is written in blocks prints half of a document, then it runs something
# that prints, and then the other half.  What is read is the same as if one had
# come behind the other.
. "${0%/*}/../lib.sh"

valid=$top_srcdir/t/parse/valid

# The figures of report $1, without where they were read.
figures()
{
    sed -n '/"\(line\|column\|document\)"/!s/^ *\("[a-z_]*": -*[0-9]\)/\1/p' "$1" |
        sed 's/,$//'
}

# STEP FROM UNIT OUTER INNER: put one into the other every STEP bytes (c) or
# lines (n), and not before FROM.
inside()
{
    step=$1
    from=$2
    unit=$3
    outer=$valid/$4/input
    inner=$valid/$5/input

    cat "$outer" "$inner" >behind
    run "$jeprobe" report --format json behind
    figures "$out" >want
    size=$(awk -v unit="$unit" '{ n += unit == "c" ? length + 1 : 1 }
                               END { print n }' "$outer")
    differ=
    at=$from
    while [ "$at" -lt "$size" ]; do
        {
            head "-$unit" "$at" "$outer"
            cat "$inner"
            tail "-$unit" "+$((at + 1))" "$outer"
        } >mixed
        run "$jeprobe" report --format json mixed
        figures "$out" >got
        cmp -s want got || differ="$differ $at"
        at=$((at + step))
    done
    is "$5 inside of $4" "$differ" ""
}

# Before byte 16 the document has not begun yet.
inside 61 16 c glibc-info-236 proc-smaps
inside 67 16 c glibc-info-236 proc-status-rollup
inside 71 22 c glibc-info-236 jetext-53
inside 7 1 n mimalloc-209 proc-smaps
inside 4 1 n tcmalloc-google proc-smaps
inside 11 14 n proc-smaps glibc-info-236
inside 3 6 n jetext-53 proc-smaps
inside 3 1 n jetext-53 skynet-jmem
inside 2 1 n jejson-53 proc-smaps
inside 3 1 n jejson-53 glibc-info-236
inside 37 16 c jejson-53 proc-smaps
inside 61 16 c jejson-53 glibc-info-236
inside 73 16 c jejson-53 proc-status-rollup
inside 83 16 c jejson-53 jetext-53
inside 1 2 n skynet-jmem jetext-53

# brief COMMAND...: with 20 seconds of the processor, of which it needs one at
# most. It ends by a signal if it takes more.
brief()
{
    (ulimit -c 0 && ulimit -t 20 && exec "$@")
}

# Where another text begins is looked for near the end of what is a tag: a long
# one is no more work for a byte than a short one.
{
    printf '<malloc version="1">\n<heap nr="0">\n<sizes>\n<a '
    awk 'BEGIN { while (i++ < 40000) printf "b=\"1\" " }'
    echo '?'
} >long
run brief "$jeprobe" report --format json long
is "a long broken tag" "$status" 0

# Nor for what may be JSON, and tags are not looked for where none can end.
awk 'BEGIN { for (print "foo"; n++ < 8; print "x") {
    printf "{\"jemalloc\":{\"x\":1,\"a\":"; for (i = 0; i < 96000; i++)
        printf "0000000000" } }' >long
run brief "$jeprobe" report --format json long
ok "long numbers of JSON that has no end" test "$status" -le 128
awk 'BEGIN { for (; n++ < 8; print "") { for (i = 0; i < 100000; i++)
    printf "<a b=\"c\" " } }' >long
run brief "$jeprobe" report --format json long
ok "tags without an end" test "$status" -le 128

# Two lists of services without their sums are of two moments.
printf ':00000001 100\n:00000002 200\n:00000001 100\n:00000002 200\n' >twice
run "$jeprobe" report --format json twice
is "two lists of services" "$(grep -c '"document":' "$out")" \
    "$(printf ':00000001 100\n:00000002 200\ntotal 300\n:00000001 100\n:00000002 200\ntotal 300\n' |
        "$jeprobe" report --format json - | grep -c '"document":')"
done_testing
