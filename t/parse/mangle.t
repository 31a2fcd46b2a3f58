#!/bin/sh
# Dumps that are cut off at each kilobyte and in each line, and whose lines are
# deleted, doubled, swapped and misread one by one: a report that holds, or one
# clean error.
#
#   JE_MANGLE=all   every case; otherwise an even sample, the same each time
#   JE_MANGLE_DUMPS=DIR   the dumps below DIR instead of ours
. "${0%/*}/../lib.sh"

mangle=$top_builddir/t/parse/mangle
budget=5
[ "${JE_MANGLE-}" != all ] || budget=0

# NAME FILE...: mangle these.
mangled()
{
    name=$1
    shift
    run "$mangle" -b "$budget" -l last "$@"
    if [ "$status" = 0 ]; then
        pass "$name: $(tail -n 1 "$out")"
    else
        fail "$name" "exit status $status, last was $(cat last)" \
            "$(head -n 30 "$out")" "$(head -n 40 "$err")"
    fi
}

# dumps FIND-ARGUMENT...: the files below t/ that they say, in order.
dumps()
{
    (cd "$top_srcdir/t" && find "$@" -type f | sort | sed "s|^|$top_srcdir/t/|")
}

if [ -n "${JE_MANGLE_DUMPS-}" ]; then
    find "$JE_MANGLE_DUMPS" -type f ! -name '*.tsv' | sort >list
    while read -r file; do
        mangled "${file#"$JE_MANGLE_DUMPS"/}" "$file"
    done <list
    done_testing
fi

# shellcheck disable=SC2046
mangled "formats" $(dumps parse/valid -name input)
# shellcheck disable=SC2046
mangled "what is refused" $(dumps parse/invalid -name input)
# shellcheck disable=SC2046
mangled "rules" $(dumps rules \( -name 'fires*' -o -name 'near*' \))
# shellcheck disable=SC2046
mangled "cases" $(dumps cases -name 'input*')
# shellcheck disable=SC2046
mangled "programs at work" $(dumps rules/healthy -name '*.gz')

# It finds what is wrong: a case is what its number says.
printf 'a1\nb\nc\n' >three
is "a line is deleted" "$("$mangle" -p 6 three | tr '\n' ' ')" 'a1 c '
is "a line is doubled" "$("$mangle" -p 2 three | tr '\n' ' ')" 'a1 a1 b c '
is "lines are swapped" "$("$mangle" -p 8 three | tr '\n' ' ')" 'a1 c b '
unlike_digit=$("$mangle" -p 4 three | head -n 1)
not_ok "a digit is changed" test "$unlike_digit" = a1
printf 'a 123\n' >one
is "a line is cut between digits" "$("$mangle" -p 5 one)" 'a 1'
done_testing
