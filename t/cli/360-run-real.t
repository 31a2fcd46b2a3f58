#!/bin/sh
# `jeprobe run` with the real preload object.
. "${0%/*}/../lib.sh"
need_preload
JEPROBE_PRELOAD=$preload
export JEPROBE_PRELOAD

# figure FILE KEY: an integer of the JSON report, in bytes.
figure()
{
    sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" "$1" | head -n 1
}

# Known sites, one object above the interval.
run "$jeprobe" run -o leak.json --sample 16K -- "$samples/leak"
is "leak: status" $status 0
like "leak: its output is untouched" "$out" '^table_load +1 +4194304$'
is "leak: nothing else on stdout" "$(wc -l <"$out")" 5
like "leak: how it ended" "$err" \
    '^jeprobe: .*/leak exited 0 after [0-9.]+ s; [0-9,]+ samples of 16.0 KiB, none dropped$'
like "leak: what it held" "$err" \
    '^jeprobe: live 2[0-9]\.[0-9] MiB in about [0-9,]+ objects, RSS .* MiB, peak RSS .* MiB$'
like "leak: where the dump is" "$err" '^jeprobe: wrote leak\.json \([0-9.]+ [KM]iB\)$'
like "leak: what is next" "$err" '^jeprobe: next: jeprobe report leak\.json$'
is "leak: the dump is private" "$(stat -c %a leak.json)" 600
run "$jeprobe" report leak.json
is "leak: the dump can be read" $status 0
for site in session_new log_append cache_insert table_load; do
    like "leak: $site is found" "$out" "^  $site "
done
unlike "leak: what was freed is not" "$out" '^  request_parse '

# Owner labels: exactly what the program counted, whoever freed it.
"$jeprobe" run -o labels.json -- "$samples/labels" >truth 2>"$err"
is "labels: status" $? 0
run "$jeprobe" report --format json labels.json
sed -n '/^ "owners"/,/^ }/p' "$out" | tr -d '\n' |
    sed 's/}/\n/g' | sed -n 's/.*"name": "\(service:[a-z]*\)", *"live_bytes": \([0-9]*\), *"live_objects": \([0-9]*\), *"total_bytes": \([0-9]*\), *"total_objects": \([0-9]*\).*/\1 \3 \2 \5 \4/p' |
    sort >reported
sed -n 's/  */ /g; /^service/p' truth | sort >counted
is "labels: four services" "$(wc -l <counted)" 4
same_file "labels: the figures are exact" reported counted
run "$jeprobe" report labels.json
like "labels: in the text" "$out" \
    '^  service:map +5\.0 MiB +[0-9.]+ % +5 '
like "labels: what was freed by another thread" "$out" \
    '^  service:login +0 B +0\.0 % +0$'
run "$jeprobe" run --report -o labels.json -- "$samples/labels"
like "labels: run --report" "$out" '^  service:gate +938 KiB '
for opts in stats_print:true stats_print:true,stats_print_opts:J; do
    JEPROBE_CONF=$opts LD_PRELOAD=$preload "$samples/labels" >truth 2>stats
    run "$jeprobe" report --format json stats
    like "labels: $opts" "$out" \
        "\"live_bytes\": $(awk '$1 == "service:chat" { print $3 }' truth),"
done

# The dump goes where -o says, also the second time.
cp leak.json first.json
run "$jeprobe" run -o leak.json -- "$samples/leak"
ok "an old dump of that name is replaced" \
    sh -c '! cmp -s leak.json first.json && [ ! -e leak.1.json ]'

# No name: program and process id.
mkdir default
cd default || exit 99
run "$jeprobe" run -- "$samples/frag" 16
ok "the default name" sh -c 'ls frag.[0-9]*.jeprobe.json'
is "and nothing else is left" "$(ls | wc -l)" 1
cd ..

# The report on standard output, after the program's.
# What survives are 2.8 MB: at the default interval one run in 200 has no sample
# of them.
run "$jeprobe" run --report --sample 16K -o frag.json -- "$samples/frag" 32
is "--report: the program's output comes first" \
    "$(head -n 1 "$out" | cut -d, -f1)" 'peak 33554432 bytes'
like "--report: then the report" "$out" '^Where it is'
like "--report: it fragments" "$out" '^internal fragmentation +[0-9]{3,}\.'
like "--report: the survivors' site" "$out" '^  index_entry_new '
"$jeprobe" run --report -o frag2.json -- sh -c 'exit 5' >/dev/full 2>"$err"
is "--report: a failure of it is not the program's" $? 5
run "$jeprobe" report --format json frag.json
mixed=$(figure "$out" active)
"$jeprobe" run -o apart.json -- "$samples/frag" 32 apart >"$out" 2>"$err"
run "$jeprobe" report --format json apart.json
ok "frag apart holds less than half of it" \
    test "$(figure "$out" active)" -lt $((mixed / 2))

run "$jeprobe" run --sample 0 -o off.json -- "$samples/leak"
like "--sample 0 says so" "$err" '; sampling was off$'
run "$jeprobe" run -o quiet.json -- "$samples/leak"
like "the default interval" "$err" 'samples of 512 KiB'
JEPROBE_CONF=sample:65536 run "$jeprobe" run -o conf.json -- "$samples/leak"
like "JEPROBE_CONF counts" "$err" 'samples of 64.0 KiB'
JEPROBE_CONF=sample:65536 \
    run "$jeprobe" run --sample 32K -o conf.json -- "$samples/leak"
like "--sample wins" "$err" 'samples of 32.0 KiB'

"$jeprobe" run -o argv.json -- "$samples/frag" 2 >"$out" 2>&1
ok "the command line is in the dump" grep -q '"argv":\["[^"]*frag","2"\]' \
    argv.json
"$jeprobe" run --no-argv -o argv.json -- "$samples/frag" 2 >"$out" 2>&1
ok "--no-argv leaves it out" sh -c '! grep -q "\"argv\"" argv.json'

# Names that no line could hold, and the line to paste.
odd=$(printf 'a\nb \001\377')
cp "$samples/frag" "$odd"
run "$jeprobe" run -- "./$odd" 2
is "odd bytes in the program's name: status" $status 0
like "odd bytes in the program's name: the dump is found" "$err" \
    '^jeprobe: wrote a.nb .x01.xff\.[0-9]+\.jeprobe\.json \('
ok "odd bytes in the program's name: it is there" \
    test -e "$odd".[0-9]*.jeprobe.json
run "$jeprobe" run -o "$odd.json" -- "$samples/frag" 2
like "odd bytes in -o: the dump is found" "$err" \
    "^jeprobe: next: jeprobe report \\\$'a.012b .001.377\.json'\$"
ok "odd bytes in -o: it is there" test -e "$odd.json"
rm -f "$odd"*

long=$(printf '%0250d' 0)
cp "$samples/frag" "$long"
run "$jeprobe" run -- "./$long" 2
like "a name of 250 bytes: the dump is found" "$err" \
    '^jeprobe: wrote 0{200,}\.[0-9]+\.jeprobe\.json \('
ok "a name of 250 bytes: it is there" sh -c 'ls 0*.[0-9]*.jeprobe.json'
rm -f 0*

# Few descriptors.
for n in 8 9 10 11 12; do
    status=0
    (ulimit -n $n && exec "$jeprobe" run -o few.json -- "$samples/frag" 2) \
        >"$out" 2>"$err" || status=$?
    is "$n descriptors: status" $status 0
    like "$n descriptors: the dump is found" "$err" '^jeprobe: wrote few\.json '
done
build scarce <<'C'
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct rlimit r = {5, 5};
    setrlimit(RLIMIT_NOFILE, &r);
    execv(argv[1], argv + 1);
}
C
run ./scarce "$jeprobe" run -o few.json -- "$samples/frag" 2
is "too few descriptors: status" $status 125
like "too few descriptors: it is said" "$err" '^jeprobe: .*Too many open files$'

# Why there is nothing to see.
build never <<'C'
int main(void) { return 0; }
C
run "$jeprobe" run -o never.json -- ./never
like "a program that never called malloc" "$err" \
    '^jeprobe: \./never never called malloc$'
build little <<'C'
#include <stdlib.h>
int main(void) { void *volatile p = malloc(100); return p == 0; }
C
# Of its 112 bytes one run in 5,000 would have a sample at the default interval.
run "$jeprobe" run --sample 16G -o little.json -- ./little
like "a program that allocates little" "$err" \
    'nothing was sampled: it allocated less than one interval of 16\.00 GiB'
build quits <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(void) { void *volatile p = malloc(100); _exit(p == 0); }
C
run "$jeprobe" run -o quits.json -- ./quits
is "a program that ends by _exit: status" $status 0
like "and it is said" "$err" '^jeprobe: no dump: it ended by _exit, '
not_ok "and there is none" test -e quits.json
run "$jeprobe" run -o killed.json -- sh -c 'kill -9 $$'
is "a program that is killed: status" $status 137
like "and it is said" "$err" 'no dump: a program that a signal ends writes none'

# Children.
build forks <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
    void *volatile p = malloc(3 << 20);
    if (fork() == 0)
        p = malloc(9 << 20);
    while (wait(0) > 0)
        ;
    return p == 0;
}
C
mkdir children
cd children || exit 99
run "$jeprobe" run -o f.json -- ../forks
is "a forked child writes its own file" "$(ls f.*json | wc -l)" 2
like "the closing lines are the parent's" "$err" '^jeprobe: live 3\.'
like "and count the other" "$err" '^jeprobe: wrote f\.json .* and 1 other$'
rm -f ./*.json
run "$jeprobe" run -o s.json -- sh -c "'$samples/leak' >/dev/null; exit 0"
ok "executed children are not profiled" sh -c '! ls s.[0-9]*.json'
rm -f ./*.json
run "$jeprobe" run --follow -o s.%e.json -- \
    sh -c "'$samples/leak'; '$samples/frag' 2; exit 0"
is "with --follow they are" \
    "$(ls s.leak.[0-9]*.json s.frag.[0-9]*.json | wc -l)" 2
like "the one with most memory is chosen" "$err" '^jeprobe: live 2[0-9]\.'
cd ..

# Signals.
cat >poke.c <<'C'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    void *volatile p = malloc(5 << 20);
    for (int i = 1; i <= 2; i++) {
        char name[] = "poke.0.json";
        name[5] = '0' + i - 1;
        raise(SIGUSR2);
        for (int tries = 0; access(name, F_OK) != 0 && tries < 60000; tries++)
            usleep(1000);
    }
    return p == 0;
}
C
$CC -w -o poke poke.c
run "$jeprobe" run --signal USR2 -o poke.json -- ./poke
is "--signal: status" $status 0
is "--signal: a dump each, and one at the end" \
    "$(ls poke.[0-2].json | wc -l)" 3
like "--signal: the last one is named" "$err" '^jeprobe: wrote poke\.2\.json'
ok "--signal: the reason is in it" grep -q '"reason":"signal"' poke.0.json

# The disk is full, the directory goes away: the program goes on.
mkdir gone
status=0
(ulimit -f 8 && exec "$jeprobe" run -o limit.json -- "$samples/frag" 4) \
    >"$out" 2>"$err" || status=$?
is "file size limit: the program's status" $status 0
like "file size limit: it is said" "$err" '^jeprobe: no dump: .*too large'
ok "file size limit: nothing is left" sh -c '! ls -A | grep limit'
build leaves <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
    void *volatile p = malloc(100);
    rmdir("gone");
    return p == 0 ? 1 : 6;
}
C
run "$jeprobe" run -o gone/x.json -- ./leaves
is "directory goes away: the program's status" $status 6
like "directory goes away: it is said" "$err" '^jeprobe: no dump: .*gone/x\.json'
if [ "$(id -u)" = 0 ] && mkdir full &&
    unshare -m mount -t tmpfs -o size=16k none full 2>/dev/null; then
    cat >full.sh <<'C'
mount -t tmpfs -o size=16k none full || exit 77
"$1" run -o full/x.json -- "$2" 4
echo "status $?"
ls -A full | wc -l
C
    run unshare -m sh full.sh "$jeprobe" "$samples/frag"
    like "full disk: the program's status" "$out" '^status 0$'
    like "full disk: it is said" "$err" '^jeprobe: no dump: .*[Nn]o space'
    is "full disk: nothing is left" "$(tail -n 1 "$out")" 0
else
    skip "full disk" "cannot mount a small file system"
fi

# What a killed process has begun to write is taken away, what a living one
# writes is not. The program's own flock is called where a dump begins.
build interrupt -rdynamic <<'C'
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int lives;
int flock(int fd, int how)
{
    if (!lives)
        raise(SIGKILL);
    syscall(SYS_flock, fd, how);
    close(open("locked", O_WRONLY | O_CREAT, 0600));
    for (int i = 0; i < 60000 && access("go", F_OK) != 0; i++)
        usleep(1000);
    return 0;
}
int main(int argc, char **argv)
{
    void *volatile p = malloc(100);
    if (argc > 1 && fork() == 0) {
        lives = 1;
        exit(0);
    }
    for (int i = 0; argc > 1 && i < 60000 && access("locked", F_OK) != 0; i++)
        usleep(1000);
    if (argc > 1)
        _exit(3);
    return p == 0;
}
C
mkdir interrupted
cd interrupted || exit 99
run "$jeprobe" run -- ../interrupt
is "killed while it writes: status" $status 137
like "killed while it writes: it is said" "$err" '^jeprobe: no dump: '
is "killed while it writes: nothing is left" "$(ls -A)" ''
run "$jeprobe" run -- ../interrupt child
is "a child still writes: status" $status 3
is "a child still writes: its file is left alone" "$(ls -A | grep -c 'tmp$')" 1
: >go
tries=0
until ls interrupt.*.jeprobe.json >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 6000 ] || break
    sleep 0.01
done
ok "a child still writes: it comes to an end" sh -c 'ls interrupt.*.jeprobe.json'
cd ..

# A chosen LD_PRELOAD stays.
echo 'int x;' >other.c
$CC -shared -fPIC -o other.so other.c
LD_PRELOAD=$tmp/other.so run "$jeprobe" run -o env.json -- env
like "LD_PRELOAD of the user is seen by the program" "$out" \
    "^LD_PRELOAD=$tmp/other\\.so\$"
unlike "and nothing of ours" "$out" 'jeprobe-preload|^JEPROBE_'

done_testing
