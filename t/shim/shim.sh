# What the tests of the preload object share: a program under it, its dump.

need_preload
dumpq=$top_builddir/t/shim/dumpq
[ -x "$dumpq" ] || bail "$dumpq is not built"
dumps=$tmp/dumps
mkdir -p "$dumps"
through= # a command that starts the program

# under CONF COMMAND...: run it preloaded; its dumps go to $dumps. Whoever starts
# the program must not be preloaded himself, or he alone would be profiled.
under()
{
    under_conf=$1
    shift
    # shellcheck disable=SC2086
    run timeout 120 $through env LD_PRELOAD="$preload" JEPROBE_CONF="dump_exit:true,$under_conf" \
        JEPROBE_DUMP_PATH="$dumps/%e.%p.json" "$@"
}

# no_dumps: forget those of before.
no_dumps()
{
    rm -rf "$dumps"
    mkdir -p "$dumps"
}

# the_dump PROGRAM: the newest dump of it.
the_dump()
{
    # shellcheck disable=SC2012
    ls -t "$dumps/$1".*.json 2>/dev/null | head -n 1
}

# query PROGRAM QUESTION...
query()
{
    query_program=$1
    shift
    "$dumpq" "$(the_dump "$query_program")" "$@"
}

# compiled NAME [FLAG...]: build it from standard input, or give up.
compiled()
{
    build "$@" || bail "$1 cannot be built: $(cat "$1.log")"
}
