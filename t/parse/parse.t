#!/bin/sh
# Each folder of valid/ holds an input and lines that its JSON report has, in
# this order; each of invalid/ an input and the error it gets. A new case needs
# no more than its folder.
. "${0%/*}/../lib.sh"

cases=$top_srcdir/t/parse

# Lines of $1 that are not in $2, as whole trimmed lines and in order.
missing()
{
    sed 's/^ *//' "$2" >"$tmp/trimmed"
    awk 'NR == FNR { want[++n] = $0; next }
         $0 == want[i + 1] || $0 == want[i + 1] "," { i++ }
         END { if (i < n) print "not found in its place: " want[i + 1] }' \
        "$1" "$tmp/trimmed"
}

# Whether the report $1, in JSON and of one dump, says where the memory is.
knows()
{
    ! grep -q '"reports"' "$1" && grep -q '^ *"attribution": \[$' "$1"
}

# Whether the report $1 has a figure in it.
prints()
{
    grep -Eq '[0-9] ([KMGT]iB|bytes|B)' "$1"
}

for dir in "$cases"/valid/*/; do
    dir=${dir%/}
    run "$jeprobe" report --format json "$dir/input"
    if [ "$status" != 0 ]; then
        fail "${dir##*/}" "exit status $status" "$(cat "$err")"
        continue
    fi
    is "${dir##*/}" "$(missing "$dir/output" "$out")" ""
    cp "$out" json
    run "$jeprobe" report "$dir/input"
    is "${dir##*/} as text" "$status" 0
    if knows json; then
        ok "${dir##*/} as text has a figure" prints "$out"
    fi
done

for dir in "$cases"/invalid/*/; do
    dir=${dir%/}
    cd "$dir" || exit 99
    run "$jeprobe" report input
    is "${dir##*/} is refused" "$status" 3
    sed 's/^jeprobe: //' "$err" >"$tmp/error"
    same_file "${dir##*/}: one line says why" "$tmp/error" "$dir/error"
    is "${dir##*/}: nothing is printed" "$(cat "$out")" ""
done

done_testing
