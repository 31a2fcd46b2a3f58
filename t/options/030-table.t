#!/bin/sh
# The table of options: what their defaults are, what they take and refuse, and
# that there is a test of what each does.
. "${0%/*}/../lib.sh"

table=$top_srcdir/t/options/options.tsv
show=$top_builddir/t/options/show

# VALUES NAME: as set on the line before.
shown() {
    MALLOC_CONF=$1 "$show" "opt.$2" 2>"$err"
}

grep -oE '^CONF_[A-Z]+\([a-z_]+' "$top_srcdir/lib/alloc/conf.def" |
    sed 's/.*(//' | sort >options
grep -v '^#' "$table" | cut -f1 | sort >listed
is "the table has every option" "$(diff options listed)" ''

tab=$(printf '\t')
grep -v '^#' "$table" >rows
while IFS=$tab read -r name default allowed refused file pattern; do
    bad=
    got=$(shown '' "$name")
    [ "$default" = - ] || [ "$default" = "${got:-empty}" ] ||
        bad="default $got, not $default;"
    for value in $allowed; do
        wanted=${value#*=}
        value=${value%%=*}
        got=$(shown "$name:$value" "$name")
        [ "$got" = "$wanted" ] || bad="$bad $value reads $got;"
        [ -s "$err" ] && bad="$bad $value: $(cat "$err");"
    done
    [ "$refused" = - ] && refused=
    default=$(shown '' "$name")
    for value in $refused; do
        got=$(shown "$name:$value" "$name")
        [ "$got" = "$default" ] || bad="$bad $value sets $got;"
        [ "$(grep -c "^jealloc: MALLOC_CONF: option $name: " "$err")" = 1 ] ||
            bad="$bad $value is not named;"
        [ "$(wc -l <"$err")" = 1 ] || bad="$bad $value: not one line;"
    done
    grep -q -e "$pattern" "$top_srcdir/t/$file" ||
        bad="$bad no test of what it does;"
    is "$name" "$bad" ''
done <rows
done_testing
