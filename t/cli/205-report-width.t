#!/bin/sh
# Text at 80, 120 and 160 columns: no line is wider, tables stay aligned, and the
# room is used where it helps.
. "${0%/*}/../lib.sh"

valid=$top_srcdir/t/parse/valid
cd "$valid" || exit 99

# at COLUMNS COMMAND...: its output is in $out.
at()
{
    COLUMNS=$1
    export COLUMNS
    shift
    run "$jeprobe" "$@"
    is "$* at $COLUMNS: no line is wider" \
        "$(awk -v w="$COLUMNS" 'length > w' "$out")" ""
    unlike "$* at $COLUMNS: no blank at the end of a line" "$out" ' $'
    unset COLUMNS
}

for width in 80 120 160; do
    for name in jeprobe-full jetext-53 jetext-fragment heap-symbols heap-java \
        redis-with-jemalloc glibc-info-236 mimalloc-209 skynet-console; do
        at $width report $name/input
    done
    at $width report jetext-two-totals/input jetext-53/input jetext-50/input
    at $width report jejson-two/input
    at $width diff jetext-50/input jetext-53/input
    at $width explain slab-waste-high
done

# What COLUMNS says that is no width is not heard.
run "$jeprobe" report jetext-53/input
cp "$out" "$tmp/plain"
for columns in '' 39 1001 wide -5; do
    COLUMNS=$columns
    export COLUMNS
    run "$jeprobe" report jetext-53/input
    unset COLUMNS
    same_file "COLUMNS=$columns is none" "$out" "$tmp/plain"
done

# The bars of the ledger are longer, up to where they still can be compared.
bar()
{
    grep -o '#*$' "$out" | awk '{ if (length > n) n = length } END { print n }'
}
for width in 80 100 160; do
    at $width report jetext-53/input
    bars="${bars-}$(bar) "
done
is "bars" "$bars" "19 39 60 "

# Prose stays readable.
at 160 report jetext-53/input
is "prose" "$(awk '/^[A-Z]/ && !/[|#]/ && length > 100' "$out")" ""

# Long names are cut at 80 and not at 160; short ones keep their figures near.
cd "$tmp" || exit 99
long=a_function_with_a_name_that_is_longer_than_the_column_for_it
sed "s/own::make(int)/$long/; s/_ZN3own4makeEi/$long/" \
    "$valid/heap-symbols/input" >long.heap
at 80 report long.heap
unlike "a long name at 80" "$out" "$long"
at 160 report long.heap
like "a long name at 160" "$out" "^  $long +"
cp "$valid/heap-symbols/input" short.heap
at 160 report short.heap
sed -n '/^Who holds/p' "$out" >wide
at 80 report short.heap
sed -n '/^Who holds/p' "$out" >narrow
same_file "short names are no wider" wide narrow
for width in 80 160; do
    at $width report long.heap
    is "figures below their heading at $width" "$(awk '
        /^Who holds it/ { end = index($0, "live") + 3; next }
        end && /^  [a-z]/ && / B  / { print match($0, / B  /) + 1 - end; exit }
        ' "$out")" 0
done

# A series: the time of each dump, its file, and intervals where there are any.
series()
{
    for i in 0 1 2 3 4 5; do
        printf '{"jeprobe":{"schema":1,"complete":true,"wall_ns":%s000000000,"monotonic_ns":1},"process":{"pid":5,"uptime_ns":%s000000000},"jemalloc":{"version":"5.3.0-0-gjeprobe","stats":{"allocated":%s,"active":900000000,"metadata":4096,"resident":910000000,"mapped":990000000}}}\n' \
            $((1000000 + i * 3600)) $((i * 3600 + 60)) $((300000000 + i * $1))
    done
}
series 50000000 >grows.json
at 80 report grows.json
unlike "intervals at 80" "$out" '^What moved.* 95 %'
at 120 report grows.json
like "intervals at 120" "$out" '^What moved.* 95 %  over time$'
like "intervals: told" "$out" '^  allocated .* 47\.7 MiB to 47\.7 MiB '
like "a file at 120" "$out" '^Time .* change  file +'
at 160 report grows.json
is "rows end where the bars do" "$(awk '/^\+[0-9]/ { print length }' "$out" |
    sort -u | wc -l)" 1
series 0 >steady.json
at 160 report steady.json
unlike "no intervals, no column" "$out" '^What moved.* 95 %'

done_testing
