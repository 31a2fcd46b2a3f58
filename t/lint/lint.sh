# What the lints share. Each lint is a function that takes the root of a tree
# and prints what is wrong in it, one line each. It is run on the sources, and
# on a tree in which something is wrong on purpose: a lint that cannot find
# anything is worse than none.

. "${0%/*}/../lib.sh"

# NAME TEXT EXTENDED-REGEXP
has_line() {
    printf '%s\n' "$2" >"$tmp/.text"
    like "$1" "$tmp/.text" "$3"
}

# sources ROOT FOLDER...: C files below them, relative to ROOT.
sources() (
    cd "$1" || exit
    shift
    for folder in "$@"; do
        [ ! -d "$folder" ] || find "$folder" -name '*.[ch]'
    done | sort
)

# texts ROOT: every file that people write, relative to ROOT.
texts() (
    cd "$1" || exit
    {
        find .ci cli lib man samples shim t -type f 2>/dev/null
        for file in .clang-format .clang-tidy .gitignore LICENSE Makefile.am \
            NEWS README.md bootstrap configure.ac; do
            [ ! -f "$file" ] || echo "$file"
        done
    } | grep -vE '^t/(parse|fuzz/corpus|bench/results)/|^samples/dumps/' | sort
)

# code ROOT FILE...: "<file>:<line>:<code>" without comments and strings.
code() (
    cd "$1" || exit
    shift
    [ $# = 0 ] || awk -f "$top_srcdir/t/lint/strip.awk" "$@"
)

# clean LINT DESCRIPTION: nothing is wrong in the sources.
clean() {
    is "$2" "$("$1" "$top_srcdir" | head -n 40)" ''
}

# planted LINT FILE PATTERN DESCRIPTION: standard input, put into FILE of an
# empty tree, is found.
planted() {
    rm -rf "$tmp/tree"
    mkdir -p "$tmp/tree/$(dirname "$2")"
    cp "$top_srcdir/.clang-format" "$tmp/tree"
    cat >"$tmp/tree/$2"
    has_line "finds $4" "$("$1" "$tmp/tree")" "$3"
}
