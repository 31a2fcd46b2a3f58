/*
 * Small files without libc's buffering: see file.h.
 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/macros.h"

/* A thread is not cancelled in malloc. */
static int
file_disable_cancel(void)
{
    int before = PTHREAD_CANCEL_ENABLE;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static ssize_t
file_read(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t have = 0;
    while (have < size - 1) {
        ssize_t n = read(fd, buf + have, size - 1 - have);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        have += (size_t)n;
    }
    (void)close(fd);
    buf[have] = '\0';
    return (ssize_t)have;
}

ssize_t
os_file_read(const char *path, char *buf, size_t size)
{
    int cancel = file_disable_cancel();
    ssize_t n = file_read(path, buf, size);
    (void)pthread_setcancelstate(cancel, NULL);
    return n;
}

static ssize_t
file_count_lines(const char *path)
{
    char buf[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    ssize_t lines = 0, n;
    while ((n = read(fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)) {
        for (ssize_t i = 0; i < n; i++) {
            lines += buf[i] == '\n';
        }
    }
    (void)close(fd);
    return n < 0 ? -1 : lines;
}

ssize_t
os_file_count_lines(const char *path)
{
    int cancel = file_disable_cancel();
    ssize_t n = file_count_lines(path);
    (void)pthread_setcancelstate(cancel, NULL);
    return n;
}

int
os_file_write_all(int fd, const char *buf, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, buf, size);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno;
        }
        buf += n;
        size -= (size_t)n;
    }
    return 0;
}
