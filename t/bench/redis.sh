#!/bin/sh
# Redis under each allocator, in turns: make bench-redis. t/bench/README.md says
# how to read what is printed.

here=${0%/*}
. "$here/peers.sh"
bench=${top_builddir:-.}/t/bench
csv='bench-redis.csv'
commit=unknown
list=
rounds=5
requests=100000
keys=100000
idle=10
failures=0

usage()
{
    cat <<END
usage: redis.sh [option...]
  -n, --rounds=N     of each allocator ($rounds)
  --requests=N       of each command, four times as many with 16 at once
                     ($requests)
  --keys=N           that the memory is filled with ($keys)
  --idle=S           seconds without any request at the end ($idle)
  --allocators=LIST  only these: ours,glibc,jemalloc,mimalloc,tcmalloc
  --commit=ID        said in the head
  --csv=FILE         where every figure goes (bench-redis.csv)
  --help
END
}

# OPTION VALUE
number()
{
    case $2 in
        '' | *[!0-9]* | 0*) echo "redis.sh: $1: a number is needed" >&2; exit 2 ;;
        *) echo "$2" ;;
    esac
}

while [ $# != 0 ]; do
    case $1 in
        -n) rounds=$(number -n "${2-}") || exit; shift ;;
        --rounds=*) rounds=$(number --rounds "${1#*=}") || exit ;;
        --requests=*) requests=$(number --requests "${1#*=}") || exit ;;
        --keys=*) keys=$(number --keys "${1#*=}") || exit ;;
        --idle=*) idle=$(number --idle "${1#*=}") || exit ;;
        --allocators=*) list=${1#*=} ;;
        --commit=*) commit=${1#*=} ;;
        --csv=*) csv=${1#*=} ;;
        --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done

for program in redis-server redis-cli redis-benchmark; do
    if ! command -v $program >/dev/null; then
        echo "redis.sh: there is no $program" >&2
        exit 77
    fi
done
# One with an allocator of its own inside does not call what is preloaded.
if ! ldd "$(command -v redis-server)" | grep -q 'libjemalloc\.so\.2 => /'; then
    echo "redis.sh: redis-server is not linked to libjemalloc.so.2" >&2
    exit 77
fi

server=
tmp=$(mktemp -d "${TMPDIR:-/tmp}/bench-redis.XXXXXX") || exit 2
trap '[ -z "$server" ] || kill "$server"; rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
socket=$tmp/socket

cli()
{
    redis-cli -s "$socket" "$@"
}

# FIELD: of what the server says of itself.
info()
{
    cli info everything | tr -d '\r' | sed -n "s/^$1://p"
}

# WHY: this allocator's part of this round is void.
failed()
{
    echo "failed: $name, round $round: $*"
    failures=1
}

# TABLE ROW FIGURE
figure()
{
    echo "$1,$round,$2,$name,$3" >>"$csv"
}

# What is linked is as shipped; libc's malloc is found first if it is preloaded.
server_start()
{
    case $name in
        jemalloc) preload= ;;
        glibc) preload=libc.so.6 ;;
        *) preload=$path ;;
    esac
    exec_under "$preload" redis-server --port 0 --unixsocket "$socket" \
        --dir "$tmp" --save '' --appendonly no --loglevel warning \
        >"$tmp/log" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        [ "$(cli ping 2>/dev/null)" != PONG ] || break
        sleep 0.1
    done
    if ! cli ping >/dev/null 2>&1; then
        failed "the server does not answer: $(tail -n 1 "$tmp/log")"
        kill "$server" 2>/dev/null
        server=
        return 1
    fi
    # mallctl is that of libjemalloc.so.2 unless the allocator has its own: then
    # it counts nothing of what the server holds.
    has_mallctl=$(($(info allocator_allocated) * 2 > $(info used_memory)))
    is_jeprobe=$(cli memory malloc-stats | grep -c '^Version: ".*jeprobe')
    case $name in
        ours) wanted='1 1' ;;
        jemalloc) wanted='1 0' ;;
        *) wanted='0 0' ;;
    esac
    if [ "$has_mallctl $is_jeprobe" != "$wanted" ] ||
        ! grep -q "/${path##*/}" "/proc/$server/maps"; then
        failed "runs on another allocator"
        server_stop
        return 1
    fi
}

server_stop()
{
    cli shutdown nosave
    wait "$server" || failed "the server ended with status $?"
    server=
}

processor_s()
{
    info 'used_cpu_\(user\|sys\)' | awk '{ s += $1 } END { printf "%.6f", s }'
}

# ROW AT-ONCE REQUESTS COMMAND...: speed, and the server's work for one request.
measure()
{
    row=$1
    at_once=$2
    n=$3
    shift 3
    before=$(processor_s)
    redis-benchmark -s "$socket" --csv -P "$at_once" -n "$n" -r 100000 -d 100 \
        "$@" >"$tmp/speed" 2>&1
    speed=$(awk -F '","' 'END { print ($2 > 0) ? $2 : "" }' "$tmp/speed")
    if [ -z "$speed" ]; then
        failed "$row: $(tail -n 1 "$tmp/speed")"
        return
    fi
    figure speed "$row" "$speed"
    figure work "$row" "$(processor_s | awk -v before="$before" -v n="$n" \
        '{ printf "%.4f", ($1 - before) / n * 1e6 }')"
}

measure_speed()
{
    for at_once in 1 16; do
        suffix=
        n=$requests
        [ "$at_once" = 1 ] || suffix=" x$at_once" n=$((4 * requests))
        for command in set get lpush hset; do
            measure "$command$suffix" "$at_once" "$n" -t "$command"
        done
        measure "lrange$suffix" "$at_once" $((n / 4)) lrange mylist 0 99
    done
}

# fill or halve: commands for a pipe, the same each time.
commands()
{
    awk -v what="$1" -v keys="$keys" '
    function random() {
        state = state * 16807 % 2147483647
        return state / 2147483647
    }
    function word(text) {
        printf "$%d\r\n%s\r\n", length(text), text
    }
    # Log-normal, from 8 bytes to 64 KiB.
    function value(median, z, size) {
        z = (random() + random() + random() + random() - 2) * 1.732
        size = int(median * exp(1.2 * z))
        return substr(pad, 1, size < 8 ? 8 : size > 65536 ? 65536 : size)
    }
    BEGIN {
        for (pad = "x"; length(pad) < 65536;)
            pad = pad pad
        state = what == "fill" ? 1 : 2
        for (i = 1; i <= keys; i++) {
            if (what == "halve" && random() < 0.5)
                continue
            if (what == "halve") {
                printf "*2\r\n"
                word("DEL")
                word("key:" i)
            } else if (i % 8 == 0) {
                printf "*18\r\n"
                word("HSET")
                word("key:" i)
                for (field = 1; field <= 8; field++) {
                    word("field" field)
                    word(substr(value(40), 1, 64))
                }
            } else {
                printf "*3\r\n"
                word("SET")
                word("key:" i)
                word(value(i % 10 == 0 ? 2400 : 150))
            }
        }
    }' </dev/null
}

# fill or halve
send()
{
    commands "$1" | cli --pipe >"$tmp/pipe" 2>&1
    grep -q '^errors: 0, replies: [1-9]' "$tmp/pipe" ||
        failed "$1: $(tail -n 1 "$tmp/pipe")"
}

# ROW: how much memory there is now.
look()
{
    figure rss "$1" "$(awk -v page="$(getconf PAGESIZE)" \
        '{ print $2 * page }' "/proc/$server/statm")"
    figure used "$1" "$(info used_memory)"
}

measure_memory()
{
    send fill
    [ "$(cli dbsize)" = "$keys" ] || failed "$(cli dbsize) keys, not $keys"
    look filled
    send halve
    look halved
    if [ "$has_mallctl" = 1 ]; then
        cli memory purge >/dev/null
        look purged
    fi
    sleep "$idle"
    look idle
}

# TABLE TITLE UNIT SCALE more|less
table()
{
    sed -n "s/^$1,//p" "$csv" | "$bench/tabulate" "$2" "$3" "$4" "$5" ours
}

choose_peers "$(redis-server --version | sed 's/ sha=.*//'), \
$requests requests, $keys keys, idle for $idle s"
echo table,round,row,allocator,figure >>"$csv"
count=$(wc -l <"$tmp/peers")
for round in $(seq "$rounds"); do
    # In an order that is rotated, so that none has always the same neighbour.
    for place in $(seq "$count"); do
        line=$(sed -n "$(((place + round - 2) % count + 1))p" "$tmp/peers")
        name=${line%%	*}
        path=${line#*	}
        [ -n "$path" ] || path=libc.so.6
        if server_start; then
            measure_speed
            server_stop
        fi
        if server_start; then
            measure_memory
            server_stop
        fi
    done
done
table speed requests 1000/s 1000 more
table work 'processor time' 'µs/request' 1 less
table rss RSS MiB 1048576 less
table used used_memory MiB 1048576 less
printf '\n%s\n%s\n' \
    "jemalloc is redis-server as shipped. ! marks a resolved loss: the gap of the" \
    "medians is more than either spread and more than 1 %."
exit $failures
