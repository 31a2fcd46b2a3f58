#!/bin/sh
# Each program here misuses the allocator in one way. It must end by SIGABRT
# and say exactly the line in its first comment, with the address as 0x….
. "${0%/*}/../lib.sh"

flags=
[ "${JE_SANITIZERS:-no}" = no ] || flags="-fsanitize=$JE_SANITIZERS"
libs=$top_builddir/lib/.libs

for source in "$top_srcdir"/t/fatal/*.c; do
    name=${source##*/}
    name=${name%.c}
    expected=$(sed -n '1,/\*\//p' "$source" | tr '\n' ' ' |
        sed 's,^/\* expect: ,,; s, *\*/.*,,; s,  *\* , ,g')
    # shellcheck disable=SC2086
    ${CC:-cc} -std=gnu11 -O1 -w $flags -I"$top_srcdir/lib" "$source" \
        -o "$tmp/$name" -L"$libs" -ljealloc -Wl,-rpath,"$libs" -lpthread
    (
        ulimit -c 0
        exec "$tmp/$name"
    ) >"$tmp/out" 2>"$tmp/err"
    status=$?
    said=$(sed 's/0x[0-9a-f][0-9a-f]*/0x…/g' "$tmp/err")
    is "$name: message" "$said" "$expected"
    is "$name: ends by SIGABRT" "$status" 134
done
done_testing
