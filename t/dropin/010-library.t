#!/bin/sh
# libjemalloc.so.2: what it is called, what it has, how it is installed.
. "${0%/*}/../lib.sh"
. "${0%/*}/dropin.sh"
need nm readelf

readelf -dW "$dropin" >dynamic
like "the name is jemalloc's" dynamic 'SONAME.*\[libjemalloc\.so\.2\]'
is "it needs libc only" \
    "$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' dynamic |
        grep -vE '^(libc|libpthread|libdl|ld-linux-.*)\.so\.[0-9]$')" ''
like "it is never unloaded" dynamic 'NODELETE'
like "and bound at once" dynamic 'NOW'
tls=$(readelf -lW "$dropin" | awk '$1 == "TLS" { print $6 }')
is "under 512 bytes of static TLS ($tls)" "$((${tls:-0} < 512))" 1

# All that version 5.3.0 exports, without its tests' hooks.
cat >wanted <<'END'
_ZdaPv
_ZdaPvRKSt9nothrow_t
_ZdaPvSt11align_val_t
_ZdaPvSt11align_val_tRKSt9nothrow_t
_ZdaPvm
_ZdaPvmSt11align_val_t
_ZdlPv
_ZdlPvRKSt9nothrow_t
_ZdlPvSt11align_val_t
_ZdlPvSt11align_val_tRKSt9nothrow_t
_ZdlPvm
_ZdlPvmSt11align_val_t
_Znam
_ZnamRKSt9nothrow_t
_ZnamSt11align_val_t
_ZnamSt11align_val_tRKSt9nothrow_t
_Znwm
_ZnwmRKSt9nothrow_t
_ZnwmSt11align_val_t
_ZnwmSt11align_val_tRKSt9nothrow_t
aligned_alloc
calloc
dallocx
free
mallctl
mallctlbymib
mallctlnametomib
malloc
malloc_conf
malloc_message
malloc_stats_print
malloc_usable_size
mallocx
memalign
nallocx
posix_memalign
rallocx
realloc
sallocx
sdallocx
valloc
xallocx
END
nm -D --defined-only "$dropin" | awk '{ print $3 }' | sort >names
is "it has all names of 5.3.0" "$(comm -23 wanted names)" ''
is "and those of the preload object" \
    "$(nm -D --defined-only "$preload" | awk '{ print $3 }' | sort |
        diff - names)" ''
is "names have no version" "$(grep @ names)" ''
nm -D "$dropin" | grep -E ' malloc_(conf|message)$' | awk '{ print $2, $3 }' \
    >weak
is "the variables are weak" "$(tr '\n' ' ' <weak)" \
    'V malloc_conf V malloc_message '
for lib in /usr/lib/*/libjemalloc.so.2; do
    [ -f "$lib" ] || continue
    is "all names of $lib" "$(nm -D --defined-only "$lib" |
        awk '$3 !~ /^je_test_hooks_/ { print $3 }' | sort | comm -23 - names)" ''
done

if grep -q '^jemallocdir =' "$top_builddir/Makefile"; then
    # shellcheck disable=SC2086
    run make -C "$top_builddir" DESTDIR="$tmp/root" install-exec-local \
        install-nodist_jemallocHEADERS install-pkgconfigDATA
    is "it can be installed" "$status" 0
    prefix=$(sed -n 's/^prefix=//p' "$top_builddir/shim/jemalloc.pc")
    PKG_CONFIG_SYSROOT_DIR=$tmp/root
    PKG_CONFIG_PATH=$(dirname "$(find "$tmp/root" -name jemalloc.pc)")
    export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
    is "pkg-config finds it ($prefix)" \
        "$(pkg-config --exists 'jemalloc >= 5' && echo yes)" yes
    lib=$(dirname "$(find "$tmp/root" -name libjemalloc.so.2)")
    # shellcheck disable=SC2046
    ok "a program is built with it" $CC -o installed \
        "$top_srcdir/t/dropin/header.c" $(pkg-config --cflags --libs jemalloc)
    run env LD_LIBRARY_PATH="$lib" ./installed version
    is "and runs" "$status: $(cat "$out")" '0: 5.3.0-0-gjeprobe'
else
    skip "it can be installed" "--enable-jemalloc was not given"
fi
done_testing
