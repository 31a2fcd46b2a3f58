#!/bin/sh
# Every named value that programs written for jemalloc know, of ours and, where
# there is one, of theirs: whether the table is right.
. "${0%/*}/../lib.sh"

need_preload
walk=$top_builddir/t/ctl/walk
[ -x "$walk" ] || bail "$walk is not built"
names=$top_srcdir/t/ctl/names.tsv

# under OBJECT [OPTION]: walk with this allocator.
under()
{
    run env LD_PRELOAD="$1" "$walk" "$names" ${2+"$2"}
}

under "$preload"
is "everything is as the table says" "$(grep -v ' names$' "$out")" ""
is "and the walk ends well" "$status" 0
ok "it had all names" test "$(sed -n 's/ names$//p' "$out")" -ge 380

MALLOC_CONF=prof:true,prof_active:false under "$preload"
is "with profiling, too" "$(grep -v ' names$' "$out")" ""
ok "of which it had as many" test "$(sed -n 's/ names$//p' "$out")" -ge 380

# The walk can fail.
sed 's/^stats.active\tsize/stats.active\tu32/; s/^epoch\tu64\trw/epoch\tu64\tr/' \
    "$names" >spoilt.tsv
run env LD_PRELOAD="$preload" "$walk" spoilt.tsv
is "a wrong type and wrong rights are noticed" "$status" 1
like "the type" "$out" '^stats.active: '
like "the rights" "$out" '^epoch: writing what is read-only: '

theirs=
for dir in /usr/lib/*-linux-gnu /usr/lib64 /usr/lib; do
    [ -f "$dir/libjemalloc.so.2" ] && theirs=$dir/libjemalloc.so.2
done
if [ -z "$theirs" ] || ! grep -q '5\.3\.0-0-g' "$theirs"; then
    skip "the table is true of theirs" "there is no jemalloc 5.3.0"
else
    under "$theirs" --5.3.0
    is "the table is true of theirs" "$(grep -v ' names$' "$out")" ""
    MALLOC_CONF=prof:true,prof_active:false under "$theirs" --5.3.0
    is "with profiling, too" "$(grep -v ' names$' "$out")" ""
fi
done_testing
