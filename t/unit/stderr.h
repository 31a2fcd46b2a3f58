/*
 * What a piece of a unit test writes to stderr, and how it dies.
 */
#ifndef JE_T_UNIT_STDERR_H
#define JE_T_UNIT_STDERR_H

#include "base/macros.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/util.h"

enum { STDERR_TEXT_MAX = 4096 };

typedef struct stderr_capture {
    int saved, read_end;
    char text[STDERR_TEXT_MAX];
} stderr_capture_t;

/* From here to stderr_end() stderr goes into a pipe, which holds 64 KiB. */
static inline void
stderr_begin(stderr_capture_t *c)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    c->saved = dup(STDERR_FILENO);
    c->read_end = fds[0];
    (void)dup2(fds[1], STDERR_FILENO);
    (void)close(fds[1]);
}

static inline const char *
stderr_end(stderr_capture_t *c)
{
    (void)dup2(c->saved, STDERR_FILENO);
    (void)close(c->saved);
    size_t have = 0;
    ssize_t n;
    while (have < sizeof(c->text) - 1 &&
           (n = read(c->read_end, c->text + have, sizeof(c->text) - 1 - have)) >
               0) {
        have += (size_t)n;
    }
    (void)close(c->read_end);
    c->text[have] = '\0';
    return c->text;
}

/* fn(arg) must abort in a child, having said what contains `text`. */
static inline void
stderr_expect_abort(void (*fn)(void *), void *arg, const char *text)
{
    stderr_capture_t c;
    stderr_begin(&c);
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        fn(arg);
        _exit(0);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    const char *said = stderr_end(&c);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
                  "status 0x%x, said: %s", (unsigned)status, said);
    ck_assert_msg(strstr(said, text) != NULL, "said: %s\nnot: %s", said, text);
}

#endif
