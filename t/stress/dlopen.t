#!/bin/sh
# The allocator opened late, by a program that is not linked with it.
. "${0%/*}/../lib.sh"

flags=
[ "$JE_SANITIZERS" = no ] || flags="-fsanitize=$JE_SANITIZERS"
libs=$top_builddir/lib/.libs
src=$top_srcdir/t/stress
# shellcheck disable=SC2086
ok "the plugin compiles" $CC -std=gnu11 -D_GNU_SOURCE -shared -fPIC $flags \
    -I"$top_srcdir/lib" "$src/dl_plugin.c" -o "$tmp/plugin.so" \
    -L"$libs" -ljealloc -Wl,-rpath,"$libs"
# shellcheck disable=SC2086
ok "the host compiles" $CC -std=gnu11 -D_GNU_SOURCE $flags "$src/dl_host.c" \
    -o "$tmp/host" -ldl -lpthread
run "$tmp/host" "$libs/libjealloc.so" "$tmp/plugin.so"
is "opened late, closed, plugins loaded and unloaded" \
    "$status: $(cat "$out" "$err")" "0: survived"

# A library with more static TLS than the loader keeps in reserve cannot be
# opened late.
tls=$(readelf -lW "$libs/libjealloc.so" | awk '$1 == "TLS" { print $6 }')
case $JE_SANITIZERS in
    no) is "under 512 bytes of static TLS ($tls)" \
        "$((${tls:-0} < 512))" 1 ;;
esac
done_testing
