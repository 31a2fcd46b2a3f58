#!/bin/sh
# Manual pages: correct for mandoc and groff; jeprobe.1 has every command and
# option that the program has, and no other.
. "${0%/*}/lint.sh"

need mandoc man

lint_mandoc() (
    cd "$1" || exit
    for page in man/*.[1-9]; do
        mandoc -T lint -W warning "$page" | sed 's/^mandoc: //'
    done
)

lint_groff() (
    cd "$1" || exit
    for page in man/*.[1-9]; do
        LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 \
            man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null |
            sed "s|^|$page: |"
    done
)

# plain PAGE: its text without overstriking.
plain() {
    mandoc -T ascii -O width=78 "$1" | sed "s/.$(printf '\b')//g"
}

# commands: what `jeprobe --help` lists.
commands() {
    "$jeprobe" --help | awk '
        /^[a-z]/ { on = /^commands/; next }
        on && /^  [a-z]/ { print $1 }' | sort -u
}

long_options() {
    grep -oE -e '(^|[^-[:alnum:]])--[a-z][-a-z]+' | sed 's/^[^-]//' | sort -u
}

# What the help texts call options: their first column.
program_options() {
    {
        "$jeprobe" --help
        for command in $(commands); do
            "$jeprobe" help "$command" 2>/dev/null
        done
    } | grep -E '^ +(-[a-zA-Z0-9],? *)?--' | sed 's/^ *//; s/  .*//' |
        long_options
}

# The headings of options in the page: a paragraph of its own that begins with
# a dash.
page_options() {
    plain "$1" | grep -E '^ +-' | sed 's/^ *//; s/   .*//' | long_options
}

# missing_in PAGE: commands and options that it does not have.
missing_in() {
    plain "$1" >"$tmp/page"
    for word in $(commands) $(program_options); do
        grep -qE -e "(^|[^-[:alnum:]])$word([^-[:alnum:]]|\$)" "$tmp/page" ||
            echo "$word"
    done
}

# unknown_in PAGE: options that the program does not have.
unknown_in() {
    program_options >"$tmp/has"
    page_options "$1" | grep -vxF -f "$tmp/has"
}

clean lint_mandoc "mandoc accepts the pages"
clean lint_groff "groff accepts the pages"
planted lint_mandoc man/bad.1 'bad.1:3' "a macro that does not exist" <<'END'
.Dd January 1, 2026
.Dt BAD 1
.Qqqq
END
planted lint_groff man/bad.1 'bad.1' "a macro that groff does not know" <<'END'
.TH BAD 1
.SH NAME
bad \- page
.nosuch
END

page=$top_srcdir/man/jeprobe.1
has_line "the program lists its commands" "$(commands)" '^run$'
has_line "and its options" "$(program_options)" '^--sample$'
is "jeprobe.1 has every command and option" "$(missing_in "$page")" ''
is "and none that does not exist" "$(unknown_in "$page")" ''

sed 's/sample/simple/g' "$page" >jeprobe.1
has_line "finds a missing option" "$(missing_in jeprobe.1)" '^--sample$'
has_line "finds an unknown option" "$(unknown_in jeprobe.1)" '^--simple$'
done_testing
