#!/bin/sh
# jeprobe doctor: the machine. Each check fires where it should and is silent
# next to that.
. "${0%/*}/doctor.sh"

# case NAME WANTED COMMAND...: after the command in a healthy tree
case_of()
{
    name=$1
    wanted=$2
    shift 2
    healthy case
    "$@"
    finds "$wanted" "$name"
}

huge()
{
    put $thp/enabled '[always] madvise never'
    put $thp/khugepaged/max_ptes_none "${1:-0}"
    field $me/smaps_rollup AnonHugePages "${2:-0}"
}

case_of "nothing is wrong with a healthy one" '' true
case_of "huge pages for all, many in use" medium:thp-always huge 0 102400
case_of "few of them" low:thp-always huge 0 102399
case_of "not for this process" '' \
    eval 'huge; sed -i "s/THP_enabled:.1/THP_enabled:	0/" $tree/$me/status'
case_of "holes that are filled in" 'low:thp-always low:khugepaged-fills-holes' \
    huge 1
case_of "khugepaged is off" low:thp-always \
    eval 'huge 511; put $thp/khugepaged/defrag 0'
case_of "faults that compact" low:thp-defrag-stalls \
    put $thp/defrag '[always] defer defer+madvise madvise never'
case_of "but not without huge pages" '' eval 'put $thp/enabled \
    "always madvise [never]"; put $thp/defrag "[always] defer madvise never"'

# sizes SIZE CHOICE...: of kernels that have a setting for each
sizes()
{
    for size in 16 32 64 128 256 512 1024; do
        put $thp/hugepages-${size}kB/enabled 'always inherit madvise [never]'
    done
    put $thp/hugepages-2048kB/enabled 'always [inherit] madvise never'
    while [ $# -gt 0 ]; do
        put $thp/hugepages-"$1"kB/enabled "$(echo 'always inherit madvise never' |
            sed "s/$2/[$2]/")"
        shift 2
    done
}
case_of "a setting for each size" '' sizes
is "none of the smaller ones" "$(value thp_sizes)" never
is "the huge ones as the rest" "$(value thp_huge_enabled)" inherit
case_of "they say nothing of the rest" medium:thp-always \
    eval 'sizes; huge 0 102400'
case_of "huge pages for all, but not of that size" '' \
    eval 'sizes 2048 madvise; huge 0 102400'
case_of "of that size alone" medium:thp-always \
    eval 'huge 0 102400; put $thp/enabled "always madvise [never]"; sizes 2048 always'
like "is turned off where it is set" "$out" \
    'echo madvise > /sys/kernel/mm/transparent_hugepage/hugepages-2048kB/enabled'
case_of "khugepaged goes by it, too" 'low:thp-always low:khugepaged-fills-holes' \
    eval 'huge 511; put $thp/enabled "always madvise [never]"; sizes 2048 always'
case_of "smaller ones for all" low:thp-sizes-always sizes 64 always 128 madvise
is "which are set" "$(sed -n 's/^ *"thp_sizes": "\(.*\)",/\1/p' "$out")" \
    '64 kB always, 128 kB madvise'
is "which nobody asks for" "$(value thp_sizes_unasked)" '64 kB'
case_of "not for this process" '' eval \
    'sizes 64 always; sed -i "s/THP_enabled:.1/THP_enabled:	0/" $tree/$me/status'
case_of "smaller ones on request" '' sizes 64 madvise 128 inherit
case_of "as the rest, which is for all" 'low:thp-always low:thp-sizes-always' \
    eval 'huge; sizes 128 inherit 2048 inherit 1024 always'
like "a command for each" "$out" \
    'for k in 128 1024; do echo madvise > /sys/.*/hugepages-\$\{k\}kB/enabled; done"'
case_of "seven sizes for all" low:thp-sizes-always eval \
    'sizes 16 always 32 always 64 always 128 always 256 always 512 always 1024 always'
sed -n 's|^ *"now": "\(for k in.*\)",*$|\1|p' "$out" | sed "s|/sys/|$tree/sys/|" >now.sh
run sh ./now.sh
is "the command runs" "$status" 0
is "and sets all of them" "$(cat "$tree"/$thp/hugepages-*kB/enabled | grep -c '^madvise$')" 7
long()
{
    for size in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        put $thp/hugepages-41000000${size}kB/enabled '[always] inherit madvise never'
    done
}
case_of "more sizes than a line has" low:thp-sizes-always long
like "no half of one" "$out" '"thp_sizes": "4100000001 kB always, .* kB always",$'
case_of "faults that compact for one size" low:thp-defrag-stalls eval \
    'put $thp/enabled "always madvise [never]"; sizes 64 madvise
    put $thp/defrag "[always] defer defer+madvise madvise never"'
case_of "a size that is broken" '' eval 'sizes; put $thp/hugepages-64kB/enabled x
    mkdir "$tree/$thp/hugepages-xkB" "$tree/$thp/hugepages-8kBx"'
like "is told" "$out" '"file": ".*hugepages-64kB/enabled"'
healthy case
sizes 64 always
run "$jeprobe" doctor --root "$tree"
like "sizes as text" "$out" '^  smaller ones +64 kB always$'

strict()
{
    put proc/sys/vm/overcommit_memory 2
    field proc/meminfo Committed_AS "$1"
}
case_of "strict overcommit" medium:overcommit-strict strict 11059199
run "$jeprobe" doctor --root "$tree"
like "is told" "$out" '^  overcommit +2, strict, .* limit 11\.72 GiB, ratio 50 %$'
case_of "near its limit" high:overcommit-strict strict 11059200
case_of "the limit means nothing otherwise" '' \
    field proc/meminfo Committed_AS 12288000
case_of "all is allowed" '' put proc/sys/vm/overcommit_memory 1
case_of "few mappings allowed" low:map-limit-low \
    put proc/sys/vm/max_map_count 65529
case_of "little memory left" medium:memory-low \
    field proc/meminfo MemAvailable 1638399
case_of "just enough" '' field proc/meminfo MemAvailable 1638400
case_of "hardly any" high:memory-low field proc/meminfo MemAvailable 819199

pressure()
{
    put proc/pressure/memory \
        "some avg10=$1 avg60=0.00 avg300=0.00 total=1" \
        "full avg10=$2 avg60=0.00 avg300=0.00 total=1"
}
case_of "some wait" medium:memory-pressure pressure 10.00 0.99
case_of "a little" '' pressure 9.99 0.99
case_of "all wait" medium:memory-pressure pressure 1.00 1.00
case_of "nearly much" medium:memory-pressure pressure 9.99 9.99
case_of "much" high:memory-pressure pressure 10.00 10.00
case_of "the swap is full" medium:swap-full field proc/meminfo SwapFree 819200
case_of "nearly" '' field proc/meminfo SwapFree 819201
case_of "there is none" '' \
    eval 'field proc/meminfo SwapTotal 0; field proc/meminfo SwapFree 0'
case_of "set aside" medium:hugetlb-reserved field proc/meminfo Hugetlb 1638400
case_of "less" '' field proc/meminfo Hugetlb 1638399
case_of "the most severe first" \
    'high:memory-low medium:overcommit-strict low:map-limit-low' \
    eval 'strict 0; put proc/sys/vm/max_map_count 1000;
    field proc/meminfo MemAvailable 1000'

# What is said of it.
healthy text
huge 511 204800
run "$jeprobe" doctor --root "$tree" $pid
is "text" $status 0
is "the answer first" "$(head -n 1 "$out")" \
    "2 findings, the first: Every process gets huge pages unasked; they are 20.0 % of"
like "the machine" "$out" '^Machine: box, Linux 6.1.0-13-amd64, processors 0-7$'
like "as free has it" "$out" \
    '^  memory +15\.62 GiB +7\.81 GiB +1\.95 GiB +4\.30 GiB +7\.81 GiB$'
like "evidence with its file" "$out" \
    '^    AnonHugePages +209715200 \(200\.0 MiB\),$'
like "and line" "$out" '^ +/proc/4711/smaps_rollup:7$'
like "a command" "$out" \
    '^  Now:    echo madvise > /sys/kernel/mm/transparent_hugepage/enabled$'
like "one that stays" "$out" "^  Keep:   echo 'w .*' > /etc/tmpfiles.d/"
for part in Why Do Then Unless; do
    like "$part" "$out" "^  $part: "
done
like "what next" "$out" '^Next: jeprobe explain thp-always$'
is "in 80 columns but for commands" \
    "$(grep -vE '^  (Now|Keep): |^          ' "$out" | awk 'length > 80')" ''
unlike "no colour" "$out" "$(printf '\033')"
run "$jeprobe" doctor --root "$tree"
is "without a process" $status 0
unlike "nothing of one" "$out" '^Process'
like "the machine's findings" "$out" '^WARNING   thp-always'
unlike "nothing of containers" "$out" 'on its host'
: >"$tree/.dockerenv"
run "$jeprobe" doctor --root "$tree"
like "in a container" "$out" '^There is a container: .* on its$'
run "$jeprobe" doctor --root "$tree" --format json
like "no process in JSON" "$out" '^ "process": null,$'

# The names of the facts, in the sources, in JSON and in the manual.
doctor
is "the schema" "$(value schema)" jeprobe.doctor/1
sed -n 's/^[A-Z]*([A-Z]*, [A-Z_]*, "\([a-z_]*\)".*/\1/p' \
    "$top_srcdir/lib/model/live.def" | sort -u >names
ok "there are facts" test "$(wc -l <names)" -gt 60
sed -n 's/^ *"\([a-z_]*\)":.*/\1/p' "$out" | sort -u >printed
is "each is printed" "$(comm -23 names printed)" ''
sed -n '/^.Ss What doctor reads/,/^.Ss S/p' "$top_srcdir/man/jeprobe.1" |
    tr -cs 'a-z_' '\n' | sort -u >described
is "and described" "$(comm -23 names described)" ''
sed -n 's/^CHECK([a-z_]*, "\([a-z-]*\)",$/\1/p' \
    "$top_srcdir/lib/analyse/doctor.def" | sort >checks
ok "there are checks" test "$(wc -l <checks)" -gt 25
is "each is explained" \
    "$(xargs "$jeprobe" explain <checks 2>&1 >/dev/null)" ''
cat "$top_srcdir"/t/cli/6*-doctor*.t >tests
is "each is tested" "$(while read -r check; do
    grep -q ":$check" tests || echo "$check"
done <checks)" ''

run "$jeprobe" doctor --root "$tree" --format markdown $pid
is "Markdown" $status 0
like "a finding" "$out" '^\*\*WARNING\*\* `thp-always`: '
like "its command" "$out" '^  - now: `echo madvise > /sys/.*`$'
like "its evidence" "$out" \
    '^\| `AnonHugePages` \| .* \| `/proc/4711/smaps_rollup` line 7 \|$'
done_testing
