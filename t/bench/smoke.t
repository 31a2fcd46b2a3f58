#!/bin/sh
# The benchmark programs do their work under the libc's malloc and say so in
# one line; the runner does not believe a program that did not run on the
# allocator it was to run on. Nothing here looks at a clock.
. "${0%/*}/../lib.sh"

bench=$top_builddir/t/bench

# Benchmarks leave what they hold to the system.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
export ASAN_OPTIONS

# works PROGRAM [ARGUMENT...]
works() {
    works_name=$1
    works_as=$*
    shift
    run "$bench/bench_$works_name" --scale=0.001 "$@"
    is "$works_as: exit status" "$status" 0
    like "$works_as: result line" "$out" \
        "^$works_name ok ops=[1-9][0-9]* malloc="
    is "$works_as: nothing else" "$(wc -l <"$out") $(wc -c <"$err")" '1 0'
}

for name in barnes batch cache cfrac churn espresso large larson liveset \
    mstress pair phases prodcons realloc rptest server shbench smallobj \
    workset xmalloc; do
    works $name
done
works batch --glibc=1
works cache --handed=1
works shbench --swap=1
works workset --threads=4
works workset --threads=4 --kind=1

run "$bench/bench_larson" --thread=2
is 'wrong argument: exit status' "$status" 1
like 'wrong argument: is named' "$err" '^bench_larson: --thread=2: no such'
run "$bench/bench_larson" --threads=two
is 'no number: exit status' "$status" 1
run "$bench/bench_larson" --help
is '--help: exit status' "$status" 0
like '--help: lists the arguments' "$out" '--generations'

# Reading: each reader reads, and what it takes is said. Files given, for not
# every machine has the allocator that the dumps are made with.
text=$top_srcdir/t/parse/valid/jetext-53/input
json=$top_srcdir/t/parse/valid/jejson-53/input
for mode in ours memory; do
    for file in "$text" "$json"; do
        run "$bench/bench_read" $mode "$file"
        is "bench_read $mode ${file%/input}: exit status" "$status" 0
        like "bench_read $mode ${file%/input}: says what it read" "$out" \
            '^read ok (dumps=1|model=[1-9][0-9]+ peak=[1-9][0-9]+)$'
    done
done
run "$bench/bench_read" jansson "$json"
is 'bench_read jansson: exit status' "$status" 0
run "$bench/bench_read" ours "$top_srcdir/LICENSE"
is 'bench_read, no dump: exit status' "$status" 1
like 'bench_read, no dump: says why' "$err" 'is no dump'
run "$bench/readers" -n 1 --text="$text" --json="$json"
is 'readers: exit status' "$status" 0
like 'readers: a speed' "$out" '^json, times as fast as jansson: [0-9.]+ '
like 'readers: the memory' "$out" \
    '^text, peak [0-9.]+ MiB / model [0-9.]+ MiB: [0-9.]+ \(wanted: at most 3\)'

# Only what it made is removed.
cp "$text" given
run "$bench/readers" -n 1 --arenas=16 --text=given
ok 'readers: a file that was given stays' test -f given

# A day: live bytes are never below what the night has, each of them is
# resident, and the program frees all that it counts as live.
run "$bench/bench_day" --seconds=1 --low=8 --high=16 --rate=500 --threads=4 \
    --sample-ms=100
is 'day: exit status' "$status" 0
like 'day: result line' "$out" '^day ok ops=[1-9][0-9]* malloc='
is 'day: samples' "$(grep -c '^[0-9]' "$out")" 10
is 'day: live bytes are at least those of the night, and resident' \
    "$(awk -F, '/^[0-9]/ && $7 == 0 && ($2 < 8388608 || $3 < $2)' "$out")" ''
run "$bench/bench_day" --low=5 --high=4
is 'day, low is more than high: exit status' "$status" 1

# The table of figures that are known: RSS is live bytes of 2 s before and
# 10 MiB. There are 39 s of 100 MiB live, and 40 of 20 MiB; 41 s of 110 MiB
# resident, and 38 of 30.
awk 'BEGIN {
    for (t = 1; t <= 79; t++) {
        live[t] = (t % 20 < 10 ? 100 : 20) * 1048576
        rss = live[t > 2 ? t - 2 : 1] + 10 * 1048576
        printf "x,%d,%d,%d,%d,%.1f,2,0\n", t, live[t], rss, 110 * 1048576, t / 10
        printf "late,%d,%d,%d,%d,1,2,%d\n", t, live[t] * 2, 3e8, 3e8, t * 20
    }
}' </dev/null >day.csv
sh "$top_srcdir/t/bench/day.sh" --table=day.csv >"$out" 2>"$err"
like 'day: the table' "$out" \
    '^x +110\.0 +71\.5 +1\.65 +2\.30 +26\.0 +2\.0 +1\.50 +10\.0 +7\.9$'
like 'day: RSS that does not follow has no delay' "$out" \
    '^late( +[0-9.]+){5} +- ( *[0-9.]+){3}$'
like 'day: who is late is said' "$out" '^note: late was up to 1\.6 s behind$'
like 'day: unequal work is said' "$out" '^note: live bytes of late were 2\.000 '
like 'day: a picture' "$out" '^   │███.*░░.*██'
sh "$top_srcdir/t/bench/day.sh" --table=/dev/null >"$out" 2>"$err"
is 'day: no table of nothing' "$?" 1

# A table of figures that are known.
cat >figures <<'END'
1,a,x,10
2,a,x,12
3,a,x,11
1,a,y,20
2,a,y,24
3,a,y,22
1,b,x,5
END
"$bench/tabulate" title unit 10 less x <figures >"$out" 2>"$err"
is 'tabulate: exit status' "$?" 0
like 'tabulate: a head' "$out" '^title, unit: .* of 3 rounds; ratio x / peer$'
like 'tabulate: a row' "$out" '^a +1\.10 ±0\.15 +0\.50 ±0\.00 +0\.50$'
like 'tabulate: what one of them has not' "$out" '^b +0\.50 ±\? +-$'
"$bench/tabulate" title unit 1 less y <figures >"$out" 2>"$err"
like 'tabulate: more is a loss' "$out" '^a +22\.00 ±2\.97 +2\.00 ±0\.00! +2\.00$'
"$bench/tabulate" title unit 1 more y <figures >"$out" 2>"$err"
like 'tabulate: more is better' "$out" '^a +22\.00 ±2\.97 +2\.00 ±0\.00 +2\.00$'
"$bench/tabulate" title unit 1 more x <figures >"$out" 2>"$err"
like 'tabulate: less is a loss' "$out" '^a +11\.00 ±1\.48 +0\.50 ±0\.00! +0\.50$'
"$bench/tabulate" title unit 1 more x </dev/null >"$out" 2>"$err"
is 'tabulate: no figures' "$?" 2

# What follows is about preloading, which the sanitizers' allocator excludes.
case $JE_SANITIZERS in
    *address* | *thread*) done_testing ;;
esac

# COUNT-th and later calls of malloc: 'victim' is written to, or handed out
# once more, while its owner thinks it is alone.
cat >broken.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
void *
malloc(size_t size)
{
    static void *(*next)(size_t);
    static unsigned long calls;
    static char *victim;
    void *ptr;
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "malloc");
    calls++;
#if defined(THROUGH)
#elif defined(TWICE)
    if (calls == 5001)
        return victim;
#else
    if (calls == 5001)
        victim[0] ^= 1;
#endif
    ptr = next(size);
#ifdef THROUGH
    return ptr;
#endif
    if (calls == 5000)
        victim = ptr;
    return ptr;
}
C
: >empty.c
# shellcheck disable=SC2086
{
    $CC -shared -fPIC -w -o written.so broken.c
    $CC -shared -fPIC -w -DTWICE -o twice.so broken.c
    $CC -shared -fPIC -w -DTHROUGH -o through.so broken.c
    $CC -shared -fPIC -w -o empty.so empty.c
}
for damage in written twice; do
    for name in larson 'rptest --cross=0' shbench workset; do
        # one thread, so that the victim is always the same object
        # shellcheck disable=SC2086
        run env LD_PRELOAD="$tmp/$damage.so" "$bench"/bench_$name --threads=1 \
            --scale=0.01
        not_ok "$name, object $damage: fails" [ "$status" = 0 ]
        like "$name, object $damage: says it" "$err" 'was overwritten|free'
    done
done

run "$bench/bench_label" --rounds=1 --scale=0.001
is 'labels: exit status' "$status" 0
like 'labels: has the request' "$out" '^request +[0-9.]+ +[0-9.]+ +[0-9.]+ '
run "$bench/bench_label" --rounds=0
is 'labels, no rounds: exit status' "$status" 2

sh "$top_srcdir/t/bench/day.sh" --allocators=glibc,ours --seconds=3 --low=1 \
    --high=4 --rate=500 --threads=4 --sample-ms=100 --csv=day.csv >"$out" 2>"$err"
is 'day of two: exit status' "$?" 0
like 'day of two: names the machine' "$out" '^machine: '
like 'day of two: has ours' "$out" '^ours +[0-9]+\.[0-9] '
like 'day of two: has glibc' "$out" '^glibc +[0-9]+\.[0-9] '
is 'day of two: 30 samples of each' \
    "$(grep -c '^ours,' day.csv) $(grep -c '^glibc,' day.csv)" '30 30'
is 'day of two: the same bytes are live at the end' \
    "$(sed -n 's/^ours,3.00,\([0-9]*\),.*/\1/p' day.csv)" \
    "$(sed -n 's/^glibc,3.00,\([0-9]*\),.*/\1/p' day.csv)"
sh "$top_srcdir/t/bench/day.sh" --allocators=none --csv=day.csv >"$out" 2>"$err"
is 'day: no such allocator: exit status' "$?" 2
sh "$top_srcdir/t/bench/day.sh" --allocators=glibc --low=9 --high=4 \
    --csv=day.csv >"$out" 2>"$err"
is 'day that fails: exit status' "$?" 1
like 'day that fails: says why' "$out" '^failed: glibc: exit status 1: bench_day: --low'

redis="$top_srcdir/t/bench/redis.sh -n 1 --requests=400 --keys=2000 --idle=1"
run env PATH=/nonexistent "$(command -v sh)" $redis
is 'redis: what it needs is not there' "$status" 77
run sh $redis --allocators=ours,jemalloc --csv=redis.csv
if [ "$status" = 77 ]; then
    skip 'redis' "$(cat "$err")"
else
    is 'redis: exit status' "$status" 0
    is 'redis: four tables' "$(grep -c 'ratio ours / peer' "$out")" 4
    is 'redis: ten commands, four looks' \
        "$(grep -cE '^(set|get|lpush|hset|lrange)( x16)? +[0-9]' "$out") $(
            grep -cE '^(filled|halved|purged|idle) +[0-9]' "$out")" '20 8'
    is 'redis: each figure in the CSV' \
        "$(grep -cE '^(speed|work|rss|used),1,[a-z0-9 ]+,(ours|jemalloc),[0-9.]+$' \
            redis.csv)" 56
    ok 'redis: half of the keys hold half of the bytes' awk -F, '
        $1 == "used" && $4 == "ours" { used[$3] = $5 - 900000 }
        END { part = used["halved"] / used["filled"]
              exit !(part > 0.4 && part < 0.65) }' redis.csv
    # An allocator that is loaded, but does not serve the server.
    mkdir -p fake/t/bench
    printf '#!/bin/sh\necho "ours\t%s"\n' "$tmp/empty.so" >fake/t/bench/peers
    chmod +x fake/t/bench/peers
    ln -s "$bench/tabulate" fake/t/bench/tabulate
    run env top_builddir="$tmp/fake" sh $redis --csv=redis.csv
    is 'redis, not on the allocator: exit status' "$status" 1
    like 'redis, not on the allocator: says it' "$out" \
        '^failed: ours, round 1: runs on another allocator'
fi
ok 'redis: leaves nothing behind' \
    sh -c '! ls -d "${TMPDIR:-/tmp}"/bench-redis.*/socket 2>/dev/null'

runner="$bench/runner --rounds=1 --scale=0.001 --csv=results.csv"
run $runner --allocators=glibc --programs=larson,batch
is 'runner: exit status' "$status" 0
like 'runner: names the machine' "$out" '^machine: '
like 'runner: prints a table' "$out" '^larson +[0-9]+\.[0-9]+ '
like 'runner: has a head in the CSV' results.csv '^round,program,allocator,'
like 'runner: has the run in the CSV' results.csv '^1,larson,glibc,ok,[0-9]+\.[0-9]+,'

run $runner --allocators=glibc,empty --programs=larson --add=empty="$tmp/empty.so"
is 'no allocator preloaded: exit status' "$status" 1
like 'no allocator preloaded: is left out' "$out" \
    '^left out: empty .*ran on the malloc of libc'

run $runner --allocators=glibc,bad --programs=larson --add=bad="$tmp/written.so"
is 'broken allocator: exit status' "$status" 1
like 'broken allocator: program failed' "$out" \
    '^failed: larson under bad, round 1: exit status 1: bench_larson: object'
like 'broken allocator: CSV says so' results.csv '^1,larson,bad,failed,'

run $runner --allocators=glibc --programs=larsen
is 'no such program: exit status' "$status" 2

# The memory of a child counts, and a child does not outlive its time.
cat >parent.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int
main(int argc, char **argv)
{
    unsigned useconds = atoi(argv[1]) * 1000;
    if (fork() == 0) {
        FILE *file = fopen("child.pid", "w");
        char *all = malloc(40 << 20);
        memset(all, 1, 40 << 20);
        fprintf(file, "%d\n", (int)getpid());
        fclose(file);
        usleep(useconds);
        return all[5] != 1;
    }
    wait(NULL);
    return argc != 2;
}
C
# shellcheck disable=SC2086
$CC -w -o parent parent.c
run $runner --allocators=glibc --programs= --command="kin=$tmp/parent 300"
is 'a child: exit status' "$status" 0
ok 'a child: its peak and its average' awk -F, '
    /,kin,/ { n += $8 > 40000 && $9 > 10000 }
    END { exit n != 1 }' results.csv
run $runner --allocators=glibc --programs= --timeout=1 \
    --command="kin=$tmp/parent 100000"
is 'a child that stays: exit status' "$status" 1
like 'a child that stays: is said' "$out" '^failed: kin under glibc.*killed'
# Killed, but perhaps nobody has asked for its end yet.
lives() {
    grep -q '^State:[[:blank:]]*[A-Y]' "/proc/$(cat child.pid)/status"
}
for _ in 1 2 3 4 5 6 7 8 9; do
    lives 2>/dev/null || break
    sleep 0.2
done
not_ok 'a child that stays: is killed' lives

# The real programs, of which only one is there, and that is none. $tmp/bin
# has what real.sh needs.
mkdir bin
for command in sh awk sed sort rm cat cmp mv; do
    ln -s "$(command -v $command)" bin
done
# fake CFLAGS...: jq is a program that prints.
fake() {
    # shellcheck disable=SC2086
    $CC -w "$@" -o bin/jq fake.c
}
cat >fake.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int
main(void)
{
#ifdef OWN
    printf("%d\n", (int)getpid());
#endif
    printf("%d\n", malloc(100) != NULL);
    return 0;
}
C
shown="env PATH=$tmp/bin TMPDIR=$tmp $runner"
run $shown --allocators=glibc --programs=batch,real
is 'real, none is installed: exit status' "$status" 0
is 'real, none is installed: each is said' \
    "$(grep -c '^left out: [a-z0-9]*: no [a-z0-9-]*$' "$out")" 10
run $shown --allocators=glibc --programs=batch,jq
is 'real, one that is not installed: exit status' "$status" 1
like 'real, one that is not installed: is said' "$out" '^left out: jq: no jq$'
fake
run $shown --allocators=glibc,through --subject=through \
    --add=through="$tmp/through.so" --programs=batch,real --rounds=3
is 'real: exit status' "$status" 0
like 'real: in the table' "$out" '^jq +[0-9]+\.[0-9]+ '
like 'real: in the CSV' results.csv '^3,jq,through,ok,'
# A run may be too short for an average of its RSS: four of the five tables.
ok 'real: a mean for each group, and one for all' awk '
    $1 == "program" { split("", ratio) }
    $1 == "batch" || $1 == "jq" { ratio[$1] = $4 }
    $1 == "synthetic" && $2 == ratio["batch"] { synthetic++ }
    $1 == "real" && $2 == ratio["jq"] { real++ }
    $1 == "geomean" && ratio["jq"] > 0 {
        d = $2 / sqrt(ratio["batch"] * ratio["jq"])
        all += d < 1.05 && d > 0.95
    }
    END { exit !(synthetic == 5 && real >= 4 && all >= 4) }' "$out"
is 'real: nothing is left behind' "$(echo bench-real.*)" 'bench-real.*'
fake -DOWN
run $shown --allocators=glibc,through --add=through="$tmp/through.so" \
    --subject=through --programs=batch,real
is 'real, another output each time: exit status' "$status" 1
like 'real, another output each time: left out' "$out" \
    '^left out: jq: it failed under '
fake -static
run $shown --allocators=glibc --programs=batch,real
is 'real, static: exit status' "$status" 1
like 'real, static: left out' "$out" \
    '^left out: jq: its malloc is not to be replaced$'

done_testing
