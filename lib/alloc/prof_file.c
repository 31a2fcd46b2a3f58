/*
 * Appearance of dump files: see prof_file.h.
 */
#include "alloc/prof_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc/prof_status.h"
#include "base/assert.h"
#include "os/file.h"

enum { NUMBERS_MAX = 10000, TEMPORARIES_MAX = 64 };

#ifndef RENAME_NOREPLACE
#    define RENAME_NOREPLACE 1
#endif

/* Not one of the standard descriptors, which the program may have closed: what
 * we or it say on stderr would go into the file. */
static int
fd_above_standard(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    (void)close(fd);
    errno = error;
    return moved;
}

/* Whether `fd` is the file of that name. */
static bool
file_is_at(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino && S_ISREG(a.st_mode);
}

/* Remove what a killed process has left under a temporary name. */
static bool
file_remove_stale(const char *path)
{
    bool is_removed = false;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && file_is_at(fd, path)) {
        is_removed = unlink(path) == 0;
    }
    (void)close(fd);
    return is_removed;
}

/* Create the temporary file and lock it. Returns an errno; EEXIST: another one
 * has that name. */
static int
file_create(prof_file_t *f)
{
    int fd = open(f->temporary,
                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno;
    }
    f->fd = fd_above_standard(fd);
    if (f->fd < 0) {
        int error = errno;
        (void)unlink(f->temporary);
        return error;
    }
    bool is_locked = flock(f->fd, LOCK_EX | LOCK_NB) == 0;
    if (!is_locked && errno != EWOULDBLOCK) {
        return 0; /* a file system without locks: nobody will remove it */
    }
    if (is_locked && file_is_at(f->fd, f->temporary)) {
        return 0;
    }
    /* somebody took it for stale before it was locked */
    (void)close(f->fd);
    f->fd = -1;
    return EEXIST;
}

bool
prof_file_open(prof_file_t *f, const char *path, uint64_t sequence)
{
    f->error = EEXIST;
    f->bytes = 0;
    f->used = 0;
    f->fd = -1;
    if (!prof_name_make(f->path, path, sequence)) {
        f->error = ENAMETOOLONG;
        return false;
    }
    for (unsigned i = 0; f->error == EEXIST && i < TEMPORARIES_MAX; i++) {
        if (!prof_name_temporary(f->temporary, f->path, i)) {
            f->error = ENAMETOOLONG;
            return false;
        }
        prof_status_begin(f->temporary);
        f->error = file_create(f);
        if (f->error == EEXIST && file_remove_stale(f->temporary)) {
            f->error = file_create(f);
        }
    }
    return f->error == 0;
}

bool
prof_file_open_plain(prof_file_t *f, const char *path)
{
    f->error = 0;
    f->bytes = 0;
    f->used = 0;
    f->temporary[0] = '\0';
    size_t n = strnlen(path, sizeof(f->path));
    if (n == sizeof(f->path)) {
        f->path[0] = '\0';
        f->error = ENAMETOOLONG;
        return false;
    }
    memcpy(f->path, path, n + 1);
    f->fd = fd_above_standard(
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644));
    f->error = f->fd < 0 ? errno : 0;
    return f->error == 0;
}

static void
file_flush(prof_file_t *f)
{
    if (f->error == 0 && f->used > 0) {
        f->error = os_file_write_all(f->fd, f->buf, f->used);
        f->bytes += f->used;
    }
    f->used = 0;
}

void
prof_file_write(prof_file_t *f, const char *data, size_t n)
{
    while (n > 0) {
        size_t room = sizeof(f->buf) - f->used;
        size_t part = n < room ? n : room;
        memcpy(f->buf + f->used, data, part);
        f->used += part;
        data += part;
        n -= part;
        if (f->used == sizeof(f->buf)) {
            file_flush(f);
        }
    }
}

void
prof_file_rewind(prof_file_t *f)
{
    f->used = 0;
    f->bytes = 0;
    if (f->error == 0 &&
        (lseek(f->fd, 0, SEEK_SET) != 0 || ftruncate(f->fd, 0) != 0)) {
        f->error = errno;
    }
}

/* Move the file to `to` unless something has that name. Returns an errno. */
static int
file_move(const char *from, const char *to)
{
    if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
                RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    /* a file system or kernel without it */
    if (link(from, to) != 0) {
        return errno;
    }
    (void)unlink(from);
    return 0;
}

static int
file_appear(prof_file_t *f)
{
    int error = file_move(f->temporary, f->path);
    char wanted[PROF_PATH_MAX];
    memcpy(wanted, f->path, sizeof(wanted));
    for (uint64_t i = 1; error == EEXIST && i < NUMBERS_MAX; i++) {
        error = prof_name_numbered(f->path, wanted, i)
                    ? file_move(f->temporary, f->path)
                    : ENAMETOOLONG;
    }
    return error;
}

bool
prof_file_close(prof_file_t *f)
{
    file_flush(f);
    /* some file systems say only now that they are full; the lock lasts until
     * the file has its name */
    int lock = fcntl(f->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (close(f->fd) != 0 && f->error == 0) {
        f->error = errno;
    }
    bool is_plain = f->temporary[0] == '\0';
    if (f->error == 0 && !is_plain) {
        f->error = file_appear(f);
    }
    if (f->error != 0 && !is_plain) {
        (void)unlink(f->temporary);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    return f->error == 0;
}

const char *
prof_file_error(int error, char *buf, size_t size)
{
    static const struct {
        int error;
        const char *text;
    } known[] = {
        {EACCES, "permission denied"},
        {EBUSY, "another dump takes too long"},
        {EDQUOT, "disk quota exceeded"},
        {EEXIST, "too many files of this name"},
        {EFBIG, "file too large"},
        {EINVAL, "invalid argument"},
        {EIO, "input/output error"},
        {EISDIR, "is a directory"},
        {ELOOP, "too many symbolic links"},
        {EMFILE, "too many open files"},
        {ENAMETOOLONG, "file name too long"},
        {ENFILE, "too many open files in the system"},
        {ENOENT, "no such directory"},
        {ENOMEM, "out of memory"},
        {ENOSPC, "no space left on device"},
        {ENOTDIR, "not a directory"},
        {EPERM, "operation not permitted"},
        {EROFS, "read-only file system"},
    };

    for (unsigned i = 0; i < JE_ARRAY_LEN(known); i++) {
        if (known[i].error == error) {
            return known[i].text;
        }
    }
    (void)je_format(buf, size, "error %d", error);
    return buf;
}
