/*
 * The program under `jeprobe run` in the tests of signals: writes one line for
 * each signal that it gets to the file argv[1], and its lines of input too.
 * SIGUSR2 ends it with 0. argv[2] "ignore-tstp": it does what it says.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int log_fd;

static void
say(const char *text)
{
    (void)!write(log_fd, text, strlen(text));
}

static void
on_signal(int sig)
{
    char line[] = "got 00\n";
    int saved = errno;
    line[4] = (char)('0' + sig / 10);
    line[5] = (char)('0' + sig % 10);
    say(line);
    if (sig == SIGUSR2)
        _exit(0);
    errno = saved;
}

int
main(int argc, char **argv)
{
    static const int signals[] = {SIGINT,  SIGTERM, SIGHUP,  SIGUSR1,
                                  SIGUSR2, SIGCONT, SIGWINCH};
    char line[256];
    sigset_t all, old;
    log_fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        struct sigaction sa = {.sa_handler = on_signal};
        sigaction(signals[i], &sa, NULL);
    }
    signal(SIGQUIT, SIG_DFL);
    signal(SIGTSTP, argc > 2 ? SIG_IGN : SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    dprintf(log_fd, "pid %d\n", (int)getpid());
    for (;;) {
        ssize_t n = read(0, line, sizeof(line) - 1);
        if (n > 0) {
            line[n] = '\0';
            dprintf(log_fd, "read %s", line);
        } else if (n == 0) {
            pause();
        }
    }
}
