#!/bin/sh
# Varnish: a cache that stores its objects by malloc, with a hundred threads.
. "${0%/*}/../lib.sh"
. "${0%/*}/clients.sh"
client varnishd
need varnishadm varnishstat curl python3

# What is behind it: files of all sizes.
mkdir files
i=0
while [ $i -lt 200 ]; do
    head -c $((i * i * 3 + 1)) /dev/zero | tr '\0' x >files/$i
    i=$((i + 1))
done
back=$(free_port)
(cd files && exec python3 -m http.server --bind 127.0.0.1 "$back") \
    >back.log 2>&1 &
running="$running $!"
i=0
while [ $i -lt 200 ]; do
    echo "url = \"http://127.0.0.1:PORT/$i\""
    echo 'output = "/dev/null"'
    i=$((i + 1))
done >urls

for mode in $modes; do
    front=$(free_port)
    on "$mode" stats_print:true,stats_print_opts:mablxeh varnishd -F -j none -n "$tmp/$mode.d" \
        -a "127.0.0.1:$front" -b "127.0.0.1:$back" -s malloc,64m \
        -p thread_pool_min=50 -p connect_timeout=60
    until_ok curl -sf "http://127.0.0.1:$front/1" ||
        bail "varnish does not start: $(tail -n 20 "$mode.log")"
    worker=$(ps -o pid= --ppid "$pid" | head -n 1 | tr -d ' ')
    # both take a signal for the end of their conversation: no dump
    is_mapped "$mode, manager" "$pid"
    is_mapped "$mode, worker" "$worker"
    sed "s/PORT/$front/" urls >urls.now
    pids=
    for round in 1 2 3 4; do
        curl -sf -Z -K urls.now >"load.$round" 2>&1 &
        pids="$pids $!"
    done
    bad=0
    for one in $pids; do
        wait "$one" || bad=$((bad + 1))
    done
    is "$mode: 800 requests by four clients" "$bad" 0
    curl -sf "http://127.0.0.1:$front/199" >got
    ok "$mode: a large file is whole" cmp got files/199
    varnishstat -n "$tmp/$mode.d" -1 >stat
    value()
    {
        awk -v name="$1" '$1 == name { print $2 }' stat
    }
    relation "$mode: they came from the cache" "$(value MAIN.cache_hit) > 500"
    relation "$mode: which is in malloc" "$(value SMA.s0.g_bytes) > 7e6"
    is "$mode: nothing failed" "$(value SMA.s0.c_fail)" 0
    ok "$mode: everything is banned" varnishadm -n "$tmp/$mode.d" \
        ban req.url '~' .
    ok "$mode: and served afresh" curl -sf "http://127.0.0.1:$front/199"
    ok "$mode: another program in VCL" varnishadm -n "$tmp/$mode.d" \
        vcl.inline second '"vcl 4.1; backend none none;"'
    is "$mode: the worker never died" \
        "$(varnishadm -n "$tmp/$mode.d" panic.show 2>&1 |
            grep -c 'not panicked')" 1
    kill -TERM "$pid"
    ended "$mode" "$pid"
    like "$mode: the worker's statistics are ours" "$mode.log" \
        'said Version: "5\.3\.0-0-gjeprobe"'
    live=$(sed -n 's/.* said Allocated: \([0-9]*\),.*/\1/p' "$mode.log")
    relation "$mode: and have what it held" "${live:-0} > 100000"
    quiet "$mode" "$mode.log"
done
done_testing
