#!/bin/sh
# jeprobe doctor: which allocator a process has, how it came there, and what
# becomes of its options. On processes of our own, and on copies.
. "${0%/*}/doctor.sh"

find_library()
{
    for dir in /usr/lib/*-linux-gnu /usr/lib64 /usr/lib; do
        [ ! -f "$dir/$1" ] || readlink -f "$dir/$1"
    done | head -n 1
}
jemalloc=$(find_library libjemalloc.so.2)
mimalloc=$(find_library libmimalloc.so.2)
tcmalloc=$(find_library libtcmalloc_minimal.so.4)

build waiter -pthread <<'END' || bail "no compiler"
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
    free(malloc(100000));
    write(1, "x", 1);
    pause();
    return 0;
}
END

# start [NAME=VALUE...] PROGRAM: wait until it runs; $started
start()
{
    rm -f ready
    mkfifo ready
    env "$@" >ready 2>/dev/null &
    started=$!
    head -c 1 ready >/dev/null
}

stop()
{
    kill "$started"
    wait "$started" 2>/dev/null
}

# look [NAME=VALUE...] PROGRAM: doctor of it as JSON
look()
{
    start "$@"
    run "$jeprobe" doctor --format json "$started"
    stop
}

# main KEY: of the allocator that serves malloc
main()
{
    sed -n '/^ "allocators"/,/}/s/^ *"'"$1"'": "\{0,1\}\([^",]*\).*/\1/p' "$out"
}

# of: the findings about allocators
of()
{
    found | tr ' ' '\n' | grep -E 'alloc|conf|preload' | tr '\n' ' '
}

look ./waiter
is "libc's" "$status $(main name) $(main loaded) $(main malloc)" \
    "0 glibc linked true"
like "its version" "$out" '"version": "[0-9]+\.[0-9]+"'
is "nothing is wrong with it" "$(of)" ''
look MALLOC_CONF=narenas:1 ./waiter
is "options for nobody" "$(of)" 'medium:conf-unread '
like "each of them" "$out" '"verdict": "not-read"'
look LD_PRELOAD="$tmp/libno.so" ./waiter
is "a preload that is not there" "$(of)" 'medium:preload-not-loaded '
if build static -static <waiter.c; then
    cp static stripped
    strip stripped
    for program in static stripped; do
        look ./$program
        is "$program" "$(main name) $(main loaded)" "glibc program"
    done
    look LD_PRELOAD="$tmp/libno.so" ./static
    is "a preload into a static program" "$(of)" 'medium:preload-not-loaded '
else
    skip "static" "no static libc"
fi

case $JE_SANITIZERS in
    *address* | *thread*) skip "our own" "sanitizer: $JE_SANITIZERS" ;;
    *)
        look LD_PRELOAD="$preload" JEPROBE_CONF=narenas:1,sample:0 ./waiter
        is "our own" "$(main name) $(main loaded) $(main malloc) $(of)" \
            "jealloc preload true "
        like "reads both variables" "$out" '"source": "JEPROBE_CONF"'
        unlike "and knows its options" "$out" '"verdict": "[^f]'
        ;;
esac

if [ -n "$jemalloc" ]; then
    look LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:1 ./waiter
    is "jemalloc by its short name" \
        "$(main name) $(main loaded) $(main variable) $(of)" \
        "jemalloc preload MALLOC_CONF "
    like "with its version" "$out" '"version": "5\.[0-9.]+-[0-9]+-g[0-9a-f]+"'
    ln -s "$jemalloc" link.so
    look LD_PRELOAD="$tmp/link.so" ./waiter
    is "through a link" "$(main name) $(main loaded) $(of)" "jemalloc preload "
    cp "$jemalloc" gone.so
    start LD_PRELOAD="$tmp/gone.so" ./waiter
    rm gone.so
    run "$jeprobe" doctor --format json "$started"
    stop
    if [ "$(id -u)" = 0 ]; then
        is "a file that was deleted" "$(main name)" jemalloc
    else
        skip "a file that was deleted" "needs root"
    fi
    look LD_PRELOAD=libjemalloc.so.2 JE_MALLOC_CONF=narenas:1 ./waiter
    is "another prefix" "$(of)" 'medium:conf-unread '
    like "which it reads" "$out" 'the allocator reads MALLOC_CONF'
    like "how to set it" "$out" 'export MALLOC_CONF=narenas:1 '

    # Every option: what jemalloc says itself is what doctor says.
    "$jeprobe" explain | tr ' ' '\n' | sed -n 's/^opt\.\([a-z_]*\)$/\1/p' |
        grep -v abort_conf | sort -u >options
    ok "there are options" test "$(wc -l <options)" -gt 80
    conf=$(sed 's/$/:x/' options | tr '\n' ',')nosuch:1
    MALLOC_CONF=$conf LD_PRELOAD=$jemalloc env true 2>log
    sed -n 's/.*Invalid conf pair: \([a-z_]*\):.*/\1/p' log | sort -u >wanted
    ok "jemalloc complains" grep -qx nosuch wanted
    # What is in some builds and not in others cannot be told.
    built=$(tr '\n' ' ' <"$top_srcdir/lib/analyse/explain_option.def" |
        grep -oE '"opt\.[a-z_]*", "[^"]*only if built in' |
        sed 's/"opt\.\([a-z_]*\).*/\1/')
    printf '%s\n' $built | sort >built
    ok "some are built in or not" grep -qx xmalloc built
    comm -23 wanted built >kept && mv kept wanted
    look LD_PRELOAD="$jemalloc" MALLOC_CONF="$conf" ./waiter
    awk -F'"' '$2 == "name" { name = $4 }
        $2 == "verdict" && $4 ~ /unknown|other-version/ { print name }' "$out" |
        sort -u >got
    case $(main version) in
        5.3.0-*) same_file "options that it does not have" got wanted ;;
        *) skip "options that it does not have" "another version" ;;
    esac
    sed -n 's/.*Invalid conf value: \([a-z_]*\):.*/\1/p' log | sort -u >wanted
    awk -F'"' '$2 == "name" { name = $4 }
        $2 == "verdict" && $4 == "bad-value" { print name }' "$out" |
        sort -u >got
    is "each bad value is one" "$(comm -23 got wanted | comm -23 - built)" ''
    ok "and there are some" test "$(wc -l <got)" -gt 20

    look LD_PRELOAD="$jemalloc" MALLOC_CONF='narenas:1,tcache=true,thp:never' \
        ./waiter
    is "no pair" "$(of)" 'medium:conf-rejected '
    is "nothing behind it is read" "$(awk -F'"' '$2 == "verdict" { print $4 }' \
        "$out" | tr '\n' ' ')" "fine malformed not-read "

    # Options that the program was compiled with.
    sed 's/^int main/const char *malloc_conf = "narenas:1,nosuch:2";\nint main/' \
        waiter.c >compiled.c
    for way in -pie -no-pie; do
        build exporting -fpie $way -rdynamic <compiled.c || bail "no compiler"
        look LD_PRELOAD="$jemalloc" ./exporting
        is "$way: compiled in" "$(of)" 'medium:conf-rejected '
        like "$way: from where" "$out" "\"source\": \"malloc_conf of $tmp/exporting\""
        is "$way: each is judged" "$(awk -F'"' '$2 == "verdict" { print $4 }' \
            "$out" | tr '\n' ' ')" "fine unknown "
        build keeping -fpie $way <compiled.c || bail "no compiler"
        look LD_PRELOAD="$jemalloc" ./keeping
        is "$way: not exported" "$(of)" 'medium:conf-unread '
        like "$way: how it would be" "$out" 'export-dynamic-symbol=malloc_conf,'
        like "$way: or without" "$out" \
            'export MALLOC_CONF=narenas:1,nosuch:2 '
    done
    look ./exporting
    is "compiled in for nobody" "$(of)" 'medium:conf-unread '
    like "which is told" "$out" \
        "malloc_conf of $tmp/exporting is set, and no allocator in the process"
    strip keeping
    look LD_PRELOAD="$jemalloc" ./keeping
    is "nothing is left of it" "$(of)" ''
    for text in 0 '""'; do
        sed "s/\"narenas.*;/$text;/" compiled.c >x.c
        build empty -rdynamic <x.c || bail "no compiler"
        look LD_PRELOAD="$jemalloc" ./empty
        is "compiled in: $text" "$(of)$(grep -c '"source"' "$out")" 0
    done
    look LD_PRELOAD="$jemalloc" MALLOC_CONF=thp:never ./exporting
    is "beside the environment" \
        "$(sed -n 's/^ *"source": "\([^ "]*\).*/\1/p' "$out" | tr '\n' ' ')" \
        "malloc_conf malloc_conf MALLOC_CONF "

    # Of a copied tree, by a link and a prefix.
    healthy copied
    put $me/maps \
        '55d0c0000000-55d0c0010000 r-xp 00000000 08:01 11 /opt/app' \
        '7fd0c0000000-7fd0c0010000 r-xp 00000000 08:01 12 /lib/libjemalloc.so.2'
    mkdir -p "$tree/lib" "$tree/opt" "$tree/etc"
    ln -s "$jemalloc" "$tree/lib/libjemalloc.so.2"
    cp waiter "$tree/opt/app"
    ln -s /opt/app "$tree/$me/exe"
    ln -s "narenas:1,nosuch:2" "$tree/etc/malloc.conf"
    echo '/lib/libjemalloc.so.2 # all' >"$tree/etc/ld.so.preload"
    finds medium:conf-rejected "a copied tree"
    is "preloaded by the system" "$(main name) $(main loaded)" \
        "jemalloc system-preload"
    like "options of the link" "$out" '"source": "/etc/malloc.conf"'
    cp exporting "$tree/opt/app"
    finds medium:conf-rejected "with options of the program"
    like "the program's" "$out" '"source": "malloc_conf of /opt/app"'
    like "besides the link's" "$out" '"source": "/etc/malloc.conf"'
    run "$jeprobe" doctor --root "$tree" $pid
    like "text: those of the program" "$out" \
        '^  configured    malloc_conf of /opt/app=narenas:1, nosuch:2$'
    like "text: those of the link" "$out" \
        '^ {16}/etc/malloc.conf=narenas:1, nosuch:2$'
    cp waiter "$tree/opt/app"
    printf 'GLIBC_TUNABLES=x\0X_MALLOC_CONF=a:1' >"$tree/$me/environ"
    finds 'medium:conf-unread medium:conf-rejected' "and of a variable"
    printf 'MALLOC_CONF=narenas:1' >"$tree/$me/environ"
    # AT_SECURE is 23.
    printf '\027\0\0\0\0\0\0\0\001\0\0\0\0\0\0\0' >"$tree/$me/auxv"
    finds 'medium:conf-unread medium:conf-rejected' "with more rights"
    like "which is the reason" "$out" 'more rights than its caller'
    rm "$tree/lib/libjemalloc.so.2"
    finds '' "what cannot be seen is not judged"
    like "it is told" "$out" '"file": "/lib/libjemalloc.so.2"'

    # With a prefix, linked into the program.
    if build prefixed <<'END'; then
#include <stdlib.h>
#include <unistd.h>
const char *je_texts[] = {"JE_MALLOC_CONF", "<jemalloc>: Error",
    "5.2.1-0-gea6b3e973b477b8061e0076bb257dbd7f3faa756"};
int je_mallctl(void) { return je_texts[0][0]; }
int main(void)
{
    free(malloc(1 + je_mallctl()));
    write(1, "x", 1);
    pause();
}
END
        look JE_MALLOC_CONF=narenas:1 MALLOC_CONF=thp:always ./prefixed
        is "malloc is libc's" "$(main name)" glibc
        like "its prefix" "$out" '"prefix": "je_"'
        like "its variable" "$out" '"variable": "JE_MALLOC_CONF"'
        is "both are told" "$(of)" 'medium:conf-unread info:allocator-aside '
        { cat prefixed.c; echo 'const char *je_malloc_conf = "narenas:1";'
          echo 'const char *malloc_conf = "thp:always";'; } >x.c
        build own <x.c
        look ./own
        is "its own variable, and another's" "$(of)" \
            'medium:conf-unread info:allocator-aside '
        is "which is read" "$(awk -F'"' '$2 == "source" { s = $4 }
            $2 == "verdict" { sub(" .*", "", s); print s, $4 }' "$out" | tr '\n' ';')" \
            "je_malloc_conf fine;malloc_conf not-read;"
        cp prefixed bare
        strip bare
        look JE_MALLOC_CONF=tcache_max:4096 ./bare
        like "stripped" "$out" '"variable": "JE_MALLOC_CONF"'
        like "by its version" "$out" '"verdict": "other-version"'
    fi
else
    skip "jemalloc" "there is no libjemalloc.so.2"
fi

if [ -n "$mimalloc" ] && [ -n "$tcmalloc" ]; then
    look LD_PRELOAD="$tcmalloc" ./waiter
    is "gperftools" "$(main name) $(of)" "gperftools "
    look LD_PRELOAD="$mimalloc:$tcmalloc" ./waiter
    is "two of them" "$(main name) $(of)" "mimalloc medium:allocators-several "
    like "and which" "$out" '"2 allocators are in the process, [a-z]+ and [a-z]+"'
else
    skip "others" "not installed"
fi

# glibc's arenas: heaps of 64 MiB, part of each in use.
healthy arenas
cp waiter "$tree/app"
libc=$(ldd waiter | awk '$1 ~ /^libc\.so/ { print $3 }')
cp "$libc" "$tree/libc.so.6"
ln -s /app "$tree/$me/exe"
# heaps COUNT
heaps()
{
    {
        echo '55d0c0000000-55d0c0010000 r-xp 00000000 08:01 11 /app'
        awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) {
            printf "7f%04x000000-7f%04x021000 rw-p 00000000 00:00 0\n", i*4, i*4
            printf "7f%04x021000-7f%04x000000 ---p 00000000 00:00 0\n", i*4, \
                i*4 + 4 } }'
        echo '7fffc0000000-7fffc0010000 r-xp 00000000 08:01 12 /libc.so.6'
    } >"$tree/$me/maps"
}
heaps 16
finds low:glibc-arenas "many arenas"
is "counted" "$(value glibc_heaps)" 16
heaps 15
finds '' "fewer"
heaps 16
printf 'MALLOC_ARENA_MAX=4\0' >"$tree/$me/environ"
finds '' "limited already"

# The process ends while it is looked at, again and again: one of two answers.
wrong=
for i in 1 2 3 4 5 6 7 8 9 10; do
    start ./waiter
    kill "$started" &
    run "$jeprobe" doctor "$started"
    wait
    case $status:$(cat "$err") in
        0:) ;;
        3:*"there is no process"* | 3:*"ended while"*) ;;
        *) wrong="$wrong $status" ;;
    esac
done
is "one that ends" "$wrong" ''
done_testing
