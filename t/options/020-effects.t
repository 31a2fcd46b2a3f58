#!/bin/sh
# What each option does. The table of options (t/options/options.tsv) refers to
# the headings here.
. "${0%/*}/../lib.sh"

ulimit -c 0

# with OPTIONS WHAT: the facts in $out.
with() {
    status=0
    MALLOC_CONF=$1 "$top_builddir/t/options/effect" "$2" >"$out" 2>"$err" ||
        status=$?
}

# ---- slab_sizes
# slabs_like LIST: sizes, slabs and regions as the page promises for a list.
slabs_like() {
    page=$(getconf PAGESIZE)
    awk -v list="$1" -v page="$page" 'BEGIN { n = split(list, part, "|") }
        {
            pages = 0
            for (i = 1; i <= n; i++) {
                split(part[i], f, "[-:]")
                if ($1 >= f[1] && $1 <= f[2])
                    pages = f[3]
            }
            if (pages == 0) {
                print
                next
            }
            least = int(($1 + page - 1) / page)
            most = int(512 * $1 / page)
            if (pages < least) pages = least
            if (pages > most) pages = most
            print $1, pages * page, int(pages * page / $1)
        }' "$out"
}

with '' slabs
cp "$out" default
for list in '1-4096:17|100-200:1|128-128:2' 1-99999:1 1-99999:100000 \
    '8-8:3|3000-5000:3'; do
    with "slab_sizes:$list" slabs
    is "slab_sizes:$list" "$(cat "$out" "$err")" "$(slabs_like "$list")"
done
with 'slab_sizes:1-4096:17|100-200:1|128-128:2' slabs
is "the sizes outside stay" "$(grep -A9 '^5120' "$out")" \
    "$(grep -A9 '^5120' default)"
with slab_sizes:1-999:1,slab_sizes:default slabs
is "slab_sizes:default" "$(cat "$out")" "$(cat default)"
with slab_sizes:96-96:1 rest
like "what is left over is no object" "$err" '^jealloc: double free of '

done_testing
