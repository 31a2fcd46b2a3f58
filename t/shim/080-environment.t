#!/bin/sh
# What the program and its children see of us: nothing, unless follow is set.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

compiled show <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
extern char **environ;
/* Its environment, then its child's; open descriptors. */
int
main(int argc, char **argv)
{
    for (char **e = environ; *e; e++)
        if (!strncmp(*e, "LD_", 3) || !strncmp(*e, "JEPROBE", 7) ||
            !strncmp(*e, "KEPT", 4))
            puts(*e);
    for (int fd = 3; fd < 100; fd++)
        if (fcntl_open(fd))
            printf("fd %d\n", fd);
    fflush(stdout);
    if (argc == 1) {
        puts("child");
        fflush(stdout);
        execl("/proc/self/exe", "show", "again", (char *)0);
    }
    return 0;
}
int
fcntl_open(int fd)
{
    return lseek(fd, 0, SEEK_CUR) != -1 || dup2(fd, fd) == fd;
}
END

run env KEPT=1 LD_PRELOAD="$preload" JEPROBE_CONF=dump_exit:true \
    JEPROBE_DUMP_PATH="$dumps/%p.json" ./show
cp "$out" got
run env KEPT=1 ./show
same_file "alone in LD_PRELOAD: as without" got "$out"
like "alone in LD_PRELOAD: the rest is there" got '^KEPT=1$'
is "alone: a program that goes on as another has no dump" \
    "$(ls "$dumps" | wc -l)" 0

build other.so -shared -fPIC <<'END' || bail "other.so cannot be built"
int other;
END
for list in "$preload:$tmp/other.so" "$tmp/other.so:$preload" \
    "$tmp/other.so $preload"; do
    run env KEPT=1 LD_PRELOAD="$list" JEPROBE_CONF=dump_exit:true \
        JEPROBE_DUMP_PATH="$dumps/%p.json" ./show
    sort "$out" >got
    run env KEPT=1 LD_PRELOAD="$tmp/other.so" ./show
    sort "$out" >wanted
    same_file "others stay in LD_PRELOAD" got wanted
done

run env LD_PRELOAD="$preload" JEPROBE_CONF=dump_exit:true,follow:true \
    JEPROBE_DUMP_PATH="$dumps/%p.json" ./show
like "follow keeps it" "$out" "^LD_PRELOAD=$preload\$"
is "follow: the child has a dump" "$(ls "$dumps" | wc -l)" 1

run env LD_PRELOAD="$preload" ./show
like "set by hand it stays" "$out" "^LD_PRELOAD=$preload\$"

# the status socket: `hear TYPE COMMAND...` prints what comes through it, one
# message a line
build hear <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char text[8192];
    int ends[2];
    ssize_t n;
    int type = strcmp(argv[1], "stream") == 0 ? SOCK_STREAM : SOCK_SEQPACKET;
    if (socketpair(AF_UNIX, type, 0, ends) != 0)
        return 99;
    if (fork() == 0) {
        dup2(ends[1], 9);
        close(ends[0]);
        close(ends[1]);
        execvp(argv[2], argv + 2);
        _exit(99);
    }
    close(ends[1]);
    while ((n = recv(ends[0], text, sizeof(text), 0)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            printf(text[i] < ' ' ? "\\%03o" : "%c", (unsigned char)text[i]);
        printf("\n");
    }
    return wait(0) < 0;
}
END
# TYPE PATH
says()
{
    run ./hear "$1" env LD_PRELOAD="$preload" JEPROBE_CONF=dump_exit:true \
        JEPROBE_STATUS_FD=9 JEPROBE_DUMP_PATH="$2" ./show again
}
says seqpacket "$dumps/%e.%p.json"
like "says that it starts" "$out" '^start [0-9]+$'
like "says where the dump is" "$out" "^dump [0-9]+ $dumps/show\.[0-9]+\.json\$"
file=$(sed -n 's/^dump [0-9]* //p' "$out")
is "and how long" "$(sed -n 's/^dump \([0-9]*\) .*/\1/p' "$out")" \
    "$(stat -c %s "$file")"
odd=$(printf '%s/a\n\001 1 b' "$dumps")
says seqpacket "$odd"
like "any byte may be in the name" "$out" "^dump [0-9]+ $dumps/a.012.001 1 b\$"
deep=$dumps
while [ ${#deep} -lt 3600 ]; do
    deep=$deep/$(printf '%0200d' 0)
done
mkdir -p "$deep"
says seqpacket "$deep/$(printf '%0150d' 7)"
is "the longest names go through" \
    "$(sed -n 's/^dump [0-9]* //p' "$out")" "$deep/$(printf '%0150d' 7)"
rm -r "$dumps"/0*
says seqpacket /nowhere/x.json
like "says what failed" "$out" '^error /nowhere/x.json: no such directory$'
says stream "$dumps/%e.%p.json"
unlike "a socket of another kind is not ours" "$out" '^(start|dump)'
run sh -c 'LD_PRELOAD=$1 JEPROBE_CONF=dump_exit:true JEPROBE_STATUS_FD=9 \
    JEPROBE_DUMP_PATH=$2/%e.%p.json ./show again 9>plain' sh "$preload" "$dumps"
is "a descriptor that is no socket is left alone" "$(cat plain)" ''

# command line
no_dumps
under argv:true ./show again
is "argv" "$(query show json process/argv)" '["./show", "again"]'
no_dumps
under argv:false ./show again
is "argv:false" "$(query show get process/argv)" absent
no_dumps
bad=$(printf 'x\377"\\\001')
under argv:true ./show "$bad"
is "bytes that are no UTF-8" "$(query show json process/argv/1)" \
    "$(printf '"x\357\277\275\\"\\\\\\u0001"')"

# the machine
no_dumps
run env MALLOC_CONF=narenas:3 LD_PRELOAD="$preload" \
    JEPROBE_CONF="dump_exit:true,dump_path:$dumps/%e.%p.json" ./show again
for name in max_map_count overcommit_memory; do
    is "$name" "$(query show get process/machine/$name)" \
        "$(cat /proc/sys/vm/$name)"
done
kib=$(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
is "memory" "$(query show get process/machine/mem_total)" "$((kib * 1024))"
is "processors" "$(query show get process/machine/host_cpus)" \
    "$(getconf _NPROCESSORS_ONLN)"
maps=$(query show get process/machine/maps)
ok "mappings: $maps" test "$maps" -ge 10 -a "$maps" -le 1000
is "options it was started with" "$(query show get process/env/MALLOC_CONF)" \
    narenas:3
no_dumps
under argv:true ./show again
is "or without" "$(query show get process/env)" absent
done_testing
