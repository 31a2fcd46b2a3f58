#!/bin/sh
# jeprobe report of files so large that a thread reads ahead: the same as when
# they come through a pipe, where none does.
. "${0%/*}/../lib.sh"
need gzip

# A dump of 1,500 arenas, 3.4 MB; each has 5 dirty pages.
awk '/^arenas\[0\]:/ { inside = 1; next }
     /^--- End/ { inside = 0; end = $0; next }
     inside { arena = arena $0 "\n"; next }
     { print }
     END {
         for (i = 0; i < 1500; i++)
             printf "arenas[%d]:\n%s", i, arena
         print end
     }' "$top_srcdir/t/parse/valid/jetext-53/input" >large
ok "larger than 1 MiB" test "$(wc -c <large)" -gt 2000000

# both FILE WHAT: its report is that of the same bytes in a pipe.
both()
{
    run "$jeprobe" report --format json "$1"
    file=$status
    sed "s/\"$1\"/\"-\"/" "$out" >file.json
    sed "s/ $1:/ (standard input):/" "$err" >file.err
    # shellcheck disable=SC2002 # a pipe is wanted
    cat "$1" | "$jeprobe" report --format json - >pipe.json 2>pipe.err
    is "$2: status" "$?" "$file"
    same_file "$2: report" file.json pipe.json
    same_file "$2: errors" file.err pipe.err
}

both large "a large file"
is "all arenas" "$(sed -n 's/^ *"dirty_pages": \(.*\),/\1/p' file.json)" 7500
gzip -c large >large.gz
both large.gz "compressed"
head -c "$(($(wc -c <large.gz) * 9 / 10))" large.gz >cut.gz
both cut.gz "compressed and cut"
like "says so" file.json 'compressed data has no end'

# A line of 2 MiB behind half of the dump.
half=$(($(wc -l <large) / 2))
{
    head -n "$half" large
    head -c 2097152 /dev/zero | tr '\0' 'x'
    echo
    tail -n "+$((half + 1))" large
} >long
both long "a long line"
like "says where" file.json "\"line\": $((half + 1)),"

# More dumps than there may be, the last of them behind the first MiB.
awk 'BEGIN {
    for (i = 0; i < 10001; i++) {
        print "___ Begin jemalloc statistics ___"
        print "Allocated: 1, active: 4096, metadata: 2, resident: 8192, mapped: 8192, retained: 0"
        print "--- End jemalloc statistics ---"
    }
}' </dev/null >many
both many "too many dumps"
is "refused" "$file" 3
like "why" file.err 'more than 10000 dumps in one file'

done_testing
