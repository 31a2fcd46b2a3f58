# shellcheck shell=sh disable=SC2154
# What the scripts of benchmarks share: which allocators take part, and how a
# program is started under one. They have set $bench, $commit, $list and $tmp.

# Put "name, tab, file to preload" of each that takes part into $tmp/peers; with
# $list, only those in it, and each of them has to be there. Print the head.
choose_peers()
{
    "$bench/peers" >"$tmp/all" || exit 2
    for name in $(echo "$list" | tr , ' '); do
        if ! grep -q "^$name	" "$tmp/all"; then
            echo "${0##*/}: there is no allocator $name" >&2
            exit 2
        fi
    done
    while IFS='	' read -r name path; do
        case ,${list:-$name}, in
            *,"$name",*) printf '%s\t%s\n' "$name" "$path" ;;
        esac
    done <"$tmp/all" >"$tmp/peers"
    "$bench/peers" "$commit" "$1" "$list" >"$tmp/head" 2>/dev/null
    cat "$tmp/head"
    sed 's/^/# /' "$tmp/head" >"$csv" || exit 2
}

# FILE COMMAND...: nothing of the caller's environment reaches it. To be called
# in the background: then $! is the command itself.
exec_under()
{
    path=$1
    shift
    exec env -i PATH="$PATH" HOME="$HOME" TMPDIR="${TMPDIR:-/tmp}" LC_ALL=C \
        ${path:+LD_PRELOAD="$path"} "$@" </dev/null
}
