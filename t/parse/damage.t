#!/bin/sh
# Dumps that came through a terminal or a logger: what the report says is what
# it says of the dump itself, apart from lines and notes.
. "${0%/*}/../lib.sh"

# figures NAME: what the report of the file says, from the totals on.
figures()
{
    run "$jeprobe" report --format json "$1"
    [ "$status" = 0 ] || cat "$err"
    sed -n '/^ *"summary"/,$p' "$out" | grep -v '^ *"line":'
}

# dump NAME FILE: what is damaged next.
dump()
{
    what=$1
    case $2 in
        *.gz) gzip -dc "$2" >whole ;;
        *) cp "$2" whole ;;
    esac
    figures whole >wanted
    ok "$what: has figures" test "$(wc -l <wanted)" -gt 20
}

# same NAME: the file `damaged` says the same as `whole`.
same()
{
    figures damaged >got
    if cmp -s wanted got; then
        pass "$what: $1"
    else
        fail "$what: $1" "$(diff wanted got | head -n 20)"
    fi
}

# wrapped WIDTH...: a terminal cuts lines at any place.
wrapped()
{
    wrong=
    for width; do
        fold -w "$width" whole >damaged
        figures damaged >got
        cmp -s wanted got || wrong="$wrong $width"
    done
    is "$what: wrapped" "$wrong" ""
}

healthy=$top_srcdir/t/rules/healthy
dump "jemalloc 5.3" "$healthy/sort.jemalloc.gz"
# shellcheck disable=SC2046
wrapped $(seq 60 250)
dump "jemalloc 5.3, more classes" "$healthy/python.jemalloc.gz"
# shellcheck disable=SC2046
wrapped $(seq 60 7 250)
dump "jemalloc 5.0" "$top_srcdir/t/parse/valid/jetext-50/input"
# shellcheck disable=SC2046
wrapped $(seq 60 180)

# JSON on one line, as programs print it.
tr -d '\n\t' <"$top_srcdir/t/parse/valid/jejson-53/input" >one
echo >>one
dump "JSON" one
# shellcheck disable=SC2046
wrapped $(seq 30 7 250)
fold -w 120 whole >damaged
run "$jeprobe" report damaged
like "$what: wrapped, which is said" "$out" 'long lines had been wrapped'
sed 's/"/\\"/g; s/.*/"&"/' whole >damaged
same "as a string"
sed 's/"/\\"/g; s/.*/$1 = "&"/' whole >damaged
same "as gdb prints it"
run "$jeprobe" report damaged
like "$what: a string, which is said" "$out" 'quotes were written as '
# What is cut off in a number does not go on in the next line of a log.
cut=$(sed 's/\("allocated":4\).*/\1/' whole)
for next in '2024-01-01 12:00:00 ready' '17 users'; do
    printf '%s\n%s\n' "$cut" "$next" >damaged
    run "$jeprobe" report --format json damaged
    unlike "$what: cut off, then $next" "$out" "\"allocated\": 4[0-9]"
done

# prefixed: what loggers and tools write before each line.
prefixed()
{
    while IFS='=' read -r logger prefix; do
        [ -n "$logger" ] || continue
        awk -v prefix="$prefix" '{ printf prefix "%s\n", NR, $0 }' whole >damaged
        same "$logger"
    done <<END
syslog=Jan 01 00:00:07 host app[77]: %.0s
journal=2024-01-01T00:00:07+0100 host app[77]: %.0s
compose=web-1  | %.0s
kubectl=[pod/web-5c9d8-xkq2/app] %.0s
container runtime=2024-01-01T00:00:00.%09dZ stderr F 
nanoseconds=2024-01-01T00:00:00.%09dZ 
milliseconds=1704067%06d	
grep -n=%d:
cat -n=%6d	
END
}

dump "jemalloc 5.3" "$healthy/sort.jemalloc.gz"
printf '<jemalloc>: Invalid conf pair: bogus:1\n' | cat - whole >first
dump "jemalloc 5.3 after a message" first
like "the message is a finding" wanted '"rule": "conf-rejected-or-inert"'
prefixed
dump "mimalloc 2.0.9" "$top_srcdir/t/parse/valid/mimalloc-209/input"
like "reserved is read" wanted '"mapped": [1-9]'
prefixed
dump "glibc 2.36" "$top_srcdir/t/parse/valid/glibc-stats-236/input"
prefixed

# redis-cli aligns the numbers of elements to the right.
sed -n 2,21p "$top_srcdir/t/parse/valid/redis-stats-cli/input" >stats
dump "MEMORY STATS" stats
prefixed
sed 's/^/+/' whole >damaged
same "as a diff adds it"
# The names and values without numbers and types, in turns.
sed 's/^[ 0-9)]*//; s/(integer) //' whole >words
paste -sd , words >damaged
same "as CSV"
awk 'BEGIN { printf "{" }
     /^"db/ { printf "%s:{", $0; in_db = 1; next }
     { printf "%s%s", $0, ++n % 2 ? ":" : in_db ? "}," : NR < 20 ? "," : "}\n" }
     n % 2 == 0 { in_db = 0 }' words >damaged
same "as JSON"
sed 's/[{,]/&\
  /g' damaged >pretty
mv pretty damaged
same "as JSON of many lines"

# Runs of blanks that became tabs, below what Redis says.
cat "$top_srcdir/t/parse/valid/redis-info/input" \
    "$top_srcdir/t/parse/valid/proc-smaps/input" >smaps
echo '00400000-7fff00000000 ---p 00000000 00:00 0              [rollup]' >>smaps
printf 'Rss:            6000 kB\nPss:            5000 kB\n' >>smaps
dump "smaps" smaps
sed 's/   */	/g' whole >damaged
same "with tabs"

# Two processes that print the same at the same time, each a message first.
awk '{ line[NR] = $0 }
     END { for (i = 1; i <= NR + 3; i++) {
               if (i <= NR) printf "h app[200]: %s\n", line[i]
               if (i > 3) printf "h app[100]: %s\n", line[i - 3]
           } }' first >mixed
run "$jeprobe" report --format json --fleet mixed
is "two processes: read" "$status" 0
is "two processes, and no more" "$(grep -c '^ *"attribution": \[$' "$out")" 2
for n in 1 2; do
    awk -v n="$n" '/^ *"reports": \[/ { on = 1 }
                   on && /^ *"summary": {/ { m++ }
                   on && m == n && /"(allocated|slab_holes|resident)":/' "$out" |
        head -n 3 | tr -d ' ' >"figures$n"
done
like "the second has figures" figures2 '"allocated":[1-9]'
same_file "both say the same" figures1 figures2

done_testing
