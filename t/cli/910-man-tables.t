#!/bin/sh
# jealloc(3) names every function, option, mallctl name and message that the
# sources have.
. "${0%/*}/../lib.sh"

command -v mandoc >/dev/null || skip_all "no mandoc"
alloc=$top_srcdir/lib/alloc
mandoc -T ascii -O width=300 "$top_srcdir/man/jealloc.3" |
    sed "s/.$(printf '\b')//g" | tr -s ' \n' '  ' >page

# lacking FILE: which of its lines are not on the page, as words.
lacking()
{
    while IFS= read -r word; do
        grep -qF -e " $word" -e "($word" -e ".$word" page || echo "$word"
    done <"$1"
}

# section NAME: the options or names that the page lists there.
section()
{
    sed -n "/^\\.Sh $1/,/^\\.Sh/p" "$top_srcdir/man/jealloc.3"
}

grep -oE 'jea_[a-z0-9_]+\(' "$top_srcdir/lib/jealloc.h" | tr -d '(' |
    sort -u >functions
ok "the header has functions" grep -q '^jea_malloc$' functions
is "every function is described" "$(lacking functions)" ""

grep -oE '^CONF_[A-Z]+\([a-z_]+' "$alloc/conf.def" | sed 's/.*(//' |
    sort >options
section TUNING | sed -n 's/^\.It Cm //p' | sed 's/ , /\n/g' | sort >listed
is "the options are those of the table" "$(diff options listed)" ""

# Rows of the table, with an index as a letter as the page writes it.
sed -n 's/.*"\([a-z_]*\.[][a-z_.<>]*\)".*/\1/p' "$alloc/ctl_table.c" |
    sed -e '/\/\|\.h$\|^opt\.$/d' -e 's/\.$//' -e 's/<[asn]>/i/' \
        -e 's/<[a-z]>/j/' | sort -u >names
sed -n 's/^ *\(ARENA\|BIN\|LEXTENT\|EXTENT\|TOTAL\|TOTAL_U64\|RESIDENCY\|LABEL\|DEFERRED\)("*\([a-z_.]*\).*/\1 \2/p' \
    "$alloc/ctl_table.c" |
    sed -e 's/^ARENA /stats.arenas.i./' -e 's/^BIN /stats.arenas.i.bins.j./' \
        -e 's/^LEXTENT /stats.arenas.i.lextents.j./' \
        -e 's/^EXTENT /stats.arenas.i.extents.j./' \
        -e 's/^TOTAL[_U64]* /stats./' -e 's/^RESIDENCY /jeprobe.residency./' \
        -e 's/^LABEL /jeprobe.labels.i./' -e 's/^DEFERRED /jeprobe.deferred./' |
    sort -u >>names
sed -i -e 's/^\.//' -e '/hpa_shard/d' -e '/mutexes$/d' -e '/^stats$/d' -e '/\.$/d' names
ok "the table has names" grep -q '^stats.allocated$' names
ok "and those of arenas" grep -q '^stats.arenas.i.bins.j.curregs$' names
is "every mallctl name is described" "$(lacking names)" ""

# A message continues on the next line of the source where it is long.
for file in "$alloc"/*.c "$top_srcdir"/lib/base/assert.c \
    "$top_srcdir"/lib/os/*.c; do
    tr '\n' ' ' <"$file" | sed 's/" *"//g' |
        grep -oE 'je_(fatal|warn)\("([^"\\]|\\.)*"'
done | sed -e 's/^[^"]*"//' -e 's/"$//' -e 's/ *(size class %u)/ (size class %zu)/' \
    -e 's/a block of %u bytes/a block of %zu bytes/' | sort -u >messages
ok "the sources have messages" test "$(wc -l <messages)" -gt 15
tr -s ' ' <messages >squeezed
is "every message is described" "$(lacking squeezed)" ""

echo no_such_option >planted
is "a name that is missing would be found" "$(lacking planted)" \
    "no_such_option"

done_testing
