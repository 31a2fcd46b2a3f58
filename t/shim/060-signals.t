#!/bin/sh
# Dumps on a signal; samples under a storm of signals.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

compiled waiter <<'END'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <glob.h>

/* Until `n` files match; the signal may interrupt. */
static void
wait_for(const char *pattern, size_t n)
{
    for (int i = 0; i < 10000; i++) {
        glob_t g;
        size_t found = glob(pattern, 0, 0, &g) == 0 ? g.gl_pathc : 0;
        globfree(&g);
        if (found >= n)
            return;
        usleep(5000);
    }
    exit(9);
}

int
main(int argc, char **argv)
{
    char pattern[300];
    snprintf(pattern, sizeof(pattern), "%s/waiter.%d.*.json", argv[1], getpid());
    for (int i = 1; i <= 3; i++) {
        raise(SIGUSR2);
        wait_for(pattern, i);
    }
    pid_t pid = fork();
    if (pid == 0) {
        snprintf(pattern, sizeof(pattern), "%s/waiter.%d.*.json", argv[1],
                 getpid());
        raise(SIGUSR2);
        wait_for(pattern, 1);
        _exit(5);
    }
    int status;
    waitpid(pid, &status, 0);
    printf("child %d\n", WEXITSTATUS(status));
    return 3;
}
END
run timeout 120 env LD_PRELOAD="$preload" JEPROBE_CONF="dump_signal:$(kill -l USR2 2>/dev/null |
    grep -E '^[0-9]+$' || echo 12),dump_exit:true" \
    JEPROBE_DUMP_PATH="$dumps/%e.%p.%n.json" ./waiter "$dumps"
is "status" "$status" 3
like "the child could dump, too" "$out" '^child 5$'
is "three by signal, one at exit, one of the child" "$(ls "$dumps" | wc -l)" 5
for file in "$dumps"/*.json; do
    "$dumpq" "$file" get jeprobe/reason
done | sort | uniq -c | tr -s ' ' >reasons
for file in "$dumps"/*.json; do
    ok "a dump is sound" "$dumpq" "$file" check
done
like "reason signal" reasons '^ 4 signal'
like "reason exit" reasons '^ 1 exit'

# A read that the signal finds waiting goes on.
compiled reader -pthread <<'END'
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int fds[2];

static void *
write_late(void *arg)
{
    for (int i = 0; i < 20; i++) {
        pthread_kill(*(pthread_t *)arg, SIGUSR2);
        usleep(10000);
    }
    /* it is written beside us, and the end of the process does not wait */
    for (int i = 0; i < 6000 && access("reader.0.json", F_OK) != 0; i++)
        usleep(10000);
    write(fds[1], "whole", 5);
    return NULL;
}

int
main(void)
{
    pthread_t self = pthread_self(), t;
    char text[8] = "";
    pipe(fds);
    pthread_create(&t, NULL, write_late, &self);
    ssize_t n = read(fds[0], text, 5);
    printf("%zd %s\n", n, text);
    pthread_join(t, NULL);
    return 0;
}
END
run env LD_PRELOAD="$preload" JEPROBE_CONF=dump_signal:12 \
    JEPROBE_DUMP_PATH="$tmp/reader.%n.json" ./reader
is "a read goes on" "$(cat "$out") $status" "5 whole 0"
ok "and it was asked for dumps" test -s reader.0.json

compiled ticking -pthread <<'END'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
static volatile long ticks;
static void
tick(int sig)
{
    ticks++;
}
int
main(void)
{
    struct itimerval every = {{0, 1000}, {0, 1000}};
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, 0);
    setitimer(ITIMER_REAL, &every, 0);
    void *held[100] = {0};
    for (long i = 0; ticks < 1000; i++) {
        free(held[i % 100]);
        held[i % 100] = malloc(i % 3000);
    }
    return 0;
}
END
under sample:4096 ./ticking
is "1 kHz of signals: status" "$status" 0
ok "1 kHz of signals: dump" query ticking check
done_testing
