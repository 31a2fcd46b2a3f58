#!/bin/sh
# Real programs print the same, end the same, and leave a dump.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

# same NAME PROGRAM COMMAND...: with and without the preload object.
same()
{
    same_name=$1
    same_program=$2
    shift 2
    if ! command -v "$1" >/dev/null; then
        skip "$same_name" "there is no $1"
        return
    fi
    same_status=0
    "$@" >"$tmp/.out0" 2>"$tmp/.err0" || same_status=$?
    no_dumps
    under sample:65536 "$@"
    is "$same_name: status" "$status" "$same_status"
    ok "$same_name: output" cmp "$tmp/.out0" "$out"
    ok "$same_name: errors" cmp "$tmp/.err0" "$err"
    if [ -n "$same_program" ]; then
        ok "$same_name: dump" query "$same_program" check
    fi
}

awk 'BEGIN { for (i = 0; i < 20000; i++) print i, i * 7919 % 20011 }' >numbers

same ls ls ls -lR /usr/include/linux
same "ls of nothing" ls ls /nowhere
same sort sort sort -S 1M -k2n numbers
# behind wrappers and links: they would be the profiled program
python=$(python3 -c 'import os; print(os.path.realpath("/proc/self/exe"))' \
    2>/dev/null)
PYTHONMALLOC=malloc
PYTHONHASHSEED=1
export PYTHONMALLOC PYTHONHASHSEED
same python3 "${python##*/}" "${python:-python3}" -c '
import json
rows = [{"i": i, "s": "x" * (i % 300)} for i in range(30000)]
text = json.dumps(rows)
print(len(text), sum(len(r["s"]) for r in json.loads(text)))
raise SystemExit(3)'
same perl perl perl -e '
my %h; $h{$_ % 5000} .= "abc$_" for 1..100000;
print length(join ",", map { $h{$_} } sort keys %h), "\n"; exit 7'
same sqlite3 sqlite3 sqlite3 :memory: '
create table t(a, b);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
insert into t select i, hex(i * 1234567) from n;
create index ti on t(b); select count(*), sum(length(b)) from t where b > "5";'
same "git log" git git -C "$top_srcdir" log -p
# the largest file of the tree, so that the compiler has something to hold
large="$top_srcdir/lib/alloc/prof_cfi.c -I$top_srcdir/lib -I$top_builddir -std=gnu11"
# the driver ends by exec or exit, the compiler proper is a child without us
# shellcheck disable=SC2086
same "gcc -O2 -c" '' "$CC" -O2 -c $large -o large.o
ok "the object is the same" sh -c "$CC -O2 -c $large -o large2.o &&
    cmp large.o large2.o"
same "gcc of nonsense" '' "$CC" -c numbers -x c -o /dev/null

no_dumps
# shellcheck disable=SC2086
under sample:65536,follow:true "$CC" -O2 -c $large -o large.o
is "follow: status" "$status" 0
if [ -n "$(the_dump cc1)" ]; then
    ok "follow: the compiler's dump" query cc1 check
else
    skip "follow: the compiler's dump" "this compiler has no cc1"
fi
done_testing
