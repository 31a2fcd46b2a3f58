/*
 * A job-control shell of one job on a terminal of its own, for the test of
 * `jeprobe run` on a terminal: starts the job given as argv[2] in the
 * foreground, types at it, and says in TAP what became of it. argv[1] is the
 * file to which the job's program (signal_prog.c) writes what it got.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, STEP_MS = 5 };

static const char *log_name;
static int master, slave;
static pid_t job;

static void
result(int good, const char *what)
{
    printf("%s - %s\n", good ? "ok" : "not ok", what);
    fflush(stdout);
}

/* How often `text` is in the log. */
static int
logged(const char *text)
{
    static char log[65536];
    int fd = open(log_name, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, log, sizeof(log) - 1);
    int hits = 0;
    close(fd);
    log[n > 0 ? n : 0] = '\0';
    for (const char *s = log; (s = strstr(s, text)) != NULL; s++)
        hits++;
    return hits;
}

/* The terminal must be emptied, or its writers wait. */
static void
pass_time(void)
{
    struct pollfd fd = {.fd = master, .events = POLLIN};
    char buf[4096];
    if (poll(&fd, 1, STEP_MS) > 0 && (fd.revents & POLLIN) != 0)
        (void)!read(master, buf, sizeof(buf));
}

static int
wait_logged(const char *text)
{
    for (int ms = 0; ms < PATIENCE_MS && logged(text) == 0; ms += STEP_MS)
        pass_time();
    return logged(text);
}

/* Wait for a change of the job; -1 if there is none in time. */
static int
wait_job(int patience_ms)
{
    int status = -1;
    for (int ms = 0; ms < patience_ms; ms += STEP_MS) {
        if (waitpid(job, &status, WNOHANG | WUNTRACED) == job)
            return status;
        pass_time();
    }
    return -1;
}

static void
type(const char *text)
{
    (void)!write(master, text, strlen(text));
}

/* State letter of the job's program in /proc. */
static char
program_state(void)
{
    char path[64], text[512];
    int fd = open(log_name, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    snprintf(path, sizeof(path), "/proc/%ld/stat", strtol(text + 4, NULL, 10));
    fd = open(path, O_RDONLY);
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    char *paren = strrchr(text, ')');
    return paren != NULL ? paren[2] : '?';
}

static void
start_job(char **argv)
{
    job = fork();
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(slave, getpid());
        signal(SIGTTOU, SIG_DFL);
        for (int fd = 0; fd < 3; fd++)
            dup2(slave, fd);
        execvp(argv[0], argv);
        _exit(99);
    }
    setpgid(job, job);
    tcsetpgrp(slave, job);
}

static void
take_terminal(void)
{
    if (setsid() < 0)
        exit(77); /* a session leader already: run it through a fork */
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        exit(77);
    slave = open(ptsname(master), O_RDWR | O_CLOEXEC);
    ioctl(slave, TIOCSCTTY, 0);
    signal(SIGTTOU, SIG_IGN);
}

static void
test_stop_and_continue(void)
{
    type("\x1a");
    int status = wait_job(PATIENCE_MS);
    result(status != -1 && WIFSTOPPED(status), "^Z stops jeprobe");
    result(program_state() == 'T', "and the program");
    tcsetpgrp(slave, getpgrp());
    tcsetpgrp(slave, job);
    kill(-job, SIGCONT);
    result(wait_logged("got 18\n") >= 1, "fg continues the program");
    type("after fg\n");
    result(wait_logged("read after fg\n") == 1, "the terminal is its own");
    result(logged("got 18\n") == 1, "it was continued once");
}

/* Wait until `text` has been logged so many times. */
static int
wait_count(const char *text, int count)
{
    for (int ms = 0; ms < PATIENCE_MS && logged(text) < count; ms += STEP_MS)
        pass_time();
    return logged(text) >= count;
}

/* Several times, because a signal that comes twice at once counts as one. */
static void
test_keys(void)
{
    enum { TIMES = 20 };

    int interrupts = 1, sizes = 1;
    for (int i = 1; i <= TIMES && interrupts && sizes; i++) {
        struct winsize ws = {.ws_row = 33, .ws_col = (unsigned short)(80 + i)};
        type("\x03");
        interrupts = wait_count("got 02\n", i);
        ioctl(master, TIOCSWINSZ, &ws);
        sizes = wait_count("got 28\n", i);
    }
    result(interrupts, "^C reaches the program");
    result(sizes, "a change of size reaches it");
    type("typed\n");
    result(wait_logged("read typed\n") == 1, "input reaches it");
    result(logged("got 02\n") == TIMES, "each ^C came once");
    result(logged("got 28\n") == TIMES, "each change of size came once");
}

int
main(int argc, char **argv)
{
    if (argc < 3)
        return 99;
    pid_t shell = fork();
    if (shell != 0) {
        int status = 0;
        waitpid(shell, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
    }
    log_name = argv[1];
    take_terminal();
    start_job(argv + 2);
    result(wait_logged("pid ") == 1, "the program starts");
    if (strcmp(argv[argc - 1], "ignore-tstp") == 0) {
        type("\x1a");
        type("still here\n");
        result(wait_logged("read still here\n") == 1, "^Z is ignored by it");
        result(wait_job(100) == -1, "then jeprobe does not stop either");
    } else {
        test_stop_and_continue();
        test_keys();
    }
    type("\x1c");
    int status = wait_job(PATIENCE_MS);
    result(status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 131,
           "^\\ ends the program, jeprobe ends with 131");
    kill(-job, SIGKILL);
    return 0;
}
