/*
 * Starting the program so that it does not notice who started it.
 */
#include "cli/run.h"

#include "cli/cmd.h"
#include "cli/die.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Signal state as jeprobe got it, to hand on unchanged. */
typedef struct run_signals {
    sigset_t mask;
    struct sigaction chld;
} run_signals_t;

static uint64_t
run_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Receive what can be received by descriptor instead of by handler. Not
 * caught: the signals of jeprobe's own faults. */
static void
run_catch_signals(run_child_t *child, run_signals_t *saved)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                              SIGTRAP, SIGSYS, SIGPIPE};
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigfillset(&child->caught);
    for (unsigned i = 0; i < sizeof(own) / sizeof(*own); i++)
        sigdelset(&child->caught, own[i]);
    sigprocmask(SIG_SETMASK, &child->caught, &saved->mask);
    /* An ignored SIGCHLD would lose the exit status. */
    sigaction(SIGCHLD, &sa, &saved->chld);
    child->signal_fd = signalfd(-1, &child->caught, SFD_CLOEXEC | SFD_NONBLOCK);
    if (child->signal_fd < 0)
        die(EXIT_LAUNCH, "signalfd: %s", strerror(errno));
}

static void
run_restore_signals(const run_signals_t *saved)
{
    sigaction(SIGCHLD, &saved->chld, NULL);
    sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

/*
 * The program's end of the log: at a high number, so that the numbers of its
 * own files stay what they were. Where descriptors are scarce any will do.
 */
static int
run_log_end(int fd)
{
    enum { WANTED = 900 };

    struct rlimit limit;
    int lowest = WANTED;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= WANTED)
        lowest = (int)limit.rlim_cur - 1;
    int high = fcntl(fd, F_DUPFD, lowest);
    if (high >= 0)
        return high;
    fcntl(fd, F_SETFD, 0);
    return fd;
}

/* In the child: become the program, or tell the parent why not. */
JE_NORETURN static void
run_become(const run_start_t *start, const run_signals_t *saved, int log_fd)
{
    char text[32];
    int end = run_log_end(log_fd);
    run_set_environment(start->opts, start->preload, start->pattern, end);
    run_restore_signals(saved);
    execv(start->program->path, start->program->argv);
    snprintf(text, sizeof(text), "exec %d", errno);
    send(end, text, strlen(text), MSG_NOSIGNAL);
    _exit(EXIT_LAUNCH);
}

void
run_child_start(run_child_t *child, const run_start_t *start)
{
    run_signals_t saved;
    int log[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, log) != 0)
        die(EXIT_LAUNCH, "socketpair: %s", strerror(errno));
    run_catch_signals(child, &saved);
    child->first_mask = saved.mask;
    run_witness_start(child);
    child->start_ns = run_now_ns();
    child->pid = fork();
    if (child->pid < 0)
        die(EXIT_LAUNCH, "fork: %s", strerror(errno));
    if (child->pid == 0)
        run_become(start, &saved, log[1]);
    close(log[1]);
    child->log_fd = log[0];
}
