#!/bin/sh
# Scripts are run by their interpreter, as the kernel and a shell would.
. "${0%/*}/../lib.sh"
. "$here/stub.sh"

# NAME: the same output and status as without jeprobe, and the preload object
# is in the process that runs the script.
same()
{
    chmod +x script
    want=0
    sh -c './script "$@"' sh a 'b c' >want || want=$?
    rm -f shown
    STUB_SHOW=$tmp/shown run "$jeprobe" run ./script a 'b c'
    is "$1: status" $status "$want"
    ok "$1: output" cmp -s "$out" want
    ok "$1: the preload object is loaded" test -s shown
    is "$1: once" "$(grep -c STATUS_FD shown)" 1
    unlike "$1: a dump is reported" "$err" 'no dump'
}

build interp <<'C'
#include <stdio.h>
int main(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("<%s>\n", argv[i]);
    return argc;
}
C
printf '#!%s/interp\n' "$tmp" >script
same "interpreter"
printf '#!%s/interp -x  and more \n' "$tmp" >script
same "interpreter with one argument"
printf '#! \t%s/interp' "$tmp" >script
same "blanks before it, no newline after"
printf '#!%s/inner\n' "$tmp" >script
printf '#!%s/interp -i\n' "$tmp" >inner
chmod +x inner
same "script of a script"
PATH=$tmp:$PATH
printf '#!/usr/bin/env interp\n' >script
same "env"
printf '#!/usr/bin/env -S interp -a -b\n' >script
same "env -S"

: >script
chmod +x script
run "$jeprobe" run ./script
is "an empty file is an empty script" $status 0
printf 'echo "$0 $#"; exit 5\n' >script
run "$jeprobe" run ./script x y
is "without #! it is the shell's: status" $status 5
like "without #! it is the shell's: output" "$out" '^\./script 2$'

done_testing
