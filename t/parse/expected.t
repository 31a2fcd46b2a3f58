#!/bin/sh
# Dumps from the field and generated ones, against figures computed by hand.
# They are not part of the project: $JEPROBE_DUMPS or ../shared/dumps, with a
# table of the files (INDEX.tsv) and one of their figures (EXPECTED.tsv).
. "${0%/*}/../lib.sh"

dumps=${JEPROBE_DUMPS:-$top_srcdir/../shared/dumps}
[ -f "$dumps/EXPECTED.tsv" ] || skip_all "no dumps from the field"

# Files that need not be read: PATTERN REASON.
cat >refusable <<'EOF'
gen/*.mallctl.tsv no dump but what to check the dumps of the same name with
EOF

# Whether file $1 may be refused.
may_refuse()
{
    while read -r pattern _; do
        # shellcheck disable=SC2254
        case $1 in
            $pattern) return 0 ;;
        esac
    done <refusable
    return 1
}

# Whether file $1 may be read without a figure: it holds no totals, and the
# report says so, or nothing but judgements and properties.
may_lack_figures()
{
    case $1 in
        *memory_doctor* | *rocksdb*) return 0 ;;
    esac
    tr '\n' ' ' <"$out" | grep -Eq 'not in it:.*(totals|statistics)'
}

# Every file is read, or refused in one line for a reason.
tail -n +2 "$dumps/INDEX.tsv" | cut -f 1 | sort >list
while read -r file; do
    run "$jeprobe" report "$dumps/$file"
    if [ "$status" = 3 ] && [ "$(wc -l <"$err")" = 1 ] && [ ! -s "$out" ] &&
        may_refuse "$file"; then
        refused=$((${refused:-0} + 1))
    elif [ "$status" != 0 ]; then
        fail "$file is read" "status $status" "$(cat "$err")"
    elif [ "$status" = 0 ] && ! may_lack_figures "$file" &&
        ! grep -Eq '[0-9] ([KMGT]iB|bytes|B)' "$out"; then
        fail "$file is read" "not a figure in" "$(cat "$out")"
    fi
done <list
is "files that are listed" "$(wc -l <list)" \
    "$(find "$dumps"/pub "$dumps"/gen "$dumps"/other -type f | wc -l)"
echo "# refused: ${refused:-0} of $(wc -l <list)"

# Flatten a report: document number, key and value of what stands in "source",
# "summary" and "bins"; "warning" = something that cannot be.
flatten()
{
    awk '
    { line = $0; sub(/^ */, "", line); sub(/,$/, "", line) }
    line == "\"source\": {" { doc++ }
    line == "\"summary\": {" { in_summary = 1; next }
    line ~ /^"version": / { gsub(/"/, "", line); print doc, line; next }
    line ~ /^"text": .*(cannot be|can map|below zero|is above mapped|below active)/ {
        print doc, "warning 1"
        next
    }
    in_summary && line == "}" { in_summary = 0 }
    in_summary { split(line, part, ": "); gsub(/"/, "", part[1])
                 print doc, part[1], part[2]; next }
    line ~ /^"bins": \[/ { in_bins = line !~ /\]$/; next }
    in_bins && line == "]" { in_bins = 0 }
    in_bins && line ~ /^"size": / { size = substr(line, 9) }
    in_bins && line ~ /^"wasted_bytes": / {
        wasted = substr(line, 17)
        sum[doc] += wasted
        if (n[doc]++ < 3)
            top[doc] = top[doc] (top[doc] == "" ? "" : ";") size ":" wasted
    }
    END { for (d = 1; d <= doc; d++)
              if (n[d]) { printf "%d waste %.0f\n", d, sum[d]
                          print d, "top", top[d] } }'
}

# A row of EXPECTED.tsv is a document; "-" is a figure that the dump does not
# hold, which we may know from others.
tail -n +3 "$dumps/EXPECTED.tsv" | cut -f 1 | sort -u >files
while read -r file; do
    run "$jeprobe" report --format json "$dumps/$file"
    if [ "$status" != 0 ]; then
        fail "$file is read" "$(cat "$err")"
        continue
    fi
    flatten <"$out" >flat
    awk -F '\t' -v file="$file" '
    NR == FNR { split($0, part, " "); sub(":$", "", part[2])
                got[part[1], part[2]] = part[3]; next }
    FNR == 2 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    FNR < 2 || $1 != file { next }
    {
        rows++
        doc = $column["record"]
        check("allocated", "allocated", 0)
        check("active", "active", 0)
        check("metadata", "metadata", 0)
        check("resident", "resident", 0)
        check("mapped", "mapped", 0)
        check("retained", "retained", 0)
        check("internal_frag", "internal_fragmentation", 1e-6)
        check("external_frag", "external_fragmentation", 1e-6)
        check("metadata_over_allocated", "metadata_per_allocated", 1e-6)
        check("tcache_bytes", "tcache", 0)
        check("dirty_bytes", "dirty", 0)
        check("muzzy_bytes", "muzzy", 0)
        check("dirty_pages", "dirty_pages", 0)
        check("page_size", "page", 0)
        check("large_extents", "large_objects", 0)
        check("bin_waste_total", "waste", 0)
        rest = got[doc, "active"] - got[doc, "allocated"] - got[doc, "waste"]
        got[doc, "rest"] = rest
        padding = got[doc, "large_objects"] * got[doc, "page"]
        got[doc, "unexplained"] = rest - padding
        check("active-allocated-bin_waste", "rest", 0)
        check("unexplained_after_1_page_per_large", "unexplained", 0)
        want = $column["version"]
        if (want != "-" && got[doc, "version"] != want)
            print doc ": version is " got[doc, "version"] ", wanted " want
        want = $column["top3_bin_waste(size:bytes)"]
        if (want != "-" && want != "" &&
            substr(got[doc, "top"], 1, length(want)) != want)
            print doc ": top bins are " got[doc, "top"] ", wanted " want
        if (is_impossible() && got[doc, "warning"] == "")
            print doc ": nothing says that the figures cannot be"
    }
    END { print "documents: " rows }
    function check(name, key, tolerance,    want, have, d) {
        want = $column[name]
        if (want == "-" || want == "")
            return
        have = got[doc, key]
        d = have - want
        if (have == "" || have == "null" || d > tolerance || -d > tolerance)
            print doc ": " name " is " have ", wanted " want
    }
    function above(a, b) {
        return $column[a] != "-" && $column[b] != "-" &&
               $column[a] + 0 > $column[b] + 0
    }
    # More than 2^46 bytes, or figures that do not lie in one another.
    function is_impossible() {
        return $column["active"] > 70368744177664 ||
               above("allocated", "active") || above("active", "resident") ||
               above("active", "mapped") || above("resident", "mapped")
    }' flat "$dumps/EXPECTED.tsv" >wrong
    is "$file" "$(cat wrong)" \
        "documents: $(cut -f 1 "$dumps/EXPECTED.tsv" | grep -Fxc "$file")"
done <files

done_testing
