#!/bin/sh
# The ledger's lines against figures that another object in the same process
# takes from smaps_rollup and mallctl at the same moment.
. "${0%/*}/../lib.sh"
need_preload

spy=$top_builddir/t/ledger/.libs/spy.so
compare=$top_builddir/t/ledger/compare

# wait_for FILE: until it is there and not empty any more, a minute at most
wait_for()
{
    tries=0
    while [ ! -s "$1" ] && [ "$tries" -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ -s "$1" ]
}

# look NAME PID: ask both for their figures and compare them
look()
{
    rm -f "$tmp/dump" "$tmp/spied"
    kill -USR1 "$2"
    wait_for "$tmp/spied"
    kill -USR2 "$2"
    ok "$1: the dump is written" wait_for "$tmp/dump"
    run "$jeprobe" report --format json "$tmp/dump"
    cp "$out" "$tmp/report.json"
    ok "$1: each line is reproduced, 2 % at most unexplained" \
        "$compare" "$tmp/spied" "$tmp/report.json" 1048576
    sed 's/^/# /' "$tmp/.ok"
}

# start NAME COMMAND...: under both objects
start()
{
    JEPROBE_CONF=dump_signal:12,follow:true JEPROBE_DUMP_PATH="$tmp/dump" \
        LEDGER_SPY_SIGNAL=10 LEDGER_SPY_OUT="$tmp/spied" \
        LD_PRELOAD="$preload $spy" "$@" >"$tmp/log" 2>&1 &
    pid=$!
}

start "$top_builddir/t/ledger/holder" "$tmp/ready"
tries=0
while [ ! -e "$tmp/ready" ] && [ "$tries" -lt 600 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
look holder "$pid"
ok "holder: pages of slabs that were given back are no holes" \
    grep -q 'curregs \* size - slab_gaps"' "$tmp/report.json"
kill -TERM "$pid"
wait "$pid" 2>/dev/null

# The server is the same file as the checker of its database, which comes
# without a service that is started at once; its name decides.
checker=$(command -v redis-check-rdb || command -v redis-server) || checker=
if [ -n "$checker" ] && command -v redis-cli >/dev/null; then
    ln -s "$checker" redis-server
    start "$tmp/redis-server" --port 0 --unixsocket "$tmp/redis" --save '' \
        --enable-debug-command yes
    tries=0
    while [ ! -S "$tmp/redis" ] && [ "$tries" -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    redis-cli -s "$tmp/redis" debug populate 300000 key 200 >/dev/null
    look redis-server "$pid"
    kill -TERM "$pid"
    wait "$pid" 2>/dev/null
else
    skip "redis-server" "there is no redis-server"
fi
done_testing
