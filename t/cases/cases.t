#!/bin/sh
# Dumps that people asked about, written from the figures that were published,
# against what those who know said of them.  A folder is a case:
#
#   input, or input.1 and input.2   the dump, or two of one process
#   rules                           what must come out, a line each:
#     has RULE [SEVERITY]           that finding (of the last dump)
#     not RULE                      not that one
#     calm                          nothing above info
#     figure NAME VALUE DIGITS      of the summary, rounded
#     text EXTENDED-REGEXP          a line of the text report
#
# What follows a # is who said it, and what the figures lack and is ours.
. "${0%/*}/../lib.sh"

cases=$top_srcdir/t/cases

# Findings of the last report: "RULE SEVERITY".
findings()
{
    awk '/^ *"findings": \[/ { n = 0 }
         /^ *"rule": / { split($0, part, "\""); rule = part[4] }
         /^ *"severity": / {
             split($0, part, "\"")
             found[++n] = rule " " part[4]
         }
         END { for (i = 1; i <= n; i++) print found[i] }' "$1"
}

# figure NAME DIGITS: of the last summary, in per cent where it is a ratio.
figure()
{
    awk -v name="\"$1\":" -v digits="$2" '
        $1 == name { value = $2; sub(/,$/, "", value) }
        END {
            if (value == "null" || value == "") print "unknown"
            else if (digits == "%") printf "%.1f%%\n", value * 100
            else printf "%.*f\n", digits, value
        }' "$tmp/json"
}

check()
{
    case $1 in
        has)
            like "$name: has $2 $3" "$tmp/found" "^$2 ${3:-.*}\$" ;;
        not)
            unlike "$name: not $2" "$tmp/found" "^$2 " ;;
        calm)
            unlike "$name: calm" "$tmp/found" ' (low|medium|high)$' ;;
        figure)
            is "$name: $2" "$(figure "$2" "$4")" "$3" ;;
        *)
            fail "$name: $*" "what is that?" ;;
    esac
}

for dir in "$cases"/*/; do
    dir=${dir%/}
    name=${dir##*/}
    run "$jeprobe" report --format json "$dir"/input*
    is "$name: read" "$status" 0
    cp "$out" "$tmp/json"
    findings "$tmp/json" >"$tmp/found"
    run "$jeprobe" report "$dir"/input*
    # Prose is broken at the width; a sentence is looked for in one line.
    { cat "$out"; tr -s '\n ' '  ' <"$out"; } >"$tmp/text"
    while read -r line; do
        case $line in '#'*) continue ;; esac
        [ -n "$line" ] || continue
        case $line in
            text\ *)
                like "$name: says ${line#text }" "$tmp/text" "${line#text }"
                continue ;;
        esac
        set -f
        # shellcheck disable=SC2086
        check $line
        set +f
    done <"$dir/rules"
done
done_testing
