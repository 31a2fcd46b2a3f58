/*
 * Lines and numbers of /proc: see procinfo_read.h.
 */
#include "alloc/procinfo_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"

bool
proc_lines_open(proc_lines_t *r, const char *path)
{
    r->start = 0;
    r->end = 0;
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    return r->fd >= 0;
}

void
proc_lines_close(proc_lines_t *r)
{
    (void)close(r->fd);
}

/* More bytes behind the unread ones. False at the end or without room. */
static bool
lines_fill(proc_lines_t *r)
{
    memmove(r->buf, r->buf + r->start, r->end - r->start);
    r->end -= r->start;
    r->start = 0;
    if (r->end == sizeof(r->buf) - 1) {
        return false;
    }
    ssize_t n;
    do {
        n = read(r->fd, r->buf + r->end, sizeof(r->buf) - 1 - r->end);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return false;
    }
    r->end += (size_t)n;
    return true;
}

char *
proc_lines_next(proc_lines_t *r)
{
    for (;;) {
        char *line = r->buf + r->start;
        char *newline = memchr(line, '\n', r->end - r->start);
        if (newline != NULL) {
            *newline = '\0';
            r->start = (size_t)(newline + 1 - r->buf);
            return line;
        }
        if (!lines_fill(r)) {
            if (r->start == r->end) {
                return NULL;
            }
            line = r->buf + r->start;
            r->buf[r->end] = '\0';
            r->start = r->end;
            return line;
        }
    }
}

bool
proc_decimal(const char **s, uint64_t *value)
{
    uint64_t v = 0;
    const char *at = *s;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*at - '0'), &v)) {
            return false;
        }
    }
    bool found = at != *s;
    *s = at;
    *value = v;
    return found;
}

bool
proc_hex(const char **s, uint64_t *value)
{
    uint64_t v = 0;
    const char *at = *s;
    for (;; at++) {
        if (*at >= '0' && *at <= '9') {
            v = v << 4 | (uint64_t)(*at - '0');
        } else if (*at >= 'a' && *at <= 'f') {
            v = v << 4 | (uint64_t)(*at - 'a' + 10);
        } else {
            break;
        }
    }
    bool found = at != *s && at - *s <= 16;
    *s = at;
    *value = v;
    return found;
}

bool
proc_kib_field(const char *line, const char *key, uint64_t *bytes)
{
    size_t n = strlen(key);
    if (strncmp(line, key, n) != 0) {
        return false;
    }
    line += n;
    while (*line == ' ' || *line == '\t') {
        line++;
    }
    if (!proc_decimal(&line, bytes)) {
        return false;
    }
    *bytes <<= 10;
    return true;
}

bool
proc_number_file(const char *path, uint64_t *value)
{
    char text[32];
    const char *s = text;
    return os_file_read(path, text, sizeof(text)) > 0 &&
           proc_decimal(&s, value);
}
