#!/bin/sh
# On a terminal: stop, continue, interrupt, input, size.
. "${0%/*}/../lib.sh"
. "$here/stub.sh"

$CC -D_GNU_SOURCE -w -o prog "$here/signal_prog.c" &&
    $CC -D_GNU_SOURCE -w -o shell "$here/tty_shell.c" || skip_all "no compiler"

for how in '' ignore-tstp; do
    rm -f log
    ./shell log "$jeprobe" run ./prog log $how >results
    status=$?
    [ $status = 77 ] && skip_all "no terminal can be made"
    is "the shell has done its work ${how:-(default)}" $status 0
    while IFS= read -r line; do
        case $line in
            "ok - "*) pass "${line#ok - }" ;;
            *) fail "${line#not ok - }" "$(cat log)" ;;
        esac
    done <results
done

done_testing
