#!/bin/sh
# jeprobe doctor: the process, its limits, and files that are damaged.
. "${0%/*}/doctor.sh"

# case_of NAME WANTED COMMAND...
case_of()
{
    name=$1
    wanted=$2
    shift 2
    healthy case
    "$@"
    finds "$wanted" "$name"
}

# maps COUNT: so many mappings
maps()
{
    awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++)
        printf "7f%08x000-7f%08x000 rw-p 00000000 00:00 0\n", i * 2, i * 2 + 1
        }' >"$tree/$me/maps"
}

case_of "many mappings" medium:maps-near-limit maps 20000
is "counted" "$(value maps)" 20000
case_of "fewer" '' maps 19999
case_of "near the limit" high:maps-near-limit maps 52424
like "how many to allow" "$out" 'vm\.max_map_count=1048576[^0-9]'
case_of "a lower limit" 'high:maps-near-limit low:map-limit-low' \
    eval 'maps 800; put proc/sys/vm/max_map_count 1000'
case_of "not near it" low:map-limit-low \
    eval 'maps 799; put proc/sys/vm/max_map_count 1000'
case_of "the default limit" high:maps-near-limit \
    eval 'maps 52424; rm "$tree/proc/sys/vm/max_map_count"'
case_of "not near that" medium:maps-near-limit \
    eval 'maps 52423; rm "$tree/proc/sys/vm/max_map_count"'

# 4,096,000 kB at the peak, 2,048,000 kB now.
case_of "limited address space" low:address-limit \
    limit 'Max address space' 4660337778
case_of "was full" medium:address-limit limit 'Max address space' 4660337777
case_of "is full" high:address-limit limit 'Max address space' 2330168888
case_of "stacks" 'medium:address-limit low:thread-stacks' eval \
    'limit "Max address space" 4294967296; limit "Max stack size" 153391690'
case_of "smaller ones" medium:address-limit eval \
    'limit "Max address space" 4294967296; limit "Max stack size" 153391689'
case_of "one beside the first" 'medium:address-limit low:thread-stacks' eval \
    'sed -i "s/^Threads:.*/Threads:	2/" $tree/$me/status
    limit "Max address space" 4294967296; limit "Max stack size" 1073741824'
case_of "none beside it" medium:address-limit eval \
    'sed -i "s/^Threads:.*/Threads:	1/" $tree/$me/status
    limit "Max address space" 4294967296; limit "Max stack size" 1073741824'
# Seven stacks beside the first, and a CommitLimit of 12,288,000 kB.
case_of "stacks are promised" 'medium:overcommit-strict low:thread-stacks' \
    eval 'put proc/sys/vm/overcommit_memory 2
    limit "Max stack size" 449389715'
case_of "fewer promises" medium:overcommit-strict \
    eval 'put proc/sys/vm/overcommit_memory 2
    limit "Max stack size" 449389714'
case_of "no promises without a limit" '' limit "Max stack size" 449389715
case_of "swapped out" high:swapped field $me/smaps_rollup Swap 51200
like "what keeps idle pages longer" "$out" 'vm\.swappiness=10[^0-9]'
case_of "a little" '' field $me/smaps_rollup Swap 51199
case_of "just worth it" high:swapped eval 'field $me/smaps_rollup Swap 10240
    field $me/smaps_rollup Rss 20000'
case_of "not worth it" '' eval 'field $me/smaps_rollup Swap 10239
    field $me/smaps_rollup Rss 20000'
case_of "lazily freed" low:lazy-free field $me/smaps_rollup LazyFree 102400
case_of "less" '' field $me/smaps_rollup LazyFree 102399
case_of "killed first" low:killed-first put $me/oom_score_adj 500
case_of "not first" '' put $me/oom_score_adj 499
case_of "last" '' put $me/oom_score_adj -1000
is "below zero" "$(value oom_score_adj)" -1000
case_of "page tables" medium:page-tables field $me/status VmPTE 102400
case_of "smaller ones" '' field $me/status VmPTE 102399
case_of "small in bytes" '' eval 'field $me/status VmPTE 65535
    field $me/status VmRSS 70000'
case_of "locked" medium:locked-memory field $me/status VmLck 512000
case_of "some" '' field $me/status VmLck 511999
case_of "the RSS without a roll-up" '' rm "$tmp/trees/case/$me/smaps_rollup"
is "is that of status" "$(value rss) $(value anonymous)" "null 943718400"

# Which process.
healthy who
for number in 1 4712 2147483647; do
    run "$jeprobe" doctor --root "$tree" $number
    is "there is no $number" "$status $(cat "$err")" \
        "3 jeprobe: $tree: there is no process $number"
done
for number in 0 -1 x 47x '' 2147483648 99999999999999999999 ' 1'; do
    run "$jeprobe" doctor --root "$tree" -- "$number"
    is "'$number' is no process" $status 2
done
run "$jeprobe" doctor 1 2
is "two of them" $status 2
run "$jeprobe" doctor --root "$tmp/no"
is "no such root" "$status $(cat "$err")" \
    "3 jeprobe: $tmp/no: cannot open: No such file or directory"
mkdir empty
run "$jeprobe" doctor --root "$tmp/empty"
is "an empty root" $status 3
like "says so" "$err" 'has no directory proc'
run "$jeprobe" doctor --root "$tree" -o "$tmp/no/file"
is "an output that cannot be" $status 4

# A process of the kernel, and one that has ended.
healthy kernel
put $me/status "$(printf 'Name:\tkworker/0:1\nState:\tI (idle)\nThreads:\t1')"
rm "$tree/$me/smaps_rollup"
: >"$tree/$me/maps"
run "$jeprobe" doctor --root "$tree" $pid
is "a kernel thread" $status 0
like "has no memory" "$out" 'has no memory of its own'
unlike "and no findings" "$out" '^(CRITICAL|WARNING|MINOR)'

# What cannot be read is said, and never 0.
healthy hidden
put $me/environ 'MALLOC_CONF=x'
chmod 0 "$tree/$me/environ"
if [ "$(id -u)" != 0 ]; then
    run "$jeprobe" doctor --root "$tree" $pid
elif setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
    cp "$jeprobe" "$tmp/jeprobe"
    chmod a+rX "$tmp" "$tmp/trees" "$tmp/jeprobe"
    run setpriv --reuid=65534 --regid=65534 --clear-groups \
        "$tmp/jeprobe" doctor --root "$tree" $pid
else
    status=none
fi
if [ $status != none ]; then
    is "no permission" $status 0
    like "is told" "$out" "^  /$me/environ: Permission denied\$"
    like "and what to do" "$out" 'The user of the process may read more'
else
    skip "no permission" "no other user at hand"
fi
rm -f "$tree/$me/environ"
mkdir "$tree/$me/environ"
doctor
is "a directory instead" $status 0
like "is told" "$out" '"why": "is not an ordinary file"'
healthy long
head -c 1500000 /dev/zero | tr '\0' x >>"$tree/$me/limits"
doctor
like "a line without end" "$out" \
    '"why": "has a line that is longer than 1 MiB"'
mkfifo "$tree/$thp/fifo"
mv "$tree/$thp/fifo" "$tree/$thp/enabled"
doctor
is "a pipe does not stop it" "$status $(value thp_enabled)" "0 null"

# Damage: each file in turn is empty, cut, noise or missing.
healthy noise
find "$tree" -type f | sort >files
awk 'BEGIN { srand(7); for (i = 0; i < 4000; i++)
    printf "%c", int(rand() * 256) }' >noise
head -c 3000000 /dev/zero | tr '\0' 9 >long
wrong=
while read -r file; do
    cp "$file" kept
    for damage in empty cut noise long none; do
        case $damage in
            empty) : >"$file" ;;
            cut) head -c "$(($(wc -c <kept) / 2))" kept >"$file" ;;
            noise | long) cp $damage "$file" ;;
            none) rm "$file" ;;
        esac
        doctor
        [ $status = 0 ] || wrong="$wrong ${file#"$tree"}:$damage:$status"
        cp kept "$file"
    done
done <files
is "nothing breaks it" "$wrong" " /$me/status:empty:3 /$me/status:none:3"

healthy wrong
put proc/sys/vm/swappiness sixty
put $thp/enabled 'always madvise never'
put $group/memory.max -1
put $me/smaps_rollup 'nothing of the kind'
put proc/meminfo 'Cached: 1 kB'
doctor
is "wrong contents" $status 0
for file in /proc/sys/vm/swappiness /$thp/enabled /$group/memory.max \
    /$me/smaps_rollup /proc/meminfo; do
    like "listed: $file" "$out" "\"file\": \"$file\""
done
is "unknown is null" "$(value mem_total) $(value swappiness)" "null null"

# Names that would be read as something else.
healthy hostile
evil=$(printf '/opt/\033[31m|`<b>@x')
put $me/maps "55d0c0000000-55d0c0010000 r-xp 00000000 08:01 11 $evil"
put $me/status "$(printf 'Name:\t\033[1mx\nState:\tS\nVmSize:\t1 kB')"
printf 'MALLOC_CONF=\033]0;x\007\0X_MALLOC_CONF=a:b|c`<i>\0' >"$tree/$me/environ"
for format in text markdown json; do
    run "$jeprobe" doctor --root "$tree" --format $format $pid
    is "hostile names, $format" $status 0
    unlike "reach no terminal, $format" "$out" "$(printf '[\033\007]')"
done
run "$jeprobe" doctor --root "$tree" --format markdown $pid
unlike "and are no HTML" "$out" '[^`]<[bi]>'
done_testing
