#!/bin/sh
# jemalloc/jemalloc.h: the same facts as jemalloc's own, and C and C++ take it.
. "${0%/*}/../lib.sh"
. "${0%/*}/dropin.sh"
src=$top_srcdir/t/dropin/header.c
ours=$top_builddir/shim

on ours "$src"
run ./ours
is "a program with our header on our library" "$status: $(cat "$err")" '0: '
cp "$out" ours.txt
like "constants" ours.txt '^MALLOCX_ZERO = 64$'
like "of arenas" ours.txt '^name = arena\.4096\.purge$'
like "it runs" ours.txt '^mallctlbymib.* = 0$'
run ./ours version
is "the version is the header's" "$status: $(cat "$out")" \
    '0: 5.3.0-0-gjeprobe'

# The other one, wherever it is.
theirs=
for dir in /usr/include /usr/local/include; do
    if [ -f "$dir/jemalloc/jemalloc.h" ] &&
        grep -q '"5\.3\.0-0-g[0-9a-f]*"' "$dir/jemalloc/jemalloc.h"; then
        theirs=$dir
    fi
done
if [ -n "$theirs" ]; then
    mkdir theirs.include
    cp -r "$theirs/jemalloc" theirs.include
    $CC -std=gnu11 -w -Itheirs.include -o theirs "$src" -L"$tmp/lib" \
        -ljemalloc -Wl,-rpath,"$tmp/lib" || bail "cannot build with theirs"
    run ./theirs
    is "with jemalloc's header on our library" "$status: $(cat "$err")" '0: '
    same_file "all facts are the same" "$out" ours.txt
    run ./theirs version
    is "its version is another" "$status: $(cat "$out")" \
        '1: 5.3.0-0-gjeprobe'
else
    skip "jemalloc's header" "there is no jemalloc/jemalloc.h of 5.3.0"
fi
their_lib=$(find /usr/lib /usr/local/lib -name libjemalloc.so.2 2>/dev/null |
    head -n 1)
if [ -n "$their_lib" ]; then
    run env LD_PRELOAD="$their_lib" ./ours
    is "with our header on jemalloc's library" "$status: $(cat "$err")" '0: '
    same_file "all facts are the same there" "$out" ours.txt
else
    skip "jemalloc's library" "there is no libjemalloc.so.2"
fi

# compiles NAME COMMAND...: standard input, without a warning.
compiles()
{
    compiles_name=$1
    shift
    "$@" -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I"$ours" - \
        <probe >cc.log 2>&1
    is "$compiles_name" "$?: $(head -n 5 cc.log)" '0: '
}

cat >probe <<'END'
#include <jemalloc/jemalloc.h>
#include <stdlib.h>
#include <malloc.h>
void *f(void) { return mallocx(1, MALLOCX_ALIGN(64) | MALLOCX_ZERO); }
#ifdef je_malloc
#error je_malloc is still a macro
#endif
END
for std in gnu99 gnu11 gnu17; do
    compiles "C $std" "$CC" -std=$std -x c
done
if command -v c++ >/dev/null; then
    for std in gnu++98 gnu++11 gnu++17 gnu++20; do
        compiles "C++ $std" c++ -std=$std -x c++
    done
else
    skip "C++" "there is no c++"
fi
(echo '#define JEMALLOC_NO_DEMANGLE'
    sed '/ifdef je_malloc/,/endif/d' probe
    echo 'void *g(void) { return je_mallocx(1, 0); }') >probe.new
mv probe.new probe
compiles "JEMALLOC_NO_DEMANGLE keeps je_" "$CC" -std=gnu11 -x c
cat >probe <<'END'
#define JEMALLOC_MANGLE
#include <jemalloc/jemalloc.h>
void *g(void) { return mallocx(1, 0); }
END
compiles "JEMALLOC_MANGLE" "$CC" -std=gnu11 -x c
cat >probe <<'END'
#define JEMALLOC_NO_RENAME
#include <jemalloc/jemalloc.h>
void *g(void) { return je_malloc(1); }
END
$CC -x c -I"$ours" -c probe -o probe.o 2>cc.log
is "JEMALLOC_NO_RENAME declares je_" "$(nm -u probe.o | sed 's/ *U //')" \
    je_malloc
done_testing
