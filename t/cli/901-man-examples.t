#!/bin/sh
# Every example of the manual pages works as it stands there.
. "${0%/*}/../lib.sh"
need_preload

# commands PAGE: what follows "$ " in its displays.
commands()
{
    sed -n '/^\.Bd -literal/,/^\.Ed/s/^\$ //p' "$1" | unescape
}

# programs PAGE: its C programs, in ex1.c, ex2.c and so on.
programs()
{
    sed -n '/^\.Bd -literal/,/^\.Ed/p' "$1" | unescape | awk '
        /^\.Bd/ { getline; on = /^#include/; if (on) file = "ex" ++n ".c" }
        /^\.Ed/ { on = 0 }
        on { print > file }'
}

unescape()
{
    sed -e 's/\\e/\\/g' -e 's/\\&//g' -e 's/\\-/-/g' -e 's/\\(dq/"/g'
}

mkdir bin
ln -s "$jeprobe" bin/jeprobe
PATH=$tmp/bin:$PATH
JEPROBE_PRELOAD=$preload
LD_LIBRARY_PATH=$top_builddir/shim/.libs:$top_builddir/lib/.libs
export PATH JEPROBE_PRELOAD LD_LIBRARY_PATH
cp "$samples/leak" app
cat >malloc-stats.txt <<'END'
___ Begin jemalloc statistics ___
Version: "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c"
Allocated: 4194304, active: 5242880, metadata: 1048576 (n_thp 0), resident: 8388608, mapped: 10485760, retained: 0
--- End jemalloc statistics ---
END

for page in jeprobe.1 jealloc.3 jeprobe-dump.5; do
    file=$top_srcdir/man/$page
    commands "$file" >list
    total=0
    while IFS= read -r line; do
        total=$((total + 1))
        ok "$page: $line" sh -c "$line" </dev/null
    done <list
    ok "$page has examples" test $total -gt 0
done

programs "$top_srcdir/man/jealloc.3"
ok "jealloc.3 has programs" test -s ex1.c
for source in ex*.c; do
    program=${source%.c}
    ok "$source compiles" $CC -Wall -Wextra -Werror -I"$top_srcdir/lib" \
        -o "$program" "$source" -L"$top_builddir/lib/.libs" -ljealloc
    ok "$program runs" "./$program"
done
run "$jeprobe" report example.json
is "the dump of the example can be read" $status 0

sed -n '/^{$/,/^}$/p' "$top_srcdir/man/jeprobe-dump.5" | unescape >short.json
run "$jeprobe" report short.json
is "the short dump of jeprobe-dump.5 can be read" $status 0
like "and says what it says" "$out" 'process 4711 '

done_testing
