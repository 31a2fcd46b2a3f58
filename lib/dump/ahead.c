/* Lines of a large file, read and repaired by a thread of their own while those
 * before them are understood. */
#include "dump/ahead.h"

#include "dump/perr.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES     3 /* one is read, one is ready, one is written */
#define BATCH_LINES 512
#define BATCH_BYTES ((size_t)65536)

struct batch {
    struct text_line lines[BATCH_LINES];
    size_t count;
    char *text; /* of all its lines, each with a NUL behind it */
    size_t size;
    bool is_last; /* the lines end with it, or the thread could not go on */
    jep_status_t status;
};

struct ahead {
    reader_t *reader;
    repairer_t *repairer;
    struct text_line line; /* without the thread */
    bool is_tried, is_running;
    pthread_t thread;
    struct jep_error error; /* of the thread */
    struct batch batches[BATCHES];
    size_t next; /* line of the batch that is being read */

    /* read <= written <= read + BATCHES */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t written, read; /* batches so far */
    bool is_over;         /* nobody wants more */
};

ahead_t *
ahead_new(reader_t *reader, repairer_t *repairer)
{
    ahead_t *ahead = calloc(1, sizeof(*ahead));

    if (ahead == NULL)
        return NULL;
    ahead->reader = reader;
    ahead->repairer = repairer;
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    return ahead;
}

/* Wait for a batch to write; false: nobody wants one. */
static bool
wait_to_write(ahead_t *ahead)
{
    bool is_over;

    pthread_mutex_lock(&ahead->mutex);
    while (!ahead->is_over && ahead->written == ahead->read + BATCHES)
        pthread_cond_wait(&ahead->changed, &ahead->mutex);
    is_over = ahead->is_over;
    pthread_mutex_unlock(&ahead->mutex);
    return !is_over;
}

static void
wait_to_read(ahead_t *ahead)
{
    pthread_mutex_lock(&ahead->mutex);
    while (ahead->written == ahead->read)
        pthread_cond_wait(&ahead->changed, &ahead->mutex);
    pthread_mutex_unlock(&ahead->mutex);
}

/* Tell the other thread that one of the counts went up, or that it is over. */
static void
tell(ahead_t *ahead, size_t written, size_t read, bool is_over)
{
    pthread_mutex_lock(&ahead->mutex);
    ahead->written += written;
    ahead->read += read;
    ahead->is_over |= is_over;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->mutex);
}

/* Put text behind the `used` bytes that the batch has. */
static jep_status_t
text_add(struct batch *batch, const char *from, size_t length, size_t *used,
         struct jep_error *error)
{
    size_t need = *used + length + 1;

    if (need > batch->size) {
        char *text = realloc(batch->text, JE_MAX(need, BATCH_BYTES));

        if (text == NULL)
            return perr_memory(error);
        batch->text = text;
        batch->size = JE_MAX(need, BATCH_BYTES);
    }
    memcpy(batch->text + *used, from, length);
    batch->text[need - 1] = '\0';
    *used = need;
    return JEP_OK;
}

static jep_status_t
line_add(struct batch *batch, const struct text_line *line, size_t *used,
         struct jep_error *error)
{
    jep_status_t status =
        text_add(batch, line->text, line->length, used, error);

    if (status == JEP_OK && line->grouped != NULL)
        status =
            text_add(batch, line->grouped, line->grouped_length, used, error);
    if (status == JEP_OK)
        batch->lines[batch->count++] = *line;
    return status;
}

/* The text of the lines does not move any more. */
static void
place_lines(struct batch *batch)
{
    char *text = batch->text;

    for (size_t i = 0; i < batch->count; i++) {
        struct text_line *line = &batch->lines[i];

        line->text = text;
        text += line->length + 1;
        if (line->grouped == NULL)
            continue;
        line->grouped = text;
        text += line->grouped_length + 1;
    }
}

/* Read and repair as many lines as a batch has room for. */
static void
batch_write(ahead_t *ahead, struct batch *batch)
{
    struct text_line line;
    size_t used = 0;

    batch->count = 0;
    do {
        batch->status = repair_line(ahead->repairer, &line, &ahead->error);
        batch->is_last = batch->status != JEP_OK || line.text == NULL;
        if (!batch->is_last)
            batch->status = line_add(batch, &line, &used, &ahead->error);
        batch->is_last |= batch->status != JEP_OK;
    } while (!batch->is_last && batch->count < BATCH_LINES &&
             used < BATCH_BYTES);
    place_lines(batch);
}

static void *
run(void *arg)
{
    ahead_t *ahead = arg;
    struct batch *batch;
    size_t count = 0;

    do {
        batch = &ahead->batches[count++ % BATCHES];
        if (!wait_to_write(ahead))
            break;
        batch_write(ahead, batch);
        tell(ahead, 1, 0, false);
    } while (!batch->is_last);
    return NULL;
}

static bool
has_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

/* Signals are the business of the threads that were there before. */
static bool
start(ahead_t *ahead)
{
    sigset_t all, before;
    bool is_started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    is_started = pthread_create(&ahead->thread, NULL, run, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

static void
start_if_large(ahead_t *ahead, const struct jep_error *error)
{
    if (ahead->is_tried || reader_file_bytes(ahead->reader) < AHEAD_FROM)
        return;
    ahead->is_tried = true;
    if (!has_processors())
        return;
    ahead->error = *error;
    ahead->is_running = start(ahead);
    if (ahead->is_running)
        wait_to_read(ahead);
}

static void
stop(ahead_t *ahead)
{
    if (!ahead->is_running)
        return;
    tell(ahead, 0, 0, true);
    pthread_join(ahead->thread, NULL);
    ahead->is_running = false;
}

static jep_status_t
line_read(ahead_t *ahead, const struct text_line **line,
          struct jep_error *error)
{
    jep_status_t status = repair_line(ahead->repairer, &ahead->line, error);

    *line = ahead->line.text != NULL ? &ahead->line : NULL;
    return status;
}

jep_status_t
ahead_line(ahead_t *ahead, const struct text_line **line,
           struct jep_error *error)
{
    struct batch *batch;

    *line = NULL;
    start_if_large(ahead, error);
    if (!ahead->is_running)
        return line_read(ahead, line, error);
    batch = &ahead->batches[ahead->read % BATCHES];
    while (ahead->next == batch->count && !batch->is_last) {
        tell(ahead, 0, 1, false);
        wait_to_read(ahead);
        batch = &ahead->batches[ahead->read % BATCHES];
        ahead->next = 0;
    }
    if (ahead->next < batch->count) {
        *line = &batch->lines[ahead->next++];
        return JEP_OK;
    }
    stop(ahead);
    if (batch->status != JEP_OK)
        *error = ahead->error;
    return batch->status;
}

void
ahead_free(ahead_t *ahead)
{
    if (ahead == NULL)
        return;
    stop(ahead);
    for (size_t i = 0; i < BATCHES; i++)
        free(ahead->batches[i].text);
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->mutex);
    free(ahead);
}
