#!/bin/sh
# jeprobe doctor: control groups of both versions, nested, in containers.
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

# 1 GiB in use, of which 70 MiB can be dropped: 1,000,000,000 bytes.
near=high:group-near-limit
case_of "near the limit" medium:group-near-limit \
    put $group/memory.max 1250000000
case_of "not so near" '' put $group/memory.max 1342177281
case_of "only the files are" info:group-mostly-files \
    put $group/memory.max 1300000000
case_of "at the limit" $near put $group/memory.max 1052631578
case_of "the limit of an outer group counts" $near \
    put sys/fs/cgroup/system.slice/memory.max 1052631578
like "which is said" "$out" 'of a control group further out'
case_of "a number that is one byte more" medium:group-near-limit \
    put $group/memory.max 1052631580
case_of "killed" high:group-oom-kills \
    put $group/memory.events 'low 0' 'high 0' 'max 3' 'oom 2' 'oom_kill 2'
is "as often" "$(value oom_kills)" 2
case_of "killed in an outer group" low:group-oom-kills put \
    sys/fs/cgroup/system.slice/memory.events 'max 3' 'oom 2' 'oom_kill 2'
case_of "the limit was hit" low:group-limit-hits \
    put $group/memory.events 'max 3' 'oom 0' 'oom_kill 0'
case_of "slowed down" medium:group-throttled \
    put $group/memory.high 1095654922
case_of "nearly" '' put $group/memory.high 1095654923
case_of "waiting" medium:memory-pressure put $group/memory.pressure \
    'some avg10=2.00 avg60=0.00 avg300=0.00 total=0' \
    'full avg10=1.00 avg60=0.00 avg300=0.00 total=0'
like "in which group" "$out" 'wait for memory, in /system.slice/app.service'

# Commands, by who made the group.
now()
{
    sed -n 's/^  Now:    //p' "$out"
}

# in_group PATH: the process is in that group, at its limit
in_group()
{
    healthy command
    put $me/cgroup "0::$1"
    mkdir -p "$tree/sys/fs/cgroup$1"
    for file in "$tree/$group"/*; do
        [ -f "$tree/sys/fs/cgroup$1/${file##*/}" ] ||
            cp "$file" "$tree/sys/fs/cgroup$1"
    done
    put "sys/fs/cgroup$1/memory.max" 1048576000
    run "$jeprobe" doctor --root "$tree" $pid
}
in_group /system.slice/app.service
is "of systemd" "$(now)" \
    "systemctl set-property --runtime app.service MemoryMax=1431M"
like "for good" "$out" \
    '^  Keep:   systemctl set-property app.service MemoryMax=1431M$'
in_group /system.slice/docker-0123456789abcdef0123.scope
is "of docker" "$(now)" \
    "docker update --memory 1431m --memory-swap 1431m 0123456789ab"
like "it is a container" "$out" 'in a container \(docker\)'
in_group /kubepods/burstable/pod1/x
is "of Kubernetes" "$(now)" ""
like "its limits" "$out" '^  Keep:   kubectl set resources .*=1431Mi$'
in_group "/it's; rm -rf x"
is "of nobody, quoted" "$(now)" \
    "echo 1431M > '/sys/fs/cgroup/it'\\''s; rm -rf x'/memory.max"

# The tightest, and how it looks.
healthy nested
put $group/memory.max 8589934592
put sys/fs/cgroup/system.slice/memory.max 2147483648
run "$jeprobe" doctor --root "$tree" $pid
like "the tightest is marked" "$out" \
    '^> /system.slice +1\.00 GiB +70\.3 MiB +2\.00 GiB$'
like "the other is not" "$out" '^  /system.slice/app.service .* 8\.00 GiB$'
doctor
is "there are three" "$(grep -c '^   "directory"' "$out")" 3
is "one is the tightest" "$(grep -c '"tightest": true' "$out")" 1
is "the innermost first" "$(value path)" /system.slice/app.service
is "version 2" "$(value cgroup_version)" 2
is "no limit is max" "$(sed -n '/"path": "\/system.slice\/app/,/}/s/^ *"high": //p' "$out")" '"max",'
is "a file that is not there is unknown" \
    "$(sed -n '/"path": "\/",/,/}/s/^ *"limit": //p' "$out")" 'null,'

# In a container: the mount shows a part, under its own name.
healthy inside
put $me/cgroup 0::/docker/0123456789ab/app
put proc/self/mountinfo \
    '30 25 0:23 /docker/0123456789ab /sys/fs/cgroup ro - cgroup2 cgroup rw'
mkdir -p "$tree/sys/fs/cgroup/app"
put sys/fs/cgroup/memory.max 1052631578
put sys/fs/cgroup/memory.current 1052631578
finds $near "the limit of the container"
is "its directory" "$(value directory)" /sys/fs/cgroup/app
is "two groups are seen" "$(grep -c '^   "directory"' "$out")" 2
put $me/cgroup 0::/../other
doctor
is "one that is outside" "$status $(grep -c '^   "directory"' "$out")" "0 0"
like "is said to be" "$out" 'outside of what is mounted'

# Version 1.
healthy v1
rm -rf "$tree/sys/fs/cgroup"
put $me/cgroup '9:name=systemd:/x' '4:cpu,cpuacct:/x' '3:memory:/a b/c' 0::/y
put proc/self/mountinfo \
    '31 25 0:20 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct' \
    '32 25 0:21 / /sys/fs/my\040cgroup rw - cgroup cgroup rw,memory' \
    '33 25 0:22 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'
old='sys/fs/my cgroup/a b'
put "$old/c/memory.limit_in_bytes" 9223372036854771712
put "$old/c/memory.usage_in_bytes" 1073741824
put "$old/c/memory.failcnt" 0
put "$old/c/memory.oom_control" 'oom_kill_disable 0' 'under_oom 0' 'oom_kill 0'
put "$old/c/memory.stat" 'cache 1' 'rss 2' 'inactive_file 3' \
    'total_cache 104857600' 'total_rss 943718400' 'total_swap 4096' \
    'total_inactive_file 73741824'
cp -r "$tree/$old/c/." "$tree/$old"
put "$old/memory.limit_in_bytes" 1052631578
put "$old/memory.memsw.limit_in_bytes" 1152631578
finds $near "version 1"
is "is known" "$(value cgroup_version)" 1
is "totals are those with what is below" "$(value anon)" 943718400
is "swap" "$(value swap_usage)" 4096
is "limit of the outer one" \
    "$(sed -n '/"path": "\/a b",/,/}/s/^ *"swap_limit": //p' "$out")" \
    '100000000,'
is "no limit" "$(value limit)" max
run "$jeprobe" doctor --root "$tree" $pid
like "its file" "$out" "^  Now:    echo 1431M > '/sys/fs/my cgroup/a b'/memory"
put "$old/c/memory.oom_control" 'oom_kill_disable 0' 'oom_kill 1'
finds "$near high:group-oom-kills" "it counts kills, too"

# Forty groups in one another.
healthy deep
deep=$(awk 'BEGIN { for (i = 0; i < 40; i++) printf "/d%d", i }')
put $me/cgroup "0::$deep"
mkdir -p "$tree/sys/fs/cgroup$deep"
put sys/fs/cgroup/d0/memory.max 1052631578
put sys/fs/cgroup/d0/memory.current 1052631578
finds $near "a limit far out"
is "all of them" "$(grep -c '^   "directory"' "$out")" 41
done_testing
