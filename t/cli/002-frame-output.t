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

# A reader that goes away is not a failure worth a message. It has gone for
# certain when somebody else has got SIGPIPE.
{
    sh -c 'while :; do echo; done' 2>/dev/null
    status=0
    "$jeprobe" --help 2>"$err" || status=$?
    echo $status >status
} | true
is "a reader that goes away: no message" "$(cat "$err")" ""
is "a reader that goes away: ended as others are" "$(cat status)" 141

done_testing
