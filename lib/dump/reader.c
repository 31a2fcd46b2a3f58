/* Bounded input: a file, standard input, or either of them compressed.
 *
 * zlib reads plain files through the same calls, so that there is one path.
 * One buffer serves blocks and lines; it grows only for a long line.  Of a
 * large file it is one piece after the other of what was read ahead: what is
 * left of a line moves in front of the next. */
#include "dump/reader.h"

#include "dump/ahead.h"
#include "dump/perr.h"
#include "dump/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct reader {
    gzFile file;
    ahead_t *ahead; /* reads it; NULL = nobody else does */
    bool may_go_ahead;
    char *own;    /* a buffer, for longer lines than pieces are */
    size_t size;  /* of it; one byte more is allocated */
    char *buffer; /* that one, or a piece that was read ahead */
    char *rest;   /* of another such piece */
    size_t rest_length;
    size_t start, end; /* unread part of the buffer */
    uint64_t total;    /* bytes read so far */
    uint64_t line;
    const char *damage; /* where it ends too early; NULL = it does not */
    bool at_end;
    bool is_long;   /* the next line is longer than the buffer may be */
    size_t scanned; /* up to where lines were looked for */
    size_t next;    /* of those that were found */
    struct scan_lines found;
    struct reader_skip skips[READER_SKIPS_MAX];
    size_t skip_count;
};

#define READER_PIECE 4096u
#define AHEAD_FROM   (4 * READER_CHUNK) /* below it is not worth a thread */

_Static_assert(READER_CHUNK <= AHEAD_ROOM, "a peek may go on in a piece");
_Static_assert(READER_LINE_MAX % READER_CHUNK == 0 &&
                   (READER_LINE_MAX & (READER_LINE_MAX - 1)) == 0,
               "the buffer is full with the longest line");

static jep_status_t
open_descriptor(const char *path, int *fd, struct jep_error *error)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        *fd = dup(STDIN_FILENO);
    else
        *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return perr_set(error, JEP_ERR_IO, 0, 0, "cannot open: %s",
                        strerror(errno));
    if (fstat(*fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(*fd);
        return perr_set(error, JEP_ERR_IO, 0, 0, "is a directory");
    }
    return JEP_OK;
}

jep_status_t
reader_open(const char *path, reader_t **out, struct jep_error *error)
{
    jep_status_t status;
    int fd;

    *out = NULL;
    status = open_descriptor(path, &fd, error);
    return status != JEP_OK ? status : reader_open_fd(fd, out, error);
}

/* Whether another thread may read: a file never makes it wait for ever, and
 * there is a processor for it. */
static bool
can_go_ahead(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

jep_status_t
reader_open_fd(int fd, reader_t **out, struct jep_error *error)
{
    reader_t *reader = calloc(1, sizeof(*reader));

    *out = NULL;
    if (reader == NULL) {
        close(fd);
        return perr_memory(error);
    }
    reader->may_go_ahead = can_go_ahead(fd);
    reader->size = READER_CHUNK;
    reader->buffer = reader->own = malloc(reader->size + 1);
    reader->file = gzdopen(fd, "rb");
    if (reader->file == NULL)
        close(fd);
    if (reader->buffer == NULL || reader->file == NULL) {
        reader_close(reader);
        return perr_memory(error);
    }
    *out = reader;
    return JEP_OK;
}

void
reader_close(reader_t *reader)
{
    if (reader == NULL)
        return;
    if (reader->ahead != NULL)
        ahead_stop(reader->ahead);
    if (reader->file != NULL)
        gzclose(reader->file);
    free(reader->own);
    free(reader);
}

/* Compressed data that is cut off or damaged reads as far as it goes: true, and
 * the input ends here. */
static bool
is_damaged(reader_t *reader)
{
    int code;
    const char *text = gzerror(reader->file, &code);

    if (reader->total + reader->end == 0)
        return false;
    if (code == Z_BUF_ERROR)
        text = "the compressed data has no end: read as far as it goes";
    else if (code == Z_DATA_ERROR)
        text = "the compressed data is damaged: read up to there";
    else
        return false;
    reader->damage = text;
    reader->at_end = true;
    return true;
}

static jep_status_t
read_failed(reader_t *reader, struct jep_error *error)
{
    int code;
    const char *text = gzerror(reader->file, &code);

    if (code == Z_ERRNO)
        text = strerror(errno);
    else if (code == Z_BUF_ERROR)
        text = "the compressed data has no end";
    return perr_set(error, JEP_ERR_IO, 0, 0, "cannot read: %s", text);
}

/* One piece at a time: zlib drops what it has of a piece when it finds the
 * data damaged.  Plain files have nothing to lose. */
static unsigned
piece_length(const reader_t *reader)
{
    return gzdirect(reader->file) ? (unsigned)READER_CHUNK : READER_PIECE;
}

/* From here on another thread reads, if it is worth one. */
static void
go_ahead(reader_t *reader)
{
    if (!reader->may_go_ahead || reader->total < AHEAD_FROM)
        return;
    reader->may_go_ahead = false;
    reader->ahead = ahead_start(reader->file, piece_length(reader));
}

/* What another thread has read; nothing is left of it. */
static int
take_ahead(reader_t *reader, char **bytes)
{
    int n = (int)reader->rest_length;

    *bytes = reader->rest;
    reader->rest_length = 0;
    return n > 0 ? n : ahead_next(reader->ahead, bytes);
}

/* Copy of that what fits into `length` bytes. */
static int
copy_ahead(reader_t *reader, char *to, unsigned length)
{
    char *bytes;
    int n = take_ahead(reader, &bytes);

    if (n <= 0)
        return n;
    if (length > (unsigned)n)
        length = (unsigned)n;
    memcpy(to, bytes, length);
    reader->rest = bytes + length;
    reader->rest_length = (unsigned)n - length;
    if (reader->rest_length == 0)
        ahead_give_back(reader->ahead);
    return (int)length;
}

static int
read_piece(reader_t *reader, unsigned length)
{
    char *to = reader->own + reader->end;

    if (reader->ahead != NULL)
        return copy_ahead(reader, to, length);
    if (length > piece_length(reader))
        length = piece_length(reader);
    return gzread(reader->file, to, length);
}

/* Count what was read; an end or a failure is one of the input. */
static jep_status_t
count_read(reader_t *reader, int n, struct jep_error *error)
{
    int code = Z_OK;

    /* zlib reports compressed data without its end as an end. */
    if (n == 0)
        (void)gzerror(reader->file, &code);
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
        return is_damaged(reader) ? JEP_OK : read_failed(reader, error);
    reader->at_end = n == 0;
    reader->end += (size_t)n;
    reader->total += (size_t)n;
    return JEP_OK;
}

/* Lines are looked for again, from the unread part on. */
static void
forget_lines(reader_t *reader)
{
    reader->scanned = reader->start;
    reader->next = reader->found.count = 0;
    reader->found.open = 0;
}

/* Make room for `size` bytes. */
static jep_status_t
grow(reader_t *reader, size_t size, struct jep_error *error)
{
    bool is_used = reader->buffer == reader->own;
    char *own = realloc(reader->own, size + 1);

    if (own == NULL)
        return perr_memory(error);
    reader->own = own;
    reader->size = size;
    if (is_used)
        reader->buffer = own;
    return JEP_OK;
}

/* Move the unread part to the start of `buffer`.  A piece that held it is not
 * needed any more. */
static void
move_unread(reader_t *reader, char *buffer)
{
    size_t have = reader->end - reader->start;

    if (have > 0 && buffer != reader->buffer + reader->start)
        memmove(buffer, reader->buffer + reader->start, have);
    if (reader->buffer != reader->own)
        ahead_give_back(reader->ahead);
    reader->buffer = buffer;
    reader->scanned -= reader->start;
    reader->start = 0;
    reader->end = have;
}

/* Go on in the next piece that was read ahead, before which the unread part
 * has room. */
static jep_status_t
fill_ahead(reader_t *reader, struct jep_error *error)
{
    char *bytes;
    int n = take_ahead(reader, &bytes);

    if (n > 0)
        move_unread(reader, bytes - (reader->end - reader->start));
    return count_read(reader, n, error);
}

/* Fill up behind the unread part in the buffer of our own. */
static jep_status_t
fill_own(reader_t *reader, struct jep_error *error)
{
    size_t size = reader->size;
    jep_status_t status = JEP_OK;

    while (size <= reader->end - reader->start)
        size *= 2;
    if (size > reader->size)
        status = grow(reader, size, error);
    if (status == JEP_OK)
        move_unread(reader, reader->own);
    while (status == JEP_OK && !reader->at_end && reader->end < reader->size)
        status = count_read(
            reader, read_piece(reader, (unsigned)(reader->size - reader->end)),
            error);
    return status;
}

/* Move the unread part to the front and read on behind it. */
static jep_status_t
fill(reader_t *reader, struct jep_error *error)
{
    jep_status_t status;

    if (reader->at_end)
        return JEP_OK;
    if (reader->next < reader->found.count)
        forget_lines(reader);
    go_ahead(reader);
    if (reader->ahead != NULL && reader->end - reader->start <= AHEAD_ROOM)
        status = fill_ahead(reader, error);
    else
        status = fill_own(reader, error);
    if (status == JEP_OK && reader->total > READER_INPUT_MAX)
        return perr_set(error, JEP_ERR_LIMIT, 0, 0,
                        "is larger than 16 GiB; this is no dump");
    return status;
}

jep_status_t
reader_peek(reader_t *reader, const char **data, size_t *length,
            struct jep_error *error)
{
    jep_status_t status = JEP_OK;

    /* What is left of a piece may be little. */
    while (status == JEP_OK && reader->end - reader->start < READER_CHUNK &&
           !reader->at_end)
        status = fill(reader, error);
    *data = reader->buffer + reader->start;
    *length = reader->end - reader->start;
    if (*length > READER_CHUNK)
        *length = READER_CHUNK;
    return status;
}

jep_status_t
reader_block(reader_t *reader, const char **data, size_t *length,
             struct jep_error *error)
{
    jep_status_t status = JEP_OK;

    if (reader->start == reader->end)
        status = fill(reader, error);
    *data = reader->buffer + reader->start;
    *length = reader->end - reader->start;
    reader->start = reader->end;
    forget_lines(reader);
    return status;
}

void
reader_unread(reader_t *reader, size_t length, uint64_t number)
{
    reader->start -= length;
    reader->line = number - 1;
    forget_lines(reader);
}

JE_NOINLINE static void
blank_nuls(char *text, size_t length)
{
    for (size_t i = strlen(text); i < length; i += strlen(text + i))
        text[i] = ' ';
}

/* Hand out `length` bytes from the front as a line. */
JE_INLINE void
take_line(reader_t *reader, size_t length, bool is_marked,
          struct reader_line *line)
{
    char *text = reader->buffer + reader->start;

    line->number = ++reader->line;
    line->text = text;
    line->returned = length > 0 && text[length - 1] == '\r';
    length -= line->returned;
    line->length = length;
    line->is_marked = is_marked;
    text[length] = '\0';
    if (is_marked)
        blank_nuls(text, length);
}

/* What is left is a line without an end. */
JE_NOINLINE static void
take_rest(reader_t *reader, struct reader_line *line)
{
    if (reader->start == reader->end)
        return;
    line->ended = false;
    take_line(reader, reader->end - reader->start,
              (reader->found.open & SCAN_MARKED) != 0, line);
    reader->start = reader->end;
    forget_lines(reader);
}

/* Read on if there is no whole line; none is found at the end, or if there is
 * one that is too long. */
JE_NOINLINE static jep_status_t
find_lines(reader_t *reader, struct jep_error *error)
{
    reader->next = reader->found.count = 0;
    for (;;) {
        jep_status_t status = JEP_OK;

        reader->scanned = scan_lines(reader->buffer, reader->scanned,
                                     reader->end, &reader->found);
        if (reader->found.count > 0 || reader->at_end)
            return JEP_OK;
        reader->is_long = reader->end - reader->start == READER_LINE_MAX;
        if (reader->is_long)
            return JEP_OK;
        status = fill(reader, error);
        if (status != JEP_OK)
            return status;
    }
}

jep_status_t
reader_line(reader_t *reader, struct reader_line *line, struct jep_error *error)
{
    uint32_t end;

    line->text = NULL;
    reader->is_long = false;
    if (reader->next == reader->found.count) {
        jep_status_t status = find_lines(reader, error);

        if (status != JEP_OK)
            return status;
        if (reader->found.count == 0) {
            if (!reader->is_long)
                take_rest(reader, line);
            return JEP_OK;
        }
    }
    end = reader->found.ends[reader->next++];
    line->ended = true;
    take_line(reader, (end >> 1) - reader->start, (end & 1) != 0, line);
    reader->start = (end >> 1) + 1;
    return JEP_OK;
}

void
reader_run_begin(const reader_t *reader, struct reader_run *run)
{
    run->buffer = reader->buffer;
    run->ends = reader->found.ends + reader->next;
    run->last = reader->found.ends + reader->found.count;
    run->start = reader->start;
    run->number = reader->line;
}

void
reader_run_end(reader_t *reader, const struct reader_run *run)
{
    reader->next = (size_t)(run->ends - reader->found.ends);
    reader->start = run->start;
    reader->line = run->number;
}

bool
reader_is_long(const reader_t *reader)
{
    return reader->is_long;
}

static void
skip_note(reader_t *reader, uint64_t bytes)
{
    struct reader_skip *skip = &reader->skips[reader->skip_count];

    if (reader->skip_count == READER_SKIPS_MAX)
        skip--;
    else
        *skip = (struct reader_skip){.line = reader->line};
    reader->skip_count += skip->lines == 0;
    skip->lines++;
    skip->bytes += bytes;
}

jep_status_t
reader_skip_line(reader_t *reader, struct jep_error *error)
{
    uint64_t bytes = 0;

    reader->line++;
    for (;;) {
        const char *from = reader->buffer + reader->start;
        size_t have = reader->end - reader->start;
        const char *feed = memchr(from, '\n', have);
        size_t length = feed != NULL ? (size_t)(feed - from) : have;
        jep_status_t status;

        bytes += length;
        reader->start += length + (feed != NULL);
        forget_lines(reader);
        if (feed != NULL || reader->at_end)
            break;
        status = fill(reader, error);
        if (status != JEP_OK)
            return status;
    }
    skip_note(reader, bytes);
    return JEP_OK;
}

const struct reader_skip *
reader_skips(const reader_t *reader, size_t *count)
{
    *count = reader->skip_count;
    return reader->skips;
}

uint64_t
reader_line_number(const reader_t *reader)
{
    return reader->line;
}

const char *
reader_damage(const reader_t *reader)
{
    return reader->damage;
}
