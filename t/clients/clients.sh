# What the tests of real clients of jemalloc share. Each test is run on the
# library in both ways: preloaded, and found in its place by library path.
#
#   client PROGRAM              skip without it, or if it has no jemalloc
#   on MODE CONF COMMAND...     start it in the background: $pid
#   until_ok COMMAND...         wait for it; fails after a while
#   is_mapped WHAT PID          it has our library
#   is_ours WHAT PID            and a dump that it writes has its objects
#   ended WHAT PID [STATUS]     it ends by itself after a signal or a command

. "${0%/*}/../dropin/dropin.sh"
dumps=$tmp/dumps
mkdir "$dumps"
chmod 777 "$tmp" "$dumps"
chmod 755 "$tmp/lib"
modes='preload library'
running=
trap 'for p in $running; do kill -KILL "$p" 2>/dev/null; done
    for p in $(cat "$tmp/ports" 2>/dev/null); do rmdir "$p"; done
    cd /; chmod -R u+rwx "$tmp" 2>/dev/null; rm -rf "$tmp"' EXIT

client()
{
    need "$1" ldd python3
    ldd "$(command -v "$1")" 2>/dev/null | grep -q 'libjemalloc\.so\.2' ||
        skip_all "$1 is not linked with jemalloc"
}

# A number that nobody uses, by TCP nor UDP. Not one that the system would give
# to a socket: dig shares its own with whoever allows it, and so would now and
# then send a query to itself. Kept until the end by a directory of its name, or
# another test might be given it before anybody listens.
free_port()
{
    while
        port=$(any_port)
        kept=${TMPDIR:-/tmp}/je-port.$port
        ! mkdir "$kept" 2>/dev/null
    do :; done
    echo "$kept" >>"$tmp/ports"
    echo "$port"
}

any_port()
{
    python3 -c 'import random, socket
while True:
    port = random.randrange(10000, 32000)
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("127.0.0.1", port))
        break
    except OSError:
        pass
print(port)'
}

on()
{
    on_mode=$1
    on_conf="dump_signal:64,dump_path:$dumps/%e.%p.json,$2"
    shift 2
    case $on_mode in
        preload) set -- LD_PRELOAD="$dropin" "$@" ;;
        library) set -- LD_LIBRARY_PATH="$tmp/lib" "$@" ;;
    esac
    env MALLOC_CONF="$on_conf" "$@" >"$tmp/$on_mode.log" 2>&1 &
    pid=$!
    running="$running $pid"
}

until_ok()
{
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 1
        sleep 0.1
    done
}

# holds EXPRESSION: of whole numbers, by awk.
holds()
{
    awk "BEGIN { exit !($1) }"
}

# relation NAME EXPRESSION
relation()
{
    if holds "$2"; then
        pass "$1 ($2)"
    else
        fail "$1" "does not hold: $2"
    fi
}

is_mapped()
{
    is "$1: our library is mapped" "$(grep -oE '/[^ ]*libjemalloc\.so\.2' \
        "/proc/$2/maps" | sort -u | grep -cxF "$dropin")" 1
}

is_ours()
{
    ours_what=$1
    ours_pid=$2
    rm -f "$dumps"/*
    kill -64 "$ours_pid"
    if until_ok sh -c "ls '$dumps'/*.$ours_pid.json"; then
        # shellcheck disable=SC2012
        run "$jeprobe" report --format json "$(ls "$dumps"/*."$ours_pid".json)"
        cp "$out" "$tmp/report.json"
        ours_live=$(sed -n 's/^ *"allocated": *\([0-9]*\).*/\1/p' \
            "$tmp/report.json" | head -n 1)
        relation "$ours_what: its dump has its objects" "${ours_live:-0} > 50000"
    else
        fail "$ours_what: it writes a dump on a signal" \
            "$(tail -n 20 "$tmp"/*.log)"
    fi
    is_mapped "$ours_what" "$ours_pid"
}

# Nothing was said that the library says when something is wrong.
quiet()
{
    unlike "$1: no message of the allocator" "$2" \
        '^jealloc: |double free|Segmentation fault|Assert error|assertion'
}

ended()
{
    ended_status=0
    tries=0
    while kill -0 "$2" 2>/dev/null && [ $tries -lt 600 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    kill -0 "$2" 2>/dev/null && kill -KILL "$2"
    wait "$2" || ended_status=$?
    is "$1: it ends in order" "$ended_status" "${3:-0}"
}

# rss PID: KiB.
rss()
{
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}
