#!/bin/sh
# A result that cannot be written is an error.
. "${0%/*}/../lib.sh"

if [ -c /dev/full ]; then
    status=0
    "$jeprobe" --help >/dev/full 2>"$err" || status=$?
    is "a full device: system error" $status 4
    like "and says so" "$err" \
        '^jeprobe: standard output: not written: No space left'
else
    skip "a full device" "no /dev/full"
fi

status=0
"$jeprobe" --help >&- 2>"$err" || status=$?
is "closed standard output: system error" $status 4

# A reader that goes away is not a failure worth a message.
"$jeprobe" --help 2>"$err" | true
is "a reader that goes away: no message" "$(cat "$err")" ""

done_testing
