# Helpers of the shell tests: TAP, a scratch directory, one word per assertion.
#
#   . "${0%/*}/../lib.sh"
#   run $jeprobe --version          sets $status, and $out and $err (files)
#   is "exit status" "$status" 0
#   like "prints it" "$out" '^jeprobe [0-9]'
#   done_testing
#
# A test works in $tmp, which is empty at first and removed at the end. It can
# be run alone: top_builddir is then the directory that it is run from, or the
# build that ./bootstrap made.

here=$(cd "$(dirname "$0")" && pwd)
top_srcdir=$(cd "${top_srcdir:-$here/../..}" && pwd)
if [ -z "${top_builddir-}" ] && [ ! -f ./config.status ]; then
    top_builddir=$top_srcdir/build/default
fi
top_builddir=$(cd "${top_builddir:-.}" && pwd) || exit 99
: "${JE_SANITIZERS:=no}"
: "${CC:=cc}"
jeprobe=$top_builddir/cli/jeprobe
preload=$top_builddir/shim/.libs/libjeprobe-preload.so
samples=$top_builddir/samples

# What a developer has set must not decide a test.
LC_ALL=C
TZ=UTC0
export LC_ALL TZ top_srcdir top_builddir
unset NO_COLOR COLUMNS PAGER LD_PRELOAD MALLOC_CONF CDPATH
unset JEPROBE_CONF JEPROBE_DUMP_PATH JEPROBE_STATUS_FD JEPROBE_PRELOAD

# Nor what make and its caller left open.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-

tmp=$(mktemp -d "${TMPDIR:-/tmp}/je-test.XXXXXX") || exit 99
trap 'cd /; chmod -R u+rwx "$tmp" 2>/dev/null; rm -rf "$tmp"' EXIT
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

# Nothing after this point can be tested: WHY
bail()
{
    echo "Bail out! $*"
    exit 99
}

# COMMAND...: without them the whole test is skipped.
need()
{
    for command; do
        command -v "$command" >/dev/null || skip_all "there is no $command"
    done
}

# The sanitizers bring an allocator of their own: nothing can be preloaded.
need_preload()
{
    case $JE_SANITIZERS in
        *address* | *thread* | *leak* | *memory*)
            skip_all "sanitizer: $JE_SANITIZERS" ;;
    esac
    [ -f "$preload" ] || bail "$preload is not built"
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

# NAME COMMAND...: it fails.
not_ok()
{
    name=$1
    shift
    if "$@" >"$tmp/.ok" 2>&1; then
        fail "$name" "succeeded: $*" "$(head -n 20 "$tmp/.ok")"
    else
        pass "$name"
    fi
}

# NAME FILE WANTED-FILE: they are equal.
same_file()
{
    if diff -u "$3" "$2" >"$tmp/.diff" 2>&1; then
        pass "$1"
    else
        fail "$1" "$(head -n 40 "$tmp/.diff")"
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
