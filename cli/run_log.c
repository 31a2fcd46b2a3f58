/*
 * Messages from the preload object, in every process that it was loaded into:
 * see alloc/prof_status.h. One more comes from the child that is to become the
 * program: "exec ERRNO" when it does not.
 */
#include "cli/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MESSAGE_MAX = PATH_MAX + 512 };

/* Split "BYTES PATH" and keep it; without memory the dump is not mentioned. */
static void
run_log_dump(run_log_t *log, const char *text)
{
    char *blank = NULL;
    uint64_t bytes = strtoull(text, &blank, 10);
    if (*blank != ' ')
        return;
    run_dump_t *more =
        realloc(log->dumps, (log->dump_count + 1) * sizeof(*more));
    if (more == NULL)
        return;
    log->dumps = more;
    char *path = strdup(blank + 1);
    if (path != NULL)
        more[log->dump_count++] = (run_dump_t){.path = path, .bytes = bytes};
}

/* Split "PID PATH" and keep it. */
static void
run_log_begin(run_log_t *log, const char *text)
{
    char *blank = NULL;
    long pid = strtol(text, &blank, 10);
    char *path = *blank == ' ' ? strdup(blank + 1) : NULL;
    if (path == NULL)
        return;
    unsigned i = 0;
    while (i < log->begun_count && log->begun[i].pid != pid)
        i++;
    if (i == log->begun_count) {
        run_begun_t *more = realloc(log->begun, (i + 1) * sizeof(*more));
        if (more == NULL) {
            free(path);
            return;
        }
        log->begun = more;
        log->begun_count++;
        more[i] = (run_begun_t){.pid = pid};
    }
    free(log->begun[i].temporary);
    log->begun[i].temporary = path;
}

static void
run_log_message(run_log_t *log, const char *text, pid_t pid)
{
    if (strncmp(text, "start ", 6) == 0) {
        log->starts++;
        if (strtol(text + 6, NULL, 10) == pid)
            log->has_started = true;
    } else if (strncmp(text, "begin ", 6) == 0) {
        run_log_begin(log, text + 6);
    } else if (strncmp(text, "dump ", 5) == 0) {
        run_log_dump(log, text + 5);
    } else if (strncmp(text, "error ", 6) == 0 && log->first_error == NULL) {
        log->first_error = strdup(text + 6);
    } else if (strncmp(text, "exec ", 5) == 0) {
        log->exec_error = (int)strtol(text + 5, NULL, 10);
    }
}

bool
run_log_read(run_log_t *log, int fd, pid_t pid)
{
    char text[MESSAGE_MAX + 1];
    ssize_t n = 0;
    while ((n = recv(fd, text, MESSAGE_MAX, MSG_DONTWAIT)) > 0) {
        text[n] = '\0';
        run_log_message(log, text, pid);
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

void
run_log_free(run_log_t *log)
{
    for (unsigned i = 0; i < log->dump_count; i++)
        free(log->dumps[i].path);
    free(log->dumps);
    for (unsigned i = 0; i < log->begun_count; i++)
        free(log->begun[i].temporary);
    free(log->begun);
    free(log->first_error);
}
