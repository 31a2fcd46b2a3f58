#!/bin/sh
# `jeprobe run` ends as the program ended.
. "${0%/*}/../lib.sh"
. "$here/stub.sh"

for n in 0 1 2 42 125 255; do
    run "$jeprobe" run -- sh -c "exit $n"
    is "exit status $n" $status $n
    like "and $n is printed" "$err" "^jeprobe: sh exited $n after [0-9.]+ s"
done

for sig in TERM:15 KILL:9 INT:2 USR1:10 HUP:1; do
    run "$jeprobe" run -- sh -c "kill -${sig%:*} \$\$"
    is "ended by SIG${sig%:*}" $status $((128 + ${sig#*:}))
    like "and it is named" "$err" "was ended by SIG${sig%:*} "
done

build abort <<'C'
#include <stdlib.h>
#include <sys/resource.h>
int main(void) { struct rlimit r = {0, 0}; setrlimit(RLIMIT_CORE, &r); abort(); }
C
run "$jeprobe" run ./abort
is "ended by abort()" $status 134

# Nothing is added to what the program prints or reads.
printf 'one\ntwo' >input
"$jeprobe" run -- sh -c 'cat; echo to-err >&2' <input >got 2>got.err
ok "standard input and output are the program's" cmp -s input got
like "standard error too" got.err '^to-err$'
is "what jeprobe adds begins with its name" \
    "$(grep -v -e '^jeprobe: ' -e '^to-err$' got.err)" ""

# Arguments arrive as they are; jeprobe's own options end at the program.
run "$jeprobe" run sh -c 'for a; do echo "<$a>"; done' name --report -o '' 'a b' --
printf '<%s>\n' --report -o '' 'a b' -- >want
ok "arguments arrive unchanged" cmp -s "$out" want

# A closed descriptor is closed in the program, too.
status=0
"$jeprobe" run -- sh -c '(: <&0) 2>/dev/null; exit $?' <&- 2>"$err" || status=$?
sh -c '(: <&0) 2>/dev/null; exit $?' <&- && want=0 || want=$?
is "standard input stays closed" $status $want

# Files that the program opens get the numbers they would get without jeprobe.
build fds <<'C'
#include <fcntl.h>
#include <stdio.h>
int main(void)
{
    for (int i = 0; i < 40; i++)
        printf("%d\n", open("/dev/null", O_RDONLY));
}
C
./fds >want
run "$jeprobe" run ./fds
ok "descriptor numbers are the same" cmp -s "$out" want

# SIGCHLD ignored by the one who started jeprobe must not lose the status.
build nochild <<'C'
#include <signal.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    signal(SIGCHLD, SIG_IGN);
    execv(argv[1], argv + 1);
}
C
run ./nochild "$jeprobe" run -- sh -c 'exit 7'
is "with SIGCHLD ignored the status is kept" $status 7
run sh -c 'trap "" HUP; exec "$@"' sh "$jeprobe" run -- sh -c 'kill -HUP $$; exit 8'
is "an ignored signal stays ignored" $status 8

# The same mask and dispositions as without jeprobe.
cat >mask.c <<'C'
#include <signal.h>
#include <stdio.h>
int main(void)
{
    sigset_t m;
    sigprocmask(SIG_SETMASK, NULL, &m);
    for (int s = 1; s < 65; s++) {
        struct sigaction sa;
        if (sigaction(s, NULL, &sa) == 0)
            printf("%d %d %d\n", s, sigismember(&m, s), sa.sa_handler == SIG_IGN);
    }
}
C
$CC -w -o mask mask.c
./mask >want
run "$jeprobe" run ./mask
ok "signal mask and dispositions are the same" cmp -s "$out" want

# Closing lines have nowhere to go: the status is the program's all the same.
status=0
"$jeprobe" run -- sh -c 'exit 9' 2>&- || status=$?
is "closed standard error: the program's status" $status 9
if [ -c /dev/full ]; then
    status=0
    "$jeprobe" run -- sh -c 'exit 9' 2>/dev/full || status=$?
    is "full standard error: the program's status" $status 9
fi

STUB_DUMP=no run "$jeprobe" run -- true
like "without a dump it says so" "$err" '^jeprobe: no dump: '
unlike "and does not name a file" "$err" 'wrote'

done_testing
