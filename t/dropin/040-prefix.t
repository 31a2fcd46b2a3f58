#!/bin/sh
# --with-jemalloc-prefix: another build, of the library alone.
. "${0%/*}/../lib.sh"
. "${0%/*}/dropin.sh"
need nm make

mkdir built
cd built || exit 99
run "$top_srcdir/configure" -q CC="$CC" CFLAGS='-O0 -g0' \
    --with-jemalloc-prefix=je_
[ "$status" = 0 ] || bail "configure failed: $(cat "$err")"
run make -s -j2 shim/libjemalloc.so.2
is "it can be built" "$status" 0
cd ..
lib=$tmp/built/shim/libjemalloc.so.2
nm -D --defined-only "$lib" | awk '{ print $3 }' >names
is "every name has the prefix" "$(grep -v '^je' names)" ''
for name in malloc free mallocx mallctl malloc_conf malloc_message; do
    is "je_$name" "$(grep -x "je_$name" names)" "je_$name"
done

mkdir prefixed
ln -s "$lib" prefixed/libjemalloc.so
ln -s "$lib" prefixed/libjemalloc.so.2
$CC -w -D_GNU_SOURCE -I"$tmp/built/shim" -o prog "$top_srcdir/t/dropin/prefix.c" -Lprefixed \
    -ljemalloc -ldl -Wl,-rpath,"$tmp/prefixed" -DJEMALLOC_NO_DEMANGLE ||
    bail "prefix.c cannot be built"
run ./prog
is "the program runs" "$status" 0
like "malloc is not replaced" "$out" '^malloc 0, je_malloc 1$'
like "but libc's" "$out" '^malloc is of libc$'
like "flags" "$out" '^0 1$'
like "je_malloc_conf" "$out" '^narenas 3$'
like "is named in messages" "$err" "je_malloc_conf: unknown option 'nonsense'"
run env MALLOC_CONF=narenas:4 JE_MALLOC_CONF=narenas:5 ./prog
like "the variable has the prefix in capitals" "$out" '^narenas 5$'

for bad in 1x a-b 'a b'; do
    run "$top_srcdir/configure" -q "--with-jemalloc-prefix=$bad"
    is "'$bad' is refused" "$((status != 0))" 1
    like "'$bad': why" "$err" 'the beginning of a name is needed'
done
done_testing
