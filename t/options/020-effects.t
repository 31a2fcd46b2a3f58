#!/bin/sh
# What each option does. The table of options (t/options/options.tsv) refers to
# the headings here.
. "${0%/*}/../lib.sh"

ulimit -c 0

# with OPTIONS WHAT: the facts in $out.
with() {
    status=0
    MALLOC_CONF=$1 "$top_builddir/t/options/effect" "$2" >"$out" 2>"$err" ||
        status=$?
}

# ---- slab_sizes
# slabs_like LIST: sizes, slabs and regions as the page promises for a list.
slabs_like() {
    page=$(getconf PAGESIZE)
    awk -v list="$1" -v page="$page" 'BEGIN { n = split(list, part, "|") }
        {
            pages = 0
            for (i = 1; i <= n; i++) {
                split(part[i], f, "[-:]")
                if ($1 >= f[1] && $1 <= f[2])
                    pages = f[3]
            }
            if (pages == 0) {
                print
                next
            }
            least = int(($1 + page - 1) / page)
            most = int(512 * $1 / page)
            if (pages < least) pages = least
            if (pages > most) pages = most
            print $1, pages * page, int(pages * page / $1)
        }' "$out"
}

with '' slabs
cp "$out" default
for list in '1-4096:17|100-200:1|128-128:2' 1-99999:1 1-99999:100000 \
    '8-8:3|3000-5000:3'; do
    with "slab_sizes:$list" slabs
    is "slab_sizes:$list" "$(cat "$out" "$err")" "$(slabs_like "$list")"
done
with 'slab_sizes:1-4096:17|100-200:1|128-128:2' slabs
is "the sizes outside stay" "$(grep -A9 '^5120' "$out")" \
    "$(grep -A9 '^5120' default)"
with slab_sizes:1-999:1,slab_sizes:default slabs
is "slab_sizes:default" "$(cat "$out")" "$(cat default)"
with slab_sizes:96-96:1 rest
like "what is left over is no object" "$err" '^jealloc: double free of '

# ---- bin_shards
# OPTIONS WANTED: bins of 8, 64, 512 and 14336 bytes that eight threads of one
# arena use, of how many.
shards() {
    with "$1,narenas:1" shards
    is "$1: bins" "$(cat "$out" "$err")" "$2 "
}
shards bin_shards:default '1/1 1/1 1/1 1/1'
shards bin_shards:1-512:4 '4/4 4/4 4/4 1/1'
shards bin_shards:9-449:4 '1/1 4/4 4/4 1/1'
shards 'bin_shards:1-99999:3|64-64:64' '3/3 8/64 3/3 3/3'
shards bin_shards:14336-14336:2 '1/1 1/1 1/1 2/2'

# ---- oversize_threshold
with narenas:3 oversize
is "by default a thread has one arena for all" "$(cat "$out")" \
    "0 0 of 3, 128 dirty, threshold 0"
with narenas:3,oversize_threshold:524288 oversize
is "oversize_threshold: an arena for large objects, purged at once" \
    "$(cat "$out")" "0 3 of 4, 0 dirty, threshold 524288"
with narenas:3,oversize_threshold:262145 oversize
is "a class below stays" "$(cat "$out")" \
    "0 3 of 4, 0 dirty, threshold 262145"
# decay that takes a day: no page is due while this looks
with narenas:3,oversize_threshold:524288,background_thread:true,dirty_decay_ms:86400000 \
    oversize
is "with helper threads it decays" "$(cat "$out")" \
    "0 3 of 4, 128 dirty, threshold 524288"
for off in 0 1 14336 8070450532247928833; do
    with narenas:3,oversize_threshold:$off oversize
    is "oversize_threshold:$off is off" "$(cat "$out" "$err")" \
        "0 0 of 3, 128 dirty, threshold 0"
done

for set in 'oversize_threshold:0 8070450532247932928 64 128 192' \
    'oversize_threshold:524288 524288 64 0 64' \
    'oversize_threshold:524289 524289 64 128 0' \
    'oversize_threshold:524288,background_thread:true,dirty_decay_ms:86400000 524288 64 128 192'; do
    limit=${set#* }
    limit=${limit%% *}
    with "narenas:3,${set%% *}" oversize_each
    is "${set%% *}: each arena purges such extents" "$(cat "$out" "$err")" \
        "$limit $limit: ${set#* * }"
done

# ---- narenas, narenas_ratio
arenas() {
    MALLOC_CONF=$1 "$top_builddir/t/options/show" opt.narenas
}
n=$(arenas '')
is "narenas" "$(arenas narenas:9)" 9
for ratio in 1 2 0.5 7.75 0.001 1000; do
    wanted=$(awk -v n="$n" -v r=$ratio 'BEGIN {
        w = int(n / 4 * r + 0.5)
        if (n == 1 || w < 1) w = 1
        print (w > 4094) ? 4094 : w }')
    is "narenas_ratio:$ratio" "$(arenas narenas_ratio:$ratio)" "$wanted"
done
is "narenas goes before" "$(arenas narenas_ratio:2,narenas:5)" 5
first=$(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//')
is "one processor has one arena" \
    "$(taskset -c "$first" "$top_builddir/t/options/show" opt.narenas)" 1

# ---- percpu_arena
processors=$(sed 's/.*[-,]//' /sys/devices/system/cpu/possible)
processors=$((processors + 1))
is "percpu_arena:percpu" "$(arenas percpu_arena:percpu,narenas:77)" $processors
is "percpu_arena:phycpu" "$(arenas percpu_arena:phycpu)" \
    $(((processors + 1) / 2))
with percpu_arena:percpu percpu
is "percpu_arena: each processor has its arena" \
    "$(awk '{ for (i = 1; i < NF; i += 2) {
        split($i, f, ":")
        if (f[1] != f[2] || f[2] != $(i + 1)) print "not so: " $0 }
        print $NF }' "$out")" denied
with narenas:1 percpu
is "by default it stays" "$(sed 's/[0-9]*:0 0 //g' "$out")" allowed

# ---- percpu_cache
# percpu_cache: whether it is asked for, and in force.
percpu_cache() {
    MALLOC_CONF=$1 "$top_builddir/t/options/show" opt.percpu_cache \
        jeprobe.percpu_cache.active 2>"$err" | tr '\n' ' '
}
why='objects are cached per thread'
is "by default caches are threads'" "$(percpu_cache ''; cat "$err")" \
    'false false '
GLIBC_TUNABLES=glibc.pthread.rseq=0
export GLIBC_TUNABLES
is "percpu_cache:true without registration" "$(percpu_cache percpu_cache:true)" \
    'true false '
is "it is told" "$(sed "s/cache: .*; $why\$/cache: $why/" "$err")" \
    "jealloc: percpu_cache: $why"
unset GLIBC_TUNABLES
facts=$(percpu_cache percpu_cache:true)
if grep -q ": only on x86-64; $why\$" "$err"; then
    skip "percpu_cache:true" "restartable sequences are only for x86-64"
elif [ -s "$err" ]; then
    skip "percpu_cache:true" "no restartable sequences here"
else
    is "percpu_cache:true" "$facts" 'true true '
fi

# ---- mutex_max_spin
with mutex_max_spin:-1 spin
is "mutex_max_spin:-1" "$(cat "$out")" "0 sleeps, 1 spins"
with mutex_max_spin:0 spin
is "mutex_max_spin:0" "$(cat "$out")" "1 sleeps, 0 spins"
with '' spin
is "by default one sleeps in the end" "$(cat "$out")" "1 sleeps, 0 spins"

# ---- metadata_thp
if grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled; then
    skip "metadata_thp" "there are no huge pages here"
else
    with '' metadata
    is "metadata_thp:disabled" "$(cat "$out")" "0 0 0"
    with metadata_thp:auto metadata
    is "metadata_thp:auto" "$(cat "$out")" "0 1 2"
    with metadata_thp:always metadata
    is "metadata_thp:always" "$(cat "$out")" "1 1 3"
fi

# ---- san_guard_small, san_guard_large
with narenas:1,sample:0 guards
is "no guards" "$(cat "$out")" "0 0 10"
with narenas:1,sample:0,san_guard_small:1,san_guard_large:1 guards
is "guards around everything" "$(cat "$out")" "4 4 10"
with narenas:1,sample:0,san_guard_small:2 guards
is "san_guard_small:2" "$(cat "$out")" "2 0 10"
with narenas:1,sample:0,san_guard_large:2 guards
is "san_guard_large:2" "$(cat "$out")" "0 2 10"

# ---- trust_madvise
with '' purged
is "purged memory reads as zero" "$(cat "$out")" zero
BROKEN_MADVISE=1
export BROKEN_MADVISE
with '' purged
is "the system is trusted" "$(cat "$out")" dirty
with trust_madvise:false purged
is "trust_madvise:false" "$(cat "$out")" zero
unset BROKEN_MADVISE

# ---- tcache_*
# OPTIONS WANTED: objects of each class that stay, and room for them.
cache() {
    with "lg_tcache_stretch:0${1:+,$1}" cache
    is "${1:-the defaults of caches}" "$(cat "$out" "$err")" "$2 "
}
cache '' '64:513/1024 14336:5/8 16384:5/8'
cache tcache_nslots_small_max:20 '64:11/20 14336:5/8 16384:5/8'
cache tcache_nslots_small_max:1 '64:1/1 14336:1/1 16384:5/8'
cache tcache_nslots_small_max:2048,lg_tcache_nslots_mul:1 \
    '64:1025/2048 14336:9/16 16384:5/8'
cache tcache_nslots_small_min:64 '64:513/1024 14336:33/64 16384:5/8'
cache tcache_nslots_small_min:100,tcache_nslots_small_max:30 \
    '64:16/30 14336:16/30 16384:5/8'
cache tcache_nslots_large:3 '64:513/1024 14336:5/8 16384:2/3'
cache lg_tcache_nslots_mul:-2 '64:257/512 14336:5/8 16384:5/8'
cache lg_tcache_nslots_mul:-16 '64:5/8 14336:5/8 16384:5/8'
cache lg_tcache_flush_small_div:3 '64:129/1024 14336:2/8 16384:5/8'
cache lg_tcache_flush_large_div:2 '64:513/1024 14336:5/8 16384:3/8'
cache tcache_max:14336 '64:513/1024 14336:5/8 16384:0/0'
cache lg_tcache_max:13 '64:513/1024 14336:0/0 16384:0/0'
cache tcache_max:40 '64:0/0 14336:0/0 16384:0/0'
cache 'tcache_ncached_max:64-64:20|14000-16384:5|16384-16384:2' \
    '64:11/20 14336:3/5 16384:2/2'
cache 'tcache_ncached_max:57-57:30|14337-20000:0' \
    '64:16/30 14336:5/8 16384:0/0'
cache tcache_ncached_max:64-64:0,tcache_nslots_small_max:16 \
    '64:0/0 14336:5/8 16384:5/8'
cache tcache_thread_max:65536 '64:257/512 14336:5/8 16384:5/8'
cache tcache:false '64:0/0 14336:0/0 16384:0/0'
# OPTIONS WANTED: room for classes of which many are taken and given in turns.
stretch() {
    with "$1" stretch
    is "${1:-the defaults}: busy classes" "$(cat "$out" "$err")" "$2 "
}
stretch '' '2048:1024 14336:256 16384:256'
stretch lg_tcache_stretch:0 '2048:64 14336:8 16384:8'
stretch lg_tcache_stretch:2 '2048:256 14336:32 16384:32'
stretch lg_tcache_stretch:16 '2048:1024 14336:256 16384:256'
stretch lg_tcache_stretch:2,tcache_nslots_small_max:100 \
    '2048:64 14336:32 16384:32'
stretch tcache_ncached_max:1024-14336:50 '2048:50 14336:50 16384:256'
stretch tcache_thread_max:1048576 '2048:256 14336:64 16384:32'
# OPTIONS WANTED: how many of ten objects of 32 KiB, 40 KiB, 1 MiB and 8 MiB.
cache_large() {
    with "$1" cache_large
    is "${1:-the defaults}: large objects" "$(cat "$out" "$err")" "$2 "
}
cache_large '' '6 0 0 0'
cache_large tcache_max:40000 '6 6 0 0'
cache_large lg_tcache_max:20 '6 6 3 0'
cache_large tcache_max:8388608 '6 6 6 2'
cache_large tcache_max:8388608,tcache_thread_max:4194304 '6 6 3 0'
cache_large tcache_max:1048576,tcache_nslots_large:20 '10 10 3 0'
cache_large tcache_max:8388608,tcache:false '0 0 0 0'
# OPTIONS TEST: on the number of allocations that make objects go.
trim() {
    with "$1" trim
    n=$(cat "$out")
    ok "$1: $2" test "$n" "${2% *}" "${2#* }"
}
trim tcache_gc_incr_bytes:1024 '-lt 60'
trim tcache_gc_incr_bytes:524288 '-ge 127'
trim tcache_gc_incr_bytes:1024,tcache_gc_delay_bytes:9000 '-ge 20000'
trim tcache_gc_incr_bytes:1024,tcache_gc_delay_bytes:3000 '-lt 60'

# ---- stats_interval, stats_interval_opts
# OPTIONS LEAST MOST: how often statistics are printed for 128 MiB.
interval() {
    with "$1" interval
    n=$(grep -c '^___ Begin' "$err")
    ok "$1: $2 to $3 times, not $n" test "$n" -ge "$2" -a "$n" -le "$3"
}
interval stats_interval_opts:J 0 0
interval stats_interval:-1 0 0
interval stats_interval:8388608 15 16
interval stats_interval:100000000 1 1
interval stats_interval:1000000000 0 0
interval stats_interval:65536 1950 2048
interval stats_interval:10000000,tcache_gc_incr_bytes:1099511627776 13 13
interval stats_interval:9223372036854775807 0 0
# None of these threads allocates as much as makes it report before it ends.
with stats_interval:40000000 interval_spread
is "threads that end tell of all" "$(grep -c '^___ Begin' "$err")" 3
with stats_interval:8388608 interval_spread
n=$(grep -c '^___ Begin' "$err")
ok "those that report before tell of the rest: 15 times, not $n" \
    test "$n" -ge 14 -a "$n" -le 15
with stats_interval:100000000,stats_interval_opts:Jgmdablxeh interval
is "stats_interval_opts" "$(grep -c '^{' "$err") $(grep -c bins "$err")" '1 0'
with stats_interval:10000,background_thread:true,narenas:2 interval_at_once
is "it ends well with threads of all kinds" "$status" 0
ok "and prints" grep -q '^___ Begin' "$err"

# ---- what needs a line or two
# WHAT OPTIONS WANTED
effect() {
    with "$2" "$1"
    is "${2:-no option}: $1" "$(cat "$out")" "$3"
}
effect helpers '' 0
effect helpers background_thread:true,narenas:9 4
effect helpers background_thread:true,narenas:9,max_background_threads:2 2
effect pages '' '256 dirty 0 muzzy kept'
effect pages dirty_decay_ms:-1 '256 dirty 0 muzzy kept'
effect pages dirty_decay_ms:0 '0 dirty 0 muzzy kept'
effect muzzy dirty_decay_ms:1 '0 muzzy'
effect muzzy dirty_decay_ms:1,muzzy_decay_ms:86400000 '256 muzzy'
effect muzzy_at_once '' '0 0, 0 0'
effect muzzy_at_once muzzy_decay_ms:90000 '0 256, 0 256'
effect muzzy_at_once muzzy_decay_ms:-1 '0 256, 0 256'
effect muzzy_at_once dirty_decay_ms:0,muzzy_decay_ms:90000 '0 0, 0 0'
effect pages retain:false '256 dirty 0 muzzy none kept'
effect fill '' '77 33'
effect fill junk:true 'a5 5a'
effect fill junk:alloc 'a5 33'
effect fill junk:free '5a 5a'
effect fill zero:true '00 33'
effect dss '' 'map map'
effect dss dss:secondary 'map map'
effect dss dss:primary 'break break'
effect oblivious '' 'one line, 20480 of 20480 bytes, 0 pages more, 524288 then 1048576, in place'
effect oblivious cache_oblivious:true 'any line, 20480 of 20480 bytes, 64 pages more, 524288 then 1048576, in place'
effect resize_to_zero '' gone
effect resize_to_zero zero_realloc:alloc block
effect resize_to_zero zero_realloc:abort ''
is "zero_realloc:abort aborts" "$status" 134
effect no_memory '' null
effect no_memory xmalloc:true ''
is "xmalloc aborts" "$(sed -n 1p "$err") $status" \
    "jealloc: out of memory for 1152921504606846976 bytes 134"
effect fit '' cut
effect fit lg_extent_max_active_fit:11 cut
effect fit lg_extent_max_active_fit:8 other
if grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled; then
    skip "thp" "there are no huge pages here"
else
    effect huge '' ''
    effect huge thp:always hg
    effect huge thp:never nh
fi
with stats_print:true nothing
is "stats_print" "$(grep -c '^___ Begin' "$err")" 1
like "with bins" "$err" '^bins:'
with stats_print:true,stats_print_opts:b nothing
unlike "stats_print_opts" "$err" '^bins:'

# ---- abort
with dump_signal:9 nothing
is "a warning is one" "$(cat "$err") $status" \
    "jealloc: signal 9 cannot be caught 0"
with abort:true,dump_signal:9 nothing
is "abort makes it fatal" "$status" 134
with abort:true,what:1 nothing
is "but not one about options" "$status" 0

done_testing
