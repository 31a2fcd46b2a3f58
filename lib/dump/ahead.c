/* Bytes that are read before anybody asks for them.
 *
 * The thread fills pieces in a ring, which is shared by their numbers: those
 * from `taken` on, below `filled`, are the caller's, the others the thread's.
 *
 *     taken <= next <= filled <= taken + PIECES
 *
 * The caller has two at most, of [taken, next), and waits where filled == next;
 * the thread where filled > taken + FEW, so that both never wait. */
#include "dump/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PIECES     8
#define FEW        2 /* are left when the thread goes on */
#define PIECE_SIZE ((unsigned)128 << 10)
#define STACK_SIZE ((size_t)256 << 10)

struct piece {
    unsigned length;   /* of `bytes` */
    int result, error; /* what gzread() returned last, and errno */
    char *bytes;
};

struct ahead {
    gzFile file;
    unsigned step; /* of one gzread() */
    pthread_t thread;
    uint64_t next;     /* piece */
    int result, error; /* of the one before */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t taken, filled; /* pieces */
    bool is_stopped;

    struct piece pieces[PIECES];
    char bytes[PIECES][AHEAD_ROOM + PIECE_SIZE + 1];
};

/* One that ends or fails is the last. */
static void
piece_fill(const struct ahead *ahead, struct piece *piece)
{
    piece->length = 0;
    do {
        unsigned length = PIECE_SIZE - piece->length;

        if (length > ahead->step)
            length = ahead->step;
        errno = 0;
        piece->result =
            gzread(ahead->file, piece->bytes + piece->length, length);
        piece->error = errno;
        if (piece->result > 0)
            piece->length += (unsigned)piece->result;
    } while (piece->length < PIECE_SIZE && piece->result > 0);
}

/* Wait until there is room, then for so much that it pays to wake up for it;
 * false: there is nothing more to do. */
static bool
wait_for_room(struct ahead *ahead)
{
    bool goes_on;

    (void)pthread_mutex_lock(&ahead->lock);
    if (ahead->filled == ahead->taken + PIECES) {
        while (!ahead->is_stopped && ahead->filled > ahead->taken + FEW)
            (void)pthread_cond_wait(&ahead->changed, &ahead->lock);
    }
    goes_on = !ahead->is_stopped;
    (void)pthread_mutex_unlock(&ahead->lock);
    return goes_on;
}

static void
count_filled(struct ahead *ahead)
{
    (void)pthread_mutex_lock(&ahead->lock);
    if (ahead->filled++ == ahead->next)
        (void)pthread_cond_signal(&ahead->changed);
    (void)pthread_mutex_unlock(&ahead->lock);
}

static void *
read_all(void *context)
{
    struct ahead *ahead = context;
    uint64_t number = 0;
    int result = 1;

    while (result > 0 && wait_for_room(ahead)) {
        struct piece *piece = &ahead->pieces[number++ % PIECES];

        piece_fill(ahead, piece);
        result = piece->result;
        count_filled(ahead);
    }
    return NULL;
}

/* Signals are for the program's own threads. */
static bool
start_thread(struct ahead *ahead)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    bool is_started;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    is_started =
        pthread_create(&ahead->thread, &attributes, read_all, ahead) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return is_started;
}

static void
destroy(struct ahead *ahead)
{
    (void)pthread_cond_destroy(&ahead->changed);
    (void)pthread_mutex_destroy(&ahead->lock);
    free(ahead);
}

ahead_t *
ahead_start(gzFile file, unsigned step)
{
    struct ahead *ahead = malloc(sizeof(*ahead));

    if (ahead == NULL)
        return NULL;
    ahead->file = file;
    ahead->step = step;
    ahead->next = ahead->taken = ahead->filled = 0;
    ahead->result = 1;
    ahead->is_stopped = false;
    for (unsigned i = 0; i < PIECES; i++)
        ahead->pieces[i].bytes = ahead->bytes[i] + AHEAD_ROOM;
    (void)pthread_mutex_init(&ahead->lock, NULL);
    (void)pthread_cond_init(&ahead->changed, NULL);
    if (start_thread(ahead))
        return ahead;
    destroy(ahead);
    return NULL;
}

static const struct piece *
wait_for_piece(struct ahead *ahead)
{
    uint64_t number;

    (void)pthread_mutex_lock(&ahead->lock);
    while (ahead->filled == ahead->next)
        (void)pthread_cond_wait(&ahead->changed, &ahead->lock);
    number = ahead->next++;
    (void)pthread_mutex_unlock(&ahead->lock);
    return &ahead->pieces[number % PIECES];
}

int
ahead_next(ahead_t *ahead, char **bytes)
{
    if (ahead->result > 0) {
        const struct piece *piece = wait_for_piece(ahead);

        ahead->result = piece->result;
        ahead->error = piece->error;
        *bytes = piece->bytes;
        if (piece->length > 0)
            return (int)piece->length;
    }
    errno = ahead->error;
    return ahead->result;
}

void
ahead_give_back(ahead_t *ahead)
{
    (void)pthread_mutex_lock(&ahead->lock);
    if (ahead->filled == ++ahead->taken + FEW)
        (void)pthread_cond_signal(&ahead->changed);
    (void)pthread_mutex_unlock(&ahead->lock);
}

void
ahead_stop(ahead_t *ahead)
{
    (void)pthread_mutex_lock(&ahead->lock);
    ahead->is_stopped = true;
    (void)pthread_cond_signal(&ahead->changed);
    (void)pthread_mutex_unlock(&ahead->lock);
    (void)pthread_join(ahead->thread, NULL);
    destroy(ahead);
}
