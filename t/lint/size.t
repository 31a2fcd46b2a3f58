#!/bin/sh
# Files, lines and functions that nobody can hold in the head.
. "${0%/*}/lint.sh"

need pmccabe

lint_files() (
    files=$(sources "$1" lib cli shim samples t)
    cd "$1" || exit
    for file in $files; do
        case $file in
            cli/cmd_*.c) most=500 ;;
            *.c) most=1000 ;;
            *) most=400 ;;
        esac
        lines=$(wc -l <"$file")
        [ "$lines" -le "$most" ] || echo "$file: $lines lines, at most $most"
        awk -v file="$file" 'length($0) > 100 {
            print file ":" FNR ": " length($0) " columns, at most 100"
        }' "$file"
    done
)

# pmccabe prints: complexity (a switch counts one), complexity (each case),
# statements, first line, lines, place, name.
lint_functions() (
    files=$(sources "$1" lib cli shim samples t | grep '\.[ch]$')
    [ -n "$files" ] || exit 0
    cd "$1" || exit
    # shellcheck disable=SC2086
    pmccabe $files 2>/dev/null | awk '
    $1 > 30 { print $6 ": " $7 ": complexity " $1 ", at most 30" }
    $3 > 80 { print $6 ": " $7 ": " $3 " statements, at most 80" }
    $5 > 100 { print $6 ": " $7 ": " $5 " lines, at most 100" }'
)

# repeat N TEXT
repeat() {
    awk -v n="$1" -v text="$2" 'BEGIN { for (; n > 0; n--) print text }'
}

clean lint_files "files and lines are short"
repeat 1001 'int x;' >"$tmp/in"
planted lint_files lib/bad.c '1001 lines' "a long file" <"$tmp/in"
repeat 401 'int x;' >"$tmp/in"
planted lint_files lib/bad.h '401 lines' "a long header" <"$tmp/in"
repeat 501 'int x;' >"$tmp/in"
planted lint_files cli/cmd_bad.c '501 lines' "a long command" <"$tmp/in"
repeat 1 "$(printf '%0101d' 1)" >"$tmp/in"
planted lint_files lib/bad.c '101 columns' "a long line" <"$tmp/in"

clean lint_functions "functions are short and plain"
{
    echo 'int f(int x)'
    echo '{'
    repeat 31 '    if (x > 1) { x--; }'
    echo '}'
} >"$tmp/in"
planted lint_functions lib/bad.c 'complexity 32' "a tangled function" <"$tmp/in"
{
    echo 'int f(int x)'
    echo '{'
    repeat 81 '    x++;'
    echo '}'
} >"$tmp/in"
planted lint_functions lib/bad.c '81 statements' "many statements" <"$tmp/in"
{
    echo 'int f(int x)'
    echo '{'
    repeat 100 ''
    echo '}'
} >"$tmp/in"
planted lint_functions lib/bad.c 'at most 100' "a long function" <"$tmp/in"
done_testing
