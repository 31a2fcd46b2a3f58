#!/bin/sh
# nghttp2: server and proxy, in C++.
. "${0%/*}/../lib.sh"
. "${0%/*}/clients.sh"
client nghttpd
client nghttpx
need h2load nghttp

mkdir files
head -c 3000000 /dev/zero | tr '\0' y >files/large
echo small >files/small

# load PORT FILE REQUESTS: all of them succeed.
load()
{
    h2load -n "$3" -c 20 -m 10 "http://127.0.0.1:$1/$2" >load.log 2>&1 &&
        grep -q "requests: $3 total, $3 started, $3 done, $3 succeeded" load.log
}

for mode in $modes; do
    server=$(free_port)
    on "$mode" abort_conf:true nghttpd --no-tls -n 4 -d "$tmp/files" "$server"
    server_pid=$pid
    cp "$mode.log" "$mode.server.log"
    until_ok nghttp "http://127.0.0.1:$server/small" ||
        bail "nghttpd does not start: $(cat "$mode.log")"
    proxy=$(free_port)
    on "$mode" abort_conf:true nghttpx --conf=/dev/null -n 4 --errorlog-file="$tmp/error.log" \
        "--frontend=127.0.0.1,$proxy;no-tls" \
        "--backend=127.0.0.1,$server;;proto=h2"
    proxy_pid=$pid
    until_ok nghttp "http://127.0.0.1:$proxy/small" ||
        bail "nghttpx does not start: $(cat "$mode.log" error.log)"
    # the proxy's work is done by a child
    worker=$(ps -o pid= --ppid "$proxy_pid" | head -n 1 | tr -d ' ')
    is_ours "$mode, server" "$server_pid"
    is_ours "$mode, proxy" "${worker:-$proxy_pid}"
    ok "$mode: server under load" load "$server" small 5000
    ok "$mode: proxy under load" load "$proxy" small 5000
    ok "$mode: large answers" load "$proxy" large 60
    is "$mode: they are whole" \
        "$(nghttp "http://127.0.0.1:$proxy/large" | wc -c)" 3000000
    kill -QUIT "$proxy_pid"
    ended "$mode, proxy" "$proxy_pid"
    kill -TERM "$server_pid"
    ended "$mode, server" "$server_pid" 143
    quiet "$mode" "$mode.log"
done
done_testing
