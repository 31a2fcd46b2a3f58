#!/bin/sh
# What the libraries let out: the preload object malloc's family and the
# documented names, as its version script lists them; the allocator jea_ alone.
. "${0%/*}/lint.sh"

need nm readelf

# exports OBJECT: names that other objects can see.
exports() {
    nm -D --defined-only "$1" | awk '$2 != "A" { sub("@.*", "", $3); print $3 }' |
        sort -u
}

# archive_exports ARCHIVE: the same of a static library.
archive_exports() {
    nm -g --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort -u
}

# listed MAP: names of a version script, patterns included.
listed() {
    sed -e 's|/\*.*\*/||' -e 's|#.*||' "$1" | tr '{};' '\n\n\n' |
        awk '/global:/ { on = 1; sub(".*global:", "") }
             /local:/ { on = 0 }
             on { for (i = 1; i <= NF; i++) print $i }' | sort -u
}

# twice OBJECT...: names that several of them define. Of an archive the linker
# takes the first one that it finds, and says nothing.
twice() {
    nm -A -g --defined-only "$@" |
        awk '$(NF - 1) ~ /^[TDBR]$/ { print $NF }' | sort | uniq -d
}

# unlisted NAMES PATTERNS: the names that no pattern has.
unlisted() {
    for name in $1; do
        found=
        for pattern in $2; do
            # shellcheck disable=SC2254
            case $name in $pattern) found=1 ;; esac
        done
        [ -n "$found" ] || echo "$name"
    done
}

# lacking NAMES PATTERNS: the patterns that have no name.
lacking() {
    for pattern in $2; do
        found=
        for name in $1; do
            # shellcheck disable=SC2254
            case $name in $pattern) found=1 ;; esac
        done
        [ -n "$found" ] || echo "$pattern"
    done
}

# libraries OBJECT: what it needs besides libc and the loader.
libraries() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
        grep -vE '^(libc|libpthread|libdl|ld-linux-.*)\.so\.[0-9]$'
}

set -f
map=$(listed "$top_srcdir/shim/shim.map")
names=$(exports "$preload")
has_line "the preload object has malloc" "$names" '^malloc$'
is "the preload object exports listed names" "$(unlisted "$names" "$map")" ''
is "and all of them" "$(lacking "$names" "$map")" ''
is "the preload object needs libc only" "$(libraries "$preload")" ''

so=$top_builddir/lib/.libs/libjealloc.so
shared=$(exports "$so")
static=$(archive_exports "$top_builddir/lib/libjealloc.a")
has_line "the shared library has jea_ names" "$shared" '^jea_'
is "and no other" "$(unlisted "$shared" 'jea_*')" ''
is "the static library has the same" "$static" "$shared"
is "the shared library needs libc only" "$(libraries "$so")" ''

set +f
objects=$(find "$top_builddir/cli" -name 'jeprobe-*.o')
has_line "the command has objects" "$objects" '\.o$'
# shellcheck disable=SC2086
is "no name is in the command and in its library" \
    "$(twice $objects "$(find "$top_builddir/lib" -name libjeprobe.a)")" ''
set -f

build bad.so -shared -fPIC -Wl,--no-as-needed -lm <<'END'
int jea_x(void) { return 1; }
int oops(void) { return 2; }
END
build bad.o -c <bad.so.c
is "finds a helper" "$(unlisted "$(exports bad.so)" 'jea_*')" oops
is "finds a name that is missing" \
    "$(lacking "$(exports bad.so)" 'jea_x malloc')" malloc
is "finds a helper in an object" \
    "$(unlisted "$(archive_exports bad.o)" 'jea_*')" oops
cp bad.o worse.o
is "finds a name that two have" "$(twice bad.o worse.o)" 'jea_x
oops'
is "finds a library too many" "$(libraries bad.so)" libm.so.6
done_testing
