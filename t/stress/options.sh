# The core's tests again under options that change what the core does.
#   under_options unit/check_malloc ... <<'END'      a line of options a time
. "${0%/*}/../lib.sh"

# PROGRAM...: and the one that checks blocks against a shadow.
under_options()
{
    while read -r options; do
        MALLOC_CONF=$options
        export MALLOC_CONF
        for test; do
            run "$top_builddir/t/$test"
            is "$test with $options" "$status: $(cat "$err")" "0: "
        done
        run "$top_builddir/t/stress/random" --seconds 0 --threads 3
        is "stress/random with $options" "$status: $(grep '^not' "$out")" "0: "
    done
}
