#!/bin/sh
# Signals sent to jeprobe reach the program, and once.
. "${0%/*}/../lib.sh"
. "$here/stub.sh"
need perl

$CC -D_GNU_SOURCE -w -o prog "$here/signal_prog.c" || skip_all "no compiler"

# Wait until FILE has a line like PATTERN.
await()
{
    tries=0
    until grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 6000 ] || return 1
        sleep 0.01
    done
}

# Wait for jeprobe and set $status; it and the program are killed if they do
# not end.
ends()
{
    tries=0
    while kill -0 $jeprobe_pid 2>/dev/null && [ $tries -lt 6000 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
    kill -KILL $jeprobe_pid "$pid" 2>/dev/null
    status=0
    wait $jeprobe_pid || status=$?
    [ $status = 0 ]
}

# A process group of its own, whose parent is in another one: the kernel drops
# stop signals to a group that nobody could continue, and a test that is run in
# the background can be in such a group.
begin()
{
    rm -f log
    perl -e 'setpgrp(0, 0); exec @ARGV; die' \
        "$jeprobe" run ./prog log </dev/null 2>messages &
    jeprobe_pid=$!
    await log '^pid '
    pid=$(sed -n 's/^pid //p' log)
}

begin
for sig in TERM:15 INT:02 HUP:01 USR1:10 WINCH:28 CONT:18; do
    kill -"${sig%:*}" $jeprobe_pid
    ok "SIG${sig%:*} is passed on" await log "^got ${sig#*:}"
done
kill -USR2 $jeprobe_pid
ends
is "SIGUSR2 ended it" $status 0
for sig in TERM:15 INT:02 HUP:01 USR1:10 WINCH:28 CONT:18; do
    is "SIG${sig%:*} came once" "$(grep -c "^got ${sig#*:}" log)" 1
done

# To the whole group: once, not twice. Many times, because two at once count as
# one.
count_is()
{
    tries=0
    until [ "$(grep -c "^got $1" log)" -ge "$2" ]; do
        tries=$((tries + 1))
        [ $tries -lt 6000 ] || return 1
        sleep 0.01
    done
}

if command -v setsid >/dev/null; then
    rm -f log
    setsid "$jeprobe" run ./prog log </dev/null 2>messages &
    jeprobe_pid=$!
    await log '^pid '
    pid=$(sed -n 's/^pid //p' log)
    n=0
    while [ $n -lt 10 ]; do
        n=$((n + 1))
        kill -TERM -$jeprobe_pid
        count_is 15 $n
        kill -INT $jeprobe_pid
        count_is 02 $n
    done
    # The answer to the last one has been given when this one arrives.
    kill -HUP $jeprobe_pid
    ok "after all of them SIGHUP arrives" await log '^got 01'
    is "SIGTERM to the group came once each" "$(grep -c '^got 15' log)" 10
    is "SIGINT to jeprobe alone came once each" "$(grep -c '^got 02' log)" 10
    named=0
    for process in /proc/[0-9]*; do
        { read -r stat <"$process/stat"; } 2>/dev/null || continue
        # shellcheck disable=SC2086
        set -- ${stat##*) }
        if [ "$3" = "$jeprobe_pid" ] && tr '\0\n' '\n ' \
            <"$process/cmdline" 2>/dev/null | grep -qxF "$jeprobe"; then
            named=$((named + 1))
        fi
    done
    is "only jeprobe itself has its name" $named 1
    kill -USR2 $jeprobe_pid
    ok "SIGUSR2 ends it" ends
else
    skip "signals to the group" "no setsid"
fi

# Stopped through jeprobe, continued through jeprobe.
begin
kill -TSTP $jeprobe_pid
state_is()
{
    grep -q "^State:.$2" "/proc/$1/status" 2>/dev/null
}
await_state()
{
    tries=0
    until state_is "$1" "$2"; do
        tries=$((tries + 1))
        [ $tries -lt 6000 ] || return 1
        sleep 0.01
    done
}
ok "SIGTSTP stops the program" await_state "$pid" T
ok "and jeprobe" await_state "$jeprobe_pid" T
kill -CONT $jeprobe_pid
ok "SIGCONT continues the program" await log '^got 18'
kill -USR2 $jeprobe_pid
ok "and jeprobe" ends

# Somebody stops and continues the program alone: jeprobe must not stay behind.
begin
kill -STOP "$pid"
ok "the program is stopped alone" await_state "$pid" T
kill -CONT "$pid"
ok "and continued alone" await log '^got 18'
kill -USR2 "$pid"
ok "jeprobe has not stopped" ends

# jeprobe is killed: the program goes on, and ends as it would.
begin
kill -KILL $jeprobe_pid
wait $jeprobe_pid 2>/dev/null
kill -TERM "$pid"
ok "the program outlives jeprobe" await log '^got 15'
kill -USR2 "$pid"
ok "and ends when it wants to" await log '^got 12'
cat >slow.c <<'C'
#include <unistd.h>
int main(void)
{
    for (int i = 0; i < 60000 && access("killed", F_OK) != 0; i++)
        usleep(1000);
    return 0; /* the preload object now writes to a pipe without a reader */
}
C
$CC -w -o slow slow.c
cat >outer.sh <<'C'
"$1" run --follow sh -c ': >begun; ./slow; echo $? >status2' &
until [ -e begun ]; do sleep 0.01; done
kill -KILL $!
wait $!
: >killed
C
sh outer.sh "$jeprobe" 2>/dev/null
ok "a report to a dead jeprobe does no harm" await status2 '^0$'

# A timer survives execve: `alarm 1; exec jeprobe run ...` is a time limit.
cat >limit.c <<'C'
#include <sys/time.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct itimerval t = {{0, 0}, {0, 200000}};
    setitimer(ITIMER_REAL, &t, 0);
    execv(argv[1], argv + 1);
}
C
$CC -D_GNU_SOURCE -w -o limit limit.c
run ./limit "$jeprobe" run sleep 5
is "a time limit ends the program" $status 142

done_testing
