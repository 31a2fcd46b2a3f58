#!/bin/sh
# Whole text reports, in both character sets, against files whose every figure
# was worked out by hand from the input (t/parse/valid/*/input).
. "${0%/*}/../lib.sh"

golden=$top_srcdir/t/cli/200-report-text
cases=$top_srcdir/t/parse/valid

# Report CASE in LOCALE and compare it with FILE.
compare()
{
    cd "$cases/$1" || exit 99
    LC_ALL=$2
    export LC_ALL
    run "$jeprobe" report input
    LC_ALL=C
    is "$1, $2: status" "$status" 0
    same_file "$1, $2" "$out" "$golden/$3"
}

compare jeprobe-full C jeprobe-full.ascii
compare jeprobe-full C.UTF-8 jeprobe-full.utf8
compare jeprobe-freed C jeprobe-freed.ascii
compare jetext-53 C jetext-53.ascii
compare jetext-fragment C jetext-fragment.ascii
compare jetext-two-totals C jetext-two-totals.ascii
compare tcmalloc-gperf-210 C tcmalloc-gperf-210.ascii
compare glibc-info-236 C glibc-info-236.ascii
compare proc-with-mimalloc C proc-with-mimalloc.ascii

for dir in "$cases"/*/; do
    cd "$dir" || exit 99
    run "$jeprobe" report input
    name=${dir%/}
    is "${name##*/}: status" "$status" 0
    is "${name##*/}: 80 columns" "$(awk 'length > 80' "$out")" ""
    unlike "${name##*/}: no blank at the end of a line" "$out" ' $'
    like "${name##*/}: ends with what to do next" "$out" '^Next: jeprobe '
done

done_testing
