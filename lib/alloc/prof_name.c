/*
 * Names of dump files: see prof_name.h.
 */
#include "alloc/prof_name.h"

#include <errno.h>
#include <string.h>
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

bool
prof_name_numbered(char out[PROF_PATH_MAX], const char *path, uint64_t number)
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

bool
prof_name_make(char out[PROF_PATH_MAX], const char *path, uint64_t sequence)
{
    text_t t = {.buf = out, .size = PROF_PATH_MAX};
    bool has_pid = true;
    const char *from = path != NULL ? path : pattern;
    out[0] = '\0';
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
        char plain[PROF_PATH_MAX];
        copy_text(plain, sizeof(plain), out);
        t.is_cut = !prof_name_numbered(out, plain, (uint64_t)getpid());
    }
    return !t.is_cut;
}

bool
prof_name_temporary(char out[PROF_PATH_MAX], const char *path, unsigned attempt)
{
    text_t t = {.buf = out, .size = PROF_PATH_MAX};
    const char *slash = strrchr(path, '/');
    size_t dir = slash != NULL ? (size_t)(slash + 1 - path) : 0;
    text_add(&t, path, dir);
    text_add(&t, ".", 1);
    text_add(&t, path + dir, strlen(path + dir));
    text_add(&t, ".", 1);
    text_add_number(&t, (uint64_t)getpid());
    text_add(&t, ".", 1);
    text_add_number(&t, attempt);
    return !t.is_cut;
}
