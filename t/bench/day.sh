#!/bin/sh
# A day of a service under each allocator, all at the same time: make bench-day.
# t/bench/README.md says how to read what is printed.

here=${0%/*}
. "$here/peers.sh"
bench=${top_builddir:-.}/t/bench
csv='bench-day.csv'
commit=unknown
list=

usage()
{
    cat <<END
usage: day.sh [option...]
  --allocators=LIST  only these: ours,glibc,jemalloc,mimalloc,tcmalloc
  --commit=ID        said in the head
  --csv=FILE         where every sample goes (bench-day.csv)
  --table=FILE       print the table of such a file, and run nothing
  --help
and those of bench_day:
END
    "$bench/bench_day" --help | sed 1d
}

for arg; do
    shift
    case $arg in
        --allocators=*) list=${arg#*=} ;;
        --commit=*) commit=${arg#*=} ;;
        --csv=*) csv=${arg#*=} ;;
        --table=*) exec awk -f "$here/day.awk" "${arg#*=}" ;;
        --help) usage; exit 0 ;;
        *) set -- "$@" "$arg" ;;
    esac
done

pids=
tmp=$(mktemp -d "${TMPDIR:-/tmp}/bench-day.XXXXXX") || exit 2
trap '[ -z "$pids" ] || kill $pids; rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

choose_peers "a day $*"
while IFS='	' read -r name path; do
    exec_under "$path" "$bench/bench_day" "$@" \
        >"$tmp/$name.out" 2>"$tmp/$name.err" &
    pids="$pids $!"
    echo "$name $! ${path##*/}" >>"$tmp/running"
done <"$tmp/peers"

# A name that ld.so cannot load leaves the program on the libc's malloc.
failures=0
echo allocator,seconds,live,rss,peak_rss,processor_s,threads,late_ms >>"$csv"
while read -r name pid file; do
    wait "$pid"
    status=$?
    pids=${pids#" $pid"}
    if [ $status != 0 ]; then
        echo "failed: $name: exit status $status: $(head -n 1 "$tmp/$name.err")"
    elif ! grep -q "^day ok ops=[1-9][0-9]* malloc=${file:-libc.so.6}\$" \
        "$tmp/$name.out"; then
        echo "failed: $name: ran on $(sed -n 's/.*malloc=//p' "$tmp/$name.out")"
    else
        sed -n "s/^[0-9]/$name,&/p" "$tmp/$name.out" >>"$csv"
        continue
    fi
    failures=1
done <"$tmp/running"
awk -f "$here/day.awk" "$csv" || failures=1
exit $failures
