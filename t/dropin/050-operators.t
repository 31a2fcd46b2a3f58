#!/bin/sh
# C++ programs that are linked with libjemalloc.so.2.
. "${0%/*}/../lib.sh"
. "${0%/*}/dropin.sh"
need c++
src=$top_srcdir/t/shim

# passes NAME PROGRAM [ARG...]: one that speaks TAP.
passes()
{
    passes_name=$1
    shift
    run "$@"
    is "$passes_name: status" "$status: $(grep '^not ok' "$out")" '0: '
    like "$passes_name: it got to the end" "$out" '^1\.\.[0-9]+$'
}

# linked OUTPUT SOURCE [FLAG...]
linked()
{
    linked_out=$1
    linked_from=$2
    shift 2
    c++ -std=c++17 -g -O1 -w -o "$linked_out" "$src/$linked_from" "$@" \
        -L"$tmp/lib" -ljemalloc -ldl -Wl,-rpath,"$tmp/lib" 2>cc.log ||
        bail "$linked_from cannot be built: $(cat cc.log)"
}

linked operators operators.cc -Wl,--no-as-needed
passes "all twenty" ./operators libjemalloc.so.2
linked fixed operators.cc -no-pie -Wl,--no-as-needed
passes "at a fixed address" ./fixed libjemalloc.so.2
linked own operators_own.cc -Wl,--no-as-needed
passes "a program's own" ./own
linked own_aligned operators_own.cc -DWITH_ALIGNED -Wl,--no-as-needed
passes "its own, aligned" ./own_aligned
done_testing
