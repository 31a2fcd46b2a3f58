#!/bin/sh
# No rule finds fault with processes that are fine: the dumps that
# t/rules/healthy/generate made of real programs at work.
. "${0%/*}/../lib.sh"

dumps=0
for file in "$top_srcdir"/t/rules/healthy/*.gz; do
    name=$(basename "$file" .gz)
    dumps=$((dumps + 1))
    run "$jeprobe" report --format json "$file"
    is "$name: read" "$status" 0
    # What it could have found a fault in: figures, and a table of bins.
    like "$name: allocated is known" "$out" '^ *"allocated": [1-9][0-9]{7}'
    like "$name: holes are known" "$out" '^ *"slab_holes": [1-9]'
    unlike "$name: nothing above info" "$out" \
        '"severity": "(low|medium|high)"'
    run "$jeprobe" report "$file"
    like "$name: says so" "$out" '^Nothing is wrong as far as this dump shows'
done
ok "there are ten at least" test $dumps -ge 10
done_testing
