#!/bin/sh
# Names from a dump never reach the terminal as control characters.
. "${0%/*}/../lib.sh"

esc=$(printf '\033')
cat >dump.json <<'END'
{"jeprobe":{"schema":1,"reason":"\u001b[31mexit\n","complete":true},
"process":{"pid":1,"exe":"/bin/\u001b]0;title\u0007x\u202e","argv":["\u0000a","\u009b31m"]},
"jemalloc":{"version":"5.3.0\u001b[2J-0"},
"profile":{"sample_interval":524288,"stacks":[["0x1100"]],
"mappings":[{"start":"0x1000","end":"0x2000","offset":"0x0","path":"/lib/\u001b[1mevil\r\n::warning::x","build_id":null}],
"sites":[{"stack":0,"size":64,"rate":524288,"live_samples":10,"total_samples":10}]}}
END
run "$jeprobe" report dump.json
is "text: status" "$status" 0
is "text: no control character" \
    "$(tr -d '\n' <"$out" | LC_ALL=C tr -d ' -~' | wc -c)" 0
like "text: what was there is shown" "$out" 'x1b'
unlike "text: no line starts with a command" "$out" '^::warning'
run "$jeprobe" report --format json dump.json
is "json: status" "$status" 0
is "json: no control character" "$(grep -c "$esc" "$out")" 0
like "json: it is kept" "$out" '001[bB]'

# A file name is a name from outside too.
name="a${esc}[31mb"
cp dump.json "$name"
run "$jeprobe" report "$name"
is "file name: status" "$status" 0
is "file name: no control character" "$(grep -c "$esc" "$out")" 0
echo hello >"$name"
run "$jeprobe" report "$name"
is "file name in an error: status" "$status" 3
is "file name in an error: no control character" "$(grep -c "$esc" "$err")" 0
is "file name in an error: one line" "$(wc -l <"$err")" 1

done_testing
