#!/bin/sh
# The table of named values: that all of them are in it, that those which can be
# written or move have a test of it, and that constants are what the page says.
. "${0%/*}/../lib.sh"

table=$top_srcdir/t/ctl/leaves.tsv
options=$top_srcdir/t/options/options.tsv
page=$top_srcdir/man/jealloc.3
tab=$(printf '\t')

# of_lock: the seven figures of a lock as one, in column 1.
of_lock()
{
    sed -E 's/\.(num_(ops|wait|spin_acq|owner_switch)|(total|max)_wait_time|max_num_thds)\t/.{counter}\t/' |
        sort -u -t "$tab" -k 1,1
}

"$top_builddir/t/ctl/leaves" >all
grep -v '^#' "$options" | cut -f1 | sed 's/^/opt./' | sort >known
of_lock <all | awk -F '\t' 'NR == FNR { option[$1]; next }
    !($1 in option)' known - >leaves
FIGURES_MOVED=$tmp/moved MALLOC_CONF=sample:0 "$top_builddir/t/unit/check_moves" \
    >moves.log 2>&1 || bail "check_moves fails: $(tail -n 5 moves.log)"

# The constants of the page, as its lists have them.
sed -n '/^\.Ss Constants/,/^\.S[hs] [^C]/p' "$page" | grep '^\.It' |
    tr ' ' '\n' | grep '^[a-z]' >constants

# mentions FILE NAME: its last part stands there as a word.
mentions()
{
    last=${2##*.}
    case $last in
        '{counter}') last=num_owner_switch ;;
    esac
    grep -qE "(^|[^[:alnum:]_])$last([^[:alnum:]_]|\$)" "$1"
}

# in_test NAME FILE TEXT: what is wrong with naming this test.
in_test()
{
    test_file=$top_srcdir/t/$2
    if [ ! -f "$test_file" ]; then
        echo "there is no t/$2"
    elif [ "$3" = run ]; then
        grep -qxF -e "$1" moved || echo "no step moved it"
    else
        grep -qF -e "$3" "$test_file" || echo "t/$2 has no '$3'"
        mentions "$test_file" "$1" || echo "t/$2 does not name it"
    fi
}

# constant NAME VALUE SHOWN: what is wrong.
constant()
{
    case $2 in
        build) ;;
        absent) [ "$3" = - ] || echo "it is there" ;;
        empty) [ -z "$3" ] || echo "it is $3" ;;
        *) [ "$3" = "$2" ] || echo "it is $3" ;;
    esac
    page_name=$(echo "$1" | sed 's/<[as]>/i/; s/<[blehn]>/j/; s/\.{counter}//')
    while read -r word; do
        # shellcheck disable=SC2254
        case $page_name in
            $word) return ;;
        esac
    done <constants
    echo "jealloc(3) does not say so"
}

# wrong TABLE: each row that does not hold.
wrong()
{
    grep -v '^#' "$1" | sort -t "$tab" -k 1,1 >rows
    cut -f1 rows >listed
    cut -f1 leaves | sort >have
    comm -3 have listed | sed 's/^\t\(.*\)/\1: there is no such value/; t
        s/$/: has no row/'
    sort -t "$tab" -k 1,1 leaves | join -t "$tab" rows - >joined
    while IFS=$tab read -r name how where text rights shown; do
        case $how.$rights in
            moves.r | value.r | value.x) in_test "$name" "$where" "$text" ;;
            effect.rw | effect.w | effect.- | effect.x)
                in_test "$name" "$where" "$text" ;;
            constant.*) constant "$name" "$where" "$shown" ;;
            *) echo "$how does not suit rights $rights" ;;
        esac | sed "s|^|$name: |"
    done <joined
}

is "every value has its row, and every row holds" "$(wrong "$table")" ''
ok "there were many" test "$(wc -l <joined)" -ge 200

# Rows that do not hold are noticed.
noticed()
{
    sed "$2" "$table" >spoilt.tsv
    wrong spoilt.tsv >found
    like "noticed: $1" found "$3"
}
noticed "a row that is missing" '/^thread.idle\t/d' '^thread\.idle: has no row$'
noticed "a row of nothing" 's/^epoch\t/epochs\t/' '^epochs: there is no such'
noticed "a test that is not there" '/^epoch\t/s/check_ctl/check_clt/' \
    '^epoch: there is no t/unit/check_clt\.c$'
noticed "a test without that text" '/^epoch\t/s/freezes/thaws/' "has no 'test_ctl"
noticed "a test of something else" \
    '/^thread.peak.read\t/s/\tunit.*/\tunit\/check_bits.c\ttest/' \
    '^thread\.peak\.read: t/unit/check_bits\.c does not name it$'
noticed "a statistic that no step moves" \
    '/^stats.metadata_thp\t/s/\toptions.*/\tunit\/check_moves.c\trun/' \
    '^stats\.metadata_thp: no step moved it$'
noticed "a constant of another value" '/^opt.hpa\t/s/false/true/' \
    '^opt\.hpa: it is false$'
noticed "a constant that the page does not have" \
    's/^epoch\t.*/epoch\tconstant\t1\t-/' '^epoch: jealloc\(3\) does not say so$'
noticed "something writable without an effect" \
    '/^thread.idle\t/s/effect/value/' '^thread\.idle: value does not suit'
done_testing
