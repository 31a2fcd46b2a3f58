/*
 * Lines from the preload object: "start PID", "dump PATH BYTES", "error TEXT".
 * They come from every process that it was loaded into, whole lines each.
 */
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Split "PATH BYTES" and keep it; without memory the dump is not mentioned. */
static void
run_log_dump(run_log_t *log, const char *text)
{
    const char *blank = strrchr(text, ' ');
    if (blank == NULL)
        return;
    run_dump_t *more =
        realloc(log->dumps, (log->dump_count + 1) * sizeof(*more));
    if (more == NULL)
        return;
    log->dumps = more;
    char *path = strndup(text, (size_t)(blank - text));
    if (path == NULL)
        return;
    more[log->dump_count++] = (run_dump_t){
        .path = path,
        .bytes = strtoull(blank + 1, NULL, 10),
    };
}

static void
run_log_line(run_log_t *log, const char *line, pid_t pid)
{
    if (strncmp(line, "start ", 6) == 0) {
        log->starts++;
        if (strtol(line + 6, NULL, 10) == pid)
            log->has_started = true;
    } else if (strncmp(line, "dump ", 5) == 0) {
        run_log_dump(log, line + 5);
    } else if (strncmp(line, "error ", 6) == 0 && log->first_error == NULL) {
        log->first_error = strdup(line + 6);
    }
}

bool
run_log_read(run_log_t *log, int fd, pid_t pid)
{
    char buf[4096];
    ssize_t n = 0;
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] == '\n') {
                log->line[log->line_length] = '\0';
                run_log_line(log, log->line, pid);
                log->line_length = 0;
            } else if (log->line_length + 1 < sizeof(log->line)) {
                log->line[log->line_length++] = buf[i];
            }
        }
    }
    return n < 0;
}

void
run_log_free(run_log_t *log)
{
    for (unsigned i = 0; i < log->dump_count; i++)
        free(log->dumps[i].path);
    free(log->dumps);
    free(log->first_error);
}
