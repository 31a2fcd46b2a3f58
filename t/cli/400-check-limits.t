#!/bin/sh
# check: limits with their floor of bytes, verdicts and exit statuses.
. "${0%/*}/../lib.sh"

# dump ALLOCATED ACTIVE METADATA RESIDENT, in MiB, as text of jemalloc
dump()
{
    awk -v a="$1" -v b="$2" -v m="$3" -v r="$4" 'BEGIN { M = 1048576
        print "___ Begin jemalloc statistics ___"
        print "Version: \"5.3.0-0-gabc\""
        printf "Allocated: %d, active: %d, metadata: %d (n_thp 0), ", a*M, b*M, m*M
        printf "resident: %d, mapped: %d, retained: 0\n", r*M, (r+1)*M
        print "--- End jemalloc statistics ---" }'
}

dump 100 120 10 150 >dump.txt
check="$jeprobe check --fail-on never"

run $check --max-internal 21 dump.txt
is "20 % internal passes a limit of 21 %" "$status" 0
like "it is told" "$out" '^ok     internal fragmentation 20.0 % \(limit 21 %\)$'
like "the verdict is last" "$out" '^jeprobe: pass$'
run $check --max-internal 19 dump.txt
is "and alerts at 19 %" "$status" 1
like "with figure, limit and bytes" "$out" \
    '^ALERT  internal fragmentation 20.0 % is above 19 % \(20.0 MiB '
run $check --max-internal 19 --min-size 21M dump.txt
is "fewer bytes than the floor never alert" "$status" 0
like "and that is told" "$out" '^ok .*too few bytes'

run $check --max-external 26 dump.txt
is "25 % external passes 26 %" "$status" 0
run $check --max-external 24% dump.txt
is "and alerts at 24 %" "$status" 1
run $check --max-metadata 7 dump.txt
is "10 of 150 is below 7 %" "$status" 0
run $check --max-metadata 6 --min-size 9M dump.txt
is "and above 6 %" "$status" 1
run $check --max-allocated 100M dump.txt
is "allocated is not above its limit" "$status" 0
run $check --max-allocated 99M dump.txt
is "and is above the next" "$status" 1

# What is not in the dump is no pass.
grep -v Version dump.txt | sed 's/metadata: [0-9]* (n_thp 0), //' >poor.txt
run $check --max-metadata 90 poor.txt
is "a missing figure cannot be verified" "$status" 5
like "which one is told" "$out" "^can't  metadata: the dump has no metadata"
run $check --max-metadata 90 --max-internal 1 poor.txt
is "an alert outweighs it" "$status" 1
dump 130 120 10 150 >impossible.txt
run $check --max-internal 50 impossible.txt
is "counters that cannot be right are no pass" "$status" 5

# A dump that no rule can judge is no pass, unless findings do not matter.
run "$jeprobe" check impossible.txt
is "findings in counters that cannot be right are no pass" "$status" 5
like "why" "$out" "^can't  impossible-counters: allocated is above active, .* impossible.txt\$"
like "it is counted" "$out" '^jeprobe: 0 alerts, 1 not verifiable$'
run "$jeprobe" check --fail-on never impossible.txt
is "it is a note with --fail-on never" "$status" 0
echo '{"suppress": [{"check": "impossible-counters", "reason": "known"}]}' >mute.json
run "$jeprobe" check --config mute.json impossible.txt
is "it can be suppressed" "$status" 0
like "its reason is told" "$out" '^muted  impossible-counters: .* because: known'
dump 0 0 10 150 >unused.txt
run "$jeprobe" check unused.txt
is "nor is a copy of the allocator that is not in use" "$status" 5
run $check --max-internal 50 --max-external 50 unused.txt
is "of nothing there is no share" "$status" 5
like "what is missing" "$out" \
    "^can't  internal fragmentation: the dump has no allocated above 0 \("
like "of the other ratio, too" "$out" \
    "^can't  external fragmentation: the dump has no active above 0 \("

run $check --max-internal 50 dump.txt missing.txt
is "a file that is not there" "$status" 3

# A file with limits; options win; what is wrong in it is told.
echo '{"max-internal": 19, "min-size": "1MiB", "fail-on": "never"}' >limits.json
run "$jeprobe" check --config limits.json dump.txt
is "limits from a file" "$status" 1
run "$jeprobe" check --config limits.json --max-internal 50 dump.txt
is "an option wins" "$status" 0
echo '{"max-internal": 19, "fail-on": "never", "suppress":
    [{"check": "internal-fragmentation", "reason": "known, ticket 7"}]}' >mute.json
run "$jeprobe" check --config mute.json dump.txt
is "a suppressed check does not alert" "$status" 0
like "its reason is told" "$out" '^muted  internal .* because: known, ticket 7'
for bad in '{"max-internal": "x"}' '{"max-wombat": 1}' '[1]' '{"min-size": -1}' \
    '{"suppress": [{"check": "metadata"}]}' '{"fail-on": "sometimes"}' '{'; do
    echo "$bad" >bad.json
    run "$jeprobe" check --config bad.json dump.txt
    is "refused: $bad" "$status" 3
    is "in one line" "$(wc -l <"$err" | tr -d ' ')" 1
done

# A suppression of what there is not would silence nothing.
for name in slab-waste-hihg metdata alocated; do
    echo "{\"suppress\": [{\"check\": \"$name\", \"reason\": \"r\"}]}" >bad.json
    run "$jeprobe" check --config bad.json dump.txt
    is "suppressed: $name" "$status" 3
    like "and what is like it" "$err" \
        "no check \"$name\" to suppress; did you mean \"(slab-waste-high|metadata|allocated)\"[?]\$"
done
echo '{"suppress": [{"check": "wombats", "reason": "r"}]}' >bad.json
run "$jeprobe" check --config bad.json dump.txt
is "suppressed: nothing like any" "$status" 3
like "where all are" "$err" 'jeprobe explain lists all'
for name in slab-waste-high baseline site-growth allocated; do
    echo "{\"suppress\": [{\"check\": \"$name\", \"reason\": \"r\"}]}" >good.json
    run "$jeprobe" check --config good.json dump.txt
    is "suppressed: $name" "$status" 0
done

# Processes without a name are not taken for one another.
fingerprints()
{
    run "$jeprobe" check --format json --max-internal 1 "$@"
    sed -n '/"check": "internal-fragmentation"/,/"fingerprint"/s/^ *"fingerprint": //p' "$out"
}
cp dump.txt web.7.txt
cp dump.txt web.8.txt
cp dump.txt other.txt
is "as many fingerprints as processes" \
    "$(fingerprints web.7.txt web.8.txt other.txt | sort -u | wc -l | tr -d ' ')" 3
is "not of the process's number" "$(fingerprints web.7.txt)" "$(fingerprints web.8.txt)"

run "$jeprobe" check
is "no file" "$status" 2
run "$jeprobe" check --max-internal -5 dump.txt
is "a negative limit" "$status" 2
run "$jeprobe" check --max-internal 0x10 dump.txt
is "a limit that is no decimal number" "$status" 2
run "$jeprobe" check --update-baseline dump.txt
is "an update of nothing" "$status" 2
run "$jeprobe" check --max-growth 5 dump.txt
is "growth against nothing" "$status" 2
like "what it needs" "$err" '--max-growth needs --baseline FILE$'
run "$jeprobe" check --fail-on none dump.txt
is "a severity that is none" "$status" 2
like "what there is" "$err" "^jeprobe: --fail-on 'none': not one of low\|medium\|high\|never\$"
run "$jeprobe" check --config missing.json dump.txt
is "no such configuration" "$status" 3
is "is told" "$(cat "$err")" "jeprobe: missing.json: cannot open: No such file or directory"
run "$jeprobe" check --format json --annotate github dump.txt
is "JSON and annotations do not mix" "$status" 2

run $check --format json --max-internal 19 dump.txt
is "JSON: status" "$status" 1
like "JSON: schema" "$out" '"schema": "jeprobe.check/1"'
like "JSON: verdict" "$out" '"verdict": "alert"'
like "JSON: value" "$out" '"value": 0.2,'
like "JSON: bytes" "$out" '"bytes": 20971520,'

done_testing
