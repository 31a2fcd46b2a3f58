#include "cli/out.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROSE_WIDTH_MAX 100u

/* What COLUMNS may ask for; anything else is no width. */
#define WIDTH_MIN 40
#define WIDTH_MAX 1000

struct out {
    FILE *file;
    const char *name;      /* for messages */
    char target[PATH_MAX]; /* to rename to; empty: written directly */
    int error;             /* errno of the first failed write, or 0 */
    unsigned width;
    bool is_terminal;
    bool is_colour;
    bool is_utf8;
};

/* The temporary file in the making; a command writes one at a time. Removed
 * when the command ends before its time, by exit or by signal. */
static char out_temp[PATH_MAX];
static volatile sig_atomic_t out_temp_set;

static void
out_remove_temp(void)
{
    if (out_temp_set) {
        out_temp_set = 0;
        unlink(out_temp);
    }
}

static void
out_on_signal(int sig)
{
    out_remove_temp();
    raise(sig); /* SA_RESETHAND has restored the default */
}

static void
out_arm_cleanup(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    static bool is_armed;
    if (is_armed)
        return;
    is_armed = true;
    atexit(out_remove_temp);
    for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        struct sigaction old;
        struct sigaction sa = {.sa_handler = out_on_signal,
                               .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&sa.sa_mask);
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(signals[i], &sa, NULL);
    }
}

/* Open a new file beside out->target, with the old one's permissions. */
static void
out_open_temp(out_t *out, mode_t mode)
{
    int n = snprintf(out_temp, sizeof(out_temp), "%s.XXXXXX", out->target);
    if (n < 0 || (size_t)n >= sizeof(out_temp))
        die(EXIT_SYSTEM, "%s: the name is too long", out->name);
    out_arm_cleanup();
    int fd = mkostemp(out_temp, O_CLOEXEC);
    if (fd < 0)
        die(EXIT_SYSTEM, "%s: cannot be written: %s", out->name,
            strerror(errno));
    out_temp_set = 1;
    if (fchmod(fd, mode) != 0)
        die(EXIT_SYSTEM, "%s: %s", out->name, strerror(errno));
    out->file = fdopen(fd, "w");
}

/* A file of that name: replaced at the end if it is a regular one or new. */
static void
out_open_file(out_t *out, const char *path)
{
    struct stat st;
    out->name = path;
    bool is_there = stat(path, &st) == 0;
    if (is_there && S_ISDIR(st.st_mode))
        die(EXIT_SYSTEM, "%s: is a directory", path);
    if (is_there && !S_ISREG(st.st_mode)) {
        out->file = fopen(path, "we");
    } else if (is_there) {
        /* Through a symbolic link the file it points to is replaced. */
        if (realpath(path, out->target) == NULL || access(path, W_OK) != 0)
            die(EXIT_SYSTEM, "%s: cannot be written: %s", path,
                strerror(errno));
        out_open_temp(out, st.st_mode & 07777);
    } else {
        mode_t mask = umask(0);
        umask(mask);
        snprintf(out->target, sizeof(out->target), "%s", path);
        out_open_temp(out, 0666 & ~mask);
    }
    if (out->file == NULL)
        die(EXIT_SYSTEM, "%s: cannot be written: %s", path, strerror(errno));
}

static void
out_look(out_t *out)
{
    struct winsize ws;
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM"), *columns = getenv("COLUMNS");
    int fd = fileno(out->file);
    unsigned long wanted;

    out->width = 80;
    out->is_terminal = isatty(fd) == 1;
    out->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    out->is_colour = out->is_terminal &&
                     (no_colour == NULL || no_colour[0] == '\0') &&
                     term != NULL && strcmp(term, "dumb") != 0;
    if (out->is_terminal && ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
        out->width = ws.ws_col;
    wanted = columns != NULL ? strtoul(columns, NULL, 10) : 0;
    if (wanted >= WIDTH_MIN && wanted <= WIDTH_MAX)
        out->width = (unsigned)wanted;
}

out_t *
out_open(const char *path)
{
    out_t *out = calloc(1, sizeof(*out));
    if (out == NULL)
        die(EXIT_SYSTEM, "out of memory");
    if (path == NULL || strcmp(path, "-") == 0) {
        out->name = "standard output";
        out->file = stdout;
    } else {
        out_open_file(out, path);
    }
    out_look(out);
    return out;
}

static void
out_check(out_t *out, bool is_good)
{
    if (!is_good && out->error == 0)
        out->error = errno != 0 ? errno : EIO;
}

int
out_close(out_t *out)
{
    int status = EXIT_FINE;
    errno = 0;
    out_check(out, fflush(out->file) == 0 && !ferror(out->file));
    if (out->file != stdout)
        out_check(out, fclose(out->file) == 0);
    if (out->error == 0 && out->target[0] != '\0') {
        out_check(out, rename(out_temp, out->target) == 0);
        if (out->error == 0)
            out_temp_set = 0;
    }
    out_remove_temp();
    if (out->error != 0) {
        warn("%s: not written: %s", out->name, strerror(out->error));
        status = EXIT_SYSTEM;
    }
    free(out);
    return status;
}

void
out_write(out_t *out, const void *data, size_t size)
{
    errno = 0;
    out_check(out, fwrite(data, 1, size, out->file) == size);
}

void
out_puts(out_t *out, const char *text)
{
    out_write(out, text, strlen(text));
}

void
out_printf(out_t *out, const char *fmt, ...)
{
    va_list ap;
    errno = 0;
    va_start(ap, fmt);
    out_check(out, vfprintf(out->file, fmt, ap) >= 0);
    va_end(ap);
}

void
out_text(out_t *out, const char *text)
{
    /* An escape takes at most four times the bytes that it stands for. */
    size_t size = strlen(text) * 4 + 1;
    char small[256];
    char *buf = size <= sizeof(small) ? small : malloc(size);
    if (buf == NULL)
        die(EXIT_SYSTEM, "out of memory");
    out_puts(out, text_escape(buf, size, text));
    if (buf != small)
        free(buf);
}

void
out_wrap(out_t *out, const char *text, unsigned from)
{
    unsigned width = out->width < from + 30 ? from + 30 : out->width;
    unsigned column = from;
    while (*text != '\0') {
        unsigned len = (unsigned)strcspn(text, " ");
        if (column > from && column + 1 + len > width) {
            out_printf(out, "\n%*s", (int)from, "");
            column = from;
        } else if (column > from) {
            out_puts(out, " ");
            column++;
        }
        out_write(out, text, len);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    out_puts(out, "\n");
}

unsigned
out_width(const out_t *out)
{
    return out->width;
}

unsigned
out_prose_width(const out_t *out)
{
    return JE_MIN(out->width, PROSE_WIDTH_MAX);
}

bool
out_is_colour(const out_t *out)
{
    return out->is_colour;
}

bool
out_is_utf8(const out_t *out)
{
    return out->is_utf8;
}

bool
out_is_terminal(const out_t *out)
{
    return out->is_terminal;
}
