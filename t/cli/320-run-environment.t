#!/bin/sh
# What the program and its children see of jeprobe.
. "${0%/*}/../lib.sh"
. "$here/stub.sh"

STUB_SHOW=$tmp/shown
export STUB_SHOW

run "$jeprobe" run -- env
is "status" $status 0
like "the preload object comes first" shown "^LD_PRELOAD=$tmp/stub\\.so\$"
like "the dump's path is absolute" shown \
    "^JEPROBE_DUMP_PATH=$tmp/%e\\.%p\\.jeprobe\\.json\$"
like "there is a status descriptor" shown '^JEPROBE_STATUS_FD=[0-9]+$'
like "a dump is wanted at exit" shown '^JEPROBE_CONF=dump_exit:true$'
unlike "sampling is left at its default" shown 'sample:'

rm shown
LD_PRELOAD=/no/such/a.so:/no/such/b.so JEPROBE_CONF=lg_x:1 \
    run "$jeprobe" run --sample 1.5M --signal SIGUSR2 --no-argv true
like "an existing LD_PRELOAD is kept" shown \
    "^LD_PRELOAD=$tmp/stub\\.so:/no/such/a\\.so:/no/such/b\\.so\$"
like "an existing JEPROBE_CONF is kept, ours wins" shown \
    '^JEPROBE_CONF=lg_x:1,dump_exit:true,sample:1572864,dump_signal:12,argv:false$'
like "with a signal the files are numbered" shown \
    '^JEPROBE_DUMP_PATH=.*/%e\.%p\.%n\.jeprobe\.json$'

for size in 0:0 4096:4096 512K:524288 512k:524288 1M:1048576 2GiB:2147483648; do
    rm -f shown
    run "$jeprobe" run --sample "${size%:*}" true
    like "--sample ${size%:*}" shown ",sample:${size#*:}\$"
done
for size in '' x 1X -1 1e6 '1 M' 99999999999G; do
    run "$jeprobe" run --sample "$size" true
    is "--sample '$size' is refused" $status 125
done
for sig in USR2:12 SIGUSR1:10 12:12 PROF:27; do
    rm -f shown
    run "$jeprobe" run --signal "${sig%:*}" true
    like "--signal ${sig%:*}" shown "dump_signal:${sig#*:}\$"
done
for sig in KILL STOP SEGV 0 65 NOSUCH; do
    run "$jeprobe" run --signal $sig true
    is "--signal $sig is refused" $status 125
done

# Children do not see it, unless they are followed.
rm -f shown
run "$jeprobe" run -- sh -c 'env; exit 0'
unlike "children see nothing of ours" "$out" \
    '^LD_PRELOAD=|JEPROBE_(CONF|DUMP|STATUS)'
is "and are not profiled" "$(grep -c STATUS_FD shown)" 1
rm -f shown
run "$jeprobe" run --follow -- sh -c 'env; exit 0'
is "with --follow they are" "$(grep -c STATUS_FD shown)" 2
like "and each has its file" shown '%p'

# Names of dumps.
pattern()
{
    rm -f "$tmp/shown"
    what=$1 want=$2
    shift 2
    run "$jeprobe" run "$@" -- true
    is "$what" "$(sed -n 's/^JEPROBE_DUMP_PATH=//p' "$tmp/shown")" "$want"
}
mkdir d
pattern "-o" "$tmp/a.json" -o a.json
pattern "-o in a directory" "$tmp/d/a.json" -o d/a.json
pattern "-o, absolute" "$tmp/d/b" -o "$tmp/d/b"
pattern "-o with a comma and blanks" "$tmp/a, b.json" -o 'a, b.json'
pattern "-o with escapes" "$tmp/%e-%n-100%%.json" -o '%e-%n-100%%.json'
pattern "-o with --follow" "$tmp/a.%p.json" -o a.json --follow
pattern "-o with --follow, no extension" "$tmp/.a.%p" -o .a --follow
pattern "-o with --follow, whole suffix" "$tmp/a.%p.jeprobe.json" \
    -o a.jeprobe.json --follow
pattern "-o with --follow and %p" "$tmp/%p.json" -o %p.json --follow
pattern "-o with --signal" "$tmp/a.%n.json" -o a.json --signal USR2
mkdir '50%'
cd '50%' || exit 99
pattern "a percent sign in the current directory" "$tmp/50%%/a.json" -o a.json
cd "$tmp" || exit 99
for bad in 'a%x' 'a%' '%%%'; do
    run "$jeprobe" run -o "$bad" true
    is "-o '$bad' is refused" $status 125
done

# Places where nothing can be written.
run "$jeprobe" run -o nowhere/a.json true
is "a missing directory is found before the start" $status 125
like "and named" "$err" 'no dump can be written to .*nowhere'
run "$jeprobe" run -o d true
is "a directory is refused" $status 125
run "$jeprobe" run -o /dev/null true
is "a device is refused" $status 125
like "and says why" "$err" '/dev/null: exists and is not a regular file'
mkfifo pipe
run "$jeprobe" run -o pipe true
is "a pipe is refused" $status 125
as=
[ "$(id -u)" = 0 ] && as="setpriv --reuid 65534 --clear-groups"
chmod 755 "$tmp"
if $as test ! -w . 2>/dev/null && $as "$jeprobe" --version >/dev/null 2>&1; then
    run $as "$jeprobe" run -- true
    is "an unwritable directory is found before the start" $status 125
    like "and what to do is said" "$err" 'name another place with -o FILE'
else
    skip "an unwritable directory" "no other user at hand"
fi

done_testing
