/*
 * Names of dump files: see prof_name.h.
 */
#include "alloc/prof_name.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/environment.h"
#include "base/assert.h"

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
prof_name_boot(void)
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

typedef struct text {
    char *buf;
    size_t size, used;
    size_t wanted; /* bytes that were to be added; more than used: it is cut */
} text_t;

static void
text_add(text_t *t, const char *s, size_t n)
{
    t->wanted += n;
    if (n < t->size - t->used && t->wanted == t->used + n) {
        memcpy(t->buf + t->used, s, n);
        t->used += n;
        t->buf[t->used] = '\0';
    }
}

static void
text_add_number(text_t *t, uint64_t n)
{
    char digits[24];
    size_t len =
        je_format(digits, sizeof(digits), "%llu", (unsigned long long)n);
    text_add(t, digits, len);
}

static bool
text_is_cut(const text_t *t)
{
    return t->wanted > t->used;
}

/* Where the base name of `path` begins. */
static size_t
name_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? (size_t)(slash + 1 - path) : 0;
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
    const char *base = path + name_base(path);
    const char *dot = strrchr(base, '.');
    /* what is longer is no extension, and must not crowd the rest out */
    bool has_extension = dot != NULL && dot != base && strlen(dot) <= 64;
    return has_extension ? (size_t)(dot - path) : len;
}

/* Bytes that a base name may have in the directory of `path`. */
static size_t
name_room(const char *path)
{
    char dir[PROF_PATH_MAX];
    struct statfs fs;
    size_t base = name_base(path), room = NAME_MAX;
    copy_text(dir, base < sizeof(dir) ? base + 1 : sizeof(dir), path);
    if (statfs(base > 0 ? dir : ".", &fs) == 0 && fs.f_namelen > 0 &&
        (size_t)fs.f_namelen < room) {
        room = (size_t)fs.f_namelen;
    }
    size_t rest = PROF_PATH_MAX - 1 - base;
    return rest < room ? rest : room;
}

/* The length at most n of a prefix of s that has no part of a character. */
static size_t
name_whole(const char *s, size_t n)
{
    size_t whole = n;
    while (whole > 0 && n - whole < 4 && (s[whole] & 0xc0) == 0x80) {
        whole--;
    }
    return whole;
}

/* path with `mark` before its extension, and with as much of what is before
 * the mark as lets the base name have `room` bytes. */
static bool
name_marked(char *out, const char *path, const char *mark, size_t room)
{
    text_t t = {.buf = out, .size = PROF_PATH_MAX};
    size_t base = name_base(path), stem = name_stem(path);
    size_t others = strlen(mark) + strlen(path + stem);
    if (others >= room) {
        return false;
    }
    size_t part = stem - base, most = room - others;
    part = part > most ? name_whole(path + base, most) : part;
    text_add(&t, path, base + part);
    text_add(&t, mark, strlen(mark));
    text_add(&t, path + stem, strlen(path + stem));
    return !text_is_cut(&t);
}

static bool
name_numbered(char *out, const char *path, uint64_t number, size_t room)
{
    char mark[24];
    (void)je_format(mark, sizeof(mark), ".%llu", (unsigned long long)number);
    return name_marked(out, path, mark, room);
}

bool
prof_name_numbered(char out[PROF_PATH_MAX], const char *path, uint64_t number)
{
    return name_numbered(out, path, number, name_room(path));
}

/* What goes into a name for the letters of the pattern. */
typedef struct name_parts {
    uint64_t sequence;
    size_t program_bytes; /* of %e */
    unsigned programs;    /* how many %e there were */
    bool has_pid;
} name_parts_t;

/* Expand %p %e %n %% of [from, to) into t. */
static void
name_expand(text_t *t, const char *from, const char *to, name_parts_t *parts)
{
    for (const char *s = from; s < to; s++) {
        int letter = *s == '%' ? s[1] : '\0';
        switch (letter) {
        case 'p':
            parts->has_pid = true;
            text_add_number(t, (uint64_t)getpid());
            break;
        case 'e':
            parts->programs++;
            text_add(t, program, parts->program_bytes);
            break;
        case 'n':
            text_add_number(t, parts->sequence);
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
}

/* The base name, with as much of the program's name as it has room for. */
static void
name_expand_base(text_t *t, const char *from, size_t room, name_parts_t *parts)
{
    const char *to = from + strlen(from);
    const text_t before = *t;
    parts->programs = 0;
    name_expand(t, from, to, parts);
    size_t length = t->wanted - before.wanted;
    if (length <= room || parts->programs == 0) {
        return;
    }
    size_t less = (length - room + parts->programs - 1) / parts->programs;
    parts->program_bytes =
        less < parts->program_bytes
            ? name_whole(program, parts->program_bytes - less)
            : 0;
    *t = before;
    name_expand(t, from, to, parts);
}

bool
prof_name_make(char out[PROF_PATH_MAX], const char *path, uint64_t sequence)
{
    enum { NUMBER_ROOM = 5 }; /* ".9999": it may turn out to be taken */

    char plain[PROF_PATH_MAX];
    text_t t = {.buf = path != NULL ? out : plain, .size = PROF_PATH_MAX};
    name_parts_t parts = {.sequence = sequence,
                          .program_bytes = strlen(program)};
    t.buf[0] = '\0';
    if (path != NULL) {
        text_add(&t, path, strlen(path));
        return !text_is_cut(&t);
    }
    if (pattern[0] != '/' && directory[0] != '\0') {
        text_add(&t, directory, strlen(directory));
        text_add(&t, "/", 1);
    }
    const char *base = pattern + name_base(pattern);
    name_expand(&t, pattern, base, &parts);
    size_t room = name_room(plain);
    room -= room > 2 * NUMBER_ROOM ? NUMBER_ROOM : 0;
    name_expand_base(&t, base, room, &parts);
    bool is_child = first_pid != 0 && getpid() != first_pid;
    copy_text(out, PROF_PATH_MAX, plain); /* to be named if there is no room */
    return !text_is_cut(&t) &&
           (is_child && !parts.has_pid
                ? name_numbered(out, plain, (uint64_t)getpid(), room)
                : name_marked(out, plain, "", room));
}

bool
prof_name_temporary(char out[PROF_PATH_MAX], const char *path, unsigned attempt)
{
    char mark[24];
    text_t t = {.buf = out, .size = PROF_PATH_MAX};
    size_t base = name_base(path), room = name_room(path);
    size_t n = je_format(mark, sizeof(mark), ".%u.tmp", attempt);
    size_t part = strlen(path + base), most = room - 1 - n;
    if (room <= n + 1) {
        return false;
    }
    text_add(&t, path, base);
    text_add(&t, ".", 1);
    text_add(&t, path + base,
             part > most ? name_whole(path + base, most) : part);
    text_add(&t, mark, n);
    return !text_is_cut(&t);
}
