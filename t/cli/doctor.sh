# A machine in health and a process on it, as files; what the tests of
# `jeprobe doctor` share. Each case changes one thing in a copy.

. "${0%/*}/../lib.sh"

thp=sys/kernel/mm/transparent_hugepage
pid=4711
me=proc/$pid
group=sys/fs/cgroup/system.slice/app.service

# put FILE TEXT...: each in a line of its own, below $tree
put()
{
    file=$tree/$1
    shift
    mkdir -p "${file%/*}"
    printf '%s\n' "$@" >"$file"
}

# healthy NAME: a new tree, $tree
healthy()
{
    if [ ! -d "$tmp/model" ]; then
        tree=$tmp/model
        model
        mkdir "$tmp/trees"
    fi
    tree=$tmp/trees/$1
    rm -rf "$tree"
    cp -R "$tmp/model" "$tree"
}

model()
{
    put proc/meminfo 'MemTotal:       16384000 kB' 'MemFree:         2048000 kB' \
        'MemAvailable:    8192000 kB' 'Buffers:          102400 kB' \
        'Cached:          4096000 kB' 'SwapTotal:       4096000 kB' \
        'SwapFree:        4000000 kB' 'AnonPages:       5120000 kB' \
        'Shmem:            204800 kB' 'SReclaimable:     307200 kB' \
        'SUnreclaim:       102400 kB' 'PageTables:        51200 kB' \
        'CommitLimit:    12288000 kB' 'Committed_AS:    6144000 kB' \
        'AnonHugePages:     20480 kB' 'Hugetlb:               0 kB'
    put proc/sys/vm/overcommit_memory 0
    put proc/sys/vm/overcommit_ratio 50
    put proc/sys/vm/max_map_count 65530
    put proc/sys/vm/swappiness 60
    put proc/sys/vm/min_free_kbytes 67584
    put proc/sys/kernel/osrelease 6.1.0-13-amd64
    put proc/sys/kernel/hostname box
    put sys/devices/system/cpu/online 0-7
    put sys/module/zswap/parameters/enabled N
    put $thp/enabled 'always [madvise] never'
    put $thp/defrag 'always defer defer+madvise [madvise] never'
    put $thp/hpage_pmd_size 2097152
    put $thp/khugepaged/defrag 1
    put $thp/khugepaged/max_ptes_none 511
    put $thp/khugepaged/pages_to_scan 4096
    put $thp/khugepaged/scan_sleep_millisecs 10000
    put proc/pressure/memory \
        'some avg10=0.00 avg60=0.00 avg300=0.00 total=0' \
        'full avg10=0.00 avg60=0.00 avg300=0.00 total=0'
    put proc/self/mountinfo \
        '26 25 0:23 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw'
    put proc/self/cgroup 0::/
    model_process
    model_group
}

model_process()
{
    put $me/status "$(printf 'Name:\tapp\nState:\tS (sleeping)\nPid:\t%s' $pid)" \
        "$(printf 'VmPeak:\t 4096000 kB\nVmSize:\t 2048000 kB')" \
        "$(printf 'VmLck:\t       0 kB\nVmHWM:\t 1228800 kB')" \
        "$(printf 'VmRSS:\t 1024000 kB\nRssAnon:\t  921600 kB')" \
        "$(printf 'RssFile:\t   92160 kB\nRssShmem:\t   10240 kB')" \
        "$(printf 'VmPTE:\t    4096 kB\nVmSwap:\t       0 kB')" \
        "$(printf 'Threads:\t8\nTHP_enabled:\t1')"
    put $me/smaps_rollup \
        '55d0c0000000-7ffe00000000 ---p 00000000 00:00 0 [rollup]' \
        'Rss:             1024000 kB' 'Pss:              974848 kB' \
        'Private_Dirty:    921600 kB' 'Anonymous:        921600 kB' \
        'LazyFree:              0 kB' 'AnonHugePages:         0 kB' \
        'Swap:                  0 kB'
    put $me/limits \
        'Limit                     Soft Limit           Hard Limit           Units     ' \
        'Max data size             unlimited            unlimited            bytes     ' \
        'Max stack size            8388608              unlimited            bytes     ' \
        'Max processes             63432                63432                processes ' \
        'Max open files            1024                 1048576              files     ' \
        'Max locked memory         8388608              8388608              bytes     ' \
        'Max address space         unlimited            unlimited            bytes     '
    put $me/maps \
        '55d0c0000000-55d0c0010000 r-xp 00000000 08:01 11 /opt/app' \
        '55d0c1000000-55d0c2000000 rw-p 00000000 00:00 0 [heap]'
    put $me/oom_score 667
    put $me/oom_score_adj 0
    put $me/cgroup 0::/system.slice/app.service
    : >"$tree/$me/environ"
}

model_group()
{
    for dir in sys/fs/cgroup/system.slice $group; do
        put $dir/memory.max max
        put $dir/memory.high max
        put $dir/memory.current 1073741824
        put $dir/memory.swap.max max
        put $dir/memory.swap.current 0
        put $dir/memory.events 'low 0' 'high 0' 'max 0' 'oom 0' 'oom_kill 0'
        put $dir/memory.stat 'anon 943718400' 'file 104857600' \
            'shmem 0' 'inactive_file 73741824'
        put $dir/memory.pressure \
            'some avg10=0.00 avg60=0.00 avg300=0.00 total=0' \
            'full avg10=0.00 avg60=0.00 avg300=0.00 total=0'
    done
}

# field FILE NAME VALUE: "NAME: VALUE kB" in its line
field()
{
    sed -i "s/^\($2:[[:blank:]]*\)[0-9]* kB/\1$3 kB/" "$tree/$1"
}

# limit NAME SOFT
limit()
{
    sed -i "s/^\($1  *\)[0-9a-z]*/\1$2/" "$tree/$me/limits"
}

# doctor [ARG...]: of the process, as JSON, into $out
doctor()
{
    run "$jeprobe" doctor --root "$tree" --format json "$@" $pid
}

# found: "severity:rule" of each finding
found()
{
    awk -F'"' '/^ "findings"/ { on = 1 }
        on && $2 == "rule" { rule = $4 }
        on && $2 == "severity" { printf "%s%s:%s", s, $4, rule; s = " " }' "$out"
}

# value KEY: the first of that name
value()
{
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},*\$/\1/p" "$out" | head -n 1
}

# finds WANTED WHAT: exactly these findings
finds()
{
    doctor
    is "$2" "$status $(found)" "0 $1"
}
