#!/bin/sh
# Redis: its memory commands, fork for a snapshot, the purge.
. "${0%/*}/../lib.sh"
. "${0%/*}/clients.sh"
client redis-server
need redis-cli redis-benchmark redis-check-rdb

ask()
{
    redis-cli -s "$tmp/redis.sock" "$@"
}

# field NAME: of INFO memory as last fetched.
field()
{
    tr -d '\r' <info | sed -n "s/^$1://p"
}

# Redis reads the allocator's figures ten times a second, and on a busy machine
# less often: wait until they are those of now, which MALLOC-STATS prints.
fetch()
{
    until_ok is_fresh
    active=$(field allocator_active)
    resident=$(field allocator_resident)
    used=$(field used_memory)
    redis_rss=$(field used_memory_rss)
}

is_fresh()
{
    ask info memory >info
    ask memory stats >stats
    ask memory malloc-stats >malloc-stats
    same=$(grep -A1 '^allocator.allocated$' stats | tail -n 1)
    printed=$(sed -n 's/^Allocated: \([0-9]*\), active: \([0-9]*\).*/\1 \2/p' \
        malloc-stats)
    allocated=$(field allocator_allocated)
    is_near "$same" && is_near "${printed% *}"
}

# is_near FIGURE: to what INFO says is allocated.
is_near()
{
    holds "$1 > $allocated * 0.99 - 1e5 && $1 < $allocated * 1.01 + 1e5"
}

consistent()
{
    fetch
    relation "$1: allocated <= active <= resident" \
        "$allocated <= $active && $active <= $resident"
    # everything that Redis counts is a block; libraries have some besides,
    # and caches hold what was freed
    relation "$1: Redis's count is in allocated" \
        "$used <= $allocated + 100000 && $allocated < $used * 1.1 + 4e6"
    relation "$1: resident is the process without its code" \
        "$resident < $redis_rss * 1.05 + 4e6 && $redis_rss < $resident * 1.1 + 16e6"
    ok "$1: MEMORY STATS has the same ($allocated, $same)" is_near "$same"
    ok "$1: MALLOC-STATS, too ($printed)" is_near "${printed% *}"
    relation "$1: and more is active" "${printed#* } >= ${printed% *}"
}

threads()
{
    ask memory malloc-stats |
        sed -n 's/^Background threads: \([0-9]*\).*/\1/p'
}

for mode in $modes; do
    rm -f redis.sock dump.rdb
    on "$mode" dirty_decay_ms:-1 redis-server --port 0 --unixsocket \
        "$tmp/redis.sock" --save '' --dir "$tmp" --enable-debug-command yes
    redis_pid=$pid
    until_ok ask ping || bail "redis does not start: $(cat "$mode.log")"
    is_ours "$mode" "$redis_pid"
    like "$mode: MALLOC-STATS names the library" \
        "$(ask memory malloc-stats >malloc-stats; echo malloc-stats)" \
        'Version: "5\.3\.0-0-gjeprobe"'
    consistent "$mode, empty"
    like "$mode: INFO names jemalloc" info '^mem_allocator:jemalloc'

    run redis-benchmark -s "$tmp/redis.sock" -q -n 5000 -r 5000 -d 200 \
        -t set,get,incr,lpush,rpop,sadd,hset,zadd,mset
    is "$mode: redis-benchmark" "$status" 0
    is "$mode: many keys" "$(ask debug populate 300000 key 200)" OK
    consistent "$mode, full"
    like "$mode: MEMORY DOCTOR finds nothing" \
        "$(ask memory doctor >doctor; echo doctor)" "can't find any memory issue"
    is "$mode: MEMORY USAGE is known" \
        "$(($(ask memory usage key:1) > 200))" 1

    # the child allocates, too
    like "$mode: BGSAVE" "$(ask bgsave >bgsave; echo bgsave)" started
    until_ok sh -c "redis-cli -s '$tmp/redis.sock' info persistence |
        grep -q rdb_bgsave_in_progress:0"
    ok "$mode: the snapshot is whole" redis-check-rdb dump.rdb

    before=$(rss "$redis_pid")
    is "$mode: mass delete" "$(ask eval 'for i = 0, 299999 do
        redis.call("del", "key:" .. i) end return "OK"' 0)" OK
    sleep 0.5
    between=$(rss "$redis_pid")
    is "$mode: MEMORY PURGE" "$(ask memory purge)" OK
    after=$(rss "$redis_pid")
    relation "$mode: with decay off the pages stay" "$between > $before * 0.8"
    relation "$mode: and the purge returns them" "$after < $before * 0.35"
    consistent "$mode, emptied"
    is "$mode: again many keys" "$(ask debug populate 300000 key 200)" OK
    # frees in the order of a hash table, then purges by itself
    is "$mode: FLUSHALL" "$(ask flushall sync)" OK
    relation "$mode: FLUSHALL returns them, too" \
        "$(rss "$redis_pid") < $before * 0.35"
    fetch
    relation "$mode: and leaves few holes" "$active - $allocated < 4e6"

    is "$mode: background thread off" \
        "$(ask config set jemalloc-bg-thread no)" OK
    is "$mode: there is none" "$(threads)" 0
    is "$mode: on" "$(ask config set jemalloc-bg-thread yes)" OK
    relation "$mode: there is one" "$(threads) >= 1"
    ask config set activedefrag yes >defrag
    if grep -q OK defrag; then
        is "$mode: active defragmentation" "$(ask ping)" PONG
    else
        like "$mode: this build does not defragment" defrag 'modified Jemalloc|DISABLED'
    fi
    ask shutdown nosave
    ended "$mode" "$redis_pid"
    quiet "$mode" "$mode.log"
done
done_testing
