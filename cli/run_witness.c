/*
 * Was a signal sent to jeprobe alone, or to the whole process group?
 *
 * The kernel does not say. So a second process of jeprobe in the same group
 * keeps all signals blocked, does nothing, and is asked when jeprobe has got
 * one: if the witness has the same signal of the same sender, the group was
 * meant, and the program has it, too. Its name and arguments are wiped: who
 * signals jeprobe by its name must not reach the witness.
 */
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 200, /* for an answer: the witness may be stopped */
    SPREAD_MS = 10,    /* in which a sender reaches all of the group */
    RECENT_MS = 200
};

/* Question and answer. */
typedef struct witness_note {
    unsigned number; /* answers have that of their question */
    int signal;
    uint32_t sender;
    bool was_seen;
} witness_note_t;

static void
witness_wipe_name(void)
{
    static const char name[] = "signal-witness";
    char text[4096];
    size_t length = 0;
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    for (ssize_t n; fd >= 0 && (n = read(fd, text, sizeof(text))) > 0;)
        length += (size_t)n;
    if (fd >= 0)
        close(fd);
    prctl(PR_SET_NAME, name);
    /* The arguments are one block that begins with the name. */
    memset(program_invocation_name, 0, length);
    if (length > sizeof(name))
        memcpy(program_invocation_name, name, sizeof(name));
}

/* The last arrival of each signal. */
typedef struct witness_seen {
    uint32_t sender;
    bool is_new; /* not asked about since */
    uint64_t at_ms;
} witness_seen_t;

static uint64_t
witness_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
witness_take_signals(int fd, witness_seen_t seen[NSIG])
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo < NSIG)
            seen[info.ssi_signo] = (witness_seen_t){
                .sender = info.ssi_pid,
                .is_new = true,
                .at_ms = witness_now_ms(),
            };
    }
}

/* A recent one counts again: jeprobe may ask twice about what came to both of
 * them twice and is remembered here as one. */
static void
witness_answer(int fd, witness_note_t *note, witness_seen_t *seen)
{
    bool is_recent = witness_now_ms() - seen->at_ms < RECENT_MS;
    note->was_seen =
        seen->sender == note->sender && (seen->is_new || is_recent);
    seen->is_new = false;
    send(fd, note, sizeof(*note), MSG_NOSIGNAL);
}

/* The witness process: answers until jeprobe is gone. */
JE_NORETURN static void
witness_main(int socket, const sigset_t *caught)
{
    static witness_seen_t seen[NSIG];
    witness_note_t note;
    dup2(socket, STDIN_FILENO);
    close_range(STDIN_FILENO + 1, ~0u, 0);
    witness_wipe_name();
    struct pollfd fds[2] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = signalfd(-1, caught, SFD_NONBLOCK), .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0)
            continue;
        witness_take_signals(fds[1].fd, seen);
        if (fds[0].revents == 0)
            continue;
        if (recv(STDIN_FILENO, &note, sizeof(note), 0) != (ssize_t)sizeof(note))
            _exit(0);
        witness_answer(STDIN_FILENO, &note, &seen[note.signal]);
    }
}

void
run_witness_start(run_child_t *child)
{
    int ends[2];
    child->witness_fd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return;
    child->witness = fork();
    if (child->witness == 0)
        witness_main(ends[1], &child->caught);
    close(ends[1]);
    if (child->witness < 0)
        close(ends[0]);
    else
        child->witness_fd = ends[0];
}

bool
run_witness_has_seen(run_child_t *child, int sig, uint32_t sender)
{
    static unsigned number;
    const struct timespec spread = {.tv_nsec = SPREAD_MS * 1000000L};
    struct pollfd fd = {.fd = child->witness_fd, .events = POLLIN};
    witness_note_t note = {.number = ++number, .signal = sig, .sender = sender};
    if (child->witness_fd < 0)
        return false;
    nanosleep(&spread, NULL);
    if (send(fd.fd, &note, sizeof(note), MSG_NOSIGNAL) < 0)
        return false;
    while (poll(&fd, 1, PATIENCE_MS) > 0) {
        if (recv(fd.fd, &note, sizeof(note), 0) != (ssize_t)sizeof(note))
            return false;
        if (note.number == number)
            return note.was_seen;
    }
    return false;
}

void
run_witness_end(run_child_t *child)
{
    if (child->witness_fd < 0)
        return;
    close(child->witness_fd);
    kill(child->witness, SIGKILL);
    waitpid(child->witness, NULL, 0);
}
