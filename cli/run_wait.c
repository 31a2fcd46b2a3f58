/*
 * While the program runs: signals, job control and the log.
 *
 * Program and jeprobe are in one process group, so what the terminal sends
 * reaches both and is not passed on. What somebody sends to jeprobe alone is.
 * The witness tells the latter from a signal to the whole group.
 */
#include "cli/run.h"

#include "cli/cmd.h"
#include "cli/die.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool
run_is_stop_signal(int sig)
{
    return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* Take in a change of the program's state; true when it has ended. */
static bool
run_reap(run_child_t *child)
{
    for (;;) {
        int status = 0;
        pid_t pid =
            waitpid(child->pid, &status, WNOHANG | WUNTRACED | WCONTINUED);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid == 0)
            return false;
        if (pid == child->pid && WIFSTOPPED(status)) {
            child->has_new_stop = run_is_stop_signal(WSTOPSIG(status));
            child->was_continued = false;
        } else if (pid == child->pid && WIFCONTINUED(status)) {
            child->has_new_stop = false;
            child->was_continued = true;
        } else {
            child->wait_status =
                pid == child->pid ? status : W_EXITCODE(EXIT_LAUNCH, 0);
            return true;
        }
    }
}

/*
 * Whether the program has got this signal as well. The kernel sends what comes
 * from the terminal to the whole group, but a timer belongs to one process
 * (it survives execve, which is how some set a time limit).
 */
static bool
run_has_got_it(run_child_t *child, const struct signalfd_siginfo *info)
{
    bool is_from_kernel = info->ssi_code > 0;
    bool was_seen =
        run_witness_has_seen(child, (int)info->ssi_signo, info->ssi_pid);
    if (info->ssi_signo == SIGALRM && is_from_kernel)
        return false;
    if (info->ssi_signo == SIGCONT && child->was_continued)
        return true;
    return is_from_kernel || was_seen;
}

static void
run_pass_on(run_child_t *child, const struct signalfd_siginfo *info)
{
    int sig = (int)info->ssi_signo;
    if (run_has_got_it(child, info))
        return;
    if (info->ssi_code == SI_QUEUE) {
        union sigval value = {.sival_ptr = (void *)(uintptr_t)info->ssi_ptr};
        sigqueue(child->pid, sig, value);
        return;
    }
    kill(child->pid, sig);
}

/* Take all signals that are there; true when the program has ended. */
static bool
run_take_signals(run_child_t *child)
{
    struct signalfd_siginfo info;
    bool has_ended = false;
    while (read(child->signal_fd, &info, sizeof(info)) ==
           (ssize_t)sizeof(info)) {
        int sig = (int)info.ssi_signo;
        if (sig == SIGCHLD || sig == SIGCONT)
            has_ended = has_ended || run_reap(child);
        if (has_ended || sig == SIGCHLD)
            continue;
        run_pass_on(child, &info);
        if (run_is_stop_signal(sig))
            child->has_stop_signal = true;
        if (sig == SIGCONT) {
            child->has_stop_signal = false;
            child->was_continued = false;
        }
    }
    return has_ended;
}

/* Whether a shell waits for this job in the foreground of a terminal. */
static bool
run_is_foreground(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool is_foreground = tcgetpgrp(fd) == getpgrp();
    close(fd);
    return is_foreground;
}

/*
 * Stop as the program was stopped, so that the shell which waits for jeprobe
 * sees it. Not when somebody stops the program alone: he would continue it
 * alone, too.
 */
static void
run_stop_with(run_child_t *child)
{
    if (!child->has_new_stop)
        return;
    if (!child->has_stop_signal && !run_is_foreground())
        return;
    child->has_new_stop = false;
    child->has_stop_signal = false;
    raise(SIGSTOP);
}

static double
run_seconds_since(uint64_t start_ns)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    uint64_t now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
    return (double)(now - start_ns) / 1e9;
}

JE_NORETURN static void
run_die_exec(const run_program_t *program, int error)
{
    die(error == ENOENT ? EXIT_NOTFOUND : EXIT_NOEXEC,
        "%s: cannot be executed: %s", program->path, strerror(error));
}

void
run_child_wait(run_child_t *child, const run_program_t *program)
{
    struct pollfd fds[2] = {{.fd = child->signal_fd, .events = POLLIN},
                            {.fd = child->log_fd, .events = POLLIN}};
    bool has_ended = run_reap(child);
    while (!has_ended) {
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents != 0 &&
            !run_log_read(&child->log, child->log_fd, child->pid))
            fds[1].fd = -1; /* nobody can write to it any more */
        if (fds[0].revents != 0)
            has_ended = run_take_signals(child);
        if (!has_ended)
            run_stop_with(child);
    }
    child->seconds = run_seconds_since(child->start_ns);
    run_log_read(&child->log, child->log_fd, child->pid);
    run_witness_end(child);
    close(child->log_fd);
    close(child->signal_fd);
    /* Closing lines may go to a pipe that nobody reads. */
    signal(SIGPIPE, SIG_IGN);
    if (child->log.exec_error != 0)
        run_die_exec(program, child->log.exec_error);
}
