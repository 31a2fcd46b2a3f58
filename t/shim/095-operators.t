#!/bin/sh
# C++'s operators new and delete.
. "${0%/*}/../lib.sh"
need_preload
need c++
src=$top_srcdir/t/shim

# compiled OUTPUT SOURCE [FLAG...]
compiled()
{
    compiled_out=$1
    compiled_from=$src/$2
    shift 2
    c++ -std=c++17 -g -O1 -w -o "$compiled_out" "$compiled_from" "$@" \
        2>"$compiled_out.log" ||
        bail "$compiled_from cannot be built: $(cat "$compiled_out.log")"
}

# passes NAME COMMAND...: a program that speaks TAP, preloaded.
passes()
{
    passes_name=$1
    shift
    run env LD_PRELOAD="$preload" "$@"
    is "$passes_name: status" "$status" 0
    is "$passes_name: what failed" "$(grep '^not ok' "$out")" ''
    like "$passes_name: it got to the end" "$out" '^1\.\.[0-9]+$'
}

compiled operators operators.cc -ldl
passes "all twenty" ./operators libjeprobe-preload.so
is "twenty names" "$(grep -c 'is of libjeprobe-preload.so' "$out")" 20

compiled own operators_own.cc
passes "a program's own" ./own
compiled own_aligned operators_own.cc -DWITH_ALIGNED
passes "its own, aligned" ./own_aligned

run env LD_PRELOAD="$preload" MALLOC_CONF=experimental_infallible_new:true \
    ./operators - fail
is "infallible: SIGABRT" "$status" 134
like "infallible: says so" "$err" \
    '^jealloc: out of memory for 2305843009213693952 bytes in operator new$'
run env LD_PRELOAD="$preload" ./operators - fail
is "by default null" "$status" 1
run env LD_PRELOAD="$preload" ./operators - wrong-size
is "delete with a wrong size: SIGABRT" "$status" 134
like "and why" "$err" 'sized free of 0x[0-9a-f]* with size 500'

# The runtime comes late, into a scope of its own.
compiled plugin.so operators_plugin.cc -shared -fPIC
build host -ldl <<'END' || bail "the host cannot be built: $(cat host.log)"
#include <dlfcn.h>
#include <stdio.h>
int main(void)
{
    void *h = dlopen("./plugin.so", RTLD_NOW | RTLD_LOCAL);
    int (*f)(void) = h ? (int (*)(void))dlsym(h, "plugin_fails") : NULL;
    return f ? f() : (puts(dlerror()), 3);
}
END
run env LD_PRELOAD="$preload" ./host
is "a plugin in C++ in a program in C" "$status: $(cat "$out" "$err")" "42: "
done_testing
