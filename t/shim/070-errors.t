#!/bin/sh
# What cannot be written: one line, no file, and the program goes on.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

compiled small <<'END'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
int
main(int argc, char **argv)
{
    if (argc > 1) {
        struct rlimit limit = {atoi(argv[1]), atoi(argv[1])};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    free(malloc(100));
    return 4;
}
END

# fails NAME PATTERN PATH [ARG...]
fails()
{
    fails_name=$1
    fails_pattern=$2
    fails_path=$3
    shift 3
    run env LD_PRELOAD="$preload" JEPROBE_CONF=dump_exit:true \
        JEPROBE_DUMP_PATH="$fails_path" ./small "$@"
    is "$fails_name: status" "$status" 4
    is "$fails_name: one line" "$(wc -l <"$err")" 1
    like "$fails_name: reason" "$err" "^jeprobe: $fails_path: $fails_pattern\$"
}

fails "no directory" "no such directory" "$tmp/nowhere/x.json"
: >"$tmp/file"
fails "a file as directory" "not a directory" "$tmp/file/x.json"
mkdir "$tmp/limited"
fails "file size limit" "file too large" "$tmp/limited/x.json" 8192
is "file size limit: nothing is left" "$(ls -A "$tmp/limited")" ''
deep=$tmp
while [ ${#deep} -lt 3900 ]; do
    deep=$deep/$(printf '%0190d' 0)
done
fails "a long path" "no such directory" "$deep/x.json"

if [ "$(id -u)" = 0 ]; then
    mkdir "$tmp/full"
    if mount -t tmpfs -o size=16k none "$tmp/full" 2>/dev/null; then
        fails "full disk" "no space left on device" "$tmp/full/x.json"
        is "full disk: nothing is left" "$(ls -A "$tmp/full")" ''
        mount -o remount,ro "$tmp/full"
        fails "read-only" "read-only file system" "$tmp/full/x.json"
        umount "$tmp/full"
    else
        skip "full disk" "nothing can be mounted"
    fi
else
    mkdir -m 500 "$tmp/closed"
    fails "unwritable directory" "permission denied" "$tmp/closed/x.json"
fi

echo mine >"$dumps/taken.json"
for i in 1 2; do
    run env LD_PRELOAD="$preload" \
        JEPROBE_CONF="dump_exit:true,dump_path:$dumps/taken.json" ./small
    is "a taken name, run $i: status" "$status" 4
done
is "what was there stays" "$(cat "$dumps/taken.json")" mine
ok "the first goes beside it" "$dumpq" "$dumps/taken.1.json" check
ok "and the second" "$dumpq" "$dumps/taken.2.json" check
is "mode" "$(stat -c %a "$dumps/taken.1.json")" 600
is "no temporary file is left" \
    "$(find "$dumps" -name '.*' -type f | wc -l)" 0

compiled asks -I"$top_srcdir/lib" <<'END'
#include "jealloc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#pragma weak jea_dump
int
main(int argc, char **argv)
{
    void *p = malloc(1000000);
    int first = jea_dump(argv[1]), second = jea_dump(argv[1]);
    int bad = jea_dump("/nowhere/x.json");
    printf("%d %d %d\n", first, second, bad == ENOENT);
    free(p);
    return 0;
}
END
run env LD_PRELOAD="$preload" JEPROBE_CONF=sample:1000 ./asks \
    "$dumps/asked.json"
like "jea_dump: results" "$out" '^0 0 1$'
ok "jea_dump: the first" "$dumpq" "$dumps/asked.json" check
ok "jea_dump: the second" "$dumpq" "$dumps/asked.1.json" check
is "jea_dump: reason" "$("$dumpq" "$dumps/asked.1.json" get jeprobe/reason)" \
    request
is "jea_dump: sequence" \
    "$("$dumpq" "$dumps/asked.1.json" get jeprobe/sequence)" 1
like "jea_dump: failure is reported" "$err" \
    '^jeprobe: /nowhere/x.json: no such directory$'

compiled leaving -pthread <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *
hammer(void *arg)
{
    void *held[64] = {0};
    for (unsigned i = 0;; i++) {
        free(held[i % 64]);
        held[i % 64] = malloc(16 + i * 37 % 5000);
    }
    return 0;
}
static void *
leave(void *arg)
{
    usleep(20000);
    exit(6);
}
int
main(void)
{
    pthread_t t;
    for (int i = 0; i < 3; i++)
        pthread_create(&t, 0, hammer, 0);
    pthread_create(&t, 0, leave, 0);
    pthread_join(t, 0);
    return 0;
}
END
for i in 1 2 3; do
    no_dumps
    under sample:4096 ./leaving
    is "exit by a thread while others allocate, run $i: status" "$status" 6
    ok "exit by a thread while others allocate, run $i: dump" \
        query leaving check
done

# whoever reads the status has gone, or stderr's reader
compiled alone <<'END'
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int
main(int argc, char **argv)
{
    int ends[2];
    if (strcmp(argv[1], "9") == 0)
        socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
    else
        pipe(ends);
    dup2(ends[1], argv[1][0] - '0');
    close(ends[0]);
    close(ends[1]);
    execvp(argv[2], argv + 2);
    return 99;
}
END
run ./alone 9 env LD_PRELOAD="$preload" JEPROBE_CONF=dump_exit:true \
    JEPROBE_STATUS_FD=9 JEPROBE_DUMP_PATH="$dumps/gone.json" ./small
is "no reader of the status: status" "$status" 4
ok "no reader of the status: dump" "$dumpq" "$dumps/gone.json" check
run ./alone 2 env LD_PRELOAD="$preload" JEPROBE_CONF=dump_exit:true \
    JEPROBE_DUMP_PATH=/nowhere/x.json ./small
is "no reader of standard error: status" "$status" 4

# How much more address space a small program needs under us, in KiB: the
# object's own tables and those for the first memory, 7.7 MiB together.
runs_in()
{
    (ulimit -c 0 && ulimit -v "$1" && shift && exec "$@") >/dev/null 2>&1
}
low=500
high=64000
while [ $((high - low)) -gt 100 ]; do
    middle=$(((low + high) / 2))
    if runs_in $middle sh -c :; then
        high=$middle
    else
        low=$middle
    fi
done
ok "address space: 8.5 MiB more than without us" \
    runs_in $((high + 8704)) env LD_PRELOAD="$preload" sh -c :

under sample:4096 sh -c 'exec 0<&- 1>&- 2>&-; exec ./small'
is "without standard descriptors: status" "$status" 4
done_testing
