# Helpers of the shell tests: TAP, a scratch directory, one word per assertion.
#
#   . "${0%/*}/../lib.sh"
#   run $jeprobe --version          sets $status, and $out and $err (files)
#   is "exit status" "$status" 0
#   like "prints it" "$out" '^jeprobe [0-9]'
#   done_testing
#
# A test works in $tmp, which is empty at first and removed at the end. It can
# be run alone: top_builddir is then the directory that it is run from.

here=$(cd "${0%/*}" && pwd)
: "${top_srcdir:=$(cd "$here/../.." && pwd)}"
: "${top_builddir:=$PWD}"
: "${JE_SANITIZERS:=no}"
: "${CC:=cc}"
jeprobe=$top_builddir/cli/jeprobe
preload=$top_builddir/shim/.libs/libjeprobe-preload.so
LC_ALL=C
export LC_ALL
unset NO_COLOR LD_PRELOAD MALLOC_CONF JEPROBE_CONF JEPROBE_PRELOAD CDPATH

tmp=$(mktemp -d "${TMPDIR:-/tmp}/je-test.XXXXXX") || exit 99
trap 'cd /; rm -rf "$tmp"' EXIT
trap 'exit 99' HUP INT TERM
cd "$tmp" || exit 99
out=$tmp/.out
err=$tmp/.err
count=0
failures=0

skip_all()
{
    echo "1..0 # SKIP $*"
    exit 0
}

# NAME [REASON]
skip()
{
    count=$((count + 1))
    echo "ok $count - $1 # SKIP ${2:-}"
}

pass()
{
    count=$((count + 1))
    echo "ok $count - $1"
}

# NAME [LINE...]
fail()
{
    count=$((count + 1))
    failures=$((failures + 1))
    echo "not ok $count - $1"
    shift
    for line; do
        printf '%s\n' "$line" | sed 's/^/# /'
    done
}

# Run a command; keep what it prints and how it ends.
run()
{
    status=0
    "$@" >"$out" 2>"$err" || status=$?
}

# NAME GOT WANTED
is()
{
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        fail "$1" "got:    $2" "wanted: $3"
    fi
}

# NAME FILE EXTENDED-REGEXP
like()
{
    if grep -Eq -e "$3" "$2"; then
        pass "$1"
    else
        fail "$1" "nothing like: $3" "in:" "$(head -n 40 "$2")"
    fi
}

unlike()
{
    if grep -Eq -e "$3" "$2"; then
        fail "$1" "there is: $(grep -E -e "$3" "$2" | head -n 5)"
    else
        pass "$1"
    fi
}

# NAME COMMAND...: it succeeds.
ok()
{
    name=$1
    shift
    if "$@" >"$tmp/.ok" 2>&1; then
        pass "$name"
    else
        fail "$name" "failed: $*" "$(head -n 20 "$tmp/.ok")"
    fi
}

# Build a C program from standard input: OUTPUT [FLAG...]
build()
{
    output=$1
    shift
    cat >"$output.c" &&
        $CC -std=gnu11 -g -O1 -w -o "$output" "$output.c" "$@" 2>"$output.log"
}

done_testing()
{
    echo "1..$count"
    [ "$failures" = 0 ]
    exit
}
