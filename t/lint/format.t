#!/bin/sh
# .clang-format decides how C looks. One version of the program, because its
# versions differ.
. "${0%/*}/lint.sh"

clang_format=$(command -v clang-format-14 || command -v clang-format) ||
    skip_all "no clang-format"
case $("$clang_format" --version) in
    *" 14."*) ;;
    *) skip_all "clang-format 14 is needed" ;;
esac

lint_format() (
    files=$(sources "$1" lib cli shim samples t)
    cd "$1" || exit
    for file in $files; do
        "$clang_format" --style=file "$file" >"$tmp/formatted"
        cmp -s "$file" "$tmp/formatted" ||
            echo "$file: run clang-format -i"
    done
)

lint_spaces() (
    files=$(texts "$1")
    cd "$1" || exit
    # shellcheck disable=SC2086
    grep -InHE '[[:blank:]]+$' $files | sed 's/$/<- blank at the end/'
)

clean lint_format "C is formatted"
planted lint_format lib/bad.c 'lib/bad.c: run' "a badly formatted file" <<'END'
int main(void) { return  0; }
END
clean lint_spaces "no line ends with a blank"
printf 'text \n' >"$tmp/in"
planted lint_spaces lib/bad.h 'bad.h:1:' "a blank at the end" <"$tmp/in"
done_testing
