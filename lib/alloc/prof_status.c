/*
 * The status pipe: see prof_status.h.
 */
#include "alloc/prof_status.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc/environment.h"
#include "alloc/procinfo_read.h"
#include "base/assert.h"
#include "os/file.h"

/* The pipe's identity: a program may close the descriptor and get the number
 * again for something of its own. */
static struct {
    int fd; /* 0: none */
    dev_t dev;
    ino_t ino;
} status;

void
prof_status_boot(bool inherit)
{
    const char *text = environment_get("JEPROBE_STATUS_FD");
    uint64_t fd;
    struct stat st;
    if (text == NULL || !proc_decimal(&text, &fd) || *text != '\0' ||
        fd <= STDERR_FILENO || fd > INT_MAX || fstat((int)fd, &st) != 0 ||
        !S_ISFIFO(st.st_mode)) {
        return;
    }
    if (!inherit) {
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
    status.fd = (int)fd;
    status.dev = st.st_dev;
    status.ino = st.st_ino;
}

/* A line of at most PIPE_BUF goes in whole or not at all. */
static void
status_write(const char *line, size_t n)
{
    struct stat st;
    struct pollfd p = {.fd = status.fd, .events = POLLOUT};
    if (n <= PIPE_BUF && status.fd != 0 && fstat(status.fd, &st) == 0 &&
        st.st_dev == status.dev && st.st_ino == status.ino &&
        poll(&p, 1, 0) == 1 && p.revents == POLLOUT) {
        (void)os_file_write_all(status.fd, line, n);
    }
}

void
prof_status_start(void)
{
    char line[32];
    size_t n = je_format(line, sizeof(line), "start %d\n", (int)getpid());
    status_write(line, n);
}

void
prof_status_dump(const char *path, uint64_t bytes)
{
    char line[PIPE_BUF + 1];
    size_t n = je_format(line, sizeof(line), "dump %s %llu\n", path,
                         (unsigned long long)bytes);
    status_write(line, n);
}

void
prof_status_error(const char *text)
{
    char line[PIPE_BUF + 1];
    size_t n = je_format(line, sizeof(line) - 1, "error %s", text);
    line[n++] = '\n';
    status_write(line, n);
}
