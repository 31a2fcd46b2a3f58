#!/bin/sh
# Allocation at every moment of a process, and in libraries that come and go.
. "${0%/*}/../lib.sh"
. "${0%/*}/dropin.sh"

# lives NAME COMMAND...: every line of moments.c, in order, and a good end.
lives()
{
    lives_name=$1
    shift
    run "$@"
    is "$lives_name: status" "$status: $(cat "$err")" '0: '
    is "$lives_name: what failed" "$(grep '^not' "$out")" ''
    is "$lives_name: all of it" "$(grep -c '^ok' "$out")" 12
}

on linked "$top_srcdir/t/dropin/moments.c" -lpthread -Wl,--no-as-needed
lives "linked" ./linked
$CC -std=gnu11 -D_GNU_SOURCE -O1 -w -o alone "$top_srcdir/t/dropin/moments.c" \
    -lpthread || bail "moments.c cannot be built"
lives "preloaded" env LD_PRELOAD="$preload" ./alone
lives "preloaded, the drop-in library" env LD_PRELOAD="$dropin" ./alone
for conf in tcache:false background_thread:true sample:1 \
    dirty_decay_ms:0,junk:true; do
    lives "$conf" env MALLOC_CONF="$conf" LD_PRELOAD="$preload" ./alone
done

# Opened by a program that is not linked with it: late, and for ever.
src=$top_srcdir/t/stress
$CC -std=gnu11 -D_GNU_SOURCE -shared -fPIC -w -I"$top_srcdir/lib" \
    "$src/dl_plugin.c" -o plugin.so -L"$tmp/lib" -ljemalloc \
    -Wl,-rpath,"$tmp/lib" || bail "the plugin cannot be built"
$CC -std=gnu11 -D_GNU_SOURCE -w "$src/dl_host.c" -o host -ldl -lpthread ||
    bail "the host cannot be built"
run ./host "$dropin" "$tmp/plugin.so"
is "opened late, closed, plugins loaded and unloaded" \
    "$status: $(cat "$out" "$err")" '0: survived'
cat >late.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    void *mine = malloc(100);
    void *lib = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
    if (lib == NULL)
        return puts(dlerror()), 1;
    void *(*get)(size_t, int) = dlsym(lib, "mallocx");
    void (*put)(void *, int) = dlsym(lib, "dallocx");
    size_t (*size)(void *) = dlsym(lib, "malloc_usable_size");
    void *p = get(100, 0);
    free(mine); /* libc's: this program keeps the malloc it began with */
    int good = size(p) == 112;
    dlclose(lib);
    put(p, 0);
    return !good || dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) == NULL;
}
END
$CC -std=gnu11 -w -o late late.c -ldl || bail "late.c cannot be built"
run ./late "$dropin"
is "blocks outlive dlclose, and so does the library" \
    "$status: $(cat "$out" "$err")" '0: '
done_testing
