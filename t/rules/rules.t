#!/bin/sh
# Every rule has dumps for which it speaks and dumps, just beyond its
# threshold, for which it does not:
#
#   t/rules/RULE/fires[-VARIANT]   the rule is among the findings
#   t/rules/RULE/near[-VARIANT]    it is not
#   …fires.1, fires.2              two dumps of one process, in that order
#   t/rules/RULE/expected          lines "FILE SEVERITY BYTES", - = any
#   t/rules/RULE/says              lines "FILE EXTENDED-REGEXP": a line of the
#                                  finding in JSON; "FILE ! …": none is like it
. "${0%/*}/../lib.sh"

rules=$top_srcdir/t/rules

# findings FILE...: "RULE SEVERITY BYTES" of the last report's findings.
findings()
{
    run "$jeprobe" report --format json "$@"
    awk '/^ *"findings": \[/ { n = 0 }
         /^ *"rule": / { split($0, part, "\""); rule = part[4] }
         /^ *"severity": / { split($0, part, "\""); severity = part[4] }
         rule != "" && /^ *"bytes": / {
             gsub(/[^0-9]/, "")
             found[++n] = rule " " severity " " ($0 == "" ? "null" : $0)
             rule = ""
         }
         END { for (i = 1; i <= n; i++) print found[i] }' "$out" >"$tmp/found"
}

# words RULE NAME: what the last report's finding says.
words()
{
    awk -v rule="\"$1\"" '
        /^ *"findings": \[/ { text = ""; is_it = 0 }
        /^ *"rule": / { is_it = index($0, rule) > 0 }
        is_it { text = text $0 "\n" }
        END { printf "%s", text }' "$out" >"$tmp/words"
    while read -r file regexp; do
        [ "$file" = "$2" ] || continue
        case $regexp in
            '! '*) unlike "$name: does not say ${regexp#! }" "$tmp/words" \
                "${regexp#! }" ;;
            *) like "$name: says $regexp" "$tmp/words" "$regexp" ;;
        esac
    done <"$rules/$1/says"
}

# one RULE WANTED FILE...: 1 it fires, 0 it does not.
one()
{
    rule=$1 wanted=$2
    shift 2
    findings "$@"
    name=${1#"$rules/"}
    is "$name: read" "$status" 0
    got=$(grep -c "^$rule " "$tmp/found")
    if [ "$got" = "$wanted" ]; then
        pass "$name"
    else
        fail "$name" "findings:" "$(cat "$tmp/found")"
    fi
    [ ! -f "$rules/$rule/says" ] || words "$rule" "${name#*/}"
    [ -f "$rules/$rule/expected" ] || return
    while read -r file severity bytes; do
        [ "$file" = "${name#*/}" ] || continue
        wanted_line=$(grep "^$rule " "$tmp/found" | awk -v s="$severity" \
            -v b="$bytes" '{ print $1, s == "-" ? s : $2, b == "-" ? b : $3 }')
        is "$name: what it says" "$wanted_line" "$rule $severity $bytes"
    done <"$rules/$rule/expected"
}

for dir in "$rules"/*/; do
    rule=$(basename "$dir")
    [ "$rule" = healthy ] && continue
    for file in "$dir"fires* "$dir"near*; do
        case $file in
            */fires*) wanted=1 ;;
            *) wanted=0 ;;
        esac
        case $file in
            *.2) ;;
            *.1) one "$rule" $wanted "$file" "${file%.1}.2" ;;
            *) one "$rule" $wanted "$file" ;;
        esac
    done
done

# A rule without dumps is not tested.
for id in $(sed -n 's/^RULE([a-z0-9_]*, "\([^"]*\)",.*/\1/p' \
    "$top_srcdir"/lib/analyse/rules_*.def); do
    ok "$id: there is a dump for which it fires" sh -c "ls $rules/$id/fires*"
    ok "$id: there is one for which it does not" sh -c "ls $rules/$id/near*"
done

# Where a dump cannot tell, its report does not say that all is well.
cannot_tell()
{
    run "$jeprobe" report "$2"
    tr '\n' ' ' <"$out" >"$tmp/line"
    like "$1: nothing can be said" "$tmp/line" \
        "This dump does not show whether something is wrong: see $1 below"
    unlike "$1: it does not say that all is well" "$out" 'Nothing is wrong'
}

cannot_tell impossible-counters "$rules/impossible-counters/fires"
cannot_tell stats-disabled "$rules/stats-disabled/fires"
cannot_tell stats-disabled "$rules/stats-disabled/fires-no-rss"
cannot_tell slab-waste-high "$rules/slab-waste-high/fires-totals-cannot-tell"
cat >totals <<'EOS'
Allocated: 104857600, active: 106954752, metadata: 4194304 (n_thp 0), resident: 134217728, mapped: 140509184, retained: 0
EOS
cannot_tell summary-only-dump totals
sed 's/134217728/113246208/' totals >few
run "$jeprobe" report few
like "few bytes are left open" "$out" '^Nothing is wrong'

# One cause gives one finding: what hides what are rules.
ids=$(sed -n '/^} looks\[\] = {/,/^};/s/^    {"\([^"]*\)", "\([^"]*\)"},$/\1 \2/p' \
    "$top_srcdir/lib/analyse/rules.c")
ok "findings hide others" test -n "$ids"
for id in $ids; do
    ok "$id hides or is hidden: it is a rule" test -d "$rules/$id"
done
done_testing
