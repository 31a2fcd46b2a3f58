#!/bin/sh
# jeprobe explain: every rule, option, statistic and mallctl name, from lists
# that it is not made of, and the manual page of the same texts.
. "${0%/*}/../lib.sh"

lib=$top_srcdir/lib
page=$top_builddir/man/jeprobe-rules.7

# code FILE...: without comments, in one line.
code()
{
    cat "$@" | sed -e '/^\/\*.*\*\/$/d' -e '/^\/\*/,/\*\//d' | tr -d '\\\n'
}

# unknown FILE: the names in it that are not explained.
unknown()
{
    tr '\n' '\0' <"$1" | xargs -0 -n 100 "$jeprobe" explain -- 2>&1 >/dev/null
}

cat "$lib"/analyse/rules_*.def |
    sed -n 's/^RULE([a-z0-9_]*, "\([^"]*\)".*/\1/p' >rules
ok "there are rules" test "$(wc -l <rules)" -ge 60
is "every rule is explained" "$(unknown rules)" ""

# 5.3.0 itself gave these names.
names=$top_srcdir/t/cli/500-explain/mallctl-5.3.0
is "every name of mallctl is explained" "$(unknown "$names")" ""
sed -e 's/<[a-z]>/17/g' -e 's/{counter}/num_wait/' "$names" >indexed
is "with numbers in them, too" "$(unknown indexed)" ""
sed -n 's/^opt\.//p' "$names" >options
is "options without opt., too" "$(unknown options)" ""

sed -n 's/^CONF_[A-Z]*(\([a-z_]*\),.*/opt.\1/p' "$lib/alloc/conf.def" >own
ok "our allocator has options" grep -q '^opt.sample$' own
is "every option of our allocator is explained" "$(unknown own)" ""

# What only our allocator has: whole names, and those that macros make.
{
    sed -n 's/.*"\(\(jeprobe\|thread\)\.[a-z_.<>]*[a-z]\)".*/\1/p' "$lib/alloc/ctl_table.c"
    sed -n 's/^ *LABEL("\([a-z_]*\)".*/jeprobe.labels.<i>.\1/p
        s/^ *\(DEFERRED\|RESIDENCY\)(\([a-z_]*\)),.*/jeprobe.\1.\2/p' \
        "$lib/alloc/ctl_table.c" | sed 's/DEFERRED/deferred/; s/RESIDENCY/residency/'
} | sed 's/<[a-z]>/<i>/' | sort -u >ours
for name in thread.label jeprobe.deferred.flush jeprobe.deferred.queued_bytes \
    'jeprobe.labels.<i>.live_bytes' jeprobe.residency.dirty; do
    ok "our allocator has $name" grep -qxF "$name" ours
done
is "every mallctl name of our allocator is explained" "$(unknown ours)" ""

# F(SCOPE, NAME, "json", "text") and L(NAME, "text"), over lines.
code "$lib"/dump/field*.h | grep -oE '\b[FL]\([A-Z][^)]*("[^"]*")?\)' |
    grep -oE '"[^"]*"' | tr -d '"' | sort -u >fields
ok "dumps have fields" grep -qx 'curslabs' fields
ok "also such with blanks" grep -qx 'bytes in page heap freelist' fields
is "every field of a dump is explained" "$(unknown fields)" ""

run "$jeprobe" explain stats.arenas.3.bins.0.mutex.total_wait_time
is "an index and a counter" "$(grep -v '^  ' "$out" | tr '\n' '|')" \
    "stats.arenas.<i>.bins.<j>.mutex.{counter}  (statistic: counter of a lock)||total_wait_time  (statistic: ns, since the start)|"
run "$jeprobe" explain tcache-bloat
for part in Noticed 'Fires if' 'Why so' Likely Do Then Unless Source; do
    ok "a rule has: $part" grep -q "^  $part: " "$out"
done
run "$jeprobe" explain PDIRTY
ok "case does not matter" grep -q '^stats.arenas.<i>.pdirty ' "$out"
run "$jeprobe" explain allocated
is "the totals come first" "$(sed -n '1s/ .*//p' "$out")" stats.allocated
ok "others of that name are told" grep -q '^also:$' "$out"

run "$jeprobe" explain tcache-blaot
is "an unknown name" "$status" 2
is "has a hint" "$(cat "$err")" \
    "jeprobe: there is nothing called 'tcache-blaot'; did you mean 'tcache-bloat'?"
is "and nothing else" "$(cat "$out")" ""
run "$jeprobe" explain stats.actve pdirty
is "one of two is unknown" "$status" 2
ok "by its last part" grep -q "did you mean 'stats.active'" "$err"
ok "the other one is explained" grep -q '^stats.arenas.<i>.pdirty ' "$out"
for name in '' . .. 'stats.' "$(printf '\033[31m')" '%s%n' \
    '<i>' '{counter}' a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p; do
    run "$jeprobe" explain "$name"
    is "'$(printf %s "$name" | tr -d '\033')' is no name" "$status" 2
    is "one line says so" "$(wc -l <"$err")" 1
done
ok "nothing reaches the terminal" \
    sh -c "! grep -q '$(printf '\033')' '$err'"

run "$jeprobe" explain
is "without a name" "$status" 0
sed 's/  */\n/g' "$out" | sort -u >listed
for file in rules own fields; do
    case $file in
        fields) grep '^stats\.' "$names" >wanted ;;
        *) cp "$file" wanted ;;
    esac
    grep -v 'hpa_shard.*_slabs' wanted | sort -u >sorted
    is "all are listed: $file" "$(comm -23 sorted listed)" ""
done
for heading in 'Rules, F: Thread caches' Options Statistics \
    'Other mallctl names'; do
    ok "by kind: $heading" grep -qx "$heading" "$out"
done
is "in 80 columns" "$(awk 'length($0) > 80' "$out")" ""

# The lists themselves.
code "$lib"/analyse/explain*.def |
    grep -oE '(OPTION|STATISTIC|MALLCTL)\("[^"]*", *("[^"]*" *)+, *("[^"]*" *)+\)' |
    sed 's/" *"//g' >entries
sed 's/^[A-Z]*("\([^"]*\)".*/\1/' entries | sort >entry_names
ok "the lists have entries" test "$(wc -l <entries)" -ge 400
is "each name is there once" "$(uniq -d entry_names)" ""
is "each text is of sentences" "$(grep -v '[.?]")$' entries)" ""
sed -n 's/^ALIAS("[^"]*", "\([^"]*\)")$/\1/p' "$lib"/analyse/explain*.def |
    sort -u >targets
is "other names are names of something" "$(comm -23 targets entry_names)" ""

# The page.
ok "jeprobe-rules(7) is built" test -s "$page"
sed -n 's/^\.It \(Sy\|Cm\) "\(.*\)"$/\2/p' "$page" | sort >on_page
sort -u rules entry_names >topics
is "it has every rule and name" "$(comm -23 topics on_page)" ""
if command -v mandoc >/dev/null; then
    is "mandoc accepts it" "$(mandoc -T lint -W warning "$page")" ""
    mandoc -T ascii -O width=78 "$page" | sed "s/.$(printf '\b')//g" |
        tr -s ' \n' '  ' >plain
    ok "its text is that of explain" grep -qF -- "tcache_bytes is 5 % of \
allocated or more." plain
else
    skip "mandoc accepts it" "no mandoc"
fi
done_testing
