/*
 * Half-written dumps of processes that were killed.
 *
 * Who writes one holds a lock on it (see alloc/prof_file.h), so a file that can
 * be locked has no writer any more. Another process may have replaced it or
 * given it its name before it was locked here: that one is left alone.
 */
#include "cli/run.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
run_is_at(int fd, const char *path)
{
    struct stat a;
    struct stat b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void
run_stale_remove(const run_log_t *log)
{
    for (unsigned i = 0; i < log->begun_count; i++) {
        const char *path = log->begun[i].temporary;
        int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && run_is_at(fd, path))
            unlink(path);
        close(fd);
    }
}
