#!/bin/sh
# No rule finds fault with processes that are fine: the dumps that
# t/rules/healthy/generate and generate_others made of real programs at work.
. "${0%/*}/../lib.sh"

dumps=0
for file in "$top_srcdir"/t/rules/healthy/*.gz; do
    name=$(basename "$file" .gz)
    dumps=$((dumps + 1))
    run "$jeprobe" report --format json "$file"
    is "$name: read" "$status" 0
    # What it could have found a fault in: figures, and a table of bins.
    case $name in
        *.mimalloc)
            like "$name: mapped is known" "$out" '^ *"mapped": [1-9][0-9]{7}' ;;
        *)
            like "$name: allocated is known" "$out" \
                '^ *"allocated": [1-9][0-9]{7}' ;;
    esac
    case $name in
        *.jemalloc | *.jealloc)
            like "$name: holes are known" "$out" '^ *"slab_holes": [1-9]' ;;
        *)
            like "$name: the RSS is known" "$out" '^ *"rss": [1-9]' ;;
    esac
    unlike "$name: nothing above info" "$out" \
        '"severity": "(low|medium|high)"'
    run "$jeprobe" report "$file"
    like "$name: says so" "$out" '^Nothing is wrong as far as this dump shows'
done
ok "there are twenty at least" test $dumps -ge 20
done_testing
