/*
 * The status socket: see prof_status.h.
 */
#include "alloc/prof_status.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc/environment.h"
#include "alloc/procinfo_read.h"
#include "base/assert.h"

enum { MESSAGE_MAX = PATH_MAX + 256 };

/* The socket's identity: a program may close the descriptor and get the number
 * again for something of its own. */
static struct {
    int fd; /* 0: none */
    dev_t dev;
    ino_t ino;
} status;

static bool
is_status_socket(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_SEQPACKET;
}

void
prof_status_boot(bool inherit)
{
    const char *text = environment_get("JEPROBE_STATUS_FD");
    uint64_t fd;
    struct stat st;
    if (text == NULL || !proc_decimal(&text, &fd) || *text != '\0' ||
        fd <= STDERR_FILENO || fd > INT_MAX || fstat((int)fd, &st) != 0 ||
        !is_status_socket((int)fd)) {
        return;
    }
    if (!inherit) {
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
    status.fd = (int)fd;
    status.dev = st.st_dev;
    status.ino = st.st_ino;
}

static void
status_send(const char *message, size_t n)
{
    struct stat st;
    if (status.fd != 0 && fstat(status.fd, &st) == 0 &&
        st.st_dev == status.dev && st.st_ino == status.ino) {
        ssize_t sent = send(status.fd, message, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)sent;
    }
}

void
prof_status_start(void)
{
    char message[32];
    size_t n = je_format(message, sizeof(message), "start %d", (int)getpid());
    status_send(message, n);
}

void
prof_status_begin(const char *temporary)
{
    char message[MESSAGE_MAX];
    size_t n = je_format(message, sizeof(message), "begin %d %s", (int)getpid(),
                         temporary);
    status_send(message, n);
}

void
prof_status_dump(const char *path, uint64_t bytes)
{
    char message[MESSAGE_MAX];
    size_t n = je_format(message, sizeof(message), "dump %llu %s",
                         (unsigned long long)bytes, path);
    status_send(message, n);
}

void
prof_status_error(const char *text)
{
    char message[MESSAGE_MAX];
    size_t n = je_format(message, sizeof(message), "error %s", text);
    status_send(message, n);
}
