#!/bin/sh
# Programs that cannot be executed or profiled are named with the reason.
. "${0%/*}/../lib.sh"
. "$here/stub.sh"

# NAME STATUS REGEXP PROGRAM [ARG...]
refuses()
{
    what=$1 want=$2 text=$3
    shift 3
    run "$jeprobe" run -- "$@"
    is "$what: status" $status "$want"
    like "$what: reason" "$err" "$text"
    is "$what: no stdout" "$(cat "$out")" ""
}

refuses "not in PATH" 127 'no-such-program: there is no such program in PATH' \
    no-such-program
refuses "no such file" 127 '^jeprobe: \./nothing: there is no such program$' \
    ./nothing
refuses "empty name" 127 'is empty' ''
refuses "below a file" 127 'no such program' /etc/passwd/x
refuses "directory" 126 "^jeprobe: /: is a directory$" /
echo hello >plain
refuses "not executable" 126 '\./plain: is not executable' ./plain
head -c 300 /dev/zero >zeros
chmod +x zeros
refuses "not a program" 126 '\./zeros: is not a program' ./zeros
mkdir bin
cp plain bin/tool
PATH=$tmp/bin:$PATH refuses "not executable in PATH" 126 \
    'bin/tool: is not executable' tool
printf '#!/bin/sh\necho local\n' >here
chmod +x here
refuses "in the current directory only" 127 'no such program in PATH' here
like "and says how" "$err" 'named with \./'

if echo 'int main(void) { return 0; }' | build static -static; then
    refuses "static program" 125 '\./static: is statically linked' ./static
    like "static program: what to do" "$err" 'libjealloc\.a'
else
    skip "static program" "no static C library"
fi

# Only the header matters: that of another machine, of 32 bits.
elf()
{
    printf '\177ELF\001\001\001'
    head -c 9 /dev/zero
    printf '\002\000\003\000'
    head -c 200 /dev/zero
}
elf >elf32
chmod +x elf32
refuses "32-bit program" 125 '\./elf32: is a 32-bit x86 program \(i386\)' ./elf32
{ printf '\177ELF\002\001\001'; head -c 9 /dev/zero; printf '\002\000\026\000'
  head -c 200 /dev/zero; } >elf390
chmod +x elf390
refuses "other machine" 125 '\./elf390: is an s390x program' ./elf390
head -c 20 elf32 >cut
chmod +x cut
refuses "cut-off program" 126 'is not a program' ./cut

printf '#!/no/such/interpreter -x\n' >lost
chmod +x lost
refuses "missing interpreter" 127 \
    '\./lost: its interpreter does not exist: /no/such/interpreter$' ./lost
printf '#!/bin/sh\r\n' >dos
chmod +x dos
refuses "interpreter with a carriage return" 127 '/bin/sh\\x0d$' ./dos
printf '#!%s/loop\n' "$tmp" >loop
chmod +x loop
refuses "script that is its own interpreter" 126 'script of a script' ./loop
if [ -x static ]; then
    printf '#!%s/static\n' "$tmp" >by-static
    chmod +x by-static
    refuses "script of a static interpreter" 125 'statically linked' ./by-static
fi

if [ "$(id -u)" = 0 ] && cp /bin/true suid && chown 65534:65534 suid &&
    chmod 4755 suid && ! findmnt -no OPTIONS -T . 2>/dev/null | grep -q nosuid
then
    refuses "setuid program" 125 '\./suid: is setuid' ./suid
    chmod 2755 suid
    refuses "setgid program" 125 '\./suid: is setgid' ./suid
    chown 0:0 suid && chmod 6755 suid
    run "$jeprobe" run ./suid
    is "setuid to oneself is no obstacle" $status 0
    if command -v setpriv >/dev/null && command -v setcap >/dev/null &&
        cp /bin/true capable && setcap cap_net_raw+ep capable 2>/dev/null &&
        chmod 755 "$tmp" && setpriv --reuid 65534 --clear-groups true
    then
        refuses "file capabilities as root do no harm" 0 'exited 0' ./capable
        mkdir -m 777 w
        cd w || exit 99
        run setpriv --reuid 65534 --clear-groups "$jeprobe" run ../capable
        cd ..
        is "file capabilities: status" $status 125
        like "file capabilities: reason" "$err" 'has file capabilities'
    else
        skip "file capabilities" "no setcap or setpriv"
    fi
else
    skip "setuid program" "needs root and no nosuid"
fi

# The preload object itself.
JEPROBE_PRELOAD=$tmp/nowhere.so
refuses "chosen preload object is missing" 125 'nowhere\.so: JEPROBE_PRELOAD' true
mkdir 'a b'
cp stub.so 'a b/'
JEPROBE_PRELOAD="$tmp/a b/stub.so"
refuses "preload object below a blank" 125 'cannot hold a blank' true
unset JEPROBE_PRELOAD
mkdir bin2
cp "$jeprobe" bin2/jeprobe
run bin2/jeprobe run -- true
if [ $status = 0 ]; then
    skip "no preload object" "one is installed"
else
    is "no preload object: status" $status 125
    like "no preload object: the places are listed" "$err" \
        "tried $tmp/bin2/\\.\\./lib/libjeprobe-preload\\.so, "
fi

done_testing
