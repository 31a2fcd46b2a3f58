#!/bin/sh
# Where options come from, which source wins, and what is said of each.
. "${0%/*}/../lib.sh"

show=$top_builddir/t/options/show

# SHOWN PROGRAM NAME...: with the environment as it is.
shown() {
    "$@" 2>"$err" | tr '\n' ' ' | sed 's/ $//'
}

# With the sources in the order of the page each wins over those before.
name=opt.dirty_decay_ms
is "the default" "$(shown "$show" $name)" 10000
is "built in" "$(shown "$show-built" $name)" 1
is "config.malloc_conf" "$(shown "$show-built" config.malloc_conf)" \
    'dirty_decay_ms:1,narenas:3'
is "the program's variable" "$(shown "$show-own" $name)" 2
FAKE_LINK=dirty_decay_ms:3
export FAKE_LINK
is "the link" "$(shown "$show-own" $name)" 3
MALLOC_CONF=dirty_decay_ms:4
export MALLOC_CONF
is "MALLOC_CONF" "$(shown "$show-own" $name)" 4
is "the second variable" "$(shown "$show-harder" $name)" 5
JEPROBE_CONF=dirty_decay_ms:6
export JEPROBE_CONF
is "JEPROBE_CONF" "$(shown "$show-harder" $name)" 6
is "nothing is said" "$(cat "$err")" ''
FAKE_SECURE=1
export FAKE_SECURE
is "a set-uid program has no environment" "$(shown "$show-own" $name)" 3
unset FAKE_SECURE FAKE_LINK

MALLOC_CONF=narenas:7
is "a source leaves alone what it does not name" \
    "$(JEPROBE_CONF='' shown "$show-built" $name opt.narenas)" '1 7'

# A real one, where this user and file system can have it.
cp "$show" setuid && chown 1 setuid 2>/dev/null && chmod 4755 setuid "$tmp" &&
    chmod 755 "$tmp"
if [ "$(id -u)" = 0 ] && [ "$(./setuid opt.narenas)" != 7 ]; then
    is "set-uid for the kernel, too" \
        "$(MALLOC_CONF=narenas:7 shown ./setuid opt.narenas)" \
        "$(unset MALLOC_CONF && shown ./setuid opt.narenas)"
else
    skip "set-uid for the kernel, too" "not root, or nosuid"
fi
unset JEPROBE_CONF

# confirm_conf in the last source makes the first ones speak as well.
FAKE_LINK=zero:false MALLOC_CONF=narenas:7,junk:maybe \
    JEPROBE_CONF=confirm_conf:true "$show-own" >"$out" 2>"$err"
is "confirm_conf names sources and pairs" "$(cat "$err")" \
"jealloc: options of malloc_conf: 'dirty_decay_ms:2'
jealloc: malloc_conf: option dirty_decay_ms accepted: '2'
jealloc: options of /etc/malloc.conf: 'zero:false'
jealloc: /etc/malloc.conf: option zero accepted: 'false'
jealloc: options of MALLOC_CONF: 'narenas:7,junk:maybe'
jealloc: MALLOC_CONF: option narenas accepted: '7'
jealloc: MALLOC_CONF: option junk: 'maybe' is not allowed, use one of false|true|alloc|free
jealloc: options of JEPROBE_CONF: 'confirm_conf:true'
jealloc: JEPROBE_CONF: option confirm_conf accepted: 'true'"
# Problems: one line each, and the program goes on unless it asked not to.
for bad in lg_dirty_mult:3 purge:decay quarantine:4096 redzone:true \
    decay_time:10 lg_chunk:21 hpa:true hpa_sec_nshards:4 utrace:true; do
    MALLOC_CONF=$bad,narenas:5 run "$show" opt.narenas
    is "$bad: one line, and what follows it counts" \
        "$(cat "$out") $(wc -l <"$err") $status" '5 1 0'
    like "$bad: says where and what" "$err" \
        "^jealloc: MALLOC_CONF: option ${bad%:*} is not in this allocator: "
done
ulimit -c 0
MALLOC_CONF=abort_conf:true,experimental_tcache_gc:true run "$show" opt.narenas
is "abort_conf forgives what is experimental" "$(wc -l <"$err") $status" '1 0'
MALLOC_CONF=experimental_x:1,y:2 JEPROBE_CONF=abort_conf:true run "$show" x
is "abort_conf aborts after all" "$(sed -n 3p "$err") $status" \
    "jealloc: abort_conf: 1 option(s) not accepted 134"
MALLOC_CONF=narenas:3,tcache,zero:true run "$show" opt.narenas opt.zero
is "what is malformed ends its source" "$(tr '\n' ' ' <"$out")" '3 false '
MALLOC_CONF=tcache JEPROBE_CONF=narenas:4 run "$show" opt.narenas
is "but not the next" "$(cat "$out")" 4
done_testing
