#!/bin/sh
# Dumps from the field and generated ones, against figures computed by hand.
# They are not part of the project: JE_DUMPS or ../shared/dumps.
. "${0%/*}/../lib.sh"

dumps=${JE_DUMPS:-$top_srcdir/../shared/dumps}
[ -f "$dumps/EXPECTED.tsv" ] || skip_all "no dumps from the field"

# Every file is read, or refused in one line.
find "$dumps"/pub "$dumps"/gen "$dumps"/other -type f | sort >list
while read -r file; do
    run "$jeprobe" report "$file"
    case $status in
        0) read_count=$((${read_count:-0} + 1)) ;;
        3) [ "$(wc -l <"$err")" = 1 ] && [ ! -s "$out" ] ||
            fail "${file#"$dumps"/} is refused in one line" "$(cat "$err")" ;;
        *) fail "${file#"$dumps"/}: status $status" "$(cat "$err")" ;;
    esac
done <list
echo "# ${read_count:-0} of $(wc -l <list) are read"
is "more than half are read" "$((${read_count:-0} * 2 > $(wc -l <list)))" 1

# Flatten a report: document number, key and value of what stands in "summary"
# and "bins".
flatten()
{
    awk '
    { line = $0; sub(/^ */, "", line); sub(/,$/, "", line) }
    line == "\"summary\": {" { doc++; in_summary = 1; next }
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
              if (n[d]) { printf "%d bins %.0f\n", d, sum[d]
                          print d, "top", top[d] } }'
}

# Columns of EXPECTED.tsv and our names for them.
tail -n +3 "$dumps/EXPECTED.tsv" | cut -f 1 | sort -u >files
while read -r file; do
    run "$jeprobe" report --format json "$dumps/$file"
    if [ "$status" != 0 ]; then
        case $file in
            # Rows without any heading.
            pub/iss_redis_4306.b.txt) pass "$file is refused" ;;
            *) fail "$file is read" "$(cat "$err")" ;;
        esac
        continue
    fi
    flatten <"$out" >flat
    awk -F '\t' -v file="$file" '
    NR == FNR { split($0, part, " "); got[part[1], part[2]] = part[3]; next }
    FNR == 2 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    FNR < 2 || $1 != file { next }
    {
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
        if ($column["bin_waste_total"] > 0) {
            check("bin_waste_total", "bins", 0)
            want = $column["top3_bin_waste(size:bytes)"]
            if (substr(got[doc, "top"], 1, length(want)) != want)
                print "top bins: " got[doc, "top"] ", wanted " want
        }
    }
    function check(name, key, tolerance,    want, have, d) {
        want = $column[name]
        if (want == "-")
            return
        have = got[doc, key]
        d = have - want
        if (have == "" || have == "null" || d > tolerance * (1 + have) ||
            -d > tolerance * (1 + have))
            print doc ": " name " is " have ", wanted " want
    }' flat "$dumps/EXPECTED.tsv" >wrong
    is "$file" "$(cat wrong)" ""
done <files

done_testing
