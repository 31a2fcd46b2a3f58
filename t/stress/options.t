#!/bin/sh
# The core's tests again under options that change what the core does.
. "${0%/*}/../lib.sh"

while read -r options; do
    MALLOC_CONF=$options
    export MALLOC_CONF
    for test in unit/check_malloc unit/check_arena unit/check_pac; do
        run "$top_builddir/t/$test"
        is "$test with $options" "$status: $(cat "$err")" "0: "
    done
    run "$top_builddir/t/stress/random" --seconds 0 --threads 3
    is "stress/random with $options" "$status: $(grep '^not' "$out")" "0: "
done <<'END'
background_thread:true,dirty_decay_ms:50
cache_oblivious:true
cache_oblivious:true,retain:false,dirty_decay_ms:0,san_guard_large:3
cache_oblivious:true,sample:4096,narenas:1,zero:true
dirty_decay_ms:-1
dirty_decay_ms:0,muzzy_decay_ms:0
dirty_decay_ms:100,muzzy_decay_ms:100,narenas:2
dss:primary
dss:primary,retain:false,dirty_decay_ms:0,cache_oblivious:true
dss:secondary,dirty_decay_ms:100,muzzy_decay_ms:100
junk:true
narenas:1
retain:false
retain:false,dirty_decay_ms:0,narenas:1,slab_sizes:1-4096:17|100-200:1|128-128:2
slab_sizes:1-14336:1,narenas:1
slab_sizes:1-14336:512
slab_sizes:1-14336:7,sample:4096
tcache:false
sample:4096,narenas:1
san_guard_large:1,san_guard_small:1
san_guard_large:3,san_guard_small:2,dirty_decay_ms:0
sample:1
tcache:false
tcache_max:0,tcache_thread_max:4096
bin_shards:1-99999:3
bin_shards:1-512:64|96-256:2,narenas:1,tcache:false
tcache_max:8388608
tcache_ncached_max:1-64:1|65-200:0|16384-99999:3,tcache_max:65536
tcache_max:8388608,tcache_nslots_large:2048,tcache_thread_max:1073741824
thp:always,lg_extent_max_active_fit:0
zero:true
END
done_testing
