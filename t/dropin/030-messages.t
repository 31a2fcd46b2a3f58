#!/bin/sh
# malloc_message and malloc_conf: a program's variables, by library and by
# preload.
. "${0%/*}/../lib.sh"
. "${0%/*}/dropin.sh"
src=$top_srcdir/t/dropin/messages.c

# says HOW COMMAND...: messages go to the program, whatever they are about.
says()
{
    how=$1
    shift
    run "$@" stats
    is "$how: statistics" "$status: $(cat "$err")" '0: '
    like "$how: they were messages" "$out" '^> .*Begin jemalloc statistics'
    run env MALLOC_CONF=stats_print:true,stats_print_opts:gmablxeh "$@" \
        stats-exit
    like "$how: statistics at exit" "$out" '^> .*Begin jemalloc statistics'
    is "$how: and nothing else" "$(cat "$err")" ''
    run "$@" fatal
    is "$how: misuse ends it" "$status" 134
    is "$how: with a message" "$(grep -c '^> jealloc: free of 0x' "$out")" 1
    unlike "$how: which is not on standard error" "$err" jealloc
    run "$@" dump
    like "$how: a dump that fails" "$out" '^> jeprobe: /nowhere/at/all: '
    run "$@" reset
    like "$how: NULL is standard error" "$err" 'Begin jemalloc statistics'
    is "$how: and only that" "$(cat "$out")" ''
}

on plain "$src"
says "the program sets it" ./plain
on strong "$src" -DWITH_MESSAGE
says "the program defines it" ./strong
on fixed "$src" -no-pie -DWITH_MESSAGE
says "at a fixed address" ./fixed
# what is preloaded comes before the library, and the program before both
says "preloaded" env LD_PRELOAD="$preload" ./plain

run env MALLOC_CONF=nonsense:1 ./plain
like "without, an option that is none is on standard error" "$err" \
    "^jealloc: MALLOC_CONF: unknown option 'nonsense'"
run env MALLOC_CONF=nonsense:1 ./strong
like "with it, a message" "$out" \
    "^> jealloc: MALLOC_CONF: unknown option 'nonsense'"
is "before main, too" "$(cat "$err")" ''

on conf "$src" -DWITH_CONF
run ./conf conf
is "malloc_conf of the program" "$(cat "$out")" '3 4096'
like "what is wrong with it" "$err" \
    "^jealloc: malloc_conf: unknown option 'nonsense'"
run env MALLOC_CONF=narenas:5 ./conf conf
is "the environment comes after it" "$(cat "$out")" '5 4096'
on conf_fixed "$src" -no-pie -DWITH_CONF
run ./conf_fixed conf
is "at a fixed address" "$(cat "$out")" '3 4096'
on both "$src" -DWITH_CONF -DWITH_MESSAGE
run ./both conf
like "both" "$out" "^> jealloc: malloc_conf: unknown option 'nonsense'"
run env LD_PRELOAD="$preload" ./both conf
like "both, preloaded" "$out" "^> jealloc: malloc_conf: unknown option"

# A program that was not linked with it has to export the variable.
cat >alone.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
const char *malloc_conf = "narenas:7";
int main(void)
{
    int (*ctl)(const char *, void *, size_t *, void *, size_t) =
        dlsym(RTLD_DEFAULT, "mallctl");
    unsigned n = 0;
    size_t size = sizeof(n);
    if (ctl != NULL)
        ctl("opt.narenas", &n, &size, NULL, 0);
    printf("%u\n", n);
    return 0;
}
END
$CC -w -rdynamic -o alone alone.c -ldl || bail "alone.c cannot be built"
run env LD_PRELOAD="$preload" ./alone
is "exported and preloaded" "$(cat "$out")" 7
done_testing
