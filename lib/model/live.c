/* Reading of the kernel's files: opening, lines, numbers, and what went wrong.
 */
#include "model/live.h"

#include "dump/kernfile.h"
#include "dump/perr.h"
#include "dump/procfs_line.h"
#include "dump/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX_LENGTH 8192

const char *
live_copy(struct live *live, const char *text)
{
    /* NULL is a copy that could not be made. */
    const char *own = text != NULL ? intern_text(&live->texts, text) : NULL;

    live->is_failed |= own == NULL;
    return own;
}

const char *
live_text(struct live *live, const char *format, ...)
{
    char text[TEXT_MAX_LENGTH];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return live_copy(live, text);
}

const char *
live_piece(struct live *live, const char *text, size_t length)
{
    return live_text(live, "%.*s", (int)JE_MIN(length, TEXT_MAX_LENGTH), text);
}

void
live_unread(struct live *live, const char *file, const char *why)
{
    if (live->is_failed)
        return;
    for (size_t i = 0; i < live->unread_count; i++) {
        if (strcmp(live->unread[i].file, file) == 0)
            return;
    }
    if (!intern_grow((void **)&live->unread, &live->unread_capacity,
                     live->unread_count, sizeof(*live->unread))) {
        live->is_failed = true;
        return;
    }
    live->unread[live->unread_count++] =
        (struct jep_unread){live_copy(live, file), live_copy(live, why)};
}

struct live_path
live_root_path(struct live *live, const char *relative)
{
    return (struct live_path){live->root, relative,
                              live_text(live, "/%s", relative)};
}

struct live_path
live_process_path(struct live *live, const char *relative)
{
    return (struct live_path){
        live->dir, relative,
        live_text(live, "%s/%s", live->dir_path, relative)};
}

/* ---- files -------------------------------------------------------------- */

/* A pipe or a device in a copied tree must not stop us. */
int
live_open(const struct live_path *path)
{
    int fd = openat(path->dir, path->relative,
                    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* NULL if it cannot be opened: listed unless it is not there. */
static reader_t *
open_reader(struct live *live, const struct live_path *path)
{
    struct jep_error error = {0};
    reader_t *reader = NULL;
    int fd = live_open(path);

    if (live->is_failed) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (fd < 0) {
        /* ESRCH: a kernel thread has no memory to tell of. */
        if (errno != ENOENT && errno != ENOTDIR && errno != ESRCH)
            live_unread(live, path->shown,
                        errno == EINVAL ? "is not an ordinary file"
                                        : strerror(errno));
        return NULL;
    }
    live->is_failed |= reader_open_fd(fd, &reader, &error) != JEP_OK;
    return reader;
}

/* Kernel threads have such files, and reading them says that. */
static void
read_failed(struct live *live, const char *shown, const struct jep_error *error)
{
    if (error->code == JEP_ERR_MEMORY)
        live->is_failed = true;
    else if (strstr(error->text, strerror(ESRCH)) == NULL)
        live_unread(live, shown, error->text);
}

uint64_t
live_lines(struct live *live, const struct live_path *path, live_line_fn *line,
           void *context)
{
    reader_t *reader = open_reader(live, path);
    struct jep_error error = {0};
    jep_status_t status = JEP_OK;
    struct reader_line read;
    uint64_t count = 0;

    if (reader == NULL)
        return 0;
    while (!live->is_failed) {
        status = reader_line(reader, &read, &error);
        if (status == JEP_OK && reader_is_long(reader))
            status = perr_set(&error, JEP_ERR_LIMIT, count + 1, 1,
                              "has a line that is longer than 1 MiB");
        if (status != JEP_OK || read.text == NULL)
            break;
        count = read.number;
        line(live, context, read.text, read.length, count);
    }
    if (status != JEP_OK)
        read_failed(live, path->shown, &error);
    reader_close(reader);
    return count;
}

char *
live_bytes(struct live *live, const struct live_path *path, size_t most,
           size_t *length)
{
    reader_t *reader = open_reader(live, path);
    struct jep_error error = {0};
    jep_status_t status = JEP_OK;
    char *all = NULL;

    *length = 0;
    while (reader != NULL && *length < most) {
        const char *block;
        size_t n;
        char *grown;

        status = reader_block(reader, &block, &n, &error);
        if (status != JEP_OK || n == 0)
            break;
        n = JE_MIN(n, most - *length);
        grown = realloc(all, *length + n + 1);
        if (grown == NULL) {
            live->is_failed = true;
            break;
        }
        all = grown;
        memcpy(all + *length, block, n);
        *length += n;
        all[*length] = '\0';
    }
    if (status != JEP_OK)
        read_failed(live, path->shown, &error);
    reader_close(reader);
    return all;
}

/* ---- facts -------------------------------------------------------------- */

void
live_set(struct jep_fact *fact, uint64_t value, const char *file, uint64_t line)
{
    fact->figure = (struct jep_figure){
        .value = value, .line = (uint32_t)line, .known = true};
    fact->is_unlimited = false;
    fact->file = file;
}

void
live_set_unlimited(struct jep_fact *fact, const char *file)
{
    fact->figure = (struct jep_figure){0};
    fact->is_unlimited = true;
    fact->file = file;
}

void
live_set_text(struct jep_fact *fact, const char *text, const char *file)
{
    fact->text = text;
    fact->file = file;
}

struct number_line {
    struct jep_fact *fact;
    uint64_t unit;
    const char *file;
    bool is_broken;
};

static void
on_number_line(struct live *live, void *context, char *text, size_t length,
               uint64_t number)
{
    struct number_line *at = context;
    enum kernfile_number kind;
    uint64_t value;

    (void)live;
    if (number > 1)
        return;
    kind = kernfile_number(text, length, &value);
    if (kind == KERNFILE_MAX)
        live_set_unlimited(at->fact, at->file);
    else if ((kind == KERNFILE_NEGATIVE && at->fact->kind != JEP_FACT_SIGNED) ||
             kind == KERNFILE_BROKEN ||
             __builtin_mul_overflow(value, at->unit, &value))
        at->is_broken = true;
    else
        live_set(at->fact, value, at->file, 0);
}

void
live_number(struct live *live, const struct live_path *path,
            struct jep_fact *fact, uint64_t unit)
{
    struct number_line at = {fact, unit, path->shown, false};

    live_lines(live, path, on_number_line, &at);
    if (at.is_broken)
        live_unread(live, path->shown, "holds no number");
}

struct pressure {
    struct jep_fact *some, *full;
    const char *file;
};

static void
on_pressure_line(struct live *live, void *context, char *text, size_t length,
                 uint64_t number)
{
    struct pressure *at = context;
    uint64_t hundredths;
    bool is_full;

    (void)length;
    if (procfs_pressure(text, &is_full, &hundredths))
        live_set(is_full ? at->full : at->some, hundredths, at->file, number);
    else
        live_unread(live, at->file, "holds no pressure");
}

void
live_pressure(struct live *live, const struct live_path *path,
              struct jep_fact *some, struct jep_fact *full)
{
    struct pressure at = {some, full, path->shown};

    live_lines(live, path, on_pressure_line, &at);
}

const char *
live_variable(const struct live *live, const char *name)
{
    for (size_t i = 0; i < live->variable_count; i++) {
        if (strcmp(live->variables[i].name, name) == 0)
            return live->variables[i].value;
    }
    return NULL;
}

/* ---- all of it ---------------------------------------------------------- */

static jep_status_t
open_root(struct live *live, const char *root, struct jep_error *error)
{
    struct stat st;

    live->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (live->root < 0)
        return perr_set(error, JEP_ERR_IO, 0, 0, "cannot open: %s",
                        strerror(errno));
    if (fstatat(live->root, "proc", &st, 0) != 0 || !S_ISDIR(st.st_mode))
        return perr_set(error, JEP_ERR_IO, 0, 0,
                        "has no directory proc to read from");
    return JEP_OK;
}

static jep_status_t
open_process(struct live *live, struct jep_error *error)
{
    char path[64] = "proc/self";

    if (live->pid != 0)
        snprintf(path, sizeof(path), "proc/%llu",
                 (unsigned long long)live->pid);
    live->dir_path = live_text(live, "/%s", path);
    live->dir = openat(live->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (live->dir >= 0 || live->pid == 0)
        return JEP_OK;
    if (errno == ENOENT)
        return perr_set(error, JEP_ERR_IO, 0, 0, "there is no process %llu",
                        (unsigned long long)live->pid);
    return perr_set(error, JEP_ERR_IO, 0, 0, "process %llu: %s",
                    (unsigned long long)live->pid, strerror(errno));
}

/* Whether the process is still the one that was opened. */
static bool
is_there(const struct live *live)
{
    int fd = openat(live->dir, "status", O_RDONLY | O_CLOEXEC);
    char byte;
    bool is_read =
        fd < 0 ? errno == EACCES || errno == EPERM : read(fd, &byte, 1) == 1;

    if (fd >= 0)
        close(fd);
    return is_read;
}

static jep_status_t
read_all(struct live *live, const char *root, struct jep_error *error)
{
    jep_status_t status = open_root(live, root, error);

    if (status == JEP_OK)
        status = open_process(live, error);
    if (status != JEP_OK)
        return status;
    live_machine(live);
    if (live->pid != 0)
        live_process(live);
    if (live->dir >= 0)
        live_groups(live);
    if (live->pid != 0)
        live_allocators(live);
    if (live->is_failed)
        return perr_memory(error);
    if (live->pid != 0 && !is_there(live))
        return perr_set(error, JEP_ERR_IO, 0, 0,
                        "process %llu ended while it was looked at",
                        (unsigned long long)live->pid);
    return JEP_OK;
}

jep_status_t
live_read(struct live *live, const char *root, uint64_t pid,
          struct jep_error *error)
{
    jep_status_t status;

    *live = (struct live){.root = -1, .dir = -1, .pid = pid};
    live_facts_init(live->facts, 0, LIVE_GROUP);
    status = read_all(live, root, error);
    if (live->root >= 0)
        close(live->root);
    if (live->dir >= 0)
        close(live->dir);
    if (status != JEP_OK)
        live_free(live);
    return status;
}

void
live_free(struct live *live)
{
    free(live->groups);
    free(live->objects);
    free(live->allocators);
    free(live->preloads);
    free(live->variables);
    free(live->confs);
    free(live->unread);
    intern_text_free(&live->texts);
}
