/*
 * Names and appearance of dump files: see prof_file.h.
 */
#include "alloc/prof_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/environment.h"
#include "base/assert.h"
#include "os/file.h"

enum { NUMBERS_MAX = 10000, TEMPORARIES_MAX = 64 };

#ifndef RENAME_NOREPLACE
#    define RENAME_NOREPLACE 1
#endif

static char pattern[PROF_PATH_MAX];
static char directory[PROF_PATH_MAX]; /* current one at start, or empty */
static char program[256];             /* name without directory */
static pid_t first_pid;

static void
copy_text(char *to, size_t size, const char *from)
{
    size_t n = strnlen(from, size - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

void
prof_file_boot(void)
{
    const char *given = environment_get("JEPROBE_DUMP_PATH");
    bool is_given = given != NULL && given[0] != '\0';
    copy_text(pattern, sizeof(pattern), is_given ? given : conf.dump_path);
    first_pid = getpid();
    if (syscall(SYS_getcwd, directory, sizeof(directory)) < 0) {
        directory[0] = '\0';
    }
    /* as it was called: the file behind a link may have another name */
    const char *name = program_invocation_short_name;
    name += name[0] == '-'; /* a login shell */
    copy_text(program, sizeof(program), name[0] != '\0' ? name : "program");
}

/* ---- names ------------------------------------------------------------- */

typedef struct text {
    char *buf;
    size_t size, used;
    bool is_cut;
} text_t;

static void
text_add(text_t *t, const char *s, size_t n)
{
    if (n >= t->size - t->used) {
        t->is_cut = true;
        return;
    }
    memcpy(t->buf + t->used, s, n);
    t->used += n;
    t->buf[t->used] = '\0';
}

static void
text_add_number(text_t *t, uint64_t n)
{
    char digits[24];
    size_t len =
        je_format(digits, sizeof(digits), "%llu", (unsigned long long)n);
    text_add(t, digits, len);
}

/* Where a number goes into a name: before the extension. */
static size_t
name_stem(const char *path)
{
    static const char suffix[] = ".jeprobe.json";
    size_t len = strlen(path), n = sizeof(suffix) - 1;
    if (len > n && strcmp(path + len - n, suffix) == 0) {
        return len - n;
    }
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return dot != NULL && dot != base ? (size_t)(dot - path) : len;
}

/* path with ".<number>" before its extension. */
static bool
name_numbered(char *out, const char *path, uint64_t number)
{
    text_t t = {.buf = out, .size = PROF_PATH_MAX};
    size_t stem = name_stem(path);
    text_add(&t, path, stem);
    text_add(&t, ".", 1);
    text_add_number(&t, number);
    text_add(&t, path + stem, strlen(path + stem));
    return !t.is_cut;
}

/* Expand %p %e %n %% into t. Returns whether there was a %p. */
static bool
name_expand(text_t *t, const char *from, uint64_t sequence)
{
    bool has_pid = false;
    for (const char *s = from; *s != '\0'; s++) {
        int letter = *s == '%' ? s[1] : '\0';
        switch (letter) {
        case 'p':
            has_pid = true;
            text_add_number(t, (uint64_t)getpid());
            break;
        case 'e':
            text_add(t, program, strlen(program));
            break;
        case 'n':
            text_add_number(t, sequence);
            break;
        case '%':
            text_add(t, "%", 1);
            break;
        default:
            text_add(t, s, 1);
            continue;
        }
        s++;
    }
    return has_pid;
}

/* The name wanted, in f->path. */
static bool
name_make(prof_file_t *f, const char *path, uint64_t sequence)
{
    text_t t = {.buf = f->path, .size = sizeof(f->path)};
    bool has_pid = true;
    const char *from = path != NULL ? path : pattern;
    f->path[0] = '\0';
    if (from[0] != '/' && directory[0] != '\0' && path == NULL) {
        text_add(&t, directory, strlen(directory));
        text_add(&t, "/", 1);
    }
    if (path != NULL) {
        text_add(&t, path, strlen(path));
    } else {
        has_pid = name_expand(&t, pattern, sequence);
    }
    if (!t.is_cut && !has_pid && first_pid != 0 && getpid() != first_pid) {
        copy_text(f->temporary, sizeof(f->temporary), f->path);
        t.is_cut = !name_numbered(f->path, f->temporary, (uint64_t)getpid());
    }
    return !t.is_cut;
}

/* "<directory>/.<base name>.<pid>.<attempt>" */
static bool
name_temporary(prof_file_t *f, unsigned attempt)
{
    text_t t = {.buf = f->temporary, .size = sizeof(f->temporary)};
    const char *slash = strrchr(f->path, '/');
    size_t dir = slash != NULL ? (size_t)(slash + 1 - f->path) : 0;
    text_add(&t, f->path, dir);
    text_add(&t, ".", 1);
    text_add(&t, f->path + dir, strlen(f->path + dir));
    text_add(&t, ".", 1);
    text_add_number(&t, (uint64_t)getpid());
    text_add(&t, ".", 1);
    text_add_number(&t, attempt);
    return !t.is_cut;
}

/* ---- the file ---------------------------------------------------------- */

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

bool
prof_file_open(prof_file_t *f, const char *path, uint64_t sequence)
{
    f->error = 0;
    f->bytes = 0;
    f->used = 0;
    f->fd = -1;
    if (!name_make(f, path, sequence)) {
        f->error = ENAMETOOLONG;
        return false;
    }
    for (unsigned i = 0; f->fd < 0 && i < TEMPORARIES_MAX; i++) {
        if (!name_temporary(f, i)) {
            f->error = ENAMETOOLONG;
            return false;
        }
        f->fd = fd_above_standard(
            open(f->temporary,
                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        f->error = f->fd < 0 ? errno : 0;
        if (f->fd < 0 && errno != EEXIST) {
            break; /* EEXIST: left by one that was killed */
        }
    }
    return f->fd >= 0;
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
    copy_text(wanted, sizeof(wanted), f->path);
    for (uint64_t i = 1; error == EEXIST && i < NUMBERS_MAX; i++) {
        error = name_numbered(f->path, wanted, i)
                    ? file_move(f->temporary, f->path)
                    : ENAMETOOLONG;
    }
    return error;
}

bool
prof_file_close(prof_file_t *f)
{
    file_flush(f);
    /* some file systems say only now that they are full */
    if (close(f->fd) != 0 && f->error == 0) {
        f->error = errno;
    }
    if (f->error == 0) {
        f->error = file_appear(f);
    }
    if (f->error != 0) {
        (void)unlink(f->temporary);
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
