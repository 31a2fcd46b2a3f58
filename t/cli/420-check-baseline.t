#!/bin/sh
# check --baseline: growth, known findings, and what cannot be compared.
. "${0%/*}/../lib.sh"

# dump LIVE_SAMPLES SAMPLE_INTERVAL VERSION ALLOCATED_MIB: one site of 512 KiB
# objects, each of which stands for 1 / (1 - exp(-1)) = 1.58 of them.
dump()
{
    cat <<END
{"jeprobe":{"schema":1,"complete":true},
"jemalloc":{"version":"$3","stats":{"allocated":$(($4 * 1048576)),"active":$(($4 * 1048576)),"metadata":4096,"resident":$(($4 * 1048576 + 4096)),"mapped":$(($4 * 1048576 + 8192))}},
"profile":{"sample_interval":$2,"stacks":[["0x1100"]],
"mappings":[{"start":"0x1000","end":"0x2000","offset":"0x0","path":"/lib/none.so","build_id":null}],
"sites":[{"stack":0,"size":524288,"rate":$2,"live_samples":$1,"total_samples":$1}]}}
END
}
check="$jeprobe check --fail-on never --baseline base.json"

dump 100 524288 5.3.0-0-gjeprobe 100 >old.json
run $check old.json
is "no baseline yet" "$status" 3
run $check --update-baseline old.json
is "a baseline is made" "$status" 0
like "of its schema" base.json '"schema": "jeprobe.baseline/1"'
run $check old.json
is "the same dump passes" "$status" 0

dump 100 524288 5.3.0-0-gjeprobe 109 >new.json
run $check new.json
is "9 % is no growth" "$status" 0
dump 100 524288 5.3.0-0-gjeprobe 112 >new.json
run $check new.json
is "12 % is" "$status" 1
like "it is told" "$out" '^ALERT  allocated 112.0 MiB has grown from 100.0 MiB \(\+12.0 %\)'
run $check --max-growth 13 new.json
is "unless it is allowed" "$status" 0
run $check --min-size 13M new.json
is "or too few bytes" "$status" 0

# 100 samples of objects of the interval are known to 12 %: 115 may be chance,
# 200 is not.
dump 115 524288 5.3.0-0-gjeprobe 100 >new.json
run $check new.json
is "growth of a site within the sampling error" "$status" 0
dump 200 524288 5.3.0-0-gjeprobe 100 >new.json
run $check new.json
is "growth beyond it" "$status" 1
like "the site is named" "$out" '^ALERT  .*none.so\+0xff .* has grown from 79.1 MiB'

# Few samples never decide, however many bytes they stand for.
dump 2 524288 5.3.0-0-gjeprobe 100 >old.json
run $check --update-baseline old.json
dump 29 524288 5.3.0-0-gjeprobe 100 >new.json
run $check --min-size 1M new.json
is "29 samples do not gate" "$status" 0
dump 40 524288 5.3.0-0-gjeprobe 100 >new.json
run $check --min-size 1M new.json
is "40 do" "$status" 1

dump 2 1048576 5.3.0-0-gjeprobe 100 >new.json
run $check new.json
is "another sample interval cannot be compared" "$status" 5
like "why is told" "$out" "^can't .*same sample interval"
dump 2 524288 5.3.1-0-gjeprobe 100 >new.json
run $check new.json
is "nor another version" "$status" 5
like "why is told" "$out" "^can't .*same version"

run $check new.json new.json
is "two dumps and one baseline" "$status" 2
echo '{"schema": "other/1"}' >base.json
run $check new.json
is "a file that is no baseline" "$status" 3
echo '{"schema": ' >base.json
run $check new.json
is "a damaged one" "$status" 3
like "the place is told" "$err" 'base.json:[0-9]+:[0-9]+: '

done_testing
